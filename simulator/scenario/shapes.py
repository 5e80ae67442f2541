"""Shapes of quantities that vary, by numbers a person knows; their means and largest written numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias

_NORMAL_P99: Final = 2.3263478740408408


@dataclass(frozen=True)
class ConstantSpec:
    """Always ``value`` (in the unit of the setting: us or bytes)."""

    kind: ClassVar[str] = "constant"
    value: int


@dataclass(frozen=True)
class ExponentialSpec:
    """Exponential with this mean."""

    kind: ClassVar[str] = "exponential"
    mean: int


@dataclass(frozen=True)
class LognormalSpec:
    """Lognormal by its median and its 99th percentile."""

    kind: ClassVar[str] = "lognormal"
    median: int
    p99: int


@dataclass(frozen=True)
class GammaSpec:
    """Gamma by its mean and its shape (1 is exponential; larger varies less)."""

    kind: ClassVar[str] = "gamma"
    mean: int
    shape: float


@dataclass(frozen=True)
class WeibullSpec:
    """Weibull by its mean and its shape (1 is exponential; smaller has the heavier tail)."""

    kind: ClassVar[str] = "weibull"
    mean: int
    shape: float


@dataclass(frozen=True)
class ParetoSpec:
    """Pareto between low and high: the share above x falls as ``x^-shape``."""

    kind: ClassVar[str] = "pareto"
    low: int
    high: int
    shape: float


@dataclass(frozen=True)
class UniformSpec:
    """Evenly between low and high."""

    kind: ClassVar[str] = "uniform"
    low: int
    high: int


@dataclass(frozen=True)
class EmpiricalSpec:
    """The values of a column of a CSV file, each as likely as the others."""

    kind: ClassVar[str] = "empirical"
    values: tuple[int, ...]
    file: str
    column: str
    unit: str


Simple: TypeAlias = (
    ConstantSpec
    | ExponentialSpec
    | LognormalSpec
    | GammaSpec
    | WeibullSpec
    | ParetoSpec
    | UniformSpec
    | EmpiricalSpec
)


@dataclass(frozen=True)
class MixSpec:
    """One of several distributions, by shares that add up to 1."""

    kind: ClassVar[str] = "mix"
    parts: tuple[tuple[float, Simple], ...]


Distribution: TypeAlias = Simple | MixSpec


@dataclass(frozen=True)
class ByAttribute:
    """A distribution for each value of an attribute, and one for all other messages.

    ``weights`` are the messages expected of each value and, under "", of the rest; a mean is weighed by
    them, once they are known.
    """

    attribute: str
    values: Mapping[str, Distribution]
    rest: Distribution
    weights: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def parts(self) -> tuple[tuple[float, Distribution], ...]:
        """Every distribution with its share of the messages; even shares while those are not known."""
        all_of = {**self.values, "": self.rest}
        weights = {value: self.weights.get(value, 0.0) for value in all_of}
        total = sum(weights.values())
        if not total:
            return tuple((1 / len(all_of), part) for part in all_of.values())
        return tuple((weights[value] / total, part) for value, part in all_of.items())


def largest(spec: Distribution | ByAttribute) -> int:
    """Give the largest number written for a distribution, in its unit."""
    match spec:
        case ConstantSpec(value):
            return value
        case ExponentialSpec(mean) | GammaSpec(mean, _) | WeibullSpec(mean, _):
            return mean
        case LognormalSpec(_, p99):
            return p99
        case UniformSpec(_, high) | ParetoSpec(_, high, _):
            return high
        case EmpiricalSpec(values):
            return max(values)
        case MixSpec(parts):
            return max(largest(part) for _, part in parts)
        case ByAttribute():
            return max(largest(part) for _, part in spec.parts)


def mean_of(spec: Distribution | ByAttribute) -> float:
    """Give the mean of a distribution, in its unit."""
    match spec:
        case ConstantSpec(value):
            return value
        case ExponentialSpec(mean) | GammaSpec(mean, _) | WeibullSpec(mean, _):
            return mean
        case ParetoSpec(low, high, shape):
            return _pareto_mean(low, high, shape)
        case MixSpec(parts):
            return sum(share * mean_of(part) for share, part in parts)
        case ByAttribute():
            return sum(share * mean_of(part) for share, part in spec.parts)
        case LognormalSpec(median, p99):
            sigma = math.log(p99 / median) / _NORMAL_P99
            return median * math.exp(sigma * sigma / 2)
        case UniformSpec(low, high):
            return (low + high) / 2
        case EmpiricalSpec(values):
            return sum(values) / len(values)


def _pareto_mean(low: int, high: int, shape: float) -> float:
    ratio = low / high
    if abs(shape - 1) < 1e-9:
        return -low * math.log(ratio) / (1 - ratio)
    return float(low * shape / (shape - 1) * (1 - ratio ** (shape - 1)) / (1 - ratio**shape))
