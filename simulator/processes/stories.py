"""The story of every copy of a queue that did not simply come and go.

So each duplicate, dead letter and loss has its cause; what did simply come and go is not remembered.
"""

from typing import Final

from simulator.aws.sqs.receipt import Receipt
from simulator.recording.batch_log import Odd
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Arrival, Attempt, Cause, Fate

CAUSE_OF: Final = {
    Attempt.SUCCEEDED: Cause.VISIBILITY_TIMEOUT,  # done, but deleted too late
    Attempt.FAILED: Cause.FAILURE,
    Attempt.BATCH_MATE: Cause.BATCH_MATE,
    Attempt.THROTTLED: Cause.THROTTLE,
    Attempt.CRASHED: Cause.CRASH,
    Attempt.UNFINISHED: Cause.VISIBILITY_TIMEOUT,
    Attempt.UNANSWERED: Cause.LOST_ANSWER,
    Attempt.FILTERED_OUT: Cause.VISIBILITY_TIMEOUT,  # its delete did not come through
    Attempt.STOPPED: Cause.LOOP,
}


class Batch:
    """What one run of a handler works on, and what became of it.

    Lists go with ``copies``, one entry each.

    Attributes
    ----------
    receipts : list of Receipt
        The receives it was gathered from.
    causes : dict
        Why each copy received before was given out again.
    attempt : Attempt
        How the run ended; ``began_at`` to ``over_at`` [us], after ``init_us`` of cold start.
    attempts : list of int, optional
        How each delivery ended; None: all succeeded.
    gone : list of int
        Copies that were deleted by it, at ``deleted_at`` [us].
    downstream_us, waiting_us : int
        Of its time: calls in service at downstreams, and waiting for them [us].
    started_at, ended_at : list of int
        Processing of each message [us], or NONE.
    """

    started_at: list[int]
    ended_at: list[int]
    deleted_at: list[int]
    __slots__ = (
        "attempt",
        "attempts",
        "began_at",
        "causes",
        "copies",
        "deleted_at",
        "downstream_us",
        "ended_at",
        "gone",
        "init_us",
        "over_at",
        "receipts",
        "started_at",
        "waiting_us",
    )

    def __init__(self, receipt: Receipt, causes: dict[int, int]) -> None:
        self.receipts = [receipt]
        self.copies = receipt.received
        self.causes = causes
        self.init_us = 0
        self.attempt = Attempt.SUCCEEDED
        self.began_at = NONE
        self.over_at = NONE
        self.attempts: list[int] | None = None
        self.gone: list[int] = []
        self.downstream_us = 0
        self.waiting_us = 0

    def cause_after(self, how: Attempt) -> Cause:
        """Why a copy that it left comes again, by how its delivery ended."""
        return CAUSE_OF[how]

    def left_at(self, index: int, receipt: Receipt) -> int:
        """When its delivery number *index*, which it did not delete, stopped being in flight [us]."""
        return receipt.visible_at


class Story:
    """What is remembered of one copy."""

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


