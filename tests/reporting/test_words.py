"""Numbers for people."""

import math

import pytest

from simulator.analysis.answer import Certainty, Estimate
from simulator.reporting import words

NAN = math.nan


def interval(mean, low, high, unit="1", certainty=Certainty.INTERVAL, replications=10):
    return Estimate(mean, low, high, unit, certainty, replications)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (0.354, "0.354"), (667, "667"), (667.4, "667"), (1422, "1,420"), (14_861, "14,900"),
        (99_949, "99,900"), (99_960, "100 k"), (389_123, "389 k"), (999_600, "1.00 M"), (2_451_000, "2.45 M"),
        (1.2e9, "1.20 bn"),
        (-1064, "−1,060"), (NAN, "–"), (math.inf, "–"),
    ],
)  # fmt: skip
def test_count_has_three_significant_figures(number, text):
    assert words.number(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (0.0004, "400 µs"), (0.35, "350 ms"), (1, "1 s"), (43.21, "43.2 s"), (59.97, "1 min"),
        (278.4, "4.64 min"),
        (900, "15 min"), (3599, "1 h"), (5400, "1 h 30"), (86_400, "24 h"), (200_000, "2 d 8 h"),
        (-90, "−1.50 min"),
        (math.inf, "never"), (NAN, "–"),
    ],
)  # fmt: skip
def test_duration_is_said_as_people_say_it(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0"), (30, "30 s"), (2700, "45 min"), (3600, "1 h"), (5400, "1 h 30"), (86_400, "24 h")],
)
def test_instant_is_said_as_a_tick(seconds, text):
    assert words.instant(seconds) == text


@pytest.mark.parametrize(
    ("estimate", "value", "ends"),
    [
        (interval(278, 252, 306, "s"), "4.6 min", "[4.2, 5.1]"),
        (interval(43.4, 40, 47, "s"), "43 s", "[40, 47]"),
        (interval(2.45e6, 2.43e6, 2.47e6), "2.45 M", "[2.43, 2.47]"),
        (interval(1.4, 1.3988, 1.4012, "s"), "1.40 s", "[1.399, 1.401]"),
        (interval(1.4, 1.39997, 1.40003, "s"), "1.40 s", "[1.39997, 1.40003]"),
        (interval(0.63, 0.61, 0.65, "share"), "63 %", "[61, 65]"),
        (interval(2e-5, 1e-5, 3e-5, "share"), "20 per M", "[10, 30]"),
        (interval(5400, 5100, 5700, "s"), "1 h 30", "[1 h 25, 1 h 35]"),
        (interval(0, 0, 0.3, certainty=Certainty.NONE_SEEN), "0", "[0, 0.30]"),
        (interval(100, 100, 100, certainty=Certainty.EXACT), "100", "exact"),
        (interval(720, NAN, NAN, "s", Certainty.AT_LEAST), "> 12 min", "at least"),
        (interval(math.inf, NAN, NAN, "s", Certainty.NEVER), "never", ""),
        (interval(NAN, NAN, NAN, "s", Certainty.NO_DATA), "–", ""),
        (interval(12.3, NAN, NAN, "s", replications=1), "12.3 s", "one run"),
    ],
)  # fmt: skip
def test_number_has_no_more_digits_than_its_interval_supports(estimate, value, ends):
    assert words.value(estimate) == value
    assert words.interval(estimate) == ends


def test_no_data_prints_as_a_dash_and_never_as_zero():
    for unit in ("1", "s", "share", "1/s", "bytes"):
        for certainty in Certainty:
            shown = words.value(interval(NAN, NAN, NAN, unit, certainty))
            assert shown in ("–", "never", "0")
            assert (shown == "0") == (certainty is Certainty.NONE_SEEN)


def test_half_width_has_two_digits_of_its_own():
    assert words.plus_minus(interval(400_000, 399_991, 400_009)) == "± 0.0090"
    assert words.plus_minus(interval(500, 477, 523, "s")) == "± 0.38"


def test_difference_carries_its_sign():
    assert words.signed(interval(499.8, 479, 521, "s")) == "+8.3 min"
    assert words.signed(interval(-1064, -1120, -1008)) == "−1,060"


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("drain", ("", "drain", "", "")),
        ("queues.billing wait.p99.9", ("queues.billing", "wait", "", "p99.9")),
        ("dead_lettered{cause=throttle}.count", ("", "dead_lettered", "cause=throttle", "count")),
    ],
)
def test_key_is_split_into_scope_metric_label_statistic(key, parts):
    assert words.key_parts(key) == parts


def test_share_is_said_as_people_grasp_it():
    assert [words.one_in(s) for s in (0.988, 0.0108, 7.7e-5, 0.0)] == [
        "98.8 %",
        "1 in 93",
        "1 in 13,000",
        "none",
    ]


def test_ticks_of_one_axis_have_one_unit():
    assert [words.tick(t, 400_000) for t in (0, 200_000, 400_000)] == ["0", "200 k", "400 k"]
    assert [words.tick(t, 2_000) for t in (0, 500, 2_000)] == ["0", "500", "2,000"]
    assert words.tick(1_500_000, 1_600_000) == "1.5 M"


def test_long_name_keeps_both_ends():
    assert words.shortened("abcdefghij", 7) == "abc…hij"
    assert words.shortened("abc", 7) == "abc"
