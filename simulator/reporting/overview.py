"""One glance: rates, backlog, latency, duplicates on one time axis; thresholds and key numbers beside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from simulator.analysis.answer import Certainty, Estimate, Verdict
from simulator.reporting import (
    backlog,
    duplicates,
    findings,
    latency,
    scales,
    style,
    throughput,
    timeline,
    words,
)
from simulator.reporting.frames import Frames, highest_at
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_SPLIT: Final = 0.635
_RIGHT_TEXT: Final = 0.672
_VALUE_RIGHT: Final = 0.865
_PITCH_IN: Final = 0.247
_MARKS: Final = {
    Verdict.HOLDS: ("✓", style.HOLDS),
    Verdict.CROSSED: ("✗", style.CROSSED),
    Verdict.UNDECIDED: ("?", style.GREY),
}


def figure(frames: Frames) -> Figure:
    """Return the chart of the headline's queue with the thresholds of the whole scenario."""
    sheet = style.Sheet(frames.setting, frames.answer.sentence, throughput.subtitle(frames), tall=True)
    top = sheet.top_in + 0.31
    served = [one.path for one in frames.setting.consumers if one.queue == frames.queue]
    alarms = frames.alarms([*served, *frames.alarm_paths()])[: timeline.MOST_ALARMS]
    panels = _panels(sheet, top, timeline.ALARM_IN * (len(alarms) - 1) if alarms else 0.0)
    sheet.heading(words.queue_words(frames.queue))
    for panel in panels:
        scales.time_axis(panel, frames.end_s, most=5, labels=panel is panels[3])
    _rates(sheet, panels[0], frames)
    _backlog(sheet, panels[1], frames)
    _latency(sheet, panels[2], frames)
    _duplicates(sheet, panels[3], frames)
    timeline.events_row(sheet, panels, frames.events(), row_in=top - 0.13, end_s=frames.end_s)
    timeline.alarm_lanes(sheet, panels[1], alarms, end_s=frames.end_s)
    timeline.strip(sheet, panels[3], frames.segments(frames.consumer), frames.consumer, end_s=frames.end_s)
    below = _thresholds(sheet, frames, sheet.top_in + 0.02)
    below = _key_numbers(sheet, key_numbers(frames), below + 0.34)
    _assumptions(sheet, frames.answer.assumptions, below + 0.3)
    return sheet.figure


def key_numbers(frames: Frames) -> list[tuple[str, Estimate]]:
    """Return the nine numbers a reader looks for, with the names people give them."""
    metric = latency.metric_of(frames)
    name = words.METRICS[metric]
    rows = [
        ("messages sent", frames.estimate("sent.count")),
        (f"p50 {name}", frames.estimate(f"{metric}.p50")),
        (f"p99 {name}", frames.estimate(f"{metric}.p99")),
        ("backlog peak", frames.estimate("backlog.max")),
        (_drain_name(frames), frames.estimate("drain")),
        ("duplicates per M", words.in_millionths(frames.estimate("duplicate_delivery.share"))),
        ("dead-lettered", frames.estimate("dead_lettered.count")),
        ("lost", frames.estimate("lost.count")),
        ("processed msg/s", frames.estimate("throughput.rate")),
    ]
    return [
        (label, estimate)
        for label, estimate in rows
        if estimate.certainty is not Certainty.NO_DATA or label in ("messages sent", f"p99 {name}")
    ]


def _drain_name(frames: Frames) -> str:
    since = findings.since(frames)
    if since.startswith("after fault "):
        return "drain after fault"
    return f"drain {since}".replace(" the ", " ").replace("after arrivals end", "at the end")


def _panels(sheet: Sheet, top_in: float, lanes_in: float) -> list[Axes]:
    """Return four panels between the event row and the strip; the third, on a log axis, is the highest.

    Below the second are *lanes_in* more.
    """
    gap, weights = 0.27, (0.95, 0.95, 1.2, 0.9)
    room = sheet.height_in - top_in - style.PLOT_BOTTOM_IN - 3 * gap - lanes_in
    panels = []
    for weight in weights:
        height = room * weight / sum(weights)
        panels.append(sheet.panel(top_in, sheet.height_in - top_in - height, right=_SPLIT))
        top_in += height + gap + lanes_in * (len(panels) == 2)
    return panels


