"""Axes in people's words."""

import pytest

from simulator.reporting import scales, style
from tests.reporting.cases import burst


@pytest.fixture
def axes():
    with style.context():
        yield style.Sheet(burst().setting, "Title", "subtitle").panel(1.4, 1.17)


@pytest.mark.parametrize(
    ("end_s", "labels"),
    [
        (1500, ["0", "5 min", "10 min", "15 min", "20 min", "25 min"]),
        (3600, ["0", "10 min", "20 min", "30 min", "40 min", "50 min", "1 h"]),
        (7200, ["0", "15 min", "30 min", "45 min", "1 h", "1 h 15", "1 h 30", "1 h 45", "2 h"]),
        (86400, ["0", "3 h", "6 h", "9 h", "12 h", "15 h", "18 h", "21 h", "24 h"]),
    ],
)
def test_time_ticks_are_those_people_say(axes, end_s, labels):
    scales.time_axis(axes, end_s, most=10 if end_s == 7200 else 9)
    assert [t.get_text() for t in axes.get_xticklabels()] == labels


@pytest.mark.parametrize("end_s", [1, 7, 59, 61, 1000, 12_345, 100_000, 1_209_600])
def test_time_axis_has_two_to_nine_ticks_whatever_the_duration(axes, end_s):
    scales.time_axis(axes, end_s)
    assert 2 <= len(axes.get_xticks()) <= 10
    assert axes.get_xlim() == (0, end_s)


def test_latency_ticks_have_no_powers_of_ten(axes):
    scales.latency_axis(axes, 0.35, 290.0)
    assert [t.get_text() for t in axes.get_yticklabels()] == ["1 s", "10 s", "1 min"]
    assert axes.get_yscale() == "log"
    assert not len(axes.yaxis.get_minorticklocs())


def test_narrow_range_of_latencies_still_has_ticks(axes):
    scales.latency_axis(axes, 0.30, 0.31)
    assert len(axes.get_yticks()) >= 2


def test_count_axis_starts_at_zero_and_says_when_it_counts_in_thousands(axes):
    assert scales.count_axis(axes, 389_000.0)
    assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > 389_000
    assert not scales.count_axis(axes, 1_422.0)
    assert not scales.count_axis(axes, 0.0)
    assert [t.get_text() for t in axes.get_yticklabels()] == ["0"]
