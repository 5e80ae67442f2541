"""Kinds of messages, by the value of an attribute: work and failures may depend on it."""

from collections.abc import Mapping, Sequence

import numpy as np

from simulator.processes.ledger import Block
from simulator.sampling.distributions import Distribution, draw, whole
from simulator.sampling.streams import Floats, UInts, uniform


class Kinds:
    """Which kind a message is of, by its combination of attribute values.

    Parameters
    ----------
    by_source : mapping
        By producer, the kind of each of its combinations.
    rest : int
        The kind of all messages of other producers.
    """

    def __init__(self, by_source: Mapping[str, Sequence[int]], rest: int) -> None:
        self._by_source = {source: np.array(kinds, dtype=np.int64) for source, kinds in by_source.items()}
        self._rest = rest

    def of(self, block: Block) -> np.ndarray:
        """Kind of each message of a block, shape (n,)."""
        kinds = self._by_source.get(block.producer)
        if kinds is None:
            return np.full(len(block.attributes), self._rest, dtype=np.int64)
        return np.asarray(kinds[block.attributes])

    def of_one(self, block: Block, message: int) -> int:
        """Kind of one message of a block."""
        kinds = self._by_source.get(block.producer)
        return self._rest if kinds is None else int(kinds[block.attributes[message - block.first]])


class WorkByKind:
    """A distribution [us] for each kind; a message keeps its rank whatever kind it is of."""

    def __init__(self, kinds: Kinds, parts: Sequence[Distribution]) -> None:
        self._kinds = kinds
        self._parts = parts

    def draw(self, block: Block, stream_key: int, keys: UInts) -> np.ndarray:
        """Work [us] of the messages of a block that have these keys, shape (n,)."""
        u = uniform(stream_key, keys)
        kinds = self._kinds.of(block)
        values = np.zeros(len(keys))
        for kind, part in enumerate(self._parts):
            chosen = kinds == kind
            if chosen.any():
                values[chosen] = part.quantile(u[chosen])
        return whole(values)

    def part(self, block: Block, message: int) -> Distribution:
        """The distribution of one message."""
        return self._parts[self._kinds.of_one(block, message)]


class WorkOfAll:
    """One distribution [us] for all messages."""

    def __init__(self, distribution: Distribution) -> None:
        self._distribution = distribution

    def draw(self, block: Block, stream_key: int, keys: UInts) -> np.ndarray:
        """Work [us] of messages with these keys, shape (n,)."""
        return draw(self._distribution, stream_key, keys)

    def part(self, block: Block, message: int) -> Distribution:
        """The distribution."""
        return self._distribution


class Chances:
    """Chance that an attempt fails: by kind, or by its receive count, or the same for all.

    Parameters
    ----------
    transient : float
        Where nothing else is said.
    by_receive : mapping
        By receive count, from 1.
    kinds, by_kind : optional
        Kinds, and the chance of each.
    """

    def __init__(
        self,
        transient: float,
        by_receive: Mapping[int, float] | None = None,
        kinds: Kinds | None = None,
        by_kind: Sequence[float] = (),
    ) -> None:
        self._transient = transient
        self._by_receive = by_receive or {}
        self._kinds = kinds
        self._by_kind = np.array(by_kind, dtype=np.float64)

    def first(self, block: Block) -> float | Floats:
        """Of first attempts: one for all messages of a block, or one each."""
        if self._kinds is not None:
            return np.asarray(self._by_kind[self._kinds.of(block)])
        return self._by_receive.get(1, self._transient)

    def of_attempt(self, block: Block, message: int, count: int) -> float:
        """Of the attempt of a message that is received for the *count*-th time."""
        if self._kinds is not None:
            return float(self._by_kind[self._kinds.of_one(block, message)])
        return self._by_receive.get(count, self._transient)
