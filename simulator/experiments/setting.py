"""What a report must know of the scenario it is about: its consumers, what they can do at most, its words."""

import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from simulator import __version__
from simulator.analysis.answer import Consumer, Setting
from simulator.analysis.subscriptions import subscribers
from simulator.analysis.window import drain_from_us
from simulator.engine.taken import Taken
from simulator.experiments.broker_words import brokers_of, held_words
from simulator.experiments.downstream_words import calls_us, downstream_ceilings, downstreams_of
from simulator.experiments.email_words import accounts_of
from simulator.experiments.endpoint_words import endpoint_consumers
from simulator.experiments.event_words import event_consumers
from simulator.experiments.fault_words import faults_of
from simulator.experiments.traffic import amount, events, span, traffic
from simulator.experiments.workflow_words import workflow_consumers, workflows_of
from simulator.scenario.access import failing
from simulator.scenario.auto_scaling import AutoScalingGroup
from simulator.scenario.deployments import Deployment
from simulator.scenario.distributions import mean_of
from simulator.scenario.downstreams import Calls
from simulator.scenario.email import called
from simulator.scenario.endpoints import endpoint_lines
from simulator.scenario.fleets import Fleet, fleets
from simulator.scenario.functions import EventSource, Function
from simulator.scenario.invoked import function_of, lines
from simulator.scenario.producers import Producer
from simulator.scenario.schema import Scenario

DEFAULT_HEADLINE: Final = "end_to_end.p99"


class Ceiling(NamedTuple):
    """What a consumer can work at most: messages a second, and the arithmetic in words."""

    per_s: float
    words: str


def setting_of(scenario: Scenario, *, seed: int, replications: int) -> Setting:
    """Return what a report says about *scenario* before any number."""
    dead = scenario.dead_letter_queues()
    main = [name for name in scenario.queues if name not in dead]
    consumers = [_mapping(scenario, *source) for source in _sources(scenario)]
    consumers += [_fleet(scenario, section, name, fleet) for section, name, fleet in fleets(scenario)]
    consumers += [*event_consumers(scenario), *endpoint_consumers(scenario), *workflow_consumers(scenario)]
    return Setting(
        name=scenario.name,
        question=scenario.question or "",
        duration_s=scenario.duration / 1e6,
        seed=seed,
        replications=replications,
        rules=scenario.rules_name,
        version=__version__,
        traffic=traffic(scenario),
        consumers=consumers,
        queues=[
            *(f"queues.{name}" for name in main),
            *(path for path, _ in lines(scenario)),
            *(path for path, _, _ in endpoint_lines(scenario)),
            *failing(scenario),
            *(f"workflows.{name}" for name in scenario.workflows),
        ],
        dead_letter_queues=[f"queues.{name}" for name in scenario.queues if name in dead],
        events=events(scenario),
        headline=scenario.thresholds[0].key if scenario.thresholds else DEFAULT_HEADLINE,
        variant=scenario.variant,
        drain_from_s=drain_from_us(scenario) / 1e6,
        in_flight_limits={f"queues.{name}": float(_in_flight_limit(scenario, name)) for name in main},
        visibility_timeouts_s={
            f"queues.{name}": scenario.queues[name].visibility_timeout / 1e6
            for name in main
            if scenario.queues[name].broker is None
        },
        held_up=any(_may_be_held_up(scenario, producer) for producer in scenario.producers.values()),
        faults=faults_of(scenario),
        downstreams=downstreams_of(scenario),
        subscribers=subscribers(scenario),
        email=accounts_of(scenario),
        brokers=brokers_of(scenario),
        workflows=workflows_of(scenario),
    )


def _may_be_held_up(scenario: Scenario, producer: Producer) -> bool:
    """Whether a producer's messages may be accepted later than they were offered."""
    if producer.source is not None:
        return True
    if function_of(scenario, producer):
        return False  # a function's answer is its work, which is no delay of sending
    queue = scenario.queues.get(producer.target)
    fifo = queue is not None and queue.type == "fifo"
    return fifo or producer.batch is not None or producer.client is not None


def _sources(scenario: Scenario) -> Iterator[tuple[str, str, Function, EventSource]]:
    for name, function in scenario.functions.items():
        for queue, source in function.event_sources.items():
            yield f"functions.{name}.event_sources.{queue}", queue, function, source


def _in_flight_limit(scenario: Scenario, queue: str) -> int:
    rule = "sqs.fifo.max_inflight" if scenario.queues[queue].type == "fifo" else "sqs.max_inflight"
    return int(scenario.rules.value(rule))


