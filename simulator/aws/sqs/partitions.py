"""A standard queue as the few partitions that it is stored in: one mechanism for three things seen on AWS.

A short poll asks only some of the servers, so it may miss messages that exist (SQSDG). Order is best effort
(SQSDG). And after a burst late messages may overtake a whole backlog, or not: on AWS 34 to 53% of them did in
two of three runs and none in the third, and of the burst itself 93 to 97% of all pairs kept their order
(one lab, July 2026). AWS does not say how it stores messages; this is a model.
"""

from collections import deque
from collections.abc import Iterator
from math import ceil
from typing import Any

from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.sqs.standard import StandardQueue


class PartitionedReceipt(Receipt):
    """A receive that took from several partitions.

    Attributes
    ----------
    parts : list of (StandardQueue, Receipt)
        What it took from each.
    """

    __slots__ = ("parts",)

    def __init__(self, now: int, parts: list[tuple[StandardQueue, Receipt]]) -> None:
        receipts = [receipt for _, receipt in parts]
        super().__init__(
            [copy for receipt in receipts for copy in receipt.received],
            min((receipt.received_at for receipt in receipts), default=now),
            max((receipt.visible_at for receipt in receipts), default=now),
            max((receipt.available_at for receipt in receipts), default=now),
            [place for receipt in receipts for place in receipt.places],
            {copy: count for receipt in receipts for copy, count in receipt.again.items()},
            [copy for receipt in receipts for copy in receipt.moved],
        )
        self.parts = parts


