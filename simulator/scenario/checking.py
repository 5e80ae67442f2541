"""Checks across the parts of a scenario: references, what reaches what, what AWS refuses."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from simulator.scenario.access import access_findings, failing
from simulator.scenario.alarm_checks import alarm_findings
from simulator.scenario.alarms import METRICS
from simulator.scenario.attribute_checks import attribute_findings
from simulator.scenario.broker_checks import broker_findings
from simulator.scenario.dead_letters import dead_letter_findings
from simulator.scenario.downstreams import callers, loop_findings
from simulator.scenario.email import email_findings
from simulator.scenario.endpoints import endpoint_findings, endpoint_lines
from simulator.scenario.event_source_settings import Settings, ranges_of, setting_problems
from simulator.scenario.fault_checks import fault_findings
from simulator.scenario.faults import TARGETS
from simulator.scenario.filter_checks import filter_findings
from simulator.scenario.fleet_checks import fleet_findings
from simulator.scenario.fleets import FLEETS, fleets
from simulator.scenario.functions import EventSource
from simulator.scenario.invocation_checks import invocation_findings
from simulator.scenario.invoked import lines, state_paths
from simulator.scenario.problems import Finding, nearest_or_known
from simulator.scenario.producers import Producer
from simulator.scenario.schema import Scenario
from simulator.scenario.sends import SENDERS, send_findings
from simulator.scenario.source_checks import source_findings
from simulator.scenario.thresholds import (
    ALARM,
    BROKER,
    DOWNSTREAM,
    EMAIL,
    GROUP,
    LINE,
    MAPPING,
    QUEUE,
    SOURCE,
    STATE,
    SUBSCRIPTION,
    WORKFLOW,
    scope_problem,
)
from simulator.scenario.topic_checks import topic_findings
from simulator.scenario.units import write_duration
from simulator.scenario.workflows import workflow_findings

#: messages of one run: what fits a large machine's memory with rows off
MOST_MESSAGES: Final = 100_000_000
_KEYS: Final = {
    "BatchSize": ("batch_size",),
    "MaximumBatchingWindowInSeconds": ("maximum_batching_window",),
    "MaximumConcurrency": ("maximum_concurrency",),
    "MinimumPollers": ("provisioned", "minimum"),
    "MaximumPollers": ("provisioned", "maximum"),
}


class Checks:
    """Checks of one scenario; ``broken`` are things (section, name) known to be wrong in themselves."""

    def __init__(self, scenario: Scenario, broken: frozenset[tuple[str, str]] = frozenset()) -> None:
        self.scenario = scenario
        self.broken = broken

    def findings(self) -> list[Finding]:
        """Give everything that is wrong."""
        return list(
            chain(
                self._producers(),
                source_findings(self.scenario),
                self._subscriptions(),
                filter_findings(self.scenario, self.broken),
                self._redrives(),
                dead_letter_findings(self.scenario),
                self._redrive_tasks(),
                self._groups(),
                self._event_sources(),
                self._sends(),
                invocation_findings(self.scenario, self._reference, whole=not self.broken),
                endpoint_findings(self.scenario, self._reference),
                self._reserved(),
                fleet_findings(self.scenario, self._reference),
                self._alarms(),
                self._calls(),
                workflow_findings(self.scenario, self._reference),
                attribute_findings(self.scenario),
                topic_findings(self.scenario, self._reference),
                self._access(),
                self._faults(),
                self._thresholds(),
                self._whole(),
            )
        )

    def _reference(self, path: tuple[str, ...], name: str, *sections: str) -> Iterator[Finding]:
        """Check that *name* is in one of the *sections*."""
        if any((section, word) in self.broken for section in sections for word in (name, "")):
            return
        known = [thing for section in sections for thing in getattr(self.scenario, section, ())]
        known += [thing for section, thing in self.broken if section in sections]
        if name not in known:
            words = " or ".join(section.removesuffix("s") for section in sections)
            yield Finding(path, f"is {name}; there is no such {words}, {nearest_or_known(name, known)}")

    def _producers(self) -> Iterator[Finding]:
        for name, producer in self.scenario.producers.items():
            path = ("producers", name)
            sections = ("topics", "queues", "functions", "workflows")
            yield from self._reference((*path, "target"), producer.target, *sections)
            if producer.target in self.scenario.topics and producer.target in self.scenario.queues:
                message = f"is {producer.target}, both a topic and a queue; rename one"
                yield Finding((*path, "target"), message)

    def _subscriptions(self) -> Iterator[Finding]:
        for topic_name, topic in self.scenario.topics.items():
            for name, subscription in topic.subscriptions.items():
                path = ("topics", topic_name, "subscriptions", name)
                if subscription.queue is not None:
                    yield from self._reference((*path, "queue"), subscription.queue, "queues")
                queue = self.scenario.queues.get(subscription.queue or "")
                if queue and queue.type == "fifo" and topic.type == "standard":
                    message = f"is {subscription.queue}, a FIFO queue; a standard topic cannot deliver to it"
                    yield Finding((*path, "queue"), message)

    def _redrives(self) -> Iterator[Finding]:
        queues = self.scenario.queues
        in_circles: set[str] = set()
        for name, queue in queues.items():
            if not queue.redrive:
                continue
            path = ("queues", name, "redrive", "queue")
            yield from self._reference(path, queue.redrive.queue, "queues")
            seen = [name]
            while (last := queues.get(seen[-1])) and last.redrive and last.redrive.queue not in seen:
                seen.append(last.redrive.queue)
            if last and last.redrive and last.redrive.queue == name and name not in in_circles:
                in_circles.update(seen)
                yield Finding(
                    path, f"is {queue.redrive.queue}; redrive goes in a circle: {' > '.join([*seen, name])}"
                )

    def _redrive_tasks(self) -> Iterator[Finding]:
        for name, task in self.scenario.redrive_tasks.items():
            yield from self._reference(("redrive_tasks", name, "from"), task.source, "queues")
            if task.destination is not None:
                yield from self._reference(("redrive_tasks", name, "to"), task.destination, "queues")

    def _groups(self) -> Iterator[Finding]:
        for name, producer in self.scenario.producers.items():
            if producer.source or producer.message.group:
                continue
            if reached := self._fifo_reached(producer):
                message = f"is missing; it sends to {reached}, which is FIFO and needs a message group"
                yield Finding(("producers", name, "message", "group"), message)
        for name, queue in self.scenario.queues.items():
            if queue.type == "fifo" and queue.backlog and queue.backlog.group is None:
                yield Finding(
                    ("queues", name, "backlog", "group"), "is missing; a FIFO queue needs message groups"
                )

    def _fifo_reached(self, producer: Producer) -> str:
        if topic := self.scenario.topics.get(producer.target):
            if topic.type == "fifo":
                return f"topic {producer.target}"
            return ""
        queue = self.scenario.queues.get(producer.target)
        return f"queue {producer.target}" if queue and queue.type == "fifo" else ""

    def _event_sources(self) -> Iterator[Finding]:
        for name, function in self.scenario.functions.items():
            for queue_name, source in function.event_sources.items():
                path = ("functions", name, "event_sources", queue_name)
                yield from self._reference(path, queue_name, "queues")
                yield from self._batching(path, queue_name, source)

    def _batching(self, path: tuple[str, ...], queue_name: str, source: EventSource) -> Iterator[Finding]:
        queue = self.scenario.queues.get(queue_name)
        if queue is None or queue.broker is not None:
            return
        given = Settings(
            queue.type,
            source.batch_size,
            source.maximum_batching_window,
            source.maximum_concurrency,
            minimum_pollers=source.provisioned.minimum if source.provisioned else None,
            maximum_pollers=source.provisioned.maximum if source.provisioned else None,
        )
        for problem in setting_problems(given, ranges_of(self.scenario.rules)):
            yield Finding((*path, *_KEYS[problem.setting]), problem.message)

    def _sends(self) -> Iterator[Finding]:
        if not any(section in SENDERS for section, _ in self.broken):
            yield from send_findings(self.scenario, self._reference)

    def _reserved(self) -> Iterator[Finding]:
        """Check what functions keep of the account's concurrency: what is reserved, or else provisioned."""
        rules, functions = self.scenario.rules, self.scenario.functions
        most = max(0, rules.value("lambda.account_concurrency") - rules.value("lambda.unreserved_minimum"))
        kept: dict[tuple[str, str], int] = {}
        for name, function in functions.items():
            reserved, provisioned = function.reserved_concurrency, function.provisioned_concurrency or 0
            if reserved is None:
                kept[name, "provisioned_concurrency"] = provisioned
                continue
            kept[name, "reserved_concurrency"] = reserved
            if provisioned > reserved:
                message = f"is {provisioned}, above the function's reserved_concurrency, {reserved}"
                yield Finding(("functions", name, "provisioned_concurrency"), message)
        total = sum(kept.values())
        if total > most:
            name, key = max(kept, key=lambda place: kept[place])
            yield Finding(
                ("functions", name, key),
                f"is {kept[name, key]}, {total} for all functions; allowed: 0 to {most} in all "
                f"({rules.value('lambda.unreserved_minimum')} of the account's "
                f"{rules.value('lambda.account_concurrency')} stay unreserved)",
            )

    def _alarms(self) -> Iterator[Finding]:
        for name, alarm in self.scenario.alarms.items():
            if alarm.notify is not None:
                yield from self._reference(("alarms", name, "notify"), alarm.notify, "topics")
        if not any(section in METRICS for section, _ in self.broken):
            yield from alarm_findings(self.scenario)

    def _calls(self) -> Iterator[Finding]:
        for (section, name), consumer in callers(self.scenario):
            for downstream in consumer.calls:
                path = (section, name, "calls", downstream)
                yield from self._reference(path, downstream, "downstreams", "email")
        yield from loop_findings(self.scenario)
        if not self.broken:
            yield from email_findings(self.scenario, self._reference)
            yield from broker_findings(self.scenario, self._reference)

    def _access(self) -> Iterator[Finding]:
        for name, change in self.scenario.access.items():
            for key in ("producer", "topic", "queue", "function"):
                if (thing := getattr(change, key)) is not None:
                    yield from self._reference(("access", name, key), thing, f"{key}s")
        if not self.broken:
            yield from access_findings(self.scenario)

    def _faults(self) -> Iterator[Finding]:
        for name, fault in self.scenario.faults.items():
            if fault.target:
                yield from self._reference(("faults", name, fault.kind), fault.target, TARGETS[fault.kind])
        yield from fault_findings(self.scenario)

    def _thresholds(self) -> Iterator[Finding]:
        scoped = ("queues", "functions", "downstreams", "email", "brokers", "workflows", *FLEETS)
        if any(section in scoped for section, _ in self.broken):
            return
        scopes = _scopes(self.scenario)
        for place, threshold in enumerate(self.scenario.thresholds):
            if message := scope_problem(threshold, scopes):
                yield Finding(("thresholds", place), message)

    def _whole(self) -> Iterator[Finding]:
        scenario = self.scenario
        if not self.broken:
            backlog = sum(queue.backlog.messages for queue in scenario.queues.values() if queue.backlog)
            total = backlog + sum(one.expected(scenario.duration) for one in scenario.producers.values())
            if total > MOST_MESSAGES:
                message = (
                    f"asks for about {total:,.0f} messages in a run; at most {MOST_MESSAGES:,} are allowed"
                )
                yield Finding(("duration",), message)
            if not scenario.producers and not backlog:
                yield Finding((), "has no producers and no backlog: nothing would happen")
        if scenario.drain_from is not None and scenario.drain_from > scenario.duration:
            span = f"0s to the duration, {write_duration(scenario.duration)}"
            yield Finding(("drain_from",), f"is {write_duration(scenario.drain_from)}; allowed: {span}")
        if scenario.discard is not None:
            yield from self._discard()

    def _discard(self) -> Iterator[Finding]:
        scenario = self.scenario
        if isinstance(scenario.discard, int) and scenario.discard >= scenario.duration:
            least = f"it must be below the duration, {write_duration(scenario.duration)}"
            yield Finding(("discard",), f"is {write_duration(scenario.discard)}; {least}")
        for name, producer in scenario.producers.items():
            phases = producer.phases or ()
            steady = bool(producer.interarrival or producer.closed_loop) or (
                len(phases) == 1 and phases[0].ramp_to is None and phases[0].bursts is None
            )
            if not steady:
                yield Finding(
                    ("discard",), f"needs one constant phase of arrivals; producers.{name} has another shape"
                )


