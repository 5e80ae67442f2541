"""What became of a message in a queue of a broker, in words: it is pushed, and no timeout brings it back."""

from __future__ import annotations

from typing import Final

from simulator.analysis.life import Delivery, Stay
from simulator.recording.tables import Attempt, Cause

_BACK: Final = {
    Cause.FAILOVER: "the broker fails: it is pending again, and its consumer goes on with it for nothing",
    Cause.CRASH: "its consumer is gone: pending again at once",
    Cause.ROLLBACK: "its transaction is rolled back: its consumer is given it again",
    Cause.BATCH_MATE: "its batch failed: Lambda keeps it, to be tried again",
}


def why_back(stay: Stay, place: int) -> Cause:
    """Return the cause of the delivery after the one at *place*; that of the stay after the last."""
    after = stay.deliveries[place + 1 :]
    return after[0].cause if after else stay.cause


def back(stay: Stay, delivery: Delivery) -> str:
    """Say how a delivery left its message."""
    cause = why_back(stay, stay.deliveries.index(delivery))
    if cause in _BACK:
        return _BACK[cause]
    if delivery.attempt is Attempt.FAILED and delivery is stay.deliveries[-1] and not stay.unfinished:
        return "its consumer does not try it again"
    if delivery.attempt is Attempt.FAILED:
        return "kept by its consumer, to be tried again"
    return "pending again at once"


def too_late(delivery: Delivery, took: str) -> str:
    """Say what the end of a delivery was worth, after it *took* so long, that the broker had given up."""
    return f"receive {delivery.receive_count} is done after {took}, and cannot be acknowledged any more"


def given_up(stay: Stay) -> str:
    """Say why it left the queue unprocessed."""
    if stay.cause is Cause.FAILOVER_LOSS:
        return "lost: the broker failed, and had it in memory only"
    where = "for good" if stay.fate.name == "DROPPED" else "to the dead-letter queue"
    return f"given up by its consumer after {len(stay.deliveries)} attempts, {where}"


def finding(stay: Stay) -> str:
    """Say in a headline why it left the queue unprocessed."""
    if stay.cause is Cause.FAILOVER_LOSS:
        return "Lost: it was not persistent, and the broker failed"
    head = "Lost" if stay.fate.name == "DROPPED" else "Dead-lettered"
    return f"{head}: all {len(stay.deliveries)} attempts failed, and its consumer gave it up"


def again(head: str, stay: Stay, place: int) -> str:
    """Say in a headline why it was delivered again."""
    why = {
        Cause.FAILOVER: "the broker failed before it was acknowledged",
        Cause.CRASH: "its consumer was lost before it was acknowledged",
        Cause.ROLLBACK: "another message of its transaction failed",
        Cause.BATCH_MATE: "another message of its batch failed",
    }.get(why_back(stay, place), "its attempt failed, and its consumer tried it again")
    return f"{head}: {why}"
