"""A function's CloudWatch metrics: Lambda reports a minute only where something was invoked in it."""

import math
from collections.abc import Callable
from typing import Final

from simulator.processes.functions import Function

_MILLISECOND_US: Final = 1_000


class FunctionMetrics:
    """The metrics of one function by name.

    A minute without invocations has no points: an alarm on errors then has missing data, not zeros.
    ``invocations`` and ``errors`` are those that ended in it, ``duration`` is their mean in milliseconds.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self.reads: dict[str, Callable[[int], float]] = {
            "concurrent": lambda _: function.concurrency.running or math.nan,
            "invocations": self._growth(lambda: function.ended),
            "errors": self._growth(lambda: function.errors),
            "throttles": self._growth(lambda: function.throttles),
            "duration": self._duration(),
        }

    def _growth(self, total: Callable[[], int]) -> Callable[[int], float]:
        """How much a total grew since the last read; nan where nothing was invoked meanwhile."""
        function = self._function
        before, invoked_before = 0, 0

        def read(_: int) -> float:
            nonlocal before, invoked_before
            now, invoked = total(), function.ended + function.throttles
            grown, happened = now - before, invoked > invoked_before
            before, invoked_before = now, invoked
            return grown if happened else math.nan

        return read

    def _duration(self) -> Callable[[int], float]:
        function = self._function
        ended_before, worked_before = 0, 0

        def read(_: int) -> float:
            nonlocal ended_before, worked_before
            ended, worked_us = function.ended - ended_before, function.worked_us - worked_before
            ended_before, worked_before = function.ended, function.worked_us
            return worked_us / ended / _MILLISECOND_US if ended else math.nan

        return read
