"""Workflows of Step Functions and SWF: state machines, in own words or in Amazon States Language."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from simulator.aws.step_functions.rates import LARGE_REGIONS
from simulator.aws.step_functions.states import Call, Choice, Data, Machine, Map, State, Task
from simulator.aws.step_functions.trial import Trial
from simulator.scenario.asl import Stated, read_definition
from simulator.scenario.bodies import Body, Shares, bodies_of
from simulator.scenario.distributions import TimeDistribution
from simulator.scenario.problems import Finding, nearest_or_known, refuse
from simulator.scenario.reading import KeyPath
from simulator.scenario.spec import Spec, option, required
from simulator.scenario.units import Count, Duration, Name, Size, kind_of
from simulator.scenario.workflow_states import OwnWords
from simulator.scenario.workflow_words import ItemCounts, StateName, Step, TaskWork

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

_NO_WORK = TaskWork.model_construct(
    function=None, queue=None, topic=None, workflow=None, work=None, failures={}, answer=None, unanswered=0.0,
    heartbeats=None, result=None,
)  # fmt: skip
_THINGS: Final[tuple[Literal["function", "queue", "topic", "workflow"], ...]] = (
    "function",
    "queue",
    "topic",
    "workflow",
)
_SECTIONS: Final[Mapping[str, str]] = {
    "function": "functions",
    "queue": "queues",
    "topic": "topics",
    "workflow": "workflows",
}


def _definition(value: object) -> object:
    if not isinstance(value, Mapping | str):
        raise refuse(f"is {kind_of(value)}; a file of Amazon States Language or its map is due")
    return value


DefinitionText = Annotated[
    Any, BeforeValidator(_definition), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]})
]


class Branch(Spec):
    """States of a branch of `parallel`, or of what `map` runs for each item."""

    states: dict[StateName, Step] = required("its states, the first one first", what="map of states")


class Workers(Spec):
    """Workers who poll a task list of SWF, or an activity of Step Functions."""

    workers: Count = required("tasks worked at once", low="1", high="100k")


class Decider(Spec):
    """Who decides in SWF: after each event a decision task waits for one of its workers."""

    workers: Count = option("decisions worked at once", default=1, low="1", high="100k")
    work: TimeDistribution = option("how long a decision takes", default="20ms")


class Workflow(Spec):
    """A state machine of Step Functions, or a workflow of SWF; a message to it starts an execution."""

    kind: Literal["standard", "express", "swf"] = option(
        "`standard`, `express`, or `swf`: a decider and task lists", default="standard"
    )
    definition: DefinitionText | None = option(
        "a file of Amazon States Language (JSON), or its map; else `states`", what="a file, or a map"
    )
    states: dict[StateName, Step] = option(
        "its states, the first one first", default={}, what="map of states"
    )
    branches: dict[Name, Branch] = option("what `parallel` and `map` run", default={})
    timeout: Duration | None = option(
        "of an execution (TimeoutSeconds); with `states`", low="1s", high="366d"
    )
    input: Body | None = option(
        "what an execution begins with: a small JSON object as a producer's `body`; the body of the message "
        "that started it if left out",
        what="map",
    )
    tasks: dict[StateName, TaskWork] = option(
        "beside a definition: what its tasks meet, by the names of the states",
        default={},
        what="map of states",
    )
    shares: dict[StateName, Shares] = option(
        "beside a definition: next states of a Choice with their shares, instead of its rules",
        default={},
        what="map of states to maps of states to shares",
    )
    items: dict[StateName, ItemCounts] = option(
        "beside a definition: items of a Map, a number or numbers with shares, instead of those in the data",
        default={},
        what="map of states to numbers",
    )
    item_size: Size = option(
        "beside a definition: size of an item, for batches by bytes", default="1KiB", low="1B", high="256KiB"
    )
    task_lists: dict[Name, Workers] = option("task lists of SWF, activities of Step Functions", default={})
    decider: Decider | None = option("`swf` only: who decides")

    @model_validator(mode="after")
    def _written_once(self) -> "Workflow":
        if (self.definition is None) == (not self.states):
            raise refuse(
                "has both definition and states" if self.states else "has neither definition nor states"
            )
        beside = ("tasks", "shares", "items")
        for key in beside if self.states else ("branches", "timeout"):
            if getattr(self, key):
                other = (
                    "states, which say it themselves" if self.states else "a definition, which says it itself"
                )
                raise refuse(Finding((key,), f"cannot stand beside {other}"))
        if self.decider is not None and self.kind != "swf":
            raise refuse(Finding(("decider",), f"is for kind: swf; this is {self.kind}"))
        if self.kind == "swf" and self.definition is not None:
            raise refuse(Finding(("definition",), "cannot be: SWF has no language of states; write `states`"))
        return self

    def task(self, name: str) -> TaskWork:
        """Give what state *name* meets when it is run."""
        if name in self.states:
            return self.states[name]
        for branch in self.branches.values():
            if name in branch.states:
                return branch.states[name]
        return self.tasks.get(name, _NO_WORK)

    def machine(self, scenario: "Scenario | None" = None) -> Machine:
        """Give its state machine, whose calls mean things of *scenario*; it has no findings."""
        return self.read(scenario)[0]

    def read(self, scenario: "Scenario | None" = None) -> tuple[Machine, list[Finding], dict[str, KeyPath]]:
        """Give the machine, what is wrong with it below the workflow, and the place of each state."""

        def call(name: str, written: Call) -> Call:
            return self._meant(name, written, scenario)

        if self.states:
            branches = {name: branch.states for name, branch in self.branches.items()}
            own = OwnWords(branches, call)
            machine = own.whole(self.states, self.timeout)
            return machine, own.findings, dict(own.places)
        if not isinstance(self.definition, Mapping):
            return Machine("", {}), [], {}  # a file that could not be read, which is reported elsewhere
        stated = Stated(self.shares, self.items, dict.fromkeys(self.items, self.item_size), call)
        found = read_definition(self.definition, stated)
        findings = [Finding(("definition", *one.path), one.message) for one in found.findings]
        return found.machine, findings, {name: ("definition", *path) for name, path in found.places.items()}

    def _meant(self, name: str, written: Call, scenario: "Scenario | None") -> Call:
        """Give the thing that a call means: what is stated for the task, or the thing of that name."""
        said = self.task(name)
        for kind in _THINGS:
            if (thing := getattr(said, kind)) is not None:
                return dataclasses.replace(written, kind=kind, name=thing)
        section = _SECTIONS.get(written.kind)
        if section is None or said.work is None:
            return written
        if scenario is not None and written.name in getattr(scenario, section, {}):
            return written
        return dataclasses.replace(written, kind="service")


def workflow_findings(scenario: "Scenario", reference: Callable[..., Iterator[Finding]]) -> Iterator[Finding]:
    """Give what is wrong with workflows; *reference* checks that a name is known: path, name, sections."""
    for name, workflow in scenario.workflows.items():
        path = ("workflows", name)
        machine, findings, places = workflow.read(scenario)
        for one in findings:
            yield Finding((*path, *one.path), one.message)
        if findings or not places:
            continue
        yield from _stated(workflow, machine, path)
        for state in machine.whole():
            place = (*path, *places[state.name])
            if isinstance(state, Task):
                yield from _task(workflow, state, place, path, reference)
            yield from _kind(workflow, state, place)
        if machine.follows_data:
            yield from _failed(scenario, name, machine, places)


def called(scenario: "Scenario", kind: str) -> set[str]:
    """Give the things of a kind (function, queue, topic, workflow) that tasks of any workflow call."""
    return {
        state.call.name
        for workflow in scenario.workflows.values()
        for state in workflow.machine(scenario).whole()
        if isinstance(state, Task) and state.call.kind == kind
    }


def quota(scenario: "Scenario", stem: str) -> str:
    """Give the name of the rule with a quota of Step Functions in the scenario's region, by its stem."""
    return f"{stem}.{'large' if scenario.region in LARGE_REGIONS else 'other'}"


