"""Auto scaling of fleets: policies that decide once a period, by what CloudWatch has published."""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from simulator.aws.cloudwatch.alarms import Alarm as MetricAlarm
from simulator.aws.cloudwatch.alarms import AlarmState
from simulator.aws.cloudwatch.metrics import PublishedSeries
from simulator.aws.ec2.scheduled import ScheduledAction, Size
from simulator.aws.ec2.simple_scaling import SimpleScaling
from simulator.aws.ec2.step_scaling import StepScaling
from simulator.aws.ec2.target_tracking import Alarm, Decision, TargetTracking, together
from simulator.aws.ecs.application_auto_scaling import Cooldowns
from simulator.processes.clock import CHANGES, Clock
from simulator.processes.cloudwatch import Metrics
from simulator.processes.fleets import Fleet
from simulator.processes.gauges import Gauge
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Limit, Quantity

_SECOND_US: Final = 1_000_000


class Reading(NamedTuple):
    """What a policy sees of its alarm and metric.

    ``breach`` is the newest published point minus the threshold, nan without one.
    """

    state: AlarmState
    breach: float


class Watch:
    """A metric alarm that a policy acts on, evaluated on published points once a period."""

    def __init__(self, alarm: MetricAlarm, published: PublishedSeries) -> None:
        self._alarm = alarm
        self._published = published

    def read(self, now: int) -> Reading:
        """Its state as of *now* [us]."""
        points = self._published.points(now, self._alarm.points_needed)
        state = self._alarm.evaluate(points).state
        newest = points[-1] if points else math.nan
        return Reading(state, newest - self._alarm.threshold)

    def lags(self, now: int) -> bool:
        """Whether the newest sample breaches, published or not, and the alarm does not say so yet."""
        newest = self._published.points(now + self._published.publish_delay_us, 1)
        calm = self._alarm.state is not AlarmState.ALARM
        return calm and bool(newest) and self._alarm.breaches(newest[-1])


class Policy(Protocol):
    """A policy with an alarm of its own: step or simple scaling."""

    def wish(self, now: int, fleet: Fleet) -> int | None:
        """Capacity to ask for; None where it asks for nothing."""

    def limit(self, now: int, fleet: Fleet) -> Limit | None:
        """What keeps it from asking for more; None where that is its alarm."""

    def clamp(self, minimum: int, maximum: int) -> None:
        """Take up new size limits."""


class Stepper:
    """A step scaling policy and its alarm; while in ALARM it acts every period."""

    def __init__(self, policy: StepScaling, watch: Watch, cooldowns: Cooldowns | None = None) -> None:
        self._policy = policy
        self._watch = watch
        self._cooldowns = cooldowns

    def wish(self, now: int, fleet: Fleet) -> int | None:
        """Capacity to ask for; None where it asks for nothing."""
        reading, cooldowns = self._watch.read(now), self._cooldowns
        if reading.state is not AlarmState.ALARM or math.isnan(reading.breach):
            return None
        current = fleet.desired
        if cooldowns is None:
            return self._policy.desired(reading.breach, current, fleet.booting + fleet.warming(now))
        desired = self._policy.desired(reading.breach, current, cooldowns.added(now))
        if not cooldowns.allows(now, current, desired):
            return None
        cooldowns.scaled(now, current, desired)
        return desired

    def limit(self, now: int, fleet: Fleet) -> Limit | None:
        """A cooldown that runs, or an alarm that does not see yet what is there."""
        if self._cooldowns is not None and self._cooldowns.cooling(now):
            return Limit.COOLDOWN
        return Limit.METRIC_LAG if self._watch.lags(now) else None

    def clamp(self, minimum: int, maximum: int) -> None:
        """Take up new size limits."""
        self._policy.minimum, self._policy.maximum = minimum, maximum


class OneStep:
    """A simple scaling policy and its alarm; it waits for activities and its cooldown."""

    def __init__(self, policy: SimpleScaling, watch: Watch) -> None:
        self._policy = policy
        self._watch = watch

    def wish(self, now: int, fleet: Fleet) -> int | None:
        """Capacity to ask for; None where it asks for nothing."""
        in_alarm = self._watch.read(now).state is AlarmState.ALARM
        if not in_alarm or self._policy.cooling(now, fleet.activity_ended_at):
            return None
        return self._policy.desired(fleet.desired)

    def limit(self, now: int, fleet: Fleet) -> Limit | None:
        """A cooldown that runs, or an alarm that does not see yet what is there."""
        if self._policy.cooling(now, fleet.activity_ended_at):
            return Limit.COOLDOWN
        return Limit.METRIC_LAG if self._watch.lags(now) else None

    def clamp(self, minimum: int, maximum: int) -> None:
        """Take up new size limits."""
        self._policy.minimum, self._policy.maximum = minimum, maximum


