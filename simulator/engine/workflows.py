"""Builds workflows: their lines first, then what takes executions through their states."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from simulator.aws.quotas import TokenBucket
from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.step_functions.rates import TransitionBucket
from simulator.aws.step_functions.states import Task
from simulator.engine.content import content_of
from simulator.engine.parts import Parts
from simulator.engine.taken import Taken, sampler
from simulator.processes.child_ways import FifoWay, QueueWay, TopicWay
from simulator.processes.children import SOURCE, Children, Send, Way
from simulator.processes.clock import Clock
from simulator.processes.executions import Decider, Pace, state_keys
from simulator.processes.fans import Fans, MapLimits
from simulator.processes.ledger import Ledger
from simulator.processes.state_walk import StateWalk
from simulator.processes.task_sends import TaskSend
from simulator.processes.task_workers import Crew
from simulator.processes.workflow_figures import WorkflowFigures
from simulator.processes.workflow_tasks import Met, Tasks
from simulator.processes.workflows import CallWay, StartCalls, StartTarget, StartWay, Workflow
from simulator.recording.recorder import Recorder
from simulator.sampling.distributions import Constant
from simulator.sampling.streams import name_key
from simulator.scenario import workflows as spec
from simulator.scenario.bodies import bodies_of
from simulator.scenario.filters import said_by
from simulator.scenario.invoked import state_paths
from simulator.scenario.schema import Scenario
from simulator.scenario.sends import ChildWords
from simulator.scenario.workflow_words import TaskWork

if TYPE_CHECKING:
    from simulator.engine.messaging import Messaging

_TASK_BYTES: Final = Constant(1024)
"""What a task sends, unless anybody says otherwise [bytes]."""


class Workflows:
    """The workflows of a run, in ``lines`` by name; they are made before what they call, and joined later."""

    def __init__(
        self,
        scenario: Scenario,
        things: Mapping[str, int],
        taken: Taken,
        clock: Clock,
        ledger: Ledger,
        recorder: Recorder,
    ) -> None:
        self._scenario = scenario
        self._things = things
        self._taken = taken
        self._clock = clock
        self._ledger = ledger
        self._recorder = recorder
        self.lines: dict[str, Workflow] = {}
        if scenario.workflows:
            self._words = ChildWords(scenario)
            self._starts: dict[bool, TokenBucket | None] = {}
            self._paces = self._paced()
            for name, given in scenario.workflows.items():
                self.lines[name] = self._line(name, given)

    # -- lines -----------------------------------------------------------------------------------------

    def _paced(self) -> dict[bool, Pace]:
        """How fast executions go, by whether they are Express."""
        taken, rule = self._taken, self._taken.rule

        def pace(kind: str, between: str, bucket: TransitionBucket | None) -> Pace:
            start = taken.durations(f"workflows/{kind}/start", taken.latency(f"sfn.lat.start_{kind}"))
            later = taken.durations("", Constant(rule(between)))
            return Pace(bucket, start, later, express=kind == "express")

        paces = {}
        kinds = {one.kind == "express" for one in self._scenario.workflows.values()} | {
            getattr(state, "express", False)
            for one in self._scenario.workflows.values()
            for state in one.machine(self._scenario).whole()
        }
        if False in kinds:
            depth, refill = (
                rule(spec.quota(self._scenario, f"sfn.transition_{one}")) for one in ("bucket", "refill")
            )
            bucket = None if depth is None or refill is None else TransitionBucket(int(refill), depth)
            paces[False] = pace("standard", "sfn.lat.transition", bucket)
        if True in kinds:
            paces[True] = pace("express", "sfn.lat.express_transition", None)
        return paces

    def _bucket(self, express: bool) -> TokenBucket | None:
        """The account's quota of StartExecution, shared by its workflows of one kind."""
        if express not in self._starts:
            names = ("sfn.express_start_bucket", "sfn.express_start_refill")
            if not express:
                names = (
                    spec.quota(self._scenario, "sfn.start_bucket"),
                    spec.quota(self._scenario, "sfn.start_refill"),
                )
            depth, refill = map(self._taken.rule, names)
            self._starts[express] = None if None in (depth, refill) else TokenBucket(int(refill), depth)
        return self._starts[express]

    def _line(self, name: str, given: spec.Workflow) -> Workflow:
        rule, machine = self._taken.rule, given.machine(self._scenario)
        express = given.kind == "express"
        pace = self._paces[express]
        if given.kind == "swf":
            pace = self._decided(name, given)
        lasts_us = rule("sfn.express_max_duration" if express else "sfn.max_duration")
        scenario = self._scenario
        return Workflow(
            self._clock,
            self._ledger,
            self._recorder,
            self._things[f"workflows.{name}"],
            machine,
            pace,
            None if given.kind == "swf" else self._bucket(express),
            most_events=None if express else rule("sfn.max_events"),
            lasts_us=min(lasts_us, machine.timeout_us or lasts_us),
            document=self._documents(name, given),
            latest_at=scenario.duration * (2 if scenario.after == "drain" else 1),
        )

    def _decided(self, name: str, given: spec.Workflow) -> Pace:
        """How fast SWF is: a decider decides on every state, and nothing else takes time."""
        decider = given.decider or spec.Decider()
        none = self._taken.durations("", Constant(0))
        lasts = self._taken.durations(f"workflows.{name}/decider", sampler(decider.work))
        return Pace(None, none, none, Decider(Crew(self._clock, decider.workers), lasts))

    def _documents(self, name: str, given: spec.Workflow) -> Callable[[str, int, int], Any]:
        """What executions begin with: the workflow's own input, or the body of what starts them."""
        if given.input is not None:
            own = self._drawn(f"workflows.{name}/input", given.input)
            return lambda source, combination, key: own(key)
        bodies = {
            source: [one.body for one in said_by(producer.said)]
            for source, producer in self._scenario.producers.items()
        }
        bodies[SOURCE] = [one.body for one in self._words.said]
        return lambda source, combination, key: (
            (bodies[source][combination] if source in bodies else None) or {}
        )

    def _drawn(self, source: str, body: Mapping[str, Any] | None) -> Callable[[int], Any]:
        """A document for each key: a body with its choices."""
        bodies = bodies_of(body)
        if len(bodies) == 1:
            return lambda key: bodies[0] or {}
        content = content_of(self._taken, source, _TASK_BYTES, None, {}, 0.0, body)
        return lambda key: bodies[int(content.combinations(np.array([key], dtype=np.uint64))[0])]

    def paths(self) -> Iterator[tuple[str, Workflow]]:
        """Every workflow with its path."""
        for name, line in self.lines.items():
            yield f"workflows.{name}", line

    # -- who starts them -------------------------------------------------------------------------------

    def calls(self, name: str) -> StartCalls:
        """Where a producer's calls go."""
        return StartCalls(self.lines[name])

    def target(self, name: str) -> StartTarget:
        """Where a service's events go."""
        return StartTarget(self.lines[name], self._taken.rule("sqs.max_message_bytes"))

    # -- what they do ----------------------------------------------------------------------------------

    def join(self, parts: Parts, messaging: "Messaging") -> dict[str, Send]:
        """Let the workflows call functions, send and start each other; give what they send, by path."""
        if not self.lines:
            return {}
        self._children = Children(parts.ledger, parts.recorder)
        self._messaging = messaging
        self._sends: dict[str, Send] = {}
        rule = self._taken.rule
        limits = MapLimits(
            rule("sfn.map.inline_concurrency"),
            rule("sfn.map.dist_concurrency"),
            int(rule("sfn.map.start_rate.standard")),
            int(rule("sfn.map.start_rate.express")),
        )
        for name, given in self._scenario.workflows.items():
            self._walk(name, given, limits)
        return self._sends

    def _walk(self, name: str, given: spec.Workflow, limits: MapLimits) -> None:
        line, taken, path = self.lines[name], self._taken, f"workflows.{name}"
        keys = state_keys(line.machine)
        thing = self._things[path]
        figures = WorkflowFigures(
            self._recorder,
            thing,
            {state: self._things[one] for state, one in state_paths(self._scenario, name).items()},
            line.limit_gauge,
        )
        crews = {of: Crew(self._clock, one.workers) for of, one in given.task_lists.items()}
        met = {
            state.name: self._met(path, state, given.task(state.name), crews)
            for state in line.machine.whole()
            if isinstance(state, Task)
        }
        fans = Fans(
            self._clock,
            figures,
            keys,
            taken.stream(f"{path}/items"),
            self._paces,
            limits,
            taken.rule("sfn.max_events"),
        )
        walk = StateWalk(
            self._clock,
            figures,
            keys,
            Tasks(self._clock, met),
            fans,
            choice_key=taken.stream(f"{path}/choice"),
            jitter_key=taken.stream(f"{path}/jitter"),
        )
        line.go_by(walk, figures)

    def _met(self, path: str, state: Task, said: TaskWork, crews: Mapping[str, Crew]) -> Met:
        """What a task meets."""
        call, stream = state.call, self._taken.stream
        stage = f"{path}.states.{state.name}"
        return Met(
            call=self._messaging.invocations.tasks[call.name] if call.kind == "function" else None,
            send=self._send(path, stage, state),
            starts=self.lines[call.name] if call.kind == "workflow" else None,
            crew=crews[call.name] if call.kind == "activity" else None,
            work=None if said.work is None else sampler(said.work),
            work_key=stream(f"{stage}/work"),
            answer=None if said.answer is None else sampler(said.answer),
            answer_key=stream(f"{stage}/answer"),
            unanswered=said.unanswered,
            heartbeats_us=said.heartbeats,
            failures=said.failures,
            failure_key=stream(f"{stage}/failure"),
            result=self._drawn(f"{stage}/result", said.result),
        )

    def _send(self, path: str, stage: str, state: Task) -> TaskSend | None:
        way = self._way(state)
        if way is None:
            return None
        made = self._sends[stage] = TaskSend(
            self._children,
            self._things[path],
            name_key(stage),
            [(1, 1.0)],
            0,
            content_of(self._taken, stage, _TASK_BYTES, None, {}, 0.0),
            way,
            inherits_group=True,
            bases=self._words.bases,
            rows=[[combination] for combination in self._words.plain],
        )
        return made

    def _way(self, state: Task) -> Way | None:
        kind, name = state.call.kind, state.call.name
        if kind == "function":
            return CallWay()
        if kind == "topic":
            return TopicWay(self._clock, self._messaging.topics[name])
        if kind == "workflow":
            return StartWay(self._clock, self.lines[name])
        if kind == "queue":
            dispatcher = self._messaging.dispatchers[name]
            if isinstance(dispatcher.queue, FifoQueue):
                way = FifoWay(self._clock, dispatcher, 1)
                self._messaging.inlets.append(way)
                return way
            return QueueWay(dispatcher, ahead=self._messaging.is_told_ahead(name))
        return None
