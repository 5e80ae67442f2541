"""Lambda's event source mapping for a broker's queue: consumers, each with one batch at a time."""

from typing import Final

from simulator.aws.lambda_.concurrency import Admission
from simulator.aws.mq.prefetch import Prefetch
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.processes.broker_queues import BrokerDispatcher, Subscription
from simulator.processes.children import Sends, Turns
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.draws import CallDurations, Work
from simulator.processes.functions import THROTTLE_LIMITS, Function, Invocation
from simulator.processes.gauges import Gauge
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Attempt, Limit, Quantity

_FIRST_PAUSE_US: Final = 1_000_000
_LONGEST_PAUSE_US: Final = 60_000_000


class Slot(Subscription):
    """One of the mapping's consumers: it gathers a batch, and keeps it until the function has worked it."""

    __slots__ = ("batch", "due", "failures", "gathers", "orphan")

    def __init__(self, owner: "BrokerMapping", window: Prefetch) -> None:
        super().__init__(owner, window)
        self.batch: Invocation | None = None
        self.gathers = 0  # windows begun so far
        self.due = False  # the window of what it gathers is over
        self.failures = 0  # of its batch, in a row
        self.orphan = False  # the broker failed meanwhile


class BrokerMapping:
    """An event source mapping of a queue of a broker.

    A slot invokes the function with a full batch, or with what it has when the batching window is over. A
    batch that fails is kept and tried again as a whole until it succeeds (Lambda guide), after pauses that
    double up to a minute (model): a message that always fails so holds its slot for good.

    Parameters
    ----------
    slots : int
        Batches at once (Lambda guide, ActiveMQ: 5).
    push_us : int
        From the broker's push until the mapping has the message [us].
    """

    def __init__(
        self,
        clock: Clock,
        recorder: Recorder,
        dispatcher: BrokerDispatcher,
        thing: int,
        function: Function,
        work: Work,
        latency: CallDurations,
        *,
        slots: int,
        batch_size: int,
        window_us: int,
        refill: float,
        push_us: int,
    ) -> None:
        self.thing = thing
        self.max_messages = batch_size
        self.visibility_timeout_us: int | None = None
        self.limit_gauge = Gauge(recorder, thing, Quantity.LIMIT, Limit.ARRIVALS)
        self.sends: Sends | None = None
        self.turns: Turns | None = None
        self._clock = clock
        self._recorder = recorder
        self._dispatcher = dispatcher
        self._function = function
        self._work = work
        self._latency = latency
        self._window_us = window_us
        self._push_us = push_us
        self._slots = [Slot(self, Prefetch(batch_size, refill)) for _ in range(slots)]
        self._concurrency = Gauge(recorder, thing, Quantity.CONCURRENCY, slots)
        self._prefetched = self._busy = 0
        self._throttled_by: Limit | None = None
        self._paused = False

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Nobody receives from a broker: it pushes."""
        raise NotImplementedError

    def start(self) -> None:
        """Subscribe, by one connection."""
        self._dispatcher.broker.connections += 1
        for slot in self._slots:
            self._dispatcher.subscribe(slot)

    def pause(self) -> None:
        """The mapping is disabled: what it has not begun is pending again."""
        self._paused = True
        for slot in self._slots:
            self._dispatcher.unsubscribe(slot)
            self._give_back(slot)
        self._dispatcher.note_limits()

    def resume(self) -> None:
        """The mapping is enabled again."""
        self._paused = False
        for slot in self._slots:
            self._dispatcher.subscribe(slot)

    def _give_back(self, slot: Slot) -> None:
        copies = [copy for copy, _ in slot.buffer]
        self._prefetched -= len(copies)
        slot.buffer.clear()
        slot.due = False
        self._dispatcher.give_back(slot, copies)

    # -- a batch -----------------------------------------------------------------------------------

    def push(self, subscription: Subscription, copies: list[int]) -> None:
        """Messages are pushed to one of its slots."""
        assert isinstance(subscription, Slot)
        now = self._clock.now
        begins = not subscription.buffer
        subscription.buffer.extend((copy, now) for copy in copies)
        self._prefetched += len(copies)
        if begins and self._window_us:
            subscription.gathers += 1
            window = (subscription, subscription.gathers)
            self._clock.at(now + self._window_us, COMPLETIONS, self._window_over, window)
        self._go_on(subscription)

    def _window_over(self, window: tuple[Slot, int]) -> None:
        slot, number = window
        if slot.buffer and slot.gathers == number:
            slot.due = True
            self._go_on(slot)

    def _invoke(self, slot: Slot) -> None:
        """Make a batch of what a slot has, and invoke the function."""
        slot.gathers += 1
        slot.due = False
        taken = [slot.buffer.popleft() for _ in range(min(len(slot.buffer), self.max_messages))]
        self._prefetched -= len(taken)
        at = max(self._clock.now, taken[-1][1] + self._push_us)
        self._take_up(slot, self._batch([copy for copy, _ in taken], at))

    def _batch(self, copies: list[int], received_at: int) -> Invocation:
        dispatcher = self._dispatcher
        counts = {copy: dispatcher.receive_count(copy) for copy in copies}
        again = {copy: count for copy, count in counts.items() if count > 1}
        places = [dispatcher.ledger.sent_at[copy] for copy in copies]
        receipt = Receipt(copies, received_at, NEVER, received_at, places, again, [])
        told = again or dispatcher.stories.following
        return Invocation(receipt, dispatcher.stories.given_again(receipt) if told else {})

    def _take_up(self, slot: Slot, batch: Invocation) -> None:
        slot.batch = batch
        self._busy += 1
        self._send_off((slot, batch))

    def _send_off(self, going: tuple[Slot, Invocation]) -> None:
        slot, batch = going
        now = self._clock.now
        if slot.batch is not batch:
            return  # the broker failed while it waited for concurrency
        earliest_at = max(now, batch.receipts[0].received_at) + self._latency.next()
        admission = self._function.invoke(batch, self._work, earliest_at, self._end)
        if admission is Admission.WARM or admission is Admission.COLD:
            self._throttled_by = None
            return
        self._throttled_by = THROTTLE_LIMITS[admission]
        self._recorder.throttled(self.thing, self._dispatcher.thing, now)
        batch.throttles += 1
        self._clock.at(now + _pause_us(batch.throttles), COMPLETIONS, self._send_off, going)
        self._dispatcher.note_limits()

    def _end(self, batch: Invocation) -> None:
        now = self._clock.now
        slot = next(slot for slot in self._slots if slot.batch is batch)
        if batch.attempt is Attempt.CRASHED:
            batch.attempts = [int(Attempt.CRASHED)] * len(batch.copies)
        elif batch.failed:
            batch.attempt = Attempt.FAILED
            batch.attempts = [int(Attempt.BATCH_MATE)] * len(batch.copies)
            for index in batch.failed:
                batch.attempts[index] = int(Attempt.FAILED)
        ok = batch.attempt is Attempt.SUCCEEDED
        if ok and self.sends is not None:
            self.sends.after(now, batch.copies)
        if slot.orphan:  # the function has what only the broker's memory had
            batch.gone = [copy for copy in batch.copies if not self._dispatcher.keeps(copy)]
        elif ok:
            batch.gone = batch.copies
        self._settle(batch)
        if slot.orphan or ok:
            if ok and self.sends is not None:
                self.sends.forget(batch.gone, self._dispatcher.stories)
            self._free(slot)
            self._dispatcher.acknowledge(slot, batch.gone)
            self._go_on(slot)
        else:
            slot.failures += 1
            self._clock.at(now + _pause_us(slot.failures), COMPLETIONS, self._again, (slot, batch, now))
        self._dispatcher.note_limits()

    def _free(self, slot: Slot) -> None:
        slot.batch, slot.failures, slot.orphan = None, 0, False
        self._busy -= 1

    def _go_on(self, slot: Slot) -> None:
        """A slot takes up its next batch, if it is free and has one."""
        if slot.batch is None and slot.buffer:
            full = len(slot.buffer) >= self.max_messages
            if full or slot.due or not self._window_us:
                self._invoke(slot)

    def _again(self, failed: tuple[Slot, Invocation, int]) -> None:
        """A batch that failed is tried once more, as it was."""
        slot, batch, failed_at = failed
        if slot.batch is not batch:
            return  # the broker failed meanwhile
        failures = slot.failures
        self._free(slot)
        slot.failures = failures
        self._take_up(slot, self._batch(batch.copies, failed_at))

    def _settle(self, batch: Invocation) -> None:
        now, n = self._clock.now, len(batch.copies)
        for receipt in batch.receipts:
            receipt.visible_at = min(receipt.visible_at, now) if not batch.gone else receipt.visible_at
        batch.started_at, batch.ended_at = [batch.began_at] * n, [batch.over_at] * n
        batch.deleted_at = [now] * n
        self._dispatcher.stories.settle(now, self.thing, batch)

    # -- ends --------------------------------------------------------------------------------------

    def fail_over(self) -> None:
        """The broker failed: all is pending again; what the function works on, it works on for nothing."""
        now, dispatcher = self._clock.now, self._dispatcher
        for slot in self._slots:
            self._give_back(slot)
            batch = slot.batch
            if batch is not None and not slot.orphan:
                runs = self._runs(batch)
                copies = [copy for copy in batch.copies if not runs or dispatcher.keeps(copy)]
                dispatcher.stories.failed_over.update(copies)
                dispatcher.give_back(slot, copies)
                if runs and copies:
                    slot.orphan = True
                    for receipt in batch.receipts:
                        receipt.visible_at = now
                elif copies:
                    self._stop(batch, Attempt.THROTTLED if batch.attempts is None else None)
                    self._free(slot)
            if not self._paused:
                dispatcher.make_room(slot)

    @staticmethod
    def _runs(batch: Invocation) -> bool:
        """Whether the function has the batch in hand; else it waits for concurrency, or to be tried again."""
        return batch.attempts is None and batch.environment != NONE

    def _stop(self, batch: Invocation, how: Attempt | None) -> None:
        """End a batch that waits; *how* is None where its last run is written down already."""
        if how is not None:
            batch.attempt = how
            batch.attempts = [int(how)] * len(batch.copies)
            batch.began_at = batch.over_at = NONE
            self._settle(batch)

    def limit(self) -> Limit:
        """Why there is no room for more."""
        if self._paused:
            return Limit.CONSUMER_DOWN
        if self._throttled_by is not None:
            return self._throttled_by
        called = self._work.called
        if called is not None and called.holds_up(self._busy):
            return Limit.DOWNSTREAM
        if self._busy == len(self._slots):
            return Limit.MAPPING_CAP
        held = any(slot.batch is not None and slot.buffer for slot in self._slots)
        return Limit.PREFETCHED if held else Limit.ARRIVALS

    def prefetched(self) -> int:
        """Messages pushed to it and not begun."""
        return self._prefetched

    def in_hand(self) -> int:
        """Batches in its hands."""
        return self._busy

    def finish_run(self) -> None:
        """Write down what is in hand at the end of the run."""
        now = self._clock.now
        for slot in self._slots:
            batch = slot.batch
            if batch is not None and self._runs(batch):
                begun = NONE < batch.began_at < now
                batch.began_at = batch.began_at if begun else NONE
                batch.over_at = now if begun else NONE
                self._unfinished(batch)
            elif batch is not None:
                self._stop(batch, Attempt.UNFINISHED if batch.attempts is None else None)
            self._give_back(slot)
        self.limit_gauge.close(now)
        self._concurrency.close(now)

    def _unfinished(self, batch: Invocation) -> None:
        now, n = self._clock.now, len(batch.copies)
        batch.attempt, batch.attempts = Attempt.UNFINISHED, [int(Attempt.UNFINISHED)] * n
        for receipt in batch.receipts:
            receipt.visible_at = min(receipt.visible_at, now + 1)
        batch.started_at, batch.ended_at = [batch.began_at] * n, [NONE] * n
        batch.deleted_at = [NONE] * n
        self._dispatcher.stories.settle(now, self.thing, batch)


def _pause_us(times: int) -> int:
    """Pause [us] before a batch is tried again for the *times*-th time."""
    return min(_FIRST_PAUSE_US << min(times - 1, 20), _LONGEST_PAUSE_US)
