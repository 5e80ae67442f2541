"""Amazon ECS services on Fargate whose tasks poll queues."""

from simulator.scenario.distributions import TimeDistribution
from simulator.scenario.scaling import Capacity, ServicePolicy, ServiceTracking
from simulator.scenario.spec import option, required, setting
from simulator.scenario.units import Count, Duration, Name, Number, Size
from simulator.scenario.workers import Workers


class EcsService(Workers):
    """An ECS service on Fargate whose tasks poll a queue, or several by priority."""

    workers_per_task: Count = option(
        "workers in a task, each receiving on its own", default=1, low="1", high="1000"
    )
    cpu: Number = option("vCPUs of a task", default=0.25, low="0.25", high="16")
    memory: Size = option("memory of a task", default="512MiB", low="512MiB", high="120GiB")
    start: TimeDistribution = setting("ecs.fargate.start", "from the start of a task until it runs")
    bootstrap: TimeDistribution = option("own start-up after that (a large image, caches)", default="0s")
    stop_timeout: Duration = setting(
        "ecs.stop_timeout",
        "from SIGTERM, when workers receive nothing more, to SIGKILL, when work in hand is lost",
    )
    capacity: Capacity = required("how many tasks")
    zones: Count = option("Availability Zones it is spread over evenly", default=3, low="1", high="6")
    declared: dict[Name, ServicePolicy] = option(
        "scaling policies of Application Auto Scaling; none keeps the size", default={}, alias="policies"
    )

    @property
    def policies(self) -> dict[str, ServiceTracking]:
        """The target-tracking policies by name."""
        return {
            name: policy.target_tracking
            for name, policy in self.declared.items()
            if policy.target_tracking is not None
        }

    @property
    def workers_per_instance(self) -> int:
        """Workers in a task, by the name that all fleets share."""
        return self.workers_per_task

    @property
    def drain(self) -> int:
        """How long a task that stops may finish its work [us], by the name that all fleets share."""
        return self.stop_timeout

    @property
    def instance_type(self) -> str:
        """What its tasks are, in words."""
        return f"Fargate {self.cpu:g} vCPU"
