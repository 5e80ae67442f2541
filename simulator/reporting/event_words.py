"""Sentences about events that a function gets without a queue, and messages that SNS brings to an endpoint.

Each run or delivery is an attempt, and there are no timeouts.
"""

from __future__ import annotations

from typing import Final

from simulator.analysis.life import Stay
from simulator.recording.tables import Cause, Fate
from simulator.reporting import words

_GIVEN_UP: Final = {
    Cause.FAILURE: "its last attempt had failed",
    Cause.CRASH: "its handler had been killed at the last attempt",
    Cause.EVENT_AGE: "it had its maximum event age, and the function still no concurrency for it",
    Cause.THROTTLE: "the function had no concurrency for it",
    Cause.LOOP: "Lambda had found a loop, and stopped the function",
    Cause.RETRIES_USED_UP: "its last retry had failed",
    Cause.CLIENT_ERROR: "the endpoint refused it, and such an error is never tried again",
    Cause.TIME_TO_LIVE: "it had waited longer than its time to live",
    Cause.SUBSCRIPTION_DISABLED: "too many messages a second had disabled the subscription",
    Cause.SPENDING_LIMIT: "the month's spending on text messages was used up",
}


def is_event(stay: Stay) -> bool:
    """Whether a stay is that of an event at a function or of a message for an endpoint, not in a queue."""
    return not stay.queue.startswith("queues.")


def is_delivery(stay: Stay) -> bool:
    """Whether SNS brings the message itself, to an endpoint that is no queue and no function."""
    return stay.queue.startswith("topics.")


def waits_for_answer(stay: Stay) -> bool:
    """Whether a caller waits for the event's answer."""
    return stay.queue.endswith(".invoke")


def function(stay: Stay) -> str:
    """Return the function of an event, ``function charge``, or the endpoint of a message."""
    if is_delivery(stay):
        return f"subscription {words.plain_name(stay.queue)}"
    return f"function {stay.queue.split('.')[1]}"


def arrived(stay: Stay) -> str:
    """Return where an event came to."""
    if is_delivery(stay):
        return f"SNS, for {function(stay)}"
    return function(stay) if waits_for_answer(stay) else f"Lambda's own queue of {function(stay)}"


def taken(stay: Stay, place: int, waited: str) -> str:
    """Return how an event is taken up for the attempt at *place*."""
    said = f"attempt {place + 1}: {function(stay)} takes it up"
    if is_delivery(stay):
        said = f"attempt {place + 1}: SNS sends it to {words.plain_name(stay.queue)}"
    cause = stay.deliveries[place].cause
    if cause in (Cause.FAILURE, Cause.CRASH):
        what = "killed" if cause is Cause.CRASH else "failed"
        after = stay.deliveries[place].received_at - stay.deliveries[place - 1].left_at
        return f"{said} again, {words.duration(after / 1e6)} after its attempt {place} was over ({what})"
    if cause is not Cause.NOTHING:
        said += " again"
    return f"{said}; {waited}"


def back(stay: Stay) -> str:
    """Return what becomes of an event whose attempt was not its last."""
    if is_delivery(stay):
        return "SNS will try again"
    return "its caller hears of it" if waits_for_answer(stay) else f"back in {arrived(stay)}, for a retry"


def after(stay: Stay) -> str:
    """Return after how many attempts an event was given up."""
    runs = len(stay.deliveries)
    none = "without an attempt" if is_delivery(stay) else "without having run"
    return f"after {runs:,} attempt{'' if runs == 1 else 's'}" if runs else none


def given_up(stay: Stay) -> str:
    """Return how an event ended that was not worked."""
    why = _GIVEN_UP.get(stay.cause, stay.cause.name.lower().replace("_", " "))
    if waits_for_answer(stay):
        return f"refused {after(stay)}: {why}"
    where = "its record goes to where failures go"
    if is_delivery(stay):
        where = "it goes to the dead-letter queue of the subscription"
    if stay.fate is not Fate.DEAD_LETTERED:
        where = "it is lost" if is_delivery(stay) else "nothing takes what failed, so it is dropped"
    return f"given up {after(stay)}: {why}; {where}"


def finding(stay: Stay) -> str:
    """Return the same as a title."""
    head = "Dead-lettered" if stay.fate is Fate.DEAD_LETTERED else "Lost"
    why = _GIVEN_UP.get(stay.cause, stay.cause.name.lower().replace("_", " "))
    return f"{head}: given up {after(stay)}, {why}"


def run_again(stay: Stay, place: int) -> str:
    """Return as a title why an event ran again after the attempt at *place*, and when."""
    delivery, after = stay.deliveries[place], stay.deliveries[place + 1]
    runs = len(stay.deliveries)
    head = f"Run {'twice' if runs == 2 else f'{runs} times'}"
    later = words.duration((after.received_at - delivery.left_at) / 1e6)
    took = words.duration((delivery.over_at - delivery.received_at) / 1e6)
    who = (
        "its caller tried"
        if waits_for_answer(stay)
        else "SNS sent it"
        if is_delivery(stay)
        else "Lambda ran it"
    )
    if after.cause is Cause.AT_LEAST_ONCE:
        return f"{head}: done after {took}, {who} again all the same"
    how = "was killed" if after.cause is Cause.CRASH else "failed"
    return f"{head}: its attempt {place + 1} {how} after {took}, {who} again {later} later"
