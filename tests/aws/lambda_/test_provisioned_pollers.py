"""Provisioned mode of event source mappings (Lambda developer guide, mode of November 2025)."""

import pytest

from simulator.aws.lambda_.event_source_mapping import MappingLimit
from simulator.aws.lambda_.provisioned_pollers import (
    Pace,
    Poller,
    ProvisionedMapping,
    poller_ceiling_per_s,
)

SECOND = 1_000_000
POLLER = Poller()


def fill(mapping: ProvisionedMapping, now: int) -> None:
    while mapping.room():
        mapping.begin(now)


def limit_of(mapping: ProvisionedMapping) -> MappingLimit:
    return mapping.limit


def test_a_poller_runs_ten_invocations_at_once():
    mapping = ProvisionedMapping(2, 200, POLLER)
    fill(mapping, 0)
    assert (mapping.busy, mapping.pollers) == (20, 2)


def test_a_hundred_pollers_come_in_a_minute():
    mapping = ProvisionedMapping(2, 200, POLLER)
    now = 0
    while mapping.pollers < 102:
        fill(mapping, now)
        now += mapping.growth_interval_us
        assert mapping.grow(now) == 10
    assert now == 60 * SECOND


def test_pollers_are_the_limit_at_their_maximum_unless_the_account_is():
    mapping = ProvisionedMapping(2, 3, POLLER)
    assert limit_of(mapping) is MappingLimit.RAMP
    mapping.grow(SECOND)
    assert limit_of(mapping) is MappingLimit.PROVISIONED_POLLERS
    assert ProvisionedMapping(200, 200, POLLER, account=1000).limit is MappingLimit.ACCOUNT_CONCURRENCY


def test_pollers_that_the_busiest_moment_had_no_use_for_go():
    mapping = ProvisionedMapping(2, 200, POLLER)
    for now in range(10):
        fill(mapping, now * SECOND)
        mapping.grow(now * SECOND)
    assert mapping.pollers == 12
    for _ in range(mapping.busy - 35):
        mapping.end(20 * SECOND)
    assert mapping.review() == 10  # all but the last ten were busy in the span that is over
    assert mapping.review() == 70  # 35 at once need four
    assert mapping.pollers == 4
    for _ in range(35):
        mapping.end(30 * SECOND)
    mapping.review()
    assert mapping.review() == 20
    assert mapping.pollers == mapping.minimum


def calls_in(pace: Pace, span_us: int, size_bytes: int = 0) -> int:
    """Calls that are made in a span, each as early as it may be."""
    now = calls = 0
    while (now := pace.next_at(now)) < span_us:
        pace.call(now)
        pace.carry(now, size_bytes)
        calls += 1
    return calls


@pytest.mark.parametrize("pollers", [1, 7])
def test_a_poller_makes_ten_calls_a_second_and_a_seconds_worth_at_once(pollers: int):
    assert calls_in(Pace(POLLER, pollers), 100 * SECOND) == 10 * pollers * 101 - 1  # the next is due then


def test_a_poller_takes_a_megabyte_a_second():
    calls = calls_in(Pace(POLLER, 1), 100 * SECOND, size_bytes=512 * 1024)
    assert calls == pytest.approx(200, abs=3)  # a second's worth more, and one call that overdraws


def test_a_pace_follows_the_number_of_pollers():
    pace = Pace(POLLER, 1)
    calls_in(pace, 10 * SECOND)
    pace.resize(10 * SECOND, 5)
    now, calls = 10 * SECOND, 0
    while (now := pace.next_at(now)) < 20 * SECOND:
        pace.call(now)
        calls += 1
    assert calls == pytest.approx(500, abs=2)


@pytest.mark.parametrize(
    ("batch", "duration_us", "size", "per_s"),
    [
        (10, SECOND // 10, 1024, 100),  # ten calls of ten messages
        (10, 10 * SECOND, 1024, 10),  # ten invocations of ten messages in ten seconds
        (10, SECOND // 10, 64 * 1024, 16),  # a megabyte a second
        (1, SECOND // 10, 1024, 10),  # ten calls of one message
    ],
)
def test_the_ceiling_of_a_poller_is_the_least_of_calls_concurrency_and_bytes(
    batch: int, duration_us: int, size: int, per_s: float
):
    assert poller_ceiling_per_s(POLLER, batch, duration_us, size) == per_s
