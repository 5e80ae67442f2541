"""A topic's life: each published message goes to every subscription whose filter lets it pass."""

from typing import Protocol

import numpy as np

from simulator.processes.ledger import Block
from simulator.sampling.distributions import Distribution, draw


class Inlet(Protocol):
    """Where a subscription or a producer delivers to."""

    def add(self, messages: np.ndarray, arrive_at: np.ndarray) -> None:
        """*messages* arrive at *arrive_at* [us]."""

    def release(self, horizon: int) -> None:
        """Hand over what arrives before *horizon* [us]."""

    def under_way(self) -> int:
        """Messages not handed over yet."""


class Subscription:
    """One queue's subscription to a topic.

    Parameters
    ----------
    inlet : Inlet
        The way into its queue.
    hop : Distribution
        Latency from the publish to the queue [us].
    hop_key : int
        Stream of the latencies; they belong to the messages.
    passes : dict
        By producer: whether each combination of attribute values passes the filter policy.
    """

    def __init__(
        self, thing: int, inlet: Inlet, hop: Distribution, hop_key: int, passes: dict[str, np.ndarray]
    ) -> None:
        self.thing = thing
        self.filtered_out = 0
        self.delivered = 0
        self._inlet = inlet
        self._hop = hop
        self._hop_key = hop_key
        self._passes = passes
        self._last: dict[int, int] = {}

    def passes(self, producer: str) -> np.ndarray:
        """Whether each combination of attribute values of *producer* passes the filter policy."""
        return self._passes[producer]

    def deliver(
        self,
        producer: str,
        messages: np.ndarray,
        combinations: np.ndarray,
        ok: np.ndarray,
        sent_at: np.ndarray,
        groups: np.ndarray,
        keys: np.ndarray,
        *,
        in_order: bool,
    ) -> np.ndarray:
        """Send what was accepted (*ok*) of *messages* on its way; which passed. All of shape (n,)."""
        passed: np.ndarray = ok & self._passes[producer][combinations]
        arrive_at = sent_at + draw(self._hop, self._hop_key, keys)
        chosen = np.flatnonzero(passed)
        if in_order:
            arrive_at[chosen] = self._keep_order(groups[chosen].tolist(), arrive_at[chosen].tolist())
        self._inlet.add(messages[chosen], arrive_at[chosen])
        self.filtered_out += int(ok.sum()) - len(chosen)
        self.delivered += len(chosen)
        return passed

    def _keep_order(self, groups: list[int], arrive_at: list[int]) -> list[int]:
        """A FIFO subscription has one message a group outstanding: none arrives before its predecessor."""
        last = self._last
        for index, group in enumerate(groups):
            at = max(arrive_at[index], last.get(group, 0))
            arrive_at[index] = last[group] = at
        return arrive_at


class Topic:
    """A standard or FIFO topic and its subscriptions."""

    def __init__(self, thing: int, subscriptions: list[Subscription], *, fifo: bool) -> None:
        self.thing = thing
        self.published = 0
        self.subscriptions = subscriptions
        self._fifo = fifo

    def publish(
        self, block: Block, ok: np.ndarray, offered_at: np.ndarray, groups: np.ndarray, keys: np.ndarray
    ) -> np.ndarray:
        """Publish the accepted (*ok*) messages of *block*; copies each becomes, shape (n,)."""
        copies = np.zeros(len(ok), dtype=np.int16)
        self.published += int(ok.sum())
        messages = np.arange(block.first, block.end)
        for subscription in self.subscriptions:
            copies += subscription.deliver(
                block.producer, messages, block.attributes, ok, offered_at, groups, keys, in_order=self._fifo
            )
        return copies

    def publish_messages(
        self,
        producer: str,
        messages: np.ndarray,
        combinations: np.ndarray,
        sent_at: np.ndarray,
        groups: np.ndarray,
        keys: np.ndarray,
    ) -> None:
        """Publish *messages* of *producer* at *sent_at* [us], ascending; all of shape (n,)."""
        self.published += len(messages)
        everything = np.ones(len(messages), dtype=bool)
        for subscription in self.subscriptions:
            subscription.deliver(
                producer, messages, combinations, everything, sent_at, groups, keys, in_order=self._fifo
            )

    def copies_of(self, producer: str) -> list[int]:
        """Copies that a message of *producer* becomes, by its combination of attribute values."""
        passes = [subscription.passes(producer).astype(np.int64) for subscription in self.subscriptions]
        copies: list[int] = np.sum(passes, axis=0).tolist()
        return copies
