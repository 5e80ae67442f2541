"""Step Functions: a state machine walked through with data, without time, to see where the data fail it.

Every input, every stated answer of a task and every caught error is followed; of the branches of a Parallel
and the iterations of a Map each is walked, and what goes on is put together of the first end of each.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from simulator.aws.step_functions.retries import TIMEOUT
from simulator.aws.step_functions.states import (
    Choice,
    Data,
    DataError,
    Fail,
    Machine,
    Map,
    Parallel,
    State,
    Succeed,
    Task,
    Wait,
)

_MOST_STEPS: Final = 5_000
_MOST_ITEMS: Final = 20


class Trial:
    """A walk through all there may be, up to a few thousand steps.

    Parameters
    ----------
    results : callable
        Stated answers of a task, by the name of its state; one at least.

    ``failed`` are the states that the data fail, each with the first error nobody there catches.
    """

    def __init__(self, results: Callable[[str], Sequence[Any]]) -> None:
        self.failed: dict[str, DataError] = {}
        self._results = results
        self._steps = 0

    def walk(self, machine: Machine, data: Data) -> list[Data]:
        """Walk through *machine* from *data*; give the data it may end with."""
        ends: list[Data] = []
        ahead = [(machine.start, data)]
        seen: set[str] = set()
        while ahead and self._steps < _MOST_STEPS:
            name, at = ahead.pop()
            mark = json.dumps([name, at.document, at.variables], sort_keys=True, default=repr)
            if mark in seen:
                continue
            seen.add(mark)
            self._steps += 1
            state = machine.states[name]
            for following, left in self._after(state, at):
                if following is None:
                    ends.append(left)
                else:
                    ahead.append((following, left))
        return ends

    def _after(self, state: State, data: Data) -> Iterator[tuple[str | None, Data]]:
        """Give every state that may come next with its data; None for it at an end."""
        if isinstance(state, Fail):
            return
        try:
            yield from self._passed(state, data)
        except DataError as error:
            if not any(catcher.catches(error.error) for catcher in getattr(state, "catchers", ())):
                self.failed.setdefault(state.name, error)
        for catcher in getattr(state, "catchers", ()):
            error_output = {"Error": min(catcher.errors, default=TIMEOUT), "Cause": ""}
            try:
                left = data if catcher.flow is None else catcher.flow.leave(data, data.document, error_output)
            except DataError as error:
                self.failed.setdefault(state.name, error)
            else:
                yield catcher.next, left

    def _passed(self, state: State, data: Data) -> Iterator[tuple[str | None, Data]]:
        if isinstance(state, Choice):
            if state.shares:
                yield from ((target, data) for target, share in state.shares if share)
            else:
                yield state.decided(data)
            return
        flow = state.flow
        given = data.document if flow is None else flow.enter(data)
        for result in self._outcomes(state, data, given):
            left = Data(result, data.variables) if flow is None else flow.leave(data, given, result)
            yield (None if isinstance(state, Succeed) else state.next), left

    def _outcomes(self, state: State, data: Data, given: Any) -> Sequence[Any]:
        if isinstance(state, Task):
            return self._results(state.name)
        if isinstance(state, Wait):
            state.waits_us(data, given)
        if isinstance(state, Parallel):
            inside = Data(given, data.variables)
            ended = [self.walk(branch, inside) for branch in state.branches]
            return [[ends[0].document for ends in ended]] if all(ended) else []
        if isinstance(state, Map):
            items = [None] if state.counts else state.found(data, given)[:_MOST_ITEMS]
            begun = [state.iteration(data, given, index, item) for index, item in enumerate(items)]
            ended = [self.walk(state.processor, inside) for inside in begun]
            return [[ends[0].document for ends in ended]] if all(ended) else []
        return [given]
