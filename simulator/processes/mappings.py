"""Event source mappings: they poll a queue, invoke a function, and delete what it worked."""

from simulator.aws.lambda_.concurrency import Admission
from simulator.aws.lambda_.event_source_mapping import EventSourceMapping, MappingLimit, throttle_pause_us
from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.receipt import Receipt
from simulator.processes.clock import CHANGES, COMPLETIONS, Clock
from simulator.processes.draws import CallDurations, Work
from simulator.processes.functions import Function, Invocation
from simulator.processes.gauges import Gauge
from simulator.processes.queues import Dispatcher
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Attempt, Limit

_LIMIT_OF = {
    MappingLimit.RAMP: Limit.RAMP,
    MappingLimit.MAXIMUM_CONCURRENCY: Limit.MAXIMUM_CONCURRENCY,
    MappingLimit.MAPPING_CAP: Limit.MAPPING_CAP,
}
_THROTTLE_OF = {
    Admission.THROTTLED_RESERVED: Limit.RESERVED_CONCURRENCY,
    Admission.THROTTLED_ACCOUNT: Limit.ACCOUNT_CONCURRENCY,
    Admission.THROTTLED_SCALING: Limit.SCALING_RATE,
    Admission.THROTTLED_RATE: Limit.SCALING_RATE,
}


