"""Outcomes that others documented, measured or worked out, against whole runs of the engine.

Sources: AWS guides (arithmetic of documented rules), incident reports and measurements of users; each test
says which.
"""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import NONE, Attempt, Cause, Fate
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import MINUTE, SECOND, Ran, written

FUNCTION = """
scenario: function
ideal: true
duration: 200s
producers:
  source: {target: queue, arrivals: {rate: 10/s, process: even}}
queues:
  queue: {visibility_timeout: 20s, redrive: {queue: dead, max_receive_count: 1}}
  dead: {retention: 14d}
functions:
  work:
    runtime: python3.13
    timeout: 15s
    work: 10s
    event_sources:
      queue: {batch_size: 1}
"""
SOURCE = "functions__work__event_sources__queue__"
FLEET = """
scenario: fleet
ideal: true
duration: 60s
producers:
  source: {target: queue, arrivals: {rate: 5/s, process: even}}
queues:
  queue: {visibility_timeout: 5s, redrive: {queue: dead, max_receive_count: 3}}
  dead: {retention: 14d}
auto_scaling_groups:
  work:
    queue: queue
    instance_type: c6i.large
    workers_per_instance: 500
    work: 12s
    capacity: {min: 1, max: 1}
"""


def stays(run: Ran, queue: str) -> dict[str, np.ndarray]:
    """Rows of copies in one queue."""
    copies = run["copies"]
    return {name: column[copies["queue"] == run.things[f"queues.{queue}"]] for name, column in copies.items()}


def waiting_at(queue: dict[str, np.ndarray], at: np.ndarray) -> np.ndarray:
    """Messages that have arrived and were not received, just before each instant."""
    arrived, received = np.sort(queue["arrived_at"]), np.sort(queue["first_received_at"])
    return np.searchsorted(arrived, at) - np.searchsorted(received, at)


def test_maximum_concurrency_5_and_one_receive_kill_nothing(tmp_path: Path):
    """Measured: with maximum concurrency the pollers stop, so a maxReceiveCount of 1 is enough."""
    run = Ran(written(tmp_path, FUNCTION, **{SOURCE + "maximum_concurrency": "5"}))
    assert_rows_add_up(run)
    assert len(stays(run, "dead")["copy"]) == 0
    assert set(run["deliveries"]["attempt"].tolist()) <= {Attempt.SUCCEEDED, Attempt.UNFINISHED}


def test_reserved_concurrency_5_and_one_receive_kill_by_throttle(tmp_path: Path):
    """Documented: pollers do not know of reserved concurrency; what they take too much of is throttled."""
    run = Ran(written(tmp_path, FUNCTION, functions__work__reserved_concurrency="5"))
    assert_rows_add_up(run)
    dead = stays(run, "queue")["cause"][stays(run, "queue")["fate"] == Fate.DEAD_LETTERED]
    assert len(dead) > 1000
    assert set(dead.tolist()) == {Cause.THROTTLE}


@pytest.mark.parametrize(("work", "per_s"), [("2s", 2.5), ("500ms", 10.0)])
def test_reserved_concurrency_5_does_five_over_the_work(tmp_path: Path, work: str, per_s: float):
    """Arithmetic: 5 / 2 s and 5 / 0.5 s, less what is under way at the end."""
    sets = {"functions__work__reserved_concurrency": "5", "functions__work__work": work, "after": "stop"}
    run = Ran(written(tmp_path, FUNCTION, queues__queue__visibility_timeout="10m", **sets))
    assert_rows_add_up(run)
    done = (run["deliveries"]["attempt"] == Attempt.SUCCEEDED).sum() / 200
    assert 0.98 * per_s < done <= per_s
    assert (run["invocations"]["attempt"] == Attempt.THROTTLED).any() == (per_s < 10)


def test_work_longer_than_the_visibility_timeout_dies_though_every_run_succeeds(tmp_path: Path):
    """Documented: an older receipt handle deletes nothing once the message was received again."""
    run = Ran(written(tmp_path, FLEET))
    assert_rows_add_up(run)
    queue, dead = stays(run, "queue"), stays(run, "dead")
    assert len(dead["copy"]) == len(queue["copy"]) == 300
    assert set(queue["receives"].tolist()) == {3}
    assert set(queue["cause"].tolist()) == {Cause.VISIBILITY_TIMEOUT}
    deliveries = run["deliveries"]
    ended = deliveries["attempt"] != Attempt.UNFINISHED
    assert set(deliveries["attempt"][ended].tolist()) == {Attempt.SUCCEEDED}
    assert deliveries["repeated"].sum() == ended.sum() - 300
    again = deliveries["receive_count"] > 1
    assert set(deliveries["cause"][again].tolist()) == {Cause.VISIBILITY_TIMEOUT}


def test_a_message_that_always_fails_is_seen_as_often_as_allowed_and_dies_of_failure(tmp_path: Path):
    """Documented: exactly maxReceiveCount times, then the dead-letter queue; N x timeout later."""
    sets = {"auto_scaling_groups__work__work": "1s", "producers__source__message__poison": "10%"}
    run = Ran(written(tmp_path, FLEET, **sets))
    assert_rows_add_up(run)
    queue = stays(run, "queue")
    dead = queue["fate"] == Fate.DEAD_LETTERED
    messages = run["messages"]
    poison = np.sort(messages["message"][messages["poison"] == 1])
    assert len(poison) > 10
    assert np.array_equal(np.sort(queue["message"][dead]), poison)
    assert set(queue["receives"][dead].tolist()) == {3}
    assert set(queue["receives"][~dead].tolist()) == {1}
    assert set(queue["cause"][dead].tolist()) == {Cause.FAILURE}
    assert np.all(queue["ended_at"][dead] - queue["first_received_at"][dead] == 15 * SECOND)


