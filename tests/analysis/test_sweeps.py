"""Which point of a sweep to take, and where a curve has its knee."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from simulator.analysis.answer import Answer, Certainty, Estimate, Setting, ThresholdResult, Verdict
from simulator.analysis.sweeps import Point, Sweep, bend

SETTING = Setting(
    name="fleet", question="", duration_s=60.0, seed=1, replications=4, rules="2026", version="0", traffic="",
    consumers=(), queues=(), dead_letter_queues=(), events=(), headline="wait.p95",
)  # fmt: skip
H, C, U = Verdict.HOLDS, Verdict.CROSSED, Verdict.UNDECIDED


def estimate(mean: float, certainty: Certainty = Certainty.INTERVAL, unit: str = "s") -> Estimate:
    return Estimate(mean, mean * 0.9, mean * 1.1, unit, certainty, 4)


def point(value: str, verdict: Verdict | None, wait: float = 1.0, cost: float = math.nan) -> Point:
    estimates = {"wait.p95": estimate(wait)}
    if not math.isnan(cost):
        estimates["cost.month"] = estimate(cost, unit="USD")
    results = [] if verdict is None else [
        ThresholdResult("wait.p95 < 1s", "wait.p95", 1.0, estimates["wait.p95"], verdict, "")
    ]  # fmt: skip
    empty = pd.DataFrame()
    return Point(tuple(value.split()), Answer(SETTING, estimates, results, empty, empty, empty))


def sweep(*points: Point) -> Sweep:
    return Sweep(tuple("ab"[: len(points[0].values)]), "wait.p95", points)


@pytest.mark.parametrize(
    ("verdicts", "chosen"),
    [
        ([C, C, H, H], "2"),
        ([H, H], "0"),
        ([C, C], None),
        ([C, H, C, H], "3"),
        ([C, H, U], None),
        ([H, H, C], "1"),
        ([H, U, C], "0"),
        ([H, C, H, C], None),
        ([U, H, H], "1"),
        ([None, None], None),
    ],
)
def test_the_first_value_from_which_on_all_hold_is_taken(verdicts, chosen):
    taken = sweep(*(point(str(place), one) for place, one in enumerate(verdicts))).chosen
    assert (taken and taken.values[0]) == chosen


def test_the_last_that_holds_is_taken_where_more_is_worse():
    assert sweep(point("10", H), point("20", H), point("30", C)).falls
    assert not sweep(point("1", C), point("2", H)).falls
    assert not sweep(point("1", C), point("2", C)).falls


def test_a_time_of_an_overloaded_queue_is_no_number_of_the_system():
    told = ("queues.a is overloaded: needs 5 busy slots, has 4; its backlog grows by 3/s when arrivals end",)
    grows = point("1", C)
    grows = replace(grows, answer=replace(grows.answer, warnings=told))
    grows.answer.estimates["queues.b wait.p95"] = estimate(1.0)  # type: ignore[index]
    grows.answer.estimates["cost.month"] = estimate(1.0, unit="USD")  # type: ignore[index]
    assert not grows.shown("wait.p95")
    assert grows.shown("queues.b wait.p95") and grows.shown("cost.month")


def test_of_two_settings_the_cheapest_that_holds_is_taken():
    points = [("1 1", C, 1), ("1 2", H, 9), ("2 1", H, 5), ("2 2", U, 2)]
    found = sweep(*(point(value, verdict, cost=cost) for value, verdict, cost in points))
    assert found.chosen is found.points[2]
    unpriced = sweep(point("1 1", C), point("1 2", H), point("2 1", H))
    assert unpriced.chosen is unpriced.points[1]


def test_a_knee_is_where_the_curve_is_furthest_from_its_chord():
    assert bend([0, 1, 2, 3, 4], [100, 10, 5, 3, 2]) == 1
    assert bend([0, 1, 2, 3, 4], [0, 0, 0, 0, 10]) == 3


@pytest.mark.parametrize("ys", [[5, 5, 5, 5], [4, 3, 2, 1], [4.1, 2.9, 2.1, 0.9]])
def test_a_straight_line_has_no_knee(ys):
    assert bend([0, 1, 2, 3], ys) is None


def test_latencies_bend_on_a_logarithmic_scale_and_gaps_are_left_out():
    waits = [600.0, 60.0, 6.0, 0.6, 0.06, 0.05, 0.045, 0.04]
    found = sweep(*(point(str(place), C, wait) for place, wait in enumerate(waits)))
    assert found.knee is found.points[4]
    worst = Point(("x",), point("x", C).answer)
    worst.answer.estimates["wait.p95"] = estimate(9.0, Certainty.NEVER)  # type: ignore[index]
    with_gap = sweep(worst, *found.points)
    assert with_gap.knee is with_gap.points[5]


def test_a_wait_of_0_stands_at_the_least_above_it():
    waits = [600.0, 60.0, 6.0, 0.6, 0.0, 0.0, 0.0, 0.0]
    found = sweep(*(point(str(place), C, wait) for place, wait in enumerate(waits)))
    assert found.knee is found.points[3]
