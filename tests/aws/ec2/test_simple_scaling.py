"""Simple scaling and scheduled actions (EC2 Auto Scaling user guide)."""

from simulator.aws.ec2.scheduled import ScheduledAction, Size
from simulator.aws.ec2.simple_scaling import SimpleScaling
from simulator.aws.ec2.step_scaling import Adjustment

MINUTE = 60_000_000


def test_the_cooldown_counts_from_the_end_of_the_last_activity():
    policy = SimpleScaling(Adjustment.CHANGE, 5, 0, 50, 5 * MINUTE)
    assert policy.cooling(100 * MINUTE, None)  # one is in progress
    assert policy.cooling(15 * MINUTE - 1, 10 * MINUTE)
    assert not policy.cooling(15 * MINUTE, 10 * MINUTE)


def test_ten_percent_of_fifty_every_five_minutes_takes_fifty_minutes_to_full():
    """Ten steps of 5, each with the five minutes after it."""
    policy = SimpleScaling(Adjustment.CHANGE, 5, 0, 50, 5 * MINUTE)
    size, ended_at, full_at = 0, -5 * MINUTE, None
    for minute in range(120):
        now = minute * MINUTE
        if policy.cooling(now, ended_at):
            continue
        if size == 50:
            full_at = now
            break
        size, ended_at = policy.desired(size), now
    assert full_at == 50 * MINUTE


def test_size_limits_cut_an_adjustment():
    assert SimpleScaling(Adjustment.PERCENT, 100, 0, 12, 0).desired(10) == 12
    assert SimpleScaling(Adjustment.CHANGE, -5, 2, 12, 0).desired(4) == 2


def test_a_scheduled_action_brings_the_desired_capacity_into_its_limits():
    size = Size(1, 10, 4)
    assert ScheduledAction(minimum=6).on(size) == (6, 10, 6)
    assert ScheduledAction(maximum=3).on(size) == (1, 3, 3)
    assert ScheduledAction(desired=20).on(size) == (1, 10, 10)
    assert ScheduledAction(2, 30, 20).on(size) == (2, 30, 20)
