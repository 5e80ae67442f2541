import math

import numpy as np
import pytest

from simulator.analysis import limits
from simulator.analysis.measures import Measures
from simulator.analysis.partial import Frame
from simulator.analysis.points import points
from simulator.analysis.series import Curves, group_of, tails
from simulator.recording.tables import Arrival, Attempt, Cause, Fate, Limit, Quantity
from tests.analysis.rows import CHARGE, FRAME, POST, THINGS, S, a_run, copies, processed, reduced, table

HOUR = 3_600 * S


def measured(*runs, frame=FRAME, workers=None):
    return Measures(frame, [reduced(frame, run) for run in runs], workers)


def curve(measures, scope, quantity, replication=0):
    frame = Curves(measures).frame()
    mine = frame[
        (frame["scope"] == scope) & (frame["quantity"] == quantity) & (frame["replication"] == replication)
    ]
    return mine.set_index("at_s")["value"]


@pytest.mark.parametrize(
    ("duration_s", "width_s"),
    [(60, 1), (600, 5), (3_600, 30), (7_200, 60), (86_400, 600), (86_400 * 400, 172_800)],
)
def test_bins_of_charts_are_round_and_at_most_two_hundred(duration_s, width_s):
    frame = Frame(THINGS, duration_s * S)
    group = group_of(frame.bin_us, frame.duration_us)
    assert group * frame.bin_us == width_s * S
    assert duration_s <= 200 * width_s


def test_a_curve_is_the_mean_of_its_bin_and_a_backlog_its_value_at_the_start():
    run = {"copies": processed(np.arange(300) * 100_000, 45 * S, 0)}
    measures = measured(run)
    sent = curve(measures, "queues.orders", "sent_per_s")
    assert sent.loc[0.0] == 10.0
    assert sent.loc[30.0] == 0.0
    assert curve(measures, "queues.orders", "processed_per_s").loc[30.0] == pytest.approx(5.0)
    assert curve(measures, "queues.orders", "backlog").loc[[0.0, 30.0, 90.0]].tolist() == [1.0, 300.0, 0.0]


def test_rates_of_a_last_bin_that_ends_with_the_run_are_not_diluted():
    run = {"copies": processed([HOUR - S], S, 5 * S, ended_at=HOUR + 15 * S)}
    last = curve(measured(run), "queues.orders", "deleted_per_s")
    assert last.index[-1] == 3_600.0
    assert last.iloc[-1] == pytest.approx(1 / 15)


def test_percentiles_over_time_are_by_when_a_message_was_offered_and_inf_where_they_do_not_end():
    offered = np.concatenate([np.zeros(100, dtype=np.int64), np.full(100, 40 * S)])
    wait = np.tile(np.arange(1, 101) * 10_000, 2)
    rows = processed(offered, wait, S)
    rows["fate"][103:110] = Fate.VISIBLE
    for name in ("first_started_at", "succeeded_at"):
        rows[name][103:110] = -1
    found = {
        name: curve(measured({"copies": rows}), "queues.orders", f"wait_{name}") for name in ("p50", "p95")
    }
    assert found["p50"].loc[0.0] == pytest.approx(0.5, rel=0.005)
    assert found["p95"].loc[0.0] == pytest.approx(0.95, rel=0.005)
    assert found["p50"].loc[30.0] == pytest.approx(0.57, rel=0.005)
    assert found["p95"].loc[30.0] == math.inf
    assert math.isnan(found["p50"].loc[60.0])


def test_needed_is_arrivals_times_work_over_workers():
    run = {
        "copies": processed(np.arange(1_000) * 30_000, S, S, queue=4),
        "invocations": table(
            "invocations",
            consumer=POST,
            started_at=np.arange(100) * S,
            ended_at=np.arange(100) * S + 4 * S,
            messages=10,
        ),
    }
    needed = curve(
        measured(run, workers={"auto_scaling_groups.post": 4}), "auto_scaling_groups.post", "needed"
    )
    assert needed.loc[0.0] == pytest.approx(1_000 / 30 * 0.4 / 4)
    assert needed.loc[60.0] == 0.0


def test_duplicates_have_a_curve_by_cause_where_there_are_any():
    run = {
        "deliveries": table(
            "deliveries", received_at=[S, 2 * S], left_at=3 * S, cause=[Cause.FAILURE, Cause.NOTHING]
        )
    }
    measures = measured(run)
    assert curve(measures, "queues.orders", "duplicates_failure_per_min").loc[0.0] == 2.0
    assert curve(measures, "queues.orders", "duplicates_crash_per_min").empty


