"""One message's life in sentences: each step with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simulator.analysis.answer import Setting
from simulator.analysis.life import Delivery, Life, Stay, Wait
from simulator.analysis.steps import Step, What
from simulator.recording.tables import NONE, Arrival, Attempt, Cause, Fate, Limit
from simulator.reporting import broker_words, event_words, words
from simulator.reporting.words import thing

CAUSES: Final = {
    Cause.VISIBILITY_TIMEOUT: "it was still being worked on",
    Cause.FAILURE: "its attempt had failed",
    Cause.BATCH_MATE: "another message of its batch had failed",
    Cause.THROTTLE: "its invocation had been throttled",
    Cause.CRASH: "its handler had been killed",
    Cause.AT_LEAST_ONCE: "SQS itself gave it out again",
    Cause.LOST_ANSWER: "the answer of its receive was lost",
    Cause.ACCESS_DENIED: "its consumer was not allowed to delete it",
    Cause.SENDER_RETRY: "its sender sent it once more",
    Cause.REDRIVE: "a redrive task brought it back",
    Cause.EVENT_AGE: "it had its maximum event age",
    Cause.FAILOVER: "the broker had failed before it was acknowledged",
    Cause.ROLLBACK: "another message of its transaction had failed",
    Cause.FAILOVER_LOSS: "the broker failed, and had it in memory only",
    Cause.LOOP: "Lambda had found a loop, and stopped its function",
}
"""Why a copy was given out again, or moved."""

HOW: Final = {
    Attempt.FAILED: "its attempt failed",
    Attempt.BATCH_MATE: "another message of its batch failed",
    Attempt.THROTTLED: "its invocation was throttled",
    Attempt.STOPPED: "Lambda stopped its function",
    Attempt.CRASHED: "its handler was killed",
}
_WORTH_TELLING: Final = 0.02
"""A limit that bound for less of a wait than this share is not named."""
STATES: Final = {
    Fate.IN_TRANSIT: "on its way",
    Fate.DELAYED: "delayed",
    Fate.VISIBLE: "visible",
    Fate.IN_FLIGHT: "in flight",
}


def span(us: int) -> str:
    """Return a duration given in [us], as charts write it."""
    return words.duration(us / 1e6)


def clock(us: int) -> str:
    """Return an instant or a distance of instants to the millisecond: ``5 min 00.057 s``."""
    sign, ms = ("−" if us < 0 else ""), round(abs(us) / 1e3)
    seconds = ms % 60_000 / 1e3
    days, hours, minutes = ms // 86_400_000, ms // 3_600_000 % 24, ms // 60_000 % 60
    if days:
        return f"{sign}{days} d {hours:02} h {minutes:02} min {seconds:06.3f} s"
    if hours:
        return f"{sign}{hours} h {minutes:02} min {seconds:06.3f} s"
    return f"{sign}{minutes} min {seconds:06.3f} s" if minutes else f"{sign}{seconds:.3f} s"


def cause(why: Cause) -> str:
    """Return in words why a copy was given out again."""
    return CAUSES.get(why, why.name.lower().replace("_", " "))


def count(n: int, what: str) -> str:
    """Return a count and its noun."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


