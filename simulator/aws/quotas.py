"""Token buckets, the shape of every AWS request quota."""

from typing import Final

_UNIT: Final = 1_000_000  # a token in parts, so that a microsecond refills a whole number of them


class TokenBucket:
    """A bucket of *depth* tokens, full at the start, refilled evenly at *rate_per_s*.

    Everything is whole numbers: a microsecond refills ``rate_per_s`` millionths of a token, so the
    k-th call at exactly the refill rate is never refused by a rounding.

    Parameters
    ----------
    rate_per_s : int
        Tokens refilled a second.
    depth : int
        Largest number of tokens held; unused ones above it are lost.
    """

    __slots__ = ("_at", "_full", "_level", "rate_per_s")

    def __init__(self, rate_per_s: int, depth: int) -> None:
        self.rate_per_s = rate_per_s
        self._full = depth * _UNIT
        self._level = self._full
        self._at = 0

    def take(self, now: int, n: int = 1) -> bool:
        """Take *n* tokens at *now* [us]; False, and nothing taken, when there are fewer."""
        level = self._level
        if now > self._at:
            level += (now - self._at) * self.rate_per_s
            if level > self._full:
                level = self._full
            self._at = now
        taken = level >= n * _UNIT
        self._level = level - n * _UNIT if taken else level
        return taken

    def use_up(self, now: int, n: int) -> None:
        """Take *n* tokens at *now* [us], or all there are but one if they are fewer."""
        self.take(now, 0)
        self._level -= max(0, min(n, self._level // _UNIT - 1)) * _UNIT

    def next_at(self, now: int, n: int = 1) -> int:
        """The first instant [us] from *now* at which *n* tokens are there, if nobody else takes any."""
        level = min(self._full, self._level + max(0, now - self._at) * self.rate_per_s)
        missing = n * _UNIT - level
        return now if missing <= 0 else now - (-missing // self.rate_per_s)
