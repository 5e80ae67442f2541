"""SNS delivery retries: phases, totals, jitter and what a delivery policy may say."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.aws.sns.retries import (
    SECOND_US,
    RetryPolicy,
    aws_managed,
    customer_managed,
    http,
    http_problem,
)

HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US


def delays_s(policy: RetryPolicy, count: int) -> list[float | None]:
    found = [policy.delay_us(retry) for retry in range(1, count + 1)]
    return [None if delay is None else delay / SECOND_US for delay in found]


def test_a_dead_queue_is_tried_100_015_times_over_23_15_days() -> None:
    policy = aws_managed()
    assert policy.retries == 100_015
    assert policy.total_us() / DAY_US == pytest.approx(23.15, abs=0.005)
    assert delays_s(policy, 6) == [0, 0, 0, 1, 1, 1]
    assert delays_s(policy, 100_016)[-2:] == [20, None]


def test_mail_sms_and_push_are_tried_50_times_over_six_hours() -> None:
    policy = customer_managed()
    assert policy.retries == 50
    assert 6 * HOUR_US < policy.total_us() < 8 * HOUR_US
    assert delays_s(policy, 3) == [10, 10, 10]
    assert delays_s(policy, 50)[-1] == 600


def test_http_is_tried_four_times_in_a_minute_by_default() -> None:
    assert delays_s(http(), 4) == [20, 20, 20, None]
    assert http().total_us() == 60 * SECOND_US


def test_the_growing_phase_starts_at_the_least_delay_and_ends_at_the_greatest() -> None:
    policy = aws_managed()
    growing = delays_s(policy, 15)[5:]
    assert growing[0] == 1
    assert growing[-1] == 20
    ratios = [later / former for former, later in itertools.pairwise(growing) if former and later]
    assert max(ratios) == pytest.approx(20 ** (1 / 9), rel=1e-5)
    assert min(ratios) == pytest.approx(20 ** (1 / 9), rel=1e-5)


def test_each_curve_is_steeper_than_the_one_before() -> None:
    kinds = ("linear", "arithmetic", "geometric", "exponential")
    totals = [
        http(retries=10, min_delay_us=SECOND_US, max_delay_us=60 * SECOND_US, growth=kind).total_us()  # type: ignore[arg-type]
        for kind in kinds
    ]
    assert totals == sorted(totals, reverse=True)
    assert len(set(totals)) == 4


@given(st.integers(1, 15), st.floats(0, 1, exclude_max=True))
def test_jitter_is_between_half_the_delay_and_all_of_it(retry: int, chance: float) -> None:
    policy = aws_managed()
    plain, drawn = policy.delay_us(retry), policy.delay_us(retry, chance)
    assert plain is not None
    assert drawn is not None
    assert plain // 2 <= drawn <= plain


def test_a_delivery_policy_adds_up_to_an_hour_at_most() -> None:
    assert not http_problem(http(), HOUR_US)
    assert not http_problem(http(retries=61, min_delay_us=HOUR_US // 61, max_delay_us=HOUR_US // 61), HOUR_US)
    assert "3,660 s" in http_problem(
        http(retries=61, min_delay_us=60 * SECOND_US, max_delay_us=60 * SECOND_US), HOUR_US
    )
    assert "numRetries, which is 3" in http_problem(http(retries=3, no_delay=2, max_delay=2), HOUR_US)
    assert "above maxDelayTarget" in http_problem(http(min_delay_us=21 * SECOND_US), HOUR_US)
