"""Mails that SES receives and hands on."""

import numpy as np

from simulator.processes.sources import Notices
from simulator.recording.tables import NONE
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import UInts, uniform


class EmailReceipt:
    """Mails by a receipt rule: a share is dropped, the others are handed on after a while.

    Parameters
    ----------
    p_dropped : float
        Share of the mails that are dropped.
    delay : Distribution
        From a mail's arrival to the action [us].
    dropped_key, delay_key : int
        Their streams; the draws belong to mails.
    """

    kinds = 1

    def __init__(self, p_dropped: float, delay: Distribution, *, dropped_key: int, delay_key: int) -> None:
        self._p_dropped = p_dropped
        self._delay = delay
        self._dropped_key = dropped_key
        self._delay_key = delay_key

    def told(self, happened_at: np.ndarray, keys: UInts) -> Notices:
        """What comes of mails at *happened_at* [us]; both of shape (n,)."""
        origin = np.flatnonzero(uniform(self._dropped_key, keys) >= self._p_dropped)
        nothing = np.zeros(len(origin), dtype=np.int64)
        return Notices(
            origin,
            nothing,
            happened_at[origin] + draw(self._delay, self._delay_key, keys[origin]),
            nothing,
            np.full(len(origin), NONE),
        )
