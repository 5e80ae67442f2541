"""Event source mapping of Lambda for SQS.

Sources: AWS Lambda developer guide ("Using Lambda with Amazon SQS", edition of 2025-26), the SDK's ranges
of CreateEventSourceMapping, LocalStack's tests recorded on AWS.
"""

import json

import pytest

from simulator.aws.lambda_.event_source_mapping import (
    ErrorBackoff,
    EventSourceMapping,
    MappingLimit,
    effective_visibility_us,
    item_failures,
    throttle_pause_us,
)
from simulator.recording.tables import Limit
from simulator.scenario.event_source_settings import (
    RANGES,
    Settings,
    check_settings,
    ranges_of,
    setting_problems,
)
from simulator.scenario.rules import dated

SECOND = 1_000_000


def fill(mapping: EventSourceMapping, now: int) -> None:
    """Begin a batch in every free slot."""
    while mapping.room():
        mapping.begin(now)


def ramp(mapping: EventSourceMapping, wanted: int) -> int:
    """Keep the mapping under pressure from 0 on; the instant [us] it runs *wanted* batches."""
    now = 0
    fill(mapping, now)
    while mapping.busy < wanted:
        now += mapping.growth_interval_us
        assert mapping.grow(now)
        fill(mapping, now)
    return now


def test_a_mapping_starts_with_five_concurrent_batches():
    mapping = EventSourceMapping()
    fill(mapping, 0)
    assert mapping.busy == 5
    assert mapping.limit is MappingLimit.RAMP


def test_a_thousand_concurrent_batches_after_3_min_19_s():
    """(1000 - 5) / 300 minutes; rules since November 2023."""
    assert ramp(EventSourceMapping(), 1000) == 199 * SECOND


def test_before_november_2023_a_thousand_took_16_min_35_s():
    assert ramp(EventSourceMapping(growth_per_minute=60, cap=1000), 1000) == 995 * SECOND


def test_growth_stops_at_the_most_aws_gives_a_mapping():
    mapping = EventSourceMapping(cap=8)
    assert ramp(mapping, 8) == 600_000
    assert not mapping.grow(10 * SECOND)
    assert mapping.limit is MappingLimit.MAPPING_CAP


def test_maximum_concurrency_is_the_ceiling():
    mapping = EventSourceMapping(maximum_concurrency=7)
    ramp(mapping, 7)
    assert not mapping.grow(10 * SECOND)
    assert mapping.room() == 0
    assert mapping.limit is MappingLimit.MAXIMUM_CONCURRENCY


def test_maximum_concurrency_below_the_start_is_met_from_the_start():
    mapping = EventSourceMapping(maximum_concurrency=2)
    assert mapping.concurrency == 2
    assert mapping.limit is MappingLimit.MAXIMUM_CONCURRENCY


def test_growth_is_never_faster_than_its_rate_however_often_it_is_asked_for():
    mapping = EventSourceMapping()
    fill(mapping, 0)
    for now in range(0, 60 * SECOND + 1, 10_000):
        mapping.grow(now)
        fill(mapping, now)
    assert mapping.concurrency == 5 + 300 + 1  # asked at both ends of the minute


def test_a_batch_holds_its_slot_until_it_ends():
    mapping = EventSourceMapping()
    fill(mapping, 0)
    mapping.end(10)
    assert mapping.room() == 1


def test_an_idle_mapping_shrinks_to_five_and_then_to_two():
    mapping = EventSourceMapping(idle_after_us=60 * SECOND)
    ramp(mapping, 50)
    for _ in range(50):
        mapping.end(100 * SECOND)
    assert mapping.settle(160 * SECOND - 1) == []
    assert mapping.settle(160 * SECOND) == [(160 * SECOND, 5)]
    assert mapping.settle(219 * SECOND) == []
    assert mapping.settle(400 * SECOND) == [(220 * SECOND, 2)]
    assert mapping.room() == 2


def test_a_long_idle_time_is_settled_at_once_with_both_falls_at_their_instants():
    mapping = EventSourceMapping(idle_after_us=60 * SECOND)
    ramp(mapping, 6)
    for _ in range(6):
        mapping.end(10 * SECOND)
    mapping.begin(1000 * SECOND)
    assert mapping.concurrency == 2
    assert mapping.settle(2000 * SECOND) == []


def test_a_mapping_with_maximum_concurrency_does_not_shrink_to_two():
    mapping = EventSourceMapping(maximum_concurrency=100)
    assert mapping.settle(10_000 * SECOND) == []
    assert mapping.concurrency == 5


