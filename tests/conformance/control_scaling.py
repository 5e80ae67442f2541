"""Cases of scaling policies: target tracking and its rounding."""

from simulator.aws.cloudwatch.metrics import PublishedPoints
from simulator.aws.ec2.auto_scaling import TargetTracking, backlog_per_instance, capacity_change
from tests.conformance.running import Case

_ANY_SIZE = 10**9


def target_rounding(case: Case) -> list[str]:
    """Whole instances of an exact change."""
    return _compared(case, {"applied": capacity_change(case["exact_change"])})


def target_tracking(case: Case) -> list[str]:
    """The guide's example: the target is what an instance works off in the acceptable time."""
    return _compared(case, _tracking(case))


def _compared(case: Case, got: dict[str, float]) -> list[str]:
    return [
        f"{key}: wanted {case[key]}, got {value}"
        for key, value in got.items()
        if key in case and abs(value - case[key]) > 1e-9
    ]


def _tracking(case: Case) -> dict[str, float]:
    target = case["acceptable_latency"] / case["mean_processing"]
    instances = case["instances"]
    backlog = backlog_per_instance(case["visible_messages"], instances)
    policy = TargetTracking(target, 0, _ANY_SIZE)
    points = PublishedPoints([backlog] * policy.points_needed)
    decision = policy.desired(points, current=instances, in_service=instances, warming=0)
    return {
        "target": target,
        "backlog_per_instance": backlog,
        "scale_out_by": decision.desired - instances,
        "new_capacity": decision.desired,
    }
