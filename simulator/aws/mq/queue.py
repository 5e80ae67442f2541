"""A queue of a broker: what is pending, by priority class and order, and what was pushed to consumers."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from simulator.aws.sqs.receipt import NEVER

_CLASSES = 3
_DEFAULT_PRIORITY = 4


def class_of(priority: int) -> int:
    """The class in which the store keeps a JMS priority 0 to 9: below 4, 4, above (KahaDB); 0 goes first."""
    return 0 if priority > _DEFAULT_PRIORITY else 1 if priority == _DEFAULT_PRIORITY else 2


class BrokerQueue:
    """An ActiveMQ queue as a state machine.

    A message is *pending* until it is pushed to a consumer and *dispatched* until it is acknowledged; no
    timer brings it back. What is given back takes its old place. Nothing expires (no time to live).

    Parameters
    ----------
    prioritized : bool
        The destination's prioritizedMessages: without it priorities are ignored (ActiveMQ's default).
    """

    delay_us = 0
    max_in_flight = NEVER

    def __init__(self, prioritized: bool = False) -> None:
        self._prioritized = prioritized
        self._pending: list[tuple[int, int]] = []  # (class, copy): copies are numbered as they come
        self._class: dict[int, int] = {}  # of copies of another class than the middle one
        self._sent_at: dict[int, int] = {}
        self._dispatched: dict[int, None] = {}

    def send(self, now: int, copy: int, priority: int = _DEFAULT_PRIORITY) -> None:
        """A message comes at *now* [us]."""
        place = class_of(priority) if self._prioritized else class_of(_DEFAULT_PRIORITY)
        if place != class_of(_DEFAULT_PRIORITY):
            self._class[copy] = place
        self._sent_at[copy] = now
        heappush(self._pending, (place, copy))

    def send_messages(self, sent_at: list[int], copies: list[int]) -> None:
        """Messages of the default priority come at *sent_at* [us], ascending."""
        self._sent_at.update(zip(copies, sent_at, strict=True))
        self._pending += [(class_of(_DEFAULT_PRIORITY), copy) for copy in copies]
        heapify(self._pending)

    def move_in(self, now: int, copies: list[int], sent_at: list[int], receive_counts: list[int]) -> None:
        """Messages come from another queue of the broker."""
        self.send_messages([now] * len(copies), copies)

    def dispatch(self) -> int:
        """Take the next pending message for a consumer; there must be one."""
        copy = heappop(self._pending)[1]
        self._dispatched[copy] = None
        return copy

    def give_back(self, copy: int) -> None:
        """A consumer is gone: what it had not acknowledged is pending again, at its old place."""
        del self._dispatched[copy]
        heappush(self._pending, (self._class.get(copy, class_of(_DEFAULT_PRIORITY)), copy))

    def acknowledge(self, copy: int) -> None:
        """A dispatched message is done with."""
        del self._dispatched[copy]
        self._forget(copy)

    def lose(self, copies: set[int]) -> list[int]:
        """The broker lost what was pending in its memory only: those of *copies* that are gone now."""
        gone = [copy for _, copy in self._pending if copy in copies]
        if gone:
            self._pending = [entry for entry in self._pending if entry[1] not in copies]
            heapify(self._pending)
        for copy in gone:
            self._forget(copy)
        return sorted(gone)

    def _forget(self, copy: int) -> None:
        del self._sent_at[copy]
        self._class.pop(copy, None)

    # -- counts, as of a queue of SQS --------------------------------------------------------------

    @property
    def pending(self) -> int:
        """Messages that were pushed to nobody."""
        return len(self._pending)

    @property
    def in_flight_count(self) -> int:
        """Messages pushed and not acknowledged (ActiveMQ's InFlightCount)."""
        return len(self._dispatched)

    def visible(self, now: int) -> int:
        """Messages that were pushed to nobody."""
        return len(self._pending)

    def delayed(self, now: int) -> int:
        """None is ever delayed."""
        return 0

    def in_flight(self, now: int) -> int:
        """Messages pushed and not acknowledged."""
        return len(self._dispatched)

    def next_visible_at(self, now: int) -> int:
        """The instant [us] from which something is pending: now or NEVER."""
        return now if self._pending else NEVER

    def oldest_at(self, now: int) -> int:
        """When the oldest message came that is not acknowledged [us]; *now* without any."""
        return next(iter(self._sent_at.values()), now)

    def expire(self, now: int) -> list[tuple[int, int]]:
        """Nothing expires."""
        return []

    def contents(self, now: int) -> Iterator[tuple[int, str]]:
        """Every copy with its state."""
        yield from ((copy, "visible") for _, copy in sorted(self._pending, key=lambda entry: entry[1]))
        yield from ((copy, "in_flight") for copy in self._dispatched)
