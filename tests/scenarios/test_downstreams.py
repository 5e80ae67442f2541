"""The lessons of the scenarios with downstreams, in short versions of them."""

import functools
from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.downstreams import estimates
from simulator.recording.tables import Quantity
from simulator.scenario import load
from tests.scenarios.running import MINUTE, Ran

SCENARIOS = Path(__file__).parents[2] / "scenarios"
STORM = {
    "duration": "10m",
    "faults.brown-out.at": "1m",
    "faults.brown-out.for": "2m",
}
BURST = {
    "duration": "3m",
    "producers.portal.arrivals": "[{for: 1m, rate: 10/s}, {for: 30s, rate: 250/s}, {rate: 10/s}]",
    "limits": "{esm.growth_per_minute: 3000}",
}


@functools.cache
def storm(variant: str) -> Ran:
    return Ran(load(SCENARIOS / "retry_storm.yaml", sets=STORM, variant=variant), seed=3)


def processed_per_s(ran: Ran, from_min: int, until_min: int) -> float:
    done = ran["copies"]["succeeded_at"]
    return (
        float(((done >= from_min * MINUTE) & (done < until_min * MINUTE)).sum()) / (until_min - from_min) / 60
    )


def tries_per_s(ran: Ran, quantity: Quantity, from_min: int, until_min: int) -> float:
    rows = ran["changes"]
    mine = (rows["quantity"] == quantity) & (rows["from_at"] >= from_min * MINUTE)
    mine &= rows["from_at"] < until_min * MINUTE
    area = (rows["value"] * (rows["until_at"] - rows["from_at"]))[mine].sum()
    return float(area) / 1e12 / (until_min - from_min) / 60


@pytest.mark.parametrize("variant", ["", "backoff"])
def test_a_retry_storm_outlasts_what_set_it_off(variant):
    """Minutes after the brown-out the API does all it can, mostly for callers that gave up."""
    ran = storm(variant)
    assert processed_per_s(ran, 0, 1) == pytest.approx(10, abs=1.5)
    tries = tries_per_s(ran, Quantity.TRIES, 6, 10)
    assert tries > 15  # near the 19.4 a second that it can do
    assert tries_per_s(ran, Quantity.TIMED_OUT_TRIES, 6, 10) > 0.4 * tries
    assert processed_per_s(ran, 6, 10) < 10


def test_without_the_brown_out_there_is_no_storm():
    calm = STORM | {"faults.brown-out.slow": "1x"}
    ran = Ran(load(SCENARIOS / "retry_storm.yaml", sets=calm), seed=3)
    assert tries_per_s(ran, Quantity.TIMED_OUT_TRIES, 0, 10) < 0.1
    assert processed_per_s(ran, 6, 10) == pytest.approx(10, abs=0.7)


@pytest.mark.parametrize("variant", ["budget", "few"])
def test_a_retry_budget_or_fewer_handlers_let_the_system_come_back(variant):
    ran = storm(variant)
    assert processed_per_s(ran, 3, 10) > 10.5  # what came, and the backlog
    if variant == "few":
        assert tries_per_s(ran, Quantity.TIMED_OUT_TRIES, 6, 10) < 0.1


def test_a_breaker_spares_the_api_and_not_the_orders():
    ran = storm("breaker")
    assert tries_per_s(ran, Quantity.TRIES, 1, 10) < 0.6 * 19.4
    assert processed_per_s(ran, 6, 10) < 10


@functools.cache
def burst(variant: str) -> dict[str, float]:
    ran = Ran(load(SCENARIOS / "database_limit.yaml", sets=BURST, variant=variant), seed=3)
    numbers = dict(estimates(ran.frame, [ran.read], 0, ran.read.bins))
    found = {key: estimate.mean for key, estimate in numbers.items()}
    copies = ran["copies"]
    sent_in_burst = (copies["sent_at"] >= MINUTE) & (copies["sent_at"] < 1.5 * MINUTE)
    took = (copies["succeeded_at"] - copies["sent_at"])[sent_in_burst & (copies["succeeded_at"] >= 0)]
    return found | {"mean_s": float(np.mean(took)) / 1e6}


def test_as_many_handlers_as_connections_beat_more_and_fewer():
    free, as_many, half = burst(""), burst("as_many"), burst("half")
    assert as_many["mean_s"] < min(free["mean_s"], half["mean_s"])


def test_handlers_beyond_the_pool_stand_in_line_and_time_out():
    free, as_many, half = burst(""), burst("as_many"), burst("half")
    database = "downstreams.database"
    assert free[f"{database} timed_out_tries.share"] > 0.02 > as_many[f"{database} timed_out_tries.share"]
    assert free[f"{database} line.max"] > 100 > half[f"{database} line.max"]
    assert free[f"{database} served.max"] == pytest.approx(300, abs=1)
    assert half[f"{database} served.max"] < 170


def test_time_is_told_apart_by_own_work_calls_and_waiting():
    """A job: two queries of 1.26 s, 100 ms of its own; what is more is line and pauses."""
    mapping = "functions.render.event_sources.jobs"
    half, free = burst("half"), burst("")
    assert half[f"{mapping} own_work.mean"] == pytest.approx(0.1, abs=0.002)
    assert half[f"{mapping} downstream.mean"] == pytest.approx(2 * 1.26, rel=0.03)
    assert half[f"{mapping} waiting.mean"] < 0.05 < free[f"{mapping} waiting.mean"]
