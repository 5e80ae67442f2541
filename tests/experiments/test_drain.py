"""``drain`` answers as the full simulation of the same backlog does, and says what is missing."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator.analysis import theory
from simulator.analysis.draining import Backlog, Pool, drain, empty_at_mean_s, first_lost_s
from simulator.experiments.answers import answer_of
from simulator.experiments.drain import case_of
from simulator.experiments.executors import Local
from simulator.experiments.replications import replicate
from simulator.scenario import load

TEXT = """
scenario: incident
duration: 15m
after: stop
producers: {shop: {target: orders, arrivals: {rate: 4/s}}}
queues:
  orders:
    visibility_timeout: 2m
    backlog: {messages: 3k, age: 1h}
    redrive: {queue: dead, max_receive_count: 5}
  dead: {retention: 14d}
functions:
  charge:
    runtime: python3.13
    timeout: 20s
    work: {exponential: {mean: 2s}}
    failures: {transient: 2%}
    event_sources: {orders: {batch_size: 1, maximum_concurrency: 40, report_batch_item_failures: true}}
"""


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("drain") / "incident.yaml"
    path.write_text(TEXT)
    return load(path)


def test_the_range_holds_what_the_full_simulation_of_the_same_backlog_shows(incident):
    """3 replications: their mean is within the spread of 200 coarse runs, the cold start's second apart."""
    case = case_of(incident, "charge")
    found = drain(case.backlog, case.pool)
    assert found is not None
    run = replicate(incident, replications=3, seed=1, executor=Local(1))
    simulated = answer_of(run).estimates["queues.orders drain"].values
    low, high = np.quantile(found.done_s, [0.005, 0.995])
    assert high - low < 0.8 * np.median(found.done_s)  # generations of retries, 2 min each
    assert all(low - 5 <= one <= high + 5 for one in simulated), (simulated, low, high)


def test_without_chance_and_failures_it_is_the_area_of_the_ramp():
    pool = Pool(slots=400, batch=1, batch_s=2.0, start=5, growth_per_s=5)
    alone = empty_at_mean_s(Backlog(40_000), pool)
    assert alone == pytest.approx(theory.ramp_drain_time(80_000, 5, 5, 400))
    found = drain(Backlog(40_000), pool)
    assert found is not None
    assert np.ptp(found.empty_s) == 0
    assert found.empty_s[0] == pytest.approx(alone, rel=0.003)


def test_arrivals_spread_the_end_as_their_number_does():
    """Deviation of the end: sqrt(rate x T) messages over the spare rate (a random walk's first passage)."""
    pool, backlog = Pool(slots=20, batch=1, batch_s=1.0, start=20), Backlog(5_000, rate_per_s=10.0)
    found = drain(backlog, pool, runs=2_000)
    assert found is not None
    assert found.empty_s.mean() == pytest.approx(500, rel=0.005)
    assert found.empty_s.std() == pytest.approx(math.sqrt(10 * 500) / 10, rel=0.1)


def test_a_batch_that_fails_is_worked_again_and_the_last_retry_comes_after_its_timeout():
    """Every receive fails with 10%: 1 / 0.9 receives a message, the last after some timeouts of 60 s."""
    pool = Pool(slots=10, batch=1, batch_s=1.0, start=10, failed=0.1, hidden_s=60)
    found = drain(Backlog(6_000), pool)
    assert found is not None
    assert np.median(found.begun_s) == pytest.approx(6_000 / 0.9 / 10, rel=0.02)
    assert found.done_s.min() >= np.median(found.begun_s) + 50


def test_what_is_too_old_before_its_turn_is_lost():
    """10/s work what was sent at 1 in 3.6 s; at 100 of 102 hours: those whose turn is after their 4 days."""
    hour = 3600.0
    backlog = Backlog(36_000, age_s=90 * hour, retention_s=91 * hour)
    pool = Pool(slots=1, batch=1, batch_s=0.1, start=1)  # 36,000 in one hour: nobody is too old
    found = drain(backlog, pool)
    assert found is not None and found.lost.max() == 0
    slow = Pool(slots=1, batch=1, batch_s=10.0, start=1)  # 100 h: message x is 90 (1 - x) + 100 x hours old
    found = drain(backlog, slow)
    assert found is not None
    # from x = 0.1 on a front of expiry at the speed of the sends passes the worker: 36,000 x 1/90 h
    assert first_lost_s(backlog, 0.1) == pytest.approx(10 * hour)
    expected = 36_000 - 0.1 * 3600 * 91  # worked until all others are gone: 91 h at 360/h
    assert found.lost[0] == pytest.approx(expected, rel=0.01)


def test_more_comes_than_is_worked_is_never():
    backlog = Backlog(1_000, rate_per_s=10.0, retention_s=4 * 86_400.0)
    pool = Pool(slots=5, batch=1, batch_s=1.0, start=5)
    assert drain(backlog, pool) is None
    assert pool.slots_for(10.0) == 10
    # worked at (1,000 + 10 s) / 5, sent at s: 4 d old at s = 345,400, whose turn is at 691,000 s
    assert first_lost_s(backlog, 5.0) == pytest.approx(691_000)


def test_failures_that_never_end_are_never_unless_something_gives_up():
    certain = Pool(slots=5, batch=1, batch_s=1.0, start=5, failed=1.0)
    assert drain(Backlog(100), certain) is None
    assert replace(certain, receives=3).attempts == 3