class Stories:
    """Copies of one queue, and the rows that tell their ends."""

    def __init__(self, queue: int, recorder: Recorder) -> None:
        self._queue = queue
        self._recorder = recorder
        self._stories: dict[int, Story] = {}
        self.following: set[int] = set()
        """Copies that follow another of their message and were not received yet."""
        self.missed: set[int] = set()
        """Copies that a server which was away did not hide at a receive, or brought back after a delete."""
        self.denied: set[int] = set()
        """Copies whose delete was denied."""
        self.released: set[int] = set()
        """Copies that a worker that failed made visible at once."""
        self.failed_over: set[int] = set()
        """Copies whose broker failed while a consumer had them."""

    def follow(self, copy: int, cause: Cause, arrival: Arrival = Arrival.SEND) -> None:
        """A copy follows another of its message: its first delivery is a duplicate, by *cause*."""
        story = self._stories[copy] = Story(int(arrival), NONE, 0, 0, 0)
        story.last_cause = int(cause)
        self.following.add(copy)

    def moved_in(self, now: int, copy: int, receive_count: int) -> None:
        """A copy comes from a source queue, received *receive_count* times by now."""
        self._stories[copy] = Story(int(Arrival.MOVE), now, receive_count, 0, 0)

    def given_again(self, receipt: Receipt) -> dict[int, int]:
        """Why copies of *receipt* were given out again: received before, or said before as another copy."""
        counts = receipt.again
        if self.following:
            counts = counts | {copy: 1 for copy in receipt.received if copy in self.following}
            self.following.difference_update(counts)
        causes: dict[int, int] = {}
        for copy, count in counts.items():
            story = self._story(copy)
            # The first delivery from a dead-letter queue has no cause, that of a following copy its own.
            causes[copy] = self._cause(copy, story)
            story.open += 1
            story.receives += 1
            story.receive_count = count
        return causes

    def _cause(self, copy: int, story: Story) -> int:
        """Why a receive finds the copy once more."""
        if copy in self.missed:
            self.missed.discard(copy)
            return int(Cause.AT_LEAST_ONCE)
        if copy in self.denied:
            self.denied.discard(copy)
            return int(Cause.ACCESS_DENIED)
        if copy in self.released:
            self.released.discard(copy)
            return int(Cause.FAILURE)
        if copy in self.failed_over:
            self.failed_over.discard(copy)
            return int(Cause.FAILOVER)
        return int(Cause.VISIBILITY_TIMEOUT) if story.open else story.last_cause

    def may_be_worked(self, copy: int) -> bool:
        """Whether a copy that is gone is still in a consumer's hands."""
        return copy in self._stories

    def _story(self, copy: int) -> Story:
        """The copy's story; one without is with its first delivery, and that still in hand."""
        story = self._stories.get(copy)
        if story is None:
            story = self._stories[copy] = Story(int(Arrival.SEND), NONE, 1, 1, 1)
        return story

    def settle(self, now: int, consumer: int, batch: Batch) -> None:
        """Write down a batch of *consumer* whose fate is known."""
        copies, receipts = batch.copies, batch.receipts
        odd: list[tuple[int, Odd]] | None = None
        left_at = batch.deleted_at
        received_at = [receipts[0].received_at] * len(copies)
        # A copy that was never received before has a story only if it was received again meanwhile.
        plain = batch.attempts is None and len(batch.gone) == len(copies) and not batch.causes
        if not plain or len(receipts) > 1 or receipts[0].visible_at <= now:
            received_at, left_at, odd = self._tell_all(batch)
        self._recorder.batch(
            consumer,
            self._queue,
            batch.init_us,
            int(batch.attempt),
            batch.began_at,
            batch.over_at,
            copies,
            received_at,
            batch.started_at,
            batch.ended_at,
            left_at,
            odd,
            batch.downstream_us,
            batch.waiting_us,
        )

    def _tell_all(self, batch: Batch) -> tuple[list[int], list[int], list[tuple[int, Odd]]]:
        """Received at, left flight at [us], and what is odd, of each delivery of a batch."""
        gone = set(batch.gone)
        odd: list[tuple[int, Odd]] = []
        left_at: list[int] = []
        received_at: list[int] = []
        for receipt in batch.receipts:
            for copy in receipt.received:
                index = len(received_at)
                received_at.append(receipt.received_at)
                is_gone = copy in gone
                left = batch.deleted_at[index] if is_gone else batch.left_at(index, receipt)
                left_at.append(min(left, receipt.visible_at))
                if not is_gone or copy in self._stories or batch.attempt is Attempt.FILTERED_OUT:
                    odd.append((index, self._tell(index, copy, receipt, batch, is_gone)))
        return received_at, left_at, odd

    def _tell(self, index: int, copy: int, receipt: Receipt, batch: Batch, is_gone: bool) -> Odd:
        """Go on with a copy's story by a delivery that has ended; the row of that delivery."""
        story = self._story(copy)
        how = Attempt.SUCCEEDED if batch.attempts is None else Attempt(batch.attempts[index])
        what = Odd(int(how), receipt.again.get(copy, 1), batch.causes.get(copy, int(Cause.NOTHING)))
        story.open -= 1
        killed = batch.attempt is Attempt.CRASHED and how is Attempt.SUCCEEDED  # done, but not deleted
        story.last_cause = int(Cause.CRASH if killed else batch.cause_after(how))
        story.first_received_at = _earlier(story.first_received_at, receipt.received_at)
        if batch.started_at[index] != NONE:
            story.first_started_at = _earlier(story.first_started_at, batch.started_at[index])
        if how is Attempt.SUCCEEDED:
            what.repeated = story.succeeded_at != NONE
            if not what.repeated:
                story.succeeded_at = batch.ended_at[index]
        if is_gone:
            what.deleted = what.closes = story.closed = True
            what.receives = story.receives
            what.arrival = story.arrival
            what.arrived_at = story.arrived_at
            what.first_received_at = story.first_received_at
            what.first_started_at = story.first_started_at
            what.succeeded_at = story.succeeded_at
            if how is Attempt.FILTERED_OUT and story.succeeded_at == NONE:
                what.fate = int(Fate.FILTERED_OUT)
        if story.closed and not story.open:
            del self._stories[copy]
        return what

    def dead_lettered(self, now: int, copy: int) -> int:
        """A receive moved *copy* to the dead-letter queue; how often it had been received."""
        story = self._story(copy)
        cause = self._cause(copy, story)
        self.close(copy, now, Fate.DEAD_LETTERED, cause)
        return story.receive_count

    def close_all(
        self, copies: list[int], ended_at: list[int], fate: Fate, cause: Cause = Cause.NOTHING
    ) -> None:
        """Many stays ended otherwise than by a delete, each at its instant [us]."""
        ends = list(zip(copies, ended_at, strict=True))
        untold = [end for end in ends if end[0] not in self._stories]
        if untold:
            unseen, instants = map(list, zip(*untold, strict=True))
            self._recorder.copies_left(unseen, self._queue, int(fate), int(cause), instants)
        for copy, at in ends:
            if copy in self._stories:
                self.close(copy, at, fate, int(cause))

    def close(self, copy: int, at: int, fate: Fate, cause: int = int(Cause.NOTHING)) -> None:
        """The copy's stay in the queue ended at *at* [us] otherwise than by a delete."""
        self.following.discard(copy)
        story = self._stories.get(copy)
        if story is None:
            story = Story(int(Arrival.SEND), NONE, 0, 0, 0)
        elif story.open:
            story.closed = True
        else:
            del self._stories[copy]
        self._recorder.copy(
            (
                copy,
                NONE,
                NONE,
                self._queue,
                story.arrival,
                NONE,
                NONE,
                story.arrived_at,
                NONE,
                story.first_received_at,
                story.first_started_at,
                story.succeeded_at,
                max(at, story.arrived_at),  # a dead letter may be too old on arrival
                story.receives,
                int(fate),
                cause,
                0,
            )
        )


def _earlier(one: int, other: int) -> int:
    return other if one == NONE else min(one, other)
