"""Builds fleets: Auto Scaling groups, ECS services and deployments, with their workers."""

import math
from collections.abc import Callable
from functools import partial

from simulator.aws.ec2.target_tracking import backlog_per_instance
from simulator.aws.ec2.termination import Termination
from simulator.engine.brokers import sessions
from simulator.engine.loops import Loops, is_plain
from simulator.engine.parts import Parts
from simulator.engine.scaling import Policies, scale_pods
from simulator.engine.taken import sampler
from simulator.processes.auto_scaling import AutoScaling
from simulator.processes.broker_queues import BrokerDispatcher
from simulator.processes.draws import CallDurations
from simulator.processes.fleets import Fleet
from simulator.processes.gauges import Gauge
from simulator.processes.instances import Leaving, Life, Spot
from simulator.processes.pollers import WorkerPool
from simulator.processes.short_polls import ShortPollingPool
from simulator.processes.warm_pools import WarmPool
from simulator.recording.tables import Limit, Quantity
from simulator.sampling.distributions import Exponential
from simulator.scenario import auto_scaling as spec
from simulator.scenario.deployments import Deployment
from simulator.scenario.fleets import Fleet as FleetSpec
from simulator.scenario.fleets import fleets
from simulator.scenario.workers import Receive

_MONTH_US = 30 * 86_400_000_000
_TASKS_LEAVE = Leaving((Termination.NEWEST,), booting_first=True)


