"""Distributions by their inverse functions: a number in [0, 1) in, a value in the caller's unit out.

Every ``quantile`` rises with its argument, so that a changed parameter moves a message's value and
leaves its rank. Values become whole when they are drawn (``draw``): ``exp`` and ``log`` differ in
the last bit between processors.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import gamma as gamma_function
from scipy.special import gammainc, gammainccinv, gammaincinv, ndtr, ndtri

from simulator.sampling.streams import Floats, UInts, uniform

Ints = npt.NDArray[np.int64]

LARGEST: Final = 2**50
"""No drawn value is larger (36 years in microseconds): sums stay far from 64 bits."""

_LOWEST: Final = 2.0**-54
"""Stands for 0 where the normal quantile of 0 would be infinite."""

_Z_RANGE: Final = 8.3
"""Holds the normal quantiles of all numbers between ``_LOWEST`` and 1 - 2**-53."""

_TABLE_SIZE: Final = 2**14
_MIXTURE_TABLE_SIZE: Final = 2**12
_UNDERFLOW: Final = 1e-300
_NEAR_ONE: Final = 1e-9

_RARER: Final = 10
"""How much rarer than its outermost points a table of percentiles is trusted to go on."""


class Distribution(Protocol):
    """Anything with a mean (nan if unknown) and a rising inverse distribution function."""

    mean: float

    def quantile(self, u: Floats) -> Floats:
        """Values below which the shares *u* (in [0, 1)) of all values lie; shape as *u*."""


class Mixable(Distribution, Protocol):
    """A distribution that knows its distribution function."""

    def share(self, values: Floats) -> Floats:
        """Share of all values up to each of *values*, those included; shape as they."""


class Constant:
    """Always the same value."""

    def __init__(self, value: float) -> None:
        self.mean = float(value)

    def quantile(self, u: Floats) -> Floats:
        """The value, in the shape of *u*."""
        return np.full(u.shape, self.mean)

    def share(self, values: Floats) -> Floats:
        """One from the value on."""
        return np.where(values >= self.mean, 1.0, 0.0)


class Exponential:
    """Exponential with the given mean."""

    def __init__(self, mean: float) -> None:
        self.mean = float(mean)

    def quantile(self, u: Floats) -> Floats:
        """``-mean log(1 - u)``."""
        return np.asarray(-self.mean * np.log1p(-u), dtype=np.float64)

    def share(self, values: Floats) -> Floats:
        """``1 - exp(-x / mean)``."""
        return np.asarray(-np.expm1(-np.maximum(values, 0.0) / self.mean), dtype=np.float64)


class Weibull:
    """Weibull with the given shape and mean; below a shape of 1 its tail is heavier than exponential."""

    def __init__(self, shape: float, mean: float) -> None:
        self.shape = float(shape)
        self.mean = float(mean)
        self.scale = self.mean / float(gamma_function(1 + 1 / self.shape))

    def quantile(self, u: Floats) -> Floats:
        """``scale (-log(1 - u))^(1 / shape)``."""
        return np.asarray(self.scale * (-np.log1p(-u)) ** (1 / self.shape), dtype=np.float64)

    def share(self, values: Floats) -> Floats:
        """``1 - exp(-(x / scale)^shape)``."""
        return np.asarray(-np.expm1(-((np.maximum(values, 0.0) / self.scale) ** self.shape)))


class BoundedPareto:
    """Pareto between two bounds: the share above x falls as ``x^-shape`` and ends at *high*."""

    def __init__(self, shape: float, low: float, high: float) -> None:
        self.shape, self.low, self.high = float(shape), float(low), float(high)
        self._within = 1.0 - (self.low / self.high) ** self.shape
        self.mean = bounded_pareto_mean(shape, low, high)

    def quantile(self, u: Floats) -> Floats:
        """``low (1 - u (1 - (low / high)^shape))^(-1 / shape)``."""
        values = self.low * (1.0 - u * self._within) ** (-1 / self.shape)
        return np.asarray(np.minimum(values, self.high), dtype=np.float64)

    def share(self, values: Floats) -> Floats:
        """``(1 - (low / x)^shape) / (1 - (low / high)^shape)``."""
        inside = np.clip(values, self.low, self.high)
        return np.asarray((1.0 - (self.low / inside) ** self.shape) / self._within)


def bounded_pareto_mean(shape: float, low: float, high: float) -> float:
    """Mean of a Pareto distribution between two bounds."""
    ratio = low / high
    if abs(shape - 1.0) < _NEAR_ONE:
        return float(-low * np.log(ratio) / (1.0 - ratio))
    return float(low * shape / (shape - 1) * (1 - ratio ** (shape - 1)) / (1 - ratio**shape))


class Lognormal:
    """Lognormal by its median and its 99th percentile (*p99* at least the median, both above 0)."""

    def __init__(self, median: float, p99: float) -> None:
        self.median = float(median)
        self.sigma = float(np.log(p99 / median) / ndtri(0.99))
        self.mean = self.median * float(np.exp(self.sigma**2 / 2))

    def quantile(self, u: Floats) -> Floats:
        """``median exp(sigma z)`` with the normal quantile z of *u*."""
        return self.median * np.exp(self.sigma * _normal(u))

    def share(self, values: Floats) -> Floats:
        """The normal share of the logarithm."""
        if not self.sigma:
            return np.where(values >= self.median, 1.0, 0.0)
        return np.asarray(ndtr(np.log(np.maximum(values, _UNDERFLOW) / self.median) / self.sigma))


class Gamma:
    """Gamma with the given shape and mean; a whole shape k is Erlang-k.

    The inverse of the incomplete gamma function costs 0.4 us a number. So it is tabled once: its
    logarithm over the normal quantile is almost straight (error of a value below one in a million).
    """

    def __init__(self, shape: float, mean: float) -> None:
        self.mean = float(mean)
        self.shape = float(shape)
        z = np.linspace(-_Z_RANGE, _Z_RANGE, _TABLE_SIZE)
        standard = np.where(z < 0, gammaincinv(shape, ndtr(z)), gammainccinv(shape, ndtr(-z)))
        self._logs = np.log(np.maximum(standard, _UNDERFLOW) * (mean / shape))
        self._rises = np.diff(self._logs)

    def quantile(self, u: Floats) -> Floats:
        """The value at share *u*, from the table."""
        place = (_normal(u) + _Z_RANGE) * ((_TABLE_SIZE - 1) / (2 * _Z_RANGE))
        below = place.astype(np.int64)
        return np.asarray(np.exp(self._logs[below] + self._rises[below] * (place - below)), dtype=np.float64)

    def share(self, values: Floats) -> Floats:
        """The incomplete gamma function."""
        return np.asarray(gammainc(self.shape, np.maximum(values, 0.0) * (self.shape / self.mean)))


class Uniform:
    """Evenly distributed on [low, high)."""

    def __init__(self, low: float, high: float) -> None:
        self.low = float(low)
        self.high = float(high)
        self.mean = (self.low + self.high) / 2

    def quantile(self, u: Floats) -> Floats:
        """``low + (high - low) u``."""
        return self.low + (self.high - self.low) * u

    def share(self, values: Floats) -> Floats:
        """Rises evenly from low to high."""
        if self.high == self.low:
            return np.where(values >= self.low, 1.0, 0.0)
        return np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0)


class Empirical:
    """A measured sample: each of its values equally likely, none that was not measured.

    The inverse of the empirical distribution function is a step; interpolating between the order
    statistics would move the mean.
    """

    def __init__(self, values: Sequence[float]) -> None:
        self._sorted = np.sort(np.asarray(values, dtype=np.float64))
        self.mean = float(self._sorted.mean())

    def quantile(self, u: Floats) -> Floats:
        """The value of rank ``floor(u n)``."""
        return self._sorted[(u * self._sorted.size).astype(np.int64)]

    def share(self, values: Floats) -> Floats:
        """Share of the sample up to each value."""
        return np.searchsorted(self._sorted, values, side="right") / self._sorted.size


class Mixture:
    """One of several distributions, by their shares: most requests are quick, a few are another matter.

    The inverse of the mixed distribution function has no closed form; it is tabled once over the normal
    quantile, at every value the parts have there, so that it rises and a message keeps its rank when a part
    changes. Steps of a part (a constant, a sample) stay steps.
    """

    def __init__(self, parts: Sequence[tuple[float, Mixable]]) -> None:
        self.mean = sum(share * part.mean for share, part in parts)
        u = ndtr(np.linspace(-_Z_RANGE, _Z_RANGE, _MIXTURE_TABLE_SIZE))
        u = np.minimum(u, 1.0 - 2.0**-53)
        values = np.unique(np.concatenate([part.quantile(u) for _, part in parts]))
        before = np.nextafter(values, -np.inf)
        up_to = np.empty(2 * values.size)
        up_to[0::2] = sum(share * part.share(before) for share, part in parts)
        up_to[1::2] = sum(share * part.share(values) for share, part in parts)
        self._z = np.maximum.accumulate(ndtri(np.clip(up_to, _LOWEST, 1.0 - 2.0**-53)))
        self._values = np.repeat(values, 2)

    def quantile(self, u: Floats) -> Floats:
        """The value at share *u*, from the table."""
        return np.asarray(np.interp(_normal(u), self._z, self._values), dtype=np.float64)


class Quantiles:
    """Measured percentiles, joined so that between two of them the logarithm is normal.

    The logarithm of the value is linear in the normal quantile of its share. Below the first and above
    the last point the first and the last piece go on to what is ten times rarer, and stay there: a table
    says nothing about tails it cannot have seen (p99 of a thousand calls, one in a million at minutes).

    Parameters
    ----------
    points : sequence of (float, float)
        Pairs (share in (0, 1), value above 0): shares rise, values do not fall. One alone is a constant.
    """

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        shares, values = np.array(points, dtype=np.float64).T
        z, logs = ndtri(shares), np.log(values)
        self._slopes = np.diff(logs) / np.diff(z) if z.size > 1 else np.zeros(1)
        self._at_zero = logs[: self._slopes.size] - self._slopes * z[: self._slopes.size]
        self._joints = z[1:-1]
        self._ends = ndtri(np.array([shares[0] / _RARER, 1 - (1 - shares[-1]) / _RARER]))
        low = np.concatenate((self._ends[:1], self._joints))
        high = np.concatenate((self._joints, self._ends[1:]))
        weights = ndtr(high - self._slopes) - ndtr(low - self._slopes)
        beyond = np.exp(self._at_zero[[0, -1]] + self._slopes[[0, -1]] * self._ends)
        tails = ndtr(self._ends * np.array([1, -1]))
        self.mean = float(
            np.sum(np.exp(self._at_zero + self._slopes**2 / 2) * weights) + np.sum(beyond * tails)
        )

    def quantile(self, u: Floats) -> Floats:
        """The value at share *u* on the joined pieces."""
        z = np.clip(_normal(u), *self._ends)
        piece = np.searchsorted(self._joints, z, side="right")
        return np.asarray(np.exp(self._at_zero[piece] + self._slopes[piece] * z), dtype=np.float64)


class Categorical:
    """One of several kinds, by weights that need not add up to one.

    ``count`` is the number of kinds.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        self.count = len(weights)
        self.count = len(weights)
        summed = np.cumsum(np.asarray(weights, dtype=np.float64))
        self._upto = summed / summed[-1]
        self._upto[np.flatnonzero(weights)[-1] :] = 1.0  # whatever the divisions rounded to

    def index(self, u: Floats) -> Ints:
        """The kind of each number in [0, 1); shape as *u*. A kind of weight 0 never comes."""
        return np.searchsorted(self._upto, u, side="right").astype(np.int64)


def zipf_weights(count: int, exponent: float) -> Floats:
    """Weights ``1 / rank**exponent`` of *count* kinds, the most popular first."""
    return np.arange(1, count + 1, dtype=np.float64) ** -float(exponent)


def whole(values: Floats) -> Ints:
    """Values rounded half up to whole numbers between 0 and ``LARGEST``."""
    return np.clip(np.floor(values + 0.5), 0.0, LARGEST).astype(np.int64)


def draw(distribution: Distribution, stream_key: int, keys: UInts) -> Ints:
    """Whole values that belong to (stream, key); shape as *keys* (uint64)."""
    return whole(distribution.quantile(uniform(stream_key, keys)))


def _normal(u: Floats) -> Floats:
    return np.asarray(ndtri(np.maximum(u, _LOWEST)), dtype=np.float64)
