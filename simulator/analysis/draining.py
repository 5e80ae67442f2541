"""A standing backlog as chance works it off: a coarse simulation, all runs at once, in well under a second.

Time goes in steps. In each, arrivals are Poisson, the batches that busy slots end are a renewal count
(normal, its variance that of the work), failures are binomial and come back after the visibility timeout,
and what is too old for the retention goes. Slots rise evenly up to their maximum. Older messages go first.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.sampling.coarse import Chance, chance
from simulator.sampling.streams import stream_key

RUNS: Final = 200
_STEPS: Final = 800
_MOST_STEPS: Final = 6 * _STEPS
_GENERATIONS: Final = 100

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """Slots that work a backlog.

    Parameters
    ----------
    slots : float
        Batches at once, at most.
    batch : int
        Messages of a batch.
    batch_s : float
        Mean time that a full batch takes up a slot [s].
    start, growth_per_s : float
        Slots at first, and gained a second.
    batch_scv : float
        Squared coefficient of variation of that time.
    failed : float
        Share of receives that come back.
    hidden_s : float
        Until they do: the visibility timeout [s].
    receives : int or None
        After so many receives a message is given up; None: never.
    most_per_s : float
        Messages a second that something else allows at most: a downstream, calls.
    """

    slots: float
    batch: int
    batch_s: float
    start: float
    growth_per_s: float = 0.0
    batch_scv: float = 0.0
    failed: float = 0.0
    hidden_s: float = 30.0
    receives: int | None = None
    most_per_s: float = math.inf

    @property
    def attempts(self) -> float:
        """Receives of a message until it is done or given up, on average: a geometric number, cut off."""
        if self.failed >= 1:
            return float(self.receives) if self.receives else math.inf
        cut = self.failed**self.receives if self.receives else 0.0
        return (1 - cut) / (1 - self.failed)

    @property
    def slot_per_s(self) -> float:
        """Receives that one slot ends a second."""
        return self.batch / self.batch_s

    @property
    def ceiling_per_s(self) -> float:
        """Messages brought to an end a second by all slots."""
        return min(self.slots * self.slot_per_s, self.most_per_s) / self.attempts

    def slots_for(self, per_s: float) -> float:
        """Slots that as many messages a second keep busy: Little's law, every receive counted."""
        return per_s * self.attempts / self.slot_per_s

    def receives_by(self, seconds: float) -> float:
        """Receives ended until then while messages wait, by the mean: the area of the ramp."""
        cap = min(self.slots, self.most_per_s / self.slot_per_s)
        start = min(self.start, cap)
        rising = 0.0 if cap <= start else (cap - start) / self.growth_per_s if self.growth_per_s else math.inf
        rise = min(seconds, rising)
        area = start * rise + self.growth_per_s * rise**2 / 2 * (cap > start)
        return (area + (max(0.0, seconds - rising) * cap if seconds > rising else 0.0)) * self.slot_per_s


@dataclass(frozen=True)
class Backlog:
    """What stands and what comes: messages, sent evenly over *age_s* before now, and *rate_per_s* from then.

    Messages older than *retention_s* go.
    """

    messages: int
    age_s: float = 0.0
    rate_per_s: float = 0.0
    retention_s: float = math.inf


@dataclass(frozen=True)
class Case:
    """A backlog, who works it, and what that leaves out.

    ``consumer`` and ``queue`` are paths; ``slots`` says in words where the number of slots comes from.
    """

    backlog: Backlog
    pool: Pool
    consumer: str = ""
    queue: str = ""
    slots: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drain:
    """What became of a backlog, one number a run [s], messages.

    ``empty_s``: nothing is visible any more for the first time; ``begun_s``: the newest of the backlog's
    messages is worked; ``done_s``: the last of them is done, its retries too; ``lost``: by retention; all
    inf or open where ``over`` is False.
    """

    empty_s: NDArray[np.float64]
    begun_s: NDArray[np.float64]
    done_s: NDArray[np.float64]
    lost: Counts


def empty_at_mean_s(backlog: Backlog, pool: Pool) -> float:
    """When backlog and arrivals are worked off, by the mean [s]; inf: never.

    The instant at which the area under the ramp has caught up with backlog + rate x time, each counted
    once for every receive it takes.
    """
    if not math.isfinite(pool.attempts):
        return math.inf

    def left(seconds: float) -> float:
        offered = (backlog.messages + backlog.rate_per_s * seconds) * pool.attempts
        return offered - pool.receives_by(seconds)

    if pool.growth_per_s == 0 and pool.start < pool.slots:
        ceiling = pool.start * pool.slot_per_s / pool.attempts
    else:
        ceiling = pool.ceiling_per_s
    if ceiling <= backlog.rate_per_s:
        return math.inf
    low, high = 0.0, 1.0
    while left(high) > 0:
        low, high = high, 2 * high
        if high > 1e10:
            return math.inf
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if left(middle) > 0 else (low, middle)
    return high


