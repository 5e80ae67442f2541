"""Checks of fleets against the rest of a scenario: their queues, their policies, what AWS refuses."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from simulator.scenario import scaling
from simulator.scenario.alarm_checks import metric_problem
from simulator.scenario.alarms import unit_of
from simulator.scenario.deployments import Deployment
from simulator.scenario.fleets import Fleet, fleets
from simulator.scenario.problems import Finding, nearest_or_known, shown
from simulator.scenario.schema import Scenario
from simulator.scenario.units import SHARE

Reference = Callable[..., Iterator[Finding]]
Path = tuple[str, ...]
_MOST_STEPS: Final = 20
_FARGATE_CPUS: Final = (0.25, 0.5, 1, 2, 4, 8, 16)


def fleet_findings(scenario: Scenario, reference: Reference) -> Iterator[Finding]:
    """Find everything that is wrong with the groups, services and deployments of *scenario*.

    ``reference(path, name, sections...)`` finds that there is no such thing.
    """
    for section, name, fleet in fleets(scenario):
        path = (section, name)
        if fleet.priority is None:
            yield from reference((*path, "queue"), fleet.queues[0], "queues")
        else:
            for queue in fleet.queues:
                yield from reference((*path, "priority"), queue, "queues")
        for queue in fleet.work_by_queue:
            if queue not in fleet.queues:
                message = f"is no queue that {name} polls; {nearest_or_known(queue, fleet.queues)}"
                yield Finding((*path, "work_by_queue", queue), message)
        yield from _kind(path, fleet)
        if not isinstance(fleet, Deployment):
            for key, policy in fleet.declared.items():
                yield from _policy(scenario, (*path, "policies", key), policy, fleet, reference)


def _kind(path: Path, fleet: Fleet) -> Iterator[Finding]:
    """What only one kind of fleet can have wrong."""
    termination = getattr(fleet, "termination", None)
    if termination == ():
        yield Finding(
            (*path, "termination"), "is empty; give at least one termination policy, such as Default"
        )
    cpu = getattr(fleet, "cpu", None)
    if cpu is not None and cpu not in _FARGATE_CPUS:
        known = ", ".join(f"{one:g}" for one in _FARGATE_CPUS)
        yield Finding((*path, "cpu"), f"is {cpu:g}; Fargate allows {known}")


def _policy(
    scenario: Scenario,
    path: Path,
    policy: scaling.Policy | scaling.ServicePolicy,
    fleet: Fleet,
    reference: Reference,
) -> Iterator[Finding]:
    if policy.target_tracking is not None:
        tracking = policy.target_tracking
        yield from _metric(scenario, (*path, "target_tracking", "metric"), tracking.metric)
        yield from _share((*path, "target_tracking", "target"), tracking.metric, tracking.target)
    for kind in ("step_scaling", "simple_scaling"):
        trigger = getattr(policy, kind, None)
        if isinstance(trigger, scaling.Trigger):
            if trigger.alarm is not None:
                yield from reference((*path, kind, "alarm"), trigger.alarm, "alarms")
            elif trigger.metric is not None:
                yield from _metric(scenario, (*path, kind, "metric"), trigger.metric)
                side = "above" if trigger.above is not None else "below"
                yield from _share((*path, kind, side), trigger.metric, trigger.threshold)
        if isinstance(trigger, scaling.StepScaling) and (message := _steps(trigger.steps)):
            yield Finding((*path, kind, "steps"), message)
    action = policy.scheduled
    if action is not None:
        low = fleet.capacity.min if action.min is None else action.min
        high = fleet.capacity.max if action.max is None else action.max
        if low > high:
            yield Finding(
                (*path, "scheduled"), f"sets min to {low} and max to {high}; min must not be above max"
            )


def _metric(scenario: Scenario, path: Path, metric: str) -> Iterator[Finding]:
    if metric in scaling.OWN_METRICS:
        return
    if "." not in metric:
        yield Finding(path, f"is {shown(metric)}; {nearest_or_known(metric, scaling.OWN_METRICS)}")
    elif message := metric_problem(metric, scenario):
        yield Finding(path, message)


def _share(path: Path, metric: str, value: float) -> Iterator[Finding]:
    """A share lies between 0 and 1: 80 of it would never come."""
    if unit_of(metric) == SHARE.name and value > 1:
        yield Finding(path, f"is {value:g}; {metric} is a share of the workers, allowed: 0 to 1, such as 0.8")


def _steps(steps: tuple[scaling.Step, ...]) -> str:
    """Say what is wrong with steps; "" if nothing is."""
    if not 0 < len(steps) <= _MOST_STEPS:
        return f"has {len(steps)} steps; AWS allows 1 to {_MOST_STEPS}"
    spans = sorted(
        (-math.inf if one.lower is None else one.lower, math.inf if one.upper is None else one.upper)
        for one in steps
    )
    for low, high in spans:
        if low >= high:
            return f"has a step from {low:g} to {high:g}, which is empty"
    for (_, high), (low, _) in pairwise(spans):
        if low < high:
            return f"has steps that overlap between {low:g} and {high:g}"
        if low > high:
            return f"has a gap between {high:g} and {low:g}; AWS takes steps that join"
    return ""
