"""How big is the backlog, when is it empty? What waits as an area, in flight below, the binding limit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from simulator.analysis.answer import Certainty
from simulator.reporting import findings, scales, style, throughput, timeline, words
from simulator.reporting.frames import Frames, Stretch
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet


def figure(frames: Frames) -> Figure:
    """Return the chart of the headline's queue."""
    sheet = style.Sheet(frames.setting, title(frames), throughput.subtitle(frames))
    top = sheet.top_in + 0.35
    axes = sheet.panel(top, 2.03)
    lower = sheet.panel(sheet.height_in - 1.78, style.PLOT_BOTTOM_IN)
    backlog, in_flight = frames.curve(frames.queue, "backlog"), frames.curve(frames.queue, "in_flight")
    in_thousands = plot_backlog(backlog, axes)
    in_thousands |= plot_in_flight(in_flight, lower)
    scales.time_axis(axes, frames.end_s, labels=False)
    scales.time_axis(lower, frames.end_s)
    where = words.queue_words(frames.queue) if frames.of_queue else "the queue"
    sheet.heading(f"messages in {where}{', k = thousand' * in_thousands}")
    timeline.events_row(sheet, [axes, lower], frames.events(), row_in=top - 0.155, end_s=frames.end_s)
    timeline.strip(sheet, lower, frames.segments(frames.consumer), frames.consumer, end_s=frames.end_s)
    _label_backlog(sheet, axes, backlog, frames)
    _label_in_flight(sheet, lower, in_flight, frames)
    return sheet.figure


def title(frames: Frames) -> str:
    """Return the finding: the peak, and when it is empty, or what is missing for that."""
    if findings.nothing_sent(frames):
        return "Nothing was sent: the queue stays empty"
    peak = frames.estimate("backlog.max")
    stretch = frames.behind()
    most = (
        words.value(peak)
        if math.isfinite(peak.mean)
        else (words.number(stretch.peak) if stretch else words.DASH)
    )
    if stretch is None:
        return f"No backlog builds up: at most {most} messages wait"
    stretches = frames.stretches()
    if len(stretches) > 1 and (stretches[-1].ended or math.isfinite(frames.estimate("drain").mean)):
        longest = max(findings.behind_s(frames, one) for one in stretches)
        return (
            f"The backlog builds up {len(stretches)} times, to at most {most} messages, "
            f"and is gone within {words.duration(longest, 2)} each time"
        )
    if not stretch.ended:
        growth = _growth(frames)
        missing = f": arrivals exceed processing by {words.number(growth)} msg/s" if growth > 0 else ""
        return f"The backlog reaches {most} messages and is never empty{missing}"
    drain, start, whence = frames.estimate("drain"), frames.setting.drain_from_s, findings.since(frames)
    if findings.drain_ends_with(frames, stretch):
        return f"The backlog peaks at {most} messages and is empty {words.value(drain)} {whence}"
    if not math.isfinite(start) or start < stretch.peak_at_s or start > stretch.until_s + stretch.length_s:
        lasting = words.duration(findings.behind_s(frames, stretch), 2)
        return f"The backlog peaks at {most} messages and is gone after {lasting}"
    gone = words.duration(abs(stretch.until_s - start), 2)
    later = drain.mean > abs(stretch.until_s - start)  # else it is of those sent before only
    done = f", and the last message done {words.value(drain)}" if later else ""
    if stretch.until_s < start:
        early = f"{gone} before {whence.removeprefix('after ').removeprefix('past ')}"
        return f"The backlog peaks at {most} messages; it is gone {early}{done}{f' {whence}' if done else ''}"
    return f"The backlog peaks at {most} messages; it is gone {gone}{done}{',' if done else ''} {whence}"


def plot_backlog(backlog: pd.DataFrame, axes: Axes) -> bool:
    """Draw waiting messages [1] over time [s] as an area; whether the axis counts in thousands."""
    style.line(axes, backlog, style.VISIBLE, width=2.4, zorder=4)
    axes.fill_between(
        backlog.index, 0, backlog["mean"], color=style.VISIBLE, alpha=0.28, linewidth=0, zorder=2
    )
    tops = [float(backlog[c].max()) for c in ("mean", "high") if backlog[c].notna().any()]
    return scales.count_axis(axes, max(tops, default=0.0), whole=True)


def plot_in_flight(in_flight: pd.DataFrame, axes: Axes) -> bool:
    """Draw messages in flight [1] over time [s]; whether the axis counts in thousands."""
    style.line(axes, in_flight, style.IN_FLIGHT, width=2.2, zorder=4)
    tops = [float(in_flight[c].max()) for c in ("mean", "high") if in_flight[c].notna().any()]
    return scales.count_axis(axes, max(tops, default=0.0), most=2, whole=True)


