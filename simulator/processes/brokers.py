"""Brokers of Amazon MQ: sends wait for the store, for memory and for a failover, and are answered."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from simulator.aws.mq.store import GroupCommit, Processor, Usage
from simulator.processes.clock import CHANGES, COMPLETIONS, RECEIVES, SAMPLES, SENDS, Clock
from simulator.processes.downstream_figures import SecondCount
from simulator.processes.gauges import Gauge
from simulator.processes.senders import Outgoing
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Limit, Quantity


class Send:
    """A message that a producer's connection has in hand until the broker answers.

    ``answered(send)`` is called then; ``copy`` is what the queue made of it, NONE before.
    """

    __slots__ = ("answered", "copy", "number", "one", "persistent", "priority", "queue")

    def __init__(
        self,
        one: Outgoing,
        queue: "BrokerEnd",
        answered: "Callable[[Send], None]",
        *,
        persistent: bool,
        priority: int,
    ) -> None:
        self.one = one
        self.queue = queue
        self.answered = answered
        self.persistent = persistent
        self.priority = priority
        self.copy = NONE
        self.number = NONE


class BrokerEnd(Protocol):
    """A queue of a broker, as the broker knows it."""

    def arrive(self, send: Send) -> int:
        """A message is in the queue from now on; its copy."""

    def fans_out(self) -> bool:
        """Whether what comes here comes to other queues as well: then it is always written."""

    def fail_over(self) -> None:
        """The broker failed: what consumers had is pending again, what was in memory only is lost."""

    def recover(self) -> None:
        """The broker is back."""

    def stored_bytes(self) -> int:
        """Size of its messages in the store [bytes]."""

    def prefetched(self) -> int:
        """Messages pushed to consumers and not begun."""


class Broker:
    """One broker with its queues: what producers' sends wait for.

    A persistent send is answered when the sync is over that it is part of, or, with *concurrent* store and
    dispatch, when a consumer has acknowledged before it was written. Others are answered by the processor.

    Parameters
    ----------
    thing : int
        Its number among the things of the run.
    period_us : int
        How often its figures are read off [us].
    """

    def __init__(
        self,
        clock: Clock,
        recorder: Recorder,
        thing: int,
        commit: GroupCommit,
        processor: Processor,
        usage: Usage,
        *,
        concurrent: bool,
        period_us: int,
    ) -> None:
        self.thing = thing
        self.usage = usage
        self.queues: list[BrokerEnd] = []
        self.down = False
        self.sends_waiting = 0
        self.connections = 0
        self._clock = clock
        self._commit = commit
        self._processor = processor
        self._concurrent = concurrent
        self._period_us = period_us
        self._held: deque[Send] = deque()
        self._writes: dict[int, Send] = {}  # by number: sends that the broker took and has not answered
        self._unsynced: dict[int, int] = {}  # by copy: the number of its send
        self._numbers = 0
        self._syncing = self._begins = False
        self._failures = 0
        self._limit = Gauge(recorder, thing, Quantity.LIMIT, Limit.ARRIVALS)
        self._syncs = SecondCount(recorder, thing, Quantity.SYNCS)
        self._synced_sends = SecondCount(recorder, thing, Quantity.SYNCED)
        self._gauges = {
            quantity: Gauge(recorder, thing, quantity, 0)
            for quantity in (
                Quantity.PREFETCHED,
                Quantity.STORE_KIB,
                Quantity.MEMORY_KIB,
                Quantity.CONNECTIONS,
                Quantity.SENDS_WAITING,
                Quantity.BROKER_DOWN,
            )
        }
        clock.at(0, SAMPLES, self._sample, None)

    # -- sends -------------------------------------------------------------------------------------

    def send(self, one: Send) -> None:
        """A connection sends; it waits while the broker is down, or memory or store are full."""
        if self.down or self._held or self._full(one):
            self._held.append(one)
            self.tell()
        else:
            self._take(one)

    def _full(self, one: Send) -> bool:
        return self.usage.memory_full or (one.persistent and self.usage.store_full)

    def _take(self, one: Send) -> None:
        now = self._clock.now
        if one.number == NONE:
            one.number = self._numbers
            self._numbers += 1
        self._writes[one.number] = one
        if not one.persistent:
            at = self._processor.send(now)
            self._clock.at(at, SENDS, self._kept, (one, self._failures))
            return
        if self._concurrent and one.copy == NONE:
            one.copy = one.queue.arrive(one)
            if not one.queue.fans_out():
                self._unsynced[one.copy] = one.number
        self._commit.add(one.number, one.one.size_bytes)
        self._begin_soon()

    def _kept(self, kept: tuple[Send, int]) -> None:
        """A message is in memory."""
        one, failures = kept
        if failures == self._failures:
            one.copy = one.queue.arrive(one)
            self._answer(one)

    def _begin_soon(self) -> None:
        """Begin a sync after all that is sent at this instant."""
        if not (self._syncing or self._begins) and self._commit.waiting:
            self._begins = True
            self._clock.at(self._clock.now, RECEIVES, self._begin, self._failures)

    def _begin(self, failures: int) -> None:
        if failures != self._failures:
            return
        self._begins = False
        if not self._commit.waiting:
            return
        now = self._clock.now
        numbers = self._commit.begin(now)
        self._syncing = True
        self._syncs.add(now)
        self._synced_sends.add(now, len(numbers))
        self._clock.at(self._commit.busy_until, COMPLETIONS, self._synced, (numbers, failures))

    def _synced(self, synced: tuple[list[int], int]) -> None:
        numbers, failures = synced
        if failures != self._failures:
            return
        self._syncing = False
        for number in numbers:
            one = self._writes[number]
            if one.copy == NONE:
                one.copy = one.queue.arrive(one)
            self._unsynced.pop(one.copy, None)
            self._answer(one)
        self._begin_soon()

    def _answer(self, one: Send) -> None:
        del self._writes[one.number]
        one.answered(one)

    def acknowledged(self, copy: int) -> None:
        """A consumer is done with *copy*; what is not written yet is not written any more."""
        number = self._unsynced.get(copy)
        if number is not None and self._commit.skip(number):
            del self._unsynced[copy]
            self._answer(self._writes[number])
        if self._held:
            self._release()

    def _release(self) -> None:
        """Take the sends that wait, in their order, as long as there is room."""
        while self._held and not self.down and not self._full(self._held[0]):
            self._take(self._held.popleft())
        self.tell()

    # -- failover ----------------------------------------------------------------------------------

    def fail(self, down_us: int) -> None:
        """The active broker stops; the standby (or itself, restarted) is there after *down_us* [us]."""
        if self.down:
            return
        self.down = True
        self._failures += 1
        self._syncing = self._begins = False
        for number in self._writes:
            self._commit.skip(number)
        self._held.extendleft(reversed([self._writes[number] for number in sorted(self._writes)]))
        self._writes.clear()
        self._unsynced.clear()
        for queue in self.queues:
            queue.fail_over()
        self._gauges[Quantity.BROKER_DOWN].set(self._clock.now, 1)
        self.tell()
        self._clock.at(self._clock.now + down_us, CHANGES, self._recover, None)

    def _recover(self, _: object) -> None:
        self.down = False
        self._gauges[Quantity.BROKER_DOWN].set(self._clock.now, 0)
        self._release()
        for queue in self.queues:
            queue.recover()

    # -- figures -----------------------------------------------------------------------------------

    def tell(self) -> None:
        """Write down what producers wait for, if they wait."""
        limit = Limit.ARRIVALS
        if self.down:
            limit = Limit.FAILOVER
        elif self._held:
            limit = Limit.MEMORY_FULL if self.usage.memory_full else Limit.STORE_FULL
        elif self.sends_waiting:
            limit = Limit.STORE_SYNC
        self._limit.set(self._clock.now, limit)

    def _sample(self, _: object) -> None:
        now, gauges = self._clock.now, self._gauges
        gauges[Quantity.PREFETCHED].set(now, sum(queue.prefetched() for queue in self.queues))
        gauges[Quantity.STORE_KIB].set(now, self.usage.store >> 10)
        gauges[Quantity.MEMORY_KIB].set(now, self.usage.memory >> 10)
        gauges[Quantity.CONNECTIONS].set(now, self.connections)
        gauges[Quantity.SENDS_WAITING].set(now, self.sends_waiting + len(self._writes) + len(self._held))
        self._clock.at(now + self._period_us, SAMPLES, self._sample, None)

    def finish_run(self) -> None:
        """Write down what is held until the end of the run."""
        now = self._clock.now
        self._limit.close(now)
        self._syncs.close(now)
        self._synced_sends.close(now)
        for gauge in self._gauges.values():
            gauge.close(now)
