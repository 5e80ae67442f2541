"""A topic's life: each published message goes to every subscription whose filter lets it pass."""

from typing import Final, Protocol

import numpy as np

from simulator.aws.sqs.receipt import NEVER
from simulator.processes.ledger import Block
from simulator.processes.reach import Attempts
from simulator.processes.subscription_counts import SubscriptionCounts
from simulator.recording.tables import Cause
from simulator.sampling.distributions import Distribution, draw

_RECENT: Final = 64


class Way(Protocol):
    """What is under way, known ahead."""

    def release(self, horizon: int) -> None:
        """Hand over what arrives before *horizon* [us]."""

    def under_way(self) -> int:
        """Messages not handed over yet."""


class Inlet(Way, Protocol):
    """Where a subscription or a producer delivers to."""

    def add(self, messages: np.ndarray, arrive_at: np.ndarray) -> None:
        """*messages* arrive at *arrive_at* [us]."""


class Failures(Protocol):
    """What settles deliveries that failed for good."""

    def add(
        self, messages: np.ndarray, sent_at: np.ndarray, failed_at: np.ndarray, cause: np.ndarray
    ) -> None:
        """*messages*, published at *sent_at* [us], fail for good at *failed_at*; all of shape (n,)."""

    def finish_run(self) -> int:
        """Write down what SNS still tries at the end of the run; how many."""


