"""Asynchronous invocation between the attempts.

Source: AWS Lambda developer guide, "Asynchronous invocation": retries after one and two minutes, throttled
events again after 1 s up to 5 minutes, for up to 6 hours.
"""

import itertools

import pytest

from simulator.aws.lambda_.asynchronous import AsynchronousInvocation

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


def rule(retries: int = 2, age_us: int = 6 * HOUR) -> AsynchronousInvocation:
    return AsynchronousInvocation(
        retries=retries,
        maximum_event_age_us=age_us,
        error_delays_us=(MINUTE, 2 * MINUTE),
        backoff_first_us=SECOND,
        backoff_cap_us=5 * MINUTE,
    )


@pytest.mark.parametrize(
    ("retries", "runs_at"), [(0, [0]), (1, [0, 60]), (2, [0, 60, 180])], ids=lambda value: str(value)
)
def test_a_failed_event_runs_again_after_one_minute_and_after_two_more(retries: int, runs_at: list[int]):
    now, found = 0, []
    for errors in itertools.count(1):
        found.append(now // SECOND)
        again_at = rule(retries).after_error(now, errors)
        if again_at is None:
            break
        now = again_at
    assert found == runs_at


def test_pauses_of_a_throttled_event_double_from_one_second_to_five_minutes():
    pauses = [rule().after_throttle(7, throttles) - 7 for throttles in range(1, 13)]
    assert [pause // SECOND for pause in pauses] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_pauses_stay_at_their_cap_however_often_an_event_is_throttled():
    assert rule().after_throttle(0, 10_000) == 5 * MINUTE


def test_an_event_may_be_tried_until_it_has_its_maximum_age():
    assert rule(age_us=MINUTE).expires_at(5) == MINUTE + 5


@pytest.mark.parametrize(("reserved", "tried"), [(None, True), (1, True), (0, False)])
def test_a_function_without_any_concurrency_is_not_tried(reserved: int | None, tried: bool):
    assert AsynchronousInvocation.is_tried(reserved) is tried
