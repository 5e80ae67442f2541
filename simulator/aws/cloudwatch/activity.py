"""Which queues have metrics: CloudWatch takes none of a queue that was idle for long.

A queue counts as active for six hours after the last call, and as long as it holds messages; once it was
inactive, its metrics take up to 15 minutes to flow again (SQS developer guide, "CloudWatch metrics").
"""

from collections.abc import Callable


class Activity:
    """Whether one queue's metrics flow; at the start of a run they do.

    Parameters
    ----------
    idle_after_us : int
        How long after its last activity a queue becomes inactive [us].
    """

    __slots__ = ("_active_at", "_flows_at", "_idle_after_us")

    def __init__(self, idle_after_us: int) -> None:
        self._idle_after_us = idle_after_us
        self._active_at = 0
        self._flows_at = 0

    def flows(self, now: int, active: bool, wakeup_us: Callable[[], int]) -> bool:
        """Whether the period that ends at *now* [us] has points.

        Parameters
        ----------
        active : bool
            Whether the queue held messages or was called in it.
        wakeup_us : callable
            How long the metrics of an inactive queue take to flow again [us]; asked once at each wake.
        """
        if active:
            if now - self._active_at >= self._idle_after_us:
                self._flows_at = now + wakeup_us()
            self._active_at = now
        return now >= self._flows_at and now - self._active_at < self._idle_after_us
