"""Quiet and noisy tenants: who is who, and how long either waits."""

from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.answer import Estimate
from simulator.analysis.measures import Measures
from simulator.analysis.partial import Frame
from simulator.analysis.points import points
from simulator.analysis.series import Curves
from simulator.analysis.tenants import noisy_groups
from simulator.recording.tables import NONE, Fate, Quantity
from simulator.scenario import load
from tests.analysis.rows import ORDERS, THINGS, Rows, S, processed, reduced, table
from tests.analysis.rows import copies as a_copy

TEXT = """
scenario: shared
duration: 10m
producers:
  big: {{target: work, arrivals: {{rate: 50/s}}, message: {{group: {{count: 1}}}}}}
  all:
    target: work
    arrivals: {{rate: 100/s}}
    message: {{group: {{count: 40, popularity: {{first: [0%, 14%]}}}}}}
queues:
  work: {{fair: {fair}, backlog: {backlog}}}
functions:
  worker: {{runtime: python3.13, timeout: 5s, work: 100ms, event_sources: {{work: {{}}}}}}
thresholds: {thresholds}
variants: {variants}
"""


def who(
    tmp_path: Path,
    fair: str = "true",
    backlog: str = "null",
    thresholds: str = "[]",
    variants: str = "{}",
) -> frozenset[int] | None:
    path = tmp_path / "shared.yaml"
    path.write_text(TEXT.format(fair=fair, backlog=backlog, thresholds=thresholds, variants=variants))
    return noisy_groups(load(path))


def test_a_tenant_with_more_than_a_tenth_of_all_messages_is_noisy(tmp_path):
    assert who(tmp_path) == frozenset({0})  # group 0 has a third, group 1 has 14 of 150


def test_a_standing_backlog_counts_as_sent(tmp_path):
    assert who(tmp_path, backlog="{messages: 900k, group: {count: 1}}") == frozenset({0})
    second = "{messages: 10k, group: {count: 4, popularity: {first: [0%, 100%]}}}"
    assert who(tmp_path, backlog=second) == frozenset({0, 1})


@pytest.mark.parametrize(
    "more",
    [
        {"thresholds": "['wait{tenants=quiet}.p95 < 1m']"},
        {"variants": "{fair: {queues.work.fair: true}}"},
        {"fair": "true"},
    ],
)
def test_tenants_are_kept_apart_where_a_queue_is_fair_or_a_threshold_asks(tmp_path, more):
    assert who(tmp_path, **{"fair": "false", **more}) == frozenset({0})


def test_nobody_else_pays_for_tenants(tmp_path):
    assert who(tmp_path, fair="false") is None


def measured(*rows: Rows) -> dict[str, Estimate]:
    frame = Frame(THINGS, 60 * S, noisy_groups=frozenset({0, 3}))
    together = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    return Measures(frame, [reduced(frame, {"copies": together})] * 2).estimates


def test_waits_of_quiet_and_noisy_tenants_are_apart_and_together_are_all():
    offered = np.arange(20) * S
    found = measured(
        processed(offered, np.arange(1, 21) * 1000, S, copy=np.arange(20), group=np.arange(20) % 4)
    )
    assert found["wait{tenants=quiet}.max"].mean == pytest.approx(19e-3, rel=0.01)
    assert found["wait{tenants=noisy}.max"].mean == pytest.approx(20e-3, rel=0.01)
    assert found["wait{tenants=noisy}.mean"].mean == pytest.approx(10.5e-3)
    assert found["queues.orders wait{tenants=quiet}.mean"].mean == pytest.approx(10.5e-3)


def test_messages_without_a_group_are_of_quiet_tenants():
    found = measured(processed([0], [5_000], [S], copy=[0], group=NONE))
    assert found["wait{tenants=quiet}.p50"].mean == pytest.approx(5e-3, rel=0.01)


def test_a_noisy_tenants_unfinished_messages_censor_only_its_own_waits():
    ends = {"ended_at": 60 * S, "fate": Fate.VISIBLE, "group": 0, "copy": np.arange(10, 20)}
    found = measured(
        processed(np.arange(10) * S, 1_000, S, copy=np.arange(10), group=1),
        a_copy(np.arange(10) * S, **ends),
    )
    assert found["wait{tenants=noisy}.p50"].certainty.value == "at_least"
    assert found["wait{tenants=quiet}.p99"].mean == pytest.approx(1e-3, rel=0.01)


def a_fair_queue() -> Measures:
    frame = Frame(THINGS, 300 * S, noisy_groups=frozenset({0}), fair_queues=frozenset({"queues.orders"}))
    marks = table(
        "changes",
        thing=ORDERS,
        quantity=[Quantity.NOISY_TENANTS, Quantity.QUIET_VISIBLE, Quantity.QUIET_OLDEST_S],
        value=[1, 40, 7],
        from_at=[60 * S, 70 * S, 130 * S],
        until_at=[210 * S, 80 * S, 140 * S],
    )
    work = processed(np.arange(20) * S, 5_000, S, copy=np.arange(20), group=np.arange(20) % 4)
    return Measures(frame, [reduced(frame, {"copies": work, "changes": marks})] * 2)


def test_marked_tenants_are_counted_over_time():
    found = a_fair_queue()
    assert found.estimates["queues.orders noisy_tenants.max"].mean == 1
    assert found.estimates["noisy_tenants.mean"].mean == pytest.approx(0.5)
    curves = Curves(found).frame()
    marked = curves[(curves["scope"] == "queues.orders") & (curves["quantity"] == "noisy_tenants")]
    assert set(marked["value"]) == {0.0, 1.0}
    assert {"wait_quiet_p95", "wait_noisy_p50"} <= set(curves["quantity"])


def test_cloudwatch_shows_a_fair_queues_metrics_by_their_names():
    shown = points(a_fair_queue())
    shown = shown[shown["metric"].str.contains("Noisy|Quiet")]
    assert set(shown["name"]) == {"orders"}
    assert set(shown["metric"]) == {
        "ApproximateNumberOfNoisyGroups",
        "ApproximateNumberOfMessagesVisibleInQuietGroups",
        "ApproximateNumberOfMessagesDelayedInQuietGroups",
        "ApproximateNumberOfMessagesNotVisibleInQuietGroups",
        "ApproximateAgeOfOldestMessageInQuietGroups",
    }
    values = {name: rows["value"].tolist() for name, rows in shown.groupby("metric")}
    assert values["ApproximateNumberOfNoisyGroups"] == [0, 1, 1, 1, 0]
    assert values["ApproximateNumberOfMessagesVisibleInQuietGroups"] == [0, 40, 0, 0, 0]
    assert values["ApproximateAgeOfOldestMessageInQuietGroups"] == [0, 0, 7, 0, 0]
