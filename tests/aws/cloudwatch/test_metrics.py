"""Metrics as others see them: a period's point is published later (status model)."""

import math

from simulator.aws.cloudwatch.metrics import PublishedSeries

MINUTE = 60_000_000


def series() -> PublishedSeries:
    published = PublishedSeries(MINUTE, publish_delay_us=MINUTE)
    for k in range(5):
        published.add(7 + k * MINUTE, float(k))
    return published


def test_a_point_is_seen_from_the_instant_it_is_published_and_not_before():
    assert list(series().points(7 + MINUTE - 1, 3)) == []
    assert list(series().points(7 + MINUTE, 3)) == [0.0]


def test_the_newest_points_come_last_and_no_more_than_asked_for():
    assert list(series().points(100 * MINUTE, 3)) == [2.0, 3.0, 4.0]
    assert list(series().points(100 * MINUTE, 99)) == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_nothing_is_seen_before_the_first_sample():
    assert list(PublishedSeries(MINUTE, 0).points(MINUTE, 3)) == []


def test_a_period_left_out_is_a_missing_point_not_a_zero():
    published = PublishedSeries(MINUTE, 0)
    published.add(0, 5.0)
    published.add(3 * MINUTE, 8.0)
    points = list(published.points(3 * MINUTE, 4))
    assert points[0] == 5.0 and points[3] == 8.0
    assert math.isnan(points[1]) and math.isnan(points[2])