class Subscription:
    """A subscription to a topic: what it lets pass, and how what passes gets to its endpoint.

    Parameters
    ----------
    inlet : Inlet
        The way into its endpoint.
    hop : Distribution
        Latency from the publish to the endpoint [us].
    hop_key : int
        Stream of the latencies; they belong to the messages.
    passes : dict
        By producer: whether each combination of attribute values passes the filter policy.
    """

    def __init__(
        self, thing: int, inlet: Inlet, hop: Distribution, hop_key: int, passes: dict[str, np.ndarray]
    ) -> None:
        self.thing = thing
        self.counts = SubscriptionCounts()
        self.pending = 0
        """Messages published while it was not confirmed: they are no matter of its."""
        self.confirmed = (0, NEVER)
        """From when to when it stands [us]."""
        self.subscribers = 1
        """How many endpoints get each message, where they are only counted."""
        self.settles = True
        """Whether what reaches the endpoint is delivered; else its line counts what becomes of it."""
        self.in_rows = True
        """Whether each message becomes a copy; else deliveries are only counted."""
        self.attempts: Attempts | None = None
        """How deliveries are tried, where one can fail; None: each first attempt is successful."""
        self.failures: Failures | None = None
        self._inlet = inlet
        self._hop = hop
        self._hop_key = hop_key
        self._passes = passes
        self._last: dict[int, int] = {}
        self._recent: list[np.ndarray] = []  # instants of arrival, the last ones maybe still to come

    def passes(self, producer: str) -> np.ndarray:
        """Whether each combination of attribute values of *producer* passes the filter policy."""
        return self._passes[producer]

    def stands(self, now: int) -> bool:
        """Whether it is confirmed at *now* [us]."""
        return self.confirmed[0] <= now < self.confirmed[1]

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
        if self.confirmed != (0, NEVER):
            stands = (sent_at >= self.confirmed[0]) & (sent_at < self.confirmed[1])
            self.pending += int((ok & ~stands).sum())
            ok = ok & stands
        passed: np.ndarray = ok & self._passes[producer][combinations]
        chosen = np.flatnonzero(passed)
        published = int(ok.sum())
        self.counts.published += published * self.subscribers
        self.counts.filtered_out += (published - len(chosen)) * self.subscribers
        arrive_at = (sent_at + draw(self._hop, self._hop_key, keys))[chosen]
        messages, groups = messages[chosen], groups[chosen]
        if self.attempts is not None:
            messages, arrive_at = self._try(
                messages, sent_at[chosen], arrive_at, groups, keys[chosen], in_order=in_order
            )
        elif in_order:
            arrive_at = np.array(self._keep_order(groups.tolist(), arrive_at.tolist()), dtype=np.int64)
        self._inlet.add(messages, arrive_at)
        if self.settles:
            self.counts.delivered += len(messages) * self.subscribers
            self._remember(arrive_at, int(sent_at[0]) if len(sent_at) else 0)
        return passed

    def _try(
        self,
        messages: np.ndarray,
        sent_at: np.ndarray,
        first_at: np.ndarray,
        groups: np.ndarray,
        keys: np.ndarray,
        *,
        in_order: bool,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Try to deliver *messages*: those that arrive, and when [us]."""
        assert self.attempts is not None and self.failures is not None
        tried = self.attempts.try_in_order(first_at, keys, groups, self._last) if in_order else (
            self.attempts.try_all(first_at, keys)
        )  # fmt: skip
        failed = tried.cause != Cause.NOTHING
        self.counts.retried += int((tried.attempts - 1).sum())
        self.counts.failed_attempts += int((tried.attempts - 1).sum()) + int(failed.sum())
        if failed.any():
            self.failures.add(messages[failed], sent_at[failed], tried.ended_at[failed], tried.cause[failed])
        return messages[~failed], tried.ended_at[~failed]

    def receives(self, now: int, *, passes: bool) -> bool:
        """Count one message published at *now* [us] that passes the filter or not; whether it is sent on."""
        if not self.stands(now):
            self.pending += 1
            return False
        self.counts.published += self.subscribers
        self.counts.filtered_out += 0 if passes else self.subscribers
        return passes

    def try_one(self, message: int, sent_at: int, first_at: int, key: int) -> int | None:
        """Try to deliver one message; when it arrives [us], None if it never does."""
        one = np.array([message], dtype=np.int64)
        sent, first = np.array([sent_at], dtype=np.int64), np.array([first_at], dtype=np.int64)
        nobody = np.zeros(1, dtype=np.int64)
        keys = np.array([key], dtype=np.uint64)
        _, arrive_at = self._try(one, sent, first, nobody, keys, in_order=False)
        return int(arrive_at[0]) if len(arrive_at) else None

    def _remember(self, arrive_at: np.ndarray, now: int) -> None:
        """Keep what may still be under way at the end of the run."""
        if not len(self._recent) % _RECENT:
            self._recent = [part for part in self._recent if len(part) and part.max() >= now]
        self._recent.append(arrive_at)

    def _keep_order(self, groups: list[int], arrive_at: list[int]) -> list[int]:
        """A FIFO subscription has one message a group outstanding: none arrives before its predecessor."""
        last = self._last
        for index, group in enumerate(groups):
            at = max(arrive_at[index], last.get(group, 0))
            arrive_at[index] = last[group] = at
        return arrive_at

    def finish_run(self, now: int) -> int:
        """Close its books at the end of the run, *now* [us]; messages SNS has not delivered yet."""
        under_way = 0
        if self.settles:
            under_way = sum(int((part > now).sum()) for part in self._recent) * self.subscribers
            self.counts.delivered -= under_way
            self._recent = []
        if self.failures is not None:
            under_way += self.failures.finish_run()
        return under_way


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
            passed = subscription.deliver(
                block.producer, messages, block.attributes, ok, offered_at, groups, keys, in_order=self._fifo
            )
            if subscription.in_rows:
                copies += passed
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
        passes = [one.passes(producer).astype(np.int64) * one.in_rows for one in self.subscriptions]
        copies: list[int] = np.sum(passes, axis=0).tolist()
        return copies

    def copies_at(self, producer: str, combination: int, now: int) -> int:
        """Copies that a message of *producer* with this combination becomes, published at *now* [us]."""
        rowed = [one for one in self.subscriptions if one.in_rows and one.stands(now)]
        return sum(int(one.passes(producer)[combination]) for one in rowed)