def _mapping(scenario: Scenario, path: str, queue: str, function: Function, source: EventSource) -> Consumer:
    """Say what an event source mapping is and can do."""
    value = scenario.rules.value
    account, pollers = value("lambda.account_concurrency"), source.provisioned
    most = value("esm.max_concurrency_cap" if scenario.queues[queue].broker is None else "mq.esm.concurrency")
    cap = most if source.maximum_concurrency is None and not pollers else None
    per_poller = value("esm.provisioned.concurrency")
    limits = {
        "maximum concurrency": source.maximum_concurrency,
        "provisioned pollers": pollers.maximum * per_poller if pollers else None,
        "reserved concurrency": function.reserved_concurrency,
        "account concurrency": account if function.reserved_concurrency is None else None,
        "mapping cap": cap,
        "groups": _groups(scenario, queue),
    }
    slots, binding = min((limit, name) for name, limit in limits.items() if limit is not None)
    size, work = source.batch_size, function.work
    per_batch_us = mean_of(work.per_invocation) + size * mean_of(work.per_message)
    per_batch_us += size * calls_us(called(scenario), function)
    what = "groups" if binding == "groups" else "slots"
    ceiling = _ceiling(scenario, queue, slots, what, size, per_batch_us, size)
    ceiling = min([ceiling, *(Ceiling(*one) for one in downstream_ceilings(called(scenario), function))])
    growth = "esm.provisioned.growth_per_minute" if pollers else "esm.growth_per_minute"
    settings = ["Lambda", f"batch size {source.batch_size}"]
    if source.maximum_batching_window:
        settings.append(f"window {span(source.maximum_batching_window)}")
    if binding in ("maximum concurrency", "reserved concurrency"):
        settings.append(f"{binding} {slots:,}")
    if pollers:
        settings.append(f"{pollers.minimum:,} to {pollers.maximum:,} pollers")
    settings.append(held_words(scenario.queues[queue]))
    return Consumer(
        path=path,
        kind="function",
        queue=f"queues.{queue}",
        settings=", ".join(settings),
        ceiling_per_s=ceiling.per_s,
        ceiling=ceiling.words,
        maximum=float(slots),
        caps={name: float(limit) for name, limit in limits.items() if limit is not None and name != "groups"},
        limit_words={
            "ramp": f"ramp +{value(growth):,}/min",
            "provisioned_pollers": f"{pollers.maximum if pollers else 0:,} pollers",
            "maximum_concurrency": f"max. concurrency {source.maximum_concurrency or 0:,}",
            "reserved_concurrency": f"reserved concurrency {function.reserved_concurrency or 0:,}",
            "account_concurrency": f"account concurrency {account:,}",
            "mapping_cap": f"mapping cap {most:,}",
            **_queue_words(scenario, queue),
            **_called_words(function),
        },
    )


def _fleet(scenario: Scenario, section: str, name: str, group: Fleet) -> Consumer:
    """Say what a fleet is and can do."""
    taken = Taken(scenario.rules, 0, 0)
    receive_us, delete_us = taken.latency("lat.sqs_receive").mean, taken.latency("lat.sqs_delete").mean
    each = group.receive.delete == "each"
    size = group.receive.max_messages
    work = group.work_of(group.queues[0])
    if scenario.queues[group.queues[0]].broker is not None:
        receive_us, delete_us, size = 0.0, 0.0, 1  # it is pushed to, one message after another
    per_batch_us = receive_us + mean_of(work.per_invocation) + size * mean_of(work.per_message)
    per_batch_us += delete_us * (size if each else 1) + size * calls_us(called(scenario), group)
    workers = group.capacity.max * group.workers_per_instance
    queue = group.queues[0]
    groups = _groups(scenario, queue)
    slots = workers if groups is None else min(workers, groups)
    what = "workers" if slots == workers else "groups"
    if group.loop.permits is not None:
        slots, what, size = slots * group.loop.permits, "permits", 1
        per_batch_us = mean_of(work.per_invocation) + mean_of(work.per_message) + delete_us
    elif group.loop.kind == "barrier":
        per_batch_us -= (size - 1) * (mean_of(work.per_message) + (delete_us if each else 0.0))
    ceiling = _ceiling(scenario, queue, slots, what, size, per_batch_us, 1 if each else size)
    ceiling = min([ceiling, *(Ceiling(*one) for one in downstream_ceilings(called(scenario), group))])
    low, high = group.capacity.min, group.capacity.max
    size_words = f"{high}" if low == high else f"{low} to {high}"
    whose = "pods" if isinstance(group, Deployment) else f"x {group.instance_type}"
    settings = [f"{size_words} {whose}", f"{group.workers_per_instance} workers each"]
    settings += _scaling_words(group)
    settings += _loop_words(group)
    settings.append(held_words(scenario.queues[queue]))
    return Consumer(
        path=f"{section}.{name}",
        kind=section.removesuffix("s"),
        queue=f"queues.{queue}",
        settings=", ".join(settings),
        ceiling_per_s=ceiling.per_s,
        ceiling=ceiling.words,
        maximum=float(high),
        workers_per_instance=group.workers_per_instance * (group.loop.permits or 1),
        limit_words={
            "maximum_size": f"fleet max {high}",
            **_queue_words(scenario, queue),
            **_called_words(group),
        },
        start_up=_start_up(taken, group),
        warm_up_s=group.instance_warmup / 1e6 if isinstance(group, AutoScalingGroup) else 0.0,
    )


