import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulator.analysis import intervals
from simulator.analysis.answer import Certainty

NAN = math.nan


def test_the_interval_of_a_mean_is_students():
    values = [4.1, 5.0, 3.7, 4.4, 4.9]
    found = intervals.of_means(values, "s")
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert [found.low, found.high] == pytest.approx([low, high])
    assert (found.certainty, found.replications, found.values) == (Certainty.INTERVAL, 5, tuple(values))


def test_nineteen_of_twenty_intervals_hold_the_true_mean():
    """2,000 samples of ten: the share is within 4 standard errors of 95%."""
    rng = np.random.default_rng(1)
    samples = rng.normal(10, 3, (2_000, 10))
    held = [(e := intervals.of_means(row.tolist(), "s")).low <= 10 <= e.high for row in samples]
    assert abs(np.mean(held) - 0.95) < 4 * math.sqrt(0.05 * 0.95 / 2_000)


def test_equal_values_in_all_runs_are_exact_and_one_run_has_no_interval():
    assert intervals.of_means([2.0, 2.0, 2.0], "1").certainty is Certainty.EXACT
    alone = intervals.of_means([2.0], "1")
    assert alone.certainty is Certainty.INTERVAL
    assert alone.mean == 2.0
    assert math.isnan(alone.low)
    assert math.isnan(alone.high)


def test_runs_without_data_are_left_out_and_nothing_is_no_data():
    assert intervals.of_means([1.0, NAN, 3.0], "s").mean == 2.0
    assert intervals.of_means([1.0, NAN, 3.0], "s").replications == 2
    assert intervals.of_means([NAN, NAN], "s").certainty is Certainty.NO_DATA


def test_a_lower_bound_is_never_negative_but_for_differences():
    values = [0.0, 0.0, 9.0]
    assert intervals.of_means(values, "1").low == 0.0
    assert intervals.of_means(values, "1", floor=-math.inf).low < 0


def test_any_censored_run_makes_the_number_at_least_the_mean_bound():
    found = intervals.of_censored([10.0, 20.0, 30.0], [False, True, False], [False] * 3, "s")
    assert (found.certainty, found.mean) == (Certainty.AT_LEAST, 20.0)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.values == (10.0, math.inf, 30.0)
    assert found.note == "among the unfinished in 1 of 3 runs"


def test_half_of_the_runs_never_is_never_and_fewer_is_at_least_the_rest():
    never = intervals.of_censored([1.0, NAN], [False] * 2, [False, True], "s")
    assert never.certainty is Certainty.NEVER
    some = intervals.of_censored([1.0, 3.0, NAN], [False] * 3, [False, False, True], "s")
    assert (some.certainty, some.mean) == (Certainty.AT_LEAST, 2.0)
    assert some.note == "among the dead-lettered or lost in 1 of 3 runs"


def test_runs_without_messages_do_not_censor():
    found = intervals.of_censored([NAN, NAN], [False] * 2, [False] * 2, "s")
    assert found.certainty is Certainty.NO_DATA


def test_nothing_seen_is_bounded_by_three_over_n():
    counts = intervals.of_counts([0] * 10, [1.0] * 10, "1")
    assert (counts.certainty, counts.mean, counts.low, counts.high) == (Certainty.NONE_SEEN, 0.0, 0.0, 0.3)
    shares = intervals.of_counts([0] * 10, [1_000] * 10, "share", most=1.0)
    assert shares.high == pytest.approx(3 / 10_000)
    assert intervals.of_counts([0], [2], "share", most=1.0).high == 1.0


def test_three_over_n_is_the_upper_limit_of_a_poisson_number_that_came_out_as_zero():
    assert stats.poisson.cdf(0, 3.0) == pytest.approx(0.05, abs=0.0003)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(1, 0.0253, 5.572), (5, 1.623, 11.668), (20, 12.217, 30.888)]
)
def test_small_counts_have_poissons_exact_interval(count, low, high):
    """Garwood's table."""
    assert list(intervals.poisson(count)) == pytest.approx([low, high], abs=5e-4)
    found = intervals.of_counts([count], [1.0], "1")
    assert (found.low, found.high) == intervals.poisson(count)


def test_counts_that_differ_more_than_poissons_get_students_interval():
    found = intervals.of_counts([0, 0, 0, 40, 0, 0, 0, 0, 0, 0], [1.0] * 10, "1")
    assert found.high > intervals.poisson(40)[1] / 10
    assert found.low == 0.0


def test_a_share_stays_within_0_and_1():
    found = intervals.of_counts([90, 100, 99], [100, 100, 100], "share", most=1.0)
    assert 0 <= found.low <= found.mean <= found.high <= 1


def test_without_any_exposure_there_is_no_data():
    assert intervals.of_counts([0, 0], [0, 0], "share").certainty is Certainty.NO_DATA


@given(st.lists(st.integers(0, 30), min_size=2, max_size=12))
def test_the_interval_of_counts_holds_their_mean_and_is_never_negative(counts):
    found = intervals.of_counts(counts, [1.0] * len(counts), "1")
    assert 0 <= found.low <= found.mean + 1e-12
    assert found.mean <= found.high + 1e-12


def test_the_runs_that_would_decide_put_the_bound_outside_the_interval():
    estimate = intervals.of_means([9.0, 11.0, 10.0, 10.5, 9.5], "s")
    runs = intervals.runs_to_decide(estimate, 9.8)
    assert runs is not None
    spread = intervals.deviation(estimate.values)
    assert intervals.student_t(runs - 1) * spread / math.sqrt(runs) <= 0.2
    assert intervals.student_t(runs // 2) * spread / math.sqrt(runs // 2) > 0.2


def test_a_bound_on_the_mean_itself_is_never_decided():
    assert intervals.runs_to_decide(intervals.of_means([9.0, 11.0], "s"), 10.0) is None
