"""What became of one message: the finding with both of its numbers, and what would have avoided it."""

from __future__ import annotations

from typing import Final

from simulator.analysis.life import Copy, Delivery, Ending, Life, Stay
from simulator.analysis.remedies import Avoidance, Reason, Remedy
from simulator.recording.tables import NONE, Attempt, Fate
from simulator.reporting import broker_words, event_words, words
from simulator.reporting.life_words import HOW, STATES, LifeWords, cause, count, span
from simulator.reporting.words import thing

_ADJECTIVES: Final = {
    Attempt.FAILED: "failed",
    Attempt.BATCH_MATE: "in a failed batch",
    Attempt.THROTTLED: "throttled",
    Attempt.STOPPED: "stopped by Lambda as a loop",
    Attempt.CRASHED: "killed",
}


_PARTS: Final = {
    ".redrive": "a dead-letter queue",
    ".dead_letter": "a dead-letter queue",
    ".heartbeat": "a heartbeat",
}
"""Settings that are whole parts: it is enough to have one."""

_SAID: Final = {
    Reason.POISON: "No setting helps: it is poison and fails every attempt.",
    Reason.FAILURE: "Its own attempt failed: no setting of a queue avoids that.",
    Reason.AT_LEAST_ONCE: "SQS itself gave it out twice: only a consumer that can bear it helps.",
    Reason.LOST_ANSWER: "An answer was lost on its way: no setting of a queue avoids that.",
    Reason.ACCESS_DENIED: "Its consumer's role lacked a permission.",
    Reason.REDRIVE: "A redrive task brought it back, as it was told to.",
    Reason.EXECUTION: "Its execution ended in an error: only Retry and Catch of its states help.",
    Reason.FAILOVER: "The broker failed: no setting of a queue avoids that.",
}


def title(said: LifeWords) -> str:
    """Return the finding: what became of it, and the cause with both of its numbers."""
    life = said.life
    if not life.copies:
        return _without_copies(life)
    copy = life.copies[life.shown]
    return {
        Ending.LOST: _lost,
        Ending.FILTERED_OUT: _sorted_out,
        Ending.DEAD_LETTERED: _dead,
        Ending.PROCESSED_TWICE: _again,
        Ending.DELIVERED_AGAIN: _again,
        Ending.UNFINISHED: _late,
        Ending.PROCESSED: _late,
    }[copy.ending](said, copy)


def _without_copies(life: Life) -> str:
    if life.ending is Ending.REFUSED:
        return f"Refused: {life.size_bytes:,} bytes, {count(life.tries, 'call')} to {thing(life.target)}"
    if life.ending is Ending.DEDUPLICATED:
        return f"Deduplicated: {thing(life.target)} knew its deduplication id"
    if life.ending is Ending.NOT_SENT:
        return "Not sent: its calls were still being throttled when the run ended"
    filtered = sum(silence.filtered for silence in life.silent)
    if not filtered:
        return f"On its way: no copy had reached a queue of {thing(life.target)} when the run ended"
    return f"Filtered out: the filters of {filtered} of {count(len(life.silent), 'subscription')} refused it"


def _sorted_out(said: LifeWords, copy: Copy) -> str:
    stay = copy.stays[-1]
    queue, taken = words.plain_name(stay.queue), stay.ended_at - stay.sent_at
    when = f"{span(taken)} after it was sent" if taken else "at once"
    return f"Filtered out: {thing(stay.deliveries[-1].consumer)} deleted it from {queue} {when}"


def _lost(said: LifeWords, copy: Copy) -> str:
    stay = copy.stays[-1]
    if stay.fate is Fate.DROPPED:
        return broker_words.finding(stay) if stay.pushed else event_words.finding(stay)
    kept = span(stay.ended_at - stay.sent_at)
    if stay.fate is not Fate.EXPIRED:
        return f"Lost: {stay.fate.name.lower().replace('_', ' ')} {kept} after it was sent"
    queue = words.plain_name(stay.queue)
    if not stay.deliveries:
        waited = stay.waits[-1].lasted_us if stay.waits else 0
        return f"Lost: it waited {span(waited)} unreceived, {queue} kept it {kept} after it was sent"
    received = count(len(stay.deliveries), "receive")
    return f"Lost: {received} without success, {queue} kept it {kept} after it was sent"


def _dead(said: LifeWords, copy: Copy) -> str:
    stay = next(one for one in copy.stays if one.fate is Fate.DEAD_LETTERED)
    if event_words.is_event(stay):
        return event_words.finding(stay)
    if stay.pushed:
        return broker_words.finding(stay)
    received = len(stay.deliveries)
    how: dict[str, int] = {}
    for delivery in stay.deliveries:
        name = "overdue" if delivery.overdue else _ADJECTIVES.get(delivery.attempt, "not deleted")
        how[name] = how.get(name, 0) + 1
    poison = " (it is poison)" if said.life.poison else ""
    if len(how) > 1:
        told = f"of {received} receives {words.listed([f'{n} {name}' for name, n in how.items()])}"
    else:
        every = {1: "its only receive", 2: "both receives"}.get(received, f"all {received} receives")
        name = next(iter(how), "")
        told = f"{every} {'' if name == 'failed' else 'was ' if received == 1 else 'were '}{name}"
    return f"Dead-lettered: {told}{poison}, receive attempt {received + 1} moved it"