def _start_up(taken: Taken, fleet: Fleet) -> dict[str, float]:
    """Mean seconds that the stages of an instance's start take."""
    boot = fleet.boot if isinstance(fleet, AutoScalingGroup) else fleet.start
    stages = {"boot": mean_of(boot) / 1e6, "bootstrap": mean_of(fleet.bootstrap) / 1e6}
    return (
        {"launch": taken.rule("asg.react") / 1e6, **stages} if isinstance(fleet, AutoScalingGroup) else stages
    )


def _scaling_words(fleet: Fleet) -> list[str]:
    """Say what decides the size of a fleet."""
    if isinstance(fleet, Deployment):
        return [] if fleet.keda is None else [f"KEDA, {amount(fleet.keda.queue_length)} messages a pod"]
    words = []
    for policy in fleet.declared.values():
        tracking, steps = policy.target_tracking, policy.step_scaling
        if tracking is not None:
            own = tracking.metric == "backlog_per_instance"
            of = "per instance" if own else f"of {tracking.metric.replace('_', ' ')}"
            words.append(f"target {amount(tracking.target)} {of}")
        elif steps is not None:
            words.append(f"{len(steps.steps)} scaling steps")
        elif policy.scheduled is not None:
            words.append(f"scheduled action at {span(policy.scheduled.at)}")
        else:
            words.append("simple scaling")
    return words


def _loop_words(group: Fleet) -> list[str]:
    """Say what is not plain about a group's loop."""
    words = []
    if group.priority is not None:
        weights = group.priority.weights
        order = "strict" if group.priority.strict else "weighted" if group.priority.weighted else "credits"
        names = (f"{name} {weights[name]:g}" if name in weights else name for name in group.queues)
        words.append(f"{order}: {', '.join(names)}")
    if group.loop.kind != "sequential":
        size = group.loop.permits or group.loop.prefetch
        words.append(f"{group.loop.kind} {size}" if size else group.loop.kind)
    if group.heartbeat is not None:
        words.append(f"heartbeat every {span(group.heartbeat.every)}")
    return words


def _ceiling(
    scenario: Scenario, queue: str, slots: int, what: str, batch: int, per_batch_us: float, per_delete: int
) -> Ceiling:
    """Say what *slots* can work; the calls of a FIFO queue may allow less.

    ``per_delete`` is the number of messages that one delete call takes away.
    """
    found = [Ceiling(math.inf, "no work to do")]
    if per_batch_us > 0:
        messages = f" x {batch} messages" if batch > 1 else ""
        words = f"{slots:,} {what}{messages} / {span(per_batch_us)}"
        found.append(Ceiling(slots * batch / (per_batch_us / 1e6), words))
    calls = scenario.rules.value("sqs.fifo.tps")
    if scenario.queues[queue].type == "fifo" and calls is not None:
        messages = f" x {per_delete} messages" if per_delete > 1 else ""
        found.append(Ceiling(float(calls * per_delete), f"{calls:,} delete calls/s{messages}"))
    return min(found)


def _groups(scenario: Scenario, queue: str) -> int | None:
    """Return how many message groups reach a FIFO queue, each worked on its own; None on a standard one."""
    if scenario.queues[queue].type != "fifo":
        return None
    reached = {queue} | {
        name
        for name, topic in scenario.topics.items()
        if any(subscription.queue == queue for subscription in topic.subscriptions.values())
    }
    groups = [
        producer.message.group.count
        for producer in scenario.producers.values()
        if producer.target in reached and producer.message.group is not None
    ]
    backlog = scenario.queues[queue].backlog
    if backlog is not None and backlog.group is not None:
        groups.append(backlog.group.count)
    return max(groups, default=None)


def _called_words(caller: Calls) -> dict[str, str]:
    """Name the downstream that a consumer waits for, where it can be one only."""
    return {"downstream": next(iter(caller.calls))} if len(caller.calls) == 1 else {}


def _queue_words(scenario: Scenario, queue: str) -> Mapping[str, str]:
    words = {"in_flight_cap": f"in-flight limit {_in_flight_limit(scenario, queue):,}"}
    calls = scenario.rules.value("sqs.fifo.tps")
    return words if calls is None else {**words, "call_tokens": f"{calls:,} calls/s"}
