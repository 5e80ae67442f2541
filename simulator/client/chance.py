"""Chance and latency of the client's calls, by each call's own counter."""

import numpy as np

from simulator.sampling.distributions import Constant, Distribution, Quantiles, draw
from simulator.sampling.streams import stream_key, uniform_one
from simulator.scenario.rules import Rules


class Chance:
    """Numbers by stream and call; an ideal service has no latency, and takes who came first.

    Parameters
    ----------
    rules : Rules
        The latency tables, and whether the service is ideal.
    seed : int
        Of all streams.
    """

    def __init__(self, rules: Rules, seed: int) -> None:
        self._rules = rules
        self._seed = seed
        self._made: dict[str, int] = {}

    def next(self, name: str) -> float:
        """The next number in [0, 1) of the stream *name*; always 0 where the service is ideal."""
        if self._rules.ideal:
            return 0.0
        return uniform_one(stream_key(self._seed, 0, name), self._count(name))

    def latency_us(self, rule: str) -> int:
        """How long the next call of a kind takes [us]: *rule* names its table."""
        table = self._rules.value(rule)
        distribution: Distribution = Constant(table[0][1]) if len(table) == 1 else Quantiles(table)
        keys = np.array([self._count(rule)], dtype=np.uint64)
        return int(draw(distribution, stream_key(self._seed, 0, rule), keys)[0])

    def _count(self, name: str) -> int:
        made = self._made.get(name, 0)
        self._made[name] = made + 1
        return made
