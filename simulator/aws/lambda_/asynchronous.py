"""Asynchronous invocation: what becomes of an event between its attempts, and when it is given up.

Rules (AWS Lambda developer guide, "Asynchronous invocation" and "Error handling for asynchronous
invocation"; Lambda API, PutFunctionEventInvokeConfig): Lambda keeps an event in a queue of its own. When
the function returns an error, it is run again one minute later, and then two minutes later
(MaximumRetryAttempts 0 to 2). A throttled event, and one that met an error of the system, goes back to that
queue and is tried again after 1 s, then ever longer up to 5 minutes, until it is older than
MaximumEventAge. A function with no concurrency at all (reserved: 0) is not tried: its events go to the
dead-letter queue at once. How the pauses of throttled events grow is said to be exponential; doubling,
without jitter, is ours.
"""

from collections.abc import Sequence
from typing import Final

_LARGEST_SHIFT: Final = 40


class AsynchronousInvocation:
    """When an event of one function is tried again, and when it is given up; all instants and times [us].

    Parameters
    ----------
    retries : int
        Runs after a first one that ended with an error, at most (``MaximumRetryAttempts``).
    maximum_event_age_us : int
        An event that is older is not tried any more (``MaximumEventAgeInSeconds``).
    error_delays_us : sequence of int
        From the end of a failed run to the next, one by one; the last one holds for all after it.
    backoff_first_us, backoff_cap_us : int
        Pause after a first throttle, and the longest one: each is twice the one before.
    """

    __slots__ = ("_cap_us", "_delays_us", "_first_us", "_retries", "maximum_event_age_us")

    def __init__(
        self,
        *,
        retries: int = 2,
        maximum_event_age_us: int,
        error_delays_us: Sequence[int],
        backoff_first_us: int,
        backoff_cap_us: int,
    ) -> None:
        self.maximum_event_age_us = maximum_event_age_us
        self._retries = retries
        self._delays_us = tuple(error_delays_us)
        self._first_us = backoff_first_us
        self._cap_us = backoff_cap_us

    @staticmethod
    def is_tried(reserved: int | None) -> bool:
        """Whether events are tried at all: not where the function's reserved concurrency is 0."""
        return reserved != 0

    def expires_at(self, accepted_at: int) -> int:
        """The last instant at which an event accepted at *accepted_at* may be tried."""
        return accepted_at + self.maximum_event_age_us

    def after_error(self, now: int, errors: int) -> int | None:
        """When to run again after run number *errors* in a row has failed at *now*; None: no more."""
        if errors > self._retries:
            return None
        return now + self._delays_us[min(errors, len(self._delays_us)) - 1]

    def after_throttle(self, now: int, throttles: int) -> int:
        """When to try again after the throttle number *throttles* in a row, at *now*."""
        return now + min(self._first_us << min(throttles - 1, _LARGEST_SHIFT), self._cap_us)
