"""CloudWatch alarms: M of the newest N points, and what a missing point counts as.

Rules (CloudWatch user guide, "Using Amazon CloudWatch alarms", "Configuring how alarms treat missing data"
and "Avoiding premature transitions to alarm state"): an alarm looks a little further back than its N periods.
With N real points there, the newest N of them decide, whatever is missing. With fewer, missing ones count as
the alarm says; alarms that fill nothing go into ALARM early only where the oldest breaching point is at least
M periods old and nothing newer is fine.
"""

import math
from collections.abc import Callable, Sequence
from enum import IntEnum, StrEnum
from operator import ge, gt, le, lt
from typing import Final, NamedTuple

from simulator.aws.cloudwatch.metrics import PublishedPoints

LOOK_BACK: Final = 2
"""Points further back than its periods that an alarm looks: 5 in all for 3; otherwise AWS says nothing."""


class AlarmState(IntEnum):
    """State of an alarm."""

    OK = 0
    ALARM = 1
    INSUFFICIENT_DATA = 3


class Missing(StrEnum):
    """What missing points count as (TreatMissingData)."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "not_breaching"


def evaluate(
    breaches: Sequence[bool | None], periods: int, needed: int, missing: Missing, before: AlarmState
) -> AlarmState:
    """State of an alarm by the points of its evaluation range.

    Parameters
    ----------
    breaches : sequence of bool, optional
        Whether each point of the range breaches, newest last; None where a point is missing. Fewer than
        *periods* where the metric is younger: what was before its first period is not missing.
    periods, needed : int
        EvaluationPeriods (N) and DatapointsToAlarm (M).
    missing : Missing
        What missing points count as.
    before : AlarmState
        The state so far; it stays where the points do not decide.
    """
    real = [breach for breach in breaches if breach is not None][-periods:]
    breaching = sum(real)
    if missing is Missing.BREACHING:
        breaching += min(periods, len(breaches)) - len(real)
    if breaching >= needed:
        return AlarmState.ALARM
    if missing is Missing.BREACHING or missing is Missing.NOT_BREACHING or breaching < len(real):
        return AlarmState.OK
    if missing is Missing.IGNORE:
        return before
    if not real:
        return AlarmState.INSUFFICIENT_DATA
    oldest = len(breaches) - next(index for index, breach in enumerate(breaches) if breach is not None)
    return AlarmState.ALARM if oldest >= needed else before


class Comparison(StrEnum):
    """How a point breaches the threshold (ComparisonOperator)."""

    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"


_COMPARE: Final[dict[Comparison, Callable[[float, float], bool]]] = {
    Comparison.ABOVE: gt,
    Comparison.AT_LEAST: ge,
    Comparison.BELOW: lt,
    Comparison.AT_MOST: le,
}


class Statistic(StrEnum):
    """What the points of a period are made into."""

    AVERAGE = "average"
    SUM = "sum"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"


def period_value(points: Sequence[float], statistic: Statistic) -> float:
    """One value of a period's points, nan where it has none; missing ones do not count."""
    real = [point for point in points if not math.isnan(point)]
    if not real:
        return math.nan
    if statistic is Statistic.MAXIMUM:
        return max(real)
    if statistic is Statistic.MINIMUM:
        return min(real)
    total = math.fsum(real)
    return total if statistic is Statistic.SUM else total / len(real)


class Change(NamedTuple):
    """An alarm's state after an evaluation, the one before, and why."""

    state: AlarmState
    before: AlarmState
    reason: str


class Alarm:
    """One metric alarm, asked once a minute with the points that are published by then.

    Its periods end with the newest point: an alarm over five minutes is evaluated every minute too, and its
    periods slide with it.

    Parameters
    ----------
    comparison : Comparison
        How a value breaches *threshold*.
    periods, needed : int
        EvaluationPeriods and DatapointsToAlarm: *needed* of *periods*.
    points_a_period : int
        One-minute points that make a period.
    """

    __slots__ = (
        "comparison",
        "missing",
        "needed",
        "periods",
        "points_a_period",
        "state",
        "statistic",
        "threshold",
    )

    def __init__(
        self,
        comparison: Comparison,
        threshold: float,
        periods: int,
        needed: int,
        *,
        points_a_period: int = 1,
        statistic: Statistic = Statistic.AVERAGE,
        missing: Missing = Missing.MISSING,
    ) -> None:
        self.comparison = comparison
        self.threshold = threshold
        self.periods = periods
        self.needed = needed
        self.points_a_period = points_a_period
        self.statistic = statistic
        self.missing = missing
        self.state = AlarmState.INSUFFICIENT_DATA

    @property
    def points_needed(self) -> int:
        """How many of the newest points an evaluation looks at."""
        return (self.periods + LOOK_BACK) * self.points_a_period

    def breaches(self, value: float) -> bool:
        """Whether a value breaches the threshold."""
        return _COMPARE[self.comparison](value, self.threshold)

    def values(self, points: PublishedPoints) -> list[float]:
        """The values of the whole periods of the evaluation range, newest last; nan where one is missing."""
        step = self.points_a_period
        newest = points[-self.points_needed :]
        ends = range(len(newest), step - 1, -step)
        return [period_value(newest[end - step : end], self.statistic) for end in ends][::-1]

    def evaluate(self, points: PublishedPoints) -> Change:
        """Take up the state that *points* (newest last, nan where one is missing) ask for."""
        before = self.state
        values = self.values(points)
        breaches = [None if math.isnan(value) else self.breaches(value) for value in values]
        self.state = evaluate(breaches, self.periods, self.needed, self.missing, before)
        return Change(self.state, before, self._reason(breaches))

    def _reason(self, breaches: Sequence[bool | None]) -> str:
        real = [breach for breach in breaches if breach is not None][-self.periods :]
        words = f"{self.comparison.value.replace('_', ' ')} {self.threshold:g}"
        if not real:
            return f"no point in the last {len(breaches)} periods"
        return f"{sum(real)} of the newest {len(real)} points {words}, {self.needed} of {self.periods} needed"
