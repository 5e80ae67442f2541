"""At-least-once delivery: copies that a server which was away knows nothing of.

SQS keeps each message on several servers. One that is away at a receive does not hide its copy, so another
consumer may get it meanwhile; one that is away at a delete brings the message back (SQSDG; how often AWS
does not say).
"""

import math
from collections.abc import Callable


class Misses:
    """Picks one copy in so many, by numbers of its own.

    Parameters
    ----------
    share : float
        How many of all copies are missed, above 0.
    chance : callable
        The next number in [0, 1): how many copies there are until the next one that is missed.
    """

    __slots__ = ("_chance", "_log", "left")

    def __init__(self, share: float, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._log = math.log1p(-share) if share < 1 else -math.inf
        self.left = self._gap()
        """Copies until the next one that is missed."""

    def _gap(self) -> int:
        return int(math.log1p(-self._chance()) / self._log)

    def among(self, copies: list[int]) -> list[int]:
        """Those of *copies* that are missed; ``left`` has been lowered by their number, below 0."""
        missed: list[int] = []
        at = self.left + len(copies)
        while at < len(copies):
            missed.append(copies[at])
            at += 1 + self._gap()
        self.left = at - len(copies)
        return missed
