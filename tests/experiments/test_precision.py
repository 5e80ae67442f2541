"""Replications are added until the headline numbers are known, or it is said which are not."""

from pathlib import Path

from simulator.analysis import intervals
from simulator.analysis.answer import Certainty, Estimate
from simulator.experiments.executors import Local
from simulator.experiments.precision import Wanted, headline_keys, until_precise, width_of
from simulator.experiments.replications import replicate_all
from simulator.scenario import load
from tests.cli.typed import typed

SMALL = Path(__file__).parents[1] / "cli" / "small.yaml"
KEY = "queues.billing end_to_end.p50"


def test_added_runs_are_those_that_as_many_from_the_start_would_be():
    scenario = load(SMALL, sets=["duration=11s"])
    asked: list[tuple[int, int]] = []

    def carry_out(first: int, number: int):
        asked.append((first, number))
        return replicate_all([scenario], replications=number, first=first, executor=Local(1))

    experiments, answers = until_precise(carry_out, [scenario], Wanted(0.001, 14), 3)
    assert asked == [(0, 10), (10, 4)]  # a first look at 10 runs; then as many as are allowed
    assert [run.replication for run in experiments[0].runs] == list(range(14))
    assert any("p50 end-to-end is not known to 0.1% of its mean" in text for text in answers[0].warnings)


def test_the_numbers_to_narrow_are_fixed_before_the_first_run():
    assert headline_keys(load(SMALL)) == (KEY, "queues.billing drain")


def test_runs_needed_are_those_of_student():
    """Mean 10, deviation 2: a half-width of 5% is 0.5, so (1.96 x 2 / 0.5)^2 = 61.5, some more with t."""
    found = intervals.of_means([8.0, 12.0] * 5, "s")
    width = width_of(found, 0.05)
    assert width.runs is not None and 65 <= width.runs <= 80
    assert width_of(found, 0.5).runs == 10


def test_what_cannot_narrow_says_why():
    nan = float("nan")
    for certainty, why in (
        (Certainty.AT_LEAST, "longer runs"),
        (Certainty.NEVER, "never"),
        (Certainty.NONE_SEEN, "zero"),
    ):
        width = width_of(Estimate(0.0, nan, nan, "s", certainty, 10), 0.05)
        assert width.runs is None and why in width.why


def test_a_precision_without_a_unit_is_refused():
    seen = typed("run", SMALL, "--precision", "5")
    assert seen.status == 2
    assert "write 5%" in seen.err
