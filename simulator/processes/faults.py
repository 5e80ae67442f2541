"""Faults: what begins at its instant, and ends at another, before all else that happens there."""

from collections.abc import Callable

from simulator.processes.clock import CHANGES, Clock
from simulator.processes.conditions import Conditions, Trouble
from simulator.processes.queues import Dispatcher
from simulator.processes.throttles import Tightened


class Faults:
    """The faults of a run, each a call at its instant and one at its end.

    Nothing of a fault is there before its start, and no draw of the system's depends on one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def at(self, at: int, happen: Callable[[], object]) -> None:
        """Something happens at an instant [us]."""
        self._clock.at(at, CHANGES, _call, happen)

    def between(
        self, from_at: int, until_at: int, begin: Callable[[], object], end: Callable[[], object]
    ) -> None:
        """Something begins at an instant [us] and ends at another."""
        self.at(from_at, begin)
        self.at(until_at, end)

    def trouble(self, from_at: int, until_at: int, conditions: Conditions, trouble: Trouble) -> None:
        """A consumer or a downstream works under worse conditions for a while [us]."""
        self.between(from_at, until_at, lambda: conditions.begin(trouble), lambda: conditions.end(trouble))


def _call(happen: Callable[[], object]) -> None:
    happen()


class Refusals:
    """What faults do to the calls of a queue's consumers."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._receives, self._deletes = dispatcher.tighten()

    def throttle(self, faults: Faults, from_at: int, until_at: int, call: str, calls_per_s: int) -> None:
        """Calls beyond a rate are refused; a receive is tried again until it is answered, a delete too."""
        tightened = self._receives if call == "receive" else self._deletes
        faults.between(from_at, until_at, lambda: tightened.allow(calls_per_s), lambda: self._lift(tightened))

    def _lift(self, tightened: Tightened) -> None:
        tightened.allow(None)
        self._dispatcher.stir()

    def deny_receives(self, faults: Faults, from_at: int, until_at: int) -> None:
        """Nobody may receive."""

        def begin() -> None:
            self._receives.close(until_at)
            self._dispatcher.receives_denied = True

        faults.between(from_at, until_at, begin, self._allow_receives)

    def _allow_receives(self) -> None:
        self._dispatcher.receives_denied = False
        self._dispatcher.stir()

    def deny_deletes(self, faults: Faults, from_at: int, until_at: int) -> None:
        """Nobody may delete: what is worked comes back when its timeout ends."""
        faults.between(from_at, until_at, lambda: self._deny_deletes(True), lambda: self._deny_deletes(False))

    def _deny_deletes(self, denied: bool) -> None:
        self._dispatcher.deletes_denied = denied