def first_lost_s(backlog: Backlog, per_s: float) -> float:
    """When the first message is older than the retention before it is worked [s]; inf: never.

    All are worked in the order of their age at *per_s*. The backlog's message at share x of it is worked
    after messages x / per_s and was age (1 - x) old; one that comes at s is worked at
    (messages + rate s) / per_s.
    """
    if per_s <= 0:
        return max(0.0, backlog.retention_s - backlog.age_s)
    spent_s, age_s, kept_s = backlog.messages / per_s, backlog.age_s, backlog.retention_s
    if spent_s > kept_s:
        share = max(0.0, (kept_s - age_s) / (spent_s - age_s)) if spent_s > age_s else 0.0
        return spent_s * share
    if age_s > kept_s:
        return 0.0
    slower = backlog.rate_per_s / per_s - 1
    return spent_s + (kept_s - spent_s) / slower * (slower + 1) if slower > 0 else math.inf


def drain(backlog: Backlog, pool: Pool, *, seed: int = 1, runs: int = RUNS) -> Drain | None:
    """Work *backlog* off *runs* times; None where it is never empty by the mean."""
    expected_s = empty_at_mean_s(backlog, pool)
    if not math.isfinite(expected_s):
        return None
    step_s = max(expected_s / _STEPS, 1e-3)
    return _Course(backlog, pool, step_s, runs, chance(stream_key(seed, 0, "drain"))).run()


class _Course:
    """All runs, step by step."""

    def __init__(
        self, backlog: Backlog, pool: Pool, step_s: float, runs: int, chance: Chance
    ) -> None:
        self._backlog, self._pool, self._step_s, self._runs, self._chance = (
            backlog, pool, step_s, runs, chance,
        )  # fmt: skip
        # what is given up after so many receives is no retry: the mean number of receives is kept
        self._again = 1 - 1 / pool.attempts
        self._old = np.full(runs, backlog.messages, dtype=np.int64)
        self._new = np.zeros(runs, dtype=np.int64)
        self._due: list[tuple[float, Counts, Counts]] = []
        self._part = np.zeros(runs)
        self._lost = np.zeros(runs, dtype=np.int64)
        self._empty, self._begun, self._done = (np.full(runs, math.inf) for _ in range(3))

    def run(self) -> Drain:
        """Go on until nothing is visible in any run."""
        returned = 0
        for step in range(_MOST_STEPS):
            now = step * self._step_s
            self._arrive(now)
            while returned < len(self._due) and self._due[returned][0] <= now:
                self._old += self._due[returned][1]
                self._new += self._due[returned][2]
                returned += 1
            self._expire(now)
            self._work(now)
            if np.isfinite(self._empty).all():
                break
        self._retries(self._due[returned:])
        return Drain(self._empty, self._begun, np.maximum(self._done, self._begun), self._lost)

    def _arrive(self, now: float) -> None:
        self._new += self._chance.poisson(self._backlog.rate_per_s * self._step_s, self._runs)

    def _expire(self, now: float) -> None:
        """What of the backlog is older than the retention goes; messages that came later are younger."""
        over = now + self._backlog.age_s - self._backlog.retention_s
        if over <= 0:
            return
        kept = 1 - min(1.0, over / self._backlog.age_s) if self._backlog.age_s > 0 else 0.0
        most = math.ceil(self._backlog.messages * kept)
        gone = np.maximum(self._old - most, 0)
        self._lost += gone
        self._old -= gone

    def _work(self, now: float) -> None:
        pool, step_s = self._pool, self._step_s
        mean = pool.receives_by(now + step_s) - pool.receives_by(now)
        spread = math.sqrt(mean * pool.batch * pool.batch_scv)
        could = self._part + mean + spread * self._chance.standard_normal(self._runs)
        room = np.maximum(could, 0).astype(np.int64)
        self._part = could - room  # of a message; rounded away it would be a slower pool
        into = now + step_s * np.minimum(1.0, (self._old + self._new) / np.maximum(room, 1))
        old = np.minimum(self._old, room)
        new = np.minimum(self._new, room - old)
        self._old -= old
        self._new -= new
        again_old, again_new = np.zeros_like(old), np.zeros_like(new)
        if self._again > 0:
            again_old = self._chance.binomial(old, self._again)
            again_new = self._chance.binomial(new, self._again)
            self._due.append((now + pool.hidden_s, again_old, again_new))
        # a message is done when its batch is, and a step's work ends along the step
        ends = now + step_s / 2 + pool.batch_s
        self._done = np.where(old > again_old, ends, self._done)
        self._begun = np.where(np.isinf(self._begun) & (self._old == 0), into, self._begun)
        gone = (self._old + self._new == 0) & np.isinf(self._empty)
        self._empty = np.where(gone, into, self._empty)

    def _retries(self, due: list[tuple[float, Counts, Counts]]) -> None:
        """What is hidden when the queue is empty comes back to free slots, until it is done."""
        for at, old, _ in due:
            left, now = old, at
            for _ in range(_GENERATIONS):
                if not left.any():
                    break
                ends = now + self._pool.batch_s
                again = self._chance.binomial(left, self._again)
                self._done = np.where(left > again, np.maximum(self._done, ends), self._done)
                left, now = again, now + self._pool.hidden_s