def _name(labels: Labels, axes: Axes, text: str) -> None:
    """Write a small panel's quantity in its upper left corner."""
    left, _, _, top = labels.room
    labels.near(text, (left + 8, top - 2), style.HEADING, size=9.5, keep_px=2)


def _event_edges(labels: Labels, axes: Axes, frames: Frames) -> None:
    for event in frames.events():
        for at in {event.from_s, event.until_s}:
            labels.curve([at, at], axes.get_ylim(), soft=True)


def _rates(sheet: Sheet, axes: Axes, frames: Frames) -> None:
    sent, done = (frames.curve(frames.queue, f"{name}_per_s") for name in ("sent", "processed"))
    throughput.plot_rates(sent, done, axes)
    _fewer_ticks(axes)
    labels = Labels(sheet, axes)
    numbers = [labels.curve(curve.index, curve["mean"]) for curve in (sent, done)]
    _event_edges(labels, axes, frames)
    _name(labels, axes, "msg/s")
    stretch = frames.behind()
    if stretch is None:
        labels.beside("sent and processed", numbers[1], style.PROCESSED)
        return
    room = frames.end_s / 4
    within = (stretch.from_s - room, stretch.until_s + room)
    labels.beside("sent", numbers[0], style.SENT, within=within)
    labels.beside("processed", numbers[1], style.PROCESSED, within=within)


def _backlog(sheet: Sheet, axes: Axes, frames: Frames) -> None:
    curve = frames.curve(frames.queue, "backlog")
    backlog.plot_backlog(curve, axes)
    _fewer_ticks(axes)
    labels = Labels(sheet, axes)
    number = labels.curve(curve.index, curve["mean"])
    _event_edges(labels, axes, frames)
    _name(labels, axes, "backlog")
    stretch = frames.behind()
    within = (stretch.from_s, stretch.until_s) if stretch is not None else None
    labels.beside("visible", number, style.VISIBLE, within=within, sides="left right above")


def _latency(sheet: Sheet, axes: Axes, frames: Frames) -> None:
    metric = latency.metric_of(frames)
    curves = {p: frames.curve(frames.queue, f"{metric}_{p}", log=True) for p in ("p50", "p99")}
    promise = latency.promise_of(frames, metric)
    least, largest = latency.bounds(curves, {}, promise)
    scales.latency_axis(axes, least / 2.4, largest)
    latency.plot_percentiles(curves, axes)
    labels = Labels(sheet, axes)
    numbers = {name: labels.curve(curve.index, curve["mean"]) for name, curve in curves.items()}
    _event_edges(labels, axes, frames)
    if promise is not None and promise.bound > 0:
        axes.axhline(promise.bound, color=style.CROSSED, linewidth=1.2, linestyle=(0, (5, 2.5)), zorder=2.5)
        labels.curve(axes.get_xlim(), [promise.bound] * 2)
    _name(labels, axes, words.METRICS[metric])
    if promise is not None and promise.bound > 0:
        labels.along(
            latency.promise_words(promise, short=True),
            promise.bound,
            style.CROSSED,
            prefer=0.75,
        )
    within = labels.apart(list(numbers.values()))
    for name in ("p99", "p50"):
        labels.beside(name, numbers[name], style.PERCENTILES[name], within=within, sides="above below on")
    latency.hatch_gaps(axes, labels, curves["p99"], frames)


def _duplicates(sheet: Sheet, axes: Axes, frames: Frames) -> None:
    by_cause = duplicates.per_minute(frames)
    duplicates.plot_per_minute(by_cause, axes, frames.bin_s)
    _fewer_ticks(axes)
    labels = Labels(sheet, axes)
    total = by_cause.sum(axis=1) if len(by_cause) else pd.Series(dtype=float)
    for share in (0.3, 0.65, 1.0):
        labels.curve(total.index, total * share, steps=True)
    _event_edges(labels, axes, frames)
    _name(labels, axes, "duplicates/min")
    for cause in list(by_cause.columns[::-1])[:2]:
        if by_cause[cause].sum() > 0.05 * total.sum():
            own = by_cause[cause]
            labels.near(
                cause,
                labels.at(highest_at(own), float(own.max()) * 0.8),
                style.CAUSES[cause],
                size=9,
                weight="bold",
                keep_px=4,
            )
    if by_cause.empty:
        axes.set_yticks([0])
    if by_cause.empty and not findings.nothing_sent(frames):
        labels.near("none seen", labels.at(frames.end_s / 2, 0.5), style.GREY, ha="center")


