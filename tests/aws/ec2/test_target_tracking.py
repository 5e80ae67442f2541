"""Target tracking.

Sources: EC2 Auto Scaling user guide ("Target tracking scaling policies", "Scaling policy based on Amazon
SQS", worked example 10 -> 15), alarms that target tracking was seen to create (3 of 3, 15 of 15, 0.7).
"""

import math

import pytest

from simulator.aws.cloudwatch.metrics import PublishedPoints
from simulator.aws.ec2.target_tracking import (
    Alarm,
    TargetTracking,
    backlog_per_instance,
    capacity_change,
    together,
)

NAN = math.nan


def points(*values: float) -> PublishedPoints:
    return PublishedPoints(values)


def policy(target: float = 100, minimum: int = 1, maximum: int = 50, **settings: bool) -> TargetTracking:
    return TargetTracking(target, minimum, maximum, **settings)


def test_worked_example_ten_instances_with_a_backlog_of_150_each_become_fifteen():
    backlog = backlog_per_instance(1500, 10)
    assert backlog == 150
    decision = policy(target=10.0 / 0.1).desired(points(backlog, backlog, backlog), 10, 10, 0)
    assert decision == (15, 15, Alarm.HIGH)


@pytest.mark.parametrize(
    ("exact", "applied"), [(1.5, 2), (-1.5, -1), (0.2, 1), (-0.2, 0), (3.0, 3), (-3.0, -3)]
)
def test_changes_round_up_when_adding_and_toward_zero_when_removing(exact: float, applied: int):
    assert capacity_change(exact) == applied


def test_a_whole_number_of_instances_is_not_rounded_up_by_a_floating_point_error():
    for usable in range(1, 200):
        for wanted in range(usable + 1, usable + 40):
            backlog = backlog_per_instance(wanted * 7, usable)
            assert policy(7, 1, 10_000).desired(points(*[backlog] * 3), usable, usable, 0).desired == wanted


@pytest.mark.parametrize("seen", [(150,), (150, 150), (150, 100, 150), (99, 150, 150)])
def test_fewer_than_three_points_above_the_target_add_nothing(seen: tuple[float, ...]):
    decision = policy().desired(points(*seen), 10, 10, 0)
    assert decision.desired == 10
    assert decision.alarm is Alarm.OK


def test_a_point_at_the_target_is_not_above_it():
    assert policy().desired(points(100, 100, 100), 10, 10, 0).alarm is Alarm.OK


def test_the_newest_point_says_how_many():
    assert policy().desired(points(500, 400, 120), 10, 10, 0).desired == 12


def test_an_alarm_that_stays_acts_every_minute():
    tracking = policy()
    assert tracking.desired(points(150, 150, 150), 10, 10, 0).desired == 15
    assert tracking.desired(points(150, 150, 200), 15, 10, 0).desired == 20


def test_warming_instances_count_in_desired_so_that_a_repeated_alarm_adds_nothing():
    decision = policy().desired(points(150, 150, 150), 15, 15, 5)
    assert decision.desired == 15
    assert decision.alarm is Alarm.HIGH


def test_maximum_size_cuts_what_is_wanted():
    assert policy(maximum=12).desired(points(300, 300, 300), 10, 10, 0) == (12, 30, Alarm.HIGH)


def test_scale_in_needs_fifteen_points_below_seven_tenths_of_the_target():
    low = policy()
    assert low.desired(points(*[60] * 14), 10, 10, 0).desired == 10
    assert low.desired(points(*[60] * 15), 10, 10, 0) == (6, 6, Alarm.LOW)
    assert low.desired(points(*[60] * 7, 75, *[60] * 7), 10, 10, 0).desired == 10
    assert low.desired(points(*[70] * 15), 10, 10, 0).alarm is Alarm.OK  # 0.7 x 100 is not below


def test_scale_in_never_comes_before_fifteen_low_points_whatever_came_before():
    tracking = policy()
    history = [150.0] * 30
    for minute in range(1, 16):
        history.append(10.0)
        seen = points(*history[-tracking.points_needed :])
        assert (tracking.desired(seen, 10, 10, 0).alarm is Alarm.LOW) is (minute == 15)


def test_a_removal_of_one_and_a_half_is_one():
    decision = TargetTracking(100, 1, 50, in_ratio=0.9).desired(points(*[85] * 15), 10, 10, 0)
    assert decision.desired == 9


def test_scale_in_waits_for_warming_instances():
    assert policy().desired(points(*[10] * 15), 10, 10, 1).desired == 10


def test_scale_in_can_be_disabled():
    decision = policy(disable_scale_in=True).desired(points(*[10] * 15), 10, 10, 0)
    assert decision == (10, 10, Alarm.LOW)


def test_an_empty_queue_goes_down_to_the_minimum():
    assert policy(minimum=2).desired(points(*[0] * 15), 10, 10, 0).desired == 2


def test_insufficient_data_freezes_the_group():
    """An idle queue that stops reporting, or a group of 0 instances: neither out nor in."""
    for seen in (points(), points(NAN, NAN, NAN), points(*[10] * 15, NAN), points(500, 500, 500, NAN)):
        assert policy().desired(seen, 10, 10, 0) == (10, 10, Alarm.INSUFFICIENT_DATA)
    assert math.isnan(backlog_per_instance(1500, 0))


def test_a_missing_point_is_made_good_by_an_older_one_a_little_further_back():
    assert policy().desired(points(150, 150, NAN, 150), 10, 10, 0).desired == 15
    assert policy().desired(points(150, NAN, 150, NAN, 150), 10, 10, 0).desired == 15
    assert policy().desired(points(150, 150, NAN, NAN, NAN, 150), 10, 10, 0).desired == 10


def test_of_several_policies_the_largest_wish_scales_out_and_all_must_agree_to_scale_in():
    one, other = policy(100), policy(10)
    high, low, middling = points(*[150] * 15), points(*[5] * 15), points(*[90] * 15)

    def decide(seen: PublishedPoints, seen_by_other: PublishedPoints) -> int:
        decisions = [one.desired(seen, 10, 10, 0), other.desired(seen_by_other, 10, 10, 0)]
        return together([one, other], decisions, 10).desired

    assert decide(high, points(*[30] * 15)) == 30
    assert decide(low, points(*[10] * 15)) == 10
    assert decide(low, points(*[5] * 15)) == 5
    assert decide(middling, points(*[1] * 15)) == 10


def test_a_policy_that_may_not_scale_in_is_not_asked_for_its_consent():
    adds = policy(100, disable_scale_in=True)
    both = policy(100)
    seen = points(*[60] * 15)
    decisions = [adds.desired(seen, 10, 10, 0), both.desired(seen, 10, 10, 0)]
    assert together([adds, both], decisions, 10).desired == 6
    assert together([adds], decisions[:1], 10).desired == 10


def test_a_group_gives_up_a_share_at_a_time_at_least_one():
    """AWS removes more gradually than it adds; the share is ours, as no number is published."""
    seen = points(*[0] * 15)
    assert TargetTracking(100, 0, 50, in_step=0.1).desired(seen, 30, 30, 0).desired == 27
    assert TargetTracking(100, 0, 50, in_step=0.1).desired(seen, 4, 4, 0).desired == 3
    assert TargetTracking(100, 0, 50, in_step=0.1).desired(points(*[69] * 15), 3, 3, 0).desired == 3


def test_a_utilisation_is_tracked_like_a_backlog():
    """Four instances at 80% of their workers are wanted at 50%: 4 x 0.8 / 0.5 is 6.4."""
    assert policy(0.5).desired(points(0.8, 0.8, 0.8), 4, 4, 0).desired == 7
