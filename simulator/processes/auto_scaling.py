"""Auto Scaling groups: instances that boot, poll, drain and end, and the policies that decide how many."""

from collections.abc import Sequence
from typing import Protocol

from simpy.events import Event, ProcessGenerator

from simulator.aws.cloudwatch.metrics import PublishedSeries
from simulator.aws.ec2.auto_scaling import Alarm, TargetTracking, backlog_per_instance
from simulator.processes.clock import POLICIES, SAMPLES, Clock
from simulator.processes.draws import CallDurations
from simulator.processes.gauges import Gauge
from simulator.processes.instances import Instance
from simulator.processes.queues import Dispatcher
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Limit, Quantity


class Pool(Protocol):
    """The workers of the instances in service."""

    def enter(self, instance: Instance) -> None:
        """An instance is in service: its workers poll."""

    def leave(self, instance: Instance) -> None:
        """An instance stops polling; its workers finish what they have."""

    def kill(self, instance: Instance) -> None:
        """An instance is gone, with the work in hand."""


class AutoScalingGroup:
    """A group of instances whose workers poll one queue, or several by priority.

    Parameters
    ----------
    maximum, desired : int
        Its size limit, and the capacity at the start: those instances are in service and warm.
    react_us : int
        From a scaling decision to the launch [us].
    boot, bootstrap : CallDurations
        From launch to running, and from there to service [us].
    warmup_us : int
        Time in service before an instance counts in the metric [us].
    drain_us : int
        How long an instance may finish its work at scale-in [us]; 0: work in hand is lost, as on AWS
        without a lifecycle hook.
    """

    def __init__(
        self,
        clock: Clock,
        recorder: Recorder,
        thing: int,
        *,
        maximum: int,
        desired: int,
        react_us: int,
        boot: CallDurations,
        bootstrap: CallDurations,
        warmup_us: int,
        drain_us: int,
    ) -> None:
        self._clock = clock
        self._maximum = maximum
        self._react_us = react_us
        self._boot = boot
        self._bootstrap = bootstrap
        self._warmup_us = warmup_us
        self._drain_us = drain_us
        self._in_service: list[tuple[Instance, Event]] = []
        self._booting = 0
        self._pool: Pool | None = None
        self._desired_gauge = Gauge(recorder, thing, Quantity.DESIRED, desired)
        self._in_service_gauge = Gauge(recorder, thing, Quantity.IN_SERVICE, 0)
        self._booting_gauge = Gauge(recorder, thing, Quantity.BOOTING, 0)
        self._alarm_gauge = Gauge(recorder, thing, Quantity.ALARM, int(Alarm.OK))

    def start(self, pool: Pool) -> None:
        """Put the first instances to work."""
        self._pool = pool
        for _ in range(self._desired_gauge.value):
            self._clock.process(self._live(0, 0))

    def _live(self, boot_us: int, warmup_us: int) -> ProcessGenerator:
        """One instance's life: boot, poll until told to leave, drain, end."""
        assert self._pool is not None
        clock, pool = self._clock, self._pool
        if boot_us:
            yield clock.timeout(boot_us)
            self._booting -= 1
        leave, drained = clock.event(), clock.event()
        instance = Instance(clock.now + warmup_us, drained)
        self._in_service.append((instance, leave))
        self._note()
        pool.enter(instance)
        yield leave
        pool.leave(instance)
        self._note()
        if instance.busy and self._drain_us:
            yield drained | clock.timeout(self._drain_us)
        if instance.busy:
            pool.kill(instance)

    def resize(self, desired: int) -> None:
        """Launch what is missing to *desired*, or let the oldest instances leave."""
        self._desired_gauge.set(self._clock.now, desired)
        missing = desired - len(self._in_service) - self._booting
        for _ in range(missing):
            self._booting += 1
            boot_us = self._react_us + self._boot.next() + self._bootstrap.next()
            self._clock.process(self._live(max(1, boot_us), self._warmup_us))
        for _ in range(min(-missing, len(self._in_service))):
            self._in_service.pop(0)[1].succeed()
        self._note()

    def _note(self) -> None:
        now = self._clock.now
        self._in_service_gauge.set(now, len(self._in_service))
        self._booting_gauge.set(now, self._booting)

    def limit(self) -> Limit:
        """Why no worker is free while messages wait."""
        if self._booting:
            return Limit.BOOTING
        if self._desired_gauge.value >= self._maximum:
            return Limit.MAXIMUM_SIZE
        return Limit.METRIC_LAG

    def track(
        self,
        dispatchers: Sequence[Dispatcher],
        policies: Sequence[TargetTracking],
        published: PublishedSeries,
        phase_us: int,
    ) -> ProcessGenerator:
        """Every period, sample the backlog per instance and let *policies* decide on what is published.

        They are given published points only, never the queue. The largest wish wins: so any policy may
        scale out, and all must agree to scale in (EC2 Auto Scaling guide).
        """
        clock = self._clock
        at = phase_us
        while True:
            yield clock.until(at, SAMPLES)
            in_service = len(self._in_service)
            visible = sum(dispatcher.counters.visible(at) for dispatcher in dispatchers)
            published.add(at, backlog_per_instance(visible, in_service))
            yield clock.until(at, POLICIES)
            warming = sum(instance.warm_at > at for instance, _ in self._in_service)
            current = self._desired_gauge.value
            decisions = [
                policy.desired(published.points(at, policy.points_needed), current, in_service, warming)
                for policy in policies
            ]
            decision = max(decisions, key=lambda made: made.desired)
            self._alarm_gauge.set(at, int(decision.alarm))
            if decision.desired > current or (decision.desired < current and not self._booting):
                self.resize(decision.desired)
            at += published.period_us

    def finish_run(self) -> None:
        """Write down the sizes held at the end of the run."""
        now = self._clock.now
        for gauge in (self._desired_gauge, self._in_service_gauge, self._booting_gauge, self._alarm_gauge):
            gauge.close(now)
