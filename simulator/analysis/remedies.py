"""What would have avoided the end of a life: only what follows from its own numbers and the scenario's."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from simulator.analysis.consumers import fleet_of
from simulator.analysis.life import Copy, Delivery, Ending, Life, Stay, Wait
from simulator.recording.tables import NONE, Attempt, Cause, Fate, Limit
from simulator.scenario.fleets import grace_key, size_key
from simulator.scenario.schema import Scenario

_US: Final = 1_000_000
_LONGEST_TIMEOUT_US: Final = 43_200 * _US
"""A copy is held for 12 h at most (SQS guide): above it there is no visibility timeout to recommend."""


class Reason(Enum):
    """Why no setting of the scenario stands beside a remedy, or in its place."""

    POISON = "poison"
    FAILURE = "failure"
    AWS_PACE = "aws_pace"
    AT_LEAST_ONCE = "at_least_once"
    LOST_ANSWER = "lost_answer"
    ACCESS_DENIED = "access_denied"
    REDRIVE = "redrive"
    NO_CONSUMER = "no_consumer"
    FAILOVER = "failover"
    EXECUTION = "execution"


_NOBODYS: Final = {
    Cause.AT_LEAST_ONCE: Reason.AT_LEAST_ONCE,
    Cause.LOST_ANSWER: Reason.LOST_ANSWER,
    Cause.ACCESS_DENIED: Reason.ACCESS_DENIED,
    Cause.FAILOVER: Reason.FAILOVER,
}


@dataclass(frozen=True)
class Remedy:
    """A setting by its path and what it should have been: ``value`` is in [us] where ``is_time``."""

    path: str
    relation: str
    value: int | str
    is_time: bool = False


@dataclass(frozen=True)
class Avoidance:
    """Settings that would each have avoided it, and what no setting moves (with the limit's name)."""

    remedies: tuple[Remedy, ...] = ()
    reasons: tuple[tuple[Reason, str], ...] = ()


Found = Iterator[Remedy | tuple[Reason, str]]


def avoidance(life: Life, scenario: Scenario) -> Avoidance:
    """Return what would have avoided the end of the copy that is shown."""
    if not life.copies:
        return Avoidance()
    found = list(_Case(life, scenario).found(life.copies[life.shown]))
    remedies: dict[tuple[str, str], Remedy] = {}
    for remedy in found:
        if isinstance(remedy, Remedy):
            key = remedy.path, remedy.relation
            if key not in remedies or _larger(remedy.value, remedies[key].value):
                remedies[key] = remedy
    reasons = dict.fromkeys(reason for reason in found if not isinstance(reason, Remedy))
    return Avoidance(tuple(remedies.values()), tuple(reasons))


def _larger(value: int | str, than: int | str) -> bool:
    return isinstance(value, int) and isinstance(than, int) and value > than


class _Case:
    """The rules, for one message under one scenario."""

    def __init__(self, life: Life, scenario: Scenario) -> None:
        self._life = life
        self._scenario = scenario

    def found(self, copy: Copy) -> Found:
        first, last = copy.stays[0], copy.stays[-1]
        ending = copy.ending
        if ending is Ending.LOST:
            yield from self._lost(copy, last)
        elif ending is Ending.DEAD_LETTERED and not first.queue.startswith("queues."):
            yield from self._given_up(first)
        elif ending is Ending.DEAD_LETTERED:
            yield from self._again(first)
            if not self._life.poison and first.cause is not Cause.LOOP:
                yield Remedy(f"{first.queue}.redrive.max_receive_count", "≥", len(first.deliveries) + 1)
        elif ending in (Ending.PROCESSED_TWICE, Ending.DELIVERED_AGAIN):
            for stay in copy.stays:
                yield from self._again(stay)
        else:
            yield from self._late(copy)

    # -- received again, or once too often -------------------------------------------------------------

    def _again(self, stay: Stay) -> Found:
        """What gave the copy out again: at its first delivery, as another copy of its message, and later."""
        if stay.deliveries and stay.deliveries[0].cause is Cause.SENDER_RETRY:
            queue = self._scenario.queues.get(stay.queue.removeprefix("queues."))
            if queue is not None and queue.type == "standard" and self._life.target == stay.queue:
                yield Remedy(f"{stay.queue}.type", "=", "fifo")  # it knows the deduplication id of a retry
        elif stay.deliveries and stay.deliveries[0].cause is Cause.REDRIVE:
            yield Reason.REDRIVE, ""
        for place, delivery in enumerate(stay.deliveries):
            if stay.back_at(place) == NONE:
                continue
            more = stay.deliveries[place + 1 :]
            cause = more[0].cause if more else stay.cause
            if cause is Cause.VISIBILITY_TIMEOUT:
                yield from self._overdue(stay, delivery)
            elif cause is Cause.FAILURE:
                yield (Reason.POISON if self._life.poison else Reason.FAILURE), ""
            elif cause is Cause.BATCH_MATE:
                yield from self._batch_mate(delivery)
            elif cause is Cause.THROTTLE:
                yield from self._throttled(delivery)
            elif cause is Cause.CRASH:
                yield from self._crashed(delivery)
            elif cause in _NOBODYS:
                yield _NOBODYS[cause], ""

    def _overdue(self, stay: Stay, delivery: Delivery) -> Found:
        if not delivery.overdue or delivery.attempt is Attempt.UNFINISHED:
            return
        group = fleet_of(self._scenario, delivery.consumer)
        each = None if group is None else group.receive.delete == "each"
        done_at = delivery.over_at
        if each is True and delivery.ended_at != NONE:
            done_at = min(done_at, delivery.ended_at + _US)
        needed_us = ((done_at - delivery.received_at) // _US + 1) * _US
        if needed_us <= _LONGEST_TIMEOUT_US:
            yield Remedy(f"{stay.queue}.visibility_timeout", "≥", needed_us, is_time=True)
        if each is False and delivery.ended_at < delivery.left_at and delivery.attempt is Attempt.SUCCEEDED:
            yield Remedy(f"{delivery.consumer}.receive.delete", "=", "each")
        if group is not None and group.heartbeat is None:
            yield Remedy(f"{delivery.consumer}.heartbeat", "=", True)

    def _batch_mate(self, delivery: Delivery) -> Found:
        function, queue = _function_of(delivery.consumer)
        if queue:
            source = self._scenario.functions[function].event_sources[queue]
            if not source.report_batch_item_failures:
                yield Remedy(f"{delivery.consumer}.report_batch_item_failures", "=", True)
            yield Remedy(f"{delivery.consumer}.batch_size", "≤", 1)

    def _throttled(self, delivery: Delivery) -> Found:
        function, queue = _function_of(delivery.consumer)
        if not function:
            return
        reserved = self._scenario.functions[function].reserved_concurrency
        source = self._scenario.functions[function].event_sources.get(queue)
        allowed = source.maximum_concurrency if source is not None else reserved
        if reserved is None:
            yield Reason.AWS_PACE, "account_concurrency"
            return
        if allowed is None or allowed > reserved:
            yield Remedy(f"{delivery.consumer}.maximum_concurrency", "≤", reserved)
        yield Remedy(f"functions.{function}.reserved_concurrency", ">", reserved)

    def _crashed(self, delivery: Delivery) -> Found:
        function, queue = _function_of(delivery.consumer)
        batch = delivery.invocation
        if function:
            timeout = self._scenario.functions[function].timeout
            if batch.over_at - batch.began_at == timeout:
                yield Remedy(f"functions.{function}.timeout", ">", timeout, is_time=True)
                if batch.messages > 1 and queue:
                    yield Remedy(f"{delivery.consumer}.batch_size", "≤", batch.messages - 1)
            return
        group = fleet_of(self._scenario, delivery.consumer)
        faulty = any(fault.path == delivery.consumer for fault in self._scenario.faults.values())
        if group is not None and not faulty and getattr(group, "spot", None) is None:
            key = grace_key(delivery.consumer)  # which helps at scale-in, not when an instance dies otherwise
            yield Remedy(f"{delivery.consumer}.{key}", ">", group.drain, is_time=True)

    # -- gone, or late ----------------------------------------------------------------------------------

    def _lost(self, copy: Copy, stay: Stay) -> Found:
        if stay.fate is Fate.DROPPED:
            yield from self._given_up(stay)
        if stay.fate is not Fate.EXPIRED:
            return
        queue = self._scenario.queues[stay.queue.removeprefix("queues.")]
        yield Remedy(f"{stay.queue}.retention", ">", queue.retention, is_time=True)
        if len(copy.stays) > 1:
            return  # in a dead-letter queue: what brought it there is another question
        if stay.deliveries:
            if queue.redrive is None:
                yield Remedy(f"{stay.queue}.redrive", "=", True)
            yield from self._again(stay)
        else:
            yield from self._held(stay, stay.waits[-1])

    def _given_up(self, stay: Stay) -> Found:
        """What would have kept a broker, Lambda, SNS or a workflow from giving it up."""
        if stay.pushed and stay.cause is Cause.FAILOVER_LOSS:
            yield Remedy(f"{self._life.source}.jms.delivery_mode", "=", "persistent")
            return
        if stay.pushed:
            yield (Reason.POISON if self._life.poison else Reason.FAILURE), ""
            return
        if stay.queue.startswith("topics."):
            yield from self._not_delivered(stay)
            return
        if stay.queue.startswith("workflows."):
            yield Reason.EXECUTION, ""
            return
        name = stay.queue.split(".")[1]
        function = self._scenario.functions[name]
        if stay.cause in (Cause.EVENT_AGE, Cause.THROTTLE):
            reserved = function.reserved_concurrency
            if reserved is None:
                yield Reason.AWS_PACE, "account_concurrency"
            else:
                yield Remedy(f"functions.{name}.reserved_concurrency", ">", reserved)
        elif stay.cause is Cause.CRASH:
            yield from self._crashed(stay.deliveries[-1])
        else:
            yield (Reason.POISON if self._life.poison else Reason.FAILURE), ""
        if stay.fate is Fate.DROPPED and stay.queue.endswith(".async"):
            yield Remedy(f"functions.{name}.asynchronous.dead_letter", "=", True)

    def _not_delivered(self, stay: Stay) -> Found:
        _, topic, _, name = stay.queue.split(".")
        given = self._scenario.topics[topic].subscriptions[name]
        if stay.cause is Cause.TIME_TO_LIVE and given.push is not None:
            yield Remedy(f"{stay.queue}.push.ttl", ">", given.push.ttl, is_time=True)
        elif stay.cause is Cause.SPENDING_LIMIT and given.sms is not None:
            yield Remedy(f"{stay.queue}.sms.monthly_spend", ">", f"{given.sms.monthly_spend:g}")
        elif stay.cause is Cause.RETRIES_USED_UP and given.http is not None:
            yield Remedy(
                f"{stay.queue}.http.delivery_policy.retries", ">", given.http.delivery_policy.retries
            )
        elif stay.cause is Cause.ACCESS_DENIED:
            yield Reason.ACCESS_DENIED, ""
        elif stay.cause is not Cause.SUBSCRIPTION_DISABLED:
            yield Reason.FAILURE, ""
        tried = stay.cause in (Cause.RETRIES_USED_UP, Cause.CLIENT_ERROR, Cause.ACCESS_DENIED)
        if stay.fate is Fate.DROPPED and tried and given.dead_letter is None:
            yield Remedy(f"{stay.queue}.dead_letter", "=", True)

    def _late(self, copy: Copy) -> Found:
        """Processed, but most of its life was one wait; or not even that."""
        stay = copy.stays[0]
        wait = max(stay.waits, key=lambda one: one.lasted_us, default=None)
        until_at = stay.ended_at if stay.succeeded_at == NONE else stay.succeeded_at
        if wait is not None and 2 * wait.lasted_us >= until_at - self._life.offered_at:
            yield from self._held(stay, wait)

    def _held(self, stay: Stay, wait: Wait) -> Found:
        """What would have shortened a wait: the setting that bound its consumer for most of it."""
        if not wait.held:
            yield Reason.NO_CONSUMER, stay.queue
            return
        if wait.binding is None or 2 * wait.binding[2] < wait.lasted_us:
            return
        consumer, limit, _ = wait.binding
        if limit is Limit.PREFETCHED:
            yield Remedy(f"{stay.queue}.broker.prefetch", "=", 1)
            return
        if limit is Limit.FAILOVER:
            yield Reason.FAILOVER, ""
            return
        yield self._setting(consumer, limit)

    def _setting(self, consumer: str, limit: Limit) -> Remedy | tuple[Reason, str]:
        if limit is Limit.ACCESS_DENIED:
            return Reason.ACCESS_DENIED, ""
        function, queue = _function_of(consumer)
        if queue and limit is Limit.MAXIMUM_CONCURRENCY:
            allowed = self._scenario.functions[function].event_sources[queue].maximum_concurrency
            if allowed is not None:
                return Remedy(f"{consumer}.maximum_concurrency", ">", allowed)
        if function and limit is Limit.RESERVED_CONCURRENCY:
            reserved = self._scenario.functions[function].reserved_concurrency
            if reserved is not None:
                return Remedy(f"functions.{function}.reserved_concurrency", ">", reserved)
        if queue and limit is Limit.PROVISIONED_POLLERS:
            pollers = self._scenario.functions[function].event_sources[queue].provisioned
            if pollers is not None:
                return Remedy(f"{consumer}.provisioned.maximum", ">", pollers.maximum)
        group = fleet_of(self._scenario, consumer)
        if group is not None and limit is Limit.MAXIMUM_SIZE:
            return Remedy(f"{consumer}.{size_key(group, 'max')}", ">", group.capacity.max)
        if group is not None and limit in (Limit.BOOTING, Limit.METRIC_LAG, Limit.POLICY, Limit.COOLDOWN):
            return Remedy(f"{consumer}.{size_key(group, 'min')}", ">", group.capacity.min)
        name = self._life.source.removeprefix("producers.")
        producer = self._scenario.producers.get(name)
        if limit is Limit.GROUP_LOCKED and producer is not None and producer.message.group is not None:
            return Remedy(f"producers.{name}.message.group.count", ">", producer.message.group.count)
        return Reason.AWS_PACE, limit.name.lower()


def _function_of(consumer: str) -> tuple[str, str]:
    """Name of the function, and of the queue of an event source mapping; empty for a fleet."""
    kind, _, rest = consumer.partition(".")
    name, _, queue = rest.partition(".event_sources.")
    name = name.partition(".")[0]
    return (name, queue) if kind == "functions" else ("", "")
