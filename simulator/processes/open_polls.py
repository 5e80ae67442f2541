"""Empty receives: polls that came back with nothing, counted by arithmetic instead of by events."""

from collections import deque
from typing import Final

from simulator.recording.recorder import Recorder
from simulator.recording.tables import Quantity

_MILLION_SECONDS_US: Final = 10**12
_SECOND_US: Final = 1_000_000


class OpenPolls:
    """The polls of one consumer at one queue.

    A long poll that nothing answers comes back empty after its wait and is made again at once. Of those
    open, the one that has waited longest is taken to be the one that is answered; what comes at the very end
    of a poll is in its answer.

    Parameters
    ----------
    queue, consumer : int
        Things of the run; both get the rows.
    wait_us : int
        WaitTimeSeconds of the long polls [us]; 0 for short ones.

    Attributes
    ----------
    opened : deque of int
        When each poll that is open was opened first [us].
    """

    __slots__ = ("_recorder", "_short", "_short_from", "_things", "_times", "opened", "wait_us")

    def __init__(self, recorder: Recorder, queue: int, consumer: int, wait_us: int) -> None:
        self.opened: deque[int] = deque()
        self.wait_us = wait_us
        self._recorder = recorder
        self._things = (queue, consumer)
        self._short = 0
        self._short_from = 0
        self._times = 0

    def came_back(self, now: int) -> int:
        """Receives that found nothing by *now* [us]."""
        late = sum((now - opened_at) // self.wait_us for opened_at in self.opened) if self.wait_us else 0
        return self._times + self._short + late

    def answered_late(self, now: int, opened_at: int) -> None:
        """One is answered that was opened first more than a wait ago."""
        self._came_back(opened_at, -((opened_at - now) // self.wait_us) - 1)

    def close(self, now: int, polls: int) -> None:
        """*polls* of them end without an answer: their consumer is gone."""
        for _ in range(min(polls, len(self.opened))):
            opened_at = self.opened.popleft()
            if now - opened_at >= self.wait_us:
                self._came_back(opened_at, (now - opened_at) // self.wait_us)

    def _came_back(self, opened_at: int, times: int) -> None:
        """A poll came back *times* times with nothing since *opened_at*."""
        self._times += times
        self._write(_MILLION_SECONDS_US // self.wait_us, opened_at, opened_at + times * self.wait_us)

    def miss(self, now: int) -> None:
        """A short poll found nothing; those of a second make one row."""
        if now - self._short_from >= _SECOND_US:
            self._flush(now)
            self._short_from = now
        self._short += 1

    def _flush(self, now: int) -> None:
        if self._short:
            self._times += self._short
            until_at = max(now, self._short_from + 1)
            per_million_s = round(self._short * _MILLION_SECONDS_US / (until_at - self._short_from))
            self._write(per_million_s, self._short_from, until_at)
            self._short = 0

    def _write(self, per_million_s: int, from_at: int, until_at: int) -> None:
        for thing in self._things:
            self._recorder.change(thing, int(Quantity.EMPTY_RECEIVES), per_million_s, from_at, until_at)

    def finish_run(self, now: int) -> None:
        """Write down what came back empty until the end of the run."""
        self.close(now, len(self.opened))
        self._flush(now)
