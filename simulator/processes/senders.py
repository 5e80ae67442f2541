"""Senders: gather messages into calls, wait for answers, and say again what was not heard.

A sender to a standard queue, or to a topic that stays within the quotas, is refused nothing, so it lives
ahead of the run, on a clock of its own, a window at a time. One to a FIFO queue, or to a topic whose quotas
may throttle it, shares them with others and lives on the run's clock. What it sends to is a *service*: the
way into a queue or a topic.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import numpy as np

from simulator.aws.deduplication import Deduplication
from simulator.aws.sns.quotas import PublishQuota
from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.receipt import NEVER
from simulator.processes.clock import SENDS, Clock
from simulator.processes.ledger import Ledger
from simulator.processes.queues import Dispatcher
from simulator.processes.topics import Inlet, Topic
from simulator.recording.tables import NONE
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import UInts, mix, uniform

_FIRST_PAUSE_US: Final = 1_000_000


class Outgoing:
    """A message on its way to be accepted.

    Attributes
    ----------
    message : int
        Its number.
    key : int
        Key of its draws.
    size_bytes, combination, poison : int
        Its size, the index of its attribute values, whether it fails every attempt.
    answer_us : int
        How long the sender of its first call waits for the answer [us]; NONE: none comes in time.
    think_us, client : int
        Of a closed loop: how long its client thinks after it [us], and which client that is.
    calls, copies : int
        Calls made for it, copies it became.
    accepted_at : int
        When it was accepted first [us], or NONE; ``deduplicated`` says that the first was a duplicate.
    """

    __slots__ = (
        "accepted_at", "answer_us", "calls", "client", "combination", "copies", "deduplicated", "key",
        "message", "poison", "size_bytes", "think_us",
    )  # fmt: skip

    def __init__(
        self,
        message: int,
        key: int,
        size_bytes: int,
        combination: int,
        poison: int,
        answer_us: int = 0,
        think_us: int = 0,
        client: int = NONE,
    ) -> None:
        self.message = message
        self.key = key
        self.size_bytes = size_bytes
        self.combination = combination
        self.poison = poison
        self.answer_us = answer_us
        self.think_us = think_us
        self.client = client
        self.calls = self.copies = 0
        self.accepted_at = NONE
        self.deduplicated = False

    def accept(self, now: int, copies: int, stored: bool) -> None:
        """A call was answered with success at *now* [us] and made *copies*."""
        if self.accepted_at == NONE:
            self.accepted_at = now
            self.deduplicated = not stored
        self.copies += copies


class Service(Protocol):
    """Where a sender's calls go."""

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        """One call with a batch: accept its entries one by one; those that were throttled."""

    def hand_over(self) -> None:
        """No more calls for now: let the others see what came."""


class FifoCalls:
    """Calls to a FIFO queue: each takes from the quota of sends, whatever the size of its batch."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        assert isinstance(dispatcher.queue, FifoQueue)
        self._dispatcher = dispatcher
        self._tokens = dispatcher.queue.send_calls

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        """Accept the whole batch if there is a token, each entry with its own deduplication."""
        if self._tokens is not None and not self._tokens.take_for(now, self._groups_of(batch)):
            return batch
        for one in batch:
            stored = self._dispatcher.send_fifo(now, one.message)
            one.accept(now, int(stored), stored)
        return []

    def _groups_of(self, batch: list[Outgoing]) -> Iterator[int]:
        return (self._dispatcher.ledger.group[one.message] for one in batch)

    def hand_over(self) -> None:
        """Let the queue's consumers look."""
        self._dispatcher.stir()


