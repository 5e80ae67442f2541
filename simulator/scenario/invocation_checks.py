"""What AWS refuses about functions that are invoked without a queue, and functions that nobody invokes."""

from collections.abc import Callable, Iterator

from simulator.scenario.asynchronous import Destination
from simulator.scenario.distributions import largest
from simulator.scenario.invoked import function_of, lines
from simulator.scenario.problems import Finding
from simulator.scenario.schema import Scenario
from simulator.scenario.units import write_size
from simulator.scenario.workflows import called

Reference = Callable[..., Iterator[Finding]]
"""Checks that a name is known: path, name, sections."""


def invocation_findings(scenario: Scenario, reference: Reference, *, whole: bool) -> Iterator[Finding]:
    """Give what is wrong; *whole*: no part of the scenario is known to be broken."""
    for name, producer in scenario.producers.items():
        path = ("producers", name)
        if not (function := function_of(scenario, producer)):
            if producer.invocation is not None and (
                producer.target in scenario.topics or producer.target in scenario.queues
            ):
                message = f"is {producer.invocation}, but {producer.target} is no function"
                yield Finding((*path, "invocation"), message)
            continue
        if producer.batch is not None and producer.invocation is None:
            message = f"cannot stand here: {function} is a function, and a call carries one event"
            yield Finding((*path, "batch"), message)
        if producer.client and producer.client.lost_answers and producer.invocation == "request_response":
            message = "has no meaning here: the answer of a function is its result"
            yield Finding((*path, "client", "lost_answers"), message)
        rule = "call" if producer.invocation == "request_response" else "event"
        most = scenario.rules.value(f"lambda.max_{rule}_bytes")
        if largest(producer.message.size) > most:
            size = write_size(largest(producer.message.size))
            yield Finding(
                (*path, "message", "size"), f"goes to {size}; Lambda allows 1B to {write_size(most)}"
            )
    yield from _subscriptions(scenario, reference)
    for name, function_ in scenario.functions.items():
        for key in ("dead_letter", "on_failure", "on_success"):
            destination = getattr(function_.asynchronous, key)
            if destination is not None:
                yield from _destination(
                    scenario, reference, ("functions", name, "asynchronous", key), destination
                )
    for name, fault in scenario.faults.items():
        hit = scenario.functions.get(fault.target or "") if fault.kind == "function" else None
        if hit is not None and fault.down and not hit.event_sources:
            message = f"disables event sources, and {fault.target} has none"
            yield Finding(("faults", name, "down"), message)
    if whole:
        invoked = {name for _, name in lines(scenario)} | called(scenario, "function")
        for name, function_ in scenario.functions.items():
            if not function_.event_sources and name not in invoked:
                message = "is empty, and no topic or producer invokes the function: nobody would"
                yield Finding(("functions", name, "event_sources"), message)


def _subscriptions(scenario: Scenario, reference: Reference) -> Iterator[Finding]:
    for topic_name, topic in scenario.topics.items():
        for name, subscription in topic.subscriptions.items():
            if subscription.function is None:
                continue
            path = ("topics", topic_name, "subscriptions", name, "function")
            yield from reference(path, subscription.function, "functions")
            if topic.type == "fifo":
                message = f"is {subscription.function}; a FIFO topic, and {topic_name} is one, invokes none"
                yield Finding(path, f"{message}; let it work a FIFO queue")


def _destination(
    scenario: Scenario, reference: Reference, path: tuple[str, ...], destination: Destination
) -> Iterator[Finding]:
    kind = "queue" if destination.queue is not None else "topic"
    name = destination.queue or destination.topic or ""
    yield from reference((*path, kind), name, f"{kind}s")
    found = scenario.queues.get(name) if kind == "queue" else scenario.topics.get(name)
    if found is not None and found.type == "fifo":
        yield Finding((*path, kind), f"is {name}, a FIFO {kind}; Lambda sends to standard ones only")
