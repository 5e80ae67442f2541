"""Outboxes: what a worker's batch brings forth goes out when its messages are done."""

from typing import Protocol

from simulator.processes.children import Sends
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.recording.tables import NONE, Attempt


class Worked(Protocol):
    """A batch in a worker's hands whose timeline is laid out."""

    alive: bool
    copies: list[int]
    ended_at: list[int]
    attempts: list[int] | None


class Outbox:
    """Children of one batch: those of each message at its end, or of all *together* at the last one's.

    Where deletes are one call for the batch, so are sends. Throttled deletes put later ends off, so what is
    due is looked up when it should be.
    """

    __slots__ = ("_batch", "_clock", "_sends", "_sent_until", "_together")

    def __init__(self, clock: Clock, sends: Sends, batch: Worked, *, together: bool) -> None:
        self._clock = clock
        self._sends = sends
        self._batch = batch
        self._together = together
        self._sent_until = NONE
        self._wait()

    def flush(self) -> None:
        """Send what is due by now."""
        now, batch = self._clock.now, self._batch
        if self._together and now < max(batch.ended_at):
            return
        done = [
            copy
            for place, (copy, ended_at) in enumerate(zip(batch.copies, batch.ended_at, strict=True))
            if self._sent_until < ended_at <= now and self._worked(place)
        ]
        self._sent_until = now
        if done:
            self._sends.after(now, done)

    def _worked(self, place: int) -> bool:
        attempts = self._batch.attempts
        return attempts is None or attempts[place] == Attempt.SUCCEEDED

    def _wait(self) -> None:
        """Look again when the next message ends."""
        ends = [
            ended_at
            for place, ended_at in enumerate(self._batch.ended_at)
            if ended_at > self._sent_until and self._worked(place)
        ]
        if ends:
            at = max(self._batch.ended_at) if self._together else min(ends)
            self._clock.at(max(at, self._clock.now), COMPLETIONS, self._go)

    def _go(self, _: object) -> None:
        if self._batch.alive:
            self.flush()
            self._wait()
