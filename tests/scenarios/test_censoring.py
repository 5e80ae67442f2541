"""Percentiles of an overloaded queue tell of the messages that never made it.

Survivors alone make an overloaded queue look fine: the longer it is overloaded, the fewer late ones are done.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.answer import Certainty
from simulator.analysis.measures import Measures
from simulator.analysis.partial import Field
from simulator.recording.tables import NONE
from tests.scenarios.running import SECOND, Ran, written

OVERLOADED = """
scenario: overloaded
ideal: true
duration: 100s
producers:
  source: {target: queue, arrivals: {rate: 240/s, process: even}}
queues:
  queue: {visibility_timeout: 1h}
functions:
  work:
    runtime: python3.13
    timeout: 10s
    work: 100ms
    event_sources:
      queue: {batch_size: 1, maximum_concurrency: 20}
"""
"""20 slots of 0.1 s each can do 200 a second; 240 come, 1.2 times as many."""


@pytest.mark.parametrize("duration_s", [100, 200])
def test_at_1_2_times_the_capacity_a_message_sent_at_u_waits_a_fifth_of_u(tmp_path: Path, duration_s: int):
    run = Ran(written(tmp_path, OVERLOADED, duration=f"{duration_s}s"))
    copies = run["copies"]
    assert len(copies["copy"]) == 240 * duration_s
    wait = copies["first_started_at"] - copies["sent_at"]
    assert np.abs(wait - 0.2 * copies["sent_at"]).max() < 0.1 * SECOND + 1
    p99 = run.read.durations(Field.WAIT, None).quantile(0.99)
    assert not p99.unfinished and not p99.never
    assert p99.us == pytest.approx(0.99 * 0.2 * duration_s * SECOND, rel=0.01)


def test_an_overload_that_is_cut_off_says_longer_than_and_not_what_survivors_saw(tmp_path: Path):
    """At the end a sixth is not done. The 99th of a hundred is one of those; survivors would say T / 6."""
    run = Ran(written(tmp_path, OVERLOADED, after="stop"))
    copies = run["copies"]
    started = copies["first_started_at"] != NONE
    assert np.mean(~started) == pytest.approx(1 / 6, abs=0.01)
    survivors = np.quantile((copies["first_started_at"] - copies["sent_at"])[started], 0.99)
    assert survivors == pytest.approx(100 / 6 * SECOND, rel=0.02)
    waits = run.read.durations(Field.WAIT, None)
    assert not waits.quantile(0.5).unfinished
    assert waits.quantile(0.99).unfinished
    estimate = Measures(run.frame, [run.partial]).estimates["wait.p99"]
    assert estimate.certainty is Certainty.AT_LEAST
    assert math.isnan(estimate.low) and math.isnan(estimate.high)


STARVED = """
scenario: starved
ideal: true
duration: 60s
after: stop
producers:
  source:
    target: queue
    arrivals: {rate: 250/s}
    message: {group: {count: 96, popularity: {first: [5%]}}}
queues:
  queue: {type: fifo, visibility_timeout: 1h}
functions:
  work:
    runtime: python3.13
    timeout: 10s
    work: 200ms
    event_sources:
      queue: {batch_size: 1, maximum_concurrency: 100}
"""
"""A group with 5% of the traffic brings 12.5 a second, of which 5 are worked; the others are half idle."""


def test_one_starved_group_with_5_percent_of_the_traffic_makes_the_p99_longer_than(tmp_path: Path):
    run = Ran(written(tmp_path, STARVED))
    copies = run["copies"]
    open_ = copies["first_started_at"] == NONE
    hot = copies["group"] == 0
    assert np.mean(hot) == pytest.approx(0.05, abs=0.01)
    assert np.mean(open_[hot]) > 0.5
    assert np.mean(open_[~hot]) < 0.01
    waits = run.read.durations(Field.WAIT, None)
    assert not waits.quantile(0.95).unfinished
    assert waits.quantile(0.99).unfinished
    estimate = Measures(run.frame, [run.partial]).estimates["wait.p99"]
    assert estimate.certainty is Certainty.AT_LEAST
