"""Builds producers and what they send to."""

from collections.abc import Mapping

from simulator.aws.deduplication import Deduplication
from simulator.aws.sqs.fifo import FifoQueue
from simulator.engine.access import Access
from simulator.engine.brokers import connect
from simulator.engine.content import content_of
from simulator.engine.invocations import Invocations
from simulator.engine.publish_quotas import PublishQuotas
from simulator.engine.queues import Queues
from simulator.engine.senders import Senders
from simulator.engine.sources import happenings
from simulator.engine.taken import Taken, sampler
from simulator.engine.workflows import Workflows
from simulator.processes.broker_queues import BrokerDispatcher
from simulator.processes.clock import Clock
from simulator.processes.ledger import Ledger
from simulator.processes.producers import Content, OpenLoop, Producer, QueueTarget, TopicTarget
from simulator.processes.senders import FifoCalls, QueueCalls, Service, TopicCalls
from simulator.processes.sources import InletAgain, Source, TopicAgain
from simulator.processes.topics import Topic
from simulator.recording.recorder import Recorder
from simulator.sampling.arrivals import Arrivals, Bursts, Cursor, Phase, Renewal, phase_arrivals, steps
from simulator.scenario import producers, sources
from simulator.scenario.brokers import Jms
from simulator.scenario.invoked import function_of
from simulator.scenario.schema import Scenario