class QueueCalls:
    """Calls to a standard queue: it refuses nothing and keeps each message it is told."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self._messages: list[int] = []
        self._sent_at: list[int] = []

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        """Accept every entry."""
        for one in batch:
            one.accept(now, 1, stored=True)
            self._messages.append(one.message)
            self._sent_at.append(now)
        return []

    def hand_over(self) -> None:
        """Put what was accepted on its way into the queue."""
        self._inlet.add(np.array(self._messages, dtype=np.int64), np.array(self._sent_at, dtype=np.int64))
        self._messages, self._sent_at = [], []


class TopicCalls:
    """Publishes to a topic; a FIFO topic answers a message it knows with success and publishes it no more.

    Parameters
    ----------
    copies : sequence of int
        Copies that a message with each combination of attribute values becomes.
    deduplication : Deduplication, optional
        Of a FIFO topic; a deduplication id is the message's own, so those of one producer are enough.
    quota : PublishQuota, optional
        What throttles; None: what is sent stays within it.
    """

    def __init__(
        self,
        topic: Topic,
        producer: str,
        copies: Sequence[int],
        ledger: Ledger,
        deduplication: Deduplication | None,
        quota: PublishQuota | None = None,
    ) -> None:
        self.quota = quota
        self.throttled = 0
        self._topic = topic
        self._producer = producer
        self._copies = copies
        self._ledger = ledger
        self._deduplication = deduplication
        self._published: list[tuple[int, int, int, int]] = []
        self._steady = all(one.confirmed == (0, NEVER) for one in topic.subscriptions)

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        """Accept every entry, unless the whole call is throttled."""
        known = self._deduplication
        if self.quota is not None and not self._is_taken(now, batch):
            self.throttled += 1
            return batch
        for one in batch:
            if known is not None and known.original(now, one.message, one.message) is not None:
                one.accept(now, 0, stored=False)
                continue
            again = one.accepted_at != NONE
            one.accept(now, self._copies_at(one.combination, now), stored=True)
            key = mix(one.key, one.calls) if again else one.key
            self._published.append((one.message, one.combination, now, key))
        return []

    def _is_taken(self, now: int, batch: list[Outgoing]) -> bool:
        """Whether the quotas have room for a call."""
        assert self.quota is not None
        groups = [self._ledger.group[one.message] for one in batch]
        return self.quota.take(now, groups, sum(one.size_bytes for one in batch))

    def _copies_at(self, combination: int, now: int) -> int:
        if self._steady:
            return self._copies[combination]
        return self._topic.copies_at(self._producer, combination, now)

    def hand_over(self) -> None:
        """Publish what was accepted."""
        if not self._published:
            return
        messages, combinations, sent_at, keys = zip(*self._published, strict=True)
        groups = [self._ledger.group[message] for message in messages]
        self._topic.publish_messages(
            self._producer,
            np.array(messages, dtype=np.int64),
            np.array(combinations, dtype=np.int64),
            np.array(sent_at, dtype=np.int64),
            np.array(groups, dtype=np.int64),
            np.array(keys, dtype=np.uint64),
        )
        self._published = []


class Answers:
    """How long a sender waits for the answer of a call; draws belong to (message, attempt).

    Parameters
    ----------
    latency : Distribution
        From the call to its answer [us].
    timeout_us : int
        A later answer comes too late [us].
    p_lost : float
        Share of answers that never come.
    latency_key, lost_key : int
        Their streams.
    """

    def __init__(
        self, latency: Distribution, timeout_us: int, p_lost: float, latency_key: int, lost_key: int
    ) -> None:
        self.timeout_us = timeout_us
        self._latency = latency
        self._p_lost = p_lost
        self._latency_key = latency_key
        self._lost_key = lost_key

    def first(self, keys: UInts) -> list[int]:
        """Waits [us] for the answers of the first calls of messages with these keys; NONE: in vain."""
        waits = draw(self._latency, self._latency_key, keys)
        heard = waits <= self.timeout_us
        if self._p_lost:
            heard &= uniform(self._lost_key, keys) >= self._p_lost
        answers: list[int] = np.where(heard, waits, NONE).tolist()
        return answers

    def again(self, key: int, attempt: int) -> int:
        """The same of a later call, of the message with this key."""
        return self.first(np.array([mix(key, attempt)], dtype=np.uint64))[0]


class Sender:
    """Sends each message it is given, in batches, until it hears that the message was accepted.

    A batch goes when it is full, by entries or payload, or when its first message has waited for the
    linger. A throttled entry, and a call whose answer does not come in time, is tried again after
    U(0, 1) x min(2^n, cap) seconds (botocore, standard mode), up to *max_attempts* calls. What was accepted
    unheard is so accepted again: a FIFO queue catches it by its deduplication id.

    Parameters
    ----------
    clock : Clock
        The run's, or one of its own (*ahead*).
    answers : Answers, optional
        None: every answer comes at once.
    batch_size, batch_bytes, linger_us : int
        Entries and payload of a call at most, and how long the first message waits for others [us].
    chunk_bytes : int
        Payload of a call that is one request on the bill, and each that is started; 0: any.
    chance : callable
        The next number in [0, 1) for a pause.
    ended : callable
        Told of each message that is not tried any more, and when its sender knew [us].
    """

    def __init__(
        self,
        clock: Clock,
        service: Service,
        ledger: Ledger,
        *,
        ahead: bool,
        answers: Answers | None,
        max_attempts: int,
        backoff_cap_us: int,
        batch_size: int,
        batch_bytes: int,
        chunk_bytes: int = 0,
        linger_us: int,
        chance: Callable[[], float],
        ended: Callable[[Outgoing, int], None],
    ) -> None:
        self.clock = clock
        self.ahead = ahead
        self.answers = answers
        self._service = service
        self._ledger = ledger
        self._max_attempts = max_attempts
        self._backoff_cap_us = backoff_cap_us
        self._batch_size = batch_size
        self._batch_bytes = batch_bytes
        self._chunk_bytes = chunk_bytes
        self._linger_us = linger_us
        self._chance = chance
        self._ended = ended
        self.denied: list[tuple[int, int]] = []
        """Spans of time [us] in which its calls are denied: what they carry is refused for good."""
        self._due: deque[tuple[int, Outgoing]] = deque()
        self._armed = False
        self._gathered: list[Outgoing] = []
        self._gathered_bytes = 0
        self._batches = 0
        self._trying = 0
        self.requests = 0
        """Its calls as they are billed: those that are denied are not."""

    def add(self, messages: list[Outgoing], offered_at: list[int]) -> None:
        """Send *messages* at *offered_at* [us], ascending."""
        self._due.extend(zip(offered_at, messages, strict=True))
        self._trying += len(messages)
        self._arm()

    def send_now(self, one: Outgoing) -> None:
        """Send one message in a call of its own, at this instant."""
        self._trying += 1
        self._call(([one], 1))
        if not self.ahead:
            self._service.hand_over()

    def work_until(self, horizon: int) -> None:
        """A sender that lives ahead of the run makes its calls before *horizon* [us]."""
        if self.ahead:
            self.clock.run_until(horizon)
            self._service.hand_over()

    def under_way(self) -> int:
        """Messages not accepted, deduplicated or refused yet, as far as their sender knows."""
        return self._trying

    # -- gathering ---------------------------------------------------------------------------------

    def _arm(self) -> None:
        if self._due and not self._armed:
            self._armed = True
            self.clock.at(self._due[0][0], SENDS, self._send_due)

    def _send_due(self, _: object) -> None:
        self._armed = False
        now = self.clock.now
        while self._due and self._due[0][0] <= now:
            self._gather(now, self._due.popleft()[1])
        self._arm()
        if not self.ahead:
            self._service.hand_over()

    def _gather(self, now: int, one: Outgoing) -> None:
        if self._batch_size == 1:
            self._call(([one], 1))
            return
        if self._gathered and self._gathered_bytes + one.size_bytes > self._batch_bytes:
            self._send_gathered()
        if not self._gathered:
            self.clock.at(now + self._linger_us, SENDS, self._linger_over, self._batches)
        self._gathered.append(one)
        self._gathered_bytes += one.size_bytes
        if len(self._gathered) == self._batch_size or self._gathered_bytes >= self._batch_bytes:
            self._send_gathered()

    def _linger_over(self, batch: int) -> None:
        if batch == self._batches:
            self._send_gathered()
            if not self.ahead:
                self._service.hand_over()

    def _send_gathered(self) -> None:
        batch, self._gathered, self._gathered_bytes = self._gathered, [], 0
        self._batches += 1
        self._call((batch, 1))

    # -- calling -----------------------------------------------------------------------------------

    def _call(self, call: tuple[list[Outgoing], int]) -> None:
        batch, attempt = call
        now = self.clock.now
        answer_us = self._answer_us(batch[0], attempt)
        heard, last = answer_us != NONE, attempt == self._max_attempts
        for one in batch:
            one.calls = attempt
        if self.denied and any(from_at <= now < until_at for from_at, until_at in self.denied):
            self._trying -= len(batch)
            for one in batch:
                self._ended(one, now + max(answer_us, 0))
            return
        chunk = self._chunk_bytes
        self.requests += -(-sum(one.size_bytes for one in batch) // chunk) if chunk else 1
        if not (heard or last):
            self._ledger.said_again.update([one.message for one in batch])
        again = self._service.take(now, batch)
        if heard:
            known_at = now + answer_us
        else:
            assert self.answers is not None
            known_at, again = now + self.answers.timeout_us, batch
        if again and not last:
            pause_us = int(self._chance() * min(_FIRST_PAUSE_US << (attempt - 1), self._backoff_cap_us))
            self.clock.at(known_at + pause_us, SENDS, self._retry, (again, attempt + 1))
            if again is batch:
                return
            batch = [one for one in batch if one not in again]
        self._trying -= len(batch)
        for one in batch:
            self._ended(one, known_at)

    def _answer_us(self, first: Outgoing, attempt: int) -> int:
        """How long the answer is waited for [us]; it belongs to the first message of the call."""
        if self.answers is None or attempt == 1:
            return first.answer_us
        return self.answers.again(first.key, attempt)

    def _retry(self, call: tuple[list[Outgoing], int]) -> None:
        self._call(call)
        if not self.ahead:
            self._service.hand_over()