def test_the_accounts_quota_is_a_ceiling_that_pollers_know():
    mapping = EventSourceMapping(account=6)
    ramp(mapping, 6)
    assert mapping.limit is MappingLimit.ACCOUNT_CONCURRENCY


def under_errors(mapping: EventSourceMapping, ended: int, bad: int, second: int) -> int:
    """In one second *ended* batches end, of which *bad* went badly; how many slots are lost by that."""
    judged_at = None
    for nth in range(ended):
        at = second * SECOND + nth
        if nth < bad:
            judged_at = mapping.bad(at, ended=True) or judged_at
        mapping.end(at)
        mapping.begin(at)
    assert judged_at == (second + 1) * SECOND - 1
    return mapping.judge(judged_at)


def test_a_second_with_more_than_5_percent_bad_takes_a_tenth_of_the_concurrency():
    mapping = EventSourceMapping(backoff=ErrorBackoff())
    ramp(mapping, 100)
    assert under_errors(mapping, 100, 5, 300) == 0
    assert under_errors(mapping, 100, 6, 301) == 10
    assert mapping.concurrency == 90
    assert under_errors(mapping, 90, 90, 302) == 9


def test_after_bad_seconds_growth_is_held_for_5_s():
    mapping = EventSourceMapping(backoff=ErrorBackoff())
    ramp(mapping, 100)
    under_errors(mapping, 100, 100, 300)
    judged_at = 301 * SECOND - 1
    assert mapping.limit_at(judged_at) is MappingLimit.ERROR_BACKOFF
    assert not mapping.grow(judged_at + 5 * SECOND - 1)
    assert mapping.next_growth_at(judged_at) == judged_at + 5 * SECOND
    assert mapping.grow(judged_at + 5 * SECOND)
    assert mapping.limit_at(judged_at + 5 * SECOND) is MappingLimit.RAMP


def test_errors_never_take_what_a_mapping_starts_with():
    mapping = EventSourceMapping(backoff=ErrorBackoff())
    ramp(mapping, 20)
    for second in range(100, 160):
        under_errors(mapping, 20, 20, second)
    assert mapping.concurrency == 5


def test_throttles_count_as_bad_though_their_slot_is_kept():
    mapping = EventSourceMapping(backoff=ErrorBackoff())
    ramp(mapping, 100)
    judged_at = [mapping.bad(500 * SECOND + nth, ended=False) for nth in range(10)]
    assert judged_at == [501 * SECOND - 1] + [None] * 9
    assert mapping.judge(501 * SECOND - 1) == 10


def test_without_a_backoff_errors_change_nothing():
    mapping = EventSourceMapping()
    ramp(mapping, 100)
    assert mapping.bad(500 * SECOND, ended=True) is None
    assert mapping.judge(501 * SECOND) == 0


def test_an_enabled_mapping_starts_anew():
    mapping = EventSourceMapping()
    ramp(mapping, 50)
    mapping.restart(100 * SECOND)
    assert (mapping.concurrency, mapping.room()) == (5, 0)


def test_a_busy_mapping_does_not_shrink():
    mapping = EventSourceMapping()
    ramp(mapping, 20)
    for _ in range(19):
        mapping.end(10 * SECOND)
    assert mapping.settle(10_000 * SECOND) == []
    assert mapping.concurrency == 20


def test_limits_have_the_names_of_the_recorded_ones():
    assert {limit.name for limit in MappingLimit} <= {limit.name for limit in Limit}


BATCH = ["id-1", "id-2", "id-3"]


@pytest.mark.parametrize(
    "response",
    ['{"batchItemFailures": []}', '{"batchItemFailures": null}', "{}", "null", None, '{"statusCode": 200}'],
)
def test_an_empty_or_missing_list_of_failures_is_success(response: str | None):
    assert item_failures(response, BATCH) == set()


def test_only_the_named_messages_come_back():
    response = json.dumps({"batchItemFailures": [{"itemIdentifier": "id-3"}, {"itemIdentifier": "id-1"}]})
    assert item_failures(response, BATCH) == {"id-1", "id-3"}


