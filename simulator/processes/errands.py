"""Errands: the calls of one message, one after another, each tried until it succeeds or is given up."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from simulator.processes.call_draws import CallDraws
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.downstream_clients import Client
from simulator.processes.downstreams import Downstream, Ending, Try
from simulator.recording.tables import NONE


class Step(NamedTuple):
    """One of the calls that each message needs: who makes it, and its draws."""

    client: Client
    draws: CallDraws
    p_error: float


class Calls:
    """The calls that one consumer makes for each message of one queue.

    Attributes
    ----------
    pausing : int
        Errands in a pause between tries.
    under_way : dict
        By downstream: errands that wait for its answer.
    """

    def __init__(self, clock: Clock, steps: Sequence[Step]) -> None:
        self.clock = clock
        self.steps = steps
        self.pausing = 0
        self.under_way: dict[Downstream, int] = dict.fromkeys((step.client.downstream for step in steps), 0)

    def held_up(self) -> int:
        """Errands that wait on a downstream: in a pause, or at one that cannot do more than it does."""
        held = self.pausing
        for downstream, errands in self.under_way.items():
            if errands and downstream.strained:
                held += errands
        return held


class Errand:
    """The calls of one message on their way.

    At the end ``done(errand)`` is called, unless it was stopped.

    Attributes
    ----------
    owner : object
        Whatever its maker knows it by.
    failed : bool
        A call failed for good; those after it were not made.
    service_us, waiting_us : int
        Time at downstreams in service, and in their lines, refused or in pauses [us].
    """

    __slots__ = (
        "_at", "_calls", "_copy", "_count", "_current", "_done", "_from_at", "_pause_us", "_term", "_tries",
        "failed", "is_over", "owner", "service_us", "waiting_us",
    )  # fmt: skip

    def __init__(
        self, calls: Calls, copy: int, count: int, done: "Callable[[Errand], None]", owner: Any
    ) -> None:
        self.owner = owner
        self.failed = False
        self.is_over = False
        self.service_us = 0
        self.waiting_us = 0
        self._calls = calls
        self._copy = copy
        self._count = count
        self._done = done
        self._at = 0  # which call
        self._tries = 0
        self._pause_us = 0
        self._from_at = NONE  # of a pause: since when
        self._term = 0
        self._current: Try | None = None

    @property
    def key(self) -> int:
        """Key of the draws of its try: of the message, its receive count, the call and the try."""
        return self._calls.steps[self._at].draws.key(self._copy, self._count, self._tries)

    def begin(self) -> None:
        """Make the first call."""
        self._begin_call()

    def stop(self) -> None:
        """Its maker is gone: no further try; what is being served goes on."""
        if self.is_over:
            return
        self.is_over = True
        one, now = self._current, self._calls.clock.now
        client = self._calls.steps[self._at].client
        if one is not None:
            self._leave(one, now)
            client.downstream.give_up(one)
            if client.breaker is not None:
                client.breaker.forget(self._term)
        elif self._from_at != NONE:
            self._calls.pausing -= 1
            self.waiting_us += now - self._from_at

    # -- one call --------------------------------------------------------------------------------

    def _begin_call(self) -> None:
        client = self._calls.steps[self._at].client
        client.downstream.figures.calls.add(self._calls.clock.now)
        if client.budget is not None:
            client.budget.call()
        self._tries = self._pause_us = 0
        self._try()

    def _try(self) -> None:
        now = self._calls.clock.now
        step = self._calls.steps[self._at]
        client, downstream = step.client, step.client.downstream
        if client.breaker is not None:
            if not client.breaker.lets_through():
                self._fail()
                return
            self._term = client.breaker.term
        self._tries += 1
        service_us, chance = step.draws.of(self._copy, self._count, self._tries)
        p_error = step.p_error
        if downstream.conditions.errors:
            p_error = 1.0 - (1.0 - p_error) * (1.0 - downstream.conditions.errors)
        one = self._current = Try(self, now, service_us, chance < p_error)
        self._calls.under_way[downstream] += 1
        ending = downstream.take(one)
        if ending is not None:
            self.ended(one, ending)
        elif not now <= one.over_at < now + client.timeout_us:
            self._calls.clock.at(now + client.timeout_us, COMPLETIONS, self._time_out, one)

    def _time_out(self, one: Try) -> None:
        if one is self._current:
            self.ended(one, Ending.TIMED_OUT)

    def ended(self, one: Try, how: Ending) -> None:
        """Its try has ended."""
        now = self._calls.clock.now
        client = self._calls.steps[self._at].client
        self._leave(one, now)
        figures = client.downstream.figures
        figures.seen_us.add(now, now - one.sent_at)
        if client.breaker is not None:
            client.breaker.note(self._term, how is Ending.ANSWERED)
        if how is Ending.ANSWERED:
            figures.answered.add(now)
            self._at += 1
            if self._at < len(self._calls.steps):
                self._begin_call()
            else:
                self._end()
            return
        if how is Ending.TIMED_OUT:
            figures.timed_out.add(now)
            client.downstream.give_up(one)
        elif how is Ending.REFUSED:
            figures.refused.add(now)
        else:
            figures.errors.add(now)
        if self._tries < client.max_tries and (client.budget is None or client.budget.take()):
            self._pause(client, now)
        else:
            self._fail()

    def _leave(self, one: Try, now: int) -> None:
        """Count the time of a try that is over for its caller."""
        self._current = None
        self._calls.under_way[self._calls.steps[self._at].client.downstream] -= 1
        began_at = now if one.began_at == NONE else one.began_at
        self.waiting_us += began_at - one.sent_at
        self.service_us += now - began_at

    def _pause(self, client: Client, now: int) -> None:
        chance = self._calls.steps[self._at].draws.pause(self._copy, self._count, self._tries)
        self._pause_us = client.backoff.pause_us(self._tries, self._pause_us, chance)
        self._from_at = now
        self._calls.pausing += 1
        self._calls.clock.at(now + self._pause_us, COMPLETIONS, self._again, None)

    def _again(self, _: object) -> None:
        if self.is_over:
            return
        self._calls.pausing -= 1
        self.waiting_us += self._calls.clock.now - self._from_at
        self._from_at = NONE
        self._try()

    def _fail(self) -> None:
        self.failed = True
        self._calls.steps[self._at].client.downstream.figures.failed_calls.add(self._calls.clock.now)
        self._end()

    def _end(self) -> None:
        self.is_over = True
        self._done(self)
