"""A queue's dispatcher: it brings visible copies and idle consumers together.

Idle consumers are counts, and one alarm stands for all of them: events grow with batches worked, not with
consumers waiting. The dispatcher also remembers the story of every copy that did not simply come and go,
so that each duplicate, dead letter and loss has its cause.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.sqs.standard import StandardQueue
from simulator.aws.sqs.waiters import Waiters
from simulator.processes.clock import RECEIVES, Clock
from simulator.processes.gauges import Gauge
from simulator.processes.ledger import Ledger
from simulator.recording.recorder import Odd, Recorder
from simulator.recording.tables import NONE, Arrival, Attempt, Cause, Fate, Limit

Queue = StandardQueue | FifoQueue

CAUSE_OF = {
    Attempt.SUCCEEDED: Cause.VISIBILITY_TIMEOUT,  # done, but deleted too late
    Attempt.FAILED: Cause.FAILURE,
    Attempt.BATCH_MATE: Cause.BATCH_MATE,
    Attempt.THROTTLED: Cause.THROTTLE,
    Attempt.CRASHED: Cause.CRASH,
    Attempt.UNFINISHED: Cause.VISIBILITY_TIMEOUT,
}


class Consumer(Protocol):
    """What a dispatcher needs to know of a consumer of its queue."""

    thing: int
    max_messages: int
    visibility_timeout_us: int | None
    limit_gauge: Gauge

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Take up a receipt; *causes* says why each copy received before was given out again."""

    def limit(self) -> Limit:
        """Why there is no room for another receive."""

    def finish_run(self) -> None:
        """The run is over: write down what is still in hand."""


class Story:
    """What is remembered of a copy that did not leave its queue by its first delivery."""

    __slots__ = (
        "arrival",
        "arrived_at",
        "closed",
        "first_received_at",
        "first_started_at",
        "last_cause",
        "open",
        "receive_count",
        "receives",
        "succeeded_at",
    )

    def __init__(self, arrival: int, arrived_at: int, receive_count: int, receives: int, open_: int) -> None:
        self.arrival = arrival
        self.arrived_at = arrived_at
        self.receive_count = receive_count  # over all queues it has been in
        self.receives = receives  # in this queue
        self.open = open_  # deliveries still in a consumer's hands
        self.closed = False
        self.last_cause = int(Cause.NOTHING)
        self.first_received_at = NONE
        self.first_started_at = NONE
        self.succeeded_at = NONE


