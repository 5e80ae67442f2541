"""A bucket that tells of uploads."""

import numpy as np

from simulator.processes.sources import Notices
from simulator.recording.tables import NONE
from simulator.sampling.distributions import Categorical, Distribution, draw
from simulator.sampling.streams import UInts, uniform


class S3Events:
    """Uploads by the beginning and the ending of their keys, and the events of those that are told.

    Parameters
    ----------
    starts, ends : Categorical
        How keys begin and end.
    combinations : ndarray
        The index of the traits of each beginning and ending, NONE where the bucket does not tell.
    delay, again : Distribution
        From an upload to its event, and from an event to the same said again [us].
    p_again : float
        Share of the events that are said twice.
    start_key, end_key, delay_key, p_again_key, again_key : int
        Their streams; the draws belong to uploads.
    """

    kinds = 1

    def __init__(
        self,
        starts: Categorical,
        ends: Categorical,
        combinations: np.ndarray,
        *,
        delay: Distribution,
        p_again: float,
        again: Distribution,
        start_key: int,
        end_key: int,
        delay_key: int,
        p_again_key: int,
        again_key: int,
    ) -> None:
        self._starts, self._start_key = starts, start_key
        self._ends, self._end_key = ends, end_key
        self._combinations = combinations
        self._delay, self._delay_key = delay, delay_key
        self._p_again, self._p_again_key = p_again, p_again_key
        self._again, self._again_key = again, again_key

    def told(self, happened_at: np.ndarray, keys: UInts) -> Notices:
        """The events of uploads at *happened_at* [us]; both of shape (n,)."""
        starts = self._starts.index(uniform(self._start_key, keys))
        ends = self._ends.index(uniform(self._end_key, keys))
        combinations = self._combinations[starts, ends]
        origin = np.flatnonzero(combinations != NONE)
        keys = keys[origin]
        twice = uniform(self._p_again_key, keys) < self._p_again
        return Notices(
            origin,
            np.zeros(len(origin), dtype=np.int64),
            happened_at[origin] + draw(self._delay, self._delay_key, keys),
            combinations[origin],
            np.where(twice, draw(self._again, self._again_key, keys), NONE),
        )
