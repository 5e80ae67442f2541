"""Kubernetes deployments whose pods poll queues, scaled by KEDA and the Horizontal Pod Autoscaler."""

from typing import Any, Literal, NamedTuple

from pydantic import StrictBool, model_validator

from simulator.scenario.distributions import TimeDistribution
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Number, Share
from simulator.scenario.workers import Workers

_STABILIZATION = "window of past recommendations of which the safest counts (stabilizationWindowSeconds)"
_POLICIES = "what may change in a period"


class ScalingPolicy(Spec):
    """How many pods may be added or removed in a period; exactly one of `pods` and `percent`."""

    pods: Count | None = option("pods", low="1", high="10000")
    percent: Number | None = option(
        "per cent of the pods at the start of the period", low="0.001", high="10000"
    )
    period: Duration = option("the period (periodSeconds)", default="60s", low="1s", high="30m")

    @model_validator(mode="after")
    def _one_kind(self) -> "ScalingPolicy":
        if (self.pods is None) == (self.percent is None):
            has = "neither pods nor percent" if self.pods is None else "both pods and percent"
            raise refuse(f"has {has}; give exactly one")
        return self


class Direction(Spec):
    """Scaling in one direction."""

    stabilization: Duration = required(_STABILIZATION, low="0s", high="1h")
    policies: tuple[ScalingPolicy, ...] = required(_POLICIES, what="list of policies")
    select: Literal["Max", "Min", "Disabled"] = option(
        "which policy counts: the one that changes most, least, or nothing may change", default="Max"
    )

    @model_validator(mode="after")
    def _has_policies(self) -> "Direction":
        if not self.policies:
            raise refuse(Finding(("policies",), "is empty; give at least one"))
        return self


class ScaleUp(Direction):
    """Scaling up."""

    stabilization: Duration = option(_STABILIZATION, default="0s", low="0s", high="1h")
    policies: tuple[ScalingPolicy, ...] = option(
        _POLICIES,
        default=[{"percent": 100, "period": "15s"}, {"pods": 4, "period": "15s"}],
        what="list of policies",
    )


class ScaleDown(Direction):
    """Scaling down."""

    stabilization: Duration = option(_STABILIZATION, default="5m", low="0s", high="1h")
    policies: tuple[ScalingPolicy, ...] = option(
        _POLICIES, default=[{"percent": 100, "period": "15s"}], what="list of policies"
    )


class Behavior(Spec):
    """The HPA's `behavior`."""

    scale_up: ScaleUp = option("scaling up", default={})
    scale_down: ScaleDown = option("scaling down", default={})


class Keda(Spec):
    """A ScaledObject with an `aws-sqs-queue` trigger."""

    queue_length: Number = option(
        "messages for each pod (queueLength)", default=5, low="0.001", high="1000000000"
    )
    activation_queue_length: Count = option(
        "messages above which the first pod starts (activationQueueLength)",
        default=0,
        low="0",
        high="1000000000",
    )
    scale_on_in_flight: StrictBool = option("messages in flight count (scaleOnInFlight)", default=True)
    scale_on_delayed: StrictBool = option("delayed messages count (scaleOnDelayed)", default=False)
    polling_interval: Duration = option(
        "how often KEDA looks whether the first pod must start or the last end",
        default="30s",
        low="1s",
        high="1h",
    )
    cooldown_period: Duration = option(
        "from the last look that found the queue active until the last pod ends",
        default="300s",
        low="0s",
        high="1d",
    )
    min_replicas: Count = option("pods, at least (minReplicaCount)", default=0, low="0", high="10000")
    max_replicas: Count = option("pods, at most (maxReplicaCount)", default=100, low="1", high="10000")

    @model_validator(mode="after")
    def _in_order(self) -> "Keda":
        if self.min_replicas > self.max_replicas:
            message = f"is {self.min_replicas}, above max_replicas, which is {self.max_replicas}"
            raise refuse(Finding(("min_replicas",), message))
        return self


class Replicas(NamedTuple):
    """How many pods a deployment has, by the names that all fleets share."""

    min: int
    max: int
    first: int


class Deployment(Workers):
    """A Kubernetes deployment whose pods poll a queue, or several by priority."""

    workers_per_pod: Count = option(
        "workers in a pod, each receiving on its own", default=1, low="1", high="1000"
    )
    price_per_hour: Number | None = option(
        "US dollars for an hour of a pod, of the machines it runs on; there is no list of them",
        low="0",
        high="1000",
    )
    start: TimeDistribution = setting("kubernetes.pod.start", "from the creation of a pod until it runs")
    bootstrap: TimeDistribution = option("own start-up after that (a new node, image pull)", default="0s")
    termination_grace_period: Duration = setting(
        "kubernetes.grace",
        "from SIGTERM, when workers receive nothing more, to SIGKILL, when work in hand is lost",
    )
    replicas: Count | None = option("pods at the start; min_replicas if left out", low="0", high="10000")
    keda: Keda | None = option("scaling by KEDA; without it the number of pods stays")
    behavior: Behavior = option("how fast the HPA may add and remove pods", default={})
    tolerance: Share = setting(
        "kubernetes.hpa.tolerance", "off the target by no more than this, nothing changes"
    )
    sync_period: Duration = setting("kubernetes.hpa.sync", "how often the HPA looks")

    @model_validator(mode="after")
    def _has_a_size(self) -> "Deployment":
        keda, given = self.keda, self.replicas
        if keda is None and given is None:
            raise refuse("has neither replicas nor keda; give at least one")
        if keda is not None and given is not None and not keda.min_replicas <= given <= keda.max_replicas:
            span = f"{keda.min_replicas} to {keda.max_replicas} (min_replicas to max_replicas)"
            raise refuse(Finding(("replicas",), f"is {given}; allowed: {span}"))
        return self

    @property
    def capacity(self) -> Replicas:
        """How many pods there may be and are at the start."""
        keda = self.keda
        if keda is None:
            return Replicas(self.replicas or 0, self.replicas or 0, self.replicas or 0)
        first = keda.min_replicas if self.replicas is None else self.replicas
        return Replicas(keda.min_replicas, keda.max_replicas, first)

    @property
    def policies(self) -> dict[str, Any]:
        """No target tracking."""
        return {}

    @property
    def workers_per_instance(self) -> int:
        """Workers in a pod, by the name that all fleets share."""
        return self.workers_per_pod

    @property
    def drain(self) -> int:
        """How long a pod that stops may finish its work [us], by the name that all fleets share."""
        return self.termination_grace_period

    @property
    def instance_type(self) -> str:
        """What its pods are, in words."""
        return "pods"
