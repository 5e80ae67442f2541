"""Amazon SNS subscriptions of email, SMS and mobile push: what is sent, and what is not.

Rules (SNS guide, "Email notifications", "Mobile text messaging", "Mobile push notifications"): a mail
subscription that gets more than ten messages a second is disabled, that is pending confirmation again; a text
message is sent, counted and billed in parts of 140 bytes, until the month's spending is used up; a push
message that has waited longer than its time to live is dropped. A pending subscription gets nothing.
"""

from collections import deque
from typing import Final

_SECOND_US: Final = 1_000_000


class MailSubscription:
    """One address's subscription.

    Parameters
    ----------
    most_per_s : int
        Messages that any second may have; one more disables the subscription.
    """

    __slots__ = ("_last", "disabled")

    def __init__(self, most_per_s: int) -> None:
        self.disabled = False
        self._last: deque[int] = deque(maxlen=most_per_s)

    def take(self, now: int) -> bool:
        """Whether a message that passed the filter at *now* [us] is sent; instants ascend.

        False for the one that is too much, and for all that follow: nobody confirms again.
        """
        if self.disabled:
            return False
        last = self._last
        if len(last) == last.maxlen and now - last[0] < _SECOND_US:
            self.disabled = True
            return False
        last.append(now)
        return True


def parts_of(size_bytes: int, part_bytes: int) -> int:
    """Parts of a text of *size_bytes*, each at most *part_bytes*; at least one."""
    return max(1, -(-size_bytes // part_bytes))


class Spending:
    """What an account may spend on text messages in a month; the first one starts at 0.

    Parameters
    ----------
    limit : int
        MonthlySpendLimit, in millionths of a dollar.
    month_us : int
        How long a month is [us].
    """

    __slots__ = ("_limit", "_month", "_month_us", "spent")

    def __init__(self, limit: int, month_us: int) -> None:
        self.spent = 0
        self._limit = limit
        self._month = 0
        self._month_us = month_us

    def allows(self, now: int, price: int) -> bool:
        """Whether a message of *price* may still be sent at *now* [us]."""
        if (month := now // self._month_us) > self._month:
            self._month, self.spent = month, 0
        return self.spent + price <= self._limit

    def spend(self, price: int) -> None:
        """A message was sent."""
        self.spent += price


def has_expired(published_at: int, now: int, ttl_us: int) -> bool:
    """Whether a push message published at *published_at* is too old at *now*; all in [us]."""
    return now - published_at > ttl_us
