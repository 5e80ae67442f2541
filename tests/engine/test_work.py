"""Work and failures that depend on the message: on an attribute's value, on the receive count."""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import Attempt
from simulator.scenario.distributions import mean_of
from tests.engine.running import Rows, read, run

TEXT = """
scenario: kinds
duration: 20m
ideal: true
producers:
  shop: {target: orders, arrivals: [{rate: 8/s}], message: {attributes: {kind: {order: 75%, refund: rest},
         tier: {gold: 10%, plain: rest}}, body: {vip: {true: 50%, false: rest}}}}
  plain: {target: orders, arrivals: [{rate: 2/s}]}
queues: {orders: {visibility_timeout: 10s, redrive: {queue: dead, max_receive_count: 100}}, dead: {}}
functions:
  ship: {runtime: python3.13, timeout: 10s,
         event_sources: {orders: {batch_size: 1, maximum_concurrency: 100}}}
"""
GROUP = """
auto_scaling_groups:
  ship: {queue: orders, instance_type: c6i.large, workers_per_instance: 50, receive: {max_messages: 1},
         capacity: {min: 2, max: 2}}
"""
BY = "work={by: {attribute: kind, values: {order: 100ms, refund: 1s}, rest: 50ms}}"
ORDER, REFUND, NEITHER = "order", "refund", ""


def kinds(rows: Rows) -> np.ndarray:
    """The kind of each delivery's message: combinations are kind x tier x body, the last varying fastest."""
    messages, deliveries, copies = rows["messages"], rows["deliveries"], rows["copies"]
    order = np.argsort(messages["message"])
    of_copy = dict(zip(copies["copy"].tolist(), copies["message"].tolist(), strict=True))
    message = np.array([of_copy[copy] for copy in deliveries["copy"].tolist()])
    combination, producer = messages["attributes"][order][message], messages["producer"][order][message]
    named = np.where(combination < 4, ORDER, REFUND)
    return np.where(producer == producer.max(), NEITHER, named)


def test_work_by_an_attribute_is_that_of_the_value(tmp_path: Path) -> None:
    rows = run(read(tmp_path, TEXT, (f"functions.ship.{BY}",)))
    deliveries, kind = rows["deliveries"], kinds(rows)
    lasts = deliveries["ended_at"] - deliveries["started_at"]
    assert (lasts[kind == ORDER] == 100_000).all()
    assert (lasts[kind == REFUND] == 1_000_000).all()
    assert (lasts[kind == NEITHER] == 50_000).all()
    assert min((kind == one).sum() for one in (ORDER, REFUND, NEITHER)) > 1_000


