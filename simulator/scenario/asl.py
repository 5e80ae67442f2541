"""Amazon States Language: from a definition as JSON to a state machine as plain values, or to what is wrong
with it.

The rules are those of the language (states-language.net) and of AWS's guide. A field that is known there and
not supported here is named; so is a field that nobody knows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.aws.step_functions.expressions import Path, Query, query_in
from simulator.aws.step_functions.retries import Retrier
from simulator.aws.step_functions.states import (
    NEVER_US,
    Call,
    Catcher,
    Choice,
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
from simulator.scenario.asl_data import FIELDS, QUERIES, catcher_flow, condition, flow_of, foreign, made
from simulator.scenario.asl_maps import map_fields
from simulator.scenario.asl_parts import Part
from simulator.scenario.asl_tasks import call_of
from simulator.scenario.problems import Finding, nearest_or_known, shown
from simulator.scenario.reading import KeyPath
from simulator.scenario.units import kind_of

_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "Task": frozenset({"Resource", "TimeoutSeconds", "HeartbeatSeconds", "Retry", "Catch", "Credentials"}),
    "Pass": frozenset({"Result"}),
    "Choice": frozenset({"Choices", "Default"}),
    "Wait": frozenset({"Seconds", "SecondsPath"}),
    "Succeed": frozenset(),
    "Fail": frozenset({"Error", "Cause", "CausePath"}),
    "Parallel": frozenset({"Branches", "Retry", "Catch"}),
    "Map": frozenset(
        {"ItemProcessor", "Iterator", "ItemsPath", "Items", "ItemSelector", "ItemReader", "ItemBatcher"}
        | {"ResultWriter", "MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage", "Label"}
        | {"Retry", "Catch"}
    ),
}
_STATED: Final = "write the number itself"
_UNSUPPORTED: Final = {
    "TimeoutSecondsPath": _STATED,
    "HeartbeatSecondsPath": _STATED,
    "MaxConcurrencyPath": _STATED,
    "ToleratedFailureCountPath": _STATED,
    "ToleratedFailurePercentagePath": _STATED,
    "Timestamp": "a run has no calendar; write Seconds",
    "TimestampPath": "a run has no calendar; write Seconds or SecondsPath",
    "ErrorPath": "write the Error itself",
}
_ENDS: Final = ("Succeed", "Fail")


@dataclass(frozen=True)
class Stated:
    """What a scenario states beside a definition.

    ``shares``: next states of a Choice; ``counts``: items of a Map; ``call``: the thing of the scenario that
    a task's call means; ``item_bytes``: size of the items of a Map.
    """

    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    counts: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    item_bytes: Mapping[str, int] = field(default_factory=dict)
    call: Callable[[str, Call], Call] = lambda name, call: call


@dataclass
class Definition:
    """A definition that was read: the machine, what is wrong with it, and where each of its states stands."""

    machine: Machine
    findings: list[Finding]
    places: dict[str, KeyPath]


def read_definition(value: Any, stated: Stated | None = None) -> Definition:
    """Read a definition. Findings have their paths from its top; with any, the machine is not to be run."""
    reader = _Reader(stated or Stated())
    part = Part(value, (), reader.findings, reader.data)
    part.only({"StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"}, {})
    machine = reader.machine(part, part.word("QueryLanguage", tuple(FIELDS), "JSONPath"))
    follows = _follows(machine)
    findings = reader.findings + (reader.data if follows else [])
    whole = Machine(machine.start, machine.states, part.us("TimeoutSeconds"), follows)
    return Definition(whole, findings, reader.places)


def _follows(machine: Machine) -> bool:
    for state in machine.whole():
        if isinstance(state, Choice) and not state.shares:
            return True
        if (isinstance(state, Map) and not state.counts) or (isinstance(state, Wait) and state.seconds):
            return True
    return False


class _Reader:
    """Reads the states of one definition."""

    def __init__(self, stated: Stated) -> None:
        self.stated = stated
        self.findings: list[Finding] = []
        self.data: list[Finding] = []
        self.places: dict[str, KeyPath] = {}

    def machine(self, part: Part, language: str) -> Machine:
        """Read a machine, a branch or a processor."""
        start = part.text("StartAt", required=True)
        if "States" not in part:
            part.wrong("States", "is missing")
            return Machine(start, {})
        inside = part.at("States")
        if isinstance(part.value["States"], Mapping) and not inside.value:
            part.wrong("States", "is empty; a state is due")
        states: dict[str, State] = {}
        for name in inside.value:
            if name in self.places:
                inside.wrong(name, "is the name of another state too; names are unique in the whole machine")
            self.places[name] = (*inside.path, name)
            if (state := self._state(name, inside.at(name), language)) is not None:
                states[name] = state
        self._targets(part, inside, start, states)
        return Machine(start, states)

    def _targets(self, part: Part, inside: Part, start: str, states: Mapping[str, State]) -> None:
        """Check where a machine starts and where its states go on."""
        known = list(inside.value)
        if start and known and start not in inside:
            part.wrong(
                "StartAt", f"is {shown(start)}; there is no such state, {nearest_or_known(start, known)}"
            )
            return
        whole = True
        for path, target in _named(states, self.places):
            if target not in inside:
                hint = nearest_or_known(target, known)
                self.findings.append(
                    Finding(path, f"is {shown(target)}; there is no such state here, {hint}")
                )
                whole = False
        if whole and len(states) == len(known) and start:
            reached = _reached(states, start)
            for name in states:
                if name not in reached:
                    inside.wrong(name, "cannot be reached from StartAt")

    def _state(self, name: str, part: Part, language: str) -> State | None:
        if not part.value:
            return None
        kind = part.text("Type", required=True)
        if kind not in _FIELDS:
            if kind:
                part.wrong("Type", f"is {shown(kind)}; {nearest_or_known(kind, _FIELDS)}")
            return None
        if "QueryLanguage" in part:
            language = part.word("QueryLanguage", tuple(FIELDS), language)
        goes_on = set() if kind in (*_ENDS, "Choice") else {"Next", "End"}
        known = {"Type", "QueryLanguage", *goes_on, *_FIELDS[kind], *FIELDS[language]}
        part.only(known, {**foreign(language), **_UNSUPPORTED})
        following = _following(part) if goes_on else None
        read = getattr(self, f"_{kind.lower()}")
        found: State = read(name, following, part, language)
        return found

    def _task(self, name: str, following: str | None, part: Part, language: str) -> State:
        call, payload = call_of(part)
        timeout, heartbeat = part.us("TimeoutSeconds"), part.us("HeartbeatSeconds")
        if heartbeat is not None and heartbeat >= (timeout or NEVER_US):
            part.wrong("HeartbeatSeconds", "must be less than TimeoutSeconds")
        flow = flow_of(part, language, task=True, payload=payload)
        retriers, catchers = _retriers(part), _catchers(part, language)
        call = self.stated.call(name, call)
        return Task(name, following, call, timeout or NEVER_US, heartbeat, retriers, catchers, flow)

    def _pass(self, name: str, following: str | None, part: Part, language: str) -> State:
        return Pass(name, following, flow_of(part, language))

    def _succeed(self, name: str, following: str | None, part: Part, language: str) -> State:
        return Succeed(name, flow_of(part, language))

    def _fail(self, name: str, following: str | None, part: Part, language: str) -> State:
        return Fail(name, part.text("Error"))

    def _wait(self, name: str, following: str | None, part: Part, language: str) -> State:
        given = [key for key in ("Seconds", "SecondsPath") if key in part]
        if len(given) != 1:
            if not any(key in part for key in ("Timestamp", "TimestampPath")):
                self.findings.append(
                    Finding(part.path, "waits for Seconds or SecondsPath; one of them is due")
                )
            return Wait(name, following, 0)
        flow = flow_of(part, language)
        if given == ["SecondsPath"]:
            seconds = made(part, "SecondsPath", part.text("SecondsPath", default="$"), Path)
            return Wait(name, following, None, seconds, flow)
        query = _query_of(part, "Seconds") if language == QUERIES else None
        if query is not None:
            return Wait(name, following, None, query, flow)
        return Wait(name, following, part.us("Seconds", 0) or 0, None, flow)

    def _choice(self, name: str, following: str | None, part: Part, language: str) -> State:
        rules, flows = [], []
        choices = part.each("Choices")
        if not choices:
            part.wrong("Choices", "has no rule; one is due" if "Choices" in part else "is missing")
        for one in choices:
            holds, target = condition(one, language, top=True), one.text("Next", required=True)
            if holds is not None:
                rules.append((holds, target))
                flows.append(flow_of(one, language) if language == QUERIES else None)
            elif target:
                rules.append((_NEVER, target))  # so that the state it names is checked; it is not run
                flows.append(None)
        default = part.text("Default") or None
        shares = tuple(self.stated.shares.get(name, {}).items())
        return Choice(name, tuple(rules), default, shares, flow_of(part, language), tuple(flows))

    def _parallel(self, name: str, following: str | None, part: Part, language: str) -> State:
        branches = []
        for one in part.each("Branches"):
            one.only({"StartAt", "States"}, {})
            branches.append(self.machine(one, language))
        if not branches:
            part.wrong("Branches", "has no branch" if "Branches" in part else "is missing")
        flow = flow_of(part, language)
        return Parallel(name, following, tuple(branches), _retriers(part), _catchers(part, language), flow)

    def _map(self, name: str, following: str | None, part: Part, language: str) -> State:
        key = "Iterator" if "Iterator" in part else "ItemProcessor"
        processor = Machine("", {})
        if key in part:
            inside = part.at(key)
            inside.only({"StartAt", "States", "ProcessorConfig"}, {})
            processor = self.machine(inside, language)
        else:
            part.wrong(key, "is missing")
        counts = tuple(self.stated.counts.get(name, {}).items())
        more = map_fields(part, key, language, stated=bool(counts))
        item_bytes = self.stated.item_bytes.get(name, 1024)
        flow = flow_of(part, language, task=True)  # Parameters, where a Map has them, are its ItemSelector
        retriers, catchers = _retriers(part), _catchers(part, language)
        return Map(
            name, following, processor, counts=counts, item_bytes=item_bytes,
            retriers=retriers, catchers=catchers, flow=flow, **more,
        )  # fmt: skip


class _Never:
    """Stands in for a rule that could not be read."""

    def holds(self, data: Any, given: Any) -> bool:
        return False


_NEVER: Final = _Never()


def _query_of(part: Part, key: str) -> Query | None:
    value = part.value[key]
    text = query_in(value) if isinstance(value, str) else None
    return None if text is None else made(part, key, text, Query)


def _following(part: Part) -> str | None:
    """Give the next state; None at the end of a branch."""
    end = part.value.get("End", False)
    if not isinstance(end, bool):
        part.wrong("End", f"is {kind_of(end)}; true or false is due")
    if ("Next" in part) == (end is True):
        message = "has both Next and End" if end is True else "has neither Next nor End"
        part.findings.append(Finding(part.path, f"{message}; one of them is due"))
    return part.text("Next") or None


def _retriers(part: Part) -> tuple[Retrier, ...]:
    found = []
    for one in part.each("Retry"):
        one.only(
            {
                "ErrorEquals",
                "IntervalSeconds",
                "MaxAttempts",
                "BackoffRate",
                "MaxDelaySeconds",
                "JitterStrategy",
            },
            {},
        )
        jitter = one.word("JitterStrategy", ("NONE", "FULL"), "NONE")
        most = one.whole("MaxDelaySeconds", 1, 31_622_400, 1) if "MaxDelaySeconds" in one else None
        found.append(
            Retrier(
                one.names("ErrorEquals"),
                interval_us=one.whole("IntervalSeconds", 1, 99_999_999, 1) * 1_000_000,
                backoff_rate=one.number("BackoffRate", 1, 1_000_000, 2.0, whole=False),
                max_attempts=one.whole("MaxAttempts", 0, 99_999_999, 3),
                max_delay_us=None if most is None else most * 1_000_000,
                jitter="FULL" if jitter == "FULL" else "NONE",
            )
        )
    return tuple(found)


def _catchers(part: Part, language: str) -> tuple[Catcher, ...]:
    found = []
    for one in part.each("Catch"):
        data = {"Output", "Assign"} if language == QUERIES else {"ResultPath"}
        one.only({"ErrorEquals", "Next", *data}, foreign(language))
        errors, following = frozenset(one.names("ErrorEquals")), one.text("Next", required=True)
        found.append(Catcher(errors, following, catcher_flow(one, language)))
    return tuple(found)


def _named(states: Mapping[str, State], places: Mapping[str, KeyPath]) -> Iterator[tuple[KeyPath, str]]:
    """Give every state that another names, with where it is named."""
    for name, state in states.items():
        place = places[name]
        if state.next is not None:
            yield (*place, "Next"), state.next
        if isinstance(state, Choice):
            for index, (_, target) in enumerate(state.rules):
                if target:
                    yield (*place, "Choices", index, "Next"), target
            if state.default is not None:
                yield (*place, "Default"), state.default
        for index, catcher in enumerate(getattr(state, "catchers", ())):
            if catcher.next:
                yield (*place, "Catch", index, "Next"), catcher.next


def _reached(states: Mapping[str, State], start: str) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in reached or name not in states:
            continue
        reached.add(name)
        ahead += [target for _, target in _named({name: states[name]}, {name: ()})]
    return reached