def _growth(frames: Frames) -> float:
    """Return how much faster messages come than they are processed while arrivals last [msg/s]."""
    backlog = frames.curve(frames.queue, "backlog")["mean"].dropna()
    during = backlog[backlog.index <= frames.setting.duration_s]
    half = during[during.index >= during.index[-1] / 2] if len(during) > 2 else during
    if len(half) < 2:
        return 0.0
    return float((half.iloc[-1] - half.iloc[0]) / (half.index[-1] - half.index[0]))


def _label_backlog(sheet: Sheet, axes: Axes, backlog: pd.DataFrame, frames: Frames) -> None:
    labels = Labels(sheet, axes)
    curve = labels.curve(backlog.index, backlog["mean"])
    for event in frames.events():
        for at in {event.from_s, event.until_s}:
            labels.curve([at, at], axes.get_ylim(), soft=True)
    if backlog["mean"].isna().all():
        style.hatched(axes, 0, frames.end_s)
        labels.near("no data", labels.at(frames.end_s / 2, axes.get_ylim()[1] / 2), style.GREY, ha="center")
        return
    _closed_form(labels, axes, frames)
    stretch = frames.behind()
    if stretch is None:
        labels.beside("visible (waiting)", curve, style.VISIBLE)
        return
    labels.beside(
        "visible\n(waiting)", curve, style.VISIBLE, within=(stretch.from_s, stretch.peak_at_s), sides="left"
    )
    if stretch.ended:
        _empty_post(labels, axes, frames, stretch)
    else:
        labels.near(
            "still waiting when\nthe run ends",
            labels.at(frames.end_s, axes.get_ylim()[1] * 0.3),
            style.CROSSED,
            size=10,
            weight="bold",
        )


def _empty_post(labels: Labels, axes: Axes, frames: Frames, stretch: Stretch) -> None:
    """Stand a post where the last message is done, with the interval and the range over runs.

    Messages that come back after failures can be done long after nothing is visible any more.
    """
    drain, start = frames.estimate("drain"), frames.setting.drain_from_s
    at = start + drain.mean
    if drain.certainty not in (Certainty.INTERVAL, Certainty.EXACT) or not math.isfinite(at):
        return
    height = 0.34 * axes.get_ylim()[1]
    axes.plot([at, at], [0, height], color=style.INK, linewidth=1.6, zorder=5)
    axes.plot([at], [height], "s", color=style.INK, markersize=5, zorder=5)
    labels.curve([at, at], [0, height])
    lines = []
    if math.isfinite(drain.low):
        lines.append(
            f"95 % interval {words.duration(start + drain.low)} to {words.duration(start + drain.high)}"
        )
    runs = [value for value in drain.values if math.isfinite(value)]
    if len(runs) > 1:
        lines.append(f"{words.duration(start + min(runs))} to {words.duration(start + max(runs))} over runs")
    what = "empty" if findings.drain_ends_with(frames, stretch) else "last message done"
    x, y = labels.at(at, height)
    labels.headed(f"{what} at {words.duration(at)}", lines, (x + 24, y), keep_px=8)


def _closed_form(labels: Labels, axes: Axes, frames: Frames) -> None:
    for form in frames.answer.closed_forms:
        if form.scope != frames.queue or form.quantity != "backlog" or not 0 <= form.at_s <= frames.end_s:
            continue
        if not 0 <= form.value <= axes.get_ylim()[1]:
            continue
        axes.plot(
            [form.at_s],
            [form.value],
            "o",
            markersize=7.5,
            markerfacecolor="white",
            markeredgecolor=style.INK,
            markeredgewidth=1.7,
            zorder=7,
        )
        text = f"closed form {words.number(form.value)} at {words.duration(form.at_s)}"
        x, y = labels.at(form.at_s, form.value)
        labels.near(f"{text}\n{form.text}" if form.text else text, (x + 12, y), style.INK, keep_px=8)


def _label_in_flight(sheet: Sheet, axes: Axes, in_flight: pd.DataFrame, frames: Frames) -> None:
    labels = Labels(sheet, axes)
    labels.curve(in_flight.index, in_flight["mean"])
    high = axes.get_ylim()[1]
    labels.near("in flight", labels.at(0.0, high), style.IN_FLIGHT, size=10, weight="bold", keep_px=3)
    limit = frames.setting.in_flight_limits.get(frames.queue, math.nan)
    if not math.isfinite(limit) or in_flight["mean"].isna().all():
        return
    largest = float(in_flight["mean"].max())
    if limit <= high:
        axes.axhline(limit, color=style.YOURS, linewidth=1.1, linestyle=(0, (1, 2)))
    share = (
        "never near"
        if largest < 0.5 * limit
        else f"{words.percent(min(1.0, largest / limit), 2)} used at the peak"
    )
    labels.near(
        f"limit {words.number(limit)}, {share}",
        labels.at(frames.end_s, high),
        style.GREY,
        keep_px=3,
        ha="right",
    )
