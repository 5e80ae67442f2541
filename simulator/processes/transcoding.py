"""Transcoding jobs: they wait for a slot, run, and end; some of that is told."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from simulator.aws.media.jobs import JobSlots
from simulator.processes.sources import Notices
from simulator.recording.tables import NONE
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import UInts, mix_array, uniform

STARTED: Final = 0
WARNED: Final = 1
ENDED_WELL: Final = 2
FAILED: Final = 3


class Transcoding:
    """A queue or pipeline of jobs.

    What becomes of a job is known when it is submitted: nothing that happens later changes it.

    Parameters
    ----------
    slots : JobSlots
        Jobs that run at once.
    job : Distribution
        How long a job runs [us], whether it ends well or in an error.
    p_error, p_warning : float
        Share of the jobs that fail, and of the others those that end with a warning.
    told : sequence of int
        For each of started, warned, ended well and failed the index of its traits, NONE where it is not told.
    delay : Distribution
        From a change of state to the publish [us].
    job_key, error_key, warning_key, delay_key : int
        Their streams; the draws belong to jobs, those of delays to (job, state).
    """

    kinds = 4

    def __init__(
        self,
        slots: JobSlots,
        job: Distribution,
        *,
        p_error: float,
        p_warning: float,
        told: Sequence[int],
        delay: Distribution,
        job_key: int,
        error_key: int,
        warning_key: int,
        delay_key: int,
    ) -> None:
        self._slots = slots
        self._job, self._job_key = job, job_key
        self._p_error, self._error_key = p_error, error_key
        self._p_warning, self._warning_key = p_warning, warning_key
        self._told = told
        self._delay, self._delay_key = delay, delay_key

    def told(self, happened_at: np.ndarray, keys: UInts) -> Notices:
        """What is said of jobs submitted at *happened_at* [us]; both of shape (n,)."""
        lasts = draw(self._job, self._job_key, keys)
        start = self._slots.start
        started_at = np.array(
            [start(at, us) for at, us in zip(happened_at.tolist(), lasts.tolist(), strict=True)],
            dtype=np.int64,
        )
        failed = uniform(self._error_key, keys) < self._p_error
        warned = ~failed & (uniform(self._warning_key, keys) < self._p_warning)
        everybody = np.ones(len(keys), dtype=bool)
        ended_at = started_at + lasts
        parts = [
            self._notices(STARTED, everybody, started_at, keys),
            self._notices(WARNED, warned, ended_at, keys),
            self._notices(ENDED_WELL, ~failed, ended_at, keys),
            self._notices(FAILED, failed, ended_at, keys),
        ]
        return Notices(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _notices(self, kind: int, which: np.ndarray, at: np.ndarray, keys: UInts) -> Notices:
        """What is said of one state of the jobs that come to it (*which*) at *at* [us]."""
        told = self._told[kind]
        origin = np.flatnonzero(which) if told != NONE else np.zeros(0, dtype=np.int64)
        delays = draw(self._delay, self._delay_key, mix_array(keys[origin], kind))
        return Notices(
            origin,
            np.full(len(origin), kind),
            at[origin] + delays,
            np.full(len(origin), told),
            np.full(len(origin), NONE),
        )
