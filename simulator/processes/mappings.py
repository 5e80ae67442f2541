"""Event source mappings: they poll a queue, invoke a function, and delete what it worked."""

from simulator.aws.lambda_.concurrency import Admission
from simulator.aws.lambda_.event_source_mapping import EventSourceMapping, MappingLimit, throttle_pause_us
from simulator.aws.sqs.receipt import Receipt
from simulator.processes.children import Sends, Turns
from simulator.processes.clock import CHANGES, COMPLETIONS, Clock
from simulator.processes.draws import CallDurations, Work
from simulator.processes.filtering import Filtering, Stopped, part_of, whole
from simulator.processes.functions import THROTTLE_LIMITS, Function, Invocation
from simulator.processes.gathering import Gathering
from simulator.processes.gauges import Gauge
from simulator.processes.polls import Polls
from simulator.processes.queues import Dispatcher
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Attempt, Limit

_LIMIT_OF = {
    MappingLimit.RAMP: Limit.RAMP,
    MappingLimit.MAXIMUM_CONCURRENCY: Limit.MAXIMUM_CONCURRENCY,
    MappingLimit.MAPPING_CAP: Limit.MAPPING_CAP,
    MappingLimit.ACCOUNT_CONCURRENCY: Limit.ACCOUNT_CONCURRENCY,
    MappingLimit.PROVISIONED_POLLERS: Limit.PROVISIONED_POLLERS,
    MappingLimit.ERROR_BACKOFF: Limit.ERROR_BACKOFF,
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
    gathering : Gathering, optional
        Where batches are gathered; None: what a receive brings is invoked at once.
    """

    def __init__(
        self,
        clock: Clock,
        recorder: Recorder,
        dispatcher: Dispatcher,
        index: int,
        thing: int,
        mapping: EventSourceMapping,
        polls: Polls,
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
        gathering: Gathering | None = None,
    ) -> None:
        self.thing = thing
        self.max_messages = min(10, mapping.batch_size)
        self.limit_gauge = limit_gauge
        self._clock = clock
        self._recorder = recorder
        self._dispatcher = dispatcher
        self._index = index
        self._mapping = mapping
        self._polls = polls
        self._function = function
        self._work = work
        self._latency = latency
        self._concurrency_gauge = concurrency_gauge
        self.visibility_timeout_us: int | None = visibility_timeout_us
        self._fifo = fifo
        self._delete_tokens = dispatcher.delete_tokens
        self._throttle_first_us = throttle_first_us
        self._throttle_cap_us = throttle_cap_us
        self._turnaround_us = turnaround_us
        self._throttled_by: Limit | None = None
        self._growing = False
        self._open: set[Invocation] = set()
        self._gathering = gathering
        self.filtering: Filtering | None = None
        self.sends: Sends | None = None
        self.turns: Turns | None = None
        self._surplus = 0  # slots that are lost, and still busy
        self._paused = False

    def start(self) -> None:
        """Open the first long polls."""
        self._polls.open(self._mapping.room())

    # -- the receive -------------------------------------------------------------------------------

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Take up a receive: gather it where there is a batching window, else invoke."""
        if self.filtering is not None:
            left = self.filtering.sift(receipt, causes)
            if left is None:
                self._pass_over(self.filtering)
                return
            receipt = left
        if self.turns is not None and (stopped := self.turns.stopped(receipt.received)):
            left = self._stop(receipt, causes, stopped)
            if left is None:
                return
            receipt = left
        gathering = self._gathering
        if gathering is not None:
            gathering.take(receipt, causes, self)
            self.max_messages = gathering.room()
            return
        self.take_slot()
        self.send_off(Invocation(receipt, causes))

    def _pass_over(self, filtering: Filtering) -> None:
        """Nothing of a receive is for the function: its slot is busy only with deleting it."""
        if self._gathering is not None:
            self._polls.again()
            return
        self.take_slot()
        self._clock.at(self._clock.now + filtering.busy_us(), COMPLETIONS, self._leave_slot)

    def _stop(self, receipt: Receipt, causes: dict[int, int], stopped: list[int]) -> Receipt | None:
        """Lambda refuses to be invoked with *stopped*: they come again when their timeout ends; the rest."""
        refused, rest = part_of(receipt, stopped)
        batch = Stopped(refused, causes, self._clock.now)
        self._dispatcher.stories.settle(self._clock.now, self.thing, batch)
        if rest is None:
            if self._gathering is not None:
                self._polls.again()
            else:
                self.take_slot()
                self._clock.at(self._clock.now, COMPLETIONS, self._leave_slot)
        return rest

    def take_slot(self) -> None:
        """A slot begins a batch."""
        now = self._clock.now
        mapping = self._mapping
        if not mapping.busy:
            self._fall_idle(now, answered=1)
        mapping.begin(now)

    def _fall_idle(self, now: int, answered: int = 0) -> None:
        """A mapping that was idle has fewer polls open than it last had; *answered* of them just were."""
        falls = self._mapping.settle(now)
        if falls:
            waiters = self._dispatcher.waiters
            left = self._mapping.room() - answered
            waiters.withdraw(self._index, waiters.waiting(self._index) - left)
        for at, concurrency in falls:
            self._dispatcher.polls[self._index].close(at, self._concurrency_gauge.value - concurrency)
            self._concurrency_gauge.set(at, concurrency)

    # -- the invocation ----------------------------------------------------------------------------

    def send_off(self, batch: Invocation) -> None:
        """Invoke the function with a batch."""
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
        self._throttled_by = THROTTLE_LIMITS[admission]
        self._went_badly(ended=False)
        batch.throttles += 1
        again_at = now + throttle_pause_us(batch.throttles, self._throttle_first_us, self._throttle_cap_us)
        visible_at = min(receipt.visible_at for receipt in batch.receipts)
        if again_at + self._function.timeout_us < visible_at:
            throttled = int(Attempt.THROTTLED)
            queue = self._dispatcher.thing
            self._recorder.batch(self.thing, queue, 0, throttled, now, now, [], [], [], [], [])
            self._clock.at(again_at, COMPLETIONS, self.send_off, batch)
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
        if batch.attempt is not Attempt.SUCCEEDED:
            self._went_badly(ended=True)
        if self.sends is not None:
            self._send(batch, self.sends)
        self._close(batch)

    def _send(self, batch: Invocation, sends: Sends) -> None:
        """The handler sends on what goes out for the messages it has worked."""
        done = batch.copies
        if batch.attempts is not None:
            done = [c for c, how in zip(done, batch.attempts, strict=True) if how == Attempt.SUCCEEDED]
        if done:
            sends.after(self._clock.now, done)

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
        if self.sends is not None:
            self.sends.forget(batch.gone, self._dispatcher.stories)
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
            batch.gone = self._dispatcher.delete(whole(batch.receipts[0]), batch.copies)
            return
        first = 0
        for receipt in batch.receipts:
            done = receipt.received
            last = first + len(done)
            if attempts is not None:
                part = attempts[first:last]
                done = [copy for copy, how in zip(done, part, strict=True) if how == Attempt.SUCCEEDED]
            if done:
                batch.gone += self._dispatcher.delete(whole(receipt), done)
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
        if self._surplus:
            self._surplus -= 1
            return
        self._polls.open(1)
        if self._gathering is not None:
            self._choose()

    def _choose(self) -> None:
        assert self._gathering is not None
        self._gathering.choose()
        self.max_messages = self._gathering.room()

    # -- more and fewer slots ----------------------------------------------------------------------

    def limit(self) -> Limit:
        """Why there is no room; messages wait, so a growing mapping goes on growing."""
        if self._paused:
            return Limit.CONSUMER_DOWN
        limit = self._mapping.limit_at(self._clock.now)
        if not self._growing and (limit is MappingLimit.RAMP or limit is MappingLimit.ERROR_BACKOFF):
            self._growing = True
            self._clock.at(self._mapping.next_growth_at(self._clock.now), CHANGES, self._grow)
        if self._throttled_by is not None:
            return self._throttled_by
        called = self._work.called
        if called is not None and called.holds_up(self.in_hand()):
            return Limit.DOWNSTREAM
        if self._polls.held_back():
            return Limit.PROVISIONED_POLLERS
        return _LIMIT_OF[limit]

    def _grow(self, _: object) -> None:
        """More slots, if all were busy and messages waited through the interval."""
        now = self._clock.now
        self._growing = False
        pressed = not self._polls.waiting() and not self._paused
        if not pressed or self._dispatcher.queue.next_visible_at(now) > now:
            return
        gained = self._mapping.grow(now)
        if gained:
            self._show_concurrency(now)
            kept = min(gained, self._surplus)
            self._surplus -= kept
            self._polls.open(gained - kept)

    def _went_badly(self, *, ended: bool) -> None:
        """An invocation failed or was throttled: at the end of its second the mapping may lose slots."""
        judged_at = self._mapping.bad(self._clock.now, ended=ended)
        if judged_at is not None:
            self._clock.at(judged_at, CHANGES, self._judge)

    def _judge(self, _: object) -> None:
        room = self._mapping.room()
        self._lose(self._mapping.judge(self._clock.now), room)

    def _lose(self, slots: int, room: int) -> None:
        """So many *slots* are gone, of which there was *room* in idle ones: the others end first."""
        if not slots or self._paused:
            return
        idle = min(slots, room)
        self._polls.close(idle)
        self._surplus += slots - idle
        self._show_concurrency(self._clock.now)
        if self._gathering is not None:
            self._choose()

    def _show_concurrency(self, now: int) -> None:
        self._concurrency_gauge.set(now, self._mapping.concurrency)

    # -- disabled and enabled ----------------------------------------------------------------------

    def pause(self) -> None:
        """Disable the mapping: it polls no more; what is gathered goes, what is worked on ends."""
        if self._paused:
            return
        now = self._clock.now
        self._paused = True
        if self._gathering is not None:
            self._gathering.end_all(self)
        self._fall_idle(now)
        self._polls.close(self._polls.waiting())
        self._surplus = self._mapping.busy
        self._concurrency_gauge.set(now, 0)
        self.limit_gauge.set(now, Limit.CONSUMER_DOWN)

    def resume(self) -> None:
        """Enable the mapping: it starts with as many slots as a new one."""
        if not self._paused:
            return
        now = self._clock.now
        self._paused = False
        self._mapping.restart(now)
        self._surplus = max(0, self._mapping.busy - self._mapping.concurrency)
        self._show_concurrency(now)
        self.limit_gauge.set(now, Limit.ARRIVALS)
        self._polls.open(self._mapping.room())
        if self._gathering is not None:
            self._choose()

    def in_hand(self) -> int:
        """Batches being gathered or worked on."""
        return len(self._open) + (len(self._gathering.batches) if self._gathering else 0)

    def finish_run(self) -> None:
        """Write down the batches still in hand."""
        now = self._clock.now
        gathered = self._gathering.batches if self._gathering else []
        for batch in sorted([*self._open, *gathered], key=lambda one: one.copies[0]):
            batch.attempt = Attempt.UNFINISHED
            batch.attempts = [int(Attempt.UNFINISHED)] * len(batch.copies)
            begun = NONE < batch.began_at < now
            batch.began_at = batch.began_at if begun else NONE
            batch.over_at = now if begun else NONE
            self._settle(batch, batch.began_at, NONE)
        if not self._paused:
            self._fall_idle(now)
        self.limit_gauge.close(now)
        self._concurrency_gauge.close(now)
