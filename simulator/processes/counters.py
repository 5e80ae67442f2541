"""The counts of a queue as others see them."""

from collections.abc import Callable
from typing import Any

from simulator.aws.cloudwatch.counters import ApproximateCount, approximate


class Counters:
    """What CloudWatch and GetQueueAttributes are told of one queue.

    Parameters
    ----------
    queue
        The true queue; only a standard queue says how many of its messages are recent.
    settle_us : int
        How long after a burst its counts are unsure [us]; 0: they are exact, as on FIFO queues.
    burst : int
        Recent messages that make them unsure.
    chance : callable
        The next number in [0, 1), by the reading.
    """

    def __init__(self, queue: Any, settle_us: int, burst: int, chance: Callable[[], float]) -> None:
        self._queue = queue
        self._settle_us = settle_us
        self._burst = burst
        self._chance = chance

    def visible(self, now: int) -> ApproximateCount:
        """ApproximateNumberOfMessagesVisible as of *now* [us]."""
        count = self._queue.visible(now)
        if not self._settle_us:
            return ApproximateCount(count)
        return approximate(count, self._queue.younger(now, self._settle_us), self._chance(), self._burst)
