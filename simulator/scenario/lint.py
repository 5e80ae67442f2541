"""What AWS refuses in a scenario, and what people regret."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from simulator.scenario import sends
from simulator.scenario.access import failing
from simulator.scenario.broker_checks import broker_warnings
from simulator.scenario.endpoints import endpoint_lines
from simulator.scenario.fault_lint import outlasted
from simulator.scenario.fleets import fleets
from simulator.scenario.problems import Finding, Problem, shown
from simulator.scenario.reading import mark_at
from simulator.scenario.schema import Scenario
from simulator.scenario.source_checks import source_warnings
from simulator.scenario.units import write_duration
from simulator.scenario.workflow_lint import workflow_warnings

Severity = Literal["error", "warning"]
Weighed = tuple[Severity, Finding]


@dataclass(frozen=True)
class Note(Problem):
    """A problem with its weight: an ``error`` is what AWS refuses, a ``warning`` is what hurts."""

    severity: Severity = "warning"

    def __str__(self) -> str:
        """Say it in a line that ends with its weight where it is only a warning."""
        return f"{super().__str__()} ({self.severity})"


def lint(scenario: Scenario) -> list[Note]:
    """Look a scenario through; in the order of its file.

    `load` refuses what is an ``error`` here, so that no command runs it; what was loaded has warnings only.
    """
    notes = []
    for severity, finding in findings(scenario):
        mark = mark_at(scenario.marks, finding.path)
        path = ".".join(shown(str(part)) for part in finding.path)
        notes.append(Note(mark.file, mark.line, path, finding.message, mark.context, severity))
    return sorted(notes, key=lambda note: note.line)


def findings(scenario: Scenario) -> Iterator[Weighed]:
    """Give every finding with its weight."""
    yield from _timeouts(scenario)
    yield from _dead_letter_queues(scenario)
    yield from _single_groups(scenario)
    yield from _heartbeats(scenario)
    yield from _fair_queues(scenario)
    yield from _targets(scenario)
    yield from _loops(scenario)
    yield from _unkept(scenario)
    for finding in broker_warnings(scenario):
        yield "warning", finding
    for finding in workflow_warnings(scenario):
        yield "warning", finding
    for finding in outlasted(scenario):
        yield "warning", finding
    for finding in source_warnings(scenario):
        yield "warning", finding


def _timeouts(scenario: Scenario) -> Iterator[Weighed]:
    """Compare the visibility timeout of each queue with its functions' timeouts."""
    factor = scenario.rules.value("esm.visibility_factor")
    for name, function in scenario.functions.items():
        for queue_name, source in function.event_sources.items():
            queue = scenario.queues.get(queue_name)
            if queue is None or queue.broker is not None:
                continue
            path = ("queues", queue_name, "visibility_timeout")
            visible, timeout = write_duration(queue.visibility_timeout), write_duration(function.timeout)
            advised = factor * function.timeout + source.maximum_batching_window
            if function.timeout > queue.visibility_timeout:
                message = f"is {visible}, below the timeout of functions.{name}, {timeout}"
                yield "error", Finding(path, f"{message}; AWS refuses such an event source")
            elif queue.visibility_timeout < advised:
                window = " and the batching window" if source.maximum_batching_window else ""
                message = (
                    f"is {visible}; AWS advises {write_duration(advised)}: {factor} times the timeout of"
                )
                yield (
                    "warning",
                    Finding(path, f"{message} functions.{name}, {timeout},{window} against repeats"),
                )


def _dead_letter_queues(scenario: Scenario) -> Iterator[Weighed]:
    for name, queue in scenario.queues.items():
        if not queue.redrive or queue.broker is not None:
            continue
        path = ("queues", name, "redrive")
        dead = scenario.queues.get(queue.redrive.queue)
        if dead and dead.type != queue.type:
            message = f"is {queue.redrive.queue}, a {dead.type} queue; {name} is {queue.type}, so must it be"
            yield "error", Finding((*path, "queue"), message)
        if dead and dead.type == "standard" and dead.retention <= queue.retention:
            message = f"is {write_duration(dead.retention)}, not above that of {name}"
            reason = "the age of a message counts from its first send, so it may be gone before anybody looks"
            found = Finding(("queues", queue.redrive.queue, "retention"), f"{message}: {reason}")
            yield "warning", found
        if queue.redrive.max_receive_count == 1:
            message = "is 1: one throttled or lost receive dead-letters a healthy message; AWS advises 5"
            yield "warning", Finding((*path, "max_receive_count"), message)


