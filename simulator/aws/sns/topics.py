"""Amazon SNS topics: who gets a message.

Rules: a topic gives a copy to each subscription whose filter policy accepts the message's attributes;
a FIFO topic deduplicates by itself, over all its groups (conformance SNS-FAN,
SNS-FIFO). Which call is made when, and what it costs in time, is the caller's part.
"""

from collections.abc import Collection, Hashable, Mapping

from simulator.aws.deduplication import Deduplication


def accepts(filter_policy: Mapping[str, Collection[str]], attributes: Mapping[str, str]) -> bool:
    """Whether every key of the policy is an attribute with one of the listed values."""
    return all(attributes.get(key) in values for key, values in filter_policy.items())


class Subscription:
    """A queue subscribed to a topic.

    Parameters
    ----------
    to_fifo : bool
        Whether the queue is a FIFO queue.
    filter_policy : mapping, optional
        Values accepted of each attribute named; none or an empty one accepts everything.
    raw_message_delivery : bool
        Whether the queue gets the body as published, without SNS's envelope around it.
    """

    __slots__ = ("filter_policy", "raw_message_delivery", "to_fifo")

    def __init__(
        self,
        *,
        to_fifo: bool = False,
        filter_policy: Mapping[str, Collection[str]] | None = None,
        raw_message_delivery: bool = False,
    ) -> None:
        self.to_fifo = to_fifo
        self.filter_policy = filter_policy or {}
        self.raw_message_delivery = raw_message_delivery


class StandardTopic:
    """SNS standard topic: a message goes to all subscriptions there are when it is published."""

    def __init__(self) -> None:
        self.subscriptions: list[Subscription] = []
        self._receivers: dict[frozenset[tuple[str, str]], tuple[int, ...]] = {}

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
            self._receivers.clear()
        return reason

    def receivers(self, attributes: Mapping[str, str]) -> tuple[int, ...]:
        """Which subscriptions, by their number from 0, get a message with these attributes.

        The policies are evaluated once for each combination of values that occurs.
        """
        combination = frozenset(attributes.items())
        receivers = self._receivers.get(combination)
        if receivers is None:
            receivers = self._receivers[combination] = tuple(
                number
                for number, subscription in enumerate(self.subscriptions)
                if accepts(subscription.filter_policy, attributes)
            )
        return receivers


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