class Tracker(NamedTuple):
    """A target tracking policy with the metric it tracks; *cooldowns* in Application Auto Scaling.

    ``true`` is the metric as it is, unpublished: for saying why messages wait, never for a decision.
    """

    policy: TargetTracking
    published: PublishedSeries
    true: Callable[[int], float]
    cooldowns: Cooldowns | None = None

    def decide(self, now: int, fleet: Fleet) -> Decision:
        """What it asks for, by what is published at *now* [us]."""
        points = self.published.points(now, self.policy.points_needed)
        cooldowns, current = self.cooldowns, fleet.desired
        if cooldowns is None:
            return self.policy.desired(points, current, fleet.in_service, fleet.warming(now))
        high = self.policy.alarm(points) is Alarm.HIGH
        decision = self.policy.desired(points, current, current, cooldowns.added(now) if high else 0)
        if cooldowns.allows(now, current, decision.desired):
            return decision
        return Decision(current, current, decision.alarm)

    def limit(self, now: int) -> Limit | None:
        """What keeps it from asking for more at *now* [us]; None where it sees a metric within its target.

        A metric that has more than doubled since the newest published point is not seen yet.
        """
        true, seen = self.true(now), self.published.points(now, 1)
        if true <= self.policy.target and seen and seen[-1] >= true / 2:
            return None
        cools = self.cooldowns is not None and self.cooldowns.cooling(now)
        return Limit.COOLDOWN if cools else Limit.METRIC_LAG


class AutoScaling:
    """The policies of one fleet.

    They are given published points only, never the queue. The largest wish wins: so any policy may scale out,
    and target tracking scales in when all of it agrees (EC2 Auto Scaling guide).

    Parameters
    ----------
    waits_for_boot : bool
        Nothing is removed while instances boot, as an Auto Scaling group's activities are one at a time.
    """

    def __init__(
        self,
        clock: Clock,
        recorder: Recorder,
        thing: int,
        fleet: Fleet,
        *,
        minimum: int,
        waits_for_boot: bool,
    ) -> None:
        self._clock = clock
        self._fleet = fleet
        self._minimum = minimum
        self._waits_for_boot = waits_for_boot
        self._trackers: Sequence[Tracker] = ()
        self._others: Sequence[Policy] = ()
        self._known, self._known_until = Limit.POLICY, 0
        self._alarm_gauge = Gauge(recorder, thing, Quantity.ALARM, int(Alarm.OK))

    def decide_by(self, metrics: Metrics, trackers: Sequence[Tracker], others: Sequence[Policy]) -> None:
        """Let policies decide from now on, once a period, after all metrics are read."""
        self._trackers, self._others = trackers, others
        self._fleet.waits_for = self._limit
        metrics.every_period(self._decide)

    def schedule(self, at: int, action: ScheduledAction) -> None:
        """Do a scheduled action at *at* [us]."""
        self._clock.at(at, CHANGES, self._act, action)

    def _decide(self, now: int) -> None:
        fleet = self._fleet
        current = fleet.desired
        wishes = [wish for policy in self._others if (wish := policy.wish(now, fleet)) is not None]
        if self._trackers:
            decisions = [tracker.decide(now, fleet) for tracker in self._trackers]
            decision = together([tracker.policy for tracker in self._trackers], decisions, current)
            self._alarm_gauge.set(now, int(decision.alarm))
            if decision.desired != current:
                wishes.append(decision.desired)
                for tracker in self._trackers:
                    if tracker.cooldowns is not None:
                        tracker.cooldowns.scaled(now, current, decision.desired)
        if not wishes:
            return
        desired = max(wishes)
        if desired > current or (desired < current and not (self._waits_for_boot and fleet.booting)):
            fleet.resize(desired)

    def _limit(self) -> Limit:
        """Why policies that might add instances have not."""
        now, fleet = self._clock.now, self._fleet
        if now >= self._known_until:  # it is asked at every receive
            self._known_until = now + _SECOND_US
            limits = [policy.limit(now, fleet) for policy in self._others]
            limits += [tracker.limit(now) for tracker in self._trackers]
            self._known = next((limit for limit in limits if limit is not None), Limit.POLICY)
        return self._known

    def _act(self, action: ScheduledAction) -> None:
        fleet = self._fleet
        size = action.on(Size(self._minimum, fleet.maximum, fleet.desired))
        self._minimum, fleet.maximum = size.minimum, size.maximum
        for policy in (tracker.policy for tracker in self._trackers):
            policy.minimum, policy.maximum = size.minimum, size.maximum
        for other in self._others:
            other.clamp(size.minimum, size.maximum)
        fleet.resize(size.desired)

    def finish_run(self) -> None:
        """Write down the state held at the end of the run."""
        self._alarm_gauge.close(self._clock.now)
