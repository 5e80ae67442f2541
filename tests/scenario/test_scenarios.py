"""The ready scenarios say what they are for, and hold what their comments promise."""

from pathlib import Path

import pytest

from simulator.scenario import load
from simulator.scenario.lint import lint

FOLDER = Path(__file__).parents[2] / "scenarios"
ALL = sorted(FOLDER.glob("*.yaml"))
MEANT = {
    ("consumers_down", "short-retention"): "what is older than 2h by then is lost",
    ("mq_prefetch", ""): "find nothing of a backlog; 1 is usual for slow work",
}
"""How the warning ends that a scenario, or a variant of it, is there to show."""


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_ready_scenario_asks_a_question_and_lints_clean(path: Path) -> None:
    base = load(path)
    assert base.name == path.stem
    assert base.question is not None
    assert base.question.endswith("?")
    assert base.thresholds
    for variant in ("", *base.variants):
        notes = [str(note).removesuffix(" (warning)") for note in lint(load(path, variant=variant))]
        if meant := MEANT.get((path.stem, variant)):
            assert len(notes) == 1
            assert notes.pop().endswith(meant)
        # what a missing dead-letter queue of a subscription costs is the lesson of some
        assert [note for note in notes if "has no dead_letter: " not in note] == []


def test_quickstart_has_a_tenfold_burst_within_its_size() -> None:
    scenario = load(FOLDER / "quickstart.yaml")
    assert sum(one.expected(scenario.duration) for one in scenario.producers.values()) < 300_000
    rates = [phase.rate for phase in scenario.producers["checkout"].phases or ()]
    assert max(rates) == 10 * min(rates)
    dead = scenario.dead_letter_queues()
    assert {scenario.queues[name].retention for name in dead} == {14 * 86_400 * 1_000_000}


def test_fifo_is_the_same_traffic_in_other_queues() -> None:
    base = load(FOLDER / "standard_vs_fifo.yaml")
    fifo = load(FOLDER / "standard_vs_fifo.yaml", variant="fifo")
    assert {queue.type for queue in fifo.queues.values()} == {"fifo"}
    assert fifo.producers == base.producers
    group = base.producers["ledger"].message.group
    assert group is not None
    assert (len(group.shares), group.shares[0]) == (50, 0.2)


def test_the_taxi_day_is_the_busiest_full_day() -> None:
    trace = load(FOLDER / "real_traffic.yaml").producers["city"].trace
    assert trace is not None
    assert (len(trace.counts), sum(trace.counts), trace.missing) == (48, 986_568, 0)


def test_the_load_balancers_peak_day_lacks_two_points() -> None:
    trace = load(FOLDER / "real_traffic.yaml", variant="load_balancer").producers["city"].trace
    assert trace is not None
    assert (len(trace.counts), trace.missing, trace.interval_us) == (288, 2, 300_000_000)
    assert sum(trace.counts) == pytest.approx(21_305 * 50, rel=0.01)
