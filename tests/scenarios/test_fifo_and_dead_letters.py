"""FIFO queues, dead letters and redrive in whole runs, against published outcomes and documented rules."""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import NONE, Arrival, Cause, Fate, Outcome
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import MINUTE, SECOND, Ran, written
from tests.scenarios.test_published_outcomes import stays

DAY = 24 * 60 * MINUTE

CALLS = """
scenario: calls
ideal: true
after: stop
duration: 10s
queues:
  queue:
    type: fifo
    visibility_timeout: 1h
    backlog: {messages: 40k, age: 1m, group: {count: 40k}}
auto_scaling_groups:
  work:
    queue: queue
    instance_type: c6i.large
    workers_per_instance: 1
    receive: {max_messages: 10, delete: each}
    work: 0s
    capacity: {min: 1, max: 1}
"""
BY_BATCH = {"auto_scaling_groups__work__receive__delete": "batch"}


@pytest.mark.parametrize(("sets", "per_s"), [({}, 272), (BY_BATCH, 1500)], ids=["11 calls", "2 calls"])
def test_a_client_with_300_calls_a_second_in_all_does_more_with_batches(tmp_path: Path, sets, per_s):
    """V27, arithmetic: 10 messages cost 11 calls if they are deleted one by one, else 2."""
    limits = {"limits": "{lat.sqs_receive: 3333us, lat.sqs_delete: 3333us}"}
    run = Ran(written(tmp_path, CALLS, **sets, **limits))
    assert_rows_add_up(run)
    done = stays(run, "queue")["fate"] == Fate.DELETED
    assert done.sum() / 10 == pytest.approx(per_s, rel=0.01)


@pytest.mark.parametrize(("sets", "per_s"), [({}, 300), (BY_BATCH, 3000)], ids=["11 calls", "2 calls"])
def test_the_queues_own_300_calls_a_second_are_of_each_action(tmp_path: Path, sets, per_s):
    """Documented: deletes one by one bind at 300 messages a second, batches at 3,000 (after the burst)."""
    workers = {"auto_scaling_groups__work__workers_per_instance": "50"}
    limits = {"limits": "{sqs.fifo.tps: 300/s, lat.sqs_delete: 1ms}"}
    run = Ran(written(tmp_path, CALLS, **sets, **workers, **limits))
    assert_rows_add_up(run)
    queue = stays(run, "queue")
    late = (queue["fate"] == Fate.DELETED) & (queue["ended_at"] >= 5 * SECOND)
    assert late.sum() / 5 == pytest.approx(per_s, rel=0.01)


RETRIES = """
scenario: retries
ideal: true
duration: 10d
after: stop
producers:
  source:
    target: queue
    arrivals: [{for: 1h, rate: 4/h, process: even}, {rate: 0/s}]
    message: {group: {count: 50}, poison: 100%}
queues:
  queue: {visibility_timeout: 12h, retention: 14d, redrive: {queue: dead, max_receive_count: 14}}
  dead: {retention: 4d}
auto_scaling_groups:
  work:
    queue: queue
    instance_type: c6i.large
    workers_per_instance: 1
    receive: {max_messages: 1}
    work: 1s
    capacity: {min: 1, max: 1}
"""


def test_a_dead_letter_is_lost_on_arrival_when_its_retries_outlasted_the_retention_there(tmp_path: Path):
    """V37, an incident: 7 days of retries, a dead-letter queue with 4 days: the age counts from the send."""
    run = Ran(written(tmp_path, RETRIES))
    assert_rows_add_up(run)
    dead = stays(run, "dead")
    assert len(dead["copy"]) == 4
    assert np.all(dead["arrived_at"] - dead["sent_at"] >= 7 * DAY)
    assert set(dead["fate"].tolist()) == {Fate.EXPIRED}
    assert np.array_equal(dead["ended_at"], dead["arrived_at"])


