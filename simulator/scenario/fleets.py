"""What kinds of fleets there are: workers on instances, tasks or pods."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal

from simulator.scenario.auto_scaling import AutoScalingGroup
from simulator.scenario.deployments import Deployment
from simulator.scenario.ecs_services import EcsService

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

FLEETS: Final = ("auto_scaling_groups", "ecs_services", "deployments")
"""Sections of a scenario whose things are fleets, by the words of their paths."""

Fleet = AutoScalingGroup | EcsService | Deployment


def fleets(scenario: "Scenario") -> Iterator[tuple[str, str, Fleet]]:
    """Every fleet of a scenario: its section, name and self, in the order of their numbers."""
    for section in FLEETS:
        found: dict[str, Fleet] = getattr(scenario, section)
        for name, fleet in found.items():
            yield section, name, fleet


def grace_key(path: str) -> str:
    """The setting that says how long an instance of the fleet at *path* may finish its work."""
    keys = {"ecs_services": "stop_timeout", "deployments": "termination_grace_period"}
    return keys.get(path.partition(".")[0], "drain")


def size_key(fleet: Fleet, which: Literal["min", "max"]) -> str:
    """The setting that says how many instances a fleet has at least, or at most."""
    if not isinstance(fleet, Deployment):
        return f"capacity.{which}"
    return "replicas" if fleet.keda is None else f"keda.{which}_replicas"
