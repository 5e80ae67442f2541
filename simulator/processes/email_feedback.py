"""What becomes of mails, as far as SES tells."""

from typing import Final, NamedTuple

import numpy as np

from simulator.processes.sources import Notices
from simulator.recording.tables import NONE
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import UInts, mix_array, uniform

HARD_BOUNCE: Final = 0
SOFT_BOUNCE: Final = 1
COMPLAINT: Final = 2
DELIVERY: Final = 3


class Kind(NamedTuple):
    """One kind of notification: the index of its traits, NONE: not told; and how late it is [us]."""

    told: int
    delay: Distribution


class EmailFeedback:
    """Mails that bounce for good, bounce in the end, or arrive, and then may be complained of.

    Parameters
    ----------
    p_hard, p_soft : float
        Share of the mails that bounce for good, and that fail until SES gives them up.
    p_complaint : float
        Share of the mails that arrive and are complained of.
    notified : tuple of Kind
        Hard bounce, soft bounce, complaint, delivery.
    outcome_key, complaint_key, delay_key : int
        Their streams; the draws belong to mails, those of delays to (mail, kind).
    """

    kinds = 4

    def __init__(
        self,
        p_hard: float,
        p_soft: float,
        p_complaint: float,
        notified: tuple[Kind, Kind, Kind, Kind],
        *,
        outcome_key: int,
        complaint_key: int,
        delay_key: int,
    ) -> None:
        self._p_hard = p_hard
        self._p_soft = p_soft
        self._p_complaint = p_complaint
        self._notified = notified
        self._outcome_key = outcome_key
        self._complaint_key = complaint_key
        self._delay_key = delay_key

    def told(self, happened_at: np.ndarray, keys: UInts) -> Notices:
        """What is said of mails sent at *happened_at* [us]; both of shape (n,)."""
        outcome = uniform(self._outcome_key, keys)
        hard = outcome < self._p_hard
        soft = ~hard & (outcome < self._p_hard + self._p_soft)
        arrived = ~hard & ~soft
        complained = arrived & (uniform(self._complaint_key, keys) < self._p_complaint)
        parts = [
            self._notices(kind, which, happened_at, keys)
            for kind, which in enumerate((hard, soft, complained, arrived))
        ]
        return Notices(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _notices(self, kind: int, which: np.ndarray, at: np.ndarray, keys: UInts) -> Notices:
        """What is said of the mails (*which*) that one kind of notification is about."""
        told, delay = self._notified[kind]
        origin = np.flatnonzero(which) if told != NONE else np.zeros(0, dtype=np.int64)
        delays = draw(delay, self._delay_key, mix_array(keys[origin], kind))
        return Notices(
            origin,
            np.full(len(origin), kind),
            at[origin] + delays,
            np.full(len(origin), told),
            np.full(len(origin), NONE),
        )
