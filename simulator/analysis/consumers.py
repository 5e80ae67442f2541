"""Who consumes what in a scenario: event sources of functions, functions called directly, and fleets."""

from collections.abc import Iterator
from typing import NamedTuple

from simulator.scenario import fleets as specs
from simulator.scenario.access import failing
from simulator.scenario.endpoints import endpoint_lines
from simulator.scenario.invoked import lines
from simulator.scenario.schema import Scenario


class Fleet(NamedTuple):
    """Instances, tasks or pods with their place in the scenario."""

    path: str
    workers: specs.Fleet


def fleets(scenario: Scenario) -> Iterator[Fleet]:
    """Every fleet of a scenario, of whatever kind."""
    for section, name, workers in specs.fleets(scenario):
        yield Fleet(f"{section}.{name}", workers)


def fleet_of(scenario: Scenario, path: str) -> specs.Fleet | None:
    """The fleet that stands at *path*; None if it is something else."""
    return next((fleet.workers for fleet in fleets(scenario) if fleet.path == path), None)


def queue_of(scenario: Scenario) -> dict[str, str]:
    """The path of the queue that each consumer takes from, by its path.

    Of a fleet that polls several it is the first. Events that a function gets without a queue, and messages
    to an endpoint that is no queue, have one path for both: where they wait, and what takes them.
    """
    found = {
        f"functions.{name}.event_sources.{queue}": f"queues.{queue}"
        for name, function in scenario.functions.items()
        for queue in function.event_sources
    }
    found |= {fleet.path: f"queues.{fleet.workers.queues[0]}" for fleet in fleets(scenario)}
    found |= {path: path for path, _ in lines(scenario)}
    found |= {path: path for path, _, _ in endpoint_lines(scenario)}
    found |= {f"workflows.{name}": f"workflows.{name}" for name in scenario.workflows}
    return found | {path: path for path in failing(scenario)}


def takers_of(scenario: Scenario, queue: str) -> set[str]:
    """Paths of all consumers that take from a queue (its name)."""
    sources = {f"functions.{name}.event_sources.{queue}" for name in scenario.functions}
    polling = {fleet.path for fleet in fleets(scenario) if queue in fleet.workers.queues}
    return {path for path in queue_of(scenario) if path in sources} | polling
