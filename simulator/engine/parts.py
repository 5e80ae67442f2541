"""What every builder of a part of a run is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from simulator.engine.downstreams import Downstreams
from simulator.engine.taken import Taken, sampler
from simulator.engine.work import chances_of, work_of
from simulator.processes.alarms import Alarms
from simulator.processes.clock import Clock
from simulator.processes.cloudwatch import Metrics
from simulator.processes.conditions import Conditions
from simulator.processes.draws import Work
from simulator.processes.ledger import Ledger
from simulator.processes.open_polls import OpenPolls
from simulator.processes.queues import Consumer, Dispatcher
from simulator.processes.topics import Topic
from simulator.recording.recorder import Recorder
from simulator.scenario import work as spec
from simulator.scenario.downstreams import Calls
from simulator.scenario.faults import troubled
from simulator.scenario.schema import Scenario


@dataclass(frozen=True)
class Parts:
    """The run that is being built: its scenario, numbers of its things, clock, books and queues."""

    scenario: Scenario
    things: Mapping[str, int]
    taken: Taken
    clock: Clock
    ledger: Ledger
    recorder: Recorder
    dispatchers: Mapping[str, Dispatcher]
    metrics: Metrics
    alarms: Alarms
    topics: Mapping[str, Topic]
    conditions: dict[str, Conditions] = field(default_factory=dict)
    """Of the consumers and downstreams whose conditions change, by their paths."""

    def conditions_of(self, path: str) -> Conditions | None:
        """The conditions of a consumer or a downstream; None where no fault ever changes them."""
        if path not in self.conditions and path in troubled(self.scenario.faults):
            self.conditions[path] = Conditions()
        return self.conditions.get(path)

    def work(
        self,
        queue: str,
        work: spec.Work,
        failures: spec.Failures,
        conditions: Conditions | None = None,
        caller: tuple[str, Calls] | None = None,
    ) -> Work:
        """Work and failures are streams of the queue: another consumer meets the same.

        *caller* is a consumer that may call downstreams: its path and what it is.
        """
        stream = self.taken.stream
        made = Work(
            self.ledger,
            work_of(self.scenario, work.per_message),
            sampler(work.per_invocation),
            chances_of(self.scenario, failures),
            stream(f"{queue}/work"),
            stream(f"{queue}/failure"),
            stream(f"{queue}/invocation"),
            conditions,
            stream(f"{queue}/fault"),
        )
        if caller is not None:
            made.called = self.downstreams.called(caller[0], queue, caller[1])
        return made

    @cached_property
    def downstreams(self) -> Downstreams:
        """What consumers call."""
        return Downstreams(self)

    def add_consumer(self, queue: str, consumer: Consumer, wait_us: int) -> None:
        """Let *consumer* poll *queue* from now on, with long polls of *wait_us*."""
        dispatcher = self.dispatchers[queue]
        polls = OpenPolls(self.recorder, dispatcher.thing, consumer.thing, wait_us)
        dispatcher.polls[len(dispatcher.consumers)] = polls
        dispatcher.consumers.append(consumer)
