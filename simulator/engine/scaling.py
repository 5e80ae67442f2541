"""Builds the scaling policies of fleets."""

from collections.abc import Callable, Iterator
from math import inf, nan

from simulator.aws.cloudwatch.alarms import Alarm, Comparison
from simulator.aws.cloudwatch.metrics import PublishedSeries
from simulator.aws.ec2.scheduled import ScheduledAction
from simulator.aws.ec2.simple_scaling import SimpleScaling
from simulator.aws.ec2.step_scaling import Adjustment, Step, StepScaling
from simulator.aws.ec2.target_tracking import TargetTracking, backlog_per_instance
from simulator.aws.ecs.application_auto_scaling import Cooldowns
from simulator.aws.kubernetes import hpa
from simulator.aws.kubernetes.keda import Activation, queue_length
from simulator.aws.sqs.standard import StandardQueue
from simulator.engine.alarms import alarm_rule
from simulator.engine.parts import Parts
from simulator.engine.standard_queues import counters
from simulator.processes.auto_scaling import AutoScaling, OneStep, Policy, Stepper, Tracker, Watch
from simulator.processes.fleets import Fleet
from simulator.processes.partitioned import QueueByChance
from simulator.processes.pod_scaling import PodScaling
from simulator.processes.queues import Dispatcher
from simulator.scenario import scaling as spec
from simulator.scenario.auto_scaling import AutoScalingGroup
from simulator.scenario.deployments import Deployment, Direction
from simulator.scenario.ecs_services import EcsService

_ADJUSTMENTS = {
    "change": Adjustment.CHANGE,
    "exact": Adjustment.EXACT,
    "percent": Adjustment.PERCENT,
}


class Policies:
    """Makes the policies of one group or service; its metrics and all others are declared by now."""

    def __init__(self, parts: Parts, path: str, given: AutoScalingGroup | EcsService, fleet: Fleet) -> None:
        self._parts = parts
        self._path = path
        self._given = given
        self._fleet = fleet
        self._sizes = (given.capacity.min, given.capacity.max)

    def wire(self, thing: int) -> AutoScaling:
        """Let them decide from now on."""
        parts, given = self._parts, self._given
        scaling = AutoScaling(
            parts.clock,
            parts.recorder,
            thing,
            self._fleet,
            minimum=given.capacity.min,
            waits_for_boot=isinstance(given, AutoScalingGroup),
        )
        trackers = [self._tracker(tracking) for tracking in given.policies.values()]
        others = list(self._others())
        if trackers or others:
            scaling.decide_by(parts.metrics, trackers, others)
        for policy in given.declared.values():
            if policy.scheduled is not None:
                self._schedule(scaling, policy.scheduled)
        return scaling

    def _metric(self, name: str) -> str:
        return f"{self._path}.{name}" if name in spec.OWN_METRICS else name

    def _tracker(self, tracking: spec.TargetTracking) -> Tracker:
        rule = self._parts.taken.rule
        service = isinstance(tracking, spec.ServiceTracking)
        policy = TargetTracking(
            tracking.target,
            *self._sizes,
            rule("asg.tt.out_points"),
            rule("asg.tt.in_points"),
            rule("ecs.tt.in_ratio" if service else "asg.tt.in_ratio"),
            tracking.disable_scale_in,
            rule("asg.tt.in_step"),
        )
        cooldowns = None
        if isinstance(tracking, spec.ServiceTracking):
            cooldowns = Cooldowns(tracking.scale_out_cooldown, tracking.scale_in_cooldown)
        metric = self._metric(tracking.metric)
        published = self._parts.metrics.series(metric)
        return Tracker(policy, published, self._true(tracking.metric, published), cooldowns)

    def _true(self, metric: str, published: PublishedSeries) -> Callable[[int], float]:
        """The metric as it is; of what is not the fleet's own, the newest sample."""
        fleet, workers = self._fleet, self._given.workers_per_instance
        queues = [self._parts.dispatchers[queue].queue for queue in self._given.queues]
        if metric == "backlog_per_instance":
            return lambda now: backlog_per_instance(sum(q.visible(now) for q in queues), fleet.in_service)
        if metric == "busy_share":
            return lambda _: min(1.0, fleet.busy / max(1, workers * fleet.in_service))
        return lambda now: next(iter(published.points(now + published.publish_delay_us, 1)), nan)

    def _others(self) -> Iterator[Policy]:
        for policy in self._given.declared.values():
            if (steps := policy.step_scaling) is not None:
                cooldowns = None
                if isinstance(steps, spec.ServiceSteps):
                    cooldowns = Cooldowns(steps.cooldown, steps.cooldown)
                made = [
                    Step(_bound(one.lower, -inf), _bound(one.upper, inf), float(one.add))
                    for one in steps.steps
                ]
                rule = StepScaling(made, _ADJUSTMENTS[steps.adjustment], *self._sizes, steps.min_adjustment)
                yield Stepper(rule, self._watch(steps), cooldowns)
            simple = getattr(policy, "simple_scaling", None)
            if isinstance(simple, spec.SimpleScaling):
                adjustment = _ADJUSTMENTS[simple.adjustment]
                one = SimpleScaling(adjustment, float(simple.add), *self._sizes, simple.cooldown)
                yield OneStep(one, self._watch(simple))

    def _watch(self, trigger: spec.Trigger) -> Watch:
        """The alarm of a policy: one that the scenario names, as this policy sees it, or its own."""
        parts = self._parts
        if trigger.alarm is not None:
            alarm = parts.scenario.alarms[trigger.alarm]
            return Watch(alarm_rule(alarm, parts.taken), parts.metrics.series(alarm.metric))
        assert trigger.metric is not None
        comparison = Comparison.ABOVE if trigger.above is not None else Comparison.BELOW
        own = Alarm(comparison, trigger.threshold, trigger.points, trigger.points)
        return Watch(own, parts.metrics.series(self._metric(trigger.metric)))

    def _schedule(self, scaling: AutoScaling, action: spec.Scheduled) -> None:
        scenario, at = self._parts.scenario, action.at
        made = ScheduledAction(action.min, action.max, action.desired)
        while at < scenario.duration:
            scaling.schedule(at, made)
            if action.every is None:
                return
            at += action.every


