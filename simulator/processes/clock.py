"""The agenda of a run: SimPy's events and light calls in one heap, in one total order.

The only file that touches SimPy's internals. An entry is ``(at, rank, serial, call, argument)``; at one
instant lower ranks go first, then what was put down first. ``clock.at(instant, rank, self.finish, batch)``
is "and then"; a SimPy process is a life in stages.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

import simpy
from simpy.core import EmptySchedule, StopSimulation
from simpy.events import NORMAL, Event, EventPriority

URGENT: Final = 0
"""SimPy's own: a process starts, an interrupt arrives."""
CHANGES: Final = 1
"""Faults, capacity and settings change (SimPy's ordinary events go here)."""
COMPLETIONS: Final = 2
"""Handlers end, messages are deleted."""
SENDS: Final = 3
RECEIVES: Final = 4
SAMPLES: Final = 5
"""Metrics are read."""
POLICIES: Final = 6
"""Alarms and scaling policies decide."""


class Clock(simpy.Environment):
    """A SimPy environment with whole microseconds and light calls.

    Parameters
    ----------
    reverse_ties : bool
        Let what was put down last go first inside a rank: a test of what must not depend on it.
    """

    now: int = 0  # SimPy's property, as a plain attribute: it is read at every step
    """The current instant [us]."""

    def __init__(self, *, reverse_ties: bool = False) -> None:
        super().__init__(0)
        self._agenda: list[tuple[int, int, int, Callable[[Any], object], Any]] = []
        self._serial = 0
        self._serial_step = -1 if reverse_ties else 1

    @property
    def entries(self) -> int:
        """Entries put on the agenda so far: what a run costs."""
        return abs(self._serial)

    def at(self, instant: int, rank: int, call: Callable[[Any], object], argument: Any = None) -> None:
        """Call ``call(argument)`` at *instant* [us], among its *rank*."""
        self._serial = serial = self._serial + self._serial_step
        heappush(self._agenda, (instant, rank, serial, call, argument))

    def until(self, instant: int, rank: int) -> Event:
        """An event for a process to wait for *instant* [us] at *rank*."""
        event = self.event()
        event._ok = True
        event._value = None
        self.at(instant, rank, self._occur, event)
        return event

    def next_at(self) -> float:
        """Instant of the next entry [us]; infinite when there is none."""
        return self._agenda[0][0] if self._agenda else float("inf")

    def run_until(self, end: int) -> None:
        """Do everything due before *end* [us]; then the clock stands there."""
        agenda = self._agenda
        while agenda and agenda[0][0] < end:
            at, _, _, call, argument = heappop(agenda)
            self.now = at
            call(argument)
        self.now = end

    # -- what SimPy calls ------------------------------------------------------------------------

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: float = 0) -> None:
        """Put a SimPy event on the agenda."""
        self.at(self.now + delay, priority, self._occur, event)  # type: ignore[arg-type]  # SimPy's time is int here

    def peek(self) -> float:
        """Instant of the next entry, as SimPy names it."""
        return self.next_at()

    def step(self) -> None:
        """Do the next entry, as SimPy's own ``run`` does."""
        if not self._agenda:
            raise EmptySchedule
        at, _, _, call, argument = heappop(self._agenda)
        self.now = at
        call(argument)

    def _occur(self, event: Event) -> None:
        callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]  # as SimPy does
        done = 0
        try:
            for callback in callbacks:
                done += 1
                callback(event)
        except StopSimulation:
            event.callbacks = callbacks[done:]
            self.schedule(event, EventPriority(-1))
            raise
        if not event._ok and not hasattr(event, "_defused"):
            raised = event._value
            raise type(raised)(*raised.args) from raised