def test_a_fifo_dead_letter_has_its_whole_retention(tmp_path: Path):
    """Documented: on a FIFO queue the retention clock restarts at the move."""
    fifo = {"queues__queue__type": "fifo", "queues__dead__type": "fifo", "duration": "12d"}
    run = Ran(written(tmp_path, RETRIES, **fifo))
    assert_rows_add_up(run)
    dead = stays(run, "dead")
    assert len(dead["copy"]) == 4
    assert set(dead["fate"].tolist()) == {Fate.EXPIRED}
    assert np.all(dead["ended_at"] - dead["arrived_at"] == 4 * DAY)


REDRIVE = """
scenario: redrive
duration: 20m
seed: 7
producers:
  source: {target: queue, arrivals: {rate: 10/s}, message: {group: {count: 100}, poison: 1%}}
queues:
  queue: {visibility_timeout: 5s, redrive: {queue: dead, max_receive_count: 2}}
  dead: {retention: 14d}
  other: {}
redrive_tasks:
  back: {from: dead, at: 10m, rate: 5/s}
functions:
  work:
    runtime: python3.13
    timeout: 5s
    work: 20ms
    failures: {transient: 5%}
    event_sources:
      queue: {batch_size: 10, report_batch_item_failures: true}
"""
FIFO = {f"queues__{name}__type": "fifo" for name in ("queue", "dead", "other")}


