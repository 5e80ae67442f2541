"""Downstreams: systems that consumers call, and how they call them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from simulator.scenario.distributions import TimeDistribution
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Spec, option, required
from simulator.scenario.units import Count, Duration, Name, Rate, Share

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario


class Downstream(Spec):
    """A system that consumers call: a database, an API of someone else."""

    latency: TimeDistribution = required("how long it works on a call at full speed")
    connections: Count | None = option(
        "calls it works on at once, each with a connection; whoever finds none waits in line. Any number if "
        "left out",
        low="1",
        high="1M",
    )
    parallelism: Count | None = option(
        "calls it works on at full speed; more share it and are slower, all alike, so that it never does "
        "more than `parallelism` / mean latency a second. Any number if left out",
        low="1",
        high="1M",
    )
    rate: Rate | None = option("calls a second it takes; any number if left out", low="1/s", high="10M/s")
    burst: Count | None = option(
        "calls it takes at once after a rest; a second's worth of `rate` if left out", low="1", high="10M"
    )
    when_full: Literal["refuse", "wait"] = option(
        "a call beyond the rate is refused at once (429), or waits in line", default="refuse"
    )
    errors: Share = option(
        "share of calls that it answers with an error", default="0%", low="0%", high="100%"
    )
    abandoned: Literal["finish", "cancel"] = option(
        "what becomes of a call in work when its caller has given up: the downstream does not know and works "
        "on it to its end, or it is cancelled",
        default="finish",
    )

    @model_validator(mode="after")
    def _whole_rate(self) -> "Downstream":
        if self.rate is not None and not float(self.rate).is_integer():
            raise refuse(Finding(("rate",), f"is {self.rate:g}/s; a whole number a second is due"))
        if self.rate is None and self.burst is not None:
            raise refuse(Finding(("burst",), "has no meaning without rate"))
        return self


class CircuitBreaker(Spec):
    """Stops calling a downstream that fails: one by consumer and downstream, shared by all its slots."""

    failures: Share = option(
        "it opens when that share of the last tries failed", default="50%", low="1%", high="100%"
    )
    of_last: Count = option("how many last tries count", default=20, low="1", high="100k")
    open_for: Duration = option(
        "how long it lets nothing through: calls fail at once", default="30s", low="1ms", high="1d"
    )
    trials: Count = option(
        "tries it then lets through (half-open): if all succeed it closes, if one fails it opens again",
        default=1,
        low="1",
        high="1000",
    )


class Client(Spec):
    """How a consumer calls its downstreams."""

    timeout: Duration = option(
        "how long it waits for a try, the downstream's line included", default="1s", low="1ms", high="15m"
    )
    max_attempts: Count = option(
        "tries of a call at most, the first included", default=3, low="1", high="100"
    )
    backoff: Duration = option(
        "pause before the second try, doubled for each further one", default="100ms", low="0s", high="1h"
    )
    max_backoff: Duration = option("pauses at most", default="20s", low="0s", high="1h")
    jitter: Literal["none", "full", "decorrelated"] = option(
        "`none`: the pause as it is; `full`: any duration up to it; `decorrelated`: any from `backoff` to "
        "three times the pause before",
        default="full",
    )
    circuit_breaker: CircuitBreaker | None = option("stops calling a downstream that fails")
    retry_budget: Share | None = option(
        "further tries as a share of calls, with a reserve of ten; without one every call may use all its "
        "tries",
        low="0%",
        high="100%",
    )


class Calls(Spec):
    """Base of whoever calls downstreams."""

    calls: dict[Name, Count] = option(
        "calls of downstreams each message needs, one after another before its own work: names with how many",
        default={},
    )
    client: Client = option("how it calls its downstreams", default={})

    @model_validator(mode="after")
    def _not_too_many(self) -> "Calls":
        for name, count in self.calls.items():
            if not 1 <= count <= 100:
                raise refuse(Finding(("calls", name), f"is {count}; allowed: 1 to 100"))
        return self


def callers(scenario: "Scenario") -> Iterator[tuple[tuple[str, str], Calls]]:
    """Section and name of everything that calls downstreams, with its settings."""
    for section in ("functions", "auto_scaling_groups", "ecs_services", "deployments"):
        for name, consumer in getattr(scenario, section, {}).items():
            if consumer.calls:
                yield (section, name), consumer


def caller_paths(scenario: "Scenario") -> frozenset[str]:
    """Paths of the consumers, as rows name them, that call downstreams."""
    paths: list[str] = []
    for (section, name), consumer in callers(scenario):
        sources = getattr(consumer, "event_sources", None)
        if sources is None:
            paths.append(f"{section}.{name}")
        else:
            paths += [f"{section}.{name}.event_sources.{queue}" for queue in sources]
    return frozenset(paths)


def loop_findings(scenario: "Scenario") -> Iterator[Finding]:
    """Callers whose loop cannot call."""
    for (section, name), consumer in callers(scenario):
        loop = getattr(consumer, "loop", None)
        for key, given in (
            ("loop", loop is not None and loop.kind != "sequential"),
            *((key, bool(getattr(consumer, key, None))) for key in ("priority", "heartbeat", "denied")),
        ):
            if given:
                message = "cannot stand with calls: workers that call downstreams need the loop sequential"
                yield Finding((section, name, key), f"{message}, without priority, heartbeat and denied")
        receive = getattr(consumer, "receive", None)
        if receive is not None and receive.lost_answers:
            yield Finding((section, name, "receive", "lost_answers"), "cannot stand with calls")