def _fewer_ticks(axes: Axes) -> None:
    """Leave every second tick where a small panel has more than three."""
    ticks = np.asarray(axes.get_yticks())
    texts = [label.get_text() for label in axes.get_yticklabels()]
    if ticks.size > 4:
        axes.set_yticks(ticks[::2])
        axes.set_yticklabels(texts[::2])


def _thresholds(sheet: Sheet, frames: Frames, row: float) -> float:
    results = list(frames.answer.thresholds)
    sheet.text(_RIGHT_TEXT, row, "Thresholds", size=11, weight="bold", color=style.INK)
    if not results:
        sheet.text(_RIGHT_TEXT, row + 0.28, "none set in the scenario", size=9, color=style.GREY)
        return row + 0.28
    most = 6
    # what fails is shown first where there are more than fit
    shown = (
        sorted(results, key=lambda r: r.verdict is Verdict.HOLDS)[:most] if len(results) > most else results
    )
    room = style.RIGHT - _RIGHT_TEXT - 0.025
    for result in shown:
        row += _PITCH_IN
        mark, colour = _MARKS[result.verdict]
        sheet.text(_RIGHT_TEXT, row, mark, size=11, color=colour)
        value = words.value(result.estimate)
        sheet.text(style.RIGHT, row, value, ha="right", size=9, weight="bold", color=colour)
        free = room - sheet.width(value, size=9, weight="bold") - 0.01
        own = result.text.removeprefix(f"{frames.queue} ")
        text = next(
            (
                t
                for t in (own, *(words.shortened(own, n) for n in range(40, 6, -2)))
                if sheet.width(t, size=9) <= free
            ),
            words.shortened(own, 7),
        )
        sheet.text(_RIGHT_TEXT + 0.025, row, text, size=9, color=style.INK)
    if len(shown) < len(results):
        row += _PITCH_IN
        sheet.text(
            _RIGHT_TEXT + 0.025,
            row,
            f"and {len(results) - len(shown)} more in summary.md",
            size=9,
            color=style.GREY,
        )
    return row


def _key_numbers(sheet: Sheet, rows: Sequence[tuple[str, Estimate]], row: float) -> float:
    from matplotlib.lines import Line2D

    sheet.text(_RIGHT_TEXT, row, "Key numbers", size=11, weight="bold", color=style.INK)
    sheet.text(style.RIGHT, row, "mean  [95 % interval]", ha="right", size=9, color=style.GREY)
    for label, estimate in rows:
        row += _PITCH_IN
        sheet.text(_RIGHT_TEXT, row, label, size=9, color=style.INK)
        sheet.text(
            _VALUE_RIGHT, row, words.value(estimate), ha="right", size=9, weight="bold", color=style.INK
        )
        sheet.text(style.RIGHT, row, words.interval(estimate), ha="right", size=9, color=style.GREY)
        rule = Line2D(
            [_RIGHT_TEXT, style.RIGHT], [sheet.y(row + _PITCH_IN / 2)] * 2, color=style.GRID, linewidth=0.8
        )
        sheet.figure.add_artist(rule)
    return row


def _assumptions(sheet: Sheet, assumptions: Sequence[str], row: float) -> None:
    """Name the values that the run leaned on, as far as there is room above the footer."""
    if not assumptions:
        return
    room, size, pitch = style.RIGHT - _RIGHT_TEXT, 8.5, 0.17
    count = len(assumptions)
    lines = [f"leans on {count} value{'s' * (count > 1)} that AWS does not document:", ""]
    for name in [text.split(" ")[0].rstrip(":,") for text in assumptions]:
        longer = f"{lines[-1]}, {name}" if lines[-1] else words.shortened(name, 40)
        if sheet.width(longer + ",", size=size) <= room:
            lines[-1] = longer
        else:
            lines[-1] += ","
            lines.append(words.shortened(name, 40))
    fit = math.floor((sheet.height_in - 0.42 - row) / pitch) + 1
    if len(lines) > fit:
        lines = [*lines[: max(1, fit - 1)], "… all in summary.md"]
    for line in lines[: max(0, fit)]:
        sheet.text(_RIGHT_TEXT, row, line, size=size, color=style.GREY)
        row += pitch
