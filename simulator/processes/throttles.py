"""Quotas of calls that a fault tightens for a while."""

from collections.abc import Iterable

from simulator.aws.quotas import TokenBucket
from simulator.aws.sqs.fifo_throughput import CallQuota, Group


class Tightened:
    """The calls of one action on a queue: those a fault allows, of those the queue's own quota allows.

    Outside of faults only the queue's own quota counts (*behind*; None where it has none).
    """

    def __init__(self, behind: CallQuota | None) -> None:
        self._behind = behind
        self._bucket: TokenBucket | None = None
        self._closed_until = 0

    def allow(self, calls_per_s: int | None) -> None:
        """Allow so many calls a second from now on, and a second's worth at once; None: any number."""
        self._bucket = None if calls_per_s is None else TokenBucket(calls_per_s, calls_per_s)

    def close(self, until_at: int) -> None:
        """Refuse every call until *until_at* [us]."""
        self._closed_until = until_at

    def _allowed_at(self, now: int, n: int) -> int:
        at = max(now, self._closed_until)
        return at if self._bucket is None else max(at, self._bucket.next_at(now, n))

    def _spend(self, now: int, n: int) -> None:
        if self._bucket is not None:
            self._bucket.take(now, n)

    def take(self, now: int, n: int = 1) -> bool:
        """Take the tokens of *n* calls at *now* [us]."""
        if self._allowed_at(now, n) > now or (self._behind is not None and not self._behind.take(now, n)):
            return False
        self._spend(now, n)
        return True

    def next_at(self, now: int, n: int = 1) -> int:
        """The first instant [us] at which ``take`` succeeds, if nobody else takes any."""
        at = self._allowed_at(now, n)
        return at if self._behind is None else max(at, self._behind.next_at(now, n))

    def take_for(self, now: int, groups: Iterable[Group]) -> bool:
        """Take what a call on messages of *groups* costs; False, and nothing taken, if that is not there."""
        if self._allowed_at(now, 1) > now or (
            self._behind is not None and not self._behind.take_for(now, groups)
        ):
            return False
        self._spend(now, 1)
        return True

    def next_for(self, now: int, groups: Iterable[Group]) -> int:
        """The first instant [us] at which ``take_for`` succeeds, if nobody else takes any."""
        at = self._allowed_at(now, 1)
        return at if self._behind is None else max(at, self._behind.next_for(now, groups))

    def use_up(self, now: int, n: int) -> None:
        """*n* calls come at *now* [us] that nobody misses if they are refused."""
        if self._behind is not None:
            self._behind.use_up(now, n)
