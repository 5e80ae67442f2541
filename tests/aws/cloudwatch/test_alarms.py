"""Alarms: M of N, missing points, periods, and what changes a state (CloudWatch user guide)."""

import math

import pytest

from simulator.aws.cloudwatch.alarms import (
    Alarm,
    AlarmState,
    Comparison,
    Missing,
    Statistic,
    evaluate,
    period_value,
)
from simulator.aws.cloudwatch.metrics import PublishedPoints

OK, ALARM, NO_DATA = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
READ = {"0": False, "X": True, "-": None}


def state(
    points: str, needed: int, missing: Missing, before: AlarmState = OK, periods: int = 3
) -> AlarmState:
    return evaluate([READ[point] for point in points], periods, needed, missing, before)


def alarm(needed: int = 3, periods: int = 3, above: float = 10, **settings: object) -> Alarm:
    return Alarm(Comparison.ABOVE, above, periods, needed, **settings)  # type: ignore[arg-type]


def published(*values: float) -> PublishedPoints:
    return PublishedPoints(list(values))


@pytest.mark.parametrize("missing", Missing)
def test_with_as_many_real_points_as_periods_missing_ones_do_not_matter(missing: Missing):
    assert state("X-X-X", 3, missing) is ALARM
    assert state("0XX-X", 3, missing) is ALARM
    assert state("XX0-X", 3, missing) is OK
    assert state("X-0-X", 2, missing) is ALARM


def test_missing_points_are_filled_up_to_the_number_of_periods():
    assert state("0----", 3, Missing.BREACHING) is OK  # 1 fine, 2 filled, 3 needed
    assert state("0----", 2, Missing.BREACHING) is ALARM
    assert state("XX---", 3, Missing.NOT_BREACHING) is OK
    assert state("-----", 3, Missing.BREACHING) is ALARM
    assert state("-----", 3, Missing.NOT_BREACHING) is OK


@pytest.mark.parametrize("before", AlarmState)
def test_without_points_an_alarm_has_insufficient_data_or_stays_what_it_was(before: AlarmState):
    assert state("-----", 3, Missing.MISSING, before) is NO_DATA
    assert state("-----", 3, Missing.IGNORE, before) is before


def test_too_few_breaching_points_alarm_only_when_the_oldest_is_as_old_as_points_are_needed():
    assert [state(points, 3, Missing.MISSING) for points in ("----X", "---X-", "---XX")] == [OK] * 3
    assert [state(points, 3, Missing.MISSING) for points in ("--X--", "-X---", "--X-X")] == [ALARM] * 3
    assert [state(points, 3, Missing.IGNORE) for points in ("--X--", "-X---")] == [OK] * 2
    assert state("--X-0", 3, Missing.MISSING) is OK


def test_what_was_before_the_first_period_of_a_metric_is_not_missing():
    assert state("", 3, Missing.BREACHING) is OK
    assert state("--", 3, Missing.BREACHING) is OK
    assert state("---", 3, Missing.BREACHING) is ALARM


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        (Comparison.ABOVE, [11]),
        (Comparison.AT_LEAST, [10, 11]),
        (Comparison.BELOW, [9]),
        (Comparison.AT_MOST, [9, 10]),
    ],
)
def test_a_point_at_the_threshold_breaches_only_where_equality_counts(
    comparison: Comparison, breaching: list[int]
):
    rule = Alarm(comparison, 10, 1, 1)
    assert [value for value in (9, 10, 11) if rule.breaches(value)] == breaching


def test_the_points_of_a_period_are_made_into_one_and_missing_ones_do_not_count():
    points = [4.0, math.nan, 2.0]
    values = {statistic: period_value(points, statistic) for statistic in Statistic}
    assert values == {
        Statistic.AVERAGE: 3.0,
        Statistic.SUM: 6.0,
        Statistic.MAXIMUM: 4.0,
        Statistic.MINIMUM: 2.0,
    }
    assert math.isnan(period_value([math.nan], Statistic.SUM))


def test_longer_periods_end_with_the_newest_point_and_slide_with_it():
    rule = alarm(1, 1, 10, points_a_period=5, statistic=Statistic.SUM)
    assert rule.points_needed == 15
    assert rule.values(published(9, 1, 1, 1, 1, 7)) == [11.0]  # 9 is no whole period yet
    assert rule.evaluate(published(9, 1, 1, 1, 1, 7)).state is ALARM
    assert rule.evaluate(published(9, 1, 1, 1, 1, 7, 0)).state is OK  # 1 + 1 + 1 + 7 + 0 is 10: not above


def test_an_alarm_looks_two_periods_further_back_than_it_has():
    rule = alarm()
    nan = math.nan
    assert rule.evaluate(published(11, 11, 11, nan, nan)).state is ALARM
    assert alarm(missing=Missing.IGNORE).evaluate(published(11, 11, 11, nan, nan, nan)).state is NO_DATA


def test_a_change_says_what_it_was_before_and_why():
    rule = alarm(2, 3)
    assert rule.state is NO_DATA
    first = rule.evaluate(published(1, 11, 2))
    assert (first.before, first.state) == (NO_DATA, OK)
    second = rule.evaluate(published(1, 11, 2, 12))
    assert (second.before, second.state) == (OK, ALARM)
    assert second.reason == "2 of the newest 3 points above 10, 2 of 3 needed"
