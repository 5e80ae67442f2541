"""Checks of brokers against the rest of a scenario: who reaches their queues, what has no meaning there."""

from collections.abc import Callable, Iterator
from typing import Final

from simulator.scenario.auto_scaling import AutoScalingGroup
from simulator.scenario.brokers import Destination
from simulator.scenario.fleets import Fleet, fleets
from simulator.scenario.functions import EventSource
from simulator.scenario.problems import Finding
from simulator.scenario.producers import Producer
from simulator.scenario.schema import Scenario
from simulator.scenario.sends import reached, senders

Reference = Callable[..., Iterator[Finding]]
Path = tuple[str, ...]
_SQS_SENDERS: Final = ("batch", "client", "account")


def broker_findings(scenario: Scenario, reference: Reference) -> Iterator[Finding]:
    """Find everything that is wrong with the brokers of *scenario*, their queues, and who uses these.

    ``reference(path, name, sections...)`` finds that there is no such thing.
    """
    at_broker = {name for name, queue in scenario.queues.items() if queue.broker is not None}
    for name, one in scenario.queues.items():
        if one.broker is not None:
            yield from reference(("queues", name, "broker"), one.broker.name, "brokers")
            yield from _virtual_topic(scenario, name, one.broker, reference)
        yield from _redrive(scenario, name)
    for name, producer in scenario.producers.items():
        yield from _producer(("producers", name), producer, producer.target in at_broker)
    if not at_broker:
        return
    for topic, published in scenario.topics.items():
        for key, subscription in published.subscriptions.items():
            for word in ("queue", "dead_letter"):
                if getattr(subscription, word) in at_broker:
                    path = ("topics", topic, "subscriptions", key, word)
                    yield Finding(path, f"is {getattr(subscription, word)}, a queue of a broker; {_NO_SNS}")
    for section, name, fleet in fleets(scenario):
        if at_broker.intersection(fleet.queues):
            yield from _fleet((section, name), fleet)
    for name, function in scenario.functions.items():
        for queue, source in function.event_sources.items():
            if queue in at_broker:
                yield from _source(("functions", name, "event_sources", queue), source)
        for word in ("dead_letter", "on_failure", "on_success"):
            target = getattr(function.asynchronous, word)
            if target is not None and target.queue in at_broker:
                yield Finding(
                    ("functions", name, "asynchronous", word),
                    f"is {target.queue}, a queue of a broker; {_NO_SQS}",
                )
    yield from _others(scenario, at_broker)
    yield from _connections(scenario)


_NO_SNS: Final = "SNS cannot deliver to Amazon MQ"
_NO_SQS: Final = "a queue of SQS is due"


def _virtual_topic(
    scenario: Scenario, name: str, given: Destination, reference: Reference
) -> Iterator[Finding]:
    path = ("queues", name, "broker", "virtual_topic")
    for other in given.virtual_topic:
        yield from reference(path, other, "queues")
        beside = scenario.queues.get(other)
        if other == name:
            yield Finding(path, f"has {other} itself, which gets each message already")
        elif beside is not None and (beside.broker is None or beside.broker.name != given.name):
            yield Finding(path, f"has {other}, which is no queue of brokers.{given.name}")
    if len(set(given.virtual_topic)) < len(given.virtual_topic):
        yield Finding(path, "names a queue twice")


def _redrive(scenario: Scenario, name: str) -> Iterator[Finding]:
    queue = scenario.queues[name]
    dead = scenario.queues.get(queue.redrive.queue) if queue.redrive else None
    if dead is None or queue.redrive is None:
        return
    own, its = (None if one.broker is None else one.broker.name for one in (queue, dead))
    if own != its and {own, its} <= {None, *scenario.brokers}:
        where = "SQS" if own is None else f"brokers.{own}"
        message = (
            f"is {queue.redrive.queue}, which is not in {where}, where {name} is; dead letters stay there"
        )
        yield Finding(("queues", name, "redrive", "queue"), message)


def _producer(path: Path, producer: Producer, at_broker: bool) -> Iterator[Finding]:
    if not at_broker:
        if producer.jms is not None:
            message = f"is for queues of brokers; {producer.target} is none"
            yield Finding((*path, "jms"), message)
        return
    for word in _SQS_SENDERS:
        if getattr(producer, word) is not None:
            yield Finding(
                (*path, word), f"is of calls to AWS; {producer.target} is a queue of a broker: `jms`"
            )
    if producer.source is not None:
        message = f"is {producer.target}, a queue of a broker; no service of AWS publishes to Amazon MQ"
        yield Finding((*path, "target"), message)


