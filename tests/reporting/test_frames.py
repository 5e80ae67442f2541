"""What charts are given: bands, stretches of limits, times behind."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulator.reporting.frames import Frames, Segment, across, segments
from tests.reporting import synthetic
from tests.reporting.cases import burst
from tests.reporting.test_charts import frames_of


def runs(*rows):
    return pd.DataFrame(rows, index=np.arange(len(rows), dtype=float))


def test_band_is_students_t_over_replications():
    frame = across(runs([1.0, 2.0, 3.0]))
    assert frame["mean"][0] == 2
    assert frame["high"][0] - 2 == pytest.approx(4.302653 * 1.0 / math.sqrt(3))


def test_band_on_a_log_axis_is_of_the_logarithm():
    frame = across(runs([1.0, 100.0]), log=True)
    assert frame["mean"][0] == pytest.approx(10)
    assert frame["low"][0] > 0
    assert frame["low"][0] * frame["high"][0] == pytest.approx(100)


def test_band_of_a_count_never_falls_below_zero():
    assert across(runs([0.0, 0.0, 9.0]))["low"][0] == 0


def test_one_run_has_a_mean_and_no_band():
    frame = across(runs([5.0]))
    assert frame["mean"][0] == 5
    assert math.isnan(frame["low"][0])


def test_bin_without_data_has_no_mean_and_one_without_an_end_says_so():
    frame = across(runs([math.nan, math.nan], [1.0, math.inf], [1.0, math.nan]))
    assert math.isnan(frame["mean"][0]) and frame["never"][0] == 0
    assert math.isnan(frame["mean"][1]) and frame["never"][1] == 0.5
    assert frame["mean"][2] == 1


def limit_rows(*bins):
    return pd.DataFrame(
        [(60.0 * k, 0, name, share) for k, one in enumerate(bins) for name, share in one.items()],
        columns=["at_s", "replication", "limit", "share"],
    )


def test_border_between_limits_is_moved_by_their_shares_of_the_bins():
    rows = limit_rows({"ARRIVALS": 1.0}, {"ARRIVALS": 0.25, "RAMP": 0.75}, {"RAMP": 1.0})
    assert segments(rows, 60.0, 180.0, shortest_s=1.0) == [
        Segment("arrivals", 0.0, 75.0), Segment("ramp", 75.0, 180.0),
    ]  # fmt: skip


def test_short_stretch_goes_to_its_longer_neighbour():
    rows = limit_rows(*[{"arrivals": 1.0}] * 5, {"ramp": 1.0}, *[{"arrivals": 1.0}] * 3)
    assert segments(rows, 60.0, 540.0, shortest_s=61.0) == [Segment("arrivals", 0.0, 540.0)]
    assert len(segments(rows, 60.0, 540.0, shortest_s=59.0)) == 3


def test_limit_is_the_one_that_most_runs_were_at():
    rows = pd.concat(
        limit_rows({"arrivals" if run < 1 else "ramp": 1.0}).assign(replication=run) for run in range(3)
    )
    assert segments(rows, 60.0, 60.0, shortest_s=1.0) == [Segment("ramp", 0.0, 60.0)]


def test_processing_is_behind_from_the_burst_until_the_backlog_is_gone():
    frames = frames_of("burst")
    stretch = frames.behind()
    assert stretch is not None and stretch.ended
    assert stretch.from_s == pytest.approx(1800, abs=60)
    drained = burst().estimates[f"{synthetic.BILLING} drain"].mean
    assert stretch.until_s == pytest.approx(2400 + drained, abs=120)
    assert frames.event_of(stretch) == burst().setting.events[0]


def test_constant_traffic_is_behind_only_while_polling_ramps_up():
    assert all(stretch.until_s <= 180 for stretch in frames_of("constant").stretches())


def test_backlog_that_is_left_at_the_end_has_not_ended():
    stretch = frames_of("never_drained").behind()
    assert stretch is not None and not stretch.ended


def test_charted_queue_is_the_headlines():
    assert frames_of("burst").queue == synthetic.BILLING


def test_charted_queue_is_the_worst_where_the_headline_names_none():
    made = burst()
    setting = replace(made.setting, headline="end_to_end.p99")
    worst = max(setting.queues, key=lambda queue: made.estimates[f"{queue} end_to_end.p99"].mean)
    assert Frames(replace(made, setting=setting)).queue == worst
