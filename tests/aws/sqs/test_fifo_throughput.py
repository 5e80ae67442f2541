"""Quotas of calls of a FIFO queue, normal and high-throughput (SQS developer guide)."""

import pytest

from simulator.aws.sqs.fifo_throughput import Partitioning, PerMessageGroup, per_queue

SECOND = 1_000_000
SCALE_UP = 60 * SECOND


def partitions(*, initial: int = 1, most: int = 8, calls_per_s: int = 300) -> PerMessageGroup:
    return PerMessageGroup(calls_per_s, SECOND, Partitioning(initial, most, SCALE_UP))


def accepted(quota, *, per_s: int, seconds: int, groups) -> int:
    """Calls that pass in the last of *seconds* with *per_s* calls offered evenly; groups by call number."""
    passed = 0
    for k in range(per_s * seconds):
        now = k * SECOND // per_s
        passed += quota.take_for(now, groups(k)) and k >= per_s * (seconds - 1)
    return passed


def test_queue_passes_300_of_400_calls_a_second_whatever_their_groups():
    """Derived, after the first second's burst."""
    assert accepted(per_queue(300, SECOND), per_s=400, seconds=20, groups=lambda k: [k]) == 300


def test_batch_of_ten_groups_costs_one_call_in_normal_mode():
    quota = per_queue(300, SECOND)
    assert accepted(quota, per_s=400, seconds=20, groups=lambda k: range(10 * k, 10 * k + 10)) == 300


def test_hot_group_never_passes_one_partition():
    quota = partitions(initial=8)
    assert accepted(quota, per_s=1_000, seconds=10, groups=lambda k: ["hot"]) == 300


def test_many_groups_have_300_calls_a_second_for_each_partition():
    quota = partitions(initial=4, most=4)
    passed = accepted(quota, per_s=2_000, seconds=10, groups=lambda k: [k])
    assert 1_150 < passed <= 1_200


def test_batch_costs_a_call_on_every_partition_its_groups_live_on():
    quota = partitions(initial=2, most=2, calls_per_s=1)
    one, other = 0, next(g for g in range(1, 99) if quota._of([g]) != quota._of([0]))
    assert quota.take_for(0, [one, other, one])
    assert not quota.take_for(0, [one])
    assert not quota.take_for(0, [other])


def test_batch_that_one_partition_refuses_costs_the_others_nothing():
    quota = partitions(initial=2, most=2, calls_per_s=1)
    one, other = 0, next(g for g in range(1, 99) if quota._of([g]) != quota._of([0]))
    assert quota.take_for(0, [one])
    assert not quota.take_for(0, [one, other])
    assert quota.take_for(0, [other])
    assert quota.next_for(0, [one, other]) == SECOND


def test_receives_have_the_calls_of_all_partitions():
    quota = partitions(initial=3, most=3)
    assert sum(quota.take(0) for _ in range(2_000)) == 900


def test_partitions_double_a_minute_after_a_refused_call_up_to_what_the_region_allows():
    quota = partitions(most=3, calls_per_s=1)
    assert quota.take(0)
    assert not quota.take(0)
    quota.take(SCALE_UP - 1)
    assert quota.partitions == 1
    quota.take(SCALE_UP)
    assert quota.partitions == 2
    while quota.take(SCALE_UP):
        pass
    quota.take(2 * SCALE_UP)
    assert quota.partitions == 3
    while quota.take(2 * SCALE_UP):
        pass
    quota.take(3 * SCALE_UP)
    assert quota.partitions == 3


def test_calls_that_nobody_misses_leave_one_token():
    quota = per_queue(10, SECOND)
    quota.use_up(0, 25)
    assert quota.take(0)
    assert not quota.take(0)
    assert quota.take(100_000)


@pytest.mark.parametrize("n", [0, 1, 7, 30])
def test_calls_that_nobody_misses_spread_over_the_partitions(n):
    quota = partitions(initial=4, most=4, calls_per_s=10)
    quota.use_up(0, n)
    assert sum(quota.take(0) for _ in range(100)) == 40 - n
