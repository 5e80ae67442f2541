"""Step Functions: transitions of Standard executions through the account's bucket.

Rules (Step Functions guide, "Quotas related to state throttling"): each entry of a state is a transition, and
so is each try of a task after the first and each state of an iteration. A bucket holds tokens for them and is
refilled evenly. A transition that finds none waits, in order; it is counted in ExecutionThrottled and never
fails. Express executions have no such limit. (StartExecution is refused when its bucket is empty:
`aws.quotas.TokenBucket`.)
"""

from typing import Final

_UNIT: Final = 1_000_000  # a token in parts, as in `aws.quotas`

LARGE_REGIONS: Final = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
"""Regions whose quotas are the larger ones."""


class TransitionBucket:
    """Tokens for transitions: who comes when there is none is told when his turn is.

    The turn is reserved: the order is that of the calls. A turn that is not used, because the execution was
    stopped meanwhile, is lost.

    Parameters
    ----------
    refill_per_s : int
        Tokens refilled a second.
    depth : int
        Most tokens held, and held at the start.
    """

    __slots__ = ("_at", "_full", "_level", "refill_per_s", "throttled", "transitions")

    def __init__(self, refill_per_s: int, depth: int) -> None:
        self.refill_per_s = refill_per_s
        self.transitions = 0
        self.throttled = 0
        self._full = self._level = depth * _UNIT
        self._at = 0

    def enter(self, now: int) -> int:
        """Take the token of one transition asked for at *now* [us]; give the instant it happens [us]."""
        self._refill(now)
        self._level -= _UNIT
        self.transitions += 1
        if self._level >= 0:
            return now
        self.throttled += 1
        return now - (self._level // self.refill_per_s)

    def waiting(self, now: int) -> int:
        """Transitions whose turn has not come at *now* [us]."""
        self._refill(now)
        return -(self._level // _UNIT) if self._level < 0 else 0

    def tokens(self, now: int) -> int:
        """Whole tokens there are at *now* [us]."""
        self._refill(now)
        return max(0, self._level // _UNIT)

    def _refill(self, now: int) -> None:
        if now > self._at:
            self._level = min(self._full, self._level + (now - self._at) * self.refill_per_s)
            self._at = now
