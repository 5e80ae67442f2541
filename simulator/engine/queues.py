"""Builds queues, what is in them when a run starts, and the ways into them."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from simulator.aws.sqs.fair import FairQueue
from simulator.aws.sqs.fifo import FifoQueue
from simulator.engine.brokers import Brokers
from simulator.engine.content import content_of
from simulator.engine.fair_queues import fair_queue
from simulator.engine.fifo import count_idle_polls, fifo_queue
from simulator.engine.standard_queues import misses, short_polled, standard_queue
from simulator.engine.taken import Taken
from simulator.processes.ages import AgeGauge
from simulator.processes.clock import Clock
from simulator.processes.inlets import FifoInlet, StandardInlet
from simulator.processes.ledger import Ledger
from simulator.processes.queues import Dispatcher, Queue
from simulator.processes.redrive import RedriveTask
from simulator.processes.tenants import TenantGauges
from simulator.processes.topics import Inlet, Way
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Outcome
from simulator.sampling.distributions import Constant
from simulator.sampling.streams import message_keys
from simulator.scenario import messaging as specs
from simulator.scenario import redrive as redrives
from simulator.scenario.schema import Scenario

_STANDING_BYTES: Final = Constant(1024)  # a standing backlog says nothing about sizes


class Queues:
    """The queues of a run.

    Attributes
    ----------
    dispatchers : dict
        By queue name.
    inlets : list
        Every way into a queue for messages that are under way.
    ages : list
        What is read off every queue.
    tenants : list
        What is read off the fair queues.
    redrive_tasks : list
        What moves messages from one queue to another.
    brokers : Brokers
        Those of Amazon MQ.
    """

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
        self.inlets: list[Way] = []
        self._standard_inlets: dict[str, StandardInlet] = {}
        self.tenants: list[TenantGauges] = []
        self.ages: list[AgeGauge] = []
        self.brokers = Brokers(scenario, things, taken, clock, ledger, recorder)
        self.dispatchers = {name: self._dispatcher(name, queue) for name, queue in scenario.queues.items()}
        self.brokers.join(self.dispatchers)
        for name, queue in scenario.queues.items():
            if queue.redrive is not None:
                self.dispatchers[name].dead_letters = self.dispatchers[queue.redrive.queue]
        for dispatcher in self.dispatchers.values():
            count_idle_polls(taken, dispatcher)
        self.redrive_tasks = [self._redrive_task(task) for task in scenario.redrive_tasks.values()]
        for name, queue in scenario.queues.items():
            if queue.backlog is not None:
                self._stand(name, queue.backlog)
        ledger.standing = ledger.messages

    def _dispatcher(self, name: str, queue: specs.Queue) -> Dispatcher:
        if queue.broker is not None:
            made = self.brokers.queue(name, queue)
            self.ages.append(AgeGauge(made, self._recorder, self._taken.rule("cw.period")))
            return made
        rule = self._taken.rule
        redrive = queue.redrive
        common: dict[str, Any] = {
            "visibility_timeout_us": queue.visibility_timeout,
            "retention_us": queue.retention,
            "delay_us": queue.delay,
            "max_receive_count": redrive.max_receive_count if redrive else None,
        }
        model: Queue
        if queue.type == "fifo":
            region = self._scenario.region
            model = fifo_queue(self._taken, common, high_throughput=queue.high_throughput, region=region)
        elif queue.fair:
            model = fair_queue(common, self._taken, self._ledger)
        else:
            short = short_polled(self._scenario, name)
            model = standard_queue(name, common, self._taken, short_polled=short)
        stale = queue.type == "standard" and rule("sqs.model.p_stale_delete_works") > 0
        path = f"queues.{name}"
        dispatcher = Dispatcher(
            self._clock,
            model,
            self._things[path],
            self._ledger,
            self._recorder,
            self._taken.calls(f"{name}/waiter").next,
            self._taken.calls(f"{name}/stale").next if stale else None,
        )
        if queue.type == "standard":
            dispatcher.unlocked, dispatcher.undeleted = misses(name, self._taken)
        self.ages.append(AgeGauge(dispatcher, self._recorder, rule("cw.period")))
        if isinstance(model, FairQueue):
            self.tenants.append(TenantGauges(self._clock, model, self._things[path], self._recorder))
        return dispatcher

    def _redrive_task(self, task: redrives.RedriveTask) -> RedriveTask:
        destination = None if task.destination is None else self.dispatchers[task.destination]
        source = self.dispatchers[task.source]
        return RedriveTask(self._clock, source, destination, task.at, int(task.rate))

    def _stand(self, name: str, backlog: specs.Backlog) -> None:
        """A standing backlog was sent evenly over the time before the run."""
        n = backlog.messages
        if not n:
            return
        source = f"queues.{name}/backlog"
        keys = message_keys(source, 0, n)
        sent_at = -backlog.age + np.arange(n, dtype=np.int64) * backlog.age // n
        content = content_of(self._taken, source, _STANDING_BYTES, backlog.group, backlog.attributes, 0.0)
        groups, combinations = content.groups(keys), content.combinations(keys)
        poison = content.poisoned(keys)
        block = self._ledger.add_messages(source, 0, sent_at, groups, combinations, poison)
        dispatcher = self.dispatchers[name]
        numbers = np.arange(block.first, block.end)
        if isinstance(dispatcher.queue, FifoQueue):
            for message, at in zip(numbers.tolist(), sent_at.tolist(), strict=True):
                dispatcher.send_fifo(at, message)
        else:
            dispatcher.send(numbers, sent_at)
        self._recorder.messages(
            {
                "message": numbers,
                "producer": np.full(n, dispatcher.thing),
                "serial": np.arange(n),
                "offered_at": sent_at,
                "accepted_at": sent_at,
                "size_bytes": content.sizes(keys),
                "group": groups,
                "attributes": combinations,
                "poison": poison,
                "tries": np.ones(n),
                "copies": np.ones(n),
                "outcome": np.full(n, int(Outcome.ACCEPTED)),
            }
        )

    def inlet(self, queue: str) -> Inlet:
        """A subscription's way into a queue: its own into a FIFO queue, else that of all."""
        dispatcher = self.dispatchers[queue]
        if isinstance(dispatcher.queue, FifoQueue):
            inlet = FifoInlet(self._clock, dispatcher, self._taken.rule("sns.deliver_batch"))
            self.inlets.append(inlet)
            return inlet
        return self.standard_inlet(queue)

    def is_told_ahead(self, queue: str) -> bool:
        """Whether somebody tells a standard queue ahead of time what comes."""
        return queue in self._standard_inlets

    def standard_inlet(self, queue: str) -> StandardInlet:
        """The one way into a standard queue: it keeps what all senders have under way in order."""
        inlet = self._standard_inlets.get(queue)
        if inlet is None:
            inlet = self._standard_inlets[queue] = StandardInlet(self.dispatchers[queue])
            self.inlets.append(inlet)
        return inlet
