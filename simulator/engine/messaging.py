"""Builds producers, topics and queues, and everything that connects them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from simulator.aws.deduplication import Deduplication
from simulator.aws.sns.topics import FifoTopic, StandardTopic
from simulator.aws.sns.topics import Subscription as SubscriptionRules
from simulator.aws.sqs.fair import FairQueue
from simulator.aws.sqs.fifo import FifoQueue
from simulator.engine.fair_queues import fair_queue
from simulator.engine.fifo import count_idle_polls, fifo_queue
from simulator.engine.invocations import Invocations
from simulator.engine.senders import Senders
from simulator.engine.standard_queues import misses, short_polled, standard_queue
from simulator.engine.taken import Taken, sampler
from simulator.processes.ages import AgeGauge
from simulator.processes.clock import Clock
from simulator.processes.inlets import FifoInlet, StandardInlet
from simulator.processes.ledger import Ledger
from simulator.processes.producers import Content, OpenLoop, Producer, QueueTarget, TopicTarget
from simulator.processes.queues import Dispatcher, Queue
from simulator.processes.redrive import RedriveTask
from simulator.processes.senders import FifoCalls, QueueCalls, Service, TopicCalls
from simulator.processes.tenants import TenantGauges
from simulator.processes.topics import Inlet, Subscription, Topic
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Outcome
from simulator.sampling.arrivals import Arrivals, Bursts, Cursor, Phase, Renewal, phase_arrivals, steps
from simulator.sampling.distributions import Categorical, Constant, Distribution
from simulator.sampling.streams import message_keys
from simulator.scenario import messaging as queues
from simulator.scenario import producers
from simulator.scenario import redrive as redrives
from simulator.scenario.bodies import choices_of
from simulator.scenario.filters import Said, said_by
from simulator.scenario.invoked import function_of
from simulator.scenario.schema import Scenario

_STANDING_BYTES: Final = Constant(1024)  # a standing backlog says nothing about sizes


class Messaging:
    """The front of a run: producers, topics, queues.

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
        self.inlets: list[Inlet] = []
        self._standard_inlets: dict[str, StandardInlet] = {}
        self.tenants: list[TenantGauges] = []
        self.ages: list[AgeGauge] = []
        self.dispatchers = {name: self._dispatcher(name, queue) for name, queue in scenario.queues.items()}
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
        self.invocations = Invocations(scenario, things, taken, clock, ledger, recorder)
        self.inlets += self.invocations.asynchronous.values()
        self.topics = {name: self._topic(name, topic) for name, topic in scenario.topics.items()}
        self.producers = [self._producer(name, producer) for name, producer in scenario.producers.items()]

    # -- queues ------------------------------------------------------------------------------------

    def _dispatcher(self, name: str, queue: queues.Queue) -> Dispatcher:
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

    def _stand(self, name: str, backlog: queues.Backlog) -> None:
        """A standing backlog was sent evenly over the time before the run."""
        n = backlog.messages
        if not n:
            return
        source = f"queues.{name}/backlog"
        keys = message_keys(source, 0, n)
        sent_at = -backlog.age + np.arange(n, dtype=np.int64) * backlog.age // n
        content = self._content(source, _STANDING_BYTES, backlog.group, backlog.attributes, 0.0)
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

    def _inlet(self, subscription: queues.Subscription) -> Inlet:
        """A subscription's way into its queue or function."""
        queue = subscription.queue
        if queue is None:
            return self.invocations.asynchronous[subscription.function or ""]
        dispatcher = self.dispatchers[queue]
        if isinstance(dispatcher.queue, FifoQueue):
            inlet = FifoInlet(self._clock, dispatcher, self._taken.rule("sns.deliver_batch"))
            self.inlets.append(inlet)
            return inlet
        return self._standard_inlet(queue)

    def _standard_inlet(self, queue: str) -> StandardInlet:
        """The one way into a standard queue: it keeps what all senders have under way in order."""
        inlet = self._standard_inlets.get(queue)
        if inlet is None:
            inlet = self._standard_inlets[queue] = StandardInlet(self.dispatchers[queue])
            self.inlets.append(inlet)
        return inlet

    # -- topics ------------------------------------------------------------------------------------

    def _topic(self, name: str, topic: queues.Topic) -> Topic:
        rules = self._topic_rules(topic)
        subscriptions = []
        for number, (key, subscription) in enumerate(topic.subscriptions.items()):
            path = f"topics.{name}.subscriptions.{key}"
            subscriptions.append(
                Subscription(
                    self._things[path],
                    self._inlet(subscription),
                    self._taken.latency("lat.sns_to_sqs" if subscription.queue else "lat.sns_to_function"),
                    self._taken.stream(f"{name}/{key}/hop"),
                    {
                        producer: _passes(rules.subscriptions[number], said_by(made.message))
                        for producer, made in self._scenario.producers.items()
                        if made.target == name
                    }
                    | {
                        f"alarms.{alarm}": _passes(rules.subscriptions[number], [Said({}, None)])
                        for alarm in self._scenario.alarms
                    },
                )
            )
        return Topic(self._things[f"topics.{name}"], subscriptions, fifo=topic.type == "fifo")

    def _topic_rules(self, topic: queues.Topic) -> StandardTopic:
        fifo = topic.type == "fifo"
        rules = FifoTopic(self._taken.rule("sqs.fifo.dedup_window")) if fifo else StandardTopic()
        for subscription in topic.subscriptions.values():
            refused = rules.subscribe(
                SubscriptionRules(
                    to_fifo=subscription.queue is not None
                    and self._scenario.queues[subscription.queue].type == "fifo",
                    filter_policy=subscription.filter_policy,
                    filter_policy_scope=subscription.filter_policy_scope,
                    raw_message_delivery=subscription.raw_message_delivery,
                )
            )
            assert refused is None, refused  # a scenario with such a subscription is not loaded
        return rules

    # -- producers ---------------------------------------------------------------------------------

    def _producer(self, name: str, producer: producers.Producer) -> Producer:
        message = producer.message
        content = self._content(
            name, sampler(message.size), message.group, message.attributes, message.poison, message.body
        )
        thing = self._things[f"producers.{name}"]
        senders = Senders(self._taken, self._clock, self._ledger, self._scenario.duration)
        if producer.closed_loop is not None:
            made: Producer = senders.closed_loop(name, thing, producer.closed_loop, content, self._recorder)
        else:
            cursor = self._cursor(name, producer)
            made = OpenLoop(name, thing, cursor, content, self._ledger, self._recorder)
        if function := function_of(self._scenario, producer):
            self._invoke(made, producer, function, senders)
            return made
        to_topic = producer.target in self.topics
        most_bytes = self._taken.rule("sns.max_message_bytes" if to_topic else "sqs.max_message_bytes")
        to_fifo = not to_topic and self._scenario.queues[producer.target].type == "fifo"
        if isinstance(made, OpenLoop) and not (to_fifo or producer.batch or producer.client):
            if to_topic:
                made.aim(TopicTarget(self.topics[producer.target], most_bytes))
            else:
                made.aim(QueueTarget(self._standard_inlet(producer.target), most_bytes))
            return made
        made.send_by(senders.sender(made, producer, self._service(name, producer), to_topic), most_bytes)
        return made

    def _invoke(self, made: Producer, producer: producers.Producer, function: str, senders: Senders) -> None:
        """Let a producer invoke a function, and wait for its answer or not."""
        if producer.invocation == "request_response":
            most_bytes = self._taken.rule("lambda.max_call_bytes")
            made.send_by(self.invocations.caller(made, producer, function), most_bytes)
            return
        invoker = self.invocations.invoker(made.name, function)
        if isinstance(made, OpenLoop) and not producer.client:
            made.aim(invoker)
        else:
            made.send_by(senders.sender(made, producer, QueueCalls(invoker), False), invoker.max_bytes)

    def _service(self, name: str, producer: producers.Producer) -> Service:
        """Where the calls of a producer with a sender go."""
        if (topic := self.topics.get(producer.target)) is not None:
            fifo = self._scenario.topics[producer.target].type == "fifo"
            known = Deduplication(self._taken.rule("sqs.fifo.dedup_window")) if fifo else None
            return TopicCalls(topic, name, topic.copies_of(name), self._ledger, known)
        dispatcher = self.dispatchers[producer.target]
        if isinstance(dispatcher.queue, FifoQueue):
            return FifoCalls(dispatcher)
        return QueueCalls(self._standard_inlet(producer.target))

    def _content(
        self,
        source: str,
        size: Distribution,
        group: producers.Group | None,
        attributes: Mapping[str, Mapping[str, float]],
        poison: float,
        body: Mapping[str, Any] | None = None,
    ) -> Content:
        stream = self._taken.stream
        choices = choices_of(body)
        return Content(
            size,
            None if group is None else Categorical(group.shares),
            [Categorical(list(values.values())) for values in attributes.values()]
            + [Categorical([share for _, share in choice]) for choice in choices.values()],
            poison,
            stream(f"{source}/size"),
            stream(f"{source}/group"),
            stream(f"{source}/poison"),
            [stream(f"{source}/attribute/{attribute}") for attribute in attributes]
            + [stream(f"{source}/body/{'/'.join(path)}") for path in choices],
        )

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


def _passes(subscription: SubscriptionRules, said: Sequence[Said]) -> np.ndarray:
    """Whether a subscription gets each combination of attribute values and bodies."""
    return np.array([subscription.accepts(one.attributes, one.text) for one in said])
