"""SES's sending quotas: how many recipients a second, and how many in 24 hours.

Source: SES's developer guide, "Service quotas" and "Managing your sending limits": both count recipients, not
mails; the day is a rolling window of 24 hours, not a calendar day; short bursts above the rate are tolerated
(how long is not published); what is over a quota is answered with an error and not kept for later.
"""

from collections import deque
from enum import Enum
from typing import Final

from simulator.aws.quotas import TokenBucket

DAY_US: Final = 86_400_000_000
_SECOND_US: Final = 1_000_000


class Refusal(Enum):
    """Why SES does not take a mail."""

    RATE = "rate"
    """ThrottlingException, maximum send rate exceeded"""
    DAILY = "daily"
    """ThrottlingException, daily message quota exceeded"""
    PAUSED = "paused"
    """AccountSuspendedException or SendingPausedException"""
    RECIPIENTS = "recipients"
    """more recipients than a mail may have"""


class SendingQuota:
    """What one account may send in one region.

    Parameters
    ----------
    rate_per_s : int
        Recipients a second.
    burst : int
        Recipients at once after a rest.
    daily : int
        Recipients in any 24 hours.
    max_recipients : int
        Recipients of one mail at most.
    """

    def __init__(self, rate_per_s: int, burst: int, daily: int, max_recipients: int) -> None:
        self._bucket = TokenBucket(rate_per_s, burst)
        self._daily = daily
        self._max_recipients = max_recipients
        self._sent: deque[list[int]] = (
            deque()
        )  # second and its recipients: memory grows with seconds, not mails
        self._used = 0

    def send(self, now: int, recipients: int) -> Refusal | None:
        """Send a mail to so many at *now* [us]; None when it is taken, else why not, and nothing is used."""
        if recipients > self._max_recipients:
            return Refusal.RECIPIENTS
        if self.used(now) + recipients > self._daily:
            return Refusal.DAILY
        if not self._bucket.take(now, recipients):
            return Refusal.RATE
        second = now // _SECOND_US
        if self._sent and self._sent[-1][0] == second:
            self._sent[-1][1] += recipients
        else:
            self._sent.append([second, recipients])
        self._used += recipients
        return None

    def used(self, now: int) -> int:
        """Recipients of the last 24 hours; those of a second leave together, at its end."""
        sent = self._sent
        while sent and (sent[0][0] + 1) * _SECOND_US + DAY_US <= now + 1:
            self._used -= sent.popleft()[1]
        return self._used