class PartitionedQueue:
    """SQS standard queue stored in partitions, each in order, none in step with another.

    A message goes to one of the open partitions by chance; a receive begins at one of those that have
    something, by chance, and goes on to the others until it is full. A burst may make the queue open up to as
    many partitions again: these are empty, so what is sent there overtakes the backlog.

    Parameters
    ----------
    opened, partitions : int
        Partitions open at the start, and from a burst on.
    burst : int
        Messages within a minute that are a burst.
    split_us : int
        From a burst until the queue opens partitions [us].
    max_in_flight : int
        Copies in flight from which on a receive finds nothing.
    short_poll_share : float
        Share of the partitions that a short poll asks.
    settings
        Of each partition, as of `StandardQueue`.
    """

    WINDOW_US = 60_000_000

    def __init__(
        self,
        *,
        opened: int,
        partitions: int,
        burst: int,
        split_us: int = 0,
        max_in_flight: int,
        short_poll_share: float,
        settings: dict[str, Any],
    ) -> None:
        self.max_in_flight = max_in_flight
        self.delay_us = settings["delay_us"]
        self._settings = settings
        self._opened = opened
        self._partitions = partitions
        self._burst = burst
        self._short_poll_share = short_poll_share
        self._parts = [self._partition() for _ in range(opened)]
        self._split_us = split_us
        self._recent: deque[int] = deque()
        self._opens_at = NEVER

    def _partition(self) -> StandardQueue:
        return StandardQueue(max_in_flight=NEVER, **self._settings)

    @property
    def in_flight_count(self) -> int:
        """Copies in flight, as of the last call."""
        return sum(part.in_flight_count for part in self._parts)

    # -- sending ---------------------------------------------------------------------------------

    def send_to_partitions(self, sent_at: list[int], copies: list[int], chances: list[float]) -> None:
        """Accept copies at *sent_at* [us], ascending, each in a partition by its number in [0, 1)."""
        for at, copy, chance in zip(sent_at, copies, chances, strict=True):
            if self._burst and len(self._parts) < self._partitions:
                self._note_burst(at)
            self._parts[int(chance * len(self._parts))].send_messages([at], [copy])

    def _note_burst(self, at: int) -> None:
        """Open the other partitions some time after a burst."""
        if at >= self._opens_at:
            self._parts += [self._partition() for _ in range(self._partitions - len(self._parts))]
            return
        recent = self._recent
        while recent and recent[0] <= at - self.WINDOW_US:
            recent.popleft()
        recent.append(at)
        if self._opens_at == NEVER and len(recent) >= self._burst:
            self._opens_at = at + self._split_us

    def move_in(self, now: int, copies: list[int], sent_at: list[int], receive_counts: list[int]) -> None:
        """Take copies from a source queue of which this is the dead-letter queue."""
        for copy, at, count in zip(copies, sent_at, receive_counts, strict=True):
            self._parts[copy % len(self._parts)].move_in(now, [copy], [at], [count])

    # -- receiving -------------------------------------------------------------------------------

    def short_poll_refusal(self, now: int) -> str | None:
        """Why a short poll is refused at *now* [us]; None: it is not."""
        return "OverLimit" if self.in_flight(now) >= self.max_in_flight else None

    def long_poll(
        self, now: int, max_number_of_messages: int, visibility_timeout_us: int | None, chance: float
    ) -> PartitionedReceipt | None:
        """Give out up to *max_number_of_messages*: a long poll asks every partition.

        *chance* in [0, 1) says which of those that have something comes first.
        """
        ready = [part for part in self._parts if part.next_visible_at(now) <= now]
        first = int(chance * len(ready))
        return self._take(now, max_number_of_messages, visibility_timeout_us, ready[first:] + ready[:first])

    def short_poll(
        self, now: int, max_number_of_messages: int, visibility_timeout_us: int | None, chance: float
    ) -> PartitionedReceipt | None:
        """Give out what the partitions asked by a short poll have; *chance* says which ones it asks."""
        parts = self._parts
        first = int(chance * len(parts))
        asked = (parts[first:] + parts[:first])[: ceil(self._short_poll_share * len(parts))]
        return self._take(now, max_number_of_messages, visibility_timeout_us, asked)

    def _take(
        self, now: int, most: int, visibility_timeout_us: int | None, asked: list[StandardQueue]
    ) -> PartitionedReceipt | None:
        left = min(most, self.max_in_flight - self.in_flight(now))
        taken: list[tuple[StandardQueue, Receipt]] = []
        for part in asked:
            if left <= 0:
                break
            receipt = part.receive_message(now, left, visibility_timeout_us)
            if receipt is not None:
                left -= len(receipt.received)
                taken.append((part, receipt))
        return PartitionedReceipt(now, taken) if taken else None

    # -- deleting, changing ------------------------------------------------------------------------

    def delete_messages(
        self, now: int, receipt: Receipt, copies: list[int], chance: float = 0.0
    ) -> list[int]:
        """Delete *copies* by *receipt* and return those that are gone by it; see `StandardQueue`."""
        assert isinstance(receipt, PartitionedReceipt)  # it comes back to the queue that gave it
        gone: list[int] = []
        for part, held in receipt.parts:
            own = [copy for copy in copies if copy in held.received]
            if own:
                gone += part.delete_messages(now, held, own, chance)
        return gone

    def refusal(self, now: int, receipt: Receipt, timeout_us: int) -> str | None:
        """Why a change of visibility is refused; see `StandardQueue`."""
        return self._parts[0].refusal(now, receipt, timeout_us)

    def change_message_visibility(
        self, now: int, receipt: Receipt, copies: list[int], timeout_us: int
    ) -> PartitionedReceipt:
        """Let the timeout of *copies* end *timeout_us* from now; see `StandardQueue`."""
        assert isinstance(receipt, PartitionedReceipt)  # it comes back to the queue that gave it
        changed: list[tuple[StandardQueue, Receipt]] = []
        for part, held in receipt.parts:
            own = [copy for copy in copies if copy in held.received]
            if own:
                changed.append((part, part.change_message_visibility(now, held, own, timeout_us)))
        return PartitionedReceipt(now, changed)

    # -- time, counting ----------------------------------------------------------------------------

    def expire(self, now: int) -> list[tuple[int, int]]:
        """Copies that retention removed since the last call, each with the instant [us] it did."""
        return [gone for part in self._parts for gone in part.expire(now)]

    def next_visible_at(self, now: int) -> int:
        """The first instant [us], from *now*, at which a long poll finds something; NEVER if none will."""
        if self.in_flight(now) >= self.max_in_flight:
            return min(part.next_timeout() for part in self._parts)
        return min(part.next_visible_at(now) for part in self._parts)

    def visible(self, now: int) -> int:
        """Messages a receive could give out at *now*."""
        return sum(part.visible(now) for part in self._parts)

    def delayed(self, now: int) -> int:
        """Messages sent whose delay has not ended at *now*."""
        return sum(part.delayed(now) for part in self._parts)

    def younger(self, now: int, than_us: int) -> int:
        """Visible messages that nobody has received, sent less than *than_us* before *now* [us]."""
        return sum(part.younger(now, than_us) for part in self._parts)

    def oldest_at(self, now: int) -> int:
        """When its oldest message came, as of `StandardQueue`."""
        return min(part.oldest_at(now) for part in self._parts)

    def in_flight(self, now: int) -> int:
        """Messages received, not deleted, whose timeout has not ended at *now*."""
        return sum(part.in_flight(now) for part in self._parts)

    def contents(self, now: int) -> Iterator[tuple[int, str]]:
        """Every copy in the queue with its state: ``in_transit delayed visible in_flight``."""
        for part in self._parts:
            yield from part.contents(now)


def partitions_after_burst(opened: int, p_split: float, chance: float) -> int:
    """How many partitions a queue has from a burst on: all of the first, and maybe half to as many more.

    *chance* in [0, 1) says both whether (in *p_split* of all cases) and how many.
    """
    if chance >= p_split:
        return opened
    fewest = max(1, opened // 2)
    return opened + fewest + int(chance / p_split * (opened - fewest + 1))
