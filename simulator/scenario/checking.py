"""Checks across the parts of a scenario: references, what reaches what, what AWS refuses."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from simulator.scenario.dead_letters import dead_letter_findings
from simulator.scenario.distributions import largest
from simulator.scenario.functions import EventSource, Function
from simulator.scenario.messaging import Topic
from simulator.scenario.problems import Finding, nearest_or_known
from simulator.scenario.producers import Producer
from simulator.scenario.schema import Scenario
from simulator.scenario.thresholds import GROUP, MAPPING, QUEUE, SOURCE, scope_problem
from simulator.scenario.units import write_duration, write_size

#: messages of one run: what fits a large machine's memory with rows off
MOST_MESSAGES: Final = 100_000_000


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
                self._subscriptions(),
                self._redrives(),
                dead_letter_findings(self.scenario),
                self._redrive_tasks(),
                self._groups(),
                self._event_sources(),
                self._reserved(),
                self._auto_scaling_groups(),
                self._thresholds(),
                self._whole(),
            )
        )

    def _reference(self, path: tuple[str, ...], name: str, *sections: str) -> Iterator[Finding]:
        """Check that *name* is in one of the *sections*."""
        if any((section, word) in self.broken for section in sections for word in (name, "")):
            return
        known = [thing for section in sections for thing in getattr(self.scenario, section)]
        known += [thing for section, thing in self.broken if section in sections]
        if name not in known:
            words = " or ".join(section.removesuffix("s") for section in sections)
            yield Finding(path, f"is {name}; there is no such {words}, {nearest_or_known(name, known)}")

    def _producers(self) -> Iterator[Finding]:
        for name, producer in self.scenario.producers.items():
            path = ("producers", name)
            yield from self._reference((*path, "target"), producer.target, "topics", "queues")
            if producer.target in self.scenario.topics:
                if producer.target in self.scenario.queues:
                    yield Finding(
                        (*path, "target"), f"is {producer.target}, both a topic and a queue; rename one"
                    )
                limit = self.scenario.rules.value("sns.max_message_bytes")
                if largest(producer.message.size) > limit:
                    size = write_size(largest(producer.message.size))
                    message = f"goes to {size}; SNS allows 1B to {write_size(limit)}"
                    yield Finding((*path, "message", "size"), message)

    def _subscriptions(self) -> Iterator[Finding]:
        rules = self.scenario.rules
        for topic_name, topic in self.scenario.topics.items():
            for name, subscription in topic.subscriptions.items():
                path = ("topics", topic_name, "subscriptions", name)
                yield from self._reference((*path, "queue"), subscription.queue, "queues")
                queue = self.scenario.queues.get(subscription.queue)
                if queue and queue.type == "fifo" and topic.type == "standard":
                    message = f"is {subscription.queue}, a FIFO queue; a standard topic cannot deliver to it"
                    yield Finding((*path, "queue"), message)
                policy = subscription.filter_policy
                if len(policy) > (most := rules.value("sns.filter.max_keys")):
                    yield Finding((*path, "filter_policy"), f"has {len(policy)} keys; SNS allows {most}")
                combinations = 1
                for values in policy.values():
                    combinations *= len(values)
                if combinations > (most := rules.value("sns.filter.max_combinations")):
                    yield Finding(
                        (*path, "filter_policy"), f"has {combinations} combinations; SNS allows {most}"
                    )
            yield from self._filters(topic_name, topic)

    def _filters(self, topic_name: str, topic: Topic) -> Iterator[Finding]:
        """Find policies that let nothing through: their attribute or values are sent by no producer."""
        producers = [
            producer for producer in self.scenario.producers.values() if producer.target == topic_name
        ]
        if not producers or any(section == "producers" for section, _ in self.broken):
            return
        for name, subscription in topic.subscriptions.items():
            for key, values in subscription.filter_policy.items():
                path = ("topics", topic_name, "subscriptions", name, "filter_policy", key)
                keys = sorted({known for producer in producers for known in producer.message.attributes})
                sent = sorted(
                    {value for producer in producers for value in producer.message.attributes.get(key, ())}
                )
                if key not in keys:
                    message = f"is an attribute that no producer of {topic_name} sends"
                    yield Finding(path, f"{message}; {nearest_or_known(key, keys)}")
                elif not set(values) & set(sent):
                    message = f"lets nothing through: no producer of {topic_name} sends such a value"
                    yield Finding(path, f"{message}; {nearest_or_known(values[0], sent)}")

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
            if producer.message.group is None and (reached := self._fifo_reached(producer)):
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
        rules = self.scenario.rules
        queue = self.scenario.queues.get(queue_name)
        if queue is None:
            return
        if queue.type == "fifo":
            rule = rules.rule("esm.fifo_batch_size")
            if source.batch_size > rule.high:
                message = (
                    f"is {source.batch_size}; {rule.range_words()} for a FIFO queue, and {queue_name} is one"
                )
                yield Finding((*path, "batch_size"), message)
            if source.maximum_batching_window:
                window = write_duration(source.maximum_batching_window)
                message = f"is {window}; a FIFO queue, and {queue_name} is one, has no batching window"
                yield Finding((*path, "maximum_batching_window"), message)
            return
        least = rules.value("esm.window_for_big_batches")
        if (
            source.batch_size > rules.rule("esm.fifo_batch_size").high
            and source.maximum_batching_window < least
        ):
            window = write_duration(source.maximum_batching_window)
            message = (
                f"is {window}; a batch_size of {source.batch_size}, above 10, needs {write_duration(least)}"
            )
            yield Finding((*path, "maximum_batching_window"), f"{message} or more")

    def _reserved(self) -> Iterator[Finding]:
        rules = self.scenario.rules
        most = max(0, rules.value("lambda.account_concurrency") - rules.value("lambda.unreserved_minimum"))
        reserving: list[tuple[str, Function]] = [
            (name, function)
            for name, function in self.scenario.functions.items()
            if function.reserved_concurrency
        ]
        total = sum(function.reserved_concurrency or 0 for _, function in reserving)
        if reserving and total > most:
            name, function = max(reserving, key=lambda pair: pair[1].reserved_concurrency or 0)
            yield Finding(
                ("functions", name, "reserved_concurrency"),
                f"is {function.reserved_concurrency}, {total} for all functions; allowed: 0 to {most} in all "
                f"({rules.value('lambda.unreserved_minimum')} of the account's "
                f"{rules.value('lambda.account_concurrency')} stay unreserved)",
            )

    def _auto_scaling_groups(self) -> Iterator[Finding]:
        for name, group in self.scenario.auto_scaling_groups.items():
            path: tuple[str, ...] = ("auto_scaling_groups", name)
            if group.priority is None:
                yield from self._reference((*path, "queue"), group.queues[0], "queues")
            else:
                for queue in group.queues:
                    yield from self._reference((*path, "priority"), queue, "queues")
            for queue in group.work_by_queue:
                if queue not in group.queues:
                    message = f"is no queue that {name} polls; {nearest_or_known(queue, group.queues)}"
                    yield Finding((*path, "work_by_queue", queue), message)

    def _thresholds(self) -> Iterator[Finding]:
        if any(section in ("queues", "functions", "auto_scaling_groups") for section, _ in self.broken):
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
    return found | {f"auto_scaling_groups.{name}": GROUP for name in scenario.auto_scaling_groups}
