import pickle
import random

import numpy as np
import pytest

from simulator.analysis.partial import BUCKET_BITS, LIMIT, QUANTITY, Field, Frame, Level
from simulator.analysis.reduce import Reducer, merge
from simulator.analysis.replication import Replication
from simulator.recording.tables import NONE, Arrival, Attempt, Cause, Fate, Limit, Quantity
from tests.analysis.rows import (
    CHARGE,
    DLQ,
    FRAME,
    MAIL,
    ORDERS,
    POST,
    THINGS,
    S,
    a_run,
    copies,
    cut,
    processed,
    reduced,
    table,
)


def bytes_of(partial):
    return [part.tobytes() for tally in partial for part in (tally.keys, tally.values)]


@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_the_size_of_chunks_does_not_change_a_bit(size):
    run = a_run(400)
    assert bytes_of(reduced(FRAME, run, size)) == bytes_of(reduced(FRAME, run, 101))


def test_partials_merge_exactly_in_any_order():
    run = a_run(2_000)
    whole = reduced(FRAME, run)
    parts = []
    for name, rows in run.items():
        for chunk in cut(rows, 300):
            reducer = Reducer(FRAME)
            reducer.chunk(name, chunk)
            parts.append(reducer.partial())
    random.Random(1).shuffle(parts)
    merged = parts[0]
    for part in parts[1:]:
        merged = merge(merged, part)
    assert bytes_of(merged) == bytes_of(whole) == bytes_of(merge(*parts))


def test_a_partial_holds_whole_numbers_only():
    partial = reduced(FRAME, a_run(500))
    assert {part.dtype for tally in partial for part in (tally.keys, tally.values)} == {np.dtype(np.int64)}


def test_pickling_keeps_every_number_and_is_small():
    partial = reduced(FRAME, a_run(20_000))
    pickled = pickle.dumps(partial)
    assert bytes_of(pickle.loads(pickled)) == bytes_of(partial)
    assert len(pickled) < 0.5 * sum(len(part) for part in bytes_of(partial))


def test_sums_beyond_what_floats_hold_are_exact():
    wait = 2**52 - 1
    run = {"copies": processed(np.zeros(50, dtype=np.int64), wait, 1)}
    assert Replication(FRAME, reduced(FRAME, run)).total(Field.WAIT_SUM, [ORDERS]) == 50 * wait


def test_an_empty_chunk_changes_nothing():
    reducer = Reducer(FRAME)
    reducer.chunk("copies", {name: rows[:0] for name, rows in copies(0).items()})
    assert bytes_of(reducer.partial()) == [b"", b"", b"", b""]


def test_bins_are_a_second_up_to_ten_minutes_ten_up_to_two_hours_and_else_a_minute():
    widths = [Frame(THINGS, duration * S).bin_us for duration in (600, 601, 7_200, 7_201)]
    assert widths == [S, 10 * S, 10 * S, 60 * S]


def in_queue_at(rows, queue, at):
    """Copies stored just before an instant."""
    here = (rows["queue"] == queue) & (rows["arrived_at"] < at)
    gone = (rows["fate"] <= Fate.EXPIRED) & (rows["ended_at"] < at)
    return int((here & ~gone).sum())


def test_backlog_and_in_flight_are_exact_at_bin_edges():
    run = a_run(3_000)
    rows, given = run["copies"], run["deliveries"]
    replication = Replication(FRAME, reduced(FRAME, run))
    stored = replication.steps(Level.STORED, [ORDERS]).edges
    flight = replication.in_flight([ORDERS]).edges
    backlog = replication.backlog([ORDERS]).edges
    for edge in (1, 50, 200, 359, replication.bins):
        at = min(edge * FRAME.bin_us, replication.end_at)
        received = (given["queue"] == ORDERS) & (given["received_at"] < at)
        left = (given["left_at"] != NONE) & (given["left_at"] < at)
        assert stored[edge] == in_queue_at(rows, ORDERS, at)
        assert flight[edge] == int((received & ~left).sum())
        assert backlog[edge] == stored[edge] - flight[edge]