class Dispatcher:
    """One queue, its idle consumers and its one alarm.

    Parameters
    ----------
    thing : int
        The queue's number among the things of the run.
    chance : callable
        The next number in [0, 1) that decides whom a message wakes.
    """

    def __init__(
        self,
        clock: Clock,
        queue: Queue,
        thing: int,
        ledger: Ledger,
        recorder: Recorder,
        chance: Callable[[], float],
    ) -> None:
        self.clock = clock
        self.queue = queue
        self.thing = thing
        self.ledger = ledger
        self.recorder = recorder
        self.dead_letters: Dispatcher | None = None
        self.waiters = Waiters()
        self.consumers: list[Consumer] = []
        self.arrived = self.deleted = self.moved_out = self.expired = 0
        self._chance = chance
        self._stories: dict[int, Story] = {}
        self._alarm_at = NEVER
        self._look_at = NONE
        self._capped = False  # at the last look, too many copies were in flight
        self._fifo = queue if isinstance(queue, FifoQueue) else None
        self._receive_tokens = None if self._fifo is None else self._fifo.receive_calls

    # -- copies come in ----------------------------------------------------------------------------

    def send(self, messages: np.ndarray, sent_at: np.ndarray) -> None:
        """Copies of *messages* arrive at *sent_at* [us], ascending, maybe ahead of now (standard queues)."""
        first = self.ledger.add_copies(messages, sent_at)
        self.arrived += len(messages)
        assert isinstance(self.queue, StandardQueue)
        self.queue.send_messages(sent_at.tolist(), list(range(first, first + len(messages))))
        if self.waiters.total:
            self._set_alarm(self.queue.next_visible_at(self.clock.now))

    def send_fifo(self, now: int, message: int) -> bool:
        """One message reaches a FIFO queue; False when the queue knows its deduplication id.

        The deduplication id is the message's own, so a retry is caught and two messages never collide.
        """
        assert self._fifo is not None
        copy = self.ledger.copies
        if self._fifo.send_message(now, copy, self.ledger.group[message], message) != copy:
            return False
        self.ledger.add_copy(message, now)
        self.arrived += 1
        return True

    def _move_in(self, now: int, copies: list[int], receive_counts: list[int]) -> None:
        """Copies come from a source queue whose dead-letter queue this is."""
        ledger = self.ledger
        sent_at = [ledger.sent_at[copy] for copy in copies]
        if self._fifo is None:
            assert isinstance(self.queue, StandardQueue)
            self.queue.move_in(now, copies, sent_at, receive_counts)
        else:
            groups: list[int | str] = [ledger.group[ledger.message_of[copy]] for copy in copies]
            self._fifo.move_in(now, copies, sent_at, receive_counts, groups)
        for copy, count in zip(copies, receive_counts, strict=True):
            self._stories[copy] = Story(int(Arrival.MOVE), now, count, 0, 0)
        self.arrived += len(copies)
        if self.waiters.total:
            self.stir()

    # -- consumers come and go ---------------------------------------------------------------------

    def open(self, consumer: int, polls: int) -> None:
        """Consumer number *consumer* of this queue has room for *polls* more receives.

        Where somebody waits already there is nothing to receive, and no need to look.
        """
        waited = self.waiters.total
        self.waiters.wait(consumer, polls)
        if not waited or self._capped:
            self.stir()

    def stir(self) -> None:
        """Look once at this instant, after everything else that happens at it."""
        if self.clock.next_at() > self.clock.now:
            self.look()
        else:
            self._look_later()

    def _look_later(self) -> None:
        now = self.clock.now
        if self._look_at != now:
            self._look_at = now
            self.clock.at(now, RECEIVES, self.look)

    def look(self, _: object = None) -> None:
        """Hand out batches wherever room and a visible copy meet."""
        now = self.clock.now
        queue, waiters, consumers = self.queue, self.waiters, self.consumers
        self._look_at = NONE
        if self._alarm_at <= now:
            self._alarm_at = NEVER
        tokens = self._receive_tokens
        while waiters.total:
            next_at = queue.next_visible_at(now)
            if next_at > now:
                self._set_alarm(next_at)
                self._note_limits(now, self._idle_limit(now))
                return
            if tokens is not None and not tokens.take(now):
                self._set_alarm(tokens.next_at(now))
                self._note_limits(now, Limit.CALL_TOKENS)
                return
            index = waiters.pick(self._chance()) if len(consumers) > 1 else 0
            consumer = consumers[index]
            receipt = queue.receive_message(now, consumer.max_messages, consumer.visibility_timeout_us)
            if receipt is None:  # only just taken by a move to the dead-letter queue or by retention
                continue
            if receipt.moved:
                self._dead_letter(now, receipt.moved)
            if receipt.copies:
                waiters.withdraw(index)
                consumer.begin(receipt, self._given_again(receipt) if receipt.again else {})
        waiting = queue.next_visible_at(now) <= now
        for consumer in consumers:
            consumer.limit_gauge.set(now, consumer.limit() if waiting else Limit.ARRIVALS)

    def _idle_limit(self, now: int) -> Limit:
        """Why a consumer with room got nothing."""
        self._capped = self.queue.in_flight(now) >= self.queue.max_in_flight
        if self._capped:
            return Limit.IN_FLIGHT_CAP
        if self._fifo is not None and self._fifo.visible(now):
            return Limit.GROUP_LOCKED
        return Limit.ARRIVALS

    def _note_limits(self, now: int, idle: Limit) -> None:
        waiting = idle is not Limit.ARRIVALS
        for index, consumer in enumerate(self.consumers):
            if self.waiters.waiting(index):
                consumer.limit_gauge.set(now, idle)
            else:
                consumer.limit_gauge.set(now, consumer.limit() if waiting else Limit.ARRIVALS)

    def _set_alarm(self, at: int) -> None:
        if at < self._alarm_at:
            self._alarm_at = at
            self.clock.at(at, RECEIVES, self.look)

    # -- deliveries --------------------------------------------------------------------------------

    def _given_again(self, receipt: Receipt) -> dict[int, int]:
        """Why each copy that was received before was given out again."""
        causes: dict[int, int] = {}
        for copy, count in receipt.again.items():
            story = self._stories.get(copy)
            if story is None:  # its first delivery is still being worked on
                story = self._stories[copy] = Story(int(Arrival.SEND), NONE, 1, 1, 1)
            causes[copy] = int(Cause.VISIBILITY_TIMEOUT) if story.open else story.last_cause
            if not story.receives:
                causes[copy] = int(Cause.NOTHING)  # first delivery from a dead-letter queue
            story.open += 1
            story.receives += 1
            story.receive_count = count
        return causes

    def delete(self, receipt: Receipt, copies: list[int]) -> list[int]:
        """Delete *copies* by *receipt*; those that are gone by it. A FIFO group may be free by that."""
        queue: Any = self.queue  # a receipt comes back to the queue that gave it
        gone: list[int] = queue.delete_messages(self.clock.now, receipt, copies)
        self.deleted += len(gone)
        if self._fifo is not None and self.waiters.total:
            self._look_later()
        return gone

    def settle(
        self,
        consumer: int,
        receipts: list[Receipt],
        copies: list[int],
        causes: dict[int, int],
        init_us: int,
        attempt: int,
        attempts: list[int] | None,
        gone: list[int],
        started_at: list[int],
        ended_at: list[int],
        deleted_at: list[int],
    ) -> None:
        """Write down a batch whose fate is known.

        Parameters
        ----------
        consumer : int
            Its number among the things of the run.
        copies : list of int
            All copies of *receipts*, in order; the other lists go with them.
        attempts : list of int, optional
            How each delivery ended; None: all succeeded.
        gone : list of int
            Copies that were deleted by it, at *deleted_at* [us].
        """
        now = self.clock.now
        record = self.recorder.batch
        received_at = [receipts[0].received_at] * len(copies)
        if attempts is None and len(gone) == len(copies) and not causes and len(receipts) == 1:
            # A copy that was never received before has a story only if it was received again meanwhile.
            if receipts[0].visible_at > now:
                record(
                    consumer,
                    self.thing,
                    init_us,
                    attempt,
                    copies,
                    received_at,
                    started_at,
                    ended_at,
                    deleted_at,
                )
                return
        deleted = set(gone)
        odd: list[tuple[int, Odd]] = []
        left_at: list[int] = []
        received_at = []
        index = 0
        for receipt in receipts:
            for copy in receipt.received:
                how = int(Attempt.SUCCEEDED) if attempts is None else attempts[index]
                is_gone = copy in deleted
                received_at.append(receipt.received_at)
                left_at.append(min(deleted_at[index], receipt.visible_at) if is_gone else receipt.visible_at)
                story = self._stories.get(copy)
                if story is not None or not is_gone:
                    what = self._tell(
                        copy, story, receipt, causes, how, is_gone, started_at[index], ended_at[index]
                    )
                    odd.append((index, what))
                index += 1
        record(
            consumer, self.thing, init_us, attempt, copies, received_at, started_at, ended_at, left_at, odd
        )

    def _tell(
        self,
        copy: int,
        story: Story | None,
        receipt: Receipt,
        causes: dict[int, int],
        how: int,
        is_gone: bool,
        started_at: int,
        ended_at: int,
    ) -> Odd:
        """Go on with a copy's story by a delivery that has ended; the row of that delivery."""
        if story is None:
            story = self._stories[copy] = Story(int(Arrival.SEND), NONE, 1, 1, 1)
        what = Odd(how, receipt.again.get(copy, 1), causes.get(copy, int(Cause.NOTHING)))
        story.open -= 1
        story.last_cause = int(CAUSE_OF[Attempt(how)])
        story.first_received_at = _earlier(story.first_received_at, receipt.received_at)
        if started_at != NONE:
            story.first_started_at = _earlier(story.first_started_at, started_at)
        if how == Attempt.SUCCEEDED:
            what.repeated = story.succeeded_at != NONE
            if not what.repeated:
                story.succeeded_at = ended_at
        what.deleted = is_gone
        if is_gone:
            what.closes = True
            what.receives = story.receives
            what.arrival = story.arrival
            what.arrived_at = story.arrived_at
            what.first_received_at = story.first_received_at
            what.first_started_at = story.first_started_at
            what.succeeded_at = story.succeeded_at
            story.closed = True
        if story.closed and not story.open:
            del self._stories[copy]
        return what

    # -- copies end otherwise ----------------------------------------------------------------------

    def _dead_letter(self, now: int, copies: list[int]) -> None:
        """A receive moved *copies* to the dead-letter queue."""
        assert self.dead_letters is not None
        counts: list[int] = []
        for copy in copies:
            story = self._stories.get(copy)
            if story is None:  # its only delivery is still being worked on
                story = self._stories[copy] = Story(int(Arrival.SEND), NONE, 1, 1, 1)
            cause = int(Cause.VISIBILITY_TIMEOUT) if story.open else story.last_cause
            counts.append(story.receive_count)
            self._close(copy, story, now, int(Fate.DEAD_LETTERED), cause)
        self.moved_out += len(copies)
        self.dead_letters._move_in(now, copies, counts)

    def expire(self) -> None:
        """Write down what retention has removed up to now."""
        for copy, at in self.queue.expire(self.clock.now):
            self.expired += 1
            self._close(copy, self._stories.get(copy), at, int(Fate.EXPIRED), int(Cause.RETENTION))

    def _close(self, copy: int, story: Story | None, at: int, fate: int, cause: int) -> None:
        if story is None:
            story = Story(int(Arrival.SEND), NONE, 0, 0, 0)
        elif story.open:
            story.closed = True
        else:
            del self._stories[copy]
        self.recorder.copy(
            (
                copy,
                NONE,
                NONE,
                self.thing,
                story.arrival,
                NONE,
                NONE,
                story.arrived_at,
                NONE,
                story.first_received_at,
                story.first_started_at,
                story.succeeded_at,
                at,
                story.receives,
                fate,
                cause,
                0,
            )
        )

    def outstanding(self) -> int:
        """Copies in this queue that are not done with: visible, delayed, in flight, or on their way."""
        return self.arrived - self.deleted - self.moved_out - self.expired

    def finish_run(self) -> dict[Fate, int]:
        """Write down every copy that is still here at the end of the run; how many in which state."""
        now = self.clock.now
        self.expire()
        for consumer in self.consumers:
            consumer.finish_run()
        left = dict.fromkeys((Fate.IN_TRANSIT, Fate.DELAYED, Fate.VISIBLE, Fate.IN_FLIGHT), 0)
        names = {"in_transit": Fate.IN_TRANSIT, "delayed": Fate.DELAYED, "visible": Fate.VISIBLE}
        for copy, state in self.queue.contents(now):
            fate = names.get(state, Fate.IN_FLIGHT)
            left[fate] += 1
            self._close(copy, self._stories.get(copy), now, int(fate), int(Cause.NOTHING))
        return left


def _earlier(one: int, other: int) -> int:
    return other if one == NONE else min(one, other)