def inputs(scenario: "Scenario", name: str) -> list[Any]:
    """Give the documents that executions of workflow *name* begin with, as far as they are known ahead."""
    workflow = scenario.workflows[name]
    if workflow.input is not None:
        return bodies_of(workflow.input)
    bodies = [
        body
        for producer in scenario.producers.values()
        if producer.target == name and producer.source is None
        for body in bodies_of(producer.message.body)
    ]
    return [{} if body is None else body for body in bodies]


def _failed(
    scenario: "Scenario", name: str, machine: Machine, places: Mapping[str, KeyPath]
) -> Iterator[Finding]:
    """States that what an execution carries fails: a variable that is not there, items that are none."""
    workflow = scenario.workflows[name]

    def results(state: str) -> list[Any]:
        return [{} if body is None else body for body in bodies_of(workflow.task(state).result)]

    trial = Trial(results)
    for document in inputs(scenario, name):
        trial.walk(machine, Data(document))
    for state, error in trial.failed.items():
        where = f"workflows.{name}" if workflow.states else f"workflows.{name}.tasks"
        message = f"would fail with {error.error}: {error.cause}; state the input, or a result in {where}"
        yield Finding(("workflows", name, *places[state]), message)


def _stated(workflow: Workflow, machine: Machine, path: tuple[str, ...]) -> Iterator[Finding]:
    """What is said of states that are not there, or are of another type."""
    states = {state.name: state for state in machine.whole()}
    for key, type_ in (("tasks", Task), ("shares", Choice), ("items", Map)):
        for name in getattr(workflow, key):
            if name not in states:
                yield Finding(
                    (*path, key, name), f"is no state of the definition; {nearest_or_known(name, states)}"
                )
            elif not isinstance(states[name], type_):
                kind = type(states[name]).__name__
                yield Finding(
                    (*path, key, name), f"is a state of type {kind}; of type {type_.__name__} is due"
                )
    for name, shares in workflow.shares.items():
        choice = states.get(name)
        if isinstance(choice, Choice):
            targets = {target for _, target in choice.rules} | {choice.default} - {None}
            known = sorted(target for target in targets if target)
            for target in shares:
                if target not in known:
                    message = f"does not come after {name}; {nearest_or_known(target, known)}"
                    yield Finding((*path, "shares", name, target), message)


