"""Where words go: near what they name, never on each other, not on the curves."""

import numpy as np
import pytest

from simulator.reporting import style
from simulator.reporting.labels import Box, Labels
from tests.reporting.cases import burst


@pytest.fixture
def sheet():
    with style.context():
        yield style.Sheet(burst().setting, "Title", "subtitle")


@pytest.fixture
def panel(sheet):
    axes = sheet.panel(1.4, 1.17)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    return axes


def box_of(text):
    extent = text.get_window_extent()
    return Box(extent.x0, extent.y0, extent.x1, extent.y1)


def inside(box, points):
    x, y = points[:, 0], points[:, 1]
    return ((x > box.left) & (x < box.right) & (y > box.bottom) & (y < box.top)).sum()


def test_label_stands_where_the_curves_are_furthest_apart(sheet, panel):
    labels = Labels(sheet, panel)
    x = np.linspace(0, 100, 200)
    gap = 40 * np.exp(-((x - 70) ** 2) / 60)
    upper, lower = labels.curve(x, 50 + gap), labels.curve(x, 50 - gap)
    with style.context():
        text = labels.beside("upper", upper, style.SENT)
        other = labels.beside("lower", lower, style.PROCESSED)
    for one in (text, other):
        middle = panel.transData.inverted().transform(((box_of(one).left + box_of(one).right) / 2, 300))[0]
        assert 55 < middle < 85
    assert box_of(text).bottom > box_of(other).top


def test_labels_do_not_touch_each_other_or_another_curve(sheet, panel):
    labels = Labels(sheet, panel)
    x = np.linspace(0, 100, 300)
    levels = [20, 45, 70]
    numbers = [labels.curve(x, level + 3 * np.sin(x)) for level in levels]
    boxes = [box_of(labels.beside(f"curve {k}", number, style.SENT)) for k, number in enumerate(numbers)]
    boxes += [box_of(labels.near(f"note {k}", labels.at(50, 50), style.SENT)) for k in range(4)]
    for k, box in enumerate(boxes):
        assert not any(box.touches(other) for other in boxes[k + 1 :])
    points = panel.transData.transform(np.column_stack([x, 45 + 3 * np.sin(x)]))
    assert all(inside(box, points) == 0 for k, box in enumerate(boxes) if k != 1)


def test_note_is_left_out_where_there_is_no_free_place(sheet, panel):
    labels = Labels(sheet, panel)
    x = np.linspace(0, 100, 60)
    for level in range(0, 101, 3):
        labels.curve(x, np.full(60, float(level)))
    assert labels.near("a note of some length", labels.at(50, 50), style.SENT) is None


def test_headed_note_keeps_its_lines_in_order(sheet, panel):
    labels = Labels(sheet, panel)
    labels.headed("empty at 45 min", ["first", "second"], labels.at(50, 50))
    heights = {t.get_text(): box_of(t).bottom for t in sheet.figure.texts}
    assert heights["empty at 45 min"] > heights["first"] > heights["second"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([5.0, 50.0], [5.0, 50.0]),
        ([50.0, 50.0], [44.5, 55.5]),
        ([1.0, 99.0], [5.0, 95.0]),
        ([90.0, 95.0, 99.0], [73.0, 84.0, 95.0]),
    ],
)
def test_labels_of_a_row_are_pushed_apart_and_stay_inside(wanted, expected):
    assert style.spread(wanted, [10.0] * len(wanted), 0.0, 100.0, 1.0) == pytest.approx(expected)


def test_title_breaks_at_the_comma_with_the_longer_line_first(sheet):
    with style.context():
        long = (
            "p99 end-to-end reaches 4.64 min after the burst; the 2 s promise is broken in 25 of 114 minutes"
        )
        texts = [
            t.get_text()
            for t in style.Sheet(burst().setting, long, "").figure.texts
            if t.get_fontweight() == "bold"
        ]
    assert len(texts) == 2
    assert texts[0].endswith(";")
    assert " ".join(texts).replace("\u00a0", " ") == long


def test_short_title_is_one_line_and_leaves_more_room():
    with style.context():
        short = style.Sheet(burst().setting, "Nothing was sent", "")
        long = style.Sheet(burst().setting, "Nothing was sent " * 6, "")
    assert short.top_in < long.top_in
