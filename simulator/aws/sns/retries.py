"""Amazon SNS delivery retries: when a failed delivery is tried again, by the protocol of the subscription.

Rules (SNS guide, "Message delivery retries"): after a server-side error the delivery is tried again in four
phases: at once, after the least delay each, with delays that grow from the least to the greatest, after the
greatest delay each. A client-side error (the endpoint is gone, access is denied) is never tried again. Jitter
lies on every delay; neither its kind nor the formulas of the growing phase are published, so both are ours.
"""

import math
from typing import Final, Literal

Growth = Literal["linear", "arithmetic", "geometric", "exponential"]

SECOND_US: Final = 1_000_000
_POWERS: Final = {"linear": 1, "arithmetic": 2, "geometric": 3}


class RetryPolicy:
    """The retries of one subscription, counted from 1.

    Parameters
    ----------
    no_delay, min_delay, backoff, max_delay : int
        How many retries each phase has, in the order in which they come.
    min_delay_us, max_delay_us : int
        The least and the greatest delay [us].
    growth : str
        How delays grow in the phase between; AWS says only that each curve is steeper than the one before.
    """

    __slots__ = ("backoff", "growth", "max_delay", "max_delay_us", "min_delay", "min_delay_us", "no_delay")

    def __init__(
        self,
        *,
        no_delay: int,
        min_delay: int,
        backoff: int,
        max_delay: int,
        min_delay_us: int,
        max_delay_us: int,
        growth: Growth = "exponential",
    ) -> None:
        self.no_delay = no_delay
        self.min_delay = min_delay
        self.backoff = backoff
        self.max_delay = max_delay
        self.min_delay_us = min_delay_us
        self.max_delay_us = max_delay_us
        self.growth = growth

    @property
    def retries(self) -> int:
        """Retries in all; the first attempt is not among them."""
        return self.no_delay + self.min_delay + self.backoff + self.max_delay

    def delay_us(self, retry: int, chance: float | None = None, jitter: float = 0.5) -> int | None:
        """Pause before retry number *retry* (from 1) [us]; None when there is none left.

        *chance* in [0, 1) draws the part *jitter* of the delay (model: half of it); None: no jitter.
        """
        delay = self._plain_us(retry)
        if delay is None or chance is None:
            return delay
        return round(delay * (1 - jitter + jitter * chance))

    def _plain_us(self, retry: int) -> int | None:
        left = retry - 1 - self.no_delay
        if left < 0:
            return 0
        if left < self.min_delay:
            return self.min_delay_us
        left -= self.min_delay
        if left < self.backoff:
            return self._growing_us(left)
        return self.max_delay_us if left < self.backoff + self.max_delay else None

    def _growing_us(self, step: int) -> int:
        low, high, last = self.min_delay_us, self.max_delay_us, self.backoff - 1
        if not last:
            return low
        if self.growth == "exponential":
            return round(low * math.pow(high / low, step / last))
        return round(low + (high - low) * (step / last) ** _POWERS[self.growth])

    def total_us(self) -> int:
        """All delays together, without jitter [us]."""
        growing = sum(self._growing_us(step) for step in range(self.backoff))
        return self.min_delay * self.min_delay_us + growing + self.max_delay * self.max_delay_us


def aws_managed(*, max_delay: int = 100_000) -> RetryPolicy:
    """Retries to SQS, Lambda and Firehose: 100,015 over 23 days."""
    return RetryPolicy(
        no_delay=3,
        min_delay=2,
        backoff=10,
        max_delay=max_delay,
        min_delay_us=SECOND_US,
        max_delay_us=20 * SECOND_US,
    )


def customer_managed() -> RetryPolicy:
    """Retries of email, SMS and mobile push: 50 over six hours."""
    return RetryPolicy(
        no_delay=0,
        min_delay=2,
        backoff=10,
        max_delay=38,
        min_delay_us=10 * SECOND_US,
        max_delay_us=600 * SECOND_US,
    )


def http(
    *,
    retries: int = 3,
    no_delay: int = 0,
    min_delay: int = 0,
    max_delay: int = 0,
    min_delay_us: int = 20 * SECOND_US,
    max_delay_us: int = 20 * SECOND_US,
    growth: Growth = "linear",
) -> RetryPolicy:
    """Retries to an HTTP/S endpoint by its delivery policy; AWS's default is three, 20 s apart.

    Parameters
    ----------
    retries : int
        numRetries, 0 to 100; those in no other phase grow.
    no_delay, min_delay, max_delay : int
        numNoDelayRetries, numMinDelayRetries, numMaxDelayRetries.
    min_delay_us, max_delay_us : int
        minDelayTarget and maxDelayTarget [us].
    growth : str
        backoffFunction.
    """
    return RetryPolicy(
        no_delay=no_delay,
        min_delay=min_delay,
        backoff=retries - no_delay - min_delay - max_delay,
        max_delay=max_delay,
        min_delay_us=min_delay_us,
        max_delay_us=max_delay_us,
        growth=growth,
    )


def http_problem(policy: RetryPolicy, longest_us: int) -> str:
    """Why SetSubscriptionAttributes refuses a delivery policy; "" if it does not.

    *longest_us* is the most that all its delays may add up to [us] (3,600 s, hard).
    """
    if policy.backoff < 0:
        return f"its phases have more retries than numRetries, which is {policy.retries}"
    if policy.min_delay_us > policy.max_delay_us:
        return "minDelayTarget is above maxDelayTarget"
    if policy.total_us() > longest_us:
        total_s, longest_s = policy.total_us() / SECOND_US, longest_us / SECOND_US
        return f"its delays add up to {total_s:,.0f} s; allowed: at most {longest_s:,.0f} s"
    return ""
