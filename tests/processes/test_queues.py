"""The dispatcher: no open long poll while a receive by it would return a message."""

import random
from array import array
from typing import Any

import numpy as np
import pytest

from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.receipt import Receipt
from simulator.aws.sqs.standard import StandardQueue
from simulator.processes.clock import CHANGES, COMPLETIONS, SENDS, Clock
from simulator.processes.gauges import Gauge
from simulator.processes.ledger import Ledger
from simulator.processes.queues import Dispatcher
from simulator.processes.stories import Batch
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Attempt, Limit, Quantity

NO_BYTES = np.zeros(1, dtype=np.int16)


class Nowhere:
    """A sink that keeps nothing."""

    def chunk(self, table: str, columns: object) -> None:
        pass


class RandomConsumer:
    """Holds each receive for a while, then deletes some of it."""

    def __init__(self, lab: "Lab", index: int, slots: int, max_messages: int) -> None:
        self.thing = 10 + index
        self.max_messages = max_messages
        self.visibility_timeout_us: int | None = None
        self.limit_gauge = Gauge(lab.recorder, self.thing, Quantity.LIMIT, Limit.ARRIVALS)
        self.index = index
        self.lab = lab
        self.begun = 0
        self.slots = slots

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        self.begun += 1
        for_us = self.lab.rng.choice([0, 1, 2, 5, 9, 10, 11, 25])
        self.lab.clock.at(self.lab.clock.now + for_us, COMPLETIONS, self.end, (receipt, causes))

    def end(self, work: tuple[Receipt, dict[int, int]]) -> None:
        dispatcher, now = self.lab.dispatcher, self.lab.clock.now
        batch = Batch(*work)
        n = len(batch.copies)
        choices = [Attempt.SUCCEEDED, Attempt.SUCCEEDED, Attempt.FAILED]
        batch.attempts = [int(self.lab.rng.choice(choices)) for _ in range(n)]
        batch.started_at = [batch.receipts[0].received_at] * n
        batch.ended_at = batch.deleted_at = [now] * n
        ended = zip(batch.copies, batch.attempts, strict=True)
        batch.gone = dispatcher.delete(batch.receipts[0], [copy for copy, how in ended if not how])
        dispatcher.stories.settle(now, self.thing, batch)
        dispatcher.open(self.index, 1)

    def limit(self) -> Limit:
        return Limit.MAXIMUM_SIZE

    def in_hand(self) -> int:
        return 0

    def finish_run(self) -> None:
        pass


class Lab:
    """A queue, two consumers and a sender, all at random."""

    def __init__(self, seed: int, *, fifo: bool, tokens: int | None = None) -> None:
        self.rng = rng = random.Random(seed)
        self.clock = Clock()
        self.ledger = Ledger()
        self.recorder = Recorder(self.ledger, Nowhere())
        cap = rng.choice([6, 1000])
        limit = rng.choice([None, 2])
        delay = rng.choice([0, 4])
        common = {"visibility_timeout_us": 10, "retention_us": rng.choice([80, 10_000]), "max_in_flight": cap}
        self.queue = self._queue(fifo, tokens, common, limit, delay)
        self.dispatcher = Dispatcher(self.clock, self.queue, 0, self.ledger, self.recorder, rng.random)
        if limit is not None:
            dead = self._queue(fifo, None, common, None, 0)
            self.dispatcher.dead_letters = Dispatcher(
                self.clock, dead, 1, self.ledger, self.recorder, rng.random
            )
        for index, max_messages in enumerate((rng.choice([1, 10]), rng.choice([2, 10]))):
            self.dispatcher.consumers.append(RandomConsumer(self, index, rng.randint(1, 4), max_messages))
        for consumer in self.dispatcher.consumers:
            assert isinstance(consumer, RandomConsumer)
            self.clock.at(rng.randint(0, 20), CHANGES, self._enter, consumer)
        self.send_at = 0
        self.clock.at(0, SENDS, self._send)

    @staticmethod
    def _queue(
        fifo: bool, tokens: int | None, common: dict[str, Any], limit: int | None, delay: int
    ) -> StandardQueue | FifoQueue:
        if fifo:
            return FifoQueue(
                **common, max_receive_count=limit, delay_us=delay, calls_per_s=tokens, burst_us=20_000,
                deduplication_window_us=300, look_through=5 if limit is None else 120_000,
            )  # fmt: skip
        return StandardQueue(**common, max_receive_count=limit, delay_us=delay)

    def _enter(self, consumer: RandomConsumer) -> None:
        self.dispatcher.open(consumer.index, consumer.slots)

    def _send(self, _: object) -> None:
        rng, now = self.rng, self.clock.now
        n = rng.choice([0, 1, 1, 3, 12])
        messages = np.arange(self.ledger.messages, self.ledger.messages + n)
        groups = np.array([rng.randint(0, 3) for _ in range(n)], dtype=np.int64)
        self.ledger.add_messages(
            "p", 0, np.full(n, now), groups, np.zeros(n, dtype=np.int16), np.zeros(n, dtype=bool)
        )
        if isinstance(self.queue, FifoQueue):
            for message in messages.tolist():
                self.dispatcher.send_fifo(now, message)
            self.dispatcher.stir()
        elif n:
            ahead = max(self.send_at, now + rng.choice([0, 0, 1, 7]))
            self.send_at = ahead
            self.dispatcher.send(messages, np.full(n, ahead))
        if now < 400:
            self.clock.at(now + rng.choice([0, 1, 1, 3, 17]), SENDS, self._send)

    def run(self) -> int:
        """Instant after instant to the end; how many receives were begun."""
        clock, dispatcher = self.clock, self.dispatcher
        while (at := clock.next_at()) < 2_000:
            clock.run_until(int(at) + 1)
            clock.now = int(at)
            tokens = dispatcher.queue.receive_calls if isinstance(dispatcher.queue, FifoQueue) else None
            served = tokens is None or tokens.next_at(clock.now) <= clock.now
            if dispatcher.waiters.total and served:
                assert dispatcher.queue.next_visible_at(clock.now) > clock.now
        clock.run_until(20_000)  # past every retention
        return sum(
            consumer.begun for consumer in dispatcher.consumers if isinstance(consumer, RandomConsumer)
        )


@pytest.mark.parametrize("fifo", [False, True], ids=["standard", "fifo"])
@pytest.mark.parametrize("seed", range(60))
def test_no_poll_is_open_while_a_receive_by_it_would_return_a_message(seed: int, fifo: bool) -> None:
    lab = Lab(seed, fifo=fifo)
    assert lab.run() > 20
    lab.dispatcher.expire()
    assert lab.dispatcher.outstanding() == 0


@pytest.mark.parametrize("seed", range(20))
def test_no_poll_stays_open_once_its_call_has_a_token_again(seed: int) -> None:
    lab = Lab(seed, fifo=True, tokens=50_000)
    assert lab.run() > 20


def test_a_message_and_a_copy_cost_twelve_bytes_each_in_the_ledger() -> None:
    ledger = Ledger()
    ledger.add_messages(
        "p",
        0,
        np.arange(4),
        np.zeros(4, dtype=np.int64),
        np.zeros(4, dtype=np.int16),
        np.zeros(4, dtype=bool),
    )
    ledger.add_copies(np.arange(4), np.arange(4))
    growing = {
        name: column.itemsize for name, column in vars(ledger).items() if isinstance(column, array) and column
    }
    assert growing == {"offered_at": 8, "group": 4, "message_of": 4, "sent_at": 8}
