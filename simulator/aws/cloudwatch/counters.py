"""Counts of messages as SQS shows them: approximate on standard queues, and wrong right after a burst.

For 10 to 15 s after a burst the counts of standard queues read 0 or what was there before (one lab, July
2026); AWS says they may need a minute to settle once senders stop (SQSDG). Those of FIFO queues are exact.
"""

from typing import NewType

ApproximateCount = NewType("ApproximateCount", int)
"""A count as others see it; policies and clients are given these, never the true ones."""


def approximate(count: int, recent: int, chance: float, burst: int) -> ApproximateCount:
    """What a standard queue says of *count* messages, *recent* of them younger than it takes to settle.

    Parameters
    ----------
    count, recent : int
        True numbers.
    chance : float
        A number in [0, 1): a third of all readings are 0, a third are stale, a third are right (model).
    burst : int
        Recent messages, more than all older ones, from which on readings are wrong.
    """
    older = count - recent
    if recent < burst or recent <= older or chance >= 2 / 3:
        return ApproximateCount(count)
    return ApproximateCount(0 if chance < 1 / 3 else older)
