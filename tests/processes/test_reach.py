"""Deliveries to an endpoint that denies, or is away: all at once, and one by one."""

import numpy as np
import pytest

from simulator.aws.sns.retries import RetryPolicy, aws_managed
from simulator.processes.reach import Attempts, Reach
from simulator.recording.tables import Cause
from simulator.sampling.streams import message_keys, mix, uniform_one

S = 1_000_000
DAY = 86_400 * S


def plain(
    reach: Reach, policy: RetryPolicy, first_at: int, key: int, jitter_key: int, jitter: float
) -> tuple[int, int, Cause]:
    """One try after the other, as the guide tells it."""
    at, retries = first_at, 0
    while True:
        state, _ = reach.at_one(at)
        if state == 0:
            return at, retries + 1, Cause.NOTHING
        if state == 1:
            return at, retries + 1, Cause.ACCESS_DENIED
        retries += 1
        last_phase = retries > policy.retries - policy.max_delay
        chance = None if last_phase else uniform_one(jitter_key, mix(key, retries))
        delay = policy.delay_us(retries, chance, jitter)
        if delay is None:
            return at, retries, Cause.RETRIES_USED_UP
        at += delay


@pytest.mark.parametrize("seed", range(6))
def test_all_at_once_is_one_by_one(seed: int):
    jitter = (0.5, 0.2, 0.9)[seed % 3]
    chance = np.random.default_rng(seed)
    edges = np.sort(chance.integers(0, 3_000 * S, 12))
    spans = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    reach = Reach(denied=spans[::3], unavailable=[span for i, span in enumerate(spans) if i % 3])
    policy = aws_managed(max_delay=40)
    first_at = np.sort(chance.integers(0, 3_000 * S, 300))
    keys = message_keys("shop", 0, 300)
    tried = Attempts(reach, policy, 77, jitter).try_all(first_at, keys)
    expected = [
        plain(reach, policy, int(at), int(key), 77, jitter) for at, key in zip(first_at, keys, strict=True)
    ]
    assert {cause for _, _, cause in expected} >= {Cause.NOTHING, Cause.ACCESS_DENIED}
    assert (
        list(zip(tried.ended_at.tolist(), tried.attempts.tolist(), tried.cause.tolist(), strict=True))
        == expected
    )
    one_by_one = [
        Attempts(reach, policy, 77, jitter).try_one(int(at), int(key))
        for at, key in zip(first_at, keys, strict=True)
    ]
    assert one_by_one == expected


def test_a_dead_queue_is_tried_100015_times_more_over_23_days():
    attempts = Attempts(Reach(unavailable=[(0, 2**62)]), aws_managed(), None)
    tried = attempts.try_all(np.array([0]), message_keys("shop", 0, 1))
    assert tried.attempts.tolist() == [100_016]
    assert tried.cause.tolist() == [Cause.RETRIES_USED_UP]
    assert tried.ended_at[0] == aws_managed().total_us()
    assert tried.ended_at[0] / DAY == pytest.approx(23.15, abs=0.01)


def test_jitter_shortens_only_the_growing_delays_of_23_days():
    attempts = Attempts(Reach(unavailable=[(0, 2**62)]), aws_managed(), 5)
    ended_at = attempts.try_all(np.zeros(1000, dtype=np.int64), message_keys("shop", 0, 1000)).ended_at
    short_us = aws_managed().total_us() - 2_000_000 * S  # all but the 100,000 delays of 20 s
    assert np.all(ended_at >= 2_000_000 * S + short_us // 2 - 10)
    assert np.all(ended_at <= 2_000_000 * S + short_us)
    assert len(np.unique(ended_at)) > 900


def test_what_is_denied_is_never_tried_again():
    tried = Attempts(Reach(denied=[(10, 20)]), aws_managed(), 5).try_all(
        np.array([9, 10, 19, 20]), message_keys("shop", 0, 4)
    )
    assert tried.attempts.tolist() == [1, 1, 1, 1]
    assert tried.cause.tolist() == [0, Cause.ACCESS_DENIED, Cause.ACCESS_DENIED, 0]


def test_a_group_waits_for_its_first_message_and_others_do_not():
    reach = Reach(unavailable=[(0, 60 * S)])
    first_at, keys = np.array([0, 61 * S, 62 * S, 63 * S]), message_keys("shop", 0, 4)
    last: dict[int, int] = {}
    tried = Attempts(reach, aws_managed(), 5).try_in_order(first_at, keys, np.array([1, 1, 2, 1]), last)
    first = int(tried.ended_at[0])
    assert 60 * S <= first <= 80 * S
    assert tried.ended_at.tolist() == [first, max(first, 61 * S), 62 * S, max(first, 63 * S)]
    assert last == {1: int(tried.ended_at[3]), 2: 62 * S}
