"""A broker's queue: it pushes messages to subscriptions in turn, as far as their prefetch goes."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from simulator.aws.mq.prefetch import Prefetch
from simulator.aws.mq.queue import BrokerQueue
from simulator.aws.mq.redelivery import RedeliveryPolicy
from simulator.processes.brokers import Broker, Send
from simulator.processes.clock import Clock
from simulator.processes.counters import Counters
from simulator.processes.ledger import Ledger
from simulator.processes.queues import Consumer, Dispatcher
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Cause, Fate, Limit

_STANDING_BYTES = 1024


class Subscriber(Consumer, Protocol):
    """The subscriptions of one fleet or function at one queue."""

    def push(self, subscription: "Subscription", copies: list[int]) -> None:
        """Messages are pushed to one of its subscriptions."""

    def fail_over(self) -> None:
        """The broker failed: give back all that was not acknowledged."""

    def prefetched(self) -> int:
        """Messages pushed to it and not begun."""


class _QueueSize:
    """What CloudWatch is told of a queue (QueueSize): all that is not acknowledged."""

    def __init__(self, queue: BrokerQueue) -> None:
        self._queue = queue

    def visible(self, now: int) -> int:
        """Messages in the queue, pushed or not."""
        return self._queue.pending + self._queue.in_flight_count


class Subscription:
    """One JMS consumer: its window, and what was pushed to it and not begun, with the instant [us]."""

    __slots__ = ("buffer", "lined_up", "owner", "window")

    def __init__(self, owner: Subscriber, window: Prefetch) -> None:
        self.owner = owner
        self.window = window
        self.buffer: deque[tuple[int, int]] = deque()
        self.lined_up = False  # it is among those that the queue pushes to


class BrokerDispatcher(Dispatcher):
    """One queue of a broker and its subscriptions; it pushes, nobody polls.

    Parameters
    ----------
    policy : RedeliveryPolicy
        When its consumers try a failed message again.
    """

    def __init__(
        self,
        clock: Clock,
        queue: BrokerQueue,
        thing: int,
        ledger: Ledger,
        recorder: Recorder,
        chance: Callable[[], float],
        broker: Broker,
        policy: RedeliveryPolicy,
    ) -> None:
        super().__init__(clock, cast(Any, queue), thing, ledger, recorder, chance)
        self.broker = broker
        self.policy = policy
        self.beside: list[BrokerDispatcher] = []
        """Queues that get a copy of what producers send here: those of a virtual topic's other consumers."""
        self.failures: dict[int, int] = {}
        """Of the copies that failed and are here: how often."""
        self._held = queue
        self._ready: deque[Subscription] = deque()
        self._sizes: dict[int, int] = {}
        self._unstored: set[int] = set()  # copies that are not persistent
        self._receives: dict[int, int] = {}
        self.counters = Counters(_QueueSize(queue), 0, 0, chance)
        broker.queues.append(self)

    # -- messages come in --------------------------------------------------------------------------

    def arrive(self, send: Send) -> int:
        """A message is in the queue from now on; its copy here. Queues beside it have copies of their own."""
        for other in self.beside:
            other.take(send)
        return self.take(send)

    def take(self, send: Send) -> int:
        """A message comes to this queue alone; its copy."""
        now = self.clock.now
        copy = self.ledger.add_copy(send.one.message, now)
        send.one.copies += 1
        self.arrived += 1
        self._keep(copy, send.one.size_bytes, persistent=send.persistent)
        self._held.send(now, copy, send.priority)
        self.stir()
        return copy

    def _keep(self, copy: int, size_bytes: int, *, persistent: bool) -> None:
        self._sizes[copy] = size_bytes
        if persistent:
            self.broker.usage.store += size_bytes
        else:
            self.broker.usage.memory += size_bytes
            self._unstored.add(copy)

    def send(self, messages: np.ndarray, sent_at: np.ndarray) -> None:
        """A standing backlog of *messages*, sent at *sent_at* [us]."""
        first = self.ledger.copies
        super().send(messages, sent_at)
        for copy in range(first, self.ledger.copies):
            self._keep(copy, _STANDING_BYTES, persistent=True)

    def _move_in(self, now: int, copies: list[int], receive_counts: list[int]) -> None:
        super()._move_in(now, copies, receive_counts)
        for copy, count in zip(copies, receive_counts, strict=True):
            self._keep(copy, _STANDING_BYTES, persistent=True)
            self._receives[copy] = count
        self.stir()

    # -- pushing -----------------------------------------------------------------------------------

    def subscribe(self, subscription: Subscription) -> None:
        """A consumer is there: it gets messages from now on."""
        self.waiters.wait(0)
        self.make_room(subscription)

    def unsubscribe(self, subscription: Subscription) -> None:
        """A consumer is gone."""
        self.waiters.withdraw(0)
        if subscription.lined_up:
            self._ready.remove(subscription)
            subscription.lined_up = False

    def make_room(self, subscription: Subscription) -> None:
        """A subscription may have room again."""
        if subscription.window.room and not subscription.lined_up:
            subscription.lined_up = True
            self._ready.append(subscription)
            self.stir()

    def look(self, _: object = None) -> None:
        """Push one message to each subscription in turn, while there are messages and room."""
        self._look_at = NONE
        queue, ready = self._held, self._ready
        if not self.broker.down and queue.pending and ready:
            pushed: dict[Subscription, list[int]] = {}
            while ready and queue.pending:
                subscription = ready.popleft()
                copy = queue.dispatch()
                if copy not in self._unstored:
                    self.broker.usage.memory += self._sizes[copy]
                subscription.window.push()
                pushed.setdefault(subscription, []).append(copy)
                if subscription.window.room:
                    ready.append(subscription)
                else:
                    subscription.lined_up = False
            for subscription, copies in pushed.items():
                subscription.owner.push(subscription, copies)
        self.note_limits()

    def note_limits(self) -> None:
        """Write down what keeps each consumer from more."""
        now, down = self.clock.now, self.broker.down
        waits = self._held.pending > 0
        for consumer in self.consumers:
            limit = Limit.ARRIVALS
            if down:
                limit = Limit.FAILOVER
            elif waits or any(cast(Subscriber, other).prefetched() for other in self.consumers):
                limit = consumer.limit()
            consumer.limit_gauge.set(now, limit)

    def stored_bytes(self) -> int:
        """Size of its messages in the store [bytes]."""
        return sum(size for copy, size in self._sizes.items() if copy not in self._unstored)

    def fans_out(self) -> bool:
        """Whether what comes here comes to other queues as well."""
        return bool(self.beside)

    def prefetched(self) -> int:
        """Messages pushed to consumers and not begun."""
        return sum(cast(Subscriber, consumer).prefetched() for consumer in self.consumers)

    def receive_count(self, copy: int) -> int:
        """One more delivery of *copy* begins: the how-manieth."""
        count = self._receives[copy] = self._receives.get(copy, 0) + 1
        self.received += 1
        return count

    # -- messages go out ---------------------------------------------------------------------------

    def acknowledge(self, subscription: Subscription, copies: list[int]) -> None:
        """A consumer is done with *copies*, which were pushed to it."""
        for copy in copies:
            self._leave(subscription, copy)
        self.deleted += len(copies)
        self.make_room(subscription)

    def _leave(self, subscription: Subscription, copy: int) -> None:
        self._held.acknowledge(copy)
        subscription.window.acknowledge()
        self._receives.pop(copy, None)
        self.failures.pop(copy, None)
        size_bytes, usage = self._sizes.pop(copy), self.broker.usage
        usage.memory -= size_bytes
        if copy in self._unstored:
            self._unstored.discard(copy)
        else:
            usage.store -= size_bytes
        self.broker.acknowledged(copy)

    def keeps(self, copy: int) -> bool:
        """Whether the store has *copy*, so that it outlasts a failover."""
        return copy not in self._unstored

    def give_back(self, subscription: Subscription, copies: list[int]) -> None:
        """A consumer gives back what it had not acknowledged: it is pending again at once."""
        for copy in copies:
            self._held.give_back(copy)
            subscription.window.acknowledge()
            if copy not in self._unstored:
                self.broker.usage.memory -= self._sizes[copy]
        if copies:
            self.stir()

    def poison(self, subscription: Subscription, copy: int) -> None:
        """A consumer gave *copy* up: it goes to the dead-letter queue; what is not persistent is lost."""
        now, stored = self.clock.now, copy not in self._unstored
        self._leave(subscription, copy)
        if stored and self.dead_letters is not None:
            self._dead_letter(now, [copy])
        else:  # lost, or in ActiveMQ.DLQ, which nobody of the scenario reads
            self.moved_out += 1
            self.stories.close(copy, now, Fate.DROPPED, int(Cause.FAILURE))
        self.make_room(subscription)

    def fail_over(self) -> None:
        """The broker failed: what consumers had is pending again, what was in memory only is lost."""
        now = self.clock.now
        for consumer in self.consumers:
            cast(Subscriber, consumer).fail_over()
        gone = self._held.lose(self._unstored)
        for copy in gone:
            self.broker.usage.memory -= self._sizes.pop(copy)
            self._unstored.discard(copy)
            self._receives.pop(copy, None)
            self.failures.pop(copy, None)
            self.stories.failed_over.discard(copy)
        self.expired += len(gone)  # counted with what retention takes elsewhere
        self.stories.close_all(gone, [now] * len(gone), Fate.DROPPED, Cause.FAILOVER_LOSS)
        self.note_limits()

    def recover(self) -> None:
        """The broker is back: consumers are pushed to again."""
        self.stir()
