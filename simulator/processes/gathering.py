"""Batches that are being gathered: slots with a batching window poll on until their batch goes."""

from collections.abc import Callable
from typing import Protocol

from simulator.aws.sqs.receipt import Receipt
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.functions import Invocation
from simulator.processes.polls import Polls


class Slots(Protocol):
    """What gathering needs of the mapping whose slots gather."""

    def take_slot(self) -> None:
        """A slot begins a batch."""

    def send_off(self, batch: Invocation) -> None:
        """A batch is gathered: invoke the function with it."""


class Gathered(Invocation):
    """A batch that grows by receives, until it is full or its window is over."""

    __slots__ = ("polled_at", "size_bytes", "window_ends_at")

    def __init__(self, receipt: Receipt, causes: dict[int, int], now: int, window_ends_at: int) -> None:
        super().__init__(receipt, causes)
        self.window_ends_at = window_ends_at
        self.polled_at = now
        self.size_bytes = 0


class Gathering:
    """Batches of one mapping that are being gathered, each by a slot of its own.

    A batch goes when it is full, when its payload has reached *flush_bytes*, or when its window is over and
    its long poll has come back: on a quiet queue that takes up to *wait_us*, even if the window is shorter
    (developer guide). Which of the open polls a message wakes is chance: that of an idle slot, which begins a
    batch, or one of those gathering.

    Parameters
    ----------
    size_of : callable
        Payload [bytes] of these copies.
    chance : callable
        The next number in [0, 1) that decides whose poll is answered.
    most : int
        Slots that gather at once, at most.
    """

    def __init__(
        self,
        clock: Clock,
        polls: Polls,
        batch_size: int,
        window_us: int,
        *,
        flush_bytes: int,
        wait_us: int,
        most: int,
        size_of: Callable[[list[int]], int],
        chance: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._polls = polls
        self._batch_size = batch_size
        self._window_us = window_us
        self._flush_bytes = flush_bytes
        self._wait_us = wait_us
        self._most = most
        self._size_of = size_of
        self._chance = chance
        self.batches: list[Gathered] = []
        self._next: Gathered | None = None  # whose poll is answered next; None: that of an idle slot

    def room(self) -> int:
        """How many messages the next receive may bring."""
        return min(10, self._batch_size - (len(self._next.copies) if self._next else 0))

    def take(self, receipt: Receipt, causes: dict[int, int], slots: Slots) -> None:
        """Add a receive to the batch whose poll was answered, or begin one."""
        now, batch = self._clock.now, self._next
        if batch is None:
            slots.take_slot()
            batch = Gathered(receipt, causes, now, now + self._window_us)
            self.batches.append(batch)
            self._clock.at(batch.window_ends_at, COMPLETIONS, self._window_ends, (batch, slots))
        else:
            batch.add(receipt, causes)
        batch.size_bytes += self._size_of(receipt.received)
        full = len(batch.copies) >= self._batch_size or batch.size_bytes >= self._flush_bytes
        if full or now >= batch.window_ends_at > batch.polled_at:
            self._go(batch, slots)
        else:
            batch.polled_at = now
            self._polls.again()
        self.choose()

    def choose(self) -> None:
        """Decide whose poll the next message wakes."""
        idle = self._polls.waiting() - len(self.batches)
        if len(self.batches) >= self._most:
            idle = 0
        nth = int(self._chance() * (idle + len(self.batches))) - idle if self.batches else -1
        self._next = self.batches[nth] if nth >= 0 else None

    def end_all(self, slots: Slots) -> None:
        """The mapping stops polling: what is gathered goes."""
        for batch in list(self.batches):
            self._polls.close(1)
            self._go(batch, slots)
        self.choose()

    def _go(self, batch: Gathered, slots: Slots) -> None:
        self.batches.remove(batch)
        slots.send_off(batch)

    def _window_ends(self, ended: tuple[Gathered, Slots]) -> None:
        """The batch goes when its poll comes back, which is at once if the poll is as short as that."""
        batch, slots = ended
        if batch not in self.batches:
            return
        wait_us, now = self._wait_us, self._clock.now
        back_at = batch.polled_at - (batch.polled_at - now) // wait_us * wait_us if wait_us else now
        if back_at > now:
            self._clock.at(back_at, COMPLETIONS, self._window_ends, ended)
            return
        self._polls.close(1)
        self._go(batch, slots)
        self.choose()
