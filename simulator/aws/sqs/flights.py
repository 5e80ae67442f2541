"""What is in flight in a FIFO queue, and when it stops being so."""

from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush, heapreplace

from simulator.aws.sqs.message_groups import HELD, SLACK, WAITING, Message
from simulator.aws.sqs.receipt import NEVER, Receipt


class FifoReceipt(Receipt):
    """A receipt that knows its messages, parallel to ``copies``; those of a group stand together."""

    __slots__ = ("messages",)

    def __init__(
        self,
        messages: list[Message],
        received_at: int,
        visible_at: int,
        available_at: int,
        places: list[int],
        again: dict[int, int],
        moved: list[int],
    ) -> None:
        copies = [message.copy for message in messages]
        super().__init__(copies, received_at, visible_at, available_at, places, again, moved)
        self.messages = messages

    def let_go(self, copies: list[int]) -> list[Message]:
        """Take *copies* out of it; the messages, without those that are gone by retention."""
        if copies == self.copies:
            chosen = self.messages
            self.messages = []
            self.copies = []
        else:
            wanted = set(copies)
            chosen = [message for message in self.messages if message.copy in wanted]
            self.messages = [message for message in self.messages if message.copy not in wanted]
            self.copies = [message.copy for message in self.messages]
        return [message for message in chosen if message.state == HELD]

    def holds_all(self, now: int) -> bool:
        """Whether at *now* [us] everything that was received by it is still in flight by it."""
        whole = self.visible_at > now and len(self.messages) == len(self.received)
        return whole and all(message.state == HELD for message in self.messages)


class Flights:
    """Receipts by the end of their timeouts, with as little work as order allows.

    Attributes
    ----------
    count : int
        Messages in flight.
    retention_us : int
        How long a message stays from its arrival [us]: in flight it goes by that, too.
    """

    __slots__ = ("_others", "_serial", "_usual", "count", "retention_us")

    def __init__(self, retention_us: int) -> None:
        self.retention_us = retention_us
        self.count = 0
        self._usual: deque[FifoReceipt] = deque()  # one timeout for all: ascending
        self._others: list[tuple[int, int, FifoReceipt]] = []  # heap by _ends_at
        self._serial = 0

    def hold(self, receipt: FifoReceipt, *, usual: bool) -> None:
        """Put what *receipt* holds in flight; *usual*: by the queue's timeout, and nothing expires first."""
        self.count += len(receipt.messages)
        for message in receipt.messages:
            message.state = HELD
        if not usual:
            self._time(receipt)
            return
        self._usual.append(receipt)
        if len(self._usual) > 2 * self.count + SLACK:
            self._usual = deque(other for other in self._usual if other.copies)

    def restart(self, receipt: FifoReceipt, visible_at: int) -> None:
        """Let the timeout of a receipt in flight end at *visible_at* [us] instead."""
        if receipt in self._usual:
            self._usual.remove(receipt)
        receipt.visible_at = visible_at
        for message in receipt.messages:
            message.visible_at = visible_at
        self._time(receipt)

    def resort(self, retention_us: int) -> None:
        """The queue's timeout or its retention has changed: what is in flight is no longer in order."""
        self.retention_us = retention_us
        held = [receipt for receipt in self._receipts() if receipt.copies]
        self._usual.clear()
        self._others = []
        for receipt in held:
            self._time(receipt)

    def clear(self) -> None:
        """Nothing is in flight any more: what was is gone."""
        for receipt in self._receipts():
            receipt.copies = []
            receipt.messages = []
        self._usual.clear()
        self._others = []
        self.count = 0

    def _receipts(self) -> Iterator[FifoReceipt]:
        yield from self._usual
        for _, _, receipt in self._others:
            yield receipt

    def _time(self, receipt: FifoReceipt) -> None:
        self._serial += 1
        heappush(self._others, (self._ends_at(receipt), self._serial, receipt))
        if len(self._others) > 2 * self.count + SLACK:
            self._others = [entry for entry in self._others if entry[2].copies]
            heapify(self._others)

    def _ends_at(self, receipt: FifoReceipt) -> int:
        """When the first of what *receipt* holds stops being in flight, by its timeout or by retention."""
        held = [message.arrived_at for message in receipt.messages if message.state == HELD]
        return min(receipt.visible_at, min(held, default=NEVER) + self.retention_us)

    def end(self, now: int) -> None:
        """End the flights whose timeout is over by *now* [us]: each message stands in its place."""
        usual = self._usual
        while usual and (usual[0].visible_at <= now or not usual[0].copies):
            self._release(usual.popleft())
        others = self._others
        while others and others[0][0] <= now:
            receipt = heappop(others)[2]
            if receipt.visible_at <= now:
                self._release(receipt)
            elif receipt.copies:
                self._time(receipt)
                others = self._others

    def _release(self, receipt: FifoReceipt) -> None:
        for message in receipt.messages:
            if message.state == HELD:
                message.state = WAITING
                self.count -= 1
        receipt.copies = []
        receipt.messages = []

    def next_end(self) -> int:
        """When the next message stops being in flight by itself [us]; NEVER if none is."""
        while self._usual and not self._usual[0].copies:
            self._usual.popleft()
        end_at = self._usual[0].visible_at if self._usual else NEVER
        others = self._others
        while others:
            noted_at, serial, receipt = others[0]
            if not receipt.copies:
                heappop(others)
                continue
            at = self._ends_at(receipt)
            if at == noted_at:
                return min(end_at, at)
            heapreplace(others, (at, serial, receipt))
        return end_at
