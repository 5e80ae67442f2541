"""Scaling policies and sizes of fleets, as EC2 Auto Scaling and Application Auto Scaling know them."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, StrictBool, WithJsonSchema, model_validator

from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import NUMBER, Count, Duration, Name, Number, Text, Unit, write_number

_ADJUSTMENT = (
    "what the numbers mean: `change` instances, an `exact` capacity, or `percent` of the capacity "
    "(ChangeInCapacity, ExactCapacity, PercentChangeInCapacity)"
)
OWN_METRICS: Final = ("backlog_per_instance", "busy_share", "in_service", "desired")
"""Metrics of a fleet that its own policies may name without its path."""


def _read_signed(text: str) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    return sign * float(NUMBER.read(text.removeprefix("-")))


SIGNED: Final = Unit("a number", _read_signed, write_number)
Signed = Annotated[
    float, SIGNED, BeforeValidator(SIGNED.parse), WithJsonSchema({"type": ["number", "string"]})
]


class Capacity(Spec):
    """How many instances a group has."""

    min: Count = required("instances, at least", low="0", high="10000")
    max: Count = required("instances, at most", low="1", high="10000")
    desired: Count | None = option("instances at the start; `min` if left out", low="0", high="10000")

    @model_validator(mode="after")
    def _in_order(self) -> "Capacity":
        if self.min > self.max:
            raise refuse(Finding(("min",), f"is {self.min}, above max, which is {self.max}"))
        if self.desired is not None and not self.min <= self.desired <= self.max:
            raise refuse(
                Finding(("desired",), f"is {self.desired}; allowed: {self.min} to {self.max} (min to max)")
            )
        return self

    @property
    def first(self) -> int:
        """Instances at the start."""
        return self.min if self.desired is None else self.desired


class TargetTracking(Spec):
    """Keeps a metric near a target."""

    metric: Text = option(
        "what is kept near the target: `backlog_per_instance` (visible messages for each instance in "
        "service), `busy_share` (of its workers), or the path of a metric such as `queues.orders.visible`",
        default="backlog_per_instance",
    )
    target: Number = required("value of the metric to keep", low="0.001", high="1000000000")
    disable_scale_in: StrictBool = option("only add instances, never remove any", default=False)


class Trigger(Spec):
    """The alarm that a policy acts on: one of `alarms`, or one of its own."""

    alarm: Name | None = option("an alarm of `alarms`; left out when `metric` is given")
    metric: Text | None = option("metric of an alarm of its own, written as in `target_tracking`")
    above: Signed | None = option("it is in ALARM above this value", low="-1000000000", high="1000000000")
    below: Signed | None = option("it is in ALARM below this value", low="-1000000000", high="1000000000")
    points: Count = option(
        "one-minute points in a row that must breach", default=1, low="1", high="1440", alias="for"
    )

    @model_validator(mode="after")
    def _one_alarm(self) -> "Trigger":
        if (self.alarm is None) == (self.metric is None):
            has = "neither alarm nor metric" if self.alarm is None else "both alarm and metric"
            raise refuse(f"has {has}; give exactly one")
        if (self.above is None) == (self.below is None) and self.metric is not None:
            has = "neither above nor below" if self.above is None else "both above and below"
            raise refuse(f"has {has}; give exactly one")
        return self

    @property
    def threshold(self) -> float:
        """Value of its own alarm from which it breaches."""
        return float(self.above if self.above is not None else self.below or 0)


class Step(Spec):
    """An adjustment for a part of the breach."""

    lower: Signed | None = option(
        "from so much above the threshold (negative: below it)",
        alias="from",
        low="-1000000000",
        high="1000000000",
    )
    upper: Signed | None = option("up to so much", alias="to", low="-1000000000", high="1000000000")
    add: Signed = required("what it adds; a negative number removes", low="-10000", high="10000")


class StepScaling(Trigger):
    """Adds by the size of the breach, again every minute while the alarm lasts."""

    adjustment: Literal["change", "exact", "percent"] = option(_ADJUSTMENT, default="change")
    steps: tuple[Step, ...] = required("steps, at most 20", what="list of steps")
    min_adjustment: Count = option(
        "with `percent`: instances that a step changes at least (MinAdjustmentMagnitude)",
        default=0,
        low="0",
        high="10000",
    )


class SimpleScaling(Trigger):
    """Adds once, and again when the activity and its cooldown are over."""

    adjustment: Literal["change", "exact", "percent"] = option(_ADJUSTMENT, default="change")
    add: Signed = required("what it adds; a negative number removes", low="-10000", high="10000")
    cooldown: Duration = setting(
        "asg.cooldown", "after the end of the last activity nothing else starts for so long"
    )


class Scheduled(Spec):
    """A scheduled action."""

    at: Duration = required("instant of the run", low="0s", high="400d")
    every: Duration | None = option("again and again after so long, such as `24h`", low="1m", high="400d")
    min: Count | None = option("new minimum", low="0", high="10000")
    max: Count | None = option("new maximum", low="0", high="10000")
    desired: Count | None = option("new desired capacity", low="0", high="10000")

    @model_validator(mode="after")
    def _sets_something(self) -> "Scheduled":
        if self.min is None and self.max is None and self.desired is None:
            raise refuse("sets nothing; give min, max, desired or several of them")
        return self


def one_of(policy: Spec, kinds: tuple[str, ...]) -> None:
    """Refuse a policy that is not of exactly one kind."""
    given = [kind for kind in kinds if getattr(policy, kind) is not None]
    if len(given) != 1:
        has = f"has {' and '.join(given)}" if given else "has no kind"
        raise refuse(f"{has}; give exactly one of {', '.join(kinds)}")


class Policy(Spec):
    """A scaling policy."""

    target_tracking: TargetTracking | None = option("target tracking")
    step_scaling: StepScaling | None = option("step scaling")
    simple_scaling: SimpleScaling | None = option("simple scaling")
    scheduled: Scheduled | None = option("a scheduled action")

    @model_validator(mode="after")
    def _one_kind(self) -> "Policy":
        one_of(self, ("target_tracking", "step_scaling", "simple_scaling", "scheduled"))
        return self


class ServiceTracking(TargetTracking):
    """Keeps a metric of a service near a target."""

    scale_out_cooldown: Duration = setting(
        "ecs.scale_out_cooldown", "what a scale-out added counts on top for so long (ScaleOutCooldown)"
    )
    scale_in_cooldown: Duration = setting(
        "ecs.scale_in_cooldown", "no other scale-in starts for so long (ScaleInCooldown)"
    )


class ServiceSteps(StepScaling):
    """Adds tasks by the size of the breach."""

    cooldown: Duration = setting(
        "ecs.step_cooldown", "as the cooldowns of target tracking, in both directions"
    )


class ServicePolicy(Spec):
    """A scaling policy of Application Auto Scaling."""

    target_tracking: ServiceTracking | None = option("target tracking")
    step_scaling: ServiceSteps | None = option("step scaling")
    scheduled: Scheduled | None = option("a scheduled action")

    @model_validator(mode="after")
    def _one_kind(self) -> "ServicePolicy":
        one_of(self, ("target_tracking", "step_scaling", "scheduled"))
        return self
