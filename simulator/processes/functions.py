"""Lambda functions and the event source mappings that poll a queue for them."""

from simulator.aws.lambda_.concurrency import Admission, FunctionConcurrency
from simulator.aws.lambda_.event_source_mapping import EventSourceMapping, MappingLimit, throttle_pause_us
from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.receipt import Receipt
from simulator.processes.clock import CHANGES, COMPLETIONS, Clock
from simulator.processes.draws import CallDurations, Work
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


class Function:
    """A function: its concurrency, time-out and cold starts; shared by its mappings.

    Parameters
    ----------
    timeout_us : int
        An invocation that lasts longer is killed [us].
    creation_us : int
        Creating an environment, before init [us].
    init : CallDurations
        Init phases [us], by the function's own counter of cold starts.
    """

    def __init__(
        self, concurrency: FunctionConcurrency, timeout_us: int, creation_us: int, init: CallDurations
    ) -> None:
        self.concurrency = concurrency
        self.timeout_us = timeout_us
        self._creation_us = creation_us
        self._init = init

    def cold_start_us(self) -> int:
        """What the next cold start takes [us]."""
        return self._creation_us + self._init.next()


class Batch:
    """What one invocation works on."""

    __slots__ = (
        "causes",
        "copies",
        "ended_at",
        "failed",
        "init_us",
        "receipts",
        "started_at",
        "throttles",
        "timed_out",
    )

    def __init__(self, receipt: Receipt, causes: dict[int, int]) -> None:
        self.receipts = [receipt]
        self.copies = receipt.received
        self.causes = causes
        self.init_us = 0
        self.started_at = NONE
        self.ended_at = NONE
        self.failed: list[int] = []
        self.throttles = 0
        self.timed_out = False

    def add(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Gather the copies of one more receive."""
        self.receipts.append(receipt)
        self.copies = self.copies + receipt.received
        self.causes = {**self.causes, **causes}

    def again(self) -> dict[int, int]:
        """Receive counts of its copies that were received before."""
        if len(self.receipts) == 1:
            return self.receipts[0].again
        return {copy: count for receipt in self.receipts for copy, count in receipt.again.items()}


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
        self._throttled_by: Limit | None = None
        self._growing = False
        self._open: set[Batch] = set()
        self._gathering: list[Batch] = []

    def start(self) -> None:
        """Open the first long polls."""
        self._dispatcher.open(self._index, self._mapping.room())

    # -- the receive -------------------------------------------------------------------------------

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Take up a receive: gather it where there is a batching window, else invoke."""
        if self._mapping.window_us:
            self._gather(receipt, causes)
        else:
            self._take_slot()
            self._invoke(Batch(receipt, causes))

    def _take_slot(self) -> None:
        now = self._clock.now
        self._mapping.begin(now)
        if self._mapping.busy == 1:
            self._shrink(now)

    def _shrink(self, now: int) -> None:
        """A mapping that was idle has fewer polls open than it last had."""
        waiters = self._dispatcher.waiters
        surplus = waiters.waiting(self._index) - self._mapping.room()
        if surplus > 0:
            waiters.withdraw(self._index, surplus)
            self._concurrency_gauge.set(now, self._mapping.concurrency)

    def _gather(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Add a receive to the fullest batch being gathered, or start one; its slot polls on until it is full."""
        batch = self._gathering[0] if self._gathering else None
        if batch is None:
            self._take_slot()
            batch = Batch(receipt, causes)
            self._gathering.append(batch)
            self._clock.at(self._clock.now + self._mapping.window_us, COMPLETIONS, self._window_ends, batch)
        else:
            batch.add(receipt, causes)
        if len(batch.copies) >= self._mapping.batch_size:
            self._gathering.remove(batch)
            self._invoke(batch)
        else:
            self._dispatcher.waiters.wait(self._index)
        gathered = len(self._gathering[0].copies) if self._gathering else 0
        self.max_messages = min(10, self._mapping.batch_size - gathered)

    def _window_ends(self, batch: Batch) -> None:
        if batch in self._gathering:
            self._gathering.remove(batch)
            self._dispatcher.waiters.withdraw(self._index)
            self.max_messages = min(10, self._mapping.batch_size)
            self._invoke(batch)

    # -- the invocation ----------------------------------------------------------------------------

    def _invoke(self, batch: Batch) -> None:
        now = self._clock.now
        admission = self._function.concurrency.invoke(now)
        self._open.add(batch)
        if not admission.admitted:
            self._throttled(batch, admission, now)
            return
        self._throttled_by = None
        receipts = batch.receipts
        again = batch.again()
        started_at = max(now, receipts[-1].available_at + self._latency.next())
        if admission is Admission.COLD:
            batch.init_us = self._function.cold_start_us()
            started_at += batch.init_us
        durations, batch.failed = self._work.of(batch.copies, again)
        duration_us = self._work.per_invocation_us(batch.copies, again) + sum(durations)
        if duration_us > self._function.timeout_us:
            duration_us = self._function.timeout_us
            batch.timed_out = True
        batch.started_at = started_at
        batch.ended_at = started_at + duration_us
        self._clock.at(batch.ended_at, COMPLETIONS, self._finish, batch)

    def _throttled(self, batch: Batch, admission: Admission, now: int) -> None:
        """The slot tries its batch again while the visibility timeout leaves time for an invocation."""
        self._throttled_by = _THROTTLE_OF[admission]
        batch.throttles += 1
        again_at = now + throttle_pause_us(batch.throttles, self._throttle_first_us, self._throttle_cap_us)
        visible_at = min(receipt.visible_at for receipt in batch.receipts)
        if again_at + self._function.timeout_us < visible_at:
            self._recorder.batch(
                self.thing, self._dispatcher.thing, 0, int(Attempt.THROTTLED), [], [], [], [], []
            )
            self._clock.at(again_at, COMPLETIONS, self._invoke, batch)
        else:
            self._clock.at(now, COMPLETIONS, self._give_up, batch)

    def _give_up(self, batch: Batch) -> None:
        self._settle(batch, Attempt.THROTTLED, [int(Attempt.THROTTLED)] * len(batch.copies))
        self._leave_slot()

    def _finish(self, batch: Batch) -> None:
        """The invocation ends: delete what succeeded, write the rows, free the slot."""
        now = self._clock.now
        attempts: list[int] | None = None
        how = Attempt.SUCCEEDED
        if batch.timed_out:
            how = Attempt.CRASHED
            attempts = [int(Attempt.CRASHED)] * len(batch.copies)
        elif batch.failed:
            attempts = self._outcomes(batch)
            if not self._mapping.report_batch_item_failures:
                how = Attempt.FAILED
        tokens = self._delete_tokens
        if (
            tokens is not None
            and (attempts is None or int(Attempt.SUCCEEDED) in attempts)
            and not tokens.take(now)
        ):
            self._clock.at(tokens.next_at(now), COMPLETIONS, self._finish, batch)
            return
        self._function.concurrency.end(now)
        self._settle(batch, how, attempts)
        self._leave_slot()

    def _outcomes(self, batch: Batch) -> list[int]:
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

    def _settle(self, batch: Batch, how: Attempt, attempts: list[int] | None) -> None:
        self._open.discard(batch)
        now = self._clock.now
        n = len(batch.copies)
        gone: list[int] = []
        first = 0
        for receipt in batch.receipts:
            done = receipt.received
            if attempts is not None:
                part = attempts[first : first + len(done)]
                done = [copy for copy, a in zip(done, part, strict=True) if a == Attempt.SUCCEEDED]
            first += len(receipt.received)
            if done:
                gone = gone + self._dispatcher.delete(receipt, done)
        self._dispatcher.settle(
            self.thing,
            batch.receipts,
            batch.copies,
            batch.causes,
            batch.init_us,
            int(how),
            attempts,
            gone,
            [batch.started_at] * n,
            [batch.ended_at] * n,
            [now] * n,
        )

    def _leave_slot(self) -> None:
        now = self._clock.now
        self._mapping.end(now)
        if self._mapping.room() > self._dispatcher.waiters.waiting(self._index) - len(self._gathering):
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

    def finish_run(self) -> None:
        """Write down the batches still in hand."""
        now = self._clock.now
        for batch in sorted(self._open | set(self._gathering), key=lambda b: b.copies[0]):
            n = len(batch.copies)
            self._dispatcher.settle(
                self.thing,
                batch.receipts,
                batch.copies,
                batch.causes,
                batch.init_us,
                int(Attempt.UNFINISHED),
                [int(Attempt.UNFINISHED)] * n,
                [],
                [batch.started_at if batch.started_at < now else NONE] * n,
                [NONE] * n,
                [now] * n,
            )
        self.limit_gauge.close(now)
        self._concurrency_gauge.close(now)
