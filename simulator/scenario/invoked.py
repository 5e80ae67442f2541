"""Which functions are invoked without a queue, by whom, and where their events are counted."""

import re
from collections.abc import Iterator
from typing import Final

from simulator.scenario import workflows
from simulator.scenario.producers import Producer
from simulator.scenario.schema import Scenario
from simulator.scenario.sends import invoked_by_sends

_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")


def function_of(scenario: Scenario, producer: Producer) -> str:
    """Give the function that a producer invokes itself; "" where it sends to a topic or a queue.

    A queue and a function may have one name: then the producer means the function if it says how it
    invokes.
    """
    elsewhere = producer.target in scenario.topics or producer.target in scenario.queues
    if producer.target not in scenario.functions or (elsewhere and producer.invocation is None):
        return ""
    return producer.target


def asynchronous(scenario: Scenario) -> list[str]:
    """Give the functions that are invoked asynchronously: by topics, producers that do not wait, others."""
    targets = {
        function_of(scenario, producer)
        for producer in scenario.producers.values()
        if producer.invocation != "request_response"
    }
    targets |= invoked_by_sends(scenario)
    for topic in scenario.topics.values():
        targets |= {subscription.function or "" for subscription in topic.subscriptions.values()}
    return [name for name in scenario.functions if name in targets]


def synchronous(scenario: Scenario) -> list[str]:
    """Give the functions that producers invoke and wait for."""
    targets = {
        function_of(scenario, producer)
        for producer in scenario.producers.values()
        if producer.invocation == "request_response"
    }
    return [name for name in scenario.functions if name in targets]


def by_tasks(scenario: Scenario) -> list[str]:
    """Give the functions that tasks of workflows call."""
    called = workflows.called(scenario, "function")
    return [name for name in scenario.functions if name in called]


def state_paths(scenario: Scenario, name: str) -> dict[str, str]:
    """Give the path of each state of a workflow, by the state's name; a path has no spaces."""
    paths: dict[str, str] = {}
    for state in scenario.workflows[name].machine(scenario).whole():
        path = f"workflows.{name}.states.{_NO_NAME.sub('_', state.name)}"
        while path in paths.values():
            path += "_"
        paths[state.name] = path
    return paths


def lines(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Give the path under which each function's events are counted, and the function's name.

    In rows and keys such a path stands for the queue they wait in, and for who consumes them.
    """
    for name in asynchronous(scenario):
        yield f"functions.{name}.async", name
    for name in synchronous(scenario):
        yield f"functions.{name}.invoke", name
    for name in by_tasks(scenario):
        yield f"functions.{name}.tasks", name
