"""One message's life as a value: how it was sent, the stays of its copies, their deliveries and waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from simulator.analysis.trace import UNFINISHED, Mates, Queued
from simulator.recording.tables import NONE, Arrival, Attempt, Cause, Fate, Limit, Outcome


class Ending(IntEnum):
    """What a life came to, the worst first."""

    LOST = 0
    DEAD_LETTERED = 1
    PROCESSED_TWICE = 2
    DELIVERED_AGAIN = 3
    UNFINISHED = 4
    PROCESSED = 5
    FILTERED_OUT = 6
    DEDUPLICATED = 7
    REFUSED = 8
    NOT_SENT = 9


@dataclass(frozen=True)
class Invocation:
    """The run of a handler that a delivery was part of; instants and ``init_us`` [us]."""

    began_at: int
    over_at: int
    init_us: int
    messages: int
    attempt: Attempt
    mates: Mates


@dataclass(frozen=True)
class Delivery:
    """One receive of a copy, by its row of ``deliveries``; instants [us] or NONE."""

    consumer: str
    receive_count: int
    received_at: int
    started_at: int
    ended_at: int
    left_at: int
    attempt: Attempt
    deleted: bool
    cause: Cause
    repeated: bool
    invocation: Invocation

    @property
    def over_at(self) -> int:
        """When the consumer was done with its batch [us], or NONE."""
        return self.invocation.over_at

    @property
    def hold_us(self) -> int:
        """How long the queue kept the copy hidden for it [us]."""
        return self.left_at - self.received_at

    @property
    def in_hand_us(self) -> int:
        """From the receive until the consumer was done with the batch [us]; the hold where it never was."""
        return self.hold_us if self.over_at == NONE else self.over_at - self.received_at

    @property
    def overdue(self) -> bool:
        """Whether it was still in the consumer's hands when its visibility timeout ended."""
        return not self.deleted and self.over_at > self.left_at


@dataclass(frozen=True)
class Wait:
    """A stretch [us] in which a copy was visible, and what bound which consumer for how long of it [us]."""

    from_at: int
    until_at: int
    held: tuple[tuple[str, Limit, int], ...]

    @property
    def lasted_us(self) -> int:
        """Its length [us]."""
        return self.until_at - self.from_at

    @property
    def binding(self) -> tuple[str, Limit, int] | None:
        """The consumer, its limit and the time [us] that made most of the wait; None if nothing bound."""
        bound = [held for held in self.held if held[1] is not Limit.ARRIVALS]
        return max(bound, key=lambda held: held[2], default=None)


@dataclass(frozen=True)
class Stay:
    """A copy's time in one queue, by its row of ``copies``; instants [us] or NONE.

    ``waits`` go before the delivery of the same place; one more is the wait that no receive ended.
    ``pushed``: the queue is one of a broker, which pushes.
    """

    copy: int
    queue: str
    arrival: Arrival
    sent_at: int
    arrived_at: int
    visible_at: int
    started_at: int
    succeeded_at: int
    ended_at: int
    fate: Fate
    cause: Cause
    out_of_order: bool
    group: int
    queued: Queued
    deliveries: tuple[Delivery, ...]
    waits: tuple[Wait, ...]
    pushed: bool = False

    @property
    def unfinished(self) -> bool:
        """Whether it was still in the queue when the run ended."""
        return self.fate in UNFINISHED

    def back_at(self, place: int) -> int:
        """When the copy was given out again after delivery *place*, or moved, or gone [us]; NONE: never."""
        if place + 1 < len(self.deliveries):
            return self.deliveries[place + 1].received_at
        ended = self.fate in (Fate.DELETED, Fate.FILTERED_OUT) or self.unfinished
        return NONE if ended else self.ended_at


_LIVES_ON: Final = (Fate.DELETED, Fate.DEAD_LETTERED, Fate.REDRIVEN, Fate.FILTERED_OUT)
"""Last fates of copies that are not lost: what they were about was done, or is said by another copy."""


@dataclass(frozen=True)
class Copy:
    """One copy and its stays: a move to a dead-letter queue begins another."""

    number: int
    parent: int
    stays: tuple[Stay, ...]

    @property
    def ending(self) -> Ending:
        """What became of it."""
        last = self.stays[-1]
        done = any(stay.succeeded_at != NONE for stay in self.stays)
        if last.fate is Fate.FILTERED_OUT and not done:
            return Ending.FILTERED_OUT
        if any(delivery.repeated for stay in self.stays for delivery in stay.deliveries):
            return Ending.PROCESSED_TWICE
        gone = last.fate not in _LIVES_ON and not last.unfinished
        if gone and not done:
            return Ending.LOST
        if any(stay.fate is Fate.DEAD_LETTERED for stay in self.stays):
            return Ending.DEAD_LETTERED
        if any(one.cause is not Cause.NOTHING for stay in self.stays for one in stay.deliveries):
            return Ending.DELIVERED_AGAIN
        return Ending.PROCESSED if done else Ending.UNFINISHED


@dataclass(frozen=True)
class Silence:
    """A subscription that gave its queue no copy: its filter policy said no (*why*), or it was on its way."""

    subscription: str
    queue: str
    why: str
    filtered: bool


@dataclass(frozen=True)
class Life:
    """All that rows tell of one message; instants [us] or NONE.

    ``shown`` is the place in ``copies`` of the one a picture is about. A message that a consumer sent has the
    ``parent`` message that it was sent for, and of that the copy ``parent_copy``; others NONE.
    """

    message: int
    messages: int
    source: str
    target: str
    offered_at: int
    accepted_at: int
    size_bytes: int
    group: int
    attributes: Mapping[str, str]
    poison: bool
    tries: int
    outcome: Outcome
    copies: tuple[Copy, ...]
    silent: tuple[Silence, ...]
    shown: int = field(default=0)
    parent: int = NONE
    parent_copy: int = NONE

    @property
    def standing(self) -> bool:
        """Whether it stood in its queue before the run began."""
        return self.source.startswith("queues.")

    @property
    def ending(self) -> Ending:
        """What became of it; of several copies, of the one that is shown."""
        if self.copies:
            return self.copies[self.shown].ending
        return _WITHOUT_COPIES.get(self.outcome, Ending.FILTERED_OUT)


_WITHOUT_COPIES: Final = {
    Outcome.REFUSED: Ending.REFUSED,
    Outcome.DEDUPLICATED: Ending.DEDUPLICATED,
    Outcome.UNFINISHED: Ending.NOT_SENT,
}