def test_the_same_message_meets_the_same_work_on_other_consumers(tmp_path: Path) -> None:
    """And in every variant: another distribution of refunds leaves orders as they were."""
    refunds, rest = "{exponential: {mean: 1s}}", "{gamma: {mean: 80ms, shape: 2}}"
    by = f"{{by: {{attribute: kind, values: {{refund: {refunds}}}, rest: {rest}}}}}"
    function = run(
        read(tmp_path, TEXT, (f"functions.ship.work={by}", "functions.ship.failures={transient: 3%}"))
    )
    without = TEXT[: TEXT.index("functions:")] + GROUP
    group = run(
        read(
            tmp_path,
            without,
            (f"auto_scaling_groups.ship.work={by}", "auto_scaling_groups.ship.failures={transient: 3%}"),
        )
    )
    other = run(read(tmp_path, TEXT, (f"functions.ship.work={by.replace('mean: 1s', 'mean: 500ms')}",)))

    def lasts(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        deliveries = rows["deliveries"]
        first = deliveries["receive_count"] == 1
        order = np.argsort(deliveries["copy"][first])
        took = (deliveries["ended_at"] - deliveries["started_at"])[first][order]
        return took, kinds(rows)[first][order]

    took, kind = lasts(function)
    assert np.array_equal(took, lasts(group)[0])
    assert np.array_equal(took[kind != REFUND], lasts(other)[0][kind != REFUND])
    assert not np.array_equal(took, lasts(other)[0])


def shares_failed(rows: Rows, chosen: np.ndarray) -> tuple[float, float]:
    """Share of the chosen deliveries that failed, and its standard error around it."""
    failed = (rows["deliveries"]["attempt"] == Attempt.FAILED)[chosen]
    return failed.mean(), float(np.sqrt(failed.mean() * (1 - failed.mean()) / len(failed)))


def test_failures_by_an_attribute(tmp_path: Path) -> None:
    sets = ("functions.ship.work=10ms", "functions.ship.failures={transient: 2%, by: {kind: {refund: 30%}}}")
    rows = run(read(tmp_path, TEXT, sets))
    kind = kinds(rows)
    for chosen, expected in ((kind == REFUND, 0.30), (kind == ORDER, 0.02), (kind == NEITHER, 0.02)):
        share, error = shares_failed(rows, chosen)
        assert abs(share - expected) < 4 * error
        assert error < 0.01


def test_failures_by_the_receive_count(tmp_path: Path) -> None:
    """20% fail the first time, half of those the second, none after: 1 + 0.2 + 0.1 receives a message."""
    sets = ("functions.ship.work=10ms", "functions.ship.failures={on_receive: {1: 20%, 2: 50%}}")
    rows = run(read(tmp_path, TEXT, sets))
    count = rows["deliveries"]["receive_count"]
    for receive, expected in ((1, 0.2), (2, 0.5)):
        share, error = shares_failed(rows, count == receive)
        assert abs(share - expected) < 4 * error
        assert error < 0.02
    assert not shares_failed(rows, count > 2)[0]
    assert rows["copies"]["receives"].mean() == pytest.approx(1.3, abs=0.02)


@pytest.mark.parametrize(
    ("work", "mean_ms"),
    [
        ("{weibull: {mean: 80ms, shape: 0.6}}", 80.0),
        (
            "{mix: [{share: 90%, of: {exponential: {mean: 50ms}}}, {share: rest, of: 1500ms}]}",
            195.0,
        ),
        ("{pareto: {low: 10ms, high: 5s, shape: 1.5}}", None),
    ],
)
def test_drawn_work_has_its_mean(tmp_path: Path, work: str, mean_ms: float | None) -> None:
    scenario = read(tmp_path, TEXT, (f"functions.ship.work={work}",))
    deliveries = run(scenario)["deliveries"]
    lasts = deliveries["ended_at"] - deliveries["started_at"]
    expected = mean_of(scenario.functions["ship"].work.per_message)
    error = lasts.std() / np.sqrt(len(lasts))
    assert abs(lasts.mean() - expected) < 4 * error
    assert error < 0.04 * expected
    assert mean_ms is None or expected == pytest.approx(mean_ms * 1_000)


def test_the_mean_of_work_by_an_attribute_is_weighed_by_what_is_sent(tmp_path: Path) -> None:
    """8/s with 75% orders and 2/s without a kind: 60% x 100 ms + 20% x 1 s + 20% x 50 ms."""
    scenario = read(tmp_path, TEXT, (f"functions.ship.{BY}",))
    assert mean_of(scenario.functions["ship"].work.per_message) == pytest.approx(270_000)


def test_a_scenario_with_kinds_reads_back_as_itself(tmp_path: Path) -> None:
    sets = (f"functions.ship.{BY}", "functions.ship.failures={on_receive: {1: 20%, 2: 50%}}")
    scenario = read(tmp_path, TEXT, sets)
    written = scenario.dump()
    assert written["functions"]["ship"]["work"]["per_message"] == {
        "by": {"attribute": "kind", "values": {"order": "100ms", "refund": "1s"}, "rest": "50ms"}
    }
    assert type(scenario).model_validate(written).dump() == written
