"""A life instant by instant: what happened, to which copy, by which delivery; words come later."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from simulator.analysis.life import Copy, Delivery, Life, Silence, Stay, Wait
from simulator.recording.tables import NONE, Attempt, Fate, Outcome


class What(Enum):
    """What happens at a step."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEDUPLICATED = "deduplicated"
    NOT_SENT = "not_sent"
    FILTERED_OUT = "filtered_out"
    ON_ITS_WAY = "on_its_way"
    ARRIVED = "arrived"
    VISIBLE = "visible"
    RECEIVED = "received"
    GATHERED = "gathered"
    THROTTLED = "throttled"
    STARTED = "started"
    ENDED = "ended"
    CUT = "cut"
    DELETED = "deleted"
    TOO_LATE = "deleted_too_late"
    RETURNED = "returned"
    DEAD_LETTERED = "dead_lettered"
    GONE = "gone"
    REMAINS = "remains"


@dataclass(frozen=True)
class Step:
    """One step, and the things it is about; ``place`` is that of its delivery among those of the stay."""

    at: int
    what: What
    copy: Copy | None = None
    stay: Stay | None = None
    place: int = NONE
    silence: Silence | None = None

    @property
    def delivery(self) -> Delivery | None:
        """The delivery it is about."""
        return None if self.stay is None or self.place == NONE else self.stay.deliveries[self.place]

    @property
    def wait(self) -> Wait | None:
        """The wait that ends with it."""
        if self.stay is None:
            return None
        if self.what is What.RECEIVED:
            return self.stay.waits[self.place]
        ends = self.what in (What.DEAD_LETTERED, What.GONE, What.REMAINS)
        return self.stay.waits[-1] if ends and len(self.stay.waits) > len(self.stay.deliveries) else None


_SENT_AS = {
    Outcome.ACCEPTED: What.ACCEPTED,
    Outcome.REFUSED: What.REFUSED,
    Outcome.DEDUPLICATED: What.DEDUPLICATED,
    Outcome.UNFINISHED: What.NOT_SENT,
}


def sending(life: Life) -> list[Step]:
    """Steps of the message before it is one of several copies."""
    at = life.offered_at if life.accepted_at == NONE else life.accepted_at
    found = [Step(life.offered_at, What.OFFERED), Step(at, _SENT_AS[life.outcome])]
    for silence in life.silent:
        what = What.FILTERED_OUT if silence.filtered else What.ON_ITS_WAY
        found.append(Step(at, what, silence=silence))
    return found


def copy_steps(copy: Copy) -> list[Step]:
    """Steps of one copy through its queues, in order of time; at one instant causes before effects."""
    return sorted((step for stay in copy.stays for step in _stay(copy, stay)), key=lambda step: step.at)


def _stay(copy: Copy, stay: Stay) -> Iterator[Step]:
    yield Step(stay.arrived_at, What.ARRIVED, copy, stay)
    if stay.visible_at > stay.arrived_at:
        yield Step(stay.visible_at, What.VISIBLE, copy, stay)
    returns: list[Step] = []
    for place, delivery in enumerate(stay.deliveries):
        # what is due at an instant has happened at it: a copy returns before it is received again
        yield from (step for step in returns if step.at <= delivery.received_at)
        returns = [step for step in returns if step.at > delivery.received_at]
        for what, at in _delivery(stay, delivery):
            step = Step(at, what, copy, stay, place)
            if what is What.RETURNED:
                returns.append(step)
            else:
                yield step
    yield from returns
    if stay.fate is Fate.DEAD_LETTERED:
        yield Step(stay.ended_at, What.DEAD_LETTERED, copy, stay)
    elif stay.unfinished:
        yield Step(stay.ended_at, What.REMAINS, copy, stay)
    elif stay.fate not in (Fate.DELETED, Fate.FILTERED_OUT) or not any(
        delivery.deleted for delivery in stay.deliveries
    ):
        yield Step(stay.ended_at, What.GONE, copy, stay)


def _delivery(stay: Stay, delivery: Delivery) -> Iterator[tuple[What, int]]:
    yield What.RECEIVED, delivery.received_at
    batch = delivery.invocation
    if batch.mates.gathered_at > delivery.received_at:
        yield What.GATHERED, batch.mates.gathered_at
    if delivery.attempt in (Attempt.THROTTLED, Attempt.STOPPED):
        yield What.THROTTLED, delivery.received_at if batch.over_at == NONE else batch.over_at
    if delivery.started_at != NONE:
        yield What.STARTED, delivery.started_at
    if delivery.ended_at != NONE:
        yield What.ENDED, delivery.ended_at
    elif delivery.attempt in (Attempt.CRASHED, Attempt.UNANSWERED):
        yield What.CUT, delivery.received_at if batch.over_at == NONE else batch.over_at
    if delivery.deleted:
        yield What.DELETED, stay.ended_at
        return
    # an event that is given up goes nowhere from its last attempt
    if delivery.left_at < stay.ended_at or (delivery.left_at == stay.ended_at and "queues." in stay.queue):
        yield What.RETURNED, delivery.left_at
    if delivery.attempt is Attempt.SUCCEEDED and delivery.overdue:
        yield What.TOO_LATE, delivery.over_at
