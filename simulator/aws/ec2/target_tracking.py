"""EC2 Auto Scaling: target tracking.

Rules (EC2 Auto Scaling user guide, "Target tracking scaling policies" and "Scaling policy based on Amazon
SQS"; alarms as observed): the high alarm needs 3 of 3 one-minute points above the target; the low alarm 15
of 15 below 0.7 times the target (contested: other texts say 0.9; Application Auto Scaling 0.9); a metric with
insufficient data scales neither out nor in; capacity is rounded up when adding and toward zero when removing;
of several policies the largest wish scales out, and all that may scale in must agree to it.
"""

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from simulator.aws.cloudwatch.metrics import PublishedPoints

_LOOK_BACK: Final = 2  # CloudWatch looks at 5 points for 3 periods; for other numbers it says nothing


class Alarm(IntEnum):
    """State of a policy's two alarms together."""

    OK = 0
    HIGH = 1
    LOW = 2
    INSUFFICIENT_DATA = 3


class Decision(NamedTuple):
    """What a policy asks for.

    ``desired`` is the capacity to set, ``wanted`` the same before the group's minimum and maximum,
    ``alarm`` the state that led to it.
    """

    desired: int
    wanted: int
    alarm: Alarm


def backlog_per_instance(visible: float, in_service: int) -> float:
    """Visible messages for each instance in service; nan without instances (no point is published)."""
    return visible / in_service if in_service else math.nan


def capacity_change(exact_change: float) -> int:
    """Whole instances of a change: rounded up when adding, toward zero when removing."""
    return math.ceil(round(exact_change, 9))  # nine digits: 3 x (700 / 3) / 100 is 7, not a little more


class TargetTracking:
    """A target tracking policy, asked once a minute with the points that are published by then.

    Stateless: the same points and sizes give the same decision, and a repeated one changes nothing, because
    warming instances count in the desired capacity already. The metric is one that a larger group lowers in
    proportion: a backlog for each instance, or the group's utilisation.

    Parameters
    ----------
    target : float
        Value of the metric to keep.
    minimum, maximum : int
        Size limits of the group.
    out_points, in_points : int
        Points of the high and of the low alarm.
    in_ratio : float
        Share of the target below which a point is low.
    disable_scale_in : bool
        The policy only adds.
    in_step : float
        Share of the group that a decision removes at most, at least one instance: AWS removes "more
        gradually" than it adds, and publishes no number.
    """

    __slots__ = (
        "disable_scale_in",
        "in_points",
        "in_step",
        "low",
        "maximum",
        "minimum",
        "out_points",
        "target",
    )

    def __init__(
        self,
        target: float,
        minimum: int,
        maximum: int,
        out_points: int = 3,
        in_points: int = 15,
        in_ratio: float = 0.7,
        disable_scale_in: bool = False,
        in_step: float = 1.0,
    ) -> None:
        self.target = target
        self.minimum = minimum
        self.maximum = maximum
        self.out_points = out_points
        self.in_points = in_points
        self.low = in_ratio * target
        self.disable_scale_in = disable_scale_in
        self.in_step = in_step

    @property
    def points_needed(self) -> int:
        """How many of the newest points a decision may look at."""
        return max(self.out_points, self.in_points) + _LOOK_BACK

    def alarm(self, points: PublishedPoints) -> Alarm:
        """State of the two alarms; INSUFFICIENT_DATA when the newest period has no point.

        The newest real points decide, as many as the alarm has periods; a missing one is made good by an
        older one up to two periods further back.
        """
        if not points or math.isnan(points[-1]):
            return Alarm.INSUFFICIENT_DATA
        above = _newest(points, self.out_points)
        if len(above) == self.out_points and min(above) > self.target:
            return Alarm.HIGH
        below = _newest(points, self.in_points)
        if len(below) == self.in_points and max(below) < self.low:
            return Alarm.LOW
        return Alarm.OK

    def desired(self, points: PublishedPoints, current: int, in_service: int, warming: int) -> Decision:
        """Capacity to ask for.

        Parameters
        ----------
        points : PublishedPoints
            Newest ``points_needed`` points of the metric, newest last; nan where one is missing.
        current : int
            Desired capacity now.
        in_service, warming : int
            Instances in service, and how many of them are still warming up.
        """
        alarm = self.alarm(points)
        wanted = current
        if alarm is Alarm.HIGH:
            usable = in_service - warming
            wanted = max(current, usable + capacity_change(usable * (points[-1] / self.target - 1)))
        elif alarm is Alarm.LOW and not warming and not self.disable_scale_in:
            least = current - max(1, math.floor(current * self.in_step))
            asked = current + capacity_change(current * (points[-1] / self.target - 1))
            wanted = min(current, max(asked, least))
        if wanted == current:
            return Decision(current, wanted, alarm)
        return Decision(min(max(wanted, self.minimum), self.maximum), wanted, alarm)


def together(policies: Sequence[TargetTracking], decisions: Sequence[Decision], current: int) -> Decision:
    """What several policies of one group come to: the largest wish out; in only if all agree that may."""
    largest = max(decisions, key=lambda made: made.desired)
    if largest.desired > current:
        return largest
    may = [made for policy, made in zip(policies, decisions, strict=True) if not policy.disable_scale_in]
    return max(may, key=lambda made: made.desired) if may else largest


def _newest(points: PublishedPoints, count: int) -> list[float]:
    """The newest *count* real points of the range an alarm of *count* periods looks at."""
    real = [point for point in points[-(count + _LOOK_BACK) :] if not math.isnan(point)]
    return real[-count:]
