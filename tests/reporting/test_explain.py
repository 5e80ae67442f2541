"""The picture and the words of a life: legible, the same bytes, every number re-added from rows."""

import itertools
import re
import struct

import pytest
from matplotlib.text import Text

from simulator.analysis.life import Life
from simulator.analysis.steps import copy_steps, sending
from simulator.experiments.setting import setting_of
from simulator.recording.tables import NONE
from simulator.reporting import explain, style
from simulator.reporting.life_findings import avoided, title
from simulator.reporting.life_lanes import picture
from simulator.reporting.life_words import clock, span
from tests.experiments.lives import ASKED, told

DURATION = re.compile(r"(?<![\w.,])[\d,.]+ (?:µs|ms|s|min|h|d)\b(?: \d\d\b)?")


def bytes_of(name):
    case = told(name)
    setting = setting_of(case.scenario, seed=42, replications=1)
    return explain.png(case.life, setting, case.avoidance, 0)


def texts_of(name):
    """Words of the picture and their rectangles [px]."""
    case = told(name)
    setting = setting_of(case.scenario, seed=42, replications=1)
    with style.context():
        figure = explain.figure(case.said, setting, case.avoidance, 0)
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        extents = [
            (text.get_text(), text.get_window_extent(renderer))
            for text in figure.findobj(Text)
            if isinstance(text, Text) and text.get_text().strip() and text.get_visible()
        ]
    return [(text, box.x0, box.y0, box.x1, box.y1) for text, box in extents]


def durations(life: Life) -> set[str]:
    """Every distance of two instants of the life's rows, and every time that a limit bound, in words."""
    instants = {life.offered_at, life.accepted_at}
    extra = set()
    for copy in life.copies:
        for stay in copy.stays:
            instants |= {stay.sent_at, stay.arrived_at, stay.visible_at, stay.ended_at, stay.queued.free_at}
            extra |= {us for wait in stay.waits for _, _, us in wait.held}
            for delivery in stay.deliveries:
                batch = delivery.invocation
                instants |= {delivery.received_at, delivery.started_at, delivery.ended_at, delivery.left_at}
                instants |= {batch.began_at, batch.over_at, batch.mates.gathered_at}
                extra.add(batch.init_us)
    known = sorted(instants - {NONE})
    extra |= {b - a for a, b in itertools.combinations(known, 2)} | {0}
    return {span(us) for us in extra}


@pytest.mark.parametrize("name", ASKED)
def test_every_duration_of_words_and_picture_is_a_difference_of_instants_in_the_rows(name):
    case = told(name)
    steps = [*sending(case.life), *(step for copy in case.life.copies for step in copy_steps(copy))]
    said = [case.said.sentence(step) for step in steps] + [title(case.said)]
    drawn = picture(case.said)
    said += [text for lane in drawn.lanes for bar in lane.bars for text in (*bar.texts, bar.after)]
    said += [text for mark in drawn.marks for text in mark.texts]
    said += [drawn.decisive[1]] if drawn.decisive else []
    found = [duration for text in said for duration in DURATION.findall(text)]
    assert found and set(found) <= durations(case.life)


@pytest.mark.parametrize("name", ASKED)
def test_words_are_inside_the_sheet_and_none_overlap(name):
    texts = texts_of(name)
    for text, x0, y0, x1, y1 in texts:
        assert x0 >= 0 and y0 >= 0 and x1 <= 1600 and y1 <= 800, text
    overlapping = [
        (a[0], b[0])
        for a, b in itertools.combinations(texts, 2)
        if a[1] < b[3] - 1 and b[1] < a[3] - 1 and a[2] < b[4] - 2 and b[2] < a[4] - 2
    ]
    assert not overlapping


@pytest.mark.parametrize("name", ["overdue", "poison"])
def test_the_same_life_gives_the_same_bytes_of_1600_by_800(name):
    once = bytes_of(name)
    assert once == bytes_of(name)
    assert struct.unpack(">II", once[16:24]) == (1600, 800)


def test_the_title_names_the_outcome_and_both_numbers():
    assert title(told("overdue").said) == (
        "Processed twice: its batch of 10 was in hand for 32.0 s, the visibility timeout gave it 30 s"
    )
    assert title(told("retried").said) == (
        "Delivered again: its sender sent it once more, 1.22 s after it was first there"
    )
    assert title(told("poison").said) == (
        "Dead-lettered: all 4 receives failed (it is poison), receive attempt 5 moved it"
    )
    assert title(told("expired").said) == (
        "Lost: it waited 1 min unreceived, orders kept it 1 min after it was sent"
    )


@pytest.mark.parametrize("name", [name for name in ASKED if name not in ("clean", "fan_out", "unconsumed")])
def test_one_red_line_is_at_the_decisive_instant(name):
    case = told(name)
    decisive = picture(case.said).decisive
    assert decisive is not None
    steps = copy_steps(case.life.copies[case.life.shown])
    assert decisive[0] in {step.at - case.life.offered_at for step in steps}


def test_bars_of_a_queue_lane_leave_no_gap_between_arrival_and_end():
    for name in ASKED:
        for lane in picture(told(name).said).lanes:
            if lane.source == NONE:
                for one, other in itertools.pairwise(lane.bars):
                    assert one.until_us == other.from_us


def test_a_remedy_is_said_with_its_path_in_words_and_without_its_thing_in_the_picture():
    case = told("overdue")
    assert avoided(case.said, case.avoidance) == [
        "It would not have happened with queues.orders.visibility_timeout ≥ 32 s, or with"
        " auto_scaling_groups.fleet.receive.delete: each, or with a heartbeat"
        " (auto_scaling_groups.fleet.heartbeat)."
    ]
    assert avoided(case.said, case.avoidance, short=True) == [
        "It would not have happened with visibility_timeout ≥ 32 s, or with receive.delete: each,"
        " or with a heartbeat."
    ]


def test_instants_are_told_to_the_millisecond():
    assert clock(0) == "0.000 s"
    assert clock(59_999_600) == "1 min 00.000 s"
    assert clock(3_723_004_000) == "1 h 02 min 03.004 s"
    assert clock(-90_000_000_000) == "−1 d 01 h 00 min 00.000 s"
