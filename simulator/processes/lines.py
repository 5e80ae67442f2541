"""Lines: events that invoke a function without a queue of SQS between; their runs, books and rows.

In the rows a line takes the part of a queue and of its consumer: an event is a copy, each run of the
handler a delivery of it. An attempt that is throttled never reached the handler: it is an invocation
without messages, and the event goes on waiting.
"""

from simulator.aws.lambda_.concurrency import Admission
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.processes.children import Sends, Turns
from simulator.processes.clock import Clock
from simulator.processes.draws import Work
from simulator.processes.functions import THROTTLE_LIMITS, Function, Invocation
from simulator.processes.gauges import Gauge
from simulator.processes.ledger import Ledger
from simulator.processes.stories import CAUSE_OF, Stories
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Attempt, Cause, Fate, Limit, Quantity


class Event:
    """One event on its way: its copy, when it was accepted [us], its runs and throttles so far."""

    __slots__ = ("accepted_at", "copy", "errors", "runs", "throttles")

    def __init__(self, copy: int, accepted_at: int) -> None:
        self.copy = copy
        self.accepted_at = accepted_at
        self.runs = self.errors = 0
        self.throttles = 0  # in a row


class Run(Invocation):
    """One run of the handler over one event."""

    __slots__ = ("event",)

    def __init__(self, receipt: Receipt, event: Event) -> None:
        super().__init__(receipt, {})
        self.event = event


class Line:
    """Events of one function that come by one way: asynchronously, or with callers that wait.

    Parameters
    ----------
    thing : int
        Its number among the things of the run.
    """

    def __init__(self, clock: Clock, ledger: Ledger, recorder: Recorder, thing: int) -> None:
        self.thing = thing
        self.arrived = self.deleted = self.moved_out = self.dropped = 0
        self._clock = clock
        self._ledger = ledger
        self._recorder = recorder
        self._stories = Stories(thing, recorder)
        self._limit_gauge = Gauge(recorder, thing, Quantity.LIMIT, Limit.ARRIVALS)
        self._open: dict[int, Event] = {}  # by copy
        self._running: dict[int, Run] = {}  # by copy
        self._function: Function
        self._work: Work
        self._concurrency_gauge: Gauge | None = None
        self.sends: Sends | None = None
        self.turns: Turns | None = None

    def serve(self, function: Function, work: Work, most: int | None) -> None:
        """Let *function* work the events, at most *most* at once; to be called once, before the run."""
        self._function = function
        self._work = work
        if most is not None:
            self._concurrency_gauge = Gauge(self._recorder, self.thing, Quantity.CONCURRENCY, most)

    def in_hand(self) -> int:
        """Events that are being worked."""
        return len(self._running)

    def _run(self, event: Event, earliest_at: int) -> Admission:
        """Run the handler over *event*, not before *earliest_at* [us], if concurrency admits it."""
        now, copy = self._clock.now, event.copy
        again = {copy: event.runs + 1} if event.runs else {}
        receipt = Receipt([copy], now, NEVER, now, [event.accepted_at], again, [])
        batch = Run(receipt, event)
        admission = self._function.invoke(batch, self._work, earliest_at, self._end)
        if admission.admitted:
            if again or self._stories.following:
                batch.causes = self._stories.given_again(receipt)
            event.runs += 1
            event.throttles = 0
            self._running[copy] = batch
        else:
            event.throttles += 1
            self._limit_gauge.set(now, THROTTLE_LIMITS[admission])
            self._recorder.throttled(self.thing, self.thing, now)
        return admission

    def _end(self, batch: Invocation) -> None:
        assert isinstance(batch, Run)
        del self._running[batch.event.copy]
        if batch.failed and batch.attempt is not Attempt.CRASHED:
            batch.attempt = Attempt.FAILED
        if batch.attempt is Attempt.SUCCEEDED:
            if self.sends is not None:
                self.sends.after(self._clock.now, batch.copies)
            self._succeeded(batch)
        else:
            batch.attempts = [int(batch.attempt)]
            self._settle(batch)
            batch.event.errors += 1
            self._failed(batch.event, CAUSE_OF[batch.attempt])

    def _succeeded(self, batch: Run) -> None:
        """The handler was successful: settle the run."""
        raise NotImplementedError

    def _failed(self, event: Event, cause: Cause) -> None:
        """The handler failed, by *cause*; the run is written down."""
        raise NotImplementedError

    def _settle(self, batch: Run) -> None:
        """Write down a run that is over; what it left of its event waits from now on."""
        now, receipt = self._clock.now, batch.receipts[0]
        if not batch.gone:
            receipt.visible_at = now
        batch.started_at, batch.ended_at, batch.deleted_at = [batch.began_at], [batch.over_at], [now]
        self._stories.settle(now, self.thing, batch)

    def _delete(self, batch: Run) -> None:
        """The event of a successful run is done with."""
        batch.gone = batch.copies
        self._settle(batch)
        self.deleted += 1
        del self._open[batch.event.copy]
        if self.sends is not None:
            self.sends.forget(batch.copies, self._stories)

    def _close(self, event: Event, fate: Fate, cause: Cause) -> None:
        """An event is given up."""
        self._stories.close(event.copy, self._clock.now, fate, int(cause))
        self.moved_out += fate is Fate.DEAD_LETTERED
        self.dropped += fate is Fate.DROPPED
        del self._open[event.copy]

    def finish_run(self) -> dict[Fate, int]:
        """Write down every event that is still here at the end of the run; how many in which state."""
        now = self._clock.now
        running = dict(sorted(self._running.items()))
        for batch in running.values():
            begun = NONE < batch.began_at < now
            batch.attempt = Attempt.UNFINISHED
            batch.attempts = [int(Attempt.UNFINISHED)]
            batch.receipts[0].visible_at = now + 1  # it goes on beyond the end of the run
            batch.began_at = batch.began_at if begun else NONE
            batch.over_at = now if begun else NONE
            batch.started_at, batch.ended_at, batch.deleted_at = [batch.began_at], [NONE], [NONE]
            self._stories.settle(now, self.thing, batch)
        waiting = sorted(self._open.keys() - running.keys())
        for fate, copies in ((Fate.VISIBLE, waiting), (Fate.IN_FLIGHT, list(running))):
            self._stories.close_all(copies, [now] * len(copies), fate)
        self._limit_gauge.close(now)
        if self._concurrency_gauge is not None:
            self._concurrency_gauge.close(now)
        return {Fate.VISIBLE: len(waiting), Fate.IN_FLIGHT: len(running)}
