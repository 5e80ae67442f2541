"""Deliveries of a queue's subscription that failed for good: dead letters, or lost.

In the rows such a message is a copy that stayed at the subscription from its publish until SNS gave it up; in
the dead-letter queue it is a new message.
"""

import numpy as np

from simulator.processes.clock import SENDS, Clock
from simulator.processes.inlets import NOWHERE
from simulator.processes.ledger import Ledger
from simulator.processes.reach import OPEN, Reach
from simulator.processes.subscription_counts import SubscriptionCounts
from simulator.processes.topics import Inlet
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Cause, Fate


class FailedDeliveries:
    """Settles failed deliveries when their time comes, a window at a time; no event a message.

    Parameters
    ----------
    thing : int
        The subscription's number among the things of the run.
    dead_letters : Inlet, optional
        The way into the dead-letter queue; None: what failed is lost.
    reach : Reach
        Whether SNS may send there.
    latest_at : int
        When the run ends at the latest [us]: what fails later is unfinished.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        recorder: Recorder,
        thing: int,
        counts: SubscriptionCounts,
        *,
        dead_letters: Inlet | None,
        reach: Reach,
        latest_at: int,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._recorder = recorder
        self._thing = thing
        self._counts = counts
        self._dead_letters = dead_letters
        self._reach = reach
        self._latest_at = latest_at
        self._released_until = 0
        self._open = [(NOWHERE, NOWHERE, NOWHERE, NOWHERE)]
        self._coming = 0  # failures that nobody knew of ahead
        self._until = 0  # the last failure that is settled

    def add(
        self, messages: np.ndarray, sent_at: np.ndarray, failed_at: np.ndarray, cause: np.ndarray
    ) -> None:
        """*messages*, published at *sent_at* [us], fail for good at *failed_at*; all of shape (n,)."""
        late = failed_at < self._released_until
        if late.any():
            for index in np.flatnonzero(late):
                self._coming += 1
                part = tuple(column[index : index + 1] for column in (messages, sent_at, failed_at, cause))
                self._clock.at(max(int(failed_at[index]), self._clock.now), SENDS, self._come, part)
            messages, sent_at, failed_at, cause = (
                column[~late] for column in (messages, sent_at, failed_at, cause)
            )
        self._open.append((messages, sent_at, failed_at, cause))

    def _come(self, part: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
        self._coming -= 1
        self._settle(*part)

    def release(self, horizon: int) -> None:
        """Settle what fails before *horizon* [us]."""
        self._released_until = horizon
        messages, sent_at, failed_at, cause = self._columns()
        due = (failed_at < horizon) & (failed_at <= self._latest_at)
        self._open = [(messages[~due], sent_at[~due], failed_at[~due], cause[~due])]
        if due.any():
            order = np.lexsort((messages[due], failed_at[due]))
            self._settle(*(column[due][order] for column in (messages, sent_at, failed_at, cause)))

    def _columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        messages, sent_at, failed_at, cause = (
            np.concatenate(column) for column in zip(*self._open, strict=True)
        )
        return messages, sent_at, failed_at, cause

    def _settle(
        self, messages: np.ndarray, sent_at: np.ndarray, failed_at: np.ndarray, cause: np.ndarray
    ) -> None:
        counts = self._counts
        kept = np.zeros(len(messages), dtype=bool)
        if self._dead_letters is not None:
            kept = self._reach.at(failed_at)[0] == OPEN
            self._dead_letters.add(messages[kept], failed_at[kept])
            counts.dead_letter_failed += int((~kept).sum())
        counts.dead_lettered += int(kept.sum())
        first = self._ledger.add_copies(messages, sent_at)
        copies = np.arange(first, first + len(messages))
        for why in np.unique(cause).tolist():
            lost = int((~kept & (cause == why)).sum())
            if lost:
                counts.lost[Cause(why)] = counts.lost.get(Cause(why), 0) + lost
            for chosen, fate in ((kept, Fate.DEAD_LETTERED), (~kept, Fate.DROPPED)):
                self._write(copies, failed_at, chosen & (cause == why), fate, Cause(why))
        self._until = max(self._until, int(failed_at.max()))

    def _write(
        self, copies: np.ndarray, failed_at: np.ndarray, chosen: np.ndarray, fate: Fate, cause: Cause
    ) -> None:
        ended_at = failed_at[chosen].tolist()
        self._recorder.copies_left(copies[chosen].tolist(), self._thing, int(fate), int(cause), ended_at)

    def under_way(self) -> int:
        """Messages that SNS has not given up yet."""
        return sum(len(part[0]) for part in self._open) + self._coming + (self._until > self._clock.now)

    def finish_run(self) -> int:
        """Write down what SNS still tries at the end of the run; how many."""
        now, left = self._clock.now, self._columns()
        first = self._ledger.add_copies(left[0], left[1])
        copies = list(range(first, first + len(left[0])))
        ended_at = [now] * len(copies)
        self._recorder.copies_left(copies, self._thing, int(Fate.IN_TRANSIT), int(Cause.NOTHING), ended_at)
        self._open = [(NOWHERE, NOWHERE, NOWHERE, NOWHERE)]
        return len(copies)


class Nobody:
    """Subscribers that are only counted: what arrives there is delivered."""

    def add(self, messages: np.ndarray, arrive_at: np.ndarray) -> None:
        """*messages* arrive at *arrive_at* [us]."""

    def release(self, horizon: int) -> None:
        """Nothing waits."""

    def under_way(self) -> int:
        """Nothing waits."""
        return 0
