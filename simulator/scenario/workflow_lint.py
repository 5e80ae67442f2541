"""What is allowed in a workflow and hurts."""

from collections.abc import Iterator
from typing import Final

from simulator.aws.step_functions import history
from simulator.aws.step_functions.retries import matches
from simulator.aws.step_functions.states import NEVER_US, Machine, Map, State, Task, Wait
from simulator.scenario.distributions import mean_of
from simulator.scenario.problems import Finding
from simulator.scenario.schema import Scenario
from simulator.scenario.units import write_duration, write_share
from simulator.scenario.workflows import Workflow

_THROTTLED: Final = "Lambda.TooManyRequestsException"


def workflow_warnings(scenario: Scenario) -> Iterator[Finding]:
    """Give every warning about workflows."""
    for name, workflow in scenario.workflows.items():
        machine, findings, places = workflow.read(scenario)
        if findings:
            continue
        for state in machine.whole():
            path = ("workflows", name, *places[state.name])
            for message in _of_state(scenario, workflow, state):
                yield Finding(path, message)


def _of_state(scenario: Scenario, workflow: Workflow, state: State) -> Iterator[str]:
    if isinstance(state, Task):
        said = workflow.task(state.name)
        if said.unanswered and state.timeout_us == NEVER_US and state.heartbeat_us is None:
            open_for = write_duration(scenario.rules.value("sfn.max_duration"))
            yield (
                f"has neither a time-out nor a heartbeat, and {write_share(said.unanswered)} of its tokens "
                f"never come back: such an execution stays open for {open_for}"
            )
        covered = any(matches(one.errors, _THROTTLED) for one in state.retriers)
        caught = any(one.catches(_THROTTLED) for one in state.catchers)
        if state.call.kind == "function" and not covered and not caught:
            yield f"neither retries nor catches {_THROTTLED}: one throttled call fails the execution"
    if workflow.kind == "express":
        yield from _longer_than_express(scenario, workflow, state)
    else:
        yield from _history(scenario, state)


def _longer_than_express(scenario: Scenario, workflow: Workflow, state: State) -> Iterator[str]:
    most = scenario.rules.value("sfn.express_max_duration")
    lasts = 0.0
    if isinstance(state, Wait):
        lasts = state.duration_us or 0
    elif isinstance(state, Task) and (work := workflow.task(state.name).work) is not None:
        lasts = mean_of(work)
    if lasts >= most:
        yield f"lasts {write_duration(round(lasts))}: an Express execution fails after {write_duration(most)}"


def _history(scenario: Scenario, state: State) -> Iterator[str]:
    """Inline Maps that write more than one history takes, whatever else the execution does."""
    most = scenario.rules.value("sfn.max_events")
    if most is None or not isinstance(state, Map) or state.distributed or not state.counts:
        return
    items = max(count for count, share in state.counts if share)
    events = items * (history.ITERATION + _least_events(state.processor))
    if events > most:
        yield (
            f"writes {events:,} events and more for its {items:,} items; an execution fails at {most:,}: "
            "distributed, each child has a history of its own"
        )


def _least_events(machine: Machine) -> int:
    """Events of the first state, which every iteration writes."""
    state = machine.states[machine.start]
    tries = history.of_try(state.call) if isinstance(state, Task) else 0
    return history.entered(state) + tries + history.exited(state)