def test_levels_of_consumers_are_means_over_the_bin():
    run = {
        "changes": table(
            "changes",
            thing=CHARGE,
            quantity=Quantity.CONCURRENCY,
            value=[5, 8],
            from_at=[0, 10 * S],
            until_at=[10 * S, HOUR],
        )
    }
    assert curve(measured(run), "functions.charge.event_sources.orders", "concurrency").loc[
        0.0
    ] == pytest.approx(7.0)


def test_limits_have_shares_of_each_bin_that_add_up_to_one():
    run = {
        "changes": table(
            "changes",
            thing=POST,
            quantity=Quantity.LIMIT,
            value=[Limit.ARRIVALS, Limit.METRIC_LAG],
            from_at=[0, 40 * S],
            until_at=[40 * S, HOUR],
        )
    }
    measures = measured(run, run)
    found = limits.by_bin(measures, 3)
    assert set(found["limit"]) == {"arrivals", "metric_lag"}
    assert np.allclose(found.groupby(["replication", "at_s"])["share"].sum(), 1.0)
    second = found[(found["replication"] == 1) & (found["at_s"] == 30.0)].set_index("limit")["share"]
    assert second["arrivals"] == pytest.approx(1 / 3)


def test_a_tail_tells_what_share_took_longer_and_never_where_they_do_not_end():
    ok = processed(np.zeros(990, dtype=np.int64), np.arange(1, 991) * 1_000, 0)
    dead = copies(np.zeros(10, dtype=np.int64), ended_at=S, fate=Fate.DEAD_LETTERED, cause=Cause.THROTTLE)
    run = {"copies": {name: np.concatenate([ok[name], dead[name]]) for name in ok}}
    found = tails(measured(run), 3)
    mine = found[(found["scope"] == "queues.orders") & (found["metric"] == "wait")].set_index("share")[
        "value_s"
    ]
    at_ten_percent = mine[min(mine.index, key=lambda share: abs(share - 0.1))]
    assert at_ten_percent == pytest.approx(0.9, rel=0.01)
    assert mine[mine.index < 0.0099].eq(math.inf).all()
    assert mine.index.min() >= 1e-3
    assert mine.is_monotonic_increasing


def test_a_steady_tail_leaves_out_bins_in_which_messages_pile_up():
    calm = processed(np.arange(1_800) * 2 * S, 100_000, 100_000)
    burst = processed(np.full(2_000, 1_000 * S), np.arange(2_000) * 100_000, 100_000)
    run = {"copies": {name: np.concatenate([calm[name], burst[name]]) for name in calm}}
    found = tails(measured(run), 3)
    mine = found[found["scope"] == "queues.orders"].groupby("metric")["value_s"].max()
    assert mine["wait_steady"] == pytest.approx(0.1, rel=0.01)
    assert mine["wait"] > 100


def test_nothing_at_all_gives_empty_frames_with_their_columns():
    measures = measured({})
    assert list(tails(measures, 3).columns) == ["scope", "metric", "replication", "share", "value_s"]
    assert list(limits.by_bin(measures, 3).columns) == ["scope", "replication", "at_s", "limit", "share"]
    assert set(Curves(measures).frame().columns) == {"scope", "quantity", "replication", "at_s", "value"}


def test_points_are_cloudwatchs_of_the_first_replication_one_a_minute():
    run = {
        "copies": processed(np.arange(120) * S, 90 * S, S, arrival=Arrival.SEND),
        "invocations": table(
            "invocations",
            started_at=np.arange(60) * S,
            ended_at=np.arange(60) * S + S,
            attempt=Attempt.FAILED,
        ),
    }
    found = points(measured(run, a_run(10)))
    named = found.set_index(["namespace", "metric", "name", "at_s"])["value"]
    assert named[("AWS/SQS", "NumberOfMessagesSent", "orders", 60.0)] == 60
    assert named[("AWS/SQS", "ApproximateNumberOfMessagesVisible", "orders", 60.0)] == 60
    assert named[("AWS/Lambda", "Errors", "charge", 0.0)] == 60
    assert named[("AWS/Lambda", "ConcurrentExecutions", "charge", 0.0)] == pytest.approx(1.0)
    assert set(found["at_s"] % 60) == {0.0}


def test_frames_are_the_same_however_rows_were_cut():
    run = a_run(500)
    whole = Curves(measured(run)).frame()
    cut = Curves(Measures(FRAME, [reduced(FRAME, run, 7)])).frame()
    assert whole.equals(cut)
