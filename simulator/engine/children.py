"""Builds what consumers send on: children, the ways they go, and Lambda's guard against loops of them."""

from collections.abc import Iterator

from simulator.aws.lambda_.recursion import RecursionGuard
from simulator.aws.sqs.fifo import FifoQueue
from simulator.engine.consumers import Consumers
from simulator.engine.content import content_of
from simulator.engine.messaging import Messaging
from simulator.engine.parts import Parts
from simulator.engine.taken import sampler
from simulator.processes.broker_mappings import BrokerMapping
from simulator.processes.broker_workers import SessionPool
from simulator.processes.child_ways import FifoWay, FunctionWay, QueueWay, TopicWay
from simulator.processes.children import Children, Send, Sends, Turns, Way
from simulator.processes.lanes import LaneConsumer
from simulator.processes.lines import Line
from simulator.processes.mappings import Mapping
from simulator.processes.pollers import WorkerPool
from simulator.processes.workflows import StartWay
from simulator.sampling.streams import name_key
from simulator.scenario import sends as spec

_CALL = 10
"""Messages in one call to a FIFO queue."""


Worker = Mapping | WorkerPool | LaneConsumer | SessionPool | BrokerMapping

class ChildrenOfRun:
    """The sends of a run, in ``sends`` by path of their consumer, input and name."""

    def __init__(self, parts: Parts, messaging: Messaging, consumers: Consumers) -> None:
        self.sends: dict[str, Send] = {}
        scenario = parts.scenario
        given = list(spec.senders(scenario))
        if not given:
            return
        self._parts = parts
        self._messaging = messaging
        self._children = Children(parts.ledger, parts.recorder)
        self._words = spec.ChildWords(scenario)
        self._guarded = spec.guarded(scenario)
        self._fifo_ways: dict[str, FifoWay] = {}
        for sender in given:
            for where, consumer in self._inputs(sender, consumers):
                sends = self._sends(sender, where)
                if isinstance(consumer, LaneConsumer):
                    consumer.let_send(sends)
                else:
                    consumer.sends = sends
        limit = parts.taken.rule("lambda.loop_limit") if self._guarded else None
        guard = None if limit is None else RecursionGuard(limit)
        for sender in given:
            if guard is not None and sender.name in self._guarded and sender.section == "functions":
                turns = Turns(self._children, sender.name, guard.stops)
                for _, consumer in self._inputs(sender, consumers):
                    if isinstance(consumer, Mapping | Line):
                        consumer.turns = turns

    def _inputs(
        self, sender: spec.Sender, consumers: Consumers
    ) -> Iterator[tuple[str, Worker | Line]]:
        """What works messages for a sender, by the queue or line it works."""
        things, path = self._parts.things, sender.path
        for queue in sender.inputs:
            thing = things[f"{path}.event_sources.{queue}" if sender.section == "functions" else path]
            for consumer in self._messaging.dispatchers[queue].consumers:
                if consumer.thing == thing:
                    assert isinstance(consumer, Worker)
                    yield queue, consumer
        if sender.section == "functions":
            for line_path, name, line in self._messaging.invocations.lines():
                if name == sender.name:
                    yield line_path, line

    def _sends(self, sender: spec.Sender, where: str) -> Sends:
        return Sends([self._send(sender, where, name, send) for name, send in sender.given.sends.items()])

    def _send(self, sender: spec.Sender, where: str, name: str, given: spec.Send) -> Send:
        taken, stage = self._parts.taken, f"{where}/sends/{name}"
        turning = sender.section == "functions" and sender.name in self._guarded
        made = self.sends[f"{sender.path}/{where}/{name}"] = Send(
            self._children,
            self._parts.things[sender.path],
            name_key(stage),
            list(given.count.items()),
            taken.stream(f"{stage}/count"),
            content_of(
                taken, stage, sampler(given.size), given.group, given.attributes or {}, 0.0, given.body
            ),
            self._way(stage, given),
            inherits_group=given.group is None,
            bases=self._words.bases,
            rows=self._words.rows(given),
            turning=sender.name if turning else "",
        )
        return made

    def _way(self, stage: str, given: spec.Send) -> Way:
        clock, messaging = self._parts.clock, self._messaging
        section = spec.end_of(self._parts.scenario, given)
        if section == "topics":
            return TopicWay(clock, messaging.topics[given.to])
        if section == "workflows":
            return StartWay(clock, messaging.workflows.lines[given.to])
        if section == "functions":
            return FunctionWay(clock, messaging.invocations.invoker(stage, given.to))
        dispatcher = messaging.dispatchers[given.to]
        if not isinstance(dispatcher.queue, FifoQueue):
            return QueueWay(dispatcher, ahead=messaging.is_told_ahead(given.to))
        if given.to not in self._fifo_ways:
            way = self._fifo_ways[given.to] = FifoWay(clock, dispatcher, _CALL)
            messaging.inlets.append(way)
        return self._fifo_ways[given.to]
