from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from simulator.recording.tables import Cause, Limit
from simulator.scenario import ScenarioError, load
from simulator.scenario.problems import findings_of
from simulator.scenario.thresholds import METRICS, parse
from tests.scenario.cases import REPAIRED

TINY = REPAIRED / "01-bare-number.yaml"
FAN_OUT = REPAIRED / "28-filter-on-an-unknown-attribute.yaml"


@pytest.mark.parametrize(
    ("text", "key", "op", "bound", "unit"),
    [
        ("wait.p95 < 2m", "wait.p95", "<", 120.0, "s"),
        ("end_to_end.p99.9<=250ms", "end_to_end.p99.9", "<=", 0.25, "s"),
        ("drain < 15m", "drain", "<", 900.0, "s"),
        ("dead_lettered{cause=throttle}.count == 0", "dead_lettered{cause=throttle}.count", "==", 0.0, "1"),
        ("duplicate_processing.share < 0.1%", "duplicate_processing.share", "<", 0.001, "share"),
        ("throughput.rate > 1k/s", "throughput.rate", ">", 1_000.0, "1/s"),
        ("queues.orders backlog.max >= 10k", "queues.orders backlog.max", ">=", 10_000.0, "1"),
        (
            "functions.ship.event_sources.orders limit{limit=ramp}.share < 5%",
            "functions.ship.event_sources.orders limit{limit=ramp}.share",
            "<",
            0.05,
            "share",
        ),
    ],
)
def test_a_threshold_has_the_key_and_unit_of_the_answer(
    text: str, key: str, op: str, bound: float, unit: str
) -> None:
    found = parse(text)
    assert (found.text, found.key, found.op, found.bound, found.unit) == (text, key, op, bound, unit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wait.p95", "write [scope] metric[.statistic] < quantity"),
        ("wait.p95 ~ 2m", "write [scope] metric[.statistic] < quantity"),
        (5, "is 5; a threshold such as wait.p95 < 2m is due"),
        ("weight.p95 < 2m", "weight is no metric, nearest is wait"),
        ("wait.p94 < 2m", "write wait.p50 or wait.p95 or wait.p99"),
        ("wait < 2m", "write wait.p50"),
        ("drain.p95 < 2m", "write drain"),
        ("wait.p95 < 2", "its bound is 2, which has no unit; write 2s"),
        ("lost.share < 0.1", "its bound is 0.1, which has no unit; write 0.1%"),
        ("drain{cause=throttle} < 2m", "drain has no labels"),
        ("wait{cause=throttle}.p95 < 2m", "write wait{tenants=...}"),
        ("wait{tenants=loud}.p95 < 2m", "loud is no tenants of wait, known: quiet, noisy"),
        ("lost{reason=retention}.count == 0", "write lost{cause=...}"),
        ("lost{cause=retentoin}.count == 0", "retentoin is no cause of lost, nearest is retention"),
        ("auto_scaling_groups.x limit.share < 5%", "say which limit"),
    ],
)
def test_a_wrong_threshold_is_told_what_to_write(text: object, said: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        parse(text)
    assert said in findings_of(refused.value)[0].message


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (TINY, "queues.order wait.p95 < 2m", "there is no queues.order, nearest is queues.orders"),
        (TINY, "queues.orders-dlq wait.p95 < 2m", "wait is not known of queues.orders-dlq, a queue"),
        (TINY, "queues.orders busy.max < 2", "busy is not known of queues.orders, a source queue"),
        (TINY, "busy.max < 2", "say of which consumer, known: functions.ship.event_sources.orders"),
        (TINY, "functions.ship.event_sources.orders desired.max < 2", "desired is not known of"),
        (FAN_OUT, "auto_scaling_groups.ship concurrency.max < 2", "concurrency is not known of"),
        (FAN_OUT, "queues.orders offered.count > 2", "offered is not known of queues.orders"),
    ],
)
def test_a_threshold_is_about_something_there_is(file: Path, text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        load(file, sets=[f"thresholds=['{text}']"])
    assert said in str(refused.value)


def test_labels_are_the_words_of_the_tables() -> None:
    causes = {cause.name.lower() for cause in Cause}
    limits = {limit.name.lower() for limit in Limit}
    for metric in METRICS.values():
        words = {"limit": limits, "tenants": {"quiet", "noisy"}, "stage": {"decided", "in_service"}}
        words |= {"quota": {"rate", "daily", "paused"}, "as": {"under_review", "paused"}}
        if metric.label != "service":  # of AWS, not of a table
            assert set(metric.values) <= words.get(metric.label, causes)
    assert set(METRICS["limit"].values) == limits


@pytest.mark.parametrize("bound", ["300USD", "300", "0.3kUSD"])
def test_a_bound_on_money_is_in_dollars(bound: str) -> None:
    found = parse(f"cost{{service=sqs}}.per_million < {bound}")
    assert (found.key, found.bound, found.unit) == ("cost{service=sqs}.per_million", 300.0, "USD")


@pytest.mark.parametrize("bound", ["300EUR", "$300", "-1", "1m"])
def test_other_money_is_refused_with_what_to_write(bound: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse(f"cost.month < {bound}")
    assert "USD" in findings_of(caught.value)[0].message or bound == "-1"