@pytest.mark.parametrize(
    "response",
    [
        "not json",
        '{"batchItemFailures": [',
        '"a string"',
        "[1]",
        "7",
        '{"batchItemFailures": [{"itemIdentifier": ""}]}',
        '{"batchItemFailures": [{"itemIdentifier": null}]}',
        '{"batchItemFailures": [{"itemIdentifier": 1}]}',
        '{"batchItemFailures": [{"itemIdentifier": ["id-1"]}]}',
        '{"batchItemFailures": [{"identifier": "id-1"}]}',
        '{"batchItemFailures": [{}]}',
        '{"batchItemFailures": ["id-1"]}',
        '{"batchItemFailures": [null]}',
        '{"batchItemFailures": "id-1"}',
        '{"batchItemFailures": {"itemIdentifier": "id-1"}}',
        '{"batchItemFailures": [{"itemIdentifier": "unknown"}]}',
        '{"batchItemFailures": [{"itemIdentifier": "id-1"}, {"itemIdentifier": "unknown"}]}',
    ],
)
def test_an_answer_that_cannot_be_understood_returns_the_whole_batch(response: str):
    assert item_failures(response, BATCH) == set(BATCH)


def test_batch_size_is_ten_when_it_is_not_given():
    assert check_settings("standard") == ([], 10)
    assert check_settings("fifo") == ([], 10)


@pytest.mark.parametrize(
    ("queue_type", "batch_size", "window_s", "accepted"),
    [
        ("standard", 1, 0, True),
        ("standard", 0, 0, False),
        ("standard", 10, 0, True),
        ("standard", 11, 0, False),
        ("standard", 11, 1, True),
        ("standard", 10_000, 1, True),
        ("standard", 10_001, 1, False),
        ("standard", 10, 300, True),
        ("standard", 10, 301, False),
        ("standard", 10, -1, False),
        ("standard", 10, 0.5, False),
        ("fifo", 10, 0, True),
        ("fifo", 11, 0, False),
        ("fifo", 11, 1, False),
        ("fifo", 10, 1, False),
    ],
)
def test_ranges_of_batch_size_and_window(queue_type: str, batch_size: int, window_s: float, accepted: bool):
    problems, size = check_settings(queue_type, batch_size, int(window_s * SECOND))
    assert (problems == []) is accepted
    assert size == batch_size


@pytest.mark.parametrize(("maximum", "accepted"), [(1, False), (2, True), (1000, True), (1001, False)])
def test_maximum_concurrency_is_2_to_1000(maximum: int, accepted: bool):
    problems, _ = check_settings("standard", maximum_concurrency=maximum)
    assert (problems == []) is accepted


def test_a_function_timeout_above_the_visibility_timeout_is_refused():
    equal, _ = check_settings("standard", visibility_timeout_us=30 * SECOND, function_timeout_us=30 * SECOND)
    above, _ = check_settings("standard", visibility_timeout_us=30 * SECOND, function_timeout_us=31 * SECOND)
    assert equal == []
    assert above == ["Timeout: the function's timeout (31s) is above the queue's visibility timeout (30s)"]


def test_ranges_are_those_of_the_dated_rules():
    assert ranges_of(dated()) == RANGES


@pytest.mark.parametrize(
    ("minimum", "maximum", "refused"),
    [
        (2, 200, ""),
        (200, 10_000, ""),
        (1, 200, "MinimumPollers"),
        (201, 500, "MinimumPollers"),
        (2, 10_001, "MaximumPollers"),
        (100, 50, "MinimumPollers"),
    ],
)
def test_provisioned_pollers_are_2_to_200_and_2_to_10000(minimum: int, maximum: int, refused: str):
    given = Settings("standard", minimum_pollers=minimum, maximum_pollers=maximum)
    assert [problem.setting for problem in setting_problems(given)] == ([refused] if refused else [])


def test_provisioned_pollers_exclude_maximum_concurrency():
    given = Settings("standard", maximum_concurrency=10, minimum_pollers=2, maximum_pollers=2)
    assert [problem.setting for problem in setting_problems(given)] == ["MaximumConcurrency"]


def test_all_problems_are_named_at_once():
    problems, _ = check_settings("standard", 20_000, 400 * SECOND, 1)
    assert len(problems) == 3


@pytest.mark.parametrize(
    ("visibility", "window", "timeout", "effective"),
    [(30, 20, 20, 70), (60, 300, 60, 390), (30, 0, 30, 30), (60, 20, 40, 60), (60, 20, 41, 91)],
)
def test_visibility_timeout_of_receives_covers_window_and_function(
    visibility: int, window: int, timeout: int, effective: int
):
    got = effective_visibility_us(visibility * SECOND, window * SECOND, timeout * SECOND)
    assert got == effective * SECOND


def test_pauses_after_throttles_double_up_to_half_a_minute():
    pauses = [throttle_pause_us(attempt) // SECOND for attempt in range(1, 9)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert throttle_pause_us(1_000_000) == 30 * SECOND
