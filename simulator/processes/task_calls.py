"""Calls of one function by tasks of workflows, which wait for the answer and decide what follows."""

from collections.abc import Callable

from simulator.processes.functions import Invocation
from simulator.processes.lines import Event, Line, Run
from simulator.recording.tables import NONE, Attempt, Cause, Fate

THROTTLED = "Lambda.TooManyRequestsException"
_TIMED_OUT = "Sandbox.Timedout"
_FAILED = "States.TaskFailed"


class TaskCall(Event):
    """One task's call: its copy at the function, and who is told how each run ended.

    Attributes
    ----------
    answer : callable
        Told the name of the error of a run; "" of one that was successful.
    fails : callable
        The error of its own, besides the function's, that run number n ends with; "": none.
    copies : list of int
        Copies that the message has become, of all its calls.
    abandoned : bool
        Nobody waits for its answer any more.
    """

    __slots__ = ("abandoned", "answer", "cause", "copies", "error", "fails", "message")

    def __init__(
        self, message: int, called_at: int, answer: Callable[[str], None], fails: Callable[[int], str]
    ) -> None:
        super().__init__(NONE, called_at)
        self.message = message
        self.answer = answer
        self.fails = fails
        self.copies: list[int] = []
        self.error = ""
        self.cause = Cause.NOTHING
        self.abandoned = False


class TaskCalls(Line):
    """Tasks that call one function. A retry is another run over the same copy; till then it waits."""

    def call(self, call: TaskCall) -> None:
        """Run the function for a task, now; a throttled call is answered with that error at once."""
        now = self._clock.now
        if call.copy == NONE:
            call.copy = self._ledger.add_copy(call.message, now)
            self.arrived += 1
            self._open[call.copy] = call
            call.copies.append(call.copy)
        if not self._run(call, now).admitted:
            call.cause = Cause.THROTTLE
            call.answer(THROTTLED)

    def call_beside(self, earlier: TaskCall, answer: Callable[[str], None]) -> TaskCall:
        """Call anew for a task that did not wait for the end of an *earlier* run: by another copy."""
        now = self._clock.now
        call = TaskCall(earlier.message, now, answer, earlier.fails)
        call.copy = self._ledger.add_copy(call.message, now)
        call.runs = earlier.runs
        call.copies = earlier.copies
        call.copies.append(call.copy)
        self._ledger.parent_of[call.copy] = earlier.copy
        self._stories.follow(call.copy, Cause.SENDER_RETRY)
        self.arrived += 1
        self._open[call.copy] = call
        self.call(call)
        return call

    def leave(self, call: TaskCall) -> None:
        """Nobody waits for a call any more: the function works on if it has begun."""
        call.abandoned = True
        if call.copy in self._open and call.copy not in self._running:
            self._close(call, Fate.DROPPED, call.cause)

    def works_on(self, call: TaskCall) -> bool:
        """Whether the function has not ended with a call."""
        return call.copy in self._running

    def _end(self, batch: Invocation) -> None:
        assert isinstance(batch, Run)
        call = batch.event
        assert isinstance(call, TaskCall)
        call.error = ""
        if not batch.failed and batch.attempt is Attempt.SUCCEEDED:
            call.error = call.fails(call.runs)
            if call.error:
                batch.failed = [0]
        super()._end(batch)

    def _succeeded(self, batch: Run) -> None:
        self._delete(batch)
        call = batch.event
        assert isinstance(call, TaskCall)
        if not call.abandoned:
            call.answer("")

    def _failed(self, event: Event, cause: Cause) -> None:
        assert isinstance(event, TaskCall)
        event.cause = cause
        if event.abandoned:
            self.leave(event)
        else:
            event.answer(event.error or (_TIMED_OUT if cause is Cause.CRASH else _FAILED))