def _task(
    workflow: Workflow,
    task: Task,
    place: tuple[str | int, ...],
    path: tuple[str, ...],
    reference: Callable[..., Iterator[Finding]],
) -> Iterator[Finding]:
    call, said = task.call, workflow.task(task.name)
    written = bool(workflow.states)
    at = place if written else (*path, "tasks", task.name)
    if call.kind in _SECTIONS:
        if not call.name:
            message = (
                f"calls a {call.kind} that is known only when it runs; state tasks.{task.name}.{call.kind}"
            )
            yield Finding(place, message)
        elif written or getattr(said, call.kind) is not None:
            yield from reference((*at, call.kind), call.name, _SECTIONS[call.kind])
        else:
            for found in reference(place, call.name, _SECTIONS[call.kind]):
                kind = call.kind
                message = (
                    f"calls {found.message.removeprefix('is ')}; or state tasks.{task.name}.{kind} or .work"
                )
                yield Finding(place, message)
    elif call.kind == "activity":
        if call.name not in workflow.task_lists:
            hint = nearest_or_known(call.name, workflow.task_lists)
            yield Finding(place, f"is worked by {call.name}; there is no such list in task_lists, {hint}")
        if said.work is None:
            yield Finding(at, "has no work: how long a worker takes for it")
    elif said.work is None and call.pattern != "callback":
        what = call.name or "a service"
        yield Finding(
            at if written or task.name in workflow.tasks else place,
            f"has no work: state how long {what} takes (tasks.{task.name}.work)",
        )
    if call.pattern == "callback" and said.answer is None:
        yield Finding(
            at if task.name in workflow.tasks or written else place,
            f"has no answer: state when its token comes back (tasks.{task.name}.answer)",
        )
    if call.pattern != "callback" and (said.answer is not None or said.unanswered or said.heartbeats):
        yield Finding(at, "has an answer, but waits for no task token")


def _kind(workflow: Workflow, state: State, place: tuple[str | int, ...]) -> Iterator[Finding]:
    """What a kind of workflow cannot have."""
    if workflow.kind == "express":
        if isinstance(state, Task) and (
            state.call.pattern != "request_response" or state.call.kind == "activity"
        ):
            what = "an activity" if state.call.kind == "activity" else f"the pattern {state.call.pattern}"
            yield Finding(place, f"has {what}; an Express workflow waits for answers of calls only")
        if isinstance(state, Map) and state.distributed:
            yield Finding(place, "is a distributed Map; an Express workflow has none")
    if workflow.kind == "swf":
        if isinstance(state, Task) and state.call.kind != "activity":
            yield Finding(place, "is no activity; in SWF workers of task lists do everything")
        if isinstance(state, Map) and state.distributed:
            yield Finding(place, "is a distributed Map; SWF has none")