def test_the_integral_of_a_level_over_a_bin_is_exact():
    changes = table(
        "changes",
        thing=CHARGE,
        quantity=Quantity.CONCURRENCY,
        value=[5, 9],
        from_at=[0, 12 * S + 500_001],
        until_at=[12 * S + 500_001, 25 * S],
    )
    run = {"changes": changes, "copies": processed([0], 1, 25 * S - 1)}
    steps = Replication(Frame(THINGS, 30 * S), reduced(Frame(THINGS, 30 * S), run)).steps(
        QUANTITY + Quantity.CONCURRENCY, [CHARGE]
    )
    assert steps.integrals.tolist()[11:14] == [5 * S, 5 * 500_001 + 9 * 499_999, 9 * S]
    assert steps.integrals.sum() == 5 * 12_500_001 + 9 * 12_499_999
    assert steps.edges[[0, 12, 13, 25, 30]].tolist() == [5, 5, 9, 9, 0]


def test_busy_time_counts_a_cold_start_and_no_throttled_call():
    run = {
        "invocations": table(
            "invocations",
            started_at=[2 * S, 3 * S, NONE],
            ended_at=[4 * S, 5 * S, 3 * S],
            init_us=[S, 0, 0],
            messages=[10, 4, 10],
            attempt=[Attempt.SUCCEEDED, Attempt.FAILED, Attempt.THROTTLED],
        )
    }
    replication = Replication(FRAME, reduced(FRAME, run))
    assert replication.steps(Level.BUSY, [CHARGE]).integrals.sum() == 5 * S
    assert replication.total(Field.BATCHED, [CHARGE]) == 14
    assert replication.total(Field.COLD, [CHARGE]) == 1
    assert replication.total(Field.INVOCATION, [CHARGE], buckets=[Attempt.THROTTLED]) == 1


def test_a_standing_backlog_is_there_at_the_start_and_not_in_percentiles():
    offered = np.arange(-100 * S, 0, S)
    run = {"copies": processed(offered, 200 * S, S, arrival=Arrival.BACKLOG)}
    replication = Replication(FRAME, reduced(FRAME, run))
    assert replication.backlog([ORDERS]).edges[0] == 100
    assert replication.durations(Field.WAIT, [ORDERS]).copies == 0
    assert replication.total(Field.SENT, [ORDERS]) == 0
    assert replication.total(Field.COPIES, [ORDERS]) == 100


def test_a_copy_counts_once_in_percentiles_as_known_unfinished_or_never():
    run = {
        "copies": copies(
            np.zeros(6, dtype=np.int64),
            first_started_at=[5 * S, 6 * S, NONE, NONE, 7 * S, NONE],
            succeeded_at=[8 * S, NONE, NONE, NONE, NONE, NONE],
            ended_at=[8 * S, 9 * S, 9 * S, 50 * S, 50 * S, 9 * S],
            fate=[
                Fate.DELETED,
                Fate.DEAD_LETTERED,
                Fate.EXPIRED,
                Fate.VISIBLE,
                Fate.IN_FLIGHT,
                Fate.DEAD_LETTERED,
            ],
            cause=[
                Cause.NOTHING,
                Cause.FAILURE,
                Cause.RETENTION,
                Cause.NOTHING,
                Cause.NOTHING,
                Cause.THROTTLE,
            ],
        )
    }
    replication = Replication(FRAME, reduced(FRAME, run))
    wait = replication.durations(Field.WAIT, [ORDERS])
    end = replication.durations(Field.END_TO_END, [ORDERS])
    assert (wait.known.total, wait.open.total, wait.never) == (3, 1, 2)
    assert (end.known.total, end.open.total, end.never) == (1, 2, 3)
    assert end.open_us == 100 * S
    assert replication.total(Field.LOST, [ORDERS], buckets=[Cause.RETENTION]) == 1
    assert replication.total(Field.DEAD_LETTERED, [ORDERS], buckets=[Cause.THROTTLE]) == 1


