"""A workflow in a scenario's own words as a state machine."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from simulator.aws.step_functions.conditions import Asked
from simulator.aws.step_functions.data_flow import Merged
from simulator.aws.step_functions.expressions import ExpressionProblem, Query
from simulator.aws.step_functions.retries import Retrier
from simulator.aws.step_functions.states import (
    NEVER_US,
    Batching,
    Call,
    Catcher,
    Choice,
    Data,
    Fail,
    Machine,
    Map,
    Parallel,
    Pass,
    State,
    Succeed,
    Task,
    Wait,
)
from simulator.scenario.problems import Finding, nearest_or_known, shown
from simulator.scenario.workflow_words import END, Step


class OwnWords:
    """Reads states; ``findings`` are what is wrong, at paths below the workflow."""

    def __init__(
        self,
        branches: Mapping[str, Mapping[str, Step]],
        call: Callable[[str, Call], Call],
    ) -> None:
        self.findings: list[Finding] = []
        self.places: dict[str, tuple[str, ...]] = {}
        self._branches = branches
        self._call = call
        self._open: list[str] = []
        self._used: set[str] = set()

    def whole(self, states: Mapping[str, Step], timeout_us: int | None) -> Machine:
        """Give the machine of a workflow's own states."""
        machine = self._machine(states, ("states",))
        for name in self._branches:
            if name not in self._used:
                self.findings.append(Finding(("branches", name), "is used by no state"))
        follows = any(isinstance(state, Choice) and not state.shares for state in machine.whole())
        return Machine(machine.start, machine.states, timeout_us, follows)

    def _machine(self, steps: Mapping[str, Step], path: tuple[str, ...]) -> Machine:
        names = list(steps)
        states: dict[str, State] = {}
        for index, (name, step) in enumerate(steps.items()):
            if name in self.places:
                self.findings.append(
                    Finding((*path, name), "is the name of another state of the workflow too")
                )
            self.places[name] = (*path, name)
            following = step.next or (names[index + 1] if index + 1 < len(names) else END)
            states[name] = self._state(name, step, None if following == END else following, (*path, name))
        self._targets(steps, states, path)
        return Machine(names[0] if names else "", states)

    def _targets(self, steps: Mapping[str, Step], states: Mapping[str, State], path: tuple[str, ...]) -> None:
        reached, ahead = set(), list(states)[:1]
        while ahead:
            name = ahead.pop()
            if name in reached:
                continue
            reached.add(name)
            for place, target in _named(steps[name], states[name]):
                if target in states:
                    ahead.append(target)
                else:
                    message = (
                        f"is {shown(target)}; there is no such state here, {nearest_or_known(target, states)}"
                    )
                    self.findings.append(Finding((*path, name, *place), message))
        if not self.findings:
            for name in states:
                if name not in reached:
                    self.findings.append(Finding((*path, name), "cannot be reached from the first state"))

    def _state(self, name: str, step: Step, following: str | None, path: tuple[str, ...]) -> State:
        match step.kind:
            case "choice":
                assert step.choice is not None
                return Choice(name, shares=tuple(step.choice.items()))
            case "rules":
                return self._rules(name, step, path)
            case "wait":
                return Wait(name, following, step.wait)
            case "succeed":
                return Succeed(name)
            case "fail":
                return Fail(name, step.fail or "")
            case "do_nothing":
                return Pass(name, following)
            case "parallel":
                branches = [
                    self._branch(one, (*path, "parallel", str(place)))
                    for place, one in enumerate(step.parallel or ())
                ]
                return Parallel(name, following, tuple(branches), _retriers(step), _catchers(step), _KEPT)
            case "map":
                return self._map(name, step, following, path)
        call = self._call(name, _call(step))
        flow = None if step.result is None else Merged()
        timeout = step.timeout or NEVER_US
        return Task(
            name, following, call, timeout, step.heartbeat, _retriers(step), _catchers(step), flow or _KEPT
        )

    def _rules(self, name: str, step: Step, path: tuple[str, ...]) -> Choice:
        rules = []
        for index, one in enumerate(step.rules or ()):
            try:
                rules.append((Asked(Query(one.when), bare=True), one.next))
            except ExpressionProblem as problem:
                self.findings.append(
                    Finding((*path, "rules", index, "when"), f"is {shown(one.when)}; {problem}")
                )
        return Choice(name, tuple(rules), step.otherwise)

    def _map(self, name: str, step: Step, following: str | None, path: tuple[str, ...]) -> Map:
        each = step.map
        assert each is not None
        batching = None
        if each.batch_items is not None or each.batch_bytes is not None:
            batching = Batching(each.batch_items, each.batch_bytes)
        return Map(
            name,
            following,
            self._branch(each.branch, (*path, "map", "branch")),
            distributed=each.mode == "distributed",
            express=each.mode == "distributed" and each.children == "express",
            max_concurrency=each.concurrency,
            counts=tuple(each.items.items()),
            item_bytes=each.item_size,
            batching=batching,
            tolerated_items=each.tolerated_items,
            tolerated_share=each.tolerated_share,
            retriers=_retriers(step),
            catchers=_catchers(step),
            flow=_KEPT,
        )

    def _branch(self, name: str, path: tuple[str, ...]) -> Machine:
        if name not in self._branches:
            message = f"is {name}; there is no such branch, {nearest_or_known(name, self._branches)}"
            self.findings.append(Finding(path, message))
            return Machine("", {})
        if name in self._used:
            inside = "is inside itself" if name in self._open else "is used twice; names of states are unique"
            self.findings.append(Finding(path, f"is {name}, which {inside}"))
            return Machine("", {})
        self._used.add(name)
        self._open.append(name)
        machine = self._machine(self._branches[name], ("branches", name))
        self._open.pop()
        return machine


class _Kept:
    """The document goes on as it was, whatever came of the state."""

    def enter(self, data: Data) -> Any:
        return data.document

    def leave(self, data: Data, given: Any, result: Any) -> Data:
        return data


_KEPT: Final = _Kept()


def _call(step: Step) -> Call:
    for kind in ("function", "queue", "topic", "workflow", "activity"):
        if (name := getattr(step, kind)) is not None:
            return Call(kind, name, step.pattern)
    return Call("service", "", step.pattern)


def _retriers(step: Step) -> tuple[Retrier, ...]:
    return tuple(
        Retrier(
            one.errors,
            interval_us=one.interval,
            backoff_rate=one.backoff_rate,
            max_attempts=one.max_attempts,
            max_delay_us=one.max_delay,
            jitter="FULL" if one.jitter == "full" else "NONE",
        )
        for one in step.retry
    )


def _catchers(step: Step) -> tuple[Catcher, ...]:
    return tuple(Catcher(frozenset({error}), state, _KEPT) for error, state in step.catch.items())


def _named(step: Step, state: State) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Give every state that another names, with where below it that stands."""
    if state.next is not None:
        yield ("next",), state.next
    if isinstance(state, Choice):
        for target in step.choice or ():
            yield ("choice", target), target
        for index, rule in enumerate(step.rules or ()):
            yield ("rules", index, "next"), rule.next
        if step.otherwise is not None:
            yield ("otherwise",), step.otherwise
    for error, target in step.catch.items():
        yield ("catch", error), target
