"""How many calls of one API action a FIFO queue allows, in normal and in high-throughput mode."""

from collections.abc import Iterable
from copy import copy
from typing import NamedTuple, Protocol
from zlib import crc32

from simulator.aws.quotas import TokenBucket

Group = int | str


class CallQuota(Protocol):
    """The quota of one action; a call without a token is refused with RequestThrottled."""

    def take(self, now: int, n: int = 1) -> bool:
        """Take the tokens of *n* calls at *now* [us] whose groups do not matter, such as receives."""

    def next_at(self, now: int, n: int = 1) -> int:
        """The first instant [us] from *now* at which ``take`` succeeds, if nobody else takes any."""

    def take_for(self, now: int, groups: Iterable[Group]) -> bool:
        """Take what a call on messages of *groups* costs; False, and nothing taken, if that is not there."""

    def next_for(self, now: int, groups: Iterable[Group]) -> int:
        """The first instant [us] from *now* at which ``take_for`` succeeds, if nobody else takes any."""

    def use_up(self, now: int, n: int) -> None:
        """*n* calls come at *now* [us] that nobody misses if they are refused; one token stays for others."""


class PerQueue(TokenBucket):
    """FifoThroughputLimit ``perQueue``: one bucket, and a batch is one call whatever its groups."""

    def take_for(self, now: int, groups: Iterable[Group]) -> bool:
        """Take one token."""
        return self.take(now)

    def next_for(self, now: int, groups: Iterable[Group]) -> int:
        """When there is a token [us]."""
        return self.next_at(now)


class Partitioning(NamedTuple):
    """How many partitions a queue in high-throughput mode has at first and at most, and how fast they grow.

    Twice as many *scale_up_us* [us] after a refused call (model: AWS does not say).
    """

    initial: int
    most: int
    scale_up_us: int


class PerMessageGroup:
    """FifoThroughputLimit ``perMessageGroupId``: a bucket for each partition, groups spread by hash.

    A batch whose groups live on k partitions costs k calls. A receive, which cannot ask for a group,
    takes its token on the partitions in turn (model). Partitions grow with load; they do not shrink.

    Parameters
    ----------
    calls_per_s, burst_us : int
        Calls a second of a partition, and the time [us] in which the quota allows a burst.
    """

    def __init__(self, calls_per_s: int, burst_us: int, partitioning: Partitioning) -> None:
        initial, self._most, self._scale_up_us = partitioning
        first = min(initial, self._most)
        self._buckets = [per_queue(calls_per_s, burst_us) for _ in range(first)]
        self._turn = 0
        self._refused_at: int | None = None

    @property
    def partitions(self) -> int:
        """How many there are by now."""
        return len(self._buckets)

    def _grow(self, now: int) -> None:
        """Let come what a refused call has set off: a new partition goes on with the tokens of an old one."""
        if self._refused_at is not None and now >= self._refused_at + self._scale_up_us:
            self._refused_at = None
            split = self._buckets[: self._most - self.partitions]
            self._buckets += [copy(bucket) for bucket in split]

    def _of(self, groups: Iterable[Group]) -> list[PerQueue]:
        places = sorted({crc32(str(group).encode()) % self.partitions for group in groups})
        return [self._buckets[place] for place in places]

    def _refuse(self, now: int) -> bool:
        if self._refused_at is None and self.partitions < self._most:
            self._refused_at = now
        return False

    def take(self, now: int, n: int = 1) -> bool:
        """Take *n* tokens of one partition, the next in turn that has them."""
        self._grow(now)
        for step in range(self.partitions):
            place = (self._turn + step) % self.partitions
            if self._buckets[place].take(now, n):
                self._turn = place + 1
                return True
        return self._refuse(now)

    def next_at(self, now: int, n: int = 1) -> int:
        """When a partition has *n* tokens [us]."""
        self._grow(now)
        at = min(bucket.next_at(now, n) for bucket in self._buckets)
        if at > now:
            self._refuse(now)
        return at

    def take_for(self, now: int, groups: Iterable[Group]) -> bool:
        """Take a token on each partition of *groups*."""
        self._grow(now)
        buckets = self._of(groups)
        if any(bucket.next_at(now) > now for bucket in buckets):
            return self._refuse(now)
        for bucket in buckets:
            bucket.take(now)
        return True

    def next_for(self, now: int, groups: Iterable[Group]) -> int:
        """When each partition of *groups* has a token [us]."""
        self._grow(now)
        return max((bucket.next_at(now) for bucket in self._of(groups)), default=now)

    def use_up(self, now: int, n: int) -> None:
        """Spread *n* calls evenly over the partitions."""
        self._grow(now)
        each, rest = divmod(n, self.partitions)
        for step in range(self.partitions):
            self._buckets[(self._turn + step) % self.partitions].use_up(now, each + (step < rest))
        self._turn = (self._turn + rest) % self.partitions


def per_queue(calls_per_s: int, burst_us: int) -> PerQueue:
    """The bucket of one action with *calls_per_s*, as deep as *burst_us* [us] refill it."""
    return PerQueue(calls_per_s, max(1, calls_per_s * burst_us // 1_000_000))


def fifo_calls(calls_per_s: int | None, burst_us: int, partitioning: Partitioning | None) -> CallQuota | None:
    """The quota of one action: of a queue, of its partitions, or none."""
    if calls_per_s is None:
        return None
    if partitioning is None:
        return per_queue(calls_per_s, burst_us)
    return PerMessageGroup(calls_per_s, burst_us, partitioning)
