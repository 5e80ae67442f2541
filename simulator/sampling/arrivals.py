"""When messages are offered: a rate curve, and arrivals on it.

Arrivals are unit-rate steps (exponential or even) sent through the inverse of the cumulative rate.
So message i stays message i when the rate changes, and phase edges are exact. Steps are whole
billionths of an arrival: their sums are exact, whatever the size of a block.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol

import numpy as np

from simulator.sampling.distributions import Distribution, Exponential, Ints, draw, whole
from simulator.sampling.streams import Floats, mix

_SECOND_US: Final = 1_000_000
_ARRIVAL: Final = 1_000_000_000
_BLOCK: Final = 4096
_UNIT_STEP: Final = Exponential(float(_ARRIVAL))
_WHOLE_ARRIVAL: Final = 1e-6
"""An integral this close to a whole number of arrivals is that number: floats may just miss it."""

Within = Literal["even", "poisson", "first_second"]


class Cursor(Protocol):
    """Arrivals read forwards in time."""

    def until(self, horizon_us: int) -> Ints:
        """The next arrivals before *horizon_us*, ascending [us]; each is given once."""


class Bursts(NamedTuple):
    """The rate is *factor* times itself during the first *lasting_us* of every *every_us*."""

    factor: float
    lasting_us: int
    every_us: int


class Phase(NamedTuple):
    """A stretch of time with a constant rate, or one that changes linearly to *ramp_to_per_s*."""

    for_us: int
    rate_per_s: float
    ramp_to_per_s: float | None = None
    bursts: Bursts | None = None
    poisson: bool = True


class RateCurve:
    """A rate that is linear in each of n pieces and zero outside.

    Parameters
    ----------
    edges_us : sequence of int
        The n + 1 ascending edges of the pieces [us].
    start_per_s, end_per_s : sequence of float
        The rate at the start and at the end of each of the n pieces [1/s].
    """

    def __init__(
        self,
        edges_us: Sequence[int] | Ints,
        start_per_s: Sequence[float] | Floats,
        end_per_s: Sequence[float] | Floats,
    ) -> None:
        self._edges = np.asarray(edges_us, dtype=np.int64)
        self._start = np.asarray(start_per_s, dtype=np.float64)
        self._lengths = np.diff(self._edges)
        lengths_s = self._lengths / _SECOND_US
        rise = np.asarray(end_per_s, dtype=np.float64) - self._start
        self._slope = np.divide(rise, lengths_s, out=np.zeros_like(rise), where=lengths_s > 0)
        areas = (self._start + rise / 2) * lengths_s
        upto = np.concatenate(([0.0], np.cumsum(areas)))
        nearest = np.rint(upto)
        upto = np.where(np.abs(upto - nearest) < _WHOLE_ARRIVAL, nearest, upto)
        self._upto = np.rint(upto * _ARRIVAL).astype(np.int64)
        self.total = float(self._upto[-1]) / _ARRIVAL

    def expected(self, at: int) -> float:
        """Mean number of arrivals before *at* [us]."""
        if at <= self._edges[0]:
            return 0.0
        if at >= self._edges[-1]:
            return self.total
        piece = int(np.searchsorted(self._edges, at, side="right")) - 1
        since_s = float(at - self._edges[piece]) / _SECOND_US
        return float(
            self._upto[piece] / _ARRIVAL + (self._start[piece] + self._slope[piece] * since_s / 2) * since_s
        )

    def inverse(self, billionths: Ints) -> Ints:
        """Instants [us] at which the mean number of arrivals reaches *billionths* of one (ascending).

        Arguments at or past the total have no instant and are left out. What is reached at the
        start of a gap is reached at its end: phases are half-open.
        """
        reached = billionths[: np.searchsorted(billionths, self._upto[-1], side="left")]
        piece = np.searchsorted(self._upto, reached, side="right") - 1
        missing = (reached - self._upto[piece]) / _ARRIVAL
        start = self._start[piece]
        root = np.sqrt(np.maximum(start * start + 2 * self._slope[piece] * missing, 0.0))
        divisor = start + root
        since_s = np.divide(2 * missing, divisor, out=np.zeros_like(missing), where=divisor > 0)
        since = whole(since_s * _SECOND_US)
        instants: Ints = self._edges[piece] + np.minimum(since, self._lengths[piece] - 1)
        return instants


class Arrivals:
    """Arrivals on a rate curve, read forwards.

    Parameters
    ----------
    curve : RateCurve
        The rate.
    poisson : bool
        True: a Poisson process. False: arrival i comes when the curve's integral is i, so the
        first at the start of the first piece with a rate.
    stream_key : int
        Stream of the steps; the step before arrival i has the key i.
    """

    def __init__(self, curve: RateCurve, *, poisson: bool, stream_key: int) -> None:
        self._curve = curve
        self._poisson = poisson
        self._stream_key = stream_key
        self._serial = 0
        self._reached = 0
        self._ready = np.empty(0, dtype=np.int64)
        self._ended = False

    def until(self, horizon_us: int) -> Ints:
        """The next arrivals before *horizon_us*, ascending [us]."""
        blocks = [self._ready]
        while not self._ended and (blocks[-1].size == 0 or blocks[-1][-1] < horizon_us):
            blocks.append(self._next_block())
        ready = np.concatenate(blocks)
        count = int(np.searchsorted(ready, horizon_us, side="left"))
        self._ready = ready[count:]
        return ready[:count]

    def _next_block(self) -> Ints:
        if self._poisson:
            keys = np.arange(self._serial, self._serial + _BLOCK, dtype=np.uint64)
            reached = np.cumsum(draw(_UNIT_STEP, self._stream_key, keys)) + self._reached
            self._reached = int(reached[-1])
        else:
            reached = np.arange(self._serial, self._serial + _BLOCK, dtype=np.int64) * _ARRIVAL
        self._serial += _BLOCK
        instants = self._curve.inverse(reached)
        self._ended = instants.size < _BLOCK
        return instants


class Renewal:
    """Arrivals with independent times between them, read forwards; the first after one such time.

    Parameters
    ----------
    distribution : Distribution
        Time between arrivals [us].
    stream_key : int
        Stream of the times; the one before arrival i has the key i.
    """

    def __init__(self, distribution: Distribution, stream_key: int) -> None:
        self._distribution = distribution
        self._stream_key = stream_key
        self._serial = 0
        self._last_at = 0
        self._ready = np.empty(0, dtype=np.int64)

    def until(self, horizon_us: int) -> Ints:
        """The next arrivals before *horizon_us*, ascending [us]."""
        blocks = [self._ready]
        while self._last_at < horizon_us:
            blocks.append(self._next_block())
        ready = np.concatenate(blocks)
        count = int(np.searchsorted(ready, horizon_us, side="left"))
        self._ready = ready[count:]
        return ready[:count]

    def _next_block(self) -> Ints:
        keys = np.arange(self._serial, self._serial + _BLOCK, dtype=np.uint64)
        instants = np.cumsum(draw(self._distribution, self._stream_key, keys)) + self._last_at
        if instants[-1] == self._last_at:
            raise ValueError(f"{_BLOCK} arrivals in a row with no time between them: they would never end")
        self._serial += _BLOCK
        self._last_at = int(instants[-1])
        return instants


class Joined:
    """Arrivals of stretches of time that follow each other, as one."""

    def __init__(self, parts: Sequence[Cursor]) -> None:
        self._parts = parts

    def until(self, horizon_us: int) -> Ints:
        """The next arrivals before *horizon_us*, ascending [us]."""
        return np.concatenate([part.until(horizon_us) for part in self._parts])


def phase_arrivals(phases: Sequence[Phase], stream_key: int) -> Cursor:
    """Arrivals of *phases*, the first of which starts at 0; neighbours of one process share a stream."""
    parts: list[Cursor] = []
    run: list[Phase] = []
    starts_at = ends_at = 0
    for number, phase in enumerate(phases):
        run.append(phase)
        ends_at += phase.for_us
        if number + 1 == len(phases) or phases[number + 1].poisson != phase.poisson:
            key = mix(stream_key, len(parts)) if parts else stream_key
            parts.append(Arrivals(phase_curve(run, starts_at), poisson=phase.poisson, stream_key=key))
            run, starts_at = [], ends_at
    return parts[0] if len(parts) == 1 else Joined(parts)


def phase_curve(phases: Sequence[Phase], starts_at: int = 0) -> RateCurve:
    """The rate of phases that follow each other from *starts_at* [us] on."""
    edges = [np.array([starts_at], dtype=np.int64)]
    starts: list[Floats] = []
    ends: list[Floats] = []
    for phase in phases:
        offsets, factors = _pieces(phase)
        last_rate = phase.rate_per_s if phase.ramp_to_per_s is None else phase.ramp_to_per_s
        slope = (last_rate - phase.rate_per_s) / max(phase.for_us, 1)
        starts.append(factors * (phase.rate_per_s + slope * offsets[:-1]))
        ends.append(factors * (phase.rate_per_s + slope * offsets[1:]))
        edges.append(starts_at + offsets[1:])
        starts_at += phase.for_us
    return RateCurve(np.concatenate(edges), np.concatenate(starts), np.concatenate(ends))


def steps(interval_us: int, counts: Sequence[float] | Floats, within: Within) -> RateCurve:
    """The rate of a trace: *counts* arrivals (n of them) in intervals of equal length from 0 on.

    They spread over the whole interval, or with ``first_second`` over its first second.
    """
    amounts = np.asarray(counts, dtype=np.float64)
    edges = np.arange(amounts.size + 1, dtype=np.int64) * interval_us
    if within != "first_second" or interval_us <= _SECOND_US:
        rates = amounts * (_SECOND_US / interval_us)
        return RateCurve(edges, rates, rates)
    split = np.empty(2 * amounts.size + 1, dtype=np.int64)
    split[::2] = edges
    split[1::2] = edges[:-1] + _SECOND_US
    rates = np.zeros(2 * amounts.size)
    rates[::2] = amounts
    return RateCurve(split, rates, rates)


def _pieces(phase: Phase) -> tuple[Ints, Floats]:
    """Edges since the phase's start [us] and the factor on the rate between them.

    Between bursts the rate is lowered so that every whole period keeps its mean.
    """
    if phase.bursts is None or phase.bursts.lasting_us == phase.bursts.every_us:
        return np.array([0, phase.for_us], dtype=np.int64), np.ones(1)
    factor, lasting, every = phase.bursts
    if factor * lasting > every:
        raise ValueError(f"{factor} times the rate for {lasting} us of every {every} us is above the mean")
    periods = -(-phase.for_us // every)
    edges = np.empty(2 * periods + 1, dtype=np.int64)
    edges[::2] = np.arange(periods + 1, dtype=np.int64) * every
    edges[1::2] = edges[:-1:2] + lasting
    factors = np.tile([factor, (every - factor * lasting) / (every - lasting)], periods)
    return np.minimum(edges, phase.for_us), factors
