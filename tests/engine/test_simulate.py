"""A run as a whole: books, bytes, common numbers, order at one instant and in a group."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import NONE, Attempt, Cause, Fate
from tests.engine.running import Rows, read, run
from tests.engine.scenarios import CHAIN, FIFO

KINDS = pytest.mark.parametrize("sets", [(), FIFO], ids=["standard", "fifo"])


def same(one: Rows, other: Rows) -> bool:
    return all(
        np.array_equal(column, other[table][name])
        for table, columns in one.items()
        for name, column in columns.items()
    )


@KINDS
def test_same_seed_gives_the_same_rows_and_another_does_not(tmp_path: Path, sets: tuple[str, ...]) -> None:
    scenario = read(tmp_path, CHAIN, sets)
    rows = run(scenario)
    assert same(rows, run(scenario))
    assert not same(rows, run(scenario, replication=1))
    assert not same(rows, run(scenario, seed=2))


@KINDS
def test_rows_do_not_depend_on_where_chunks_close(tmp_path: Path, sets: tuple[str, ...]) -> None:
    scenario = read(tmp_path, CHAIN, sets)
    whole = run(scenario)
    for chunk_rows in (1, 7):
        parts = run(scenario, chunk_rows=chunk_rows)
        for table in ("deliveries", "invocations", "changes", "messages"):
            assert same({table: whole[table]}, {table: parts[table]})
        for rows in (whole, parts):  # chunks close at other places: same rows, another order
            order = np.lexsort((rows["copies"]["queue"], rows["copies"]["copy"]))
            rows["copies"] = {name: column[order] for name, column in rows["copies"].items()}
        assert same({"copies": whole["copies"]}, {"copies": parts["copies"]})


@KINDS
def test_books_balance_at_any_instant_the_run_is_cut(tmp_path: Path, sets: tuple[str, ...]) -> None:
    """The check itself raises; here: every copy has one row for each queue it has been in."""
    for cut in np.random.default_rng(5).integers(1_000, 120_000, size=12).tolist():
        first_phase = max(1, cut // 2)
        arrivals = f"producers.shop.arrivals=[{{for: {first_phase}ms, rate: 200/s}}, {{rate: 20/s}}]"
        rows = run(read(tmp_path, CHAIN, (*sets, f"duration={cut}ms", "after=stop", arrivals)))
        copies = rows["copies"]
        stays = copies["copy"] * 1000 + copies["queue"]
        assert len(np.unique(stays)) == len(stays)
        first_stays = np.unique(copies["copy"])
        assert np.array_equal(first_stays, np.arange(len(first_stays)))


@KINDS
def test_every_delivery_belongs_to_its_copy_and_its_batch(tmp_path: Path, sets: tuple[str, ...]) -> None:
    rows = run(read(tmp_path, CHAIN, sets))
    deliveries, copies, invocations = rows["deliveries"], rows["copies"], rows["invocations"]
    assert np.array_equal(deliveries["delivery"], np.arange(len(deliveries["delivery"])))
    assert np.array_equal(
        np.bincount(deliveries["invocation"], minlength=len(invocations["messages"])), invocations["messages"]
    )
    received = np.bincount(deliveries["copy"], minlength=copies["copy"].max() + 1)
    receives = np.zeros_like(received)
    np.add.at(receives, copies["copy"], copies["receives"])
    assert np.array_equal(received, receives)
    deleted = np.zeros_like(received)
    np.add.at(deleted, deliveries["copy"], deliveries["deleted"])
    gone = np.zeros_like(received)
    np.add.at(gone, copies["copy"], copies["fate"] == Fate.DELETED)
    assert np.array_equal(deleted, gone)
    worked = deliveries["started_at"] != NONE
    assert (deliveries["received_at"][worked] <= deliveries["started_at"][worked]).all()
    assert (deliveries["cause"][deliveries["receive_count"] == 1] == Cause.NOTHING).all()


@KINDS
def test_every_duplicate_has_the_cause_of_the_delivery_before_it(
    tmp_path: Path, sets: tuple[str, ...]
) -> None:
    rows = run(read(tmp_path, CHAIN, sets))
    deliveries = rows["deliveries"]
    order = np.lexsort((deliveries["receive_count"], deliveries["copy"]))
    d = {name: column[order] for name, column in deliveries.items()}
    again = np.flatnonzero(d["receive_count"] > 1)
    assert len(again) > 50
    before = again - 1
    assert np.array_equal(d["copy"][again], d["copy"][before])
    seen = set()
    for now, then in zip(again.tolist(), before.tolist(), strict=True):
        ended = d["ended_at"][then]
        working = ended == NONE or ended > d["received_at"][now]
        attempt = Attempt(d["attempt"][then])
        expected = {
            Attempt.FAILED: Cause.FAILURE,
            Attempt.BATCH_MATE: Cause.BATCH_MATE,
            Attempt.CRASHED: Cause.CRASH,
            Attempt.THROTTLED: Cause.THROTTLE,
        }.get(attempt, Cause.VISIBILITY_TIMEOUT)
        assert Cause(d["cause"][now]) == (Cause.VISIBILITY_TIMEOUT if working else expected)
        seen.add(Cause(d["cause"][now]))
    assert Cause.FAILURE in seen


def offered(rows: Rows) -> np.ndarray:
    messages = rows["messages"]
    new = messages["offered_at"] >= 0
    order = np.lexsort((messages["serial"][new],))
    return np.stack(
        [messages[name][new][order] for name in ("offered_at", "size_bytes", "group", "attributes", "poison")]
    )


def first_work(rows: Rows, queue_of: dict[int, int]) -> dict[tuple[int, int], int]:
    """Work of the first attempt by (producer's serial, subscription): from start to end of the message."""
    messages, copies, deliveries = rows["messages"], rows["copies"], rows["deliveries"]
    serial_of = dict(zip(messages["message"].tolist(), messages["serial"].tolist(), strict=True))
    message_of = dict(zip(copies["copy"].tolist(), copies["message"].tolist(), strict=True))
    first = (deliveries["receive_count"] == 1) & (deliveries["attempt"] != Attempt.UNFINISHED)
    return {
        (serial_of[message_of[copy]], queue_of[queue]): ended - started
        for copy, queue, started, ended in zip(
            *(deliveries[name][first].tolist() for name in ("copy", "queue", "started_at", "ended_at")),
            strict=True,
        )
        if queue in queue_of and messages["offered_at"][message_of[copy]] >= 0
    }


ONE_BY_ONE = (
    "functions.charge.event_sources.billing.batch_size=1",
    "functions.charge.work.per_invocation=0s",
    "functions.charge.timeout=12s",
)


@pytest.mark.parametrize(
    "change",
    [
        ("queues.archive={type: standard}",),
        FIFO,
        ("auto_scaling_groups.fraud.receive.max_messages=3", "auto_scaling_groups.fraud.capacity.max=30"),
    ],
    ids=["a queue more", "fifo", "another batch size and fleet"],
)
def test_another_system_meets_the_same_messages_to_the_bit(tmp_path: Path, change: tuple[str, ...]) -> None:
    base = run(read(tmp_path, CHAIN, ONE_BY_ONE))
    other_scenario = read(tmp_path, CHAIN, (*ONE_BY_ONE, *change))
    other = run(other_scenario)
    assert np.array_equal(offered(base), offered(other))
    # things: a producer, a topic with two subscriptions, then the queues
    queues = {4: 0, 6: 1}
    ours, theirs = first_work(base, queues), first_work(other, queues)
    common = ours.keys() & theirs.keys()
    assert len(common) > 0.7 * len(ours)  # a FIFO queue leaves some of its hot group behind
    assert all(ours[key] == theirs[key] for key in common)


def test_lambda_and_ec2_meet_the_same_work_and_the_same_failures(tmp_path: Path) -> None:
    text = """
scenario: swap
duration: 1m
producers: {p: {target: q, arrivals: {rate: 30/s}}}
queues: {q: {visibility_timeout: 1m}}
"""
    by_function = (
        text
        + """
functions:
  f:
    runtime: python3.13
    timeout: 10s
    work: {exponential: {mean: 100ms}}
    failures: {transient: 5%}
    event_sources: {q: {batch_size: 1}}
"""
    )
    by_group = (
        text
        + """
auto_scaling_groups:
  g:
    queue: q
    instance_type: c6i.large
    workers_per_instance: 9
    work: {exponential: {mean: 100ms}}
    failures: {transient: 5%}
    capacity: {min: 1, max: 1}
"""
    )
    runs = [run(read(tmp_path, made)) for made in (by_function, by_group)]
    works = [first_work(rows, {1: 0}) for rows in runs]
    assert works[0] == works[1]
    failed = [
        np.sort(
            rows["deliveries"]["copy"][
                (rows["deliveries"]["receive_count"] == 1) & (rows["deliveries"]["attempt"] == Attempt.FAILED)
            ]
        )
        for rows in runs
    ]
    assert len(failed[0]) > 20
    assert np.array_equal(failed[0], failed[1])


def test_the_order_of_equals_inside_a_rank_decides_nothing_that_counts(tmp_path: Path) -> None:
    """Reversed ties: the books balance, and the mean wait of 12 runs is the same within 4 standard errors."""
    scenario = read(tmp_path, CHAIN)
    means = np.array(
        [
            [mean_wait(run(scenario, replication=k, reverse_ties=reverse)) for k in range(12)]
            for reverse in (False, True)
        ]
    )
    differences = means[1] - means[0]
    error = differences.std(ddof=1) / np.sqrt(12)
    assert abs(differences.mean()) <= 4 * error
    assert error < 0.05 * means.mean()


def mean_wait(rows: Rows) -> float:
    copies = rows["copies"]
    started = (copies["first_started_at"] != NONE) & (copies["arrival"] == 0)
    return float((copies["first_started_at"] - copies["sent_at"])[started].mean())


def fifo_lines(rows: Rows) -> list[list[dict[str, int]]]:
    """Deliveries that were begun, by queue and group, in the order of their starts."""
    group_of = dict(zip(rows["copies"]["copy"].tolist(), rows["copies"]["group"].tolist(), strict=True))
    names = ("started_at", "received_at", "left_at", "copy", "queue", "cause")
    lines: dict[tuple[int, int], list[dict[str, int]]] = {}
    for values in zip(*(rows["deliveries"][name].tolist() for name in names), strict=True):
        delivery = dict(zip(names, values, strict=True))
        if delivery["started_at"] != NONE:
            lines.setdefault((delivery["queue"], group_of[delivery["copy"]]), []).append(delivery)
    return [sorted(line, key=lambda delivery: delivery["started_at"]) for line in lines.values()]


def test_in_a_fifo_group_order_is_kept_under_fire_or_broken_with_a_cause(tmp_path: Path) -> None:
    """Failures, partial batches, expiries, redrive, scale-in that kills.

    No message is given out while one before it is in flight by another receive; and none is begun after a
    later one unless it was given out again, or its worker came to it after its timeout had ended.
    """
    sets = (*FIFO, "queues.fraud.visibility_timeout=1s", "producers.shop.arrivals={rate: 60/s}")
    rows = run(read(tmp_path, CHAIN, sets))
    back = 0
    for line in fifo_lines(rows):
        for earlier, later in itertools.pairwise(line):
            if later["copy"] < earlier["copy"]:
                assert later["cause"] != Cause.NOTHING or later["left_at"] <= later["started_at"]
                back += 1
        for one in line:
            at = one["received_at"]
            in_flight = [other["copy"] for other in line if other["received_at"] < at < other["left_at"]]
            assert not in_flight or min(in_flight) > one["copy"]
    assert back > 20


def test_a_topic_gives_each_subscription_a_copy_and_no_duplicate(tmp_path: Path) -> None:
    sets = (
        "producers.shop.message.poison=0%",
        "functions.charge.failures.transient=0%",
        "auto_scaling_groups.fraud.failures.transient=0%",
        "queues.fraud.visibility_timeout=10m",
        "functions.charge.timeout=12s",
        "auto_scaling_groups.fraud.capacity={min: 12, max: 12}",
        "topics.orders.subscriptions.billing.filter_policy={kind: [order, refund]}",
    )
    rows = run(read(tmp_path, CHAIN, sets))
    assert (rows["deliveries"]["cause"] == Cause.NOTHING).all()
    new = rows["messages"]["offered_at"] >= 0
    assert (rows["messages"]["copies"][new] == 2).all()
