"""The Horizontal Pod Autoscaler's arithmetic (kubernetes.io, "Horizontal Pod Autoscaling")."""

import pytest

from simulator.aws.kubernetes.hpa import (
    HorizontalPodAutoscaler,
    Kind,
    ScalingPolicy,
    ScalingRules,
    Select,
)

SECOND = 1_000_000
FREELY = ScalingRules(0, (ScalingPolicy(Kind.PERCENT, 1e6, 15 * SECOND),))
FREELY_DOWN = ScalingRules(0, (ScalingPolicy(Kind.PERCENT, 100, 15 * SECOND),))
UP = ScalingRules(
    0, (ScalingPolicy(Kind.PERCENT, 100, 15 * SECOND), ScalingPolicy(Kind.PODS, 4, 15 * SECOND))
)
DOWN = ScalingRules(300 * SECOND, (ScalingPolicy(Kind.PERCENT, 100, 15 * SECOND),))


def autoscaler(
    up: ScalingRules = FREELY, down: ScalingRules = FREELY_DOWN, minimum: int = 1, maximum: int = 100
) -> HorizontalPodAutoscaler:
    return HorizontalPodAutoscaler(5, minimum, maximum, up, down)


@pytest.mark.parametrize(("total", "replicas"), [(30, 6), (31, 7), (1, 1), (0, 1), (10_000, 100)])
def test_replicas_are_the_total_over_the_target_rounded_up(total: int, replicas: int):
    assert autoscaler().replicas(0, total, 1) == replicas


@pytest.mark.parametrize(("total", "replicas"), [(110, 20), (111, 23), (90, 20), (89, 18)])
def test_within_a_tenth_of_the_target_nothing_changes(total: int, replicas: int):
    assert autoscaler().replicas(0, total, 20) == replicas


def test_by_default_pods_double_or_grow_by_four_every_15_seconds():
    hpa = autoscaler(UP)
    sizes, current = [], 1
    for sync in range(6):
        current = hpa.replicas(sync * 15 * SECOND, 1000, current)
        sizes.append(current)
    assert sizes == [5, 10, 20, 40, 80, 100]


def test_changes_within_a_period_count_from_its_start():
    hpa = autoscaler(ScalingRules(0, (ScalingPolicy(Kind.PODS, 4, 60 * SECOND),)))
    current = hpa.replicas(0, 1000, 1)
    assert current == 5
    for sync in (1, 2, 3):
        assert hpa.replicas(sync * 15 * SECOND, 1000, current) == 5
    assert hpa.replicas(60 * SECOND, 1000, current) == 9


def test_down_takes_the_highest_recommendation_of_five_minutes():
    hpa = autoscaler(UP, DOWN)
    assert hpa.replicas(0, 100, 20) == 20
    for sync in range(1, 20):
        assert hpa.replicas(sync * 15 * SECOND, 10, 20) == 20
    assert hpa.replicas(300 * SECOND, 10, 20) == 2


def test_up_takes_the_lowest_recommendation_of_its_window():
    hpa = autoscaler(ScalingRules(60 * SECOND, FREELY.policies), FREELY_DOWN)
    assert hpa.replicas(0, 50, 10) == 10
    assert hpa.replicas(15 * SECOND, 500, 10) == 10
    assert hpa.replicas(45 * SECOND, 250, 10) == 10
    assert hpa.replicas(60 * SECOND, 250, 10) == 50  # of 100, 50 and 50


def test_down_policies_limit_what_a_minute_removes_and_select_says_which():
    policies = (ScalingPolicy(Kind.PERCENT, 10, 60 * SECOND), ScalingPolicy(Kind.PODS, 4, 60 * SECOND))
    assert autoscaler(down=ScalingRules(0, policies)).replicas(0, 0, 80) == 72
    assert autoscaler(down=ScalingRules(0, policies, Select.MIN)).replicas(0, 0, 80) == 76
    assert autoscaler(down=ScalingRules(0, policies, Select.DISABLED)).replicas(0, 0, 80) == 80
    assert autoscaler(down=ScalingRules(0, policies)).replicas(0, 0, 11) == 7


def test_sizes_stay_between_minimum_and_maximum():
    assert autoscaler(minimum=3, maximum=8).replicas(0, 1000, 3) == 8
    assert autoscaler(minimum=3, maximum=8).replicas(0, 0, 8) == 3
