"""Redelivery, the in-flight level and empty polls against closed forms."""

import math
from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.measures import Measures
from simulator.recording.tables import Cause
from tests.scenarios.running import Ran, written

FLEET = """
scenario: fleet
ideal: true
duration: 2000s
producers:
  source: {target: queue, arrivals: {rate: 5/s}}
queues:
  queue: {visibility_timeout: 2s, redrive: {queue: dead, max_receive_count: 1000}}
  dead: {retention: 14d}
auto_scaling_groups:
  work:
    queue: queue
    instance_type: c6i.large
    workers_per_instance: 200
    work: {exponential: {mean: 1s}}
    capacity: {min: 1, max: 1}
"""


def of(run: Ran) -> dict[str, float]:
    return {key: estimate.mean for key, estimate in Measures(run.frame, [run.partial]).estimates.items()}


@pytest.mark.parametrize("timeout_s", [1, 2, 3])
def test_receives_a_message_when_every_delete_works_are_those_of_racing_attempts(
    tmp_path: Path, timeout_s: int
):
    """Attempts start every timeout T until the first of them ends: 1 + q + q^3 + q^6 + ..., q = exp(-T)."""
    sets = {
        "queues__queue__visibility_timeout": f"{timeout_s}s",
        "limits": "{sqs.model.p_stale_delete_works: 100%}",
    }
    run = Ran(written(tmp_path, FLEET, **sets))
    receives = run["copies"]["receives"][run["copies"]["queue"] == run.things["queues.queue"]]
    expected = sum(math.exp(-timeout_s * k * (k + 1) / 2) for k in range(30))
    error = receives.std() / math.sqrt(len(receives))
    assert receives.mean() == pytest.approx(expected, abs=4 * error)
    assert np.mean(receives > 1) == pytest.approx(math.exp(-timeout_s), abs=0.02)
    causes = run["deliveries"]["cause"][run["deliveries"]["receive_count"] > 1]
    assert set(causes.tolist()) == {Cause.VISIBILITY_TIMEOUT}


def test_in_flight_is_the_rate_times_the_time_held_and_so_bounds_what_a_queue_can_take(tmp_path: Path):
    """Little: 5/s x 1 s of work; with failures each failed receive holds for the whole timeout."""
    run = Ran(written(tmp_path, FLEET, queues__queue__visibility_timeout="10m"))
    assert of(run)["queues.queue in_flight.mean"] == pytest.approx(5.0, rel=0.05)
    sets = {
        "queues__queue__visibility_timeout": "30s",
        "auto_scaling_groups__work__failures__transient": "10%",
    }
    failing = Ran(written(tmp_path, FLEET, **sets))
    # 1 / (1 - 10%) receives a message; the failed ones hold for 30 s, the last for the work
    expected = 5 * (0.1 / 0.9 * 30 + 1)
    assert of(failing)["queues.queue in_flight.mean"] == pytest.approx(expected, rel=0.08)


POLLER = {
    "duration": "40000s",
    "producers__source__arrivals": "{rate: 0.05/s}",
    "auto_scaling_groups__work__workers_per_instance": "1",
    "auto_scaling_groups__work__work": "0s",
    "queues__queue__visibility_timeout": "12h",
}


def test_a_long_poll_is_empty_as_often_as_no_message_comes_in_its_wait(tmp_path: Path):
    """Poisson arrivals every 20 s, one poller, waits of 20 s: e^-1 of all polls; 285 receives an hour."""
    run = Ran(written(tmp_path, FLEET, **POLLER))
    empty, full = of(run)["queues.queue empty_receive.count"], len(run["deliveries"]["delivery"])
    assert empty / (empty + full) == pytest.approx(math.exp(-1), abs=0.03)
    hours = run.run.end_at / 3.6e9
    assert (empty + full) / hours == pytest.approx(284.76, rel=0.05)


def test_a_short_poll_waits_for_half_a_period_and_is_empty_as_often_as_none_comes_in_one(tmp_path: Path):
    """Every 2 s one poll of up to ten: mean wait 1 s, e^-0.1 empty, 1,800 receives an hour."""
    short = {"auto_scaling_groups__work__receive": "{wait_time: 0s, poll_pause: 2s, max_messages: 10}"}
    run = Ran(written(tmp_path, FLEET, **{**POLLER, **short}))
    empty = of(run)["auto_scaling_groups.work empty_receive.count"]
    copies, deliveries = run["copies"], run["deliveries"]
    receives = empty + len(np.unique(deliveries["received_at"]))
    assert empty / receives == pytest.approx(math.exp(-0.1), abs=0.01)
    waited = copies["first_received_at"] - copies["sent_at"]
    assert waited.mean() / 1e6 == pytest.approx(1.0, rel=0.05)
    # after a receive that found something it asks again at once, so a few more than one every 2 s
    assert receives / (run.run.end_at / 3.6e9) == pytest.approx(1800 * (1 + 1 - math.exp(-0.1)), rel=0.02)


def test_an_idle_fleet_costs_its_polls_and_nothing_else(tmp_path: Path):
    """Three workers, waits of 20 s, nothing to do: exactly 9 empty receives a minute, without an event."""
    idle = {
        "duration": "3600s",
        "producers__source__arrivals": "{rate: 0.000001/s}",
        "auto_scaling_groups__work__workers_per_instance": "3",
    }
    run = Ran(written(tmp_path, FLEET, **{**POLLER, **idle}))
    assert len(run["deliveries"]["delivery"]) == 0
    assert of(run)["queues.queue empty_receive.count"] == 540
    assert run.run.entries < 540
