"""What a scenario says that AWS refuses, or that people regret."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from simulator.scenario.problems import Finding
from simulator.scenario.schema import Scenario
from simulator.scenario.units import write_duration

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Note:
    """A finding with its weight: an ``error`` is what AWS refuses, a ``warning`` what hurts."""

    severity: Severity
    finding: Finding


def notes(scenario: Scenario) -> list[Note]:
    """Look a scenario through."""
    return [*_timeouts(scenario), *_dead_letters(scenario), *_fifo_groups(scenario)]


def _note(severity: Severity, path: tuple[str, ...], message: str) -> Note:
    return Note(severity, Finding(path, message))


def _timeouts(scenario: Scenario) -> Iterator[Note]:
    """Compare the visibility timeout of each queue with its functions' timeouts."""
    factor = scenario.rules.value("esm.visibility_factor")
    for name, function in scenario.functions.items():
        for queue_name, source in function.event_sources.items():
            queue = scenario.queues.get(queue_name)
            if queue is None:
                continue
            visible = write_duration(queue.visibility_timeout)
            timeout = write_duration(function.timeout)
            advised = factor * function.timeout + source.maximum_batching_window
            path = ("queues", queue_name, "visibility_timeout")
            if function.timeout > queue.visibility_timeout:
                message = f"is {visible}, below the timeout of functions.{name}, {timeout}; AWS refuses the event source"
                yield _note("error", path, message)
            elif queue.visibility_timeout < advised:
                window = f" and its batching window {write_duration(source.maximum_batching_window)}"
                yield _note(
                    "warning",
                    path,
                    f"is {visible}; AWS advises {write_duration(advised)}, {factor} times the timeout of "
                    f"functions.{name}, {timeout}{window if source.maximum_batching_window else ''}: slow batches are "
                    "delivered again while they are still worked on",
                )


def _dead_letters(scenario: Scenario) -> Iterator[Note]:
    for name, queue in scenario.queues.items():
        if not queue.redrive:
            continue
        path = ("queues", name, "redrive")
        dead = scenario.queues.get(queue.redrive.queue)
        if dead and dead.type != queue.type:
            message = f"is {queue.redrive.queue}, a {dead.type} queue; the dead-letter queue of a {queue.type} queue is {queue.type} too"
            yield _note("error", (*path, "queue"), message)
        if dead and dead.retention <= queue.retention:
            message = (
                f"is {write_duration(dead.retention)}, not above that of {name}, {write_duration(queue.retention)}: "
                "a message's age counts from its first send, so it may be gone before anybody looks"
            )
            yield _note("warning", ("queues", queue.redrive.queue, "retention"), message)
        if queue.redrive.max_receive_count == 1:
            message = "is 1: a receive that is lost or throttled is enough to dead-letter a healthy message; AWS advises 5"
            yield _note("warning", (*path, "max_receive_count"), message)


def _fifo_groups(scenario: Scenario) -> Iterator[Note]:
    for name, producer in scenario.producers.items():
        group = producer.message.group
        topic = scenario.topics.get(producer.target)
        targets = [one.queue for one in topic.subscriptions.values()] if topic else [producer.target]
        fifo = [target for target in targets if target in scenario.queues and scenario.queues[target].type == "fifo"]
        if group and group.count == 1 and fifo:
            message = f"is 1: on a FIFO queue ({fifo[0]}) only one batch of a group is worked at a time"
            yield _note("warning", ("producers", name, "message", "group", "count"), message)
