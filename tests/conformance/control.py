"""Cases of alarms, scaling policies and retries, as far as the product has them: target tracking."""

from simulator.aws.cloudwatch.metrics import PublishedPoints
from simulator.aws.ec2.auto_scaling import TargetTracking, backlog_per_instance, capacity_change
from tests.conformance.running import Case, NotBuilt

_ANY_SIZE = 10**9
_BUILT = ("target_tracking", "target_rounding")


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``key: wanted ..., got ...``."""
    if case["kind"] not in _BUILT:
        raise NotBuilt(f"kind {case['kind']}")
    got = _rounding(case) if case["kind"] == "target_rounding" else _tracking(case)
    return [
        f"{key}: wanted {case[key]}, got {value}"
        for key, value in got.items()
        if key in case and abs(value - case[key]) > 1e-9
    ]


def _rounding(case: Case) -> dict[str, float]:
    return {"applied": capacity_change(case["exact_change"])}


def _tracking(case: Case) -> dict[str, float]:
    """The guide's example: the target is what an instance works off in the acceptable time."""
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
