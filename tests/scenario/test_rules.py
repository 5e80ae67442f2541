from pathlib import Path

import pytest

from simulator.scenario import ScenarioError, load
from simulator.scenario.distributions import LognormalSpec
from simulator.scenario.rules import STATUSES, dated, differences, known
from tests.scenario.cases import REPAIRED

TINY = REPAIRED / "01-bare-number.yaml"


def test_every_rule_has_its_source_and_status() -> None:
    for year in known():
        rules = dated(year)
        for name in rules.names():
            assert rules.source(name), name
            assert rules.status(name) in STATUSES, name


@pytest.mark.parametrize("year", known())
def test_every_value_is_in_its_range(year: str) -> None:
    rules = dated(year)
    for name in rules.names():
        rule = rules.rule(name)
        if rule.unit and rule.value is not None:
            assert rule.low <= rule.value <= rule.high, name
            assert rule.ideal is None or rule.low <= rule.ideal <= rule.high, name


@pytest.mark.parametrize(
    ("year", "name", "value"),
    [
        ("2023", "esm.growth_per_minute", 300),
        ("2023", "esm.max_concurrency_cap", 1250),
        ("2023", "lambda.scale_per_10s", 1000),
        ("2023", "sqs.max_message_bytes", 262_144),
        ("2023", "sqs.batch_max_bytes", 262_144),
        ("2023", "sqs.fifo.max_inflight", 20_000),
        ("2022", "esm.growth_per_minute", 60),
        ("2022", "esm.max_concurrency_cap", 1000),
        ("2022", "lambda.scale_per_10s", None),
        ("2022", "lambda.account_burst.us-east-1", 3000),
        ("2022", "lambda.account_burst.other", 500),
        ("2022", "sqs.max_message_bytes", 262_144),
    ],
)
def test_earlier_years_had_other_limits(year: str, name: str, value: object) -> None:
    assert dated(year).value(name) == value


def test_a_year_says_only_what_was_different() -> None:
    assert differences("2026") == ()
    assert set(differences("2023")) < set(differences("2022"))
    for year in ("2022", "2023"):
        same = set(dated().names()) - set(differences(year))
        assert len(same) > 150
        assert all(dated(year).value(name) == dated().value(name) for name in same)


def test_a_scenario_takes_the_rules_it_names() -> None:
    assert load(TINY, sets=["rules=2022"]).rules.value("esm.growth_per_minute") == 60
    with pytest.raises(ScenarioError, match="size goes to 300KiB; MaximumMessageSize allows 1B to 256KiB"):
        load(TINY, sets=["rules=2022", "producers.web.message={size: 300KiB}"])
    pollers = "functions.ship.event_sources.orders.provisioned={}"
    assert load(TINY, sets=[pollers])
    with pytest.raises(ScenarioError, match="by rules 2023 there is no provisioned mode"):
        load(TINY, sets=["rules=2023", pollers])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sqs.queue.visibility_timeout", 30_000_000),
        ("sqs.queue.retention", 345_600_000_000),
        ("sqs.max_inflight", 120_000),
        ("sqs.max_message_bytes", 1_048_576),
        ("sqs.fifo.tps", 300),
        ("esm.start_concurrency", 5),
        ("esm.growth_per_minute", 300),
        ("lambda.account_concurrency", 1_000),
        ("asg.tt.in_ratio", 0.7),
        ("lat.sqs_standard_to_function", ((0.1, 13_700), (0.5, 16_200), (0.9, 33_800), (0.99, 105_000))),
        ("ec2.boot", LognormalSpec(30_000_000, 60_300_000)),
    ],
)
def test_values_are_in_the_simulators_units(name: str, value: object) -> None:
    assert dated().value(name) == value


def test_an_ideal_service_has_no_latencies_and_no_ramps() -> None:
    rules = load(TINY, sets=["ideal=true"]).rules
    for name in rules.names():
        if name.startswith(("lat.", "lambda.init.")):
            assert rules.value(name) == ((0.5, 0),), name
    assert rules.value("sqs.fifo.tps") is None
    assert rules.value("esm.start_concurrency") == 10_000
    assert rules.value("sqs.queue.visibility_timeout") == 30_000_000


def test_limits_take_the_place_of_rules() -> None:
    limits = "limits={sqs.max_inflight: 20k, lat.sqs_delete: {p50: 1ms, p90: 2ms}, sqs.fifo.tps: 3k/s}"
    rules = load(TINY, sets=[limits]).rules
    assert rules.value("sqs.max_inflight") == 20_000
    assert rules.value("lat.sqs_delete") == ((0.5, 1_000), (0.9, 2_000))
    assert rules.value("sqs.fifo.tps") == 3_000
    assert rules.status("sqs.max_inflight") == "scenario"
    assert rules.assumption("lat.sqs_delete") == ""


def test_limits_win_over_ideal() -> None:
    rules = load(TINY, sets=["ideal=true", "limits={lat.sqs_delete: 7ms}"]).rules
    assert rules.value("lat.sqs_delete") == ((0.5, 7_000),)
    assert rules.value("lat.sqs_receive") == ((0.5, 0),)


def test_a_limit_on_a_setting_is_its_default() -> None:
    scenario = load(TINY, sets=["limits={sqs.queue.delay: 5s}"])
    assert scenario.queues["orders-dlq"].delay == 5_000_000


def test_a_limit_moves_what_is_checked_against_it() -> None:
    with pytest.raises(ScenarioError, match="allowed: 0 to 1900 in all"):
        load(
            TINY, sets=["limits={lambda.account_concurrency: 2k}", "functions.ship.reserved_concurrency=1901"]
        )
    assert load(
        TINY, sets=["limits={lambda.account_concurrency: 2k}", "functions.ship.reserved_concurrency=1900"]
    )


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (
            "sqs.max_infligth: 10k",
            "limits.sqs.max_infligth is not a known limit; nearest is sqs.max_inflight",
        ),
        ("sqs.max_inflight: 0", "limits.sqs.max_inflight is 0; allowed: 1 to 100000000"),
        ("sqs.max_inflight: null", "limits.sqs.max_inflight is empty; a whole number is due"),
        ("sqs.fifo.tps: 0.5/s", "limits.sqs.fifo.tps is 0.5/s; a whole number per second is due"),
        ("sqs.fifo.burst: 1", "limits.sqs.fifo.burst is 1, which has no unit; write 1s"),
        ("lat.sqs_delete: {p99: 1ms, p50: 2ms}", "limits.sqs.lat"),
        ("lat.sqs_delete: {median: 1ms}", "limits.lat.sqs_delete.median is not a percentile; write p50"),
        ("lat.sqs_delete: {}", "limits.lat.sqs_delete is not a table of quantiles"),
        ("ec2.boot: {gamma: {mean: 1s}}", "limits.ec2.boot.gamma.shape is missing"),
    ],
)
def test_a_wrong_limit_is_refused(limit: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        load(TINY, sets=[f"limits={{{limit}}}"])
    assert said.replace("limits.sqs.lat", "is not a table of quantiles") in str(refused.value)


def test_limits_that_are_no_map_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="limits is a list; a map is due"):
        load(TINY, sets=["limits=[1]"])


def test_what_aws_does_not_say_is_an_assumption() -> None:
    rules = dated()
    assert rules.assumption("sqs.max_inflight") == ""
    words = rules.assumption("lat.sns_to_sqs")
    assert words.startswith("lat.sns_to_sqs = p50 12ms, p90 30ms, p99 150ms (model:")