def _heartbeats(scenario: Scenario) -> Iterator[Weighed]:
    """Find heartbeats that come when the timeout has ended."""
    for section, name, group in fleets(scenario):
        heartbeat = group.heartbeat
        if heartbeat is None:
            continue
        path = (section, name, "heartbeat", "every")
        every = write_duration(heartbeat.every)
        for queue in group.queues:
            timeout = scenario.queues[queue].visibility_timeout
            if heartbeat.every >= timeout:
                message = f"is {every}; by then the visibility timeout of {queue} has ended"
                yield "warning", Finding(path, f"{message}, {write_duration(timeout)}")
        if heartbeat.every >= heartbeat.extend_to:
            message = f"is {every}, not below extend_to: what one extends has ended when the next comes"
            yield "warning", Finding(path, message)


def _targets(scenario: Scenario) -> Iterator[Weighed]:
    """Find target tracking on a metric that a larger fleet does not lower in proportion."""
    for section, name, fleet in fleets(scenario):
        for key, tracking in fleet.policies.items():
            if tracking.metric.startswith("queues."):
                path = (section, name, "policies", key, "target_tracking", "metric")
                message = f"is {tracking.metric}, which says nothing of the size of {name}"
                reason = "target tracking takes a metric to fall in proportion when instances are added"
                yield "warning", Finding(path, f"{message}: {reason}; take backlog_per_instance")


def _loops(scenario: Scenario) -> Iterator[Weighed]:
    """Find what sends back to itself, in the end."""
    guarded = sends.guarded(scenario)
    for line in sends.loops(scenario):
        first = line[0]
        name = next(
            name
            for name, send in first.given.sends.items()
            if any(
                other.path == line[1 % len(line)].path
                for section, end, _ in sends.reached(scenario, send)
                for other in sends.workers_of(scenario, section, end)
            )
        )
        way = " > ".join([*(sender.path for sender in line), first.path])
        message = f"sends back to itself: {way}"
        limit = scenario.rules.value("lambda.loop_limit")
        if limit is not None and any(
            sender.name in guarded for sender in line if sender.section == "functions"
        ):
            message += f"; Lambda stops it after {limit} turns"
        else:
            message += "; nothing ends such a loop"
        yield "warning", Finding((first.section, first.name, "sends", name, "to"), message)


def _unkept(scenario: Scenario) -> Iterator[Weighed]:
    """Find subscriptions whose deliveries can fail, and that have nowhere to put what SNS gives up."""
    fails = {*failing(scenario), *(path for path, _, _ in endpoint_lines(scenario))}
    for topic, given in scenario.topics.items():
        for name, one in given.subscriptions.items():
            if one.dead_letter is None and f"topics.{topic}.subscriptions.{name}" in fails:
                how = f"to its {one.kind}" if one.kind in ("queue", "function") else f"by {one.kind}"
                message = f"has no dead_letter: what SNS cannot deliver {how} is lost"
                yield "warning", Finding(("topics", topic, "subscriptions", name), message)


def _single_groups(scenario: Scenario) -> Iterator[Weighed]:
    counts: dict[str, dict[str, int]] = {}  # by FIFO queue, the groups of each producer that reaches it
    for name, producer in scenario.producers.items():
        topic = scenario.topics.get(producer.target)
        targets = [one.queue or "" for one in topic.subscriptions.values()] if topic else [producer.target]
        for target in targets:
            queue = scenario.queues.get(target)
            if producer.message.group and queue and queue.type == "fifo":
                counts.setdefault(target, {})[name] = producer.message.group.count
    told: set[str] = set()
    for target, groups in counts.items():
        first = next(iter(groups))
        if max(groups.values()) == 1 and first not in told:
            told.add(first)
            message = f"is 1: a FIFO queue, and {target} is one, has one batch of a group worked at a time"
            yield "warning", Finding(("producers", first, "message", "group", "count"), message)


def _fair_queues(scenario: Scenario) -> Iterator[Weighed]:
    """Say which fair queues cannot have as many messages in flight as make a tenant noisy."""
    least = scenario.rules.value("sqs.fair.min_inflight")
    for name, queue in scenario.queues.items():
        at_once = [*_at_once(scenario, name)]
        if queue.fair and at_once and None not in at_once:
            most = sum(number for number in at_once if number is not None)
            if most < least:
                message = f"is true, but its consumers have at most {most} messages in flight at once"
                reason = f"a tenant is noisy from {least} of its own on, so equal work is never shared fairly"
                yield "warning", Finding(("queues", name, "fair"), f"{message}; {reason}")


def _at_once(scenario: Scenario, queue: str) -> Iterator[int | None]:
    """Give the messages that each consumer of a queue has in flight at most; None where nothing says so."""
    for function in scenario.functions.values():
        if (source := function.event_sources.get(queue)) is not None:
            slots = [n for n in (source.maximum_concurrency, function.reserved_concurrency) if n is not None]
            yield min(slots) * source.batch_size if slots else None
    for _, _, group in fleets(scenario):
        if queue in group.queues:
            workers = group.capacity.max * group.workers_per_instance
            yield workers * group.receive.max_messages if group.loop.kind == "sequential" else None
