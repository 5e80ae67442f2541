"""What a run takes from the rules, the scenario's distributions and the seed."""

from typing import Any

from simulator.processes.draws import CallDurations
from simulator.sampling.distributions import (
    BoundedPareto,
    Constant,
    Distribution,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Mixable,
    Mixture,
    Quantiles,
    Uniform,
    Weibull,
)
from simulator.sampling.streams import Calls, stream_key
from simulator.scenario import distributions as specs
from simulator.scenario.rules import Rules


def sampler(spec: specs.Distribution) -> Distribution:
    """The distribution a scenario means, in the unit of its setting."""
    match spec:
        case specs.MixSpec(parts):
            return Mixture([(share, _simple(part)) for share, part in parts])
        case _:
            return _simple(spec)


def _simple(spec: specs.Simple) -> Mixable:
    match spec:
        case specs.ConstantSpec(value):
            return Constant(value)
        case specs.ExponentialSpec(mean):
            return Exponential(mean)
        case specs.LognormalSpec(median, p99):
            return Lognormal(median, p99)
        case specs.GammaSpec(mean, shape):
            return Gamma(shape, mean)
        case specs.WeibullSpec(mean, shape):
            return Weibull(shape, mean)
        case specs.ParetoSpec(low, high, shape):
            return BoundedPareto(shape, low, high)
        case specs.UniformSpec(low, high):
            return Uniform(low, high)
        case specs.EmpiricalSpec(values):
            return Empirical(values)


class Taken:
    """Rules and streams of one run; remembers which rules it took, for the list of assumptions."""

    def __init__(self, rules: Rules, seed: int, replication: int) -> None:
        self._rules = rules
        self._seed = seed
        self._replication = replication
        self.names: dict[str, None] = {}

    def rule(self, name: str) -> Any:
        """The value of a rule."""
        self.names[name] = None
        return self._rules.value(name)

    def knows(self, name: str) -> bool:
        """Whether there is a rule of this name."""
        return name in self._rules.names()

    def latency(self, name: str) -> Distribution:
        """The distribution [us] of a rule that is a table of quantiles or a distribution."""
        value = self.rule(name)
        if not isinstance(value, tuple):
            return sampler(value)
        return Constant(value[0][1]) if len(value) == 1 else Quantiles(value)

    def stream(self, name: str) -> int:
        """Key of the stream of this name."""
        return stream_key(self._seed, self._replication, name)

    def calls(self, name: str) -> Calls:
        """Chances by the call counter of a thing."""
        return Calls(self.stream(name))

    def durations(self, name: str, distribution: Distribution) -> CallDurations:
        """Durations [us] by the call counter of a thing."""
        return CallDurations(distribution, self.stream(name))
