"""Step scaling (EC2 Auto Scaling user guide, "Step and simple scaling policies")."""

import pytest

from simulator.aws.ec2.step_scaling import Adjustment, Step, StepScaling, adjusted, whole_change

OUT = [Step(0, 10, 0), Step(10, 20, 10), Step(20, None, 30)]
IN = [Step(-10, 0, 0), Step(-20, -10, -10), Step(None, -20, -30)]


def percent(*steps: Step, maximum: int = 100, least: int = 0) -> StepScaling:
    return StepScaling(steps, Adjustment.PERCENT, 0, maximum, least)


@pytest.mark.parametrize(
    ("exact", "applied"),
    [(12.7, 12), (0.67, 1), (-0.58, -1), (-6.67, -6), (1.0, 1), (-1.0, -1), (0.0, 0), (0.01, 1), (-1.99, -1)],
)
def test_a_percentage_is_rounded_toward_zero_but_to_one_at_least(exact: float, applied: int):
    assert whole_change(exact) == applied


def test_ten_percent_of_a_hundred_is_ten_whatever_floating_point_says():
    for capacity in range(10, 3000, 10):
        assert adjusted(capacity, Adjustment.PERCENT, 10) == capacity + capacity // 10


def test_the_guides_sequence_goes_10_11_14_13_10():
    out, into = percent(*OUT), percent(*IN)
    assert out.desired(10, 10, 0) == 11
    assert out.desired(20, 11, 0) == 14
    assert into.desired(-10, 14, 0) == 13
    assert into.desired(-20, 13, 0) == 10


def test_above_the_threshold_the_lower_bound_is_inclusive_and_below_it_the_upper_one():
    out, into = percent(*OUT), percent(*IN)
    assert [step and step.by for step in map(out.step_for, (0, 9.99, 10, 19.99, 20, 1e6))] == [
        0,
        0,
        10,
        10,
        30,
        30,
    ]
    assert [step and step.by for step in map(into.step_for, (0, -9.99, -10, -19.99, -20, -1e6))] == [
        0,
        0,
        -10,
        -10,
        -30,
        -30,
    ]
    assert out.step_for(-1) is None
    assert into.step_for(1) is None


def test_a_breach_that_no_step_covers_changes_nothing():
    assert percent(Step(10, None, 50)).desired(5, 10, 0) == 10


def test_warming_instances_count_so_that_a_second_breach_adds_the_difference():
    """The guide: a breach of 10 added 1 to 10; one of 20 while it warms asks for 3 in all, so 2 more."""
    out = percent(*OUT)
    assert out.desired(10, 11, 1) == 11
    assert out.desired(20, 11, 1) == 13


def test_nothing_is_removed_while_instances_warm():
    assert percent(*IN).desired(-30, 10, 1) == 10
    assert StepScaling([Step(None, 0, 4)], Adjustment.EXACT, 0, 100).desired(-1, 10, 1) == 10


def test_a_minimum_adjustment_is_for_percentages_that_change_something():
    assert adjusted(4, Adjustment.PERCENT, 25, 2) == 6
    assert adjusted(4, Adjustment.PERCENT, -25, 2) == 2
    assert adjusted(40, Adjustment.PERCENT, 25, 2) == 50
    assert adjusted(4, Adjustment.PERCENT, 0, 2) == 4


def test_exact_capacity_and_size_limits():
    exact = StepScaling([Step(0, None, 30)], Adjustment.EXACT, 1, 12)
    assert exact.desired(1, 3, 0) == 12
    change = StepScaling([Step(0, None, 5)], Adjustment.CHANGE, 1, 100)
    assert change.desired(1, 3, 0) == 8


def test_more_than_twenty_steps_and_steps_that_overlap_are_refused():
    with pytest.raises(ValueError, match="AWS allows 20"):
        percent(*[Step(n, n + 1, n) for n in range(21)])
    with pytest.raises(ValueError, match="overlap between 9 and 10"):
        percent(Step(0, 10, 1), Step(9, None, 2))
    with pytest.raises(ValueError, match="is empty"):
        percent(Step(5, 5, 1))
