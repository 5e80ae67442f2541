"""Step Functions: when a state that failed is tried again.

Rules (Amazon States Language; Step Functions guide, "Error handling"): the first retrier that names the error
counts it; each retrier counts on its own within one entry of the state. Its n-th retry waits the interval
times the back-off rate to the power n - 1, at most the greatest delay; with full jitter anything between 0
and that. When its attempts are used up no other retrier is asked: the error is caught, or the state fails.
"""

from collections.abc import Collection, Sequence
from typing import Final, Literal

ALL: Final = "States.ALL"
TASK_FAILED: Final = "States.TaskFailed"
TIMEOUT: Final = "States.Timeout"
_NOT_IN_ALL: Final = frozenset({"States.DataLimitExceeded", "States.Runtime"})


def matches(names: Collection[str], error: str) -> bool:
    """Whether a list of error names (ErrorEquals) covers *error*.

    ``States.ALL`` is every error but ``States.DataLimitExceeded`` and ``States.Runtime``;
    ``States.TaskFailed`` is every error of a task but ``States.Timeout``.
    """
    if error in names:
        return True
    if ALL in names and error not in _NOT_IN_ALL:
        return True
    return TASK_FAILED in names and error != TIMEOUT and error not in _NOT_IN_ALL


class Retrier:
    """One entry of a state's Retry field.

    Parameters
    ----------
    errors : collection of str
        ErrorEquals.
    interval_us : int
        IntervalSeconds: the first wait [us].
    backoff_rate : float
        BackoffRate: each wait is this many times the one before.
    max_attempts : int
        MaxAttempts: retries, 0 for never.
    max_delay_us : int, optional
        MaxDelaySeconds: no wait is longer [us].
    jitter : str
        JitterStrategy.
    """

    __slots__ = ("backoff_rate", "errors", "interval_us", "jitter", "max_attempts", "max_delay_us")

    def __init__(
        self,
        errors: Collection[str] = (ALL,),
        *,
        interval_us: int = 1_000_000,
        backoff_rate: float = 2.0,
        max_attempts: int = 3,
        max_delay_us: int | None = None,
        jitter: Literal["NONE", "FULL"] = "NONE",
    ) -> None:
        self.errors = frozenset(errors)
        self.interval_us = interval_us
        self.backoff_rate = backoff_rate
        self.max_attempts = max_attempts
        self.max_delay_us = max_delay_us
        self.jitter = jitter

    def wait_us(self, retries: int, chance: float = 1.0) -> int | None:
        """Wait before the next retry [us], *retries* made already; None when there is none left.

        *chance* in [0, 1) is the share of the wait that full jitter leaves.
        """
        if retries >= self.max_attempts:
            return None
        wait = self.interval_us * self.backoff_rate**retries
        if self.max_delay_us is not None:
            wait = min(wait, self.max_delay_us)
        return round(wait * chance) if self.jitter == "FULL" else round(wait)


class Retries:
    """What the retriers of one entry of a state have counted so far."""

    __slots__ = ("_made", "_retriers")

    def __init__(self, retriers: Sequence[Retrier]) -> None:
        self._retriers = retriers
        self._made = [0] * len(retriers)

    def wait_us(self, error: str, chance: float = 1.0) -> int | None:
        """Wait before the state is tried again after *error* [us]; None: to the catchers, or it fails."""
        for index, retrier in enumerate(self._retriers):
            if matches(retrier.errors, error):
                wait = retrier.wait_us(self._made[index], chance)
                self._made[index] += wait is not None
                return wait
        return None
