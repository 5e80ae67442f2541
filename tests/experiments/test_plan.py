"""What a plan says without a run: formulas by hand, and two of them beside a simulated run."""

from pathlib import Path

import pytest

from simulator.analysis.arrivals import arrivals
from simulator.experiments.answers import answer_of
from simulator.experiments.executors import Local
from simulator.experiments.plan import loads_of, plan, water_of
from simulator.experiments.replications import replicate
from simulator.scenario import load
from simulator.scenario.schema import Scenario
from tests.cli.typed import typed

TEXT = """
scenario: textbook
ideal: true
duration: 10m
discard: 1m
producers: {shop: {target: orders, arrivals: {rate: 32/s}}}
queues:
  orders: {visibility_timeout: 2m, redrive: {queue: dead, max_receive_count: 4}}
  dead: {retention: 14d}
functions:
  charge:
    runtime: python3.13
    timeout: 60s
    work: {exponential: {mean: 250ms}}
    event_sources: {orders: {batch_size: 1, maximum_concurrency: 10}}
"""


@pytest.fixture(scope="module")
def textbook(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    path: Path = tmp_path_factory.mktemp("plan") / "textbook.yaml"
    path.write_text(TEXT)
    return load(path)


def test_closed_forms_stand_beside_a_simulated_run(textbook: Scenario):
    """32/s x 250 ms keep 8 of 10 slots busy; M/M/10 at 80% waits C / (10 - 8) x 250 ms = 51 ms."""
    (one,) = loads_of(textbook)
    assert one.pool.slots_for(one.mean_per_s) == pytest.approx(8)
    assert one.utilisation(one.mean_per_s) == pytest.approx(0.8)
    run = replicate(textbook, replications=3, seed=2, executor=Local(1))
    waited = answer_of(run).estimates["queues.orders wait.mean"]
    assert one.wait_s == pytest.approx(0.0511, rel=0.01)
    assert waited.high - waited.low < 1.5 * one.wait_s
    assert waited.low <= one.wait_s <= waited.high


def test_messages_are_given_up_after_their_receives(textbook: Scenario):
    sections = {section.title: section for section in plan(textbook, replications=1, seed=1).sections}
    assert list(sections["Retries"].rows) == [
        ("functions.charge, orders", "8 min", "4 receives x 2 min, then to dead")
    ]


def test_a_burst_above_the_ramp_peaks_where_the_ramp_has_caught_up():
    """500/s for a minute, 2 s each: what s slots that grow by 5 a second work off 30,000 in it.

    Before the burst 5/s keep ten slots busy; what waited while the ramp came from five to ten makes it go
    on a little above.
    """
    burst = load("scenarios/lambda_burst.yaml")
    (one,) = loads_of(burst)
    water = water_of(arrivals(burst, "mails"), one.pool, 0.0)
    slots = ((30_000 - water.peak) * 2 - 5 * 60**2 / 2) / 60
    assert 10 < slots < 15


def test_overload_is_named_with_what_it_lacks(textbook: Scenario, tmp_path: Path):
    path = tmp_path / "more.yaml"
    path.write_text(TEXT.replace("32/s", "48/s"))
    assert plan(load(path), replications=1, seed=1).warnings[0] == (
        "functions.charge is overloaded at the mean rate: needs 12 slots, has 10; "
        "the backlog of orders grows by 8/s"
    )
    seen = typed("plan", path, "-o", "md")
    assert seen.status == 0
    assert "| functions.charge | orders | 48/s |" in seen.out
