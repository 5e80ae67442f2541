"""Asynchronous invocations of one function: Lambda's own queue of events, retries, destinations."""

from collections.abc import Callable, Sequence

import numpy as np

from simulator.aws.lambda_.asynchronous import AsynchronousInvocation
from simulator.processes.at_least_once import Misses
from simulator.processes.clock import RECEIVES, Clock
from simulator.processes.destinations import Destination
from simulator.processes.fed_lines import FedLine
from simulator.processes.ledger import Block, Ledger
from simulator.processes.lines import Event, Run
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Cause, Fate, Limit
from simulator.sampling.distributions import Distribution, draw


class AsyncInvocations(FedLine):
    """Events that a function is invoked with asynchronously, one event a run.

    An event costs one step at its arrival and one an attempt, however many wait.

    Parameters
    ----------
    rule : AsynchronousInvocation
        When an event is tried again, and when it is given up.
    repeated : Misses, optional
        Which successful events Lambda runs once more; None: none.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        recorder: Recorder,
        thing: int,
        rule: AsynchronousInvocation,
        repeated: Misses | None,
    ) -> None:
        super().__init__(clock, ledger, recorder, thing)
        self._rule = rule
        self._repeated = repeated
        self._on_failure: Sequence[Destination] = ()
        self._on_success: Sequence[Destination] = ()
        self._held_back = 0  # events whose last attempt was throttled

    def report_to(self, on_failure: Sequence[Destination], on_success: Sequence[Destination]) -> None:
        """Tell *on_failure* of events that are given up, and *on_success* of the others."""
        self._on_failure = on_failure
        self._on_success = on_success

    def under_way(self) -> int:
        """Events that are not done with, and records of events that have not arrived."""
        records = sum(one.under_way() for one in (*self._on_failure, *self._on_success))
        return super().under_way() + records

    def _begin(self, copy: int, now: int) -> None:
        event = self._open[copy] = Event(copy, now)
        if self.turns is not None and self.turns.stopped([copy]):
            self._give_up(event, Cause.LOOP)
            return
        if self._rule.is_tried(self._function.concurrency.reserved):
            self._attempt(event)
        else:
            self._limit_gauge.set(now, Limit.RESERVED_CONCURRENCY)
            self._give_up(event, Cause.THROTTLE)

    # -- attempts ----------------------------------------------------------------------------------

    def _attempt(self, event: Event) -> None:
        now = self._clock.now
        held_back = event.throttles > 0
        if self._run(event, now).admitted:
            self._held_back -= held_back
            if not self._held_back:
                self._limit_gauge.set(now, Limit.ARRIVALS)
        else:
            self._held_back += not held_back
            again_at = self._rule.after_throttle(now, event.throttles)
            self._wait(event, again_at, Cause.EVENT_AGE)

    def _wait(self, event: Event, again_at: int, cause: Cause) -> None:
        """The event is tried again at *again_at* [us], or given up when it is too old for that."""
        expires_at = self._rule.expires_at(event.accepted_at)
        if again_at <= expires_at:
            self._clock.at(again_at, RECEIVES, self._attempt, event)
        else:
            self._clock.at(max(expires_at, self._clock.now), RECEIVES, self._expire, (event, cause))

    def _expire(self, given_up: tuple[Event, Cause]) -> None:
        event, cause = given_up
        if event.throttles:
            self._held_back -= 1
            if not self._held_back:
                self._limit_gauge.set(self._clock.now, Limit.ARRIVALS)
        self._give_up(event, cause)

    def _succeeded(self, batch: Run) -> None:
        event, repeated = batch.event, self._repeated
        if repeated is not None:
            repeated.left -= 1
            if repeated.left < 0 and repeated.among([event.copy]):
                self._settle(batch)
                self._stories.missed.add(event.copy)
                self._clock.at(self._clock.now, RECEIVES, self._attempt, event)
                return
        self._delete(batch)
        for destination in self._on_success:
            destination.send(event.copy)

    def _failed(self, event: Event, cause: Cause) -> None:
        again_at = self._rule.after_error(self._clock.now, event.errors)
        if again_at is None:
            self._give_up(event, cause)
        else:
            self._wait(event, again_at, cause)

    def _give_up(self, event: Event, cause: Cause) -> None:
        """Send the event to where failures go; without such a place it is dropped."""
        self._close(event, Fate.DEAD_LETTERED if self._on_failure else Fate.DROPPED, cause)
        for destination in self._on_failure:
            destination.send(event.copy)


class Invoker:
    """The way of a producer that invokes a function asynchronously, without a topic between.

    Parameters
    ----------
    latency : Distribution
        From the call to the handler's start on an idle function [us].
    latency_key : int
        Stream of the latencies; they belong to the messages.
    """

    def __init__(
        self,
        line: AsyncInvocations,
        ledger: Ledger,
        max_bytes: int,
        latency: Distribution,
        latency_key: int,
    ) -> None:
        self.max_bytes = max_bytes
        self.release: Callable[[int], None] = line.release
        self.under_way = line.under_way
        self._line = line
        self._ledger = ledger
        self._latency = latency
        self._latency_key = latency_key

    def take(
        self, block: Block, ok: np.ndarray, offered_at: np.ndarray, groups: np.ndarray, keys: np.ndarray
    ) -> np.ndarray:
        """Invoke with each message of *block* that is small enough (*ok*), at the instant offered."""
        chosen = np.flatnonzero(ok)
        latency = draw(self._latency, self._latency_key, keys[chosen])
        self._line.add(chosen + block.first, offered_at[chosen] + latency)
        return ok.astype(np.int16)

    def add(self, messages: np.ndarray, arrive_at: np.ndarray) -> None:
        """Invoke with *messages* at *arrive_at* [us]."""
        blocks = [(self._ledger.block_of(message), message) for message in messages.tolist()]
        keys = np.array([block.key_of(message) for block, message in blocks], dtype=np.uint64)
        self._line.add(messages, arrive_at + draw(self._latency, self._latency_key, keys))
