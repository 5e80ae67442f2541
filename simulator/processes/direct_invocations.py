"""Synchronous invocations of one function: callers wait for its answer, as behind an API."""

from collections.abc import Callable

from simulator.processes.clock import SENDS, Clock
from simulator.processes.draws import CallDurations
from simulator.processes.ledger import Ledger
from simulator.processes.lines import Event, Line, Run
from simulator.processes.senders import Answers, Outgoing, Sender
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Cause, Fate, Limit


class Call(Event):
    """One caller's message, and what to tell its caller: whether the function was successful.

    Attributes
    ----------
    attempt : int
        Calls made for the message so far.
    parent : int
        Copy of an earlier call whose answer its caller did not wait for, or NONE.
    abandoned : bool
        Its caller does not wait any more.
    """

    __slots__ = ("abandoned", "answer", "attempt", "cause", "one", "parent")

    def __init__(
        self,
        one: Outgoing,
        called_at: int,
        answer: "Callable[[Call, bool], None]",
        attempt: int = 0,
        parent: int = NONE,
    ) -> None:
        super().__init__(NONE, called_at)
        self.one = one
        self.answer = answer
        self.attempt = attempt
        self.parent = parent
        self.abandoned = False
        self.cause = Cause.NOTHING  # of its last error


class DirectInvocations(Line):
    """Calls of a function that wait for their answer; what is throttled is told so at once.

    A call becomes a copy when the function takes it up: one that was refused for good is none. One that
    follows a call without an answer is another copy of the message.

    Parameters
    ----------
    latency : CallDurations
        From the call to the handler's start on an idle environment [us].
    """

    def __init__(
        self, clock: Clock, ledger: Ledger, recorder: Recorder, thing: int, latency: CallDurations
    ) -> None:
        super().__init__(clock, ledger, recorder, thing)
        self._latency = latency

    def call(self, call: Call) -> bool:
        """Invoke the function; False: throttled. Else the caller hears of the end."""
        now = self._clock.now
        if call.copy == NONE and call.parent != NONE:
            self._follow(call)
        new = call.copy == NONE
        if new:
            call.copy = self._ledger.add_copy(call.one.message, call.accepted_at)
        admitted = self._run(call, now + self._latency.next()).admitted
        if admitted:
            self._limit_gauge.set(now, Limit.ARRIVALS)
            if new:
                self._come(call)
        elif new:
            self._ledger.take_back(call.copy)
            call.copy = NONE
        return admitted

    def _come(self, call: Call) -> None:
        self.arrived += 1
        call.one.copies += 1
        self._open[call.copy] = call

    def _follow(self, call: Call) -> None:
        call.copy = self._ledger.add_copy(call.one.message, self._clock.now)
        self._ledger.parent_of[call.copy] = call.parent
        self._stories.follow(call.copy, Cause.SENDER_RETRY)
        self._come(call)

    def give_up(self, call: Call) -> None:
        """The caller does not try again: what the function failed at is lost."""
        if call.copy != NONE:
            self._close(call, Fate.DROPPED, Cause.THROTTLE if call.throttles else call.cause)

    def works_on(self, call: Call) -> bool:
        """Whether the function has not ended with a call."""
        return call.copy in self._running

    def _succeeded(self, batch: Run) -> None:
        call = batch.event
        assert isinstance(call, Call)
        self._delete(batch)
        call.answer(call, True)

    def _failed(self, event: Event, cause: Cause) -> None:
        assert isinstance(event, Call)
        event.cause = cause
        event.answer(event, False)


class Caller(Sender):
    """Calls a function with each message it is given, and waits for the answer.

    A throttled call (429), one that ended with an error, and one whose answer did not come in time, is made
    again after U(0, 1) x min(2^n, cap) seconds (botocore, standard mode), up to *max_attempts* calls; then
    the message is refused. The function works on, also when nobody waits for its answer.

    Parameters
    ----------
    timeout_us : int, optional
        How long it waits for an answer [us]; None: as long as it takes.
    """

    def __init__(
        self,
        clock: Clock,
        line: DirectInvocations,
        ledger: Ledger,
        *,
        answers: Answers,
        timeout_us: int | None,
        max_attempts: int,
        backoff_cap_us: int,
        chance: Callable[[], float],
        ended: Callable[[Outgoing, int], None],
    ) -> None:
        super().__init__(
            clock,
            _Nobody(),
            ledger,
            ahead=False,
            answers=answers,
            max_attempts=max_attempts,
            backoff_cap_us=backoff_cap_us,
            batch_size=1,
            batch_bytes=0,
            linger_us=0,
            chance=chance,
            ended=ended,
        )
        self._line = line
        self._timeout_us = timeout_us

    def _call(self, call: tuple[list[Outgoing], int]) -> None:
        (one,), attempt = call
        now = self.clock.now
        if any(from_at <= now < until_at for from_at, until_at in self.denied):
            one.calls = attempt
            self._over(one)
        else:
            self._try(Call(one, now, self._answered))

    def _try(self, call: Call) -> None:
        call.attempt += 1
        call.one.calls = call.attempt
        if not self._line.call(call):
            self._answered(call, False)
        elif self._timeout_us is not None:
            self.clock.at(self.clock.now + self._timeout_us, SENDS, self._time_out, (call, call.attempt))

    def _answered(self, call: Call, ok: bool) -> None:
        if call.abandoned:
            if not ok:
                self._line.give_up(call)
        elif ok:
            call.one.accept(self.clock.now, 0, stored=True)
            self._over(call.one)
        elif call.attempt < self._max_attempts:
            self.clock.at(self._again_at(call), SENDS, self._try, call)
        else:
            self._line.give_up(call)
            self._over(call.one)

    def _time_out(self, waiting: tuple[Call, int]) -> None:
        call, attempt = waiting
        if call.attempt != attempt or not self._line.works_on(call):
            return
        call.abandoned = True
        if attempt < self._max_attempts:
            again = Call(call.one, NONE, self._answered, attempt, call.copy)
            self.clock.at(self._again_at(call), SENDS, self._try, again)
        else:
            self._over(call.one)

    def _again_at(self, call: Call) -> int:
        pause_us = int(self._chance() * min(1_000_000 << (call.attempt - 1), self._backoff_cap_us))
        return self.clock.now + pause_us

    def _over(self, one: Outgoing) -> None:
        self._trying -= 1
        self._ended(one, self.clock.now)


class _Nobody:
    """What a caller's messages go to: nothing but the function itself."""

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        """Nothing is taken here."""
        return []

    def hand_over(self) -> None:
        """Nobody waits for what was called."""