def _bound(value: float | None, end: float) -> float | None:
    return None if value is None or value == end else float(value)


def scale_pods(parts: Parts, name: str, given: Deployment, fleet: Fleet) -> None:
    """Let KEDA and an HPA decide the size of a deployment."""
    keda, taken = given.keda, parts.taken
    assert keda is not None
    dispatchers = [parts.dispatchers[queue] for queue in given.queues]
    for queue, dispatcher in zip(given.queues, dispatchers, strict=True):
        if isinstance(dispatcher.queue, StandardQueue | QueueByChance):
            dispatcher.counters = counters(queue, dispatcher.queue, taken)

    def of(dispatcher: Dispatcher, visible: int, now: int) -> int:
        in_flight, delayed = dispatcher.queue.in_flight(now), dispatcher.queue.delayed(now)
        flags = {"scale_on_in_flight": keda.scale_on_in_flight, "scale_on_delayed": keda.scale_on_delayed}
        return queue_length(visible, in_flight, delayed, **flags)

    def length(now: int) -> int:
        return sum(of(one, one.counters.visible(now), now) for one in dispatchers)

    def true(now: int) -> int:
        return sum(of(one, one.queue.visible(now), now) for one in dispatchers)

    phase = taken.calls(f"deployments.{name}/phase").next
    PodScaling(
        parts.clock,
        fleet,
        length,
        true,
        Activation(keda.min_replicas, keda.activation_queue_length, keda.cooldown_period),
        hpa.HorizontalPodAutoscaler(
            float(keda.queue_length),
            max(1, keda.min_replicas),
            keda.max_replicas,
            _rules(given.behavior.scale_up),
            _rules(given.behavior.scale_down),
            given.tolerance,
        ),
        polling_us=keda.polling_interval,
        sync_us=given.sync_period,
        polling_at=int(phase() * keda.polling_interval),
        sync_at=int(phase() * given.sync_period),
    )


def _rules(direction: Direction) -> hpa.ScalingRules:
    policies = tuple(
        hpa.ScalingPolicy(hpa.Kind.PODS, float(one.pods), one.period)
        if one.pods is not None
        else hpa.ScalingPolicy(hpa.Kind.PERCENT, float(one.percent or 0), one.period)
        for one in direction.policies
    )
    return hpa.ScalingRules(direction.stabilization, policies, hpa.Select(direction.select))