def test_an_expiry_after_a_success_loses_nothing():
    run = {"copies": processed([0], S, S, ended_at=[100 * S], fate=Fate.EXPIRED, cause=Cause.RETENTION)}
    replication = Replication(FRAME, reduced(FRAME, run))
    assert replication.total(Field.LOST, None) == 0
    assert replication.durations(Field.END_TO_END, [ORDERS]).never == 0


def test_stays_in_a_dead_letter_queue_are_no_part_of_the_percentiles():
    run = {"copies": processed([0], S, S, queue=DLQ, arrival=Arrival.MOVE)}
    replication = Replication(FRAME, reduced(FRAME, run))
    assert replication.durations(Field.WAIT, None).copies == 0
    assert replication.total(Field.PROCESSED, [DLQ]) == 1


def test_the_drain_ends_with_the_last_copy_sent_before_it_counts():
    since = 1_800 * S
    offered = np.array([since - 2, since - 1, since])
    run = {"copies": processed(offered, [10 * S, 70 * S, 900 * S], 1, queue=[ORDERS, MAIL, ORDERS])}
    replication = Replication(FRAME, reduced(FRAME, run))
    assert replication.drained_us([ORDERS]).us == 10 * S - 1
    assert replication.drained_us([ORDERS, MAIL]).us == 70 * S
    assert not replication.drained_us([ORDERS, MAIL]).unfinished


def test_dead_lettered_and_lost_copies_are_gone_for_the_drain_and_open_ones_are_not():
    since = 1_800 * S
    gone = copies([0, 0], ended_at=[since + S, since + 2 * S], fate=[Fate.DEAD_LETTERED, Fate.EXPIRED])
    assert Replication(FRAME, reduced(FRAME, {"copies": gone})).drained_us([ORDERS]).us == 2 * S
    still = copies([0], ended_at=since + 9 * S, fate=Fate.VISIBLE, queue=MAIL)
    replication = Replication(FRAME, merge(*(reduced(FRAME, {"copies": rows}) for rows in (gone, still))))
    assert replication.drained_us([ORDERS, MAIL]).unfinished
    assert not replication.drained_us([ORDERS]).unfinished


def test_limits_are_time_shares_by_bin():
    run = {
        "changes": table(
            "changes",
            thing=POST,
            quantity=Quantity.LIMIT,
            value=[Limit.ARRIVALS, Limit.BOOTING],
            from_at=[0, 4 * S],
            until_at=[4 * S, 20 * S],
        )
    }
    replication = Replication(FRAME, reduced(FRAME, run))
    assert replication.steps(LIMIT + Limit.ARRIVALS, [POST]).integrals[:2].tolist() == [4 * S, 0]
    assert replication.steps(LIMIT + Limit.BOOTING, [POST]).integrals[:2].tolist() == [6 * S, 10 * S]


def test_no_quantity_is_taken_for_a_limit():
    assert QUANTITY + max(Quantity) < LIMIT
    assert max(Level) < QUANTITY
    assert LIMIT + max(Limit) < 1 << BUCKET_BITS


def test_an_alarms_level_is_its_time_in_alarm_whatever_its_other_states_are_called():
    changes = table(
        "changes",
        thing=POST,
        quantity=Quantity.ALARM,
        value=[3, 0, 1, 2],
        from_at=[0, 60 * S, 100 * S, 190 * S],
        until_at=[60 * S, 100 * S, 190 * S, 300 * S],
    )
    frame = Frame(THINGS, 600 * S)
    run = Replication(frame, reduced(frame, {"changes": changes}))
    assert int(run.steps(QUANTITY + Quantity.ALARM, [POST]).integrals.sum()) == 90 * S
