"""What a report must know of downstreams, and what they allow their callers at most."""

import math
from collections.abc import Iterator, Mapping

from simulator.analysis.answer import Downstream
from simulator.experiments.traffic import amount, span
from simulator.scenario import downstreams as spec
from simulator.scenario.distributions import mean_of
from simulator.scenario.email import called, called_path
from simulator.scenario.schema import Scenario


def downstreams_of(scenario: Scenario) -> tuple[Downstream, ...]:
    """Everything of a scenario that consumers call."""
    return tuple(
        Downstream(
            path=called_path(scenario, name),
            settings=", ".join(_words(one)),
            connections=float(one.connections or math.nan),
            parallelism=float(one.parallelism or math.nan),
            rate_per_s=math.nan if one.rate is None else one.rate,
        )
        for name, one in called(scenario).items()
    )


def _words(one: spec.Downstream) -> Iterator[str]:
    if one.connections is not None:
        yield f"{amount(one.connections)} connections"
    yield f"{span(mean_of(one.latency))} a call"
    if one.parallelism is not None:
        yield f"at full speed up to {amount(one.parallelism)} at once"
    if one.rate is not None:
        yield f"{amount(one.rate)} calls/s"


def calls_us(given: Mapping[str, spec.Downstream], caller: spec.Calls) -> float:
    """Mean time that the calls of a message take when nothing waits and nothing fails [us]."""
    return sum(mean_of(given[name].latency) * count for name, count in caller.calls.items())


def downstream_ceilings(
    given: Mapping[str, spec.Downstream], caller: spec.Calls
) -> Iterator[tuple[float, str]]:
    """Messages a second that each of a caller's downstreams allows, and the arithmetic in words."""
    for name, count in caller.calls.items():
        one = given[name]
        times = f" / {count} calls" if count > 1 else ""
        if one.rate is not None:
            yield one.rate / count, f"{name}: {amount(one.rate)} calls/s{times}"
        latency_us = mean_of(one.latency)
        for places, what in ((one.connections, "connections"), (one.parallelism, "at full speed")):
            if places is not None and latency_us > 0:
                yield (
                    places * 1e6 / latency_us / count,
                    f"{name}: {amount(places)} {what} / {span(latency_us)}{times}",
                )