def _scopes(scenario: Scenario) -> dict[str, str]:
    """Give the paths a threshold can be about, and what each is."""
    dead = scenario.dead_letter_queues()
    found = {f"queues.{name}": QUEUE if name in dead else SOURCE for name in scenario.queues}
    for name, function in scenario.functions.items():
        found |= {f"functions.{name}.event_sources.{queue}": MAPPING for queue in function.event_sources}
    found |= {
        f"topics.{name}.subscriptions.{key}": SUBSCRIPTION
        for name, topic in scenario.topics.items()
        for key in topic.subscriptions
    }
    found |= dict.fromkeys((path for path, _ in lines(scenario)), LINE)
    found |= dict.fromkeys((path for path, _, _ in endpoint_lines(scenario)), LINE)
    found |= dict.fromkeys(failing(scenario), LINE)
    found |= {f"alarms.{name}": ALARM for name in scenario.alarms}
    found |= {f"downstreams.{name}": DOWNSTREAM for name in scenario.downstreams}
    for name in scenario.workflows:
        found |= {f"workflows.{name}": WORKFLOW} | dict.fromkeys(state_paths(scenario, name).values(), STATE)
    found |= {f"brokers.{name}": BROKER for name in scenario.brokers}
    found |= {f"email.{name}": EMAIL for name in scenario.email}
    return found | {f"{section}.{name}": GROUP for section, name, _ in fleets(scenario)}