class Mapping:
    """An event source mapping: slots that poll, invoke and delete.

    The mapping polls ahead: while a slot works, the next batch is on its way. So a batch starts at the later
    of the slot's turn and the newest message's availability plus the path latency; a busy slot loses
    nothing (measured on AWS: caps of 25, 50 and 90 are fully used at 50 ms of work), an idle one waits the
    measured latency.

    Parameters
    ----------
    index : int
        Its number among the consumers of its queue.
    thing : int
        Its number among the things of the run.
    visibility_timeout_us : int
        Of its receives [us].
    fifo : bool
        FIFO queue: what comes after a failed message of a batch comes back with it.
    turnaround_us : int
        How long a slot is lost after each invocation [us]; measured in one lab, 0 elsewhere.
    """

    def __init__(
        self,
        clock: Clock,
        recorder: Recorder,
        dispatcher: Dispatcher,
        index: int,
        thing: int,
        mapping: EventSourceMapping,
        function: Function,
        work: Work,
        latency: CallDurations,
        concurrency_gauge: Gauge,
        limit_gauge: Gauge,
        *,
        visibility_timeout_us: int,
        fifo: bool,
        throttle_first_us: int,
        throttle_cap_us: int,
        turnaround_us: int = 0,
    ) -> None:
        self.thing = thing
        self.max_messages = min(10, mapping.batch_size)
        self.limit_gauge = limit_gauge
        self._clock = clock
        self._recorder = recorder
        self._dispatcher = dispatcher
        self._index = index
        self._mapping = mapping
        self._function = function
        self._work = work
        self._latency = latency
        self._concurrency_gauge = concurrency_gauge
        self.visibility_timeout_us: int | None = visibility_timeout_us
        self._fifo = fifo
        self._delete_tokens = (
            dispatcher.queue.delete_calls if isinstance(dispatcher.queue, FifoQueue) else None
        )
        self._throttle_first_us = throttle_first_us
        self._throttle_cap_us = throttle_cap_us
        self._turnaround_us = turnaround_us
        self._throttled_by: Limit | None = None
        self._growing = False
        self._open: set[Invocation] = set()
        self._gathering: list[Invocation] = []

    def start(self) -> None:
        """Open the first long polls."""
        self._dispatcher.open(self._index, self._mapping.room())

    # -- the receive -------------------------------------------------------------------------------

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Take up a receive: gather it where there is a batching window, else invoke."""
        if self._mapping.window_us:
            self._gather(receipt, causes)
            return
        self._take_slot()
        self._invoke(Invocation(receipt, causes))

    def _take_slot(self) -> None:
        now = self._clock.now
        mapping = self._mapping
        if not mapping.busy:
            self._fall_idle(now)
        mapping.begin(now)

    def _fall_idle(self, now: int) -> None:
        """A mapping that was idle has fewer polls open than it last had, this one among them."""
        falls = self._mapping.settle(now)
        if falls:
            waiters = self._dispatcher.waiters
            waiters.withdraw(self._index, waiters.waiting(self._index) - (self._mapping.room() - 1))
        for at, concurrency in falls:
            self._dispatcher.polls[self._index].close(at, self._concurrency_gauge.value - concurrency)
            self._concurrency_gauge.set(at, concurrency)

    def _gather(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Add a receive to the batch being gathered, or start one; its slot polls on until it is full."""
        batch = self._gathering[0] if self._gathering else None
        if batch is None:
            self._take_slot()
            batch = Invocation(receipt, causes)
            self._gathering.append(batch)
            self._clock.at(self._clock.now + self._mapping.window_us, COMPLETIONS, self._window_ends, batch)
        else:
            batch.add(receipt, causes)
        if len(batch.copies) >= self._mapping.batch_size:
            self._gathering.remove(batch)
            self._invoke(batch)
        else:
            self._dispatcher.waiters.wait(self._index)
            self._dispatcher.polls[self._index].opened.append(self._clock.now)
        gathered = len(self._gathering[0].copies) if self._gathering else 0
        self.max_messages = min(10, self._mapping.batch_size - gathered)

    def _window_ends(self, batch: Invocation) -> None:
        if batch in self._gathering:
            self._gathering.remove(batch)
            self._dispatcher.close(self._index, 1)
            self.max_messages = min(10, self._mapping.batch_size)
            self._invoke(batch)

    # -- the invocation ----------------------------------------------------------------------------

    def _invoke(self, batch: Invocation) -> None:
        self._open.add(batch)
        earliest_at = batch.receipts[-1].available_at + self._latency.next()
        admission = self._function.invoke(batch, self._work, earliest_at, self._finish)
        if admission is Admission.WARM or admission is Admission.COLD:
            self._throttled_by = None
        else:
            self._throttled(batch, admission, self._clock.now)

    def _throttled(self, batch: Invocation, admission: Admission, now: int) -> None:
        """The slot pauses, then tries its batch again if the visibility timeout leaves time for that.

        Otherwise it gives the batch up: the messages return when their timeout ends.
        """
        self._throttled_by = _THROTTLE_OF[admission]
        batch.throttles += 1
        again_at = now + throttle_pause_us(batch.throttles, self._throttle_first_us, self._throttle_cap_us)
        visible_at = min(receipt.visible_at for receipt in batch.receipts)
        if again_at + self._function.timeout_us < visible_at:
            throttled = int(Attempt.THROTTLED)
            queue = self._dispatcher.thing
            self._recorder.batch(self.thing, queue, 0, throttled, now, now, [], [], [], [], [])
            self._clock.at(again_at, COMPLETIONS, self._invoke, batch)
            return
        batch.attempt = Attempt.THROTTLED
        batch.attempts = [int(Attempt.THROTTLED)] * len(batch.copies)
        batch.began_at = batch.over_at = now
        self._settle(batch, NONE, NONE)
        self._clock.at(again_at, COMPLETIONS, self._leave_slot)

    def _finish(self, batch: Invocation) -> None:
        """The invocation ends; its slot is free when its deletes are through."""
        if batch.attempt is Attempt.CRASHED:
            batch.attempts = [int(Attempt.CRASHED)] * len(batch.copies)
        elif batch.failed:
            batch.attempts = self._outcomes(batch)
            if not self._mapping.report_batch_item_failures:
                batch.attempt = Attempt.FAILED
        self._close(batch)

    def _close(self, batch: Invocation) -> None:
        """Delete what succeeded, as soon as there is a token for it, write the rows, free the slot."""
        now = self._clock.now
        tokens = self._delete_tokens
        if tokens is not None:
            attempts, done = batch.attempts, batch.copies
            if attempts is not None:
                done = [c for c, how in zip(done, attempts, strict=True) if how == Attempt.SUCCEEDED]
            if done and not tokens.take_for(now, self._dispatcher.groups_of(done)):
                next_at = tokens.next_for(now, self._dispatcher.groups_of(done))
                self._clock.at(next_at, COMPLETIONS, self._close, batch)
                return
        self._delete(batch)
        self._settle(batch, batch.began_at, batch.over_at)
        if self._turnaround_us:
            self._clock.at(now + self._turnaround_us, COMPLETIONS, self._leave_slot)
        else:
            self._leave_slot()

    def _outcomes(self, batch: Invocation) -> list[int]:
        """How each delivery of a batch with failed messages ends.

        Without partial batch responses the whole batch comes back. With them only what failed does; on a
        FIFO queue a handler stops at the first failure and reports all that follows (Lambda guide).
        """
        failed = set(batch.failed)
        if not self._mapping.report_batch_item_failures:
            mates = range(len(batch.copies))
        elif self._fifo:
            mates = range(batch.failed[0], len(batch.copies))
        else:
            mates = range(0)
        outcomes = [int(Attempt.SUCCEEDED)] * len(batch.copies)
        for index in mates:
            outcomes[index] = int(Attempt.BATCH_MATE)
        for index in failed:
            if not self._fifo or index == batch.failed[0]:
                outcomes[index] = int(Attempt.FAILED)
        return outcomes

    def _delete(self, batch: Invocation) -> None:
        attempts = batch.attempts
        if attempts is None and len(batch.receipts) == 1:
            batch.gone = self._dispatcher.delete(batch.receipts[0], batch.copies)
            return
        first = 0
        for receipt in batch.receipts:
            done = receipt.received
            last = first + len(done)
            if attempts is not None:
                part = attempts[first:last]
                done = [copy for copy, how in zip(done, part, strict=True) if how == Attempt.SUCCEEDED]
            if done:
                batch.gone += self._dispatcher.delete(receipt, done)
            first = last

    def _settle(self, batch: Invocation, started_at: int, ended_at: int) -> None:
        """Write down a batch whose messages were all worked on from *started_at* to *ended_at* [us]."""
        self._open.discard(batch)
        now = self._clock.now
        n = len(batch.copies)
        batch.started_at = [started_at] * n
        batch.ended_at = [ended_at] * n
        batch.deleted_at = [now] * n
        self._dispatcher.stories.settle(now, self.thing, batch)

    def _leave_slot(self, _: object = None) -> None:
        self._mapping.end(self._clock.now)
        self._dispatcher.open(self._index, 1)

    # -- the ramp ----------------------------------------------------------------------------------

    def limit(self) -> Limit:
        """Why there is no room; messages wait, so a growing mapping goes on growing."""
        if self._throttled_by is not None:
            return self._throttled_by
        limit = self._mapping.limit
        if limit is MappingLimit.RAMP and not self._growing:
            self._growing = True
            at = self._clock.now + self._mapping.growth_interval_us
            self._clock.at(at, CHANGES, self._grow)
        return _LIMIT_OF[limit]

    def _grow(self, _: object) -> None:
        """One slot more, if all were busy and messages waited through the interval."""
        now = self._clock.now
        self._growing = False
        pressed = not self._dispatcher.waiters.waiting(self._index)
        if pressed and self._dispatcher.queue.next_visible_at(now) <= now and self._mapping.grow(now):
            self._concurrency_gauge.set(now, self._mapping.concurrency)
            self._dispatcher.open(self._index, 1)

    def in_hand(self) -> int:
        """Batches being gathered or worked on."""
        return len(self._open) + len(self._gathering)

    def finish_run(self) -> None:
        """Write down the batches still in hand."""
        now = self._clock.now
        for batch in sorted(self._open | set(self._gathering), key=lambda one: one.copies[0]):
            batch.attempt = Attempt.UNFINISHED
            batch.attempts = [int(Attempt.UNFINISHED)] * len(batch.copies)
            begun = NONE < batch.began_at < now
            batch.began_at = batch.began_at if begun else NONE
            batch.over_at = now if begun else NONE
            self._settle(batch, batch.began_at, NONE)
        self._fall_idle(now)
        self.limit_gauge.close(now)
        self._concurrency_gauge.close(now)