class Groups:
    """The fleets of a run by their paths, and the policies of those that have any of AWS's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.fleets: dict[str, Fleet] = {}
        self.policies: list[AutoScaling] = []
        given = list(fleets(parts.scenario))
        for section, name, fleet in given:
            self.fleets[f"{section}.{name}"] = self._fleet(section, name, fleet)
        for section, name, fleet in given:
            self._scale(f"{section}.{name}", name, fleet)

    def _fleet(self, section: str, name: str, given: FleetSpec) -> Fleet:
        """Build one fleet and put its first instances to work."""
        parts, path = self._parts, f"{section}.{name}"
        taken, thing = parts.taken, parts.things[path]
        key = name if isinstance(given, spec.AutoScalingGroup) else path
        life = self._life(key, given)
        group = given if isinstance(given, spec.AutoScalingGroup) else None
        made = Fleet(
            parts.clock,
            parts.recorder,
            thing,
            maximum=given.capacity.max,
            desired=given.capacity.first,
            life=life,
            chance=taken.calls(f"{key}/met"),
            leaving=_TASKS_LEAVE if group is None else self._leaving(group),
            zones=1 if isinstance(given, Deployment) else given.zones,
            spot=None if group is None else self._spot(key, group),
            notice_us=self._parts.taken.rule("asg.spot.notice"),
            warm_pool=None if group is None else self._warm_pool(key, group, life),
            shortest_us=0 if isinstance(given, Deployment) else taken.rule("price.ec2.minimum"),
        )
        limit_gauge = Gauge(parts.recorder, thing, Quantity.LIMIT, Limit.ARRIVALS)
        dispatcher = parts.dispatchers[given.queues[0]]
        if isinstance(dispatcher, BrokerDispatcher):
            made.start(sessions(parts, path, given, dispatcher, made, limit_gauge))
        elif is_plain(given):
            made.start(self._plain_pool(key, path, given, thing, made, limit_gauge))
        else:
            conditions = parts.conditions_of(path)
            works = [
                parts.work(queue, given.work_of(queue), given.failures, conditions, (path, given))
                for queue in given.queues
            ]
            dispatchers = [parts.dispatchers[queue] for queue in given.queues]
            loops = Loops(taken, parts.clock, parts.recorder)
            workers = given.workers_per_instance
            made.start(loops.pool(key, given, thing, workers, made.limit, limit_gauge, dispatchers, works))
        self._declare(path, given, made)
        return made

    def _life(self, key: str, given: FleetSpec) -> Life:
        taken = self._parts.taken
        group = isinstance(given, spec.AutoScalingGroup)
        boot = given.boot if isinstance(given, spec.AutoScalingGroup) else given.start
        return Life(
            react_us=taken.rule("asg.react") if group else 0,
            boot=taken.durations(f"{key}/boot", sampler(boot)),
            bootstrap=taken.durations(f"{key}/bootstrap", sampler(given.bootstrap)),
            warmup_us=given.instance_warmup if isinstance(given, spec.AutoScalingGroup) else 0,
            drain_us=given.drain,
        )

    def _leaving(self, group: spec.AutoScalingGroup) -> Leaving:
        policies = [Termination(policy) for policy in group.termination]
        if group.protect == "none":
            return Leaving(policies)
        return Leaving(policies, protects_busy=True, retry_us=self._parts.taken.rule("asg.protected_retry"))

    def _spot(self, key: str, group: spec.AutoScalingGroup) -> Spot | None:
        spot, taken = group.spot, self._parts.taken
        if spot is None:
            return None
        lifetime: CallDurations | None = None
        if spot.interruptions:
            mean_us = -_MONTH_US / math.log1p(-spot.interruptions)
            lifetime = taken.durations(f"{key}/interruption", Exponential(mean_us))
        return Spot(
            share=spot.share,
            lifetime=lifetime,
            drains=spot.on_interruption == "drain",
            replaces_early=spot.rebalance,
        )

    def _warm_pool(self, key: str, group: spec.AutoScalingGroup, life: Life) -> WarmPool | None:
        given, taken = group.warm_pool, self._parts.taken
        if given is None:
            return None
        return WarmPool(
            self._parts.clock,
            prepared=group.capacity.max if given.max_prepared is None else given.max_prepared,
            minimum=given.min,
            start=taken.durations(f"{key}/warm", sampler(given.start)),
            prepare_us=lambda: life.boot.next() + life.bootstrap.next(),
        )

    def _declare(self, path: str, given: FleetSpec, made: Fleet) -> None:
        """Declare a fleet's metrics."""
        metrics = self._parts.metrics
        visible = [f"queues.{queue}.visible" for queue in given.queues]
        each = given.workers_per_instance

        def backlog(at: int) -> float:
            return backlog_per_instance(sum(metrics.read(one, at) for one in visible), made.in_service)

        def busy(_: int) -> float:
            workers = each * made.in_service
            return min(1.0, made.busy / workers) if workers else math.nan

        metrics.declare(f"{path}.backlog_per_instance", backlog)
        metrics.declare(f"{path}.busy_share", busy)
        metrics.declare(f"{path}.in_service", lambda _: made.in_service)
        metrics.declare(f"{path}.desired", lambda _: made.desired)

    def _scale(self, path: str, name: str, given: FleetSpec) -> None:
        """Let policies decide the size of a fleet."""
        parts, made = self._parts, self.fleets[path]
        if not isinstance(given, Deployment):
            self.policies.append(Policies(parts, path, given, made).wire(parts.things[path]))
        elif given.keda is not None:
            scale_pods(parts, name, given, made)

    def _plain_pool(
        self, key: str, path: str, given: FleetSpec, thing: int, made: Fleet, limit_gauge: Gauge
    ) -> WorkerPool:
        parts, taken, queue = self._parts, self._parts.taken, given.queues[0]
        dispatcher = parts.dispatchers[queue]
        pool = _plain_pool(given.receive)(
            parts.clock,
            dispatcher,
            len(dispatcher.consumers),
            thing,
            parts.work(queue, given.work_of(queue), given.failures, parts.conditions_of(path), (path, given)),
            taken.durations(f"{key}/receive", taken.latency("lat.sqs_receive")),
            taken.durations(f"{key}/delete", taken.latency("lat.sqs_delete")),
            taken.calls(f"{key}/instance"),
            made.limit,
            limit_gauge,
            workers=given.workers_per_instance,
            max_messages=given.receive.max_messages,
            delete_each=given.receive.delete == "each",
        )
        parts.add_consumer(queue, pool, given.receive.wait_time)
        return pool

    def finish_run(self) -> None:
        """Write down the sizes held at the end of the run."""
        for fleet in self.fleets.values():
            fleet.finish_run()
        for policies in self.policies:
            policies.finish_run()


def _plain_pool(receive: Receive) -> Callable[..., WorkerPool]:
    """Workers with a plain loop: by long polls, or by short ones."""
    if receive.wait_time:
        return WorkerPool
    return partial(ShortPollingPool, pause_us=receive.poll_pause)
