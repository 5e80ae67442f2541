"""Builds brokers, their queues, who sends to these and who consumes them."""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.aws.mq.acknowledgement import Acknowledgement
from simulator.aws.mq.queue import BrokerQueue
from simulator.aws.mq.redelivery import RedeliveryPolicy
from simulator.aws.mq.store import GroupCommit, Processor, Usage
from simulator.engine.parts import Parts
from simulator.engine.taken import Taken, sampler
from simulator.processes.broker_mappings import BrokerMapping
from simulator.processes.broker_queues import BrokerDispatcher
from simulator.processes.broker_senders import Connections
from simulator.processes.broker_workers import SessionPool
from simulator.processes.brokers import Broker
from simulator.processes.clock import Clock
from simulator.processes.draws import CallDurations
from simulator.processes.fleets import Fleet
from simulator.processes.functions import Function
from simulator.processes.gauges import Gauge
from simulator.processes.ledger import Ledger
from simulator.processes.producers import Producer
from simulator.processes.queues import Dispatcher
from simulator.processes.senders import Answers
from simulator.recording.recorder import Recorder
from simulator.sampling.distributions import Constant
from simulator.scenario import brokers as specs
from simulator.scenario.fleets import Fleet as FleetSpec
from simulator.scenario.messaging import Queue
from simulator.scenario.schema import Scenario

_SECOND_US: Final = 1_000_000
_READINGS: Final = 3_600
_MOST_BYTES: Final = 2**40  # a broker refuses no size


class Brokers:
    """The brokers of a run by name; queues are made as those of the scenario are."""

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
        self.made = {name: self._broker(name, given) for name, given in scenario.brokers.items()}

    def _broker(self, name: str, given: specs.Broker) -> Broker:
        rule, rules = self._taken.rule, self._scenario.rules
        per_s = specs.VCPUS[given.instance] * rule("mq.model.messages_per_vcpu")
        message_us = _SECOND_US / per_s
        sync_us, bytes_per_s = rule(f"mq.sync.{given.storage}"), rule(f"mq.model.store_bytes.{given.storage}")
        if given.memory is None:
            rule("mq.model.memory_share")
        memory = given.memory_bytes(rules) if given.producer_flow_control else 0
        return Broker(
            self._clock,
            self._recorder,
            self._things[f"brokers.{name}"],
            GroupCommit(sync_us, bytes_per_s, message_us),
            Processor(rule("mq.send.memory"), message_us),
            Usage(memory, given.store_bytes(rules)),
            concurrent=given.concurrent_store_and_dispatch,
            period_us=max(_SECOND_US, self._scenario.duration // _READINGS),
        )

    def queue(self, name: str, given: Queue) -> BrokerDispatcher:
        """A queue of one of them."""
        assert given.broker is not None
        return BrokerDispatcher(
            self._clock,
            BrokerQueue(given.broker.prioritized),
            self._things[f"queues.{name}"],
            self._ledger,
            self._recorder,
            self._taken.calls(f"{name}/waiter").next,
            self.made[given.broker.name],
            self._redelivery(given),
        )

    def join(self, dispatchers: Mapping[str, Dispatcher]) -> None:
        """Let queues of one virtual topic get the same messages."""
        for name, given in self._scenario.queues.items():
            queue = dispatchers[name]
            if given.broker is not None and isinstance(queue, BrokerDispatcher):
                others = [dispatchers[other] for other in given.broker.virtual_topic]
                queue.beside = [other for other in others if isinstance(other, BrokerDispatcher)]

    def _redelivery(self, given: Queue) -> RedeliveryPolicy:
        assert given.broker is not None
        policy, rule = given.broker.redelivery, self._taken.rule
        tries = policy.tries
        if tries is None:
            tries = (
                rule("mq.redelivery.tries") if given.redrive is None else given.redrive.max_receive_count - 1
            )
        factor = float(rule("mq.redelivery.factor")) if policy.back_off else 1.0
        return RedeliveryPolicy(tries, policy.delay, factor)

    def failover(self, name: str, kind: str) -> CallDurations:
        """How long failovers of a broker last, by its own counter of them."""
        return self._taken.durations(
            f"brokers.{name}/{kind}", sampler(self._taken.rule(f"mq.failover.{kind}"))
        )

    def finish_run(self) -> Iterator[tuple[str, int, int]]:
        """Close their books; of each its path, what its store holds, and what its messages take [B]."""
        for name, broker in self.made.items():
            broker.finish_run()
            yield f"brokers.{name}", broker.usage.store, sum(queue.stored_bytes() for queue in broker.queues)


def connect(made: Producer, given: specs.Jms, queue: BrokerDispatcher, clock: Clock, ledger: Ledger) -> None:
    """Let a producer send to a queue of a broker."""
    sender = Connections(
        clock,
        queue,
        ledger,
        answers=Answers(Constant(0), 0, 0.0, 0, 0),  # known when the broker answers
        connections=given.connections,
        persistent=given.delivery_mode == "persistent",
        priority=given.priority,
        ended=made.ended,
    )
    made.send_by(sender, _MOST_BYTES)


def sessions(
    parts: Parts, path: str, given: FleetSpec, dispatcher: BrokerDispatcher, made: Fleet, limit_gauge: Gauge
) -> SessionPool:
    """The workers of a fleet at a queue of a broker."""
    queue = given.queues[0]
    destination = parts.scenario.queues[queue].broker
    assert destination is not None
    work = parts.work(queue, given.work_of(queue), given.failures, parts.conditions_of(path), (path, given))
    pool = SessionPool(
        parts.clock,
        dispatcher,
        parts.things[path],
        work,
        made.limit,
        limit_gauge,
        Acknowledgement(destination.acknowledge, destination.acknowledge_every, destination.prefetch),
        push_us=parts.taken.rule("mq.model.push_latency"),
        workers=given.workers_per_instance,
        prefetch=destination.prefetch,
        refill=parts.taken.rule("mq.prefetch_refill"),
    )
    dispatcher.consumers.append(pool)
    return pool


def broker_mapping(
    parts: Parts, name: str, function: Function, queue: str, dispatcher: BrokerDispatcher
) -> BrokerMapping:
    """The event source mapping of a function at a queue of a broker."""
    given, taken = parts.scenario.functions[name], parts.taken
    source, path = given.event_sources[queue], f"functions.{name}"
    mapping = BrokerMapping(
        parts.clock,
        parts.recorder,
        dispatcher,
        parts.things[f"{path}.event_sources.{queue}"],
        function,
        parts.work(queue, given.work, given.failures, parts.conditions_of(path), (path, given)),
        taken.durations(f"{queue}/latency", taken.latency("lat.call_to_function")),
        slots=taken.rule("mq.esm.concurrency"),
        batch_size=source.batch_size,
        window_us=source.maximum_batching_window,
        refill=taken.rule("mq.prefetch_refill"),
        push_us=taken.rule("mq.model.push_latency"),
    )
    dispatcher.consumers.append(mapping)
    return mapping
