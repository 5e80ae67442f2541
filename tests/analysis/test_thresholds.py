import math
from types import SimpleNamespace

import pytest

from simulator.analysis import intervals
from simulator.analysis.answer import Certainty, Estimate, Verdict
from simulator.analysis.thresholds import judge, verdict

NAN = math.nan
AROUND_TEN = intervals.of_means([9.0, 10.0, 11.0, 10.0], "s")


@pytest.mark.parametrize(
    ("op", "bound", "expected"),
    [
        ("<", 20.0, Verdict.HOLDS),
        ("<", 5.0, Verdict.CROSSED),
        ("<", 10.2, Verdict.UNDECIDED),
        (">", 5.0, Verdict.HOLDS),
        (">=", 20.0, Verdict.CROSSED),
        (">", 9.8, Verdict.UNDECIDED),
        ("==", 0.0, Verdict.CROSSED),
        ("==", 10.0, Verdict.UNDECIDED),
        ("==", 99.0, Verdict.CROSSED),
    ],
)
def test_a_verdict_takes_the_whole_interval(op, bound, expected):
    assert verdict(AROUND_TEN, op, bound)[0] is expected


def test_an_undecided_threshold_says_how_many_runs_would_decide():
    assert verdict(AROUND_TEN, "<", 10.2)[1].endswith("runs would decide")


def test_exact_numbers_are_compared_as_they_are():
    exact = intervals.of_means([3.0, 3.0], "1")
    assert verdict(exact, "<=", 3.0)[0] is Verdict.HOLDS
    assert verdict(exact, "<", 3.0)[0] is Verdict.CROSSED
    assert verdict(exact, "==", 3.0)[0] is Verdict.HOLDS


def test_none_seen_is_zero_with_its_bound_beside():
    none = intervals.of_counts([0] * 10, [1.0] * 10, "1")
    found, note = verdict(none, "==", 0.0)
    assert found is Verdict.HOLDS
    assert "0.3" in note


def test_none_seen_holds_below_a_bound_only_where_three_over_n_does():
    none = intervals.of_counts([0] * 10, [100.0] * 10, "share")
    assert verdict(none, "<", 0.01)[0] is Verdict.HOLDS
    found, note = verdict(none, "<", 0.001)
    assert found is Verdict.UNDECIDED
    assert "30 runs" in note


def test_something_seen_crosses_zero_even_in_one_of_many_runs():
    assert verdict(intervals.of_counts([0, 0, 1], [1.0] * 3, "1"), "==", 0.0)[0] is Verdict.CROSSED


def test_a_lower_bound_crosses_what_it_is_above_and_decides_nothing_else():
    at_least = Estimate(30.0, NAN, NAN, "s", Certainty.AT_LEAST, 3, "among the unfinished in 1 of 3 runs")
    assert verdict(at_least, "<", 20.0)[0] is Verdict.CROSSED
    assert verdict(at_least, ">", 20.0)[0] is Verdict.HOLDS
    assert verdict(at_least, "<", 60.0)[0] is Verdict.UNDECIDED
    assert "longer run" in verdict(at_least, "<", 60.0)[1]


def test_never_crosses_every_upper_bound():
    never = Estimate(NAN, NAN, NAN, "s", Certainty.NEVER, 3)
    assert verdict(never, "<", 1e9)[0] is Verdict.CROSSED
    assert verdict(never, ">", 1e9)[0] is Verdict.HOLDS


def test_one_run_decides_nothing_about_a_mean():
    assert verdict(intervals.of_means([3.0], "s"), "<", 100.0)[0] is Verdict.UNDECIDED


def test_a_threshold_on_what_is_not_measured_is_undecided():
    threshold = SimpleNamespace(text="wait.p95 < 2m", key="wait.p95", op="<", bound=120.0, unit="s")
    (result,) = judge([threshold], {})
    assert (result.verdict, result.note, result.estimate.unit) == (Verdict.UNDECIDED, "no data", "s")
    (result,) = judge([threshold], {"wait.p95": AROUND_TEN})
    assert (result.verdict, result.estimate) == (Verdict.HOLDS, AROUND_TEN)
