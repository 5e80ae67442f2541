"""How many messages may be published a second: quotas of the account, of a FIFO topic, of a message group.

Rules (SNS quotas): each message counts, also each entry of a PublishBatch; a publish beyond a quota is
refused with ThrottledException, and nothing of it is published (a batch is refused whole: our reading).
"""

from collections.abc import Hashable, Sequence
from typing import Final

from simulator.aws.quotas import TokenBucket

_SECOND_US: Final = 1_000_000


def bucket(per_s: int, burst_us: int) -> TokenBucket:
    """The bucket of a quota of *per_s* a second that allows a burst of *burst_us* [us]."""
    return TokenBucket(per_s, max(1, per_s * burst_us // _SECOND_US))


class PublishQuota:
    """The quotas that publishes to one topic meet.

    Parameters
    ----------
    account : TokenBucket, optional
        Messages of all topics of this type in the account and region, shared; None: no quota, as below.
    topic, topic_bytes : TokenBucket, optional
        Messages and payload of a FIFO topic whose throughput scope is the topic.
    group_per_s, burst_us : int
        Messages a second of a message group, and how long a burst may be [us].
    """

    def __init__(
        self,
        account: TokenBucket | None,
        *,
        topic: TokenBucket | None = None,
        topic_bytes: TokenBucket | None = None,
        group_per_s: int | None = None,
        burst_us: int = _SECOND_US,
    ) -> None:
        self._account = account
        self._topic = topic
        self._topic_bytes = topic_bytes
        self._group_per_s = group_per_s
        self._burst_us = burst_us
        self._groups: dict[Hashable, TokenBucket] = {}

    def take(self, now: int, groups: Sequence[Hashable], size_bytes: int) -> bool:
        """Whether a call at *now* [us] is taken: one message for each of *groups*, *size_bytes* together.

        Nothing is used up by a call that is refused.
        """
        due = [(one, len(groups)) for one in (self._account, self._topic) if one is not None]
        if self._topic_bytes is not None:
            due.append((self._topic_bytes, size_bytes))
        if self._group_per_s is not None:
            due += [(self._group(group), groups.count(group)) for group in sorted(set(groups), key=hash)]
        if any(one.next_at(now, n) > now for one, n in due):
            return False
        for one, n in due:
            one.take(now, n)
        return True

    def _group(self, group: Hashable) -> TokenBucket:
        found = self._groups.get(group)
        if found is None:
            assert self._group_per_s is not None
            found = self._groups[group] = bucket(self._group_per_s, self._burst_us)
        return found