def _fleet(path: Path, fleet: Fleet) -> Iterator[Finding]:
    why = "has no meaning at a queue of a broker: it pushes, nobody receives"
    for word in ("priority", "heartbeat"):
        if getattr(fleet, word) is not None:
            yield Finding((*path, word), why)
    if fleet.loop.kind != "sequential":
        yield Finding(
            (*path, "loop"), f"is {fleet.loop.kind}; {why}: `queues.NAME.broker.prefetch` says how far"
        )
    if fleet.denied:
        yield Finding((*path, "denied"), why)
    if fleet.receive.lost_answers:
        yield Finding((*path, "receive", "lost_answers"), why)
    if fleet.on_failure != "keep":
        yield Finding((*path, "on_failure"), f"{why}; see `redelivery` of the queue")


def _source(path: Path, source: EventSource) -> Iterator[Finding]:
    for word in ("maximum_concurrency", "provisioned", "filters"):
        if getattr(source, word) is not None:
            yield Finding((*path, word), "is of mappings for SQS; one for a broker does not have it here")
    if source.report_batch_item_failures:
        message = "is true; Lambda tries a whole batch of Amazon MQ again, it takes no item failures"
        yield Finding((*path, "report_batch_item_failures"), message)
    if source.slot_turnaround:
        yield Finding((*path, "slot_turnaround"), "was measured with SQS; it has no meaning here")


def _others(scenario: Scenario, at_broker: set[str]) -> Iterator[Finding]:
    for name, task in scenario.redrive_tasks.items():
        if task.source in at_broker or task.destination in at_broker:
            yield Finding(("redrive_tasks", name), "has a queue of a broker; message move tasks are of SQS")
    for name, change in scenario.access.items():
        if change.queue in at_broker:
            yield Finding(("access", name, "queue"), f"is {change.queue}, a queue of a broker; {_NO_SQS}")
    for name, fault in scenario.faults.items():
        if fault.queue in at_broker:
            message = f"is {fault.queue}, a queue of a broker; `failover` of the broker is what can meet it"
            yield Finding(("faults", name, "queue"), message)
    for sender in senders(scenario):
        for key, send in sender.given.sends.items():
            for kind, end, _ in reached(scenario, send):
                if kind == "queues" and end in at_broker:
                    path = (sender.section, sender.name, "sends", key)
                    yield Finding(
                        path, f"comes to {end}, a queue of a broker; consumers send to SQS and SNS only"
                    )


def connections_of(scenario: Scenario, broker: str) -> int:
    """Give the most connections to a broker: of producers, of the largest fleets, of mappings."""
    own = {name for name, queue in scenario.queues.items() if queue.broker and queue.broker.name == broker}
    total = sum(
        1 if producer.jms is None else producer.jms.connections
        for producer in scenario.producers.values()
        if producer.target in own
    )
    total += sum(fleet.capacity.max for _, _, fleet in fleets(scenario) if own.intersection(fleet.queues))
    return total + sum(len(own.intersection(one.event_sources)) for one in scenario.functions.values())


def _connections(scenario: Scenario) -> Iterator[Finding]:
    for name, broker in scenario.brokers.items():
        needed, rule = connections_of(scenario, name), f"mq.max_connections.{broker.size}"
        if needed > (most := scenario.rules.value(rule)):
            message = f"is {broker.instance}, which takes {most:,} connections; {needed:,} are asked for"
            yield Finding(("brokers", name, "instance"), f"{message} ({rule})")


def broker_warnings(scenario: Scenario) -> Iterator[Finding]:
    """Give what is allowed and hurts: a large prefetch for slow work, one connection for a high rate."""
    for section, name, fleet in fleets(scenario):
        destination = scenario.queues[fleet.queues[0]].broker if fleet.queues[0] in scenario.queues else None
        if destination is None or not isinstance(fleet, AutoScalingGroup):
            continue
        grows = fleet.capacity.max > fleet.capacity.first
        if grows and destination.prefetch > _FAR and fleet.declared:
            message = (
                f"is {destination.prefetch:,}: what was pushed to the consumers there are stays with them, "
                f"so instances that {section}.{name} adds find nothing of a backlog; 1 is usual for slow work"
            )
            yield Finding(("queues", fleet.queues[0], "broker", "prefetch"), message)


_FAR: Final = 10
