"""A queue's CloudWatch metrics: what SQS reports of it once a minute."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from simulator.aws.cloudwatch.activity import Activity
from simulator.processes.queues import Dispatcher

_SECOND_US: Final = 1_000_000


class QueueMetrics:
    """The metrics of one queue by name; none has points while SQS takes the queue for inactive.

    ``sent`` does not count moves to a dead-letter queue, ``received`` counts deliveries, and the age in a
    dead-letter queue is that since the move (SQS developer guide). The visible count is approximate.

    Parameters
    ----------
    sources : sequence of Dispatcher
        The queues whose dead-letter queue this is.
    wakeup_us : callable
        How long metrics take to flow again after the queue was inactive [us].
    standing : int
        Copies that were here before the run began.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        sources: Sequence[Dispatcher],
        activity: Activity,
        wakeup_us: Callable[[], int],
        standing: int,
    ) -> None:
        self._dispatcher = dispatcher
        self._sources = sources
        self._activity = activity
        self._wakeup_us = wakeup_us
        self._flowing = (-1, True)
        self._calls = (-1, -1)
        self._standing = standing
        queue = dispatcher.queue
        self.reads: dict[str, Callable[[int], float]] = {
            "visible": self._held(lambda at: dispatcher.counters.visible(at)),
            "in_flight": self._held(queue.in_flight),
            "delayed": self._held(queue.delayed),
            "oldest": self._held(lambda at: max(0, at - queue.oldest_at(at)) / _SECOND_US),
            "sent": self._counted(self._sent),
            "received": self._counted(lambda _: dispatcher.received),
            "deleted": self._counted(lambda _: dispatcher.deleted),
            "empty_receives": self._counted(self._empty_receives),
        }

    def _held(self, read: Callable[[int], float]) -> Callable[[int], float]:
        return lambda at: read(at) if self._flows(at) else math.nan

    def _counted(self, total: Callable[[int], int]) -> Callable[[int], float]:
        """The growth of a total since it was read last, first since the start of the run."""
        before = 0

        def growth(at: int) -> float:
            nonlocal before
            now = total(at)
            grown, before = now - before, now
            return grown if self._flows(at) else math.nan

        return growth

    def _flows(self, at: int) -> bool:
        if self._flowing[0] != at:
            self._flowing = (at, self._activity.flows(at, self._active(at), self._wakeup_us))
        return self._flowing[1]

    def _active(self, at: int) -> bool:
        """Whether the queue holds messages, is polled, or was called since the last look."""
        dispatcher = self._dispatcher
        before = self._calls
        self._calls = (dispatcher.received, self._empty_receives(at))
        return before != self._calls or dispatcher.waiters.total > 0 or self._holds(at) > 0

    def _holds(self, at: int) -> int:
        queue = self._dispatcher.queue
        return queue.visible(at) + queue.delayed(at) + queue.in_flight(at)

    def _sent(self, at: int) -> int:
        """Sent by *at* [us]: what left and what is here, less what was moved in or is older than the run."""
        dispatcher = self._dispatcher
        dispatcher.expire()
        left = dispatcher.deleted + dispatcher.moved_out + dispatcher.redriven + dispatcher.expired
        moved_in = sum(source.moved_out for source in self._sources)
        return left + self._holds(at) - moved_in - self._standing

    def _empty_receives(self, at: int) -> int:
        return sum(polls.came_back(at) for polls in self._dispatcher.polls.values())
