"""Cases of scaling policies: target tracking, steps, and how both round."""

from collections.abc import Callable
from typing import Final

from simulator.aws.cloudwatch.metrics import PublishedPoints
from simulator.aws.ec2.step_scaling import Adjustment, Step, StepScaling, adjusted, whole_change
from simulator.aws.ec2.target_tracking import TargetTracking, backlog_per_instance, capacity_change
from tests.conformance.running import Case

_ANY_SIZE = 10**9


def _compared(got: Callable[[Case], dict[str, float]]) -> Callable[[Case], list[str]]:
    """A runner that compares the numbers *got* of a case with those it names."""
    return lambda case: [
        f"{key}: wanted {case[key]}, got {value}"
        for key, value in got(case).items()
        if key in case and abs(value - case[key]) > 1e-9
    ]


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


def _step_sequence(case: Case) -> list[str]:
    """Breaches one after another, each when the instances of the one before are warm."""
    adjustment = Adjustment(case["adjustment"])
    policies = {
        direction: StepScaling([Step(*step) for step in case[steps]], adjustment, 0, _ANY_SIZE)
        for direction, steps in (("out", "out_steps"), ("in", "in_steps"))
    }
    failures = []
    capacity = case["start_capacity"]
    for point in case["sequence"]:
        direction = "out" if point["metric"] > case["threshold_out"] else "in"
        breach = point["metric"] - case[f"threshold_{direction}"]
        capacity = policies[direction].desired(breach, capacity, 0)
        if capacity != point["capacity"]:
            failures.append(f"metric {point['metric']}: wanted {point['capacity']}, got {capacity}")
    return failures


def _min_adjustment(case: Case) -> dict[str, float]:
    least, capacity = case["min_adjustment_magnitude"], case["capacity"]
    return {"added": adjusted(capacity, Adjustment.PERCENT, case["percent"], least) - capacity}


RUNNERS: Final[dict[str, Callable[[Case], list[str]]]] = {
    "target_tracking": _compared(_tracking),
    "target_rounding": _compared(lambda case: {"applied": capacity_change(case["exact_change"])}),
    "step_sequence": _step_sequence,
    "step_rounding": _compared(lambda case: {"applied": whole_change(case["exact"])}),
    "min_adjustment": _compared(_min_adjustment),
    "adjustment_type": _compared(
        lambda case: {"result": adjusted(case["capacity"], Adjustment(case["type"]), case["adjustment"])}
    ),
}