@pytest.fixture(scope="module")
def redriven(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(written(tmp_path_factory.mktemp("redriven"), REDRIVE))


@pytest.mark.parametrize("kind", [{}, FIFO], ids=["standard", "fifo"])
def test_a_redriven_message_is_a_new_copy_where_it_came_from(tmp_path: Path, redriven: Ran, kind):
    """Documented: new id, new sent time. Its first delivery is a duplicate of the message, by redrive."""
    run = Ran(written(tmp_path, REDRIVE, **kind)) if kind else redriven
    assert_rows_add_up(run)
    copies, deliveries = run["copies"], run["deliveries"]
    new = copies["arrival"] == Arrival.REDRIVE
    left = copies["fate"] == Fate.REDRIVEN
    assert new.sum() == left.sum() > 20
    assert np.array_equal(np.sort(copies["parent"][new]), np.sort(copies["copy"][left]))
    assert np.all(copies["parent"][copies["arrival"] == Arrival.SEND] == NONE)
    assert np.array_equal(np.sort(copies["sent_at"][new]), np.sort(copies["ended_at"][left]))
    assert set(copies["queue"][new].tolist()) == {run.things["queues.queue"]}
    message_of = dict(zip(copies["copy"].tolist(), copies["message"].tolist(), strict=True))
    parents = [message_of[parent] for parent in copies["parent"][new].tolist()]
    assert parents == copies["message"][new].tolist()
    first = np.isin(deliveries["copy"], copies["copy"][new]) & (deliveries["receive_count"] == 1)
    received = new & (copies["receives"] > 0)
    assert first.sum() == received.sum()
    assert set(deliveries["cause"][first].tolist()) == {Cause.REDRIVE}
    assert (deliveries["cause"] == Cause.REDRIVE).sum() == first.sum()


def test_a_redrive_task_moves_one_message_each_interval_from_its_start(redriven: Ran):
    copies = redriven["copies"]
    moved = np.sort(copies["ended_at"][copies["fate"] == Fate.REDRIVEN])
    assert moved[0] == 10 * MINUTE
    assert set(np.diff(moved).tolist()) == {SECOND // 5}


def test_a_redrive_task_with_a_destination_leaves_the_source_alone(tmp_path: Path):
    run = Ran(written(tmp_path, REDRIVE, redrive_tasks__back__to="other"))
    assert_rows_add_up(run)
    new = run["copies"]["arrival"] == Arrival.REDRIVE
    assert new.sum() > 20
    assert set(run["copies"]["queue"][new].tolist()) == {run.things["queues.other"]}


def test_what_failed_by_chance_meets_another_chance_after_a_redrive_and_poison_does_not(tmp_path: Path):
    run = Ran(written(tmp_path, REDRIVE, functions__work__failures__transient="20%"))
    copies, messages = run["copies"], run["messages"]
    poison = np.sort(messages["message"][messages["poison"] == 1])
    new = copies["arrival"] == Arrival.REDRIVE
    bad = np.isin(copies["message"], poison)
    done = copies["succeeded_at"] != NONE
    assert not done[new & bad].any()
    share = done[new & ~bad].mean()
    assert share == pytest.approx(1 - 0.2**2, abs=0.06)


def test_a_redrive_task_changes_no_message(tmp_path: Path, redriven: Ran):
    """Common numbers: what is offered, and the first work of it, is the same with and without."""
    without = Ran(written(tmp_path, REDRIVE, redrive_tasks="{}"))
    for column in ("offered_at", "size_bytes", "group", "poison"):
        assert np.array_equal(redriven["messages"][column], without["messages"][column])
    one, other = (
        run["copies"]["ended_at"][run["copies"]["ended_at"] < 10 * MINUTE] for run in (redriven, without)
    )
    assert np.array_equal(one, other)


HIGH = """
scenario: high
duration: 40s
after: stop
limits: {client.max_attempts: 1, sqs.fifo.ht.scale_up: 10s}
producers:
  source: {target: queue, arrivals: {rate: 400/s, process: even}, message: {group: {count: 1000}}}
queues:
  queue: {type: fifo}
"""


def outcomes(run: Ran, since_s: int) -> dict[int, float]:
    """Messages a second by how their sends ended, from an instant on."""
    messages = run["messages"]
    late = messages["offered_at"] >= since_s * SECOND
    kinds = messages["outcome"][late]
    return {kind: (kinds == kind).sum() / (40 - since_s) for kind in (Outcome.ACCEPTED, Outcome.REFUSED)}


def test_of_400_sends_a_second_to_a_fifo_queue_300_pass(tmp_path: Path):
    """Documented, 300 calls a second; the others get RequestThrottled (here nobody tries again)."""
    found = outcomes(Ran(written(tmp_path, HIGH)), 10)
    assert found == {Outcome.ACCEPTED: 300, Outcome.REFUSED: 100}


def test_high_throughput_passes_them_when_its_partitions_have_grown(tmp_path: Path):
    run = Ran(written(tmp_path, HIGH, queues__queue__high_throughput="true"))
    refused = run["messages"]["offered_at"][run["messages"]["outcome"] == Outcome.REFUSED]
    assert len(refused) > 0
    assert refused.max() < 20 * SECOND
    assert outcomes(run, 20)[Outcome.ACCEPTED] == 400


def test_high_throughput_does_not_help_a_single_group(tmp_path: Path):
    sets = {"queues__queue__high_throughput": "true", "producers__source__message__group__count": "1"}
    found = outcomes(Ran(written(tmp_path, HIGH, **sets)), 10)
    assert found == {Outcome.ACCEPTED: 300, Outcome.REFUSED: 100}


def test_batches_of_ten_bring_3_000_messages_a_second_through_300_calls(tmp_path: Path):
    sets = {
        "producers__source__arrivals__rate": "4000/s",
        "producers__source__batch": "{size: 10, linger: 1s}",
        "duration": "8s",
    }
    messages = Ran(written(tmp_path, HIGH, **sets))["messages"]
    late = messages["offered_at"] >= 4 * SECOND
    passed = (messages["outcome"][late] == Outcome.ACCEPTED).sum() / 4
    assert passed == pytest.approx(3000, rel=0.01)


@pytest.mark.parametrize("kind", [{}, FIFO], ids=["standard", "fifo"])
def test_books_balance_wherever_a_redrive_is_cut(tmp_path: Path, kind):
    for cut_s in (600, 601, 603, 607):
        sets = {"duration": f"{cut_s}s", "after": "stop", "redrive_tasks__back__at": "599s", **kind}
        assert_rows_add_up(Ran(written(tmp_path, REDRIVE, **sets)))