def _again(said: LifeWords, copy: Copy) -> str:
    found = decisive(copy)
    if found is None:
        return _said_again(said.life, copy)
    stay, place = found
    delivery, after = stay.deliveries[place], stay.deliveries[place + 1]
    if event_words.is_event(stay):
        return event_words.run_again(stay, place)
    received = sum(len(one.deliveries) for one in copy.stays)
    head = (
        "Processed twice"
        if copy.ending is Ending.PROCESSED_TWICE
        else f"Received {'twice' if received == 2 else f'{received} times'}"
    )
    if stay.pushed:
        return broker_words.again(head, stay, place)
    timeout = f"the visibility timeout gave it {span(delivery.hold_us)}"
    if delivery.overdue:
        batch = delivery.invocation.messages
        held = f"its batch of {batch}" if batch > 1 else "it"
        return f"{head}: {held} was in hand for {span(delivery.in_hand_us)}, {timeout}"
    worked = delivery.ended_at != NONE and delivery.started_at != NONE
    took = f" after {span(delivery.ended_at - delivery.started_at)}" if worked else ""
    back = f"it came back when the timeout of {span(delivery.hold_us)} ended"
    return f"{head}: {_how(delivery, after)}{took}, {back}"


def _said_again(life: Life, copy: Copy) -> str:
    """Name what made another copy of the message, and how long after the one before."""
    stay = copy.stays[0]
    why = cause(stay.deliveries[0].cause) if stay.deliveries else "another copy of it was made"
    others = [one.stays[0].sent_at for one in life.copies if one is not copy]
    earlier = [at for at in others if at <= stay.sent_at]
    after = f", {span(stay.sent_at - max(earlier))} after it was first there" if earlier else ""
    return f"Delivered again: {why}{after}"


def _how(delivery: Delivery, after: Delivery) -> str:
    return HOW.get(delivery.attempt) or cause(after.cause)


def _late(said: LifeWords, copy: Copy) -> str:
    stay = copy.stays[0]
    wait = max(stay.waits, key=lambda one: one.lasted_us, default=None)
    if copy.ending is Ending.UNFINISHED:
        lasted = span(stay.ended_at - said.life.offered_at)
        why = said.why_waited(wait).replace(":", ",", 1) if wait is not None else ""
        return f"Unfinished: {STATES.get(stay.fate, 'there')} {lasted} after it was offered{why}"
    whole = stay.succeeded_at - said.life.offered_at
    if wait is not None and 2 * wait.lasted_us >= whole:
        return f"Waited {span(wait.lasted_us)} of its {span(whole)} end-to-end{said.why_waited(wait)}"
    worked = next(one for one in stay.deliveries if one.ended_at == stay.succeeded_at)
    took = worked.ended_at - worked.started_at
    return f"Processed: {span(whole)} end-to-end, {span(took)} of it at work"


def decisive(copy: Copy) -> tuple[Stay, int] | None:
    """Return the stay and the place of the delivery after which the copy was given out again.

    Of a copy processed twice it is the first whose timeout ended before its consumer was done. None where
    no delivery was followed by another: the message was a duplicate by being sent once more.
    """
    pairs = [(stay, place) for stay in copy.stays for place in range(len(stay.deliveries) - 1)]
    return next((pair for pair in pairs if pair[0].deliveries[pair[1]].overdue), pairs[0] if pairs else None)


def remedy(one: Remedy, *, short: bool = False) -> str:
    """Return a setting and what it should have been; *short*: by its path within its thing."""
    for name, what in _PARTS.items():
        if one.path.endswith(name):
            return what if short else f"{what} ({one.path})"
    parts = one.path.partition(".event_sources.")
    name = parts[2].partition(".")[2] if parts[1] else ".".join(one.path.split(".")[2:])
    shown = name if short else one.path
    value = str(one.value) if isinstance(one.value, str) else f"{one.value:,}"
    if isinstance(one.value, bool):
        value = str(one.value).lower()
    elif one.is_time and isinstance(one.value, int):
        seconds = one.value / 1e6  # not rounded: it is to be set
        value = f"{seconds:g} s" if seconds < 600 and seconds % 60 else span(one.value)
    return f"{shown}: {value}" if one.relation == "=" else f"{shown} {one.relation} {value}"


def avoided(said: LifeWords, found: Avoidance, *, short: bool = False) -> list[str]:
    """Return in sentences what would have avoided it, and what no setting moves."""
    sentences = []
    options = [remedy(one, short=short) for one in found.remedies]
    if options and said.life.ending in (Ending.PROCESSED_TWICE, Ending.DELIVERED_AGAIN):
        sentences.append(f"It would not have happened with {', or with '.join(options)}.")
    elif options:
        sentences.append(f"What would have helped: {', or '.join(options)}.")
    return sentences + [_reason(reason, name) for reason, name in found.reasons]


def _reason(reason: Reason, name: str) -> str:
    if reason is Reason.NO_CONSUMER:
        return f"Nothing consumes {thing(name)}."
    if reason in _SAID:
        return _SAID[reason]
    limit = words.limit(name)
    return f"{limit[:1].upper()}{limit[1:]}: AWS's own pace or quota, no setting of the scenario."
