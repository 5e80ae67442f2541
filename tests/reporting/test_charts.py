"""Every chart of every shape of answer: legible, aligned, the same bytes."""

import itertools
from functools import cache

import numpy as np
import pytest
from matplotlib.text import Text

from simulator.reporting import (
    backlog,
    capacity,
    comparison,
    duplicates,
    latency,
    overview,
    style,
    throughput,
)
from simulator.reporting.frames import Frames
from tests.reporting import synthetic
from tests.reporting.cases import CASES, burst, case

CHARTS = {
    "overview": overview.figure,
    "throughput": throughput.figure,
    "latency": latency.figure,
    "duplicates": duplicates.figure,
    "backlog": backlog.figure,
    "capacity": capacity.figure,
}


@cache
def frames_of(name):
    return Frames(case(name))


@cache
def drawn(chart, name):
    """The figure, drawn once so that every tick stands where it will."""
    with style.context():
        figure = CHARTS[chart](frames_of(name))
        if figure is not None:
            figure.canvas.draw()
    return figure


def words_of(figure):
    """Texts and their rectangles [px]."""
    renderer = figure.canvas.get_renderer()
    found = []
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible():
            extent = text.get_window_extent(renderer)
            found.append((text.get_text(), extent.x0, extent.y0, extent.x1, extent.y1))
    return found


def overlapping(texts):
    return [
        (a[0], b[0])
        for a, b in itertools.combinations(texts, 2)
        if a[1] < b[3] - 1 and b[1] < a[3] - 1 and a[2] < b[4] - 2 and b[2] < a[4] - 2
    ]


def strip_of(figure):
    return next(
        axes for axes in figure.axes if axes.get_position().height < 0.05 and axes.get_position().y0 < 0.2
    )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("chart", CHARTS)
def test_words_are_inside_the_sheet_and_none_overlap(chart, name):
    figure = drawn(chart, name)
    if figure is None:
        assert chart == "capacity" and not frames_of(name).setting.consumers
        return
    width, height = figure.canvas.get_width_height()
    texts = words_of(figure)
    outside = [t for t in texts if t[1] < 0 or t[2] < 0 or t[3] > width or t[4] > height]
    assert not outside
    assert not overlapping(texts)


@pytest.mark.parametrize("chart", CHARTS)
def test_sheet_has_the_size_of_the_guide(chart):
    figure = drawn(chart, "burst")
    assert figure.canvas.get_width_height() == (1600, 1000 if chart in ("overview", "capacity") else 800)


@pytest.mark.parametrize("name", ["burst", "overloaded", "24_hours"])
@pytest.mark.parametrize("chart", CHARTS)
def test_strip_shares_x_with_the_plot_above_it(chart, name):
    figure = drawn(chart, name)
    strip = strip_of(figure)
    place = strip.get_position()
    above = [axes for axes in figure.axes if axes is not strip and axes.get_position().x0 == place.x0]
    assert above
    for axes in above:
        assert axes.get_position().x1 == place.x1
        assert axes.get_xlim() == strip.get_xlim()


@pytest.mark.parametrize("chart", CHARTS)
def test_same_answer_gives_the_same_bytes(chart):
    with style.context():
        figures = [CHARTS[chart](Frames(burst())) for _ in range(2)]
        first, second = (style.png(figure) for figure in figures if figure is not None)
    assert first == second
    assert b"Software" not in first


def test_users_matplotlib_settings_change_nothing():
    import matplotlib

    with style.context():
        plain = style.png(throughput.figure(frames_of("burst")))
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.grid": True, "figure.dpi": 40}):
        with style.context():
            other = style.png(throughput.figure(frames_of("burst")))
        assert matplotlib.rcParams["font.size"] == 30
    assert plain == other


def lines_by_colour(axes):
    return {line.get_color(): line for line in axes.lines if len(line.get_xdata()) > 2}


def test_curves_have_the_colour_of_their_meaning():
    rates = lines_by_colour(drawn("throughput", "burst").axes[0])
    assert {style.SENT, style.PROCESSED} <= set(rates)
    assert np.max(rates[style.SENT].get_ydata()) > 1.3 * np.max(rates[style.PROCESSED].get_ydata())
    assert set(lines_by_colour(drawn("latency", "burst").axes[0])) >= set(style.PERCENTILES.values())
    assert {style.IN_SERVICE, style.SENT} <= set(lines_by_colour(drawn("capacity", "burst").axes[0]))
    assert style.VISIBLE in lines_by_colour(drawn("backlog", "burst").axes[0])


def test_label_has_the_colour_of_its_curve():
    labels = {t.get_text(): t.get_color() for t in drawn("throughput", "burst").findobj(Text)}
    assert labels["sent"] == style.SENT
    assert labels["processed"] == style.PROCESSED
    assert labels["failed attempts/s"] == style.FAILED


def test_gap_without_data_is_hatched_and_named_and_never_joined():
    figure = drawn("latency", "pause")
    p99 = lines_by_colour(figure.axes[0])[style.PERCENTILES["p99"]]
    x, y = np.asarray(p99.get_xdata(), dtype=float), np.asarray(p99.get_ydata(), dtype=float)
    silent = (x > 4830) & (x < 5370)
    assert silent.any() and np.isnan(y[silent]).all()
    hatched = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    assert len(hatched) == 1
    assert "no data:\nnothing sent" in [t[0] for t in words_of(figure)]


def test_one_run_has_no_band():
    for chart in ("throughput", "latency", "backlog"):
        bands = [c for c in drawn(chart, "burst").axes[0].collections if c.get_alpha() == 0.28]
        alone = [c for c in drawn(chart, "one_run").axes[0].collections if c.get_alpha() == 0.28]
        assert len(alone) < len(bands)
    assert "one run" in " ".join(t[0] for t in words_of(drawn("throughput", "one_run")))


def test_chart_says_which_queue_only_where_there_are_several():
    assert any("queue billing" in t[0] for t in words_of(drawn("throughput", "burst")))
    assert not any("queue billing" in t[0] for t in words_of(drawn("throughput", "function_only")))


def test_time_axis_goes_on_until_the_backlog_that_arrivals_leave_is_gone():
    assert frames_of("burst").end_s == burst().setting.duration_s
    overloaded = frames_of("overloaded")
    assert overloaded.end_s > 1.05 * overloaded.setting.duration_s
    assert "arrivals end" in [event.label for event in overloaded.events()]


def compared():
    base, other = burst(), synthetic.make(maximum=230.0, variant="fifo", seed=43)
    return base, synthetic.against(base, other)


def test_comparison_is_legible_and_its_bytes_repeat():
    base, other = compared()
    with style.context():
        figure = comparison.figure(Frames(base), Frames(other))
        figure.canvas.draw()
        again = style.png(comparison.figure(Frames(base), Frames(other)))
        assert style.png(figure) == again
    texts = words_of(figure)
    assert not overlapping(texts)
    assert all(t[1] >= 0 and t[3] <= 1600 and t[2] >= 0 and t[4] <= 800 for t in texts)
    curves = lines_by_colour(figure.axes[0])
    assert {style.BASE, style.VARIANT} <= set(curves)