class LifeWords:
    """Sentences about one life under one setting (which knows what limits are called)."""

    def __init__(self, life: Life, setting: Setting) -> None:
        self.life = life
        self._limit_words = {consumer.path: consumer.limit_words for consumer in setting.consumers}
        self._dead = set(setting.dead_letter_queues)
        self._say: dict[What, Callable[[Step], str]] = {
            What.OFFERED: self._offered,
            What.ACCEPTED: self._accepted,
            What.REFUSED: self._refused,
            What.DEDUPLICATED: lambda _: (
                f"accepted by {thing(life.target)}, which knew its deduplication id: no copy was made"
            ),
            What.NOT_SENT: lambda _: "still being sent when the run ended",
            What.FILTERED_OUT: self._filtered_out,
            What.ON_ITS_WAY: lambda step: (
                f"on its way to {self._silent_queue(step)}, which it had not reached when the run ended"
            ),
            What.ARRIVED: self._arrived,
            What.VISIBLE: self._visible,
            What.RECEIVED: self._received,
            What.GATHERED: self._gathered,
            What.THROTTLED: self._throttled,
            What.STARTED: self._started,
            What.ENDED: self._ended,
            What.CUT: self._cut,
            What.DELETED: self._deleted,
            What.TOO_LATE: self._too_late,
            What.RETURNED: self._returned,
            What.DEAD_LETTERED: self._dead_lettered,
            What.GONE: self._gone,
            What.REMAINS: self._remains,
        }

    def sentence(self, step: Step) -> str:
        """Return what happened at a step, and why."""
        return self._say[step.what](step)

    def limit(self, consumer: str, limit: Limit) -> str:
        """Return what people call a binding limit of a consumer."""
        return words.limit(limit.name, self._limit_words.get(consumer))

    # -- how it was sent -------------------------------------------------------------------------------

    def _offered(self, step: Step) -> str:
        if self.life.standing:
            return f"stood in {thing(self.life.source)} before the run began"
        if self.life.parent != NONE:
            return f"sent by {thing(self.life.source)} for message {self.life.parent:,}, which it had worked"
        return f"offered by {thing(self.life.source)}"

    def _accepted(self, step: Step) -> str:
        life = self.life
        late = life.accepted_at - life.offered_at
        after = f"{span(late)} later" if late else "at once"
        calls = f", in {count(life.tries, 'call')}" if life.tries > 1 else ""
        return f"accepted by {thing(life.target)} {after}{calls}"

    def _refused(self, step: Step) -> str:
        life = self.life
        return f"refused by {thing(life.target)}: {life.size_bytes:,} bytes, {count(life.tries, 'call')}"

    def _silent_queue(self, step: Step) -> str:
        assert step.silence is not None
        return thing(step.silence.queue)

    def _filtered_out(self, step: Step) -> str:
        assert step.silence is not None
        why = f": by its filter policy {step.silence.why}" if step.silence.why else ""
        return f"filtered out for {self._silent_queue(step)}{why}"

    # -- in a queue ------------------------------------------------------------------------------------

    def _arrived(self, step: Step) -> str:
        stay, copy = _stay(step), step.copy
        assert copy is not None
        kind = "dead-letter queue" if stay.queue in self._dead else "queue"
        where = f"{kind} {words.plain_name(stay.queue)}"
        if event_words.is_event(stay):
            where = event_words.arrived(stay)
        if stay.arrival is Arrival.BACKLOG:
            said = f"in {where}"
        elif stay.arrival is Arrival.MOVE:
            return f"arrived in {where}"
        elif copy.parent != NONE:
            redriven = f"redriven from copy {copy.parent}"
            why = redriven if stay.arrival is Arrival.REDRIVE else "sent once more"
            if stay.arrival is Arrival.DESTINATION:
                why = f"a record of copy {copy.parent}"
            said = f"arrived in {where} as a new copy, {why}"
        else:
            hop = stay.arrived_at - max(self.life.accepted_at, self.life.offered_at)
            said = f"arrived in {where}" + (f" {span(hop)} after it was accepted" if hop > 0 else "")
        return said if event_words.is_event(stay) else f"{said}; {self._ahead(stay)}"

    @staticmethod
    def _ahead(stay: Stay) -> str:
        queued = stay.queued
        ahead = (
            f"{count(queued.ahead, 'message')} waited ahead of it" if queued.ahead else "none waited ahead"
        )
        if queued.in_group:
            return f"{ahead}, {count(queued.in_group, 'message')} of its group {stay.group} not gone yet"
        return ahead

    def _visible(self, step: Step) -> str:
        stay = _stay(step)
        return f"visible: its delay of {span(stay.visible_at - stay.arrived_at)} is over"

    def _received(self, step: Step) -> str:
        stay, delivery, wait = _stay(step), _delivery(step), step.wait
        if event_words.is_event(stay):
            waited = "" if wait is None else f"waited {span(wait.lasted_us)}{self.why_waited(wait)}"
            no_wait = wait is None or not wait.lasted_us
            return event_words.taken(stay, step.place, "it did not wait" if no_wait else waited)
        again = f" again, because {cause(delivery.cause)}" if delivery.cause is not Cause.NOTHING else ""
        said = f"receive {delivery.receive_count}: received by {thing(delivery.consumer)}{again}"
        if wait is None or not wait.lasted_us:
            return f"{said}; it did not wait"
        group = ""
        if not step.place and stay.queued.free_at >= wait.from_at:
            queued = stay.queued
            received = f", received {queued.holder_receives} times" if queued.holder_receives > 1 else ""
            locked = (
                f"message {queued.holder} locked its group for {span(queued.free_at - wait.from_at)} of that"
            )
            group = f"; {locked}{received}"
        return f"{said}; waited {span(wait.lasted_us)}{self.why_waited(wait)}{group}"

    def why_waited(self, wait: Wait) -> str:
        """Return what held a copy's consumer back while it waited, after a colon; empty if nothing did."""
        if not wait.held:
            return ": nothing consumes its queue" if wait.lasted_us else ""
        bound = sorted(
            (held for held in wait.held if held[1] is not Limit.ARRIVALS), key=lambda held: -held[2]
        )
        if not bound:
            return ", no limit bound its consumer"
        told: list[str] = []
        named = ""
        for consumer, limit, us in bound:
            if us >= _WORTH_TELLING * wait.lasted_us:
                held = "" if consumer == named else f" held {thing(consumer)} back"
                told.append(f"{self.limit(consumer, limit)}{held} for {span(us)}")
                named = consumer
        return f": {', '.join(told)}" if told else ""

    def _gathered(self, step: Step) -> str:
        delivery = _delivery(step)
        us = delivery.invocation.mates.gathered_at - delivery.received_at
        return f"its batch is complete after {span(us)}: {count(delivery.invocation.messages, 'message')}"

    def _started(self, step: Step) -> str:
        delivery = _delivery(step)
        batch = delivery.invocation
        us = delivery.started_at - delivery.received_at
        since = "that" if event_words.is_event(_stay(step)) else "the receive"
        said = f"processing starts {span(us)} after {since}" if us else "processing starts at once"
        if batch.init_us:
            said += f", {span(batch.init_us)} of it a cold start"
        if delivery.started_at > batch.began_at:
            before = count(batch.mates.before, "message")
            return f"{said}, {before} of its batch of {batch.messages} came first"
        return f"{said}, in a batch of {batch.messages}" if batch.messages > 1 else said

    def _ended(self, step: Step) -> str:
        delivery = _delivery(step)
        took = span(delivery.ended_at - delivery.started_at)
        if delivery.attempt is Attempt.SUCCEEDED:
            twice = ": a duplicate processing" if delivery.repeated else ""
            late = ", after a later-sent message" if _stay(step).out_of_order and not twice else ""
            return f"processed successfully{' again' if twice else ''} in {took}{twice}{late}"
        return f"{HOW.get(delivery.attempt, 'it ended')} after {took}"

    def _throttled(self, step: Step) -> str:
        if _delivery(step).attempt is Attempt.STOPPED:
            return "not invoked: what brought this message about has invoked the function too often"
        return "throttled: the function had no concurrency for its batch"

    def _cut(self, step: Step) -> str:
        if _delivery(step).attempt is Attempt.UNANSWERED:
            return "the answer of the receive is lost: its consumer never sees it"
        return "its worker was killed before it began with it"

    def _deleted(self, step: Step) -> str:
        stay, delivery = _stay(step), _delivery(step)
        if event_words.is_event(stay):
            if event_words.is_delivery(stay):
                return "delivered"
            return "done: its caller has the answer" if event_words.waits_for_answer(stay) else "done"
        if stay.fate is Fate.FILTERED_OUT:
            return "filtered out: it fits no event filter, and is deleted without an invocation"
        late = stay.ended_at - delivery.left_at
        if late > 0:
            return f"deleted {span(late)} after its visibility timeout: nobody had received it meanwhile"
        return f"deleted {span(delivery.hold_us)} after receive {delivery.receive_count}"

    def _too_late(self, step: Step) -> str:
        delivery = _delivery(step)
        if _stay(step).pushed:
            return broker_words.too_late(delivery, span(delivery.in_hand_us))
        late = span(delivery.over_at - delivery.left_at)
        done = f"receive {delivery.receive_count} is done after {span(delivery.in_hand_us)}"
        return f"{done}: {late} too late to delete"

    def _returned(self, step: Step) -> str:
        delivery = _delivery(step)
        if event_words.is_event(_stay(step)):
            return event_words.back(_stay(step))
        if _stay(step).pushed:
            return broker_words.back(_stay(step), delivery)
        timeout = f"the visibility timeout of {span(delivery.hold_us)}"
        said = f"visible again: {timeout} of receive {delivery.receive_count} ends"
        if delivery.overdue:
            return f"{said}, {span(delivery.over_at - delivery.left_at)} before its consumer is done"
        return said

    def _dead_lettered(self, step: Step) -> str:
        stay = _stay(step)
        if event_words.is_event(stay):
            return event_words.given_up(stay)
        if stay.pushed:
            return broker_words.given_up(stay)
        received = len(stay.deliveries)
        return (
            f"moved to its dead-letter queue by receive attempt {received + 1}: {count(received, 'receive')}"
            f" allowed, and at the last {cause(stay.cause)}"
        )

    def _gone(self, step: Step) -> str:
        stay, wait = _stay(step), step.wait
        if stay.fate is Fate.DROPPED:
            return broker_words.given_up(stay) if stay.pushed else event_words.given_up(stay)
        if stay.fate is Fate.REDRIVEN:
            return "taken by a redrive task, which sends it as a new copy"
        how = "expired" if stay.fate is Fate.EXPIRED else stay.fate.name.lower().replace("_", " ")
        said = f"{how} {span(stay.ended_at - stay.sent_at)} after it was sent"
        if stay.cause is Cause.RETENTION:
            said += f": the retention of {thing(stay.queue)} is over"
        if wait is not None and wait.lasted_us:
            said += f"; it had waited {span(wait.lasted_us)}{self.why_waited(wait)}"
        return said

    def _remains(self, step: Step) -> str:
        stay, wait = _stay(step), step.wait
        said = f"still {STATES.get(stay.fate, 'there')} in {thing(stay.queue)} when the run ended"
        if wait is not None and wait.lasted_us:
            said += f"; it had waited {span(wait.lasted_us)}{self.why_waited(wait)}"
        return said


def _stay(step: Step) -> Stay:
    assert step.stay is not None
    return step.stay


def _delivery(step: Step) -> Delivery:
    assert step.delivery is not None
    return step.delivery
