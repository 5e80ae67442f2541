"""Work with calls: a batch message after message, each with its calls before its own work."""

from bisect import insort
from collections.abc import Callable

from simulator.processes.clock import COMPLETIONS
from simulator.processes.errands import Calls, Errand
from simulator.processes.stories import Batch
from simulator.recording.tables import NONE, Attempt


class Walk:
    """A batch on its way through its messages.

    ``place`` is the next message, ``failed`` the places of those that failed; ``each(walk)`` is called when
    a message is done with and says when the next one begins, ``over(walk)`` when all are.
    """

    __slots__ = ("again", "alive", "batch", "durations", "each", "errand", "failed", "over", "place")

    def __init__(
        self,
        batch: Batch,
        again: dict[int, int],
        durations: list[int],
        failed: list[int],
        each: "Callable[[Walk], None]",
        over: "Callable[[Walk], None]",
    ) -> None:
        self.batch = batch
        self.again = again
        self.durations = durations
        self.failed = failed
        self.each = each
        self.over = over
        self.place = 0
        self.alive = True
        self.errand: Errand | None = None
        batch.started_at = [NONE] * len(batch.copies)
        batch.ended_at = [NONE] * len(batch.copies)

    def attempts(self, rest: Attempt) -> list[int]:
        """How each delivery ended; *rest*: those that did not come to an end."""
        failed = set(self.failed)
        ended_at = self.batch.ended_at
        return [
            int(rest if ended_at[place] == NONE else Attempt.FAILED if place in failed else Attempt.SUCCEEDED)
            for place in range(len(ended_at))
        ]


class CalledWork:
    """Takes batches of one consumer and one queue through their messages.

    A message whose call failed for good has failed: it is not worked on, the next one is.
    """

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self._clock = calls.clock

    def go(self, walk: Walk, at: int) -> None:
        """Take up the next message at *at* [us]."""
        self._clock.at(at, COMPLETIONS, self._next, walk)

    def go_on(self, walk: Walk) -> None:
        """Take up the next message at once."""
        self._clock.at(self._clock.now, COMPLETIONS, self._next, walk)

    def stop(self, walk: Walk) -> None:
        """The batch is cut: nothing more of it happens, but for what a downstream is serving."""
        if walk.alive:
            walk.alive = False
            if walk.errand is not None:
                walk.errand.stop()
                self._count(walk, walk.errand)

    def holds_up(self, batches: int) -> bool:
        """Whether most of so many batches in hand wait on a downstream."""
        return 2 * self.calls.held_up() > batches

    def _next(self, walk: Walk) -> None:
        if not walk.alive:
            return
        batch, place = walk.batch, walk.place
        if place == len(batch.copies):
            walk.over(walk)
            return
        batch.started_at[place] = self._clock.now
        copy = batch.copies[place]
        walk.errand = Errand(self.calls, copy, walk.again.get(copy, 1), self._called, walk)
        walk.errand.begin()

    def _called(self, errand: Errand) -> None:
        walk: Walk = errand.owner
        walk.errand = None
        self._count(walk, errand)
        if not errand.failed:
            self._clock.at(self._clock.now + walk.durations[walk.place], COMPLETIONS, self._worked, walk)
            return
        if walk.place not in walk.failed:
            insort(walk.failed, walk.place)
        self._ended(walk)

    def _worked(self, walk: Walk) -> None:
        if walk.alive:
            self._ended(walk)

    def _ended(self, walk: Walk) -> None:
        walk.batch.ended_at[walk.place] = self._clock.now
        walk.place += 1
        walk.each(walk)

    @staticmethod
    def _count(walk: Walk, errand: Errand) -> None:
        walk.batch.downstream_us += errand.service_us
        walk.batch.waiting_us += errand.waiting_us
