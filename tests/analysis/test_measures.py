import math

import numpy as np
import pytest

from simulator.analysis.answer import Certainty
from simulator.analysis.measures import Measures
from simulator.analysis.partial import Frame
from simulator.recording.tables import NONE, Arrival, Attempt, Cause, Fate, Limit, Quantity
from tests.analysis.rows import (
    CHARGE,
    DLQ,
    FRAME,
    MAIL,
    POST,
    THINGS,
    S,
    a_run,
    copies,
    processed,
    reduced,
    table,
)

HOUR = 3_600 * S


def measured(*runs, frame=FRAME, **more):
    return Measures(frame, [reduced(frame, run) for run in runs], **more).estimates


def test_percentiles_are_taken_by_replication_and_then_averaged():
    waits = [np.arange(1, 1_001) * 1_000, np.arange(1, 1_001) * 3_000]
    found = measured(*({"copies": processed(np.arange(1_000), wait, 0)} for wait in waits))["wait.p95"]
    assert found.values == (pytest.approx(0.95, rel=0.005), pytest.approx(2.85, rel=0.005))
    assert found.mean == pytest.approx(1.9, rel=0.005)
    assert found.unit == "s"


def starved(share, bound_s, fate):
    """1,000 copies offered at 0, a share of them not processed at *bound_s*."""
    count = int(1_000 * share)
    rows = {
        name: np.concatenate(parts)
        for name, parts in (
            (name, (ok, left))
            for (name, ok), left in zip(
                processed(
                    np.zeros(1_000 - count, dtype=np.int64), np.arange(1_000 - count) * 1_000, 1_000
                ).items(),
                copies(np.zeros(count, dtype=np.int64), ended_at=bound_s * S, fate=fate, receives=0).values(),
                strict=True,
            )
        )
    }
    return {"copies": rows}


def test_a_quantile_among_the_unfinished_is_at_least_the_time_they_waited():
    found = measured(*[starved(0.05, 900, Fate.VISIBLE)] * 3)
    assert found["wait.p50"].certainty is Certainty.EXACT
    assert found["wait.p99"].certainty is Certainty.AT_LEAST
    assert found["wait.p99"].mean == pytest.approx(900, rel=0.01)
    assert found["wait.p99"].mean <= 900
    assert found["end_to_end.p99"].certainty is Certainty.AT_LEAST
    assert found["wait.mean"].certainty is Certainty.AT_LEAST


@pytest.mark.parametrize("fate", [Fate.DEAD_LETTERED, Fate.EXPIRED])
def test_a_quantile_among_the_dead_or_lost_never_comes(fate):
    found = measured(*[starved(0.05, 900, fate)] * 3)
    assert found["wait.p95"].certainty is Certainty.EXACT
    assert found["wait.p99"].certainty is Certainty.NEVER
    assert found["end_to_end.max"].certainty is Certainty.NEVER
    assert found["wait.mean"].note == "without 150 that were dead-lettered or lost"


def test_one_starved_run_of_many_makes_the_number_a_lower_bound():
    fine = {"copies": processed(np.zeros(100, dtype=np.int64), S, S)}
    found = measured(fine, fine, starved(0.05, 900, Fate.VISIBLE))["wait.p99"]
    assert found.certainty is Certainty.AT_LEAST
    assert found.values[2] == math.inf


def test_a_wait_that_started_is_known_though_the_message_died():
    run = {
        "copies": copies(
            [0], first_started_at=2 * S, ended_at=9 * S, fate=Fate.DEAD_LETTERED, cause=Cause.FAILURE
        )
    }
    found = measured(run, run)
    assert found["wait.max"].mean == pytest.approx(2.0, rel=0.005)
    assert found["end_to_end.max"].certainty is Certainty.NEVER


def test_shares_are_of_copies_a_standing_backlog_included():
    run = {
        "copies": processed([-5, 0, 1, 2], S, S, arrival=[Arrival.BACKLOG, 0, 0, 0]),
        "deliveries": table("deliveries", received_at=[S, 2 * S], cause=[Cause.NOTHING, Cause.FAILURE]),
    }
    found = measured(run, run)
    assert found["duplicate_delivery.share"].mean == 0.25
    assert found["duplicate_delivery{cause=failure}.count"].mean == 1
    assert found["duplicate_delivery{cause=throttle}.count"].certainty is Certainty.NONE_SEEN
    assert found["sent.count"].mean == 3


def test_numbers_of_a_dead_letter_queue_stand_under_its_own_name_only():
    run = {"copies": processed([0, 0], S, S, queue=[DLQ, MAIL], arrival=[Arrival.MOVE, Arrival.SEND])}
    found = measured(run, run)
    assert found["queues.orders-dlq throughput.count"].mean == 1
    assert found["throughput.count"].mean == 1
    assert "queues.orders-dlq wait.p99" not in found


def test_throughput_counts_while_messages_arrive_and_all_successes_after():
    run = {"copies": processed([0, HOUR - S], [S, 10 * S], S)}
    found = measured(run, run)
    assert found["throughput.count"].mean == 2
    assert found["throughput.rate"].mean == pytest.approx(1 / 3_600)


def test_a_discarded_start_is_left_out_by_when_a_message_was_offered():
    run = {"copies": processed([0, 30 * S], [100 * S, S], S)}
    found = measured(run, run, first_bin=1)
    assert found["wait.max"].mean == pytest.approx(1, rel=0.005)
    assert found["sent.count"].mean == 1


