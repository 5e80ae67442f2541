import math

import numpy as np
import pytest

from simulator.analysis import intervals
from simulator.analysis.answer import Certainty
from simulator.analysis.paired import NO_DIFFERENCE, change, difference, seen, verdict

RNG = np.random.default_rng(1)
LUCK = RNG.normal(0, 20, 10)
BASE = intervals.of_means((100 + LUCK).tolist(), "s")


def test_pairing_sees_a_difference_that_two_intervals_would_hide():
    variant = intervals.of_means((98 + LUCK + RNG.normal(0, 0.5, 10)).tolist(), "s")
    assert BASE.low < variant.mean < BASE.high
    found = difference(BASE, variant)
    assert found.mean == pytest.approx(-2, abs=0.5)
    assert found.high < 0
    assert verdict(found) == "lower"
    assert verdict(difference(variant, BASE)) == "higher"


def test_an_interval_that_holds_zero_is_no_difference_seen():
    variant = intervals.of_means((100 + LUCK + RNG.normal(0, 3, 10)).tolist(), "s")
    found = difference(BASE, variant)
    assert found.low <= 0 <= found.high
    assert found.note == verdict(found) == NO_DIFFERENCE


def test_equal_runs_differ_by_exactly_nothing():
    found = difference(BASE, BASE)
    assert (found.mean, found.certainty) == (0.0, Certainty.EXACT)
    assert verdict(found) == NO_DIFFERENCE


def test_nineteen_of_twenty_paired_intervals_hold_the_true_difference():
    """1,000 comparisons of ten runs each, within 4 standard errors; and the interval is narrow."""
    held, widths = 0, []
    for _ in range(1_000):
        luck = RNG.normal(0, 20, 10)
        base = intervals.of_means((100 + luck).tolist(), "s")
        variant = intervals.of_means((103 + luck + RNG.normal(0, 1, 10)).tolist(), "s")
        found = difference(base, variant)
        held += found.low <= 3 <= found.high
        widths.append(found.high - found.low)
    assert abs(held / 1_000 - 0.95) < 4 * math.sqrt(0.05 * 0.95 / 1_000)
    assert np.mean(widths) < 2


def test_a_change_is_a_share_of_the_base():
    variant = intervals.of_means((0.5 * np.array(BASE.values)).tolist(), "s")
    found = change(BASE, variant)
    assert found.unit == "share"
    assert found.mean == pytest.approx(-0.5)


def test_without_anything_in_the_base_there_is_no_share_of_it():
    nothing = intervals.of_counts([0] * 10, [1.0] * 10, "1")
    some = intervals.of_counts([5] * 10, [1.0] * 10, "1")
    assert change(nothing, some).certainty is Certainty.NO_DATA
    assert difference(nothing, some).mean == 5


def test_runs_that_do_not_end_are_said_and_not_subtracted():
    endless = intervals.of_censored([1.0] * 10, [True] * 10, [False] * 10, "s")
    found = difference(BASE, endless)
    assert found.certainty is Certainty.NEVER
    assert verdict(found) == "does not end: variant in 10 of 10 runs"
    assert difference(endless, BASE).certainty is Certainty.NO_DATA
    assert seen({"wait.p99": found, "drain": difference(BASE, BASE)}) == []


def test_one_run_has_a_difference_and_no_interval():
    found = difference(intervals.of_means([1.0], "s"), intervals.of_means([3.0], "s"))
    assert found.mean == 2.0
    assert verdict(found) == "one run: no interval"
