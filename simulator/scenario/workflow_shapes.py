"""What a report says of the states of a workflow: those that take time, its Maps, its task tokens."""

from collections.abc import Iterator
from typing import NamedTuple

from simulator.aws.step_functions.states import Map, Task, Wait
from simulator.scenario.distributions import mean_of
from simulator.scenario.invoked import state_paths
from simulator.scenario.schema import Scenario


class MapShape(NamedTuple):
    """A Map: how many iterations run at once, children started a second (0: inline)."""

    name: str
    at_once: int
    starts_per_s: int


def taking_time(scenario: Scenario, name: str) -> dict[str, str]:
    """Give the names of the tasks and waits of a workflow by their paths."""
    paths = state_paths(scenario, name)
    states = scenario.workflows[name].machine(scenario).whole()
    return {paths[state.name]: state.name for state in states if isinstance(state, Task | Wait)}


def maps(scenario: Scenario, name: str) -> Iterator[MapShape]:
    """Give the Maps of a workflow."""
    value = scenario.rules.value
    for state in scenario.workflows[name].machine(scenario).whole():
        if isinstance(state, Map):
            most = value("sfn.map.dist_concurrency" if state.distributed else "sfn.map.inline_concurrency")
            rule = f"sfn.map.start_rate.{'express' if state.express else 'standard'}"
            starts_per_s = int(value(rule)) if state.distributed else 0
            yield MapShape(state.name, min(state.max_concurrency or most, most), starts_per_s)


def tokens(scenario: Scenario, name: str) -> dict[str, float]:
    """Give the mean time until the token of each task comes back [us], by the name of its state."""
    given = scenario.workflows[name]
    return {
        state.name: mean_of(answer)
        for state in given.machine(scenario).whole()
        if isinstance(state, Task) and state.call.pattern == "callback"
        for answer in (given.task(state.name).answer,)
        if answer is not None
    }


def size(scenario: Scenario, name: str) -> int:
    """Give the number of states of a workflow."""
    return len(state_paths(scenario, name))