def test_an_always_failing_fifo_message_holds_its_group_for_receives_x_timeout(tmp_path: Path):
    """Incident: visibility timeout 6 min and 3 receives cost 18 minutes a message in its group."""
    sets = {
        "duration": "2h",
        "queues__queue__type": "fifo",
        "queues__dead__type": "fifo",
        "queues__queue__visibility_timeout": "6m",
        "queues__queue__redrive__max_receive_count": "3",
        "producers__source__arrivals": "{rate: 0.01/s, process: even}",
        "producers__source__message": "{group: {count: 1}, poison: 100%}",
        "functions__work__work": "1s",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    assert_rows_add_up(run)
    died_at = np.sort(stays(run, "dead")["arrived_at"])
    assert len(died_at) > 10
    assert np.all(np.diff(died_at) == 18 * MINUTE)


def test_retention_loses_what_is_older_and_from_twice_the_retention_on_at_half_the_rate(tmp_path: Path):
    """Arithmetic of an incident: 100 in, 50 out; 60 s of retention stand for the 4 days there."""
    sets = {
        "duration": "300s",
        "after": "stop",
        "producers__source__arrivals": "{rate: 100/s, process: even}",
        "queues__queue__retention": "60s",
        "functions__work__work": "1s",
        SOURCE + "maximum_concurrency": "50",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    assert_rows_add_up(run)
    queue = stays(run, "queue")
    lost = (queue["fate"] == Fate.EXPIRED) & (queue["succeeded_at"] == NONE)
    assert set(queue["cause"][lost].tolist()) == {Cause.RETENTION}
    assert queue["ended_at"][lost].min() == pytest.approx(120 * SECOND, abs=2 * SECOND)
    assert np.all(queue["ended_at"][lost] - queue["sent_at"][lost] == 60 * SECOND)
    assert lost.sum() == pytest.approx(50 * 180, rel=0.02)


def test_a_surge_leaves_a_backlog_that_drains_at_the_spare_rate(tmp_path: Path):
    """Arithmetic: 500 a minute can be worked; 200, then 1,200 for 20 come: 14,000 wait, 46.7 minutes."""
    sets = {
        "duration": "90m",
        "queues__queue__redrive__max_receive_count": "100",
        "queues__queue__visibility_timeout": "12h",
        "producers__source__arrivals": "[{for: 10m, rate: 200/m, process: even}, {for: 20m, rate: 1200/m, "
        "process: even}, {rate: 200/m, process: even}]",
        "functions__work__work": "6s",
        SOURCE + "maximum_concurrency": "50",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    queue = stays(run, "queue")
    at = np.arange(0, 90 * MINUTE, 10 * SECOND)
    waiting = waiting_at(queue, at)
    assert waiting.max() == pytest.approx(14_000, rel=0.01)
    empty_at = at[np.flatnonzero((waiting == 0) & (at > 30 * MINUTE))[0]]
    assert empty_at - 30 * MINUTE == pytest.approx(46.7 * MINUTE, rel=0.01)


def test_a_scale_in_without_drain_gives_the_work_in_hand_back_and_says_crash(tmp_path: Path):
    """Documented: without a lifecycle hook work in hand is lost; its messages return at the timeout's end."""
    sets = {
        "duration": "40m",
        "producers__source__arrivals": "{rate: 1/s, process: even}",
        "queues__queue__visibility_timeout": "60s",
        "auto_scaling_groups__work__workers_per_instance": "20",
        "auto_scaling_groups__work__capacity": "{min: 1, max: 4, desired: 4}",
        "auto_scaling_groups__work__policies": "{backlog: {target_tracking: {target: 1000}}}",
    }
    run = Ran(written(tmp_path, FLEET, **sets))
    assert_rows_add_up(run)
    deliveries = run["deliveries"]
    crashed = deliveries["attempt"] == Attempt.CRASHED
    assert crashed.any()
    assert np.all(deliveries["left_at"][crashed] == deliveries["received_at"][crashed] + 60 * SECOND)
    again = deliveries["receive_count"] == 2
    assert np.array_equal(np.sort(deliveries["copy"][again]), np.sort(deliveries["copy"][crashed]))
    assert set(deliveries["cause"][again].tolist()) == {Cause.CRASH}
    assert set(stays(run, "queue")["fate"].tolist()) == {Fate.DELETED}
    drained = Ran(written(tmp_path, FLEET, auto_scaling_groups__work__drain="1m", **sets))
    assert Attempt.CRASHED not in drained["deliveries"]["attempt"]


def test_a_window_gathers_batches_and_never_holds_a_message_longer(tmp_path: Path):
    """Documented: a batch goes when it is full, or when the window since its first message is over."""
    sets = {
        "producers__source__arrivals": "{rate: 3/s}",
        "functions__work__work": "100ms",
        "queues__queue__visibility_timeout": "60s",
        SOURCE + "batch_size": "100",
        SOURCE + "maximum_batching_window": "5s",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    assert_rows_add_up(run)
    deliveries, invocations = run["deliveries"], run["invocations"]
    held = deliveries["started_at"] - deliveries["received_at"]
    assert held.max() == 5 * SECOND
    # three a second for five seconds, and the one that begins the window
    assert np.mean(invocations["messages"]) == pytest.approx(16, abs=2)
    assert np.all(deliveries["started_at"] != NONE)
