"""Amazon SNS topics: who gets a message.

Rules: a topic gives a copy to each subscription whose filter policy accepts the message;
a FIFO topic deduplicates by itself, over all its groups (conformance SNS-FAN,
SNS-FIFO). Which call is made when, and what it costs in time, is the caller's part.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from simulator.aws.deduplication import Deduplication
from simulator.aws.sns.filter_policy import FilterPolicy, Scope


class Subscription:
    """A queue subscribed to a topic.

    Parameters
    ----------
    to_fifo : bool
        Whether the queue is a FIFO queue.
    filter_policy : JSON object, optional
        None or an empty one accepts everything; `filter_validity` says what SNS refuses.
    filter_policy_scope : str
        What the policy looks at: ``MessageAttributes`` or ``MessageBody``.
    raw_message_delivery : bool
        Whether the queue gets the body as published, without SNS's envelope around it.
    """

    __slots__ = ("filter_policy", "of_body", "raw_message_delivery", "to_fifo")

    def __init__(
        self,
        *,
        to_fifo: bool = False,
        filter_policy: Mapping[str, Any] | None = None,
        filter_policy_scope: Scope = "MessageAttributes",
        raw_message_delivery: bool = False,
    ) -> None:
        self.to_fifo = to_fifo
        self.filter_policy = FilterPolicy(filter_policy)
        self.of_body = filter_policy_scope == "MessageBody"
        self.raw_message_delivery = raw_message_delivery

    def accepts(self, attributes: Mapping[str, Mapping[str, str]], body: str) -> bool:
        """Whether the filter lets a message with these attributes and this body through."""
        policy = self.filter_policy
        return (policy.of_text(body) if self.of_body else policy.of_attributes(attributes)).accepted


class StandardTopic:
    """SNS standard topic: a message goes to all subscriptions there are when it is published."""

    def __init__(self) -> None:
        self.subscriptions: list[Subscription] = []

    def refusal(self, subscription: Subscription) -> str | None:
        """Why the subscription is not taken; None: it is."""
        if subscription.to_fifo:
            return "InvalidParameter: a standard topic does not deliver to a FIFO queue"
        return None

    def subscribe(self, subscription: Subscription) -> str | None:
        """Take the subscription, or return the reason why not."""
        reason = self.refusal(subscription)
        if reason is None:
            self.subscriptions.append(subscription)
        return reason

    def receivers(self, attributes: Mapping[str, Mapping[str, str]], body: str = "") -> tuple[int, ...]:
        """Which subscriptions, by their number from 0, get a message with these attributes and this body."""
        return tuple(
            number
            for number, subscription in enumerate(self.subscriptions)
            if subscription.accepts(attributes, body)
        )


class FifoTopic(StandardTopic):
    """SNS FIFO topic: delivers to FIFO and to standard queues, each message once within its window.

    Message group and deduplication id go on to the queues with the message; a FIFO queue then
    deduplicates by the same id once more.

    Parameters
    ----------
    deduplication_window_us : int
        How long a deduplication id is remembered from its first accepted publish [us].
    """

    def __init__(self, deduplication_window_us: int) -> None:
        super().__init__()
        self._deduplication = Deduplication(deduplication_window_us)

    def refusal(self, subscription: Subscription) -> str | None:
        """None: a FIFO topic takes FIFO queues and, since September 2023, standard queues."""
        return None

    def publish(self, now: int, message: int, deduplication_id: Hashable) -> int:
        """Accept *message* at *now* [us] and answer with it; a duplicate answers with its original.

        The id counts whatever the group (topic scope); a duplicate goes to no subscription.
        """
        original = self._deduplication.original(now, deduplication_id, message)
        return message if original is None else original
