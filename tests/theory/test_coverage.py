"""Intervals keep their word: 95% of them hold the truth. M/M/2 at 60% load, whose mean wait is Erlang C's.

The interval of an experiment is the product's own, from rows to answer. All are cut from one long row of
replications, which are independent of each other.
"""

from dataclasses import replace

import pytest
from scipy import stats

from simulator.analysis import theory
from simulator.analysis.answer import Certainty, Estimate
from simulator.experiments.answers import answer_of
from simulator.experiments.executors import Local
from simulator.experiments.replications import replicate
from tests.conformance import lab

SERVERS, LOAD, WORK_S = 2, 0.6, 1.0
RUNS = 4
TRUTH_S = theory.mmc_mean_wait(SERVERS, LOAD, WORK_S)


def intervals(experiments: int, messages: int, jobs: int) -> list[Estimate]:
    """The mean wait of each experiment, of *messages* a run; the first tenth of a run is left out."""
    rate = SERVERS * LOAD / WORK_S
    asked = lab.scenario(
        messages / rate,
        discard=lab.time(messages / rate / 10),
        producers={"p": {"target": "q", "arrivals": {"rate": lab.rate(rate)}}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", {"exponential": {"mean": lab.time(WORK_S)}}, SERVERS)},
    )
    all_runs = replicate(asked, replications=RUNS * experiments, seed=2026, executor=Local(jobs))
    cut = [slice(RUNS * k, RUNS * (k + 1)) for k in range(experiments)]
    parts = [replace(all_runs, partials=all_runs.partials[one], runs=all_runs.runs[one]) for one in cut]
    return [answer_of(part).estimates["wait.mean"] for part in parts]


def held(found: list[Estimate], width: float = 1.0) -> int:
    """How many intervals hold the truth, when each is *width* times as wide as it is."""
    return sum(abs(one.mean - TRUTH_S) <= width * (one.high - one.mean) for one in found)


def assert_are_intervals(found: list[Estimate]) -> None:
    assert {(one.certainty, one.replications) for one in found} == {(Certainty.INTERVAL, RUNS)}
    assert sum(one.high - one.mean for one in found) / len(found) < 0.6 * TRUTH_S


def test_of_twelve_intervals_no_fewer_hold_the_truth_than_a_binomial_of_95_percent_allows():
    experiments = 12
    found = intervals(experiments, messages=500, jobs=1)
    assert_are_intervals(found)
    least = int(stats.binom.ppf(0.001, experiments, 0.95))
    assert held(found) >= least == 8
    assert held(found, width=0.25) < least, "intervals that are too narrow would be seen"


@pytest.mark.benchmark
def test_of_four_hundred_intervals_92_to_98_percent_hold_the_truth():
    experiments = 400
    found = intervals(experiments, messages=4_000, jobs=2)
    assert_are_intervals(found)
    assert 0.92 * experiments <= held(found) <= 0.98 * experiments
