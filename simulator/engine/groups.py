"""Builds Auto Scaling groups."""

from collections.abc import Callable
from functools import partial

from simulator.aws.cloudwatch.metrics import PublishedSeries
from simulator.aws.ec2.auto_scaling import TargetTracking
from simulator.aws.sqs.standard import StandardQueue
from simulator.engine.loops import Loops, is_plain
from simulator.engine.parts import Parts
from simulator.engine.standard_queues import counters
from simulator.engine.taken import sampler
from simulator.processes.auto_scaling import AutoScalingGroup
from simulator.processes.gauges import Gauge
from simulator.processes.partitioned import QueueByChance
from simulator.processes.pollers import WorkerPool
from simulator.processes.short_polls import ShortPollingPool
from simulator.recording.tables import Limit, Quantity
from simulator.scenario import auto_scaling as spec
from simulator.scenario.workers import Receive


class Groups:
    """The Auto Scaling groups of a run."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.groups: list[AutoScalingGroup] = []
        given = parts.scenario.auto_scaling_groups
        if given:
            taken = parts.taken
            phase_us = int(taken.calls("cloudwatch/phase").next() * taken.rule("cw.period"))
            for name, group in given.items():
                self._group(name, group, phase_us)

    def _group(self, name: str, group: spec.AutoScalingGroup, phase_us: int) -> None:
        taken, rule = self._parts.taken, self._parts.taken.rule
        thing = self._parts.things[f"auto_scaling_groups.{name}"]
        dispatchers = [self._parts.dispatchers[queue] for queue in group.queues]
        capacity = group.capacity
        made = AutoScalingGroup(
            self._parts.clock,
            self._parts.recorder,
            thing,
            maximum=capacity.max,
            desired=capacity.min if capacity.desired is None else capacity.desired,
            react_us=rule("asg.react"),
            boot=taken.durations(f"{name}/boot", sampler(group.boot)),
            bootstrap=taken.durations(f"{name}/bootstrap", sampler(group.bootstrap)),
            warmup_us=group.instance_warmup,
            drain_us=group.drain,
        )
        limit_gauge = Gauge(self._parts.recorder, thing, Quantity.LIMIT, Limit.ARRIVALS)
        if is_plain(group):
            made.start(self._plain_pool(name, group, thing, made, limit_gauge))
        else:
            works = [self._parts.work(queue, group.work_of(queue), group.failures) for queue in group.queues]
            loops = Loops(taken, self._parts.clock, self._parts.recorder)
            made.start(
                loops.pool(
                    name,
                    group,
                    thing,
                    group.workers_per_instance,
                    made.limit,
                    limit_gauge,
                    dispatchers,
                    works,
                )
            )
        policies = [
            TargetTracking(
                tracking.target,
                capacity.min,
                capacity.max,
                rule("asg.tt.out_points"),
                rule("asg.tt.in_points"),
                rule("asg.tt.in_ratio"),
                tracking.disable_scale_in,
            )
            for tracking in group.policies.values()
        ]
        if policies:
            for queue, dispatcher in zip(group.queues, dispatchers, strict=True):
                if isinstance(dispatcher.queue, StandardQueue | QueueByChance):
                    dispatcher.counters = counters(queue, dispatcher.queue, taken)
            published = PublishedSeries(rule("cw.period"), rule("cw.publish_delay"))
            self._parts.clock.process(made.track(dispatchers, policies, published, phase_us))
        self.groups.append(made)

    def _plain_pool(
        self,
        name: str,
        group: spec.AutoScalingGroup,
        thing: int,
        made: AutoScalingGroup,
        limit_gauge: Gauge,
    ) -> WorkerPool:
        taken, queue = self._parts.taken, group.queues[0]
        dispatcher = self._parts.dispatchers[queue]
        pool = _plain_pool(group.receive)(
            self._parts.clock,
            dispatcher,
            len(dispatcher.consumers),
            thing,
            self._parts.work(queue, group.work_of(queue), group.failures),
            taken.durations(f"{name}/receive", taken.latency("lat.sqs_receive")),
            taken.durations(f"{name}/delete", taken.latency("lat.sqs_delete")),
            taken.calls(f"{name}/instance"),
            made.limit,
            limit_gauge,
            workers=group.workers_per_instance,
            max_messages=group.receive.max_messages,
            delete_each=group.receive.delete == "each",
        )
        self._parts.add_consumer(queue, pool, group.receive.wait_time)
        return pool


def _plain_pool(receive: Receive) -> Callable[..., WorkerPool]:
    """Workers with a plain loop: by long polls, or by short ones."""
    if receive.wait_time:
        return WorkerPool
    return partial(ShortPollingPool, pause_us=receive.poll_pause)
