"""Faults: what goes wrong when, for how long, and with whom."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, StrictBool, WithJsonSchema, model_validator

from simulator.scenario.problems import Finding, refuse, shown
from simulator.scenario.spec import Spec, option, required
from simulator.scenario.units import Duration, Name, Rate, Share, Unit

_FACTOR: Final = re.compile(r"(\d{1,9}(?:\.\d{1,20})?)x")


def _read_factor(text: str) -> float:
    if not (found := _FACTOR.fullmatch(text)):
        raise refuse(f"is {shown(text)}; a factor is due, such as 3x or 1.5x")
    return float(found[1])


def _write_factor(factor: float) -> str:
    return f"{Decimal(repr(float(factor))).normalize():f}x"


FACTOR: Final = Unit("a factor", _read_factor, _write_factor, f"^{_FACTOR.pattern}$")
Factor = Annotated[
    float,
    FACTOR,
    BeforeValidator(FACTOR.parse),
    WithJsonSchema({"type": "string", "pattern": str(FACTOR.pattern)}),
]

TARGETS: Final = {
    "function": "functions",
    "auto_scaling_group": "auto_scaling_groups",
    "ecs_service": "ecs_services",
    "deployment": "deployments",
    "downstream": "downstreams",
    "queue": "queues",
    "producer": "producers",
    "broker": "brokers",
    "metrics": "",
}
"""What a fault can meet, and the section it is found in."""

_FLEET: Final = ("down", "slow", "errors", "crash", "zone_loss", "spot", "deploy")
EFFECTS: Final[dict[str, tuple[str, ...]]] = {
    "function": ("down", "slow", "errors", "deploy"),
    "auto_scaling_group": _FLEET,
    "ecs_service": _FLEET,
    "deployment": _FLEET,
    "downstream": ("down", "slow", "errors"),
    "queue": ("throttle", "denied", "unavailable"),
    "producer": ("poison",),
    "broker": ("failover",),
    "metrics": ("metrics",),
}
_ALL: Final = (
    "down",
    "slow",
    "errors",
    "crash",
    "zone_loss",
    "spot",
    "deploy",
    "throttle",
    "denied",
    "unavailable",
    "poison",
    "failover",
)
AT_ONCE: Final = frozenset({"crash", "zone_loss", "spot", "deploy", "failover"})
"""Effects that happen at an instant, or last as long as they last."""
CONDITIONS: Final = frozenset({"slow", "errors"})
"""Effects that may stand together: a brown-out."""


class Deploy(Spec):
    """A rolling restart: instances are replaced a batch at a time."""

    batch: Share = option("share of the instances replaced at a time", default="25%", low="1%", high="100%")
    pause: Duration = option("from one batch in service to the next", default="0s", low="0s", high="1d")
    drain: StrictBool = option(
        "instances finish what they have; without it work in hand is lost, and its messages hang until their "
        "visibility timeout ends",
        default=True,
    )


class Fault(Spec):
    """Something goes wrong: an instant, a target, an effect (`slow` and `errors` may stand together)."""

    at: Duration = required("when it begins", low="0s", high="400d")
    for_us: Duration | None = option(
        "how long it lasts; not for `crash`, `zone_loss`, `spot`, `deploy`, `failover`: they happen at once",
        low="1ms",
        high="400d",
        alias="for",
    )
    function: Name | None = option("whom it meets: a function", what="a name")
    auto_scaling_group: Name | None = option("whom it meets: an Auto Scaling group", what="a name")
    ecs_service: Name | None = option("whom it meets: an ECS service", what="a name")
    deployment: Name | None = option("whom it meets: a deployment", what="a name")
    downstream: Name | None = option("what it meets: a downstream", what="a name")
    queue: Name | None = option("what it meets: the calls to a queue", what="a name")
    producer: Name | None = option("whom it meets: the messages a producer offers meanwhile", what="a name")
    broker: Name | None = option("what it meets: a broker of Amazon MQ", what="a name")
    metrics: Literal["blackout"] | None = option("CloudWatch publishes no metrics meanwhile")
    down: StrictBool | None = option(
        "consumers: they receive nothing, work in hand of instances is lost; a downstream: calls are refused"
    )
    hang: StrictBool | None = option("with `down` of a downstream: calls are never answered, not refused")
    slow: Factor | None = option(
        "what begins meanwhile lasts that many times as long", low="0.1x", high="1000x"
    )
    errors: Share | None = option(
        "share of attempts (of calls to a downstream) begun meanwhile that fail by it", low="0%", high="100%"
    )
    crash: Share | None = option(
        "share of instances that die at once, with work in hand", low="0.1%", high="100%"
    )
    zone_loss: Share | None = option("share of instances that die with their zone", low="0.1%", high="100%")
    spot: Share | None = option(
        "share of instances that Spot takes back, after two minutes' notice", low="0.1%", high="100%"
    )
    deploy: Deploy | None = option("a rolling restart; of a function: its environments are new")
    throttle: Rate | None = option(
        "calls that are allowed meanwhile; those beyond are refused", low="1/s", high="1M/s"
    )
    call: Literal["receive", "delete"] | None = option("with `throttle`: which calls")
    denied: Literal["receive", "delete", "send"] | None = option("calls that are denied meanwhile")
    unavailable: StrictBool | None = option(
        "SNS cannot deliver to the queue meanwhile (server-side errors) and tries again; other calls go on"
    )
    failover: Literal["planned", "crash"] | None = option(
        "the active broker stops, by a reboot (`planned`) or a `crash`, until the other (or itself) is up"
    )
    poison: Share | None = option(
        "share of the messages offered meanwhile that fail every attempt", low="0%", high="100%"
    )

    @property
    def kind(self) -> str:
        """The word for what it meets: `function`, `queue`, ..."""
        return next(key for key in TARGETS if getattr(self, key) is not None)

    @property
    def target(self) -> str:
        """Name of what it meets; "" for all metrics."""
        return "" if self.kind == "metrics" else str(getattr(self, self.kind))

    @property
    def path(self) -> str:
        """Path of what it meets: ``functions.charge``."""
        return f"{TARGETS[self.kind]}.{self.target}" if self.target else "metrics"

    @property
    def effects(self) -> tuple[str, ...]:
        """The words for what it does; more than one for a brown-out."""
        given = tuple(effect for effect in _ALL if getattr(self, effect) is not None)
        return given or ("metrics",)

    @property
    def until(self) -> int:
        """When it ends [us]; ``at`` where it happens at once."""
        return self.at + (self.for_us or 0)

    @model_validator(mode="after")
    def _whole(self) -> "Fault":
        found = [*self._target_findings()]
        if not found:
            found = [*self._effect_findings(), *self._detail_findings()]
        if found:
            raise refuse(*found)
        return self

    def _target_findings(self) -> list[Finding]:
        given = [key for key in TARGETS if getattr(self, key) is not None]
        if len(given) == 1:
            return []
        has = f"meets {' and '.join(given)}" if given else "meets nothing"
        return [Finding((), f"{has}; give exactly one of {', '.join(TARGETS)}")]

    def _effect_findings(self) -> list[Finding]:
        given = [effect for effect in _ALL if getattr(self, effect) is not None]
        known = EFFECTS[self.kind]
        if self.kind == "metrics":
            return [Finding((effect,), "has no meaning for metrics") for effect in given]
        wrong = [
            Finding((effect,), f"has no meaning for a {self.kind}; known: {', '.join(known)}")
            for effect in given
            if effect not in known
        ]
        if wrong:
            return wrong
        if not given:
            return [Finding((), f"does nothing; give one of {', '.join(known)}")]
        if len(given) > 1 and not CONDITIONS.issuperset(given):
            return [Finding((), f"has {' and '.join(given)}; give exactly one (slow and errors may be both)")]
        return []

    def _detail_findings(self) -> list[Finding]:
        found: list[Finding] = []
        given = {effect for effect in _ALL if getattr(self, effect) is not None} or {"metrics"}
        if given & AT_ONCE and self.for_us is not None:
            found.append(Finding(("for",), f"has no meaning for {min(given)}, which happens at once"))
        if not given & AT_ONCE and self.for_us is None:
            found.append(Finding(("for",), "is missing; say how long it lasts, such as 10m"))
        for key in ("down", "hang", "unavailable"):
            if getattr(self, key) is False:
                found.append(Finding((key,), "is false; leave it out"))
        if self.hang and not (self.down and self.kind == "downstream"):
            found.append(Finding(("hang",), "has no meaning without `down: true` of a downstream"))
        if self.throttle is not None and self.call is None:
            found.append(Finding(("call",), "is missing; say which calls: receive or delete"))
        if self.throttle is not None and not self.throttle.is_integer():
            found.append(Finding(("throttle",), "is a fraction; whole calls a second are due"))
        if self.call is not None and self.throttle is None:
            found.append(Finding(("call",), "has no meaning without `throttle`"))
        return found


def troubled(faults: Mapping[str, Fault]) -> frozenset[str]:
    """Paths of the consumers and downstreams whose conditions change."""
    return frozenset(
        fault.path
        for fault in faults.values()
        if not CONDITIONS.isdisjoint(fault.effects) or (fault.kind == "downstream" and fault.down)
    )
