"""EC2 Auto Scaling groups whose instances poll queues."""

from typing import Literal

from pydantic import StrictBool, model_validator

from simulator.scenario.distributions import TimeDistribution
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name, Number, Text
from simulator.scenario.workers import Workers


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


class TargetTracking(Spec):
    """Keeps a metric near a target."""

    metric: Literal["backlog_per_instance"] = option(
        "what is kept near the target", default="backlog_per_instance"
    )
    target: Number = required("visible messages per instance in service", low="0.001", high="1000000000")
    disable_scale_in: StrictBool = option("only add instances, never remove any", default=False)


class Policy(Spec):
    """A scaling policy."""

    target_tracking: TargetTracking = required("target tracking")


class AutoScalingGroup(Workers):
    """An EC2 Auto Scaling group whose instances poll a queue, or several by priority."""

    instance_type: Text = required("what its instances are, such as `c6i.large`")
    workers_per_instance: Count = option(
        "workers on an instance, each receiving on its own", default=1, low="1", high="1000"
    )
    boot: TimeDistribution = setting("ec2.boot", "from launch until the instance is in service")
    bootstrap: TimeDistribution = option("own start-up after the boot (user data, image pull)", default="0s")
    instance_warmup: Duration = setting(
        "asg.default_warmup",
        "how long a new instance counts as warming: it works, but policies do not count on it yet",
    )
    drain: Duration = option(
        "how long an instance that is scaled in may finish its work in hand (lifecycle hook); with 0s the "
        "work is lost and its messages come back after their visibility timeout",
        default="0s",
        low="0s",
        high="48h",
    )
    capacity: Capacity = required("how many instances")
    declared: dict[Name, Policy] = option(
        "scaling policies; none keeps the size", default={}, alias="policies"
    )

    @property
    def policies(self) -> dict[str, TargetTracking]:
        """The target-tracking policies by name."""
        return {name: policy.target_tracking for name, policy in self.declared.items()}
