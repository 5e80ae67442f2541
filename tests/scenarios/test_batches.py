"""Batches: what a handler takes at once decides what it can do in a second."""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import NONE, Attempt
from tests.scenarios.running import SECOND, Ran, written

SATURATED = """
scenario: saturated
ideal: true
duration: 60s
after: stop
producers:
  source: {target: queue, arrivals: {rate: 1/s, process: even}}
queues:
  queue: {visibility_timeout: 1h, backlog: {messages: 40k, age: 1h}}
functions:
  work:
    runtime: python3.13
    timeout: 10s
    work: {per_message: 30ms, per_invocation: 7ms}
    event_sources:
      queue: {batch_size: 1, maximum_concurrency: 7, report_batch_item_failures: true}
"""

FLEET = """
scenario: saturated
ideal: true
duration: 60s
after: stop
producers:
  source: {target: queue, arrivals: {rate: 1/s, process: even}}
queues:
  queue: {visibility_timeout: 1h, backlog: {messages: 40k, age: 1h}}
auto_scaling_groups:
  work:
    queue: queue
    instance_type: c6i.large
    workers_per_instance: 2
    receive: {max_messages: 1, delete: each}
    work: {per_message: 30ms, per_invocation: 7ms}
    capacity: {min: 3, max: 3}
"""


def successes_per_s(run: Ran) -> float:
    """Successes a second, from the first start to the last end of a saturated run."""
    deliveries = run["deliveries"]
    done = deliveries["attempt"] == Attempt.SUCCEEDED
    span = deliveries["ended_at"][done].max() - deliveries["started_at"][done].min()
    assert span > 59 * SECOND
    return float(done.sum() / span * SECOND)


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("partial", ["true", "false"])
def test_a_function_does_slots_x_batch_over_the_time_of_an_invocation(
    tmp_path: Path, batch: int, partial: str
):
    sets = {
        "functions__work__event_sources__queue__batch_size": str(batch),
        "functions__work__event_sources__queue__report_batch_item_failures": partial,
    }
    run = Ran(written(tmp_path, SATURATED, **sets))
    assert successes_per_s(run) == pytest.approx(7 * batch / (0.007 + batch * 0.030), rel=0.001)
    assert set(run["invocations"]["messages"].tolist()) == {batch}


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("delete", ["each", "batch"])
def test_a_fleet_does_workers_x_batch_over_the_time_of_a_batch(tmp_path: Path, batch: int, delete: str):
    sets = {
        "auto_scaling_groups__work__receive__max_messages": str(batch),
        "auto_scaling_groups__work__receive__delete": delete,
        "ideal": "false",
        "limits": "{lat.sqs_receive: 3ms, lat.sqs_delete: 2ms}",
    }
    run = Ran(written(tmp_path, FLEET, **sets))
    deletes = batch if delete == "each" else 1
    per_batch_s = 0.003 + 0.007 + batch * 0.030 + deletes * 0.002
    assert successes_per_s(run) == pytest.approx(6 * batch / per_batch_s, rel=0.001)


def test_a_failed_message_takes_its_batch_with_it_unless_failures_are_reported(tmp_path: Path):
    """A share p of failures: of ten messages 1 - p succeed each, or only whole batches, (1 - p) ** 10."""
    shares = {}
    for partial in ("true", "false"):
        sets = {
            "functions__work__event_sources__queue__batch_size": "10",
            "functions__work__event_sources__queue__report_batch_item_failures": partial,
            "functions__work__failures__transient": "5%",
        }
        run = Ran(written(tmp_path, SATURATED, **sets))
        attempts = run["deliveries"]["attempt"]
        ended = attempts != Attempt.UNFINISHED
        shares[partial] = float(np.mean(attempts[ended] == Attempt.SUCCEEDED))
        n = int(ended.sum())
        mates = int((attempts == Attempt.BATCH_MATE).sum())
        assert (mates == 0) is (partial == "true")
        own = float(np.mean(attempts[ended] == Attempt.FAILED))
        assert own == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / n) ** 0.5)
    batches = n / 10
    whole = 0.95**10
    assert shares["true"] == pytest.approx(0.95, abs=4 * (0.05 * 0.95 / n) ** 0.5)
    assert shares["false"] == pytest.approx(whole, abs=4 * (whole * (1 - whole) / batches) ** 0.5)


BUSY_SLOTS = """
scenario: busy-slots
duration: 60s
after: stop
limits: {esm.start_concurrency: 1000}
producers:
  source: {target: queue, arrivals: {rate: 2000/s}}
queues:
  queue: {visibility_timeout: 60s}
functions:
  work:
    runtime: python3.13
    timeout: 3s
    work: 50ms
    event_sources:
      queue: {batch_size: 1, maximum_concurrency: 25}
"""


@pytest.mark.parametrize(("cap", "busy"), [(25, 25), (50, 50), (90, 90), (120, 100)])
def test_a_busy_slot_loses_nothing_so_a_cap_below_the_need_is_fully_used(tmp_path: Path, cap: int, busy: int):
    """Measured on AWS: 2,000 messages a second of 50 ms need 100; caps of 25, 50 and 90 were fully used.

    The last 30 seconds count, so that cold starts do not. Poisson arrivals put 4 standard errors of the
    uncapped number at 1%.
    """
    sets = {"functions__work__event_sources__queue__maximum_concurrency": str(cap)}
    deliveries = Ran(written(tmp_path, BUSY_SLOTS, **sets))["deliveries"]
    started, ended = deliveries["started_at"], deliveries["ended_at"].copy()
    ended[ended == NONE] = 60 * SECOND
    started = np.where(started == NONE, 60 * SECOND, started)
    worked = np.clip(ended, 30 * SECOND, None) - np.clip(started, 30 * SECOND, None)
    assert worked.sum() / (30 * SECOND) == pytest.approx(busy, rel=0.02)