def test_backlog_is_what_is_neither_in_flight_nor_gone_and_in_flight_what_was_received():
    run = {
        "copies": copies([0] * 10, ended_at=100 * S),
        "deliveries": table("deliveries", received_at=[50 * S] * 4, left_at=[100 * S] * 4),
    }
    found = measured(run, run)
    assert found["backlog.max"].mean == 10
    assert found["in_flight.max"].mean == 4
    assert found["backlog.mean"].mean == pytest.approx((10 * 50 + 6 * 50) / 3_600)
    assert found["in_flight.mean"].mean == pytest.approx(4 * 50 / 3_600)


def test_littles_law_holds_between_levels_and_durations():
    run = a_run(4_000)
    rows = {name: values[run["copies"]["fate"] == Fate.DELETED] for name, values in run["copies"].items()}
    found = measured({"copies": rows}, {"copies": rows})
    time_in_queue = (rows["ended_at"] - rows["arrived_at"]).sum()
    overlap = np.maximum(rows["ended_at"] - HOUR, 0).sum()
    assert found["backlog.mean"].mean == pytest.approx((time_in_queue - overlap) / HOUR, rel=1e-9)


def test_the_drain_is_never_where_no_run_empties_and_counts_the_runs_where_some_do():
    gone = {"copies": processed([0], 1_900 * S, S)}
    left = {"copies": copies([0], ended_at=HOUR, fate=Fate.VISIBLE)}
    assert measured(gone, gone)["drain"].mean == 101
    assert measured(left, left)["drain"].certainty is Certainty.NEVER
    some = measured(gone, gone, left)["drain"]
    assert some.certainty is Certainty.AT_LEAST
    assert some.note == "empty in 2 of 3 runs, median 1.68 min"


def test_without_copies_before_it_there_is_no_drain():
    late = {"copies": processed([1_800 * S], S, S)}
    assert measured(late)["drain"].certainty is Certainty.NO_DATA


def test_utilisation_is_busy_over_slots_and_slots_are_instances_times_workers():
    run = {
        "invocations": table(
            "invocations",
            consumer=[POST, POST, CHARGE],
            started_at=[0, 0, 0],
            ended_at=[HOUR, HOUR, HOUR // 2],
        ),
        "changes": table(
            "changes",
            thing=[POST, CHARGE],
            quantity=[Quantity.IN_SERVICE, Quantity.CONCURRENCY],
            value=[2, 5],
            from_at=0,
            until_at=HOUR,
        ),
    }
    found = measured(run, run, workers={"auto_scaling_groups.post": 4})
    assert found["auto_scaling_groups.post utilisation"].mean == pytest.approx(2 / 8)
    assert found["functions.charge.event_sources.orders utilisation"].mean == pytest.approx(0.5 / 5)
    assert found["auto_scaling_groups.post busy.max"].mean == 2


def test_limits_are_shares_of_the_time_messages_arrived():
    run = {
        "changes": table(
            "changes",
            thing=POST,
            quantity=Quantity.LIMIT,
            value=[Limit.BOOTING, Limit.MAXIMUM_SIZE],
            from_at=[0, HOUR // 4],
            until_at=[HOUR // 4, 2 * HOUR],
        )
    }
    found = measured(run, run)
    assert found["auto_scaling_groups.post limit{limit=booting}.share"].mean == 0.25
    assert found["auto_scaling_groups.post limit{limit=maximum_size}.share"].mean == 0.75
    assert found["auto_scaling_groups.post limit{limit=ramp}.share"].mean == 0.0
    other = "functions.charge.event_sources.orders limit{limit=ramp}.share"
    assert found[other].certainty is Certainty.NO_DATA


def test_throttles_cold_starts_and_batches_are_counted_by_consumer_and_pooled():
    run = {
        "invocations": table(
            "invocations",
            started_at=[S, 2 * S, NONE],
            ended_at=[3 * S, 3 * S, 4 * S],
            init_us=[S, 0, 0],
            messages=[10, 5, 10],
            attempt=[Attempt.SUCCEEDED, Attempt.FAILED, Attempt.THROTTLED],
        )
    }
    found = measured(run, run)
    for scope in ("", "queues.orders ", "functions.charge.event_sources.orders "):
        assert found[f"{scope}throttle.count"].mean == 1
        assert found[f"{scope}cold_start.share"].mean == 0.5
        assert found[f"{scope}batch.mean"].mean == 7.5
        assert found[f"{scope}invocation.count"].mean == 2


def test_receives_per_copy_has_shares_that_add_up_to_one():
    run = {"copies": processed([0] * 6, S, S, receives=[1, 1, 1, 2, 5, 9])}
    found = measured(run, run)
    shares = [
        found[f"receives_per_copy{{receives={times}}}.share"].mean for times in ("1", "2", "3", "4", "5+")
    ]
    assert shares == [0.5, pytest.approx(1 / 6), 0.0, 0.0, pytest.approx(1 / 3)]
    assert found["receives_per_copy.mean"].mean == pytest.approx(19 / 6)


def test_numbers_are_the_same_in_whatever_order_things_were_counted():
    first, second = a_run(800), a_run(800, seed=2)
    assert measured(first, second) == measured(dict(reversed(first.items())), second)


def test_a_frame_without_consumers_or_dead_letters_is_measured_too():
    found = measured({"copies": processed([0], S, S)}, frame=Frame(THINGS, 60 * S))
    assert found["wait.p50"].mean == pytest.approx(1, rel=0.005)
    assert found["drain"].certainty is Certainty.NO_DATA