class Producers:
    """The producers of a run, in ``producers``."""

    def __init__(
        self,
        scenario: Scenario,
        things: Mapping[str, int],
        taken: Taken,
        clock: Clock,
        ledger: Ledger,
        recorder: Recorder,
        *,
        access: Access,
        queues: Queues,
        topics: Mapping[str, Topic],
        invocations: Invocations,
        workflows: Workflows,
    ) -> None:
        self._scenario = scenario
        self._things = things
        self._taken = taken
        self._clock = clock
        self._ledger = ledger
        self._recorder = recorder
        self._queues = queues
        self._topics = topics
        self._invocations = invocations
        self._workflows = workflows
        self._quotas = PublishQuotas(scenario, taken)
        self.producers = [self._producer(name, producer) for name, producer in scenario.producers.items()]
        for made in self.producers:
            self._deny(made, access)

    def _producer(self, name: str, producer: producers.Producer) -> Producer:
        message = producer.message
        content = content_of(
            self._taken,
            name,
            sampler(message.size),
            message.group,
            message.attributes,
            message.poison,
            message.body,
        )
        thing = self._things[f"producers.{name}"]
        if producer.source is not None:
            return self._source(name, thing, producer, producer.source, content)
        senders = Senders(self._taken, self._clock, self._ledger, self._scenario.duration)
        if producer.closed_loop is not None:
            made: Producer = senders.closed_loop(name, thing, producer.closed_loop, content, self._recorder)
        else:
            cursor = self._cursor(name, producer)
            made = OpenLoop(name, thing, cursor, content, self._ledger, self._recorder)
        if function := function_of(self._scenario, producer):
            self._invoke(made, producer, function, senders)
            return made
        to_topic = producer.target in self._topics
        if producer.target in self._workflows.lines:
            calls = self._workflows.calls(producer.target)
            made.send_by(senders.sender(made, producer, calls, False), self._taken.rule("sfn.max_payload"))
            return made
        if not to_topic and isinstance(queue := self._queues.dispatchers[producer.target], BrokerDispatcher):
            connect(made, producer.jms or Jms(), queue, self._clock, self._ledger)
            return made
        most_bytes = self._most_bytes(producer.target)
        to_fifo = not to_topic and self._scenario.queues[producer.target].type == "fifo"
        if isinstance(made, OpenLoop) and not (
            to_fifo or producer.batch or producer.client or name in self._quotas.throttled
        ):
            if to_topic:
                made.aim(TopicTarget(self._topics[producer.target], most_bytes))
            else:
                made.aim(QueueTarget(self._queues.standard_inlet(producer.target), most_bytes))
            return made
        made.send_by(senders.sender(made, producer, self._service(name, producer), to_topic), most_bytes)
        return made

    def _most_bytes(self, target: str) -> int:
        """The largest message a topic or a queue takes [bytes]."""
        topic = self._scenario.topics.get(target)
        most: int = self._taken.rule("sqs.max_message_bytes" if topic is None else "sns.max_message_bytes")
        return most if topic is None or topic.max_message_size is None else topic.max_message_size

    def _deny(self, made: Producer, access: Access) -> None:
        """Let policies refuse what a producer sends: AccessDenied is never tried again."""
        target = self._scenario.producers[made.name].target
        action = "sns:Publish" if target in self._topics else "sqs:SendMessage"
        made.denied += access.denied(action, target, "producer", made.name)
        if made.sender is not None and made.denied:
            made.sender.denied = made.denied

    def _source(
        self,
        name: str,
        thing: int,
        producer: producers.Producer,
        source: sources.Source,
        content: Content,
    ) -> Source:
        """A service of AWS that publishes."""
        scenario, taken = self._scenario, self._taken
        told = happenings(taken, scenario.rules, name, source)
        latest_at = scenario.duration * (2 if scenario.after == "drain" else 1)
        parts = (self._ledger, self._recorder, told, latest_at)
        made = Source(name, thing, self._cursor(name, producer), content, *parts)
        if (topic := self._topics.get(producer.target)) is not None:
            made.aim(TopicTarget(topic, self._most_bytes(producer.target)), TopicAgain(topic, name))
        elif function := function_of(scenario, producer):
            invoker = self._invocations.invoker(name, function)
            made.aim(invoker, InletAgain(invoker))
        elif producer.target in self._workflows.lines:
            started = self._workflows.target(producer.target)
            made.aim(started, InletAgain(started))
        else:
            inlet = self._queues.standard_inlet(producer.target)
            made.aim(QueueTarget(inlet, taken.rule("sqs.max_message_bytes")), InletAgain(inlet))
        return made

    def _invoke(self, made: Producer, producer: producers.Producer, function: str, senders: Senders) -> None:
        """Let a producer invoke a function, and wait for its answer or not."""
        if producer.invocation == "request_response":
            most_bytes = self._taken.rule("lambda.max_call_bytes")
            made.send_by(self._invocations.caller(made, producer, function), most_bytes)
            return
        invoker = self._invocations.invoker(made.name, function)
        if isinstance(made, OpenLoop) and not producer.client:
            made.aim(invoker)
        else:
            made.send_by(senders.sender(made, producer, QueueCalls(invoker), False), invoker.max_bytes)

    def _service(self, name: str, producer: producers.Producer) -> Service:
        """Where the calls of a producer with a sender go."""
        if (topic := self._topics.get(producer.target)) is not None:
            fifo = self._scenario.topics[producer.target].type == "fifo"
            known = Deduplication(self._taken.rule("sqs.fifo.dedup_window")) if fifo else None
            quota = self._quotas.of(producer.target) if name in self._quotas.throttled else None
            return TopicCalls(topic, name, topic.copies_of(name), self._ledger, known, quota)
        dispatcher = self._queues.dispatchers[producer.target]
        if isinstance(dispatcher.queue, FifoQueue):
            return FifoCalls(dispatcher)
        return QueueCalls(self._queues.standard_inlet(producer.target))

    def _cursor(self, name: str, producer: producers.Producer) -> Cursor:
        key = self._taken.stream(f"{name}/arrivals")
        if producer.interarrival is not None:
            return Renewal(sampler(producer.interarrival), key)
        if producer.trace is not None:
            trace = producer.trace
            curve = steps(trace.interval_us, trace.counts, trace.within)
            return Arrivals(curve, poisson=trace.within == "poisson", stream_key=key)
        assert producer.phases is not None
        return phase_arrivals([_phase(phase) for phase in producer.phases], key)


def _phase(phase: producers.Phase) -> Phase:
    bursts = phase.bursts
    return Phase(
        phase.for_us,
        phase.rate,
        phase.ramp_to,
        None if bursts is None else Bursts(bursts.factor, bursts.lasting, bursts.every),
        phase.process == "poisson",
    )
