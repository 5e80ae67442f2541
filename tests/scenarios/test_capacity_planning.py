"""Capacity planning: eight workers are a little less than the peak needs, and nine are enough."""

from pathlib import Path

import pytest

from simulator.experiments.answers import answer_of
from simulator.experiments.executors import Local
from simulator.experiments.replications import replicate
from simulator.scenario import load

FILE = Path(__file__).parents[2] / "scenarios" / "capacity_planning.yaml"
PATH = "auto_scaling_groups.mailers.workers_per_instance"
BOUND_S = 30


def p95_wait_s(workers: int) -> float:
    scenario = load(FILE, sets={PATH: str(workers)})
    answer = answer_of(replicate(scenario, replications=1, seed=scenario.seed, executor=Local(1)))
    return answer.estimates["wait.p95"].mean


@pytest.fixture(scope="module")
def waits() -> dict[int, float]:
    return {workers: p95_wait_s(workers) for workers in (8, 9)}


def test_a_ninth_worker_is_the_cliff_between_a_broken_promise_and_a_wait_of_seconds(waits):
    assert waits[8] > 15
    assert waits[9] < BOUND_S / 10
    assert waits[8] > 8 * waits[9]
