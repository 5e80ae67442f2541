"""EC2 Auto Scaling groups whose instances poll queues."""

from typing import Literal

from pydantic import StrictBool

from simulator.scenario.distributions import TimeDistribution
from simulator.scenario.scaling import Capacity, Policy, TargetTracking
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name, Number, Share, Text
from simulator.scenario.workers import Workers

TerminationPolicy = Literal["Default", "OldestInstance", "NewestInstance", "ClosestToNextInstanceHour"]


class Spot(Spec):
    """Spot instances: AWS takes them back after a notice of two minutes."""

    shorthand = "a share: of the group, at most"

    share: Share = required("of the group, at most", low="0%", high="100%")
    interruptions: Share = setting("asg.spot.monthly_rate", "share of instances taken back in a month")
    on_interruption: Literal["drain", "ignore"] = option(
        "what workers do at the notice: `drain` (receive nothing more, finish what they can) or `ignore`",
        default="ignore",
    )
    rebalance: StrictBool = option(
        "launch the replacement at the notice (capacity rebalancing), not when the instance is gone",
        default=False,
    )


class WarmPool(Spec):
    """Stopped instances that start faster than new ones."""

    max_prepared: Count | None = option(
        "instances in group and pool together (MaxGroupPreparedCapacity); the group's max if left out",
        low="0",
        high="10000",
    )
    min: Count = option("stopped instances, at least", default=0, low="0", high="10000")
    start: TimeDistribution = setting(
        "asg.warm_start", "from the launch of a stopped instance until it serves"
    )


class AutoScalingGroup(Workers):
    """An EC2 Auto Scaling group whose instances poll a queue, or several by priority."""

    instance_type: Text = required("what its instances are, such as `c6i.large`")
    price_per_hour: Number | None = option(
        "US dollars for an hour of an instance; that of `price.ec2.<type>` if left out",
        low="0",
        high="1000",
    )
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
    zones: Count = option("Availability Zones it is spread over evenly", default=1, low="1", high="6")
    termination: tuple[TerminationPolicy, ...] = option(
        "termination policies in their order: who leaves at scale-in, in the zone with most instances",
        default=["Default"],
        what="list of termination policies",
    )
    protect: Literal["none", "busy"] = option(
        "scale-in protection: with `busy` an instance that has work in hand is never picked", default="none"
    )
    spot: Spot | None = option("spot instances")
    warm_pool: WarmPool | None = option("a warm pool of stopped instances")
    declared: dict[Name, Policy] = option(
        "scaling policies; none keeps the size", default={}, alias="policies"
    )

    @property
    def policies(self) -> dict[str, TargetTracking]:
        """The target-tracking policies by name."""
        return {
            name: policy.target_tracking
            for name, policy in self.declared.items()
            if policy.target_tracking is not None
        }
