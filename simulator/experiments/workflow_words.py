"""What a report must know of workflows."""

import math
from collections.abc import Iterator

from simulator.analysis.answer import Consumer, Workflow
from simulator.experiments.traffic import amount, span
from simulator.scenario import workflow_shapes as shapes
from simulator.scenario.schema import Scenario
from simulator.scenario.workflows import quota

_KINDS = {"standard": "Standard workflow", "express": "Express workflow", "swf": "SWF workflow"}


def workflow_consumers(scenario: Scenario) -> Iterator[Consumer]:
    """Give what runs the executions of each workflow: the workflow itself."""
    for name, given in scenario.workflows.items():
        starts = _starts_per_s(scenario, given.kind)
        yield Consumer(
            path=f"workflows.{name}",
            kind="workflow",
            queue=f"workflows.{name}",
            settings=_settings(scenario, name),
            ceiling_per_s=starts,
            ceiling=f"{amount(starts)} StartExecution/s" if math.isfinite(starts) else "no limit",
            maximum=math.inf,
            limit_words={
                "transitions": f"{amount(_transitions_per_s(scenario))} transitions/s",
                "starts": f"{amount(starts)} starts/s",
                **_map_words(scenario, name),
            },
        )


def workflows_of(scenario: Scenario) -> tuple[Workflow, ...]:
    """Every workflow of a scenario."""
    return tuple(
        Workflow(
            path=f"workflows.{name}",
            settings=_settings(scenario, name),
            states=shapes.taking_time(scenario, name),
            transitions_per_s=_transitions_per_s(scenario) if given.kind == "standard" else math.nan,
        )
        for name, given in scenario.workflows.items()
    )


def _settings(scenario: Scenario, name: str) -> str:
    states = shapes.size(scenario, name)
    words = [_KINDS[scenario.workflows[name].kind], f"{states} {'state' if states == 1 else 'states'}"]
    for one in shapes.maps(scenario, name):
        words.append(f"{'distributed' if one.starts_per_s else 'inline'} Map, {one.at_once:,} at once")
    words += [f"{state}: token after {span(us)}" for state, us in shapes.tokens(scenario, name).items()]
    return ", ".join(words)


def _transitions_per_s(scenario: Scenario) -> float:
    refill = scenario.rules.value(quota(scenario, "sfn.transition_refill"))
    return math.inf if refill is None else float(refill)


def _starts_per_s(scenario: Scenario, kind: str) -> float:
    if kind == "swf":
        return math.inf
    name = "sfn.express_start_refill" if kind == "express" else quota(scenario, "sfn.start_refill")
    refill = scenario.rules.value(name)
    return math.inf if refill is None else float(refill)


def _map_words(scenario: Scenario, name: str) -> dict[str, str]:
    """Name the limits of a Map with their numbers, where the workflow has one only."""
    found = list(shapes.maps(scenario, name))
    if len(found) != 1:
        return {}
    words = {"map_concurrency": f"{found[0].at_once:,} iterations at once"}
    if found[0].starts_per_s:
        words["map_start_rate"] = f"{amount(found[0].starts_per_s)} children/s"
    return words
