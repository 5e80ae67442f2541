"""Fair queues in whole runs: who waits behind a burst, and from when on nobody else does.

The burst, the probes and the consumers are those of a lab on AWS (sqs-fair-queues-lab, July 2026).
"""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import Quantity
from simulator.scenario import load
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import SECOND, Ran, written

LAB = """
scenario: lab
duration: 10m
replications: 1
producers:
  burst:
    target: work
    arrivals: [{for: 10s, rate: 3000/s}, {rate: 0/s}]
    message: {group: {count: 1}}
  probes:
    target: work
    arrivals: {rate: 10/s}
    message: {group: {count: 3, popularity: {first: [0%]}}}
queues:
  work: {visibility_timeout: 180s, fair: true}
functions:
  worker:
    runtime: python3.13
    timeout: 30s
    work: 2s
    event_sources: {work: {batch_size: 1, maximum_concurrency: 100}}
"""
FEWER = {"functions__worker__event_sources__work__maximum_concurrency": "20"}


def quiet_waits(run: Ran, since_s: int, until_s: int) -> np.ndarray:
    """Waits [s] of the probes sent in a span."""
    copies = run["copies"]
    sent_s = copies["sent_at"] // SECOND
    rows = (copies["group"] != 0) & (sent_s >= since_s) & (sent_s < until_s)
    waits: np.ndarray = (copies["first_started_at"][rows] - copies["sent_at"][rows]) / SECOND
    return waits


def noisy(run: Ran) -> int:
    changes = run["changes"]
    marks = changes["value"][changes["quantity"] == Quantity.NOISY_TENANTS]
    return int(marks.max(initial=0))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(written(tmp_path_factory.mktemp("lab"), LAB))


def test_quiet_tenants_waits_begin_to_equalise_about_200_seconds_after_a_burst(lab: Ran):
    """Measured on AWS: 30,000 messages at once, 100 one-message consumers, 2 s of work, 10 probes/s."""
    assert_rows_add_up(lab)
    assert noisy(lab) == 1
    waits = [float(np.median(quiet_waits(lab, at, at + 20))) for at in range(0, 600, 20)]
    assert waits[0] > 150
    ends = [at * 20 + wait for at, wait in enumerate(waits[:9])]
    assert max(ends) < 255 and min(ends) > 190  # whoever came before was served then
    assert max(waits[14:]) < 0.5  # and from then on nobody waits


def test_a_fair_queue_costs_the_fleet_nothing(lab: Ran, tmp_path):
    standard = Ran(written(tmp_path, LAB, queues__work__fair="false"))
    last = [int(run["copies"]["succeeded_at"].max()) for run in (lab, standard)]
    assert abs(last[0] - last[1]) < 3 * SECOND
    assert float(np.median(quiet_waits(standard, 280, 300))) > 200


def test_without_reaction_time_quiet_tenants_hardly_wait(tmp_path):
    run = Ran(written(tmp_path, LAB, limits="{sqs.fair.reaction: 0s}"))
    assert float(np.quantile(quiet_waits(run, 0, 600), 0.99)) < 10


def test_with_fewer_than_30_slots_and_equal_work_nobody_is_ever_noisy(tmp_path):
    """Measured on AWS with 20 slots: the flag never rose in ten minutes."""
    run = Ran(written(tmp_path, LAB.replace("rate: 3000/s", "rate: 500/s"), **FEWER))
    assert noisy(run) == 0
    letter = Ran(
        written(
            tmp_path,
            LAB.replace("rate: 3000/s", "rate: 500/s"),
            limits="{sqs.fair.proc_slower: 0}",
            **FEWER,
        )
    )
    assert noisy(letter) >= 1


@pytest.mark.parametrize(
    "sets", [{}, {"queues__work__delay": "3s"}, {"queues__work__visibility_timeout": "1s"}]
)
def test_the_books_of_a_fair_queue_balance_under_expiries_batches_and_failures(tmp_path, sets):
    text = LAB.replace("rate: 3000/s", "rate: 200/s").replace("batch_size: 1", "batch_size: 10")
    text = text.replace("timeout: 30s", "timeout: 1s\n    failures: {transient: 20%}")
    text = text.replace("work: 2s", "work: 300ms").replace("duration: 10m", "duration: 2m")
    text = text.replace("fair: true", "fair: true, redrive: {queue: dead, max_receive_count: 3}")
    text = text.replace("queues:\n", "queues:\n  dead: {retention: 14d, fair: true}\n")
    run = Ran(written(tmp_path, text, **sets))
    assert_rows_add_up(run)
    assert (run["deliveries"]["receive_count"] > 1).any()


@pytest.mark.parametrize(
    ("variant", "least_s", "most_s"), [("", 500, 525), ("fair", 125, 136), ("own_queue", 0.05, 0.5)]
)
def test_the_ready_scenario_answers_as_its_description_says(variant: str, least_s: float, most_s: float):
    path = Path(__file__).parents[2] / "scenarios" / "noisy_neighbour.yaml"
    run = Ran(load(path, variant=variant), seed=7)
    assert least_s < float(np.quantile(quiet_waits(run, 0, 1_800), 0.95)) < most_s
