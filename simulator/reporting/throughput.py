"""Did processing keep up, and what held it back? Sent and processed, failed attempts, the binding limit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.analysis.answer import Consumer, Event
from simulator.reporting import findings, scales, style, timeline, words
from simulator.reporting.frames import Frames, Stretch
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet


def figure(frames: Frames) -> Figure:
    """Return the chart of the headline's queue."""
    sheet = style.Sheet(frames.setting, title(frames), subtitle(frames))
    rates = {name: frames.curve(frames.queue, f"{name}_per_s") for name in ("sent", "processed", "failed")}
    top = sheet.top_in + 0.35
    axes = sheet.panel(top, 2.05 - 0.22)
    lower = sheet.panel(sheet.height_in - 1.60, style.PLOT_BOTTOM_IN)
    ceiling, far = _ceiling(frames.consumer, rates)
    in_thousands = plot_rates(rates["sent"], rates["processed"], axes, ceiling=math.nan if far else ceiling)
    plot_failed(rates["failed"], lower)
    scales.time_axis(axes, frames.end_s, labels=False)
    scales.time_axis(lower, frames.end_s)
    sheet.heading(f"messages per second{frames.of_queue}{', k = thousand' * in_thousands}")
    timeline.events_row(sheet, [axes, lower], frames.events(), row_in=top - 0.155, end_s=frames.end_s)
    timeline.strip(sheet, lower, frames.segments(frames.consumer), frames.consumer, end_s=frames.end_s)
    _label_rates(sheet, axes, rates, frames, ceiling, far)
    _label_failed(sheet, lower, rates["failed"])
    return sheet.figure


def title(frames: Frames) -> str:
    """Return the finding: what was needed, what held it back, for how long."""
    if findings.nothing_sent(frames):
        return "Nothing was sent, so nothing was processed"
    sent = frames.curve(frames.queue, "sent_per_s")["mean"]
    done = frames.curve(frames.queue, "processed_per_s")["mean"]
    stretches, stretch = frames.stretches(), frames.behind()
    if stretch is None:
        peak = frames.estimate("backlog.max")
        most = f"; at most {words.value(peak)} messages wait" if math.isfinite(peak.mean) else ""
        return f"Processing keeps up with all of up to {words.number(float(sent.max()))} msg/s sent{most}"
    limit = findings.binding(frames, frames.consumer, stretch) or "its consumer"
    if len(stretches) > 1:
        longest = max(findings.behind_s(frames, one) for one in stretches)
        return (
            f"Processing falls behind {len(stretches)} times, for at most {words.duration(longest, 2)}; "
            f"what it waits for is {limit}"
        )
    rising = (sent.index >= stretch.from_s) & (sent.index <= stretch.peak_at_s + frames.bin_s / 2)
    need, gives = float(sent[rising].max()), float(done[rising].max())
    cause = frames.event_of(stretch)
    if cause is not None and cause.fault:
        return _after_fault(frames, stretch, cause, done)
    event = findings.event_name(cause, frames.marked)
    subject = f"{findings.capitalised(event)} needs" if event else "Arrivals need"
    if not (done > 0).any():
        return f"{subject} {words.number(need)} msg/s and nothing is processed"
    last = (
        f"so processing stays behind for {words.duration(findings.behind_s(frames, stretch))}"
        if stretch.ended
        else "and processing never catches up"
    )
    held = f"{limit} gives at most {words.number(gives)}" if gives < 0.99 * need else f"{limit} holds it back"
    return f"{subject} {words.number(need)} msg/s; {held}, {last}"


def _after_fault(frames: Frames, stretch: Stretch, fault: Event, done: pd.Series) -> str:
    """Return what a fault did to processing, and how long that had to catch up after it."""
    first = findings.faulty(fault)
    after = findings.caught_up_at(frames, stretch) - fault.until_s
    gives = float(done[(done.index >= fault.until_s) & (done.index <= stretch.until_s)].max())
    if not after >= frames.bin_s or not gives > 0:
        return f"{first}: processing stays behind for {words.duration(findings.behind_s(frames, stretch))}"
    if not stretch.ended:
        return f"{first}; at {words.number(gives)} msg/s processing then never catches up"
    return (
        f"{first}; at {words.number(gives)} msg/s processing then stays behind for {words.duration(after, 2)}"
    )


def subtitle(frames: Frames) -> str:
    """Return the settings that matter and the traffic, in one line."""
    settings = frames.consumer.settings if frames.consumer else "no consumer"
    return " · ".join(filter(None, (settings, frames.setting.traffic)))


def plot_rates(sent: pd.DataFrame, processed: pd.DataFrame, axes: Axes, *, ceiling: float = math.nan) -> bool:
    """Draw both rates [msg/s] over time [s] and shade between them: there the area is messages.

    Returns whether the axis counts in thousands.
    """
    style.line(axes, sent, style.SENT, width=2.2, zorder=3)
    style.line(axes, processed, style.PROCESSED, width=2.4, zorder=4)
    both = pd.concat([sent["mean"], processed["mean"]], axis=1, keys=["sent", "processed"]).dropna()
    if len(both):
        x, high, low = both.index, both["sent"], both["processed"]
        axes.fill_between(
            x,
            high,
            low,
            where=high > low,
            interpolate=True,
            color=style.VISIBLE,
            alpha=0.22,
            linewidth=0,
            zorder=1,
        )
        axes.fill_between(
            x,
            high,
            low,
            where=high < low,
            interpolate=True,
            color=style.PROCESSED,
            alpha=0.12,
            linewidth=0,
            zorder=1,
        )
    if math.isfinite(ceiling):
        axes.axhline(ceiling, color=style.YOURS, linewidth=1.1, linestyle=(0, (1, 2)), zorder=2)
    tops = [
        float(frame[c].max())
        for frame in (sent, processed)
        for c in ("mean", "high")
        if frame[c].notna().any()
    ]
    return scales.count_axis(axes, max([*tops, *([ceiling] if math.isfinite(ceiling) else [])], default=0.0))


def plot_failed(failed: pd.DataFrame, axes: Axes) -> None:
    """Draw failed attempts per second in a short panel of their own."""
    style.line(axes, failed, style.FAILED, width=1.8)
    tops = [float(failed[c].max()) for c in ("mean", "high") if failed[c].notna().any()]
    scales.count_axis(axes, max(tops, default=0.0), most=2)
    if not (failed["mean"] > 0).any():
        axes.set_yticks([0])


def _ceiling(consumer: Consumer | None, rates: dict[str, pd.DataFrame]) -> tuple[float, bool]:
    """Return the consumer's ceiling [msg/s] and whether it is too far above the data to draw."""
    ceiling = consumer.ceiling_per_s if consumer else math.nan
    largest = max(
        (float(frame["mean"].max()) for frame in rates.values() if frame["mean"].notna().any()), default=0.0
    )
    return ceiling, bool(math.isfinite(ceiling) and ceiling > 1.7 * largest)


def _label_rates(
    sheet: Sheet, axes: Axes, rates: dict[str, pd.DataFrame], frames: Frames, ceiling: float, far: bool
) -> None:
    labels = Labels(sheet, axes)
    sent = labels.curve(rates["sent"].index, rates["sent"]["mean"])
    done = labels.curve(rates["processed"].index, rates["processed"]["mean"])
    for event in frames.events():
        for at in {event.from_s, event.until_s}:
            labels.curve([at, at], axes.get_ylim(), soft=True)
    consumer = frames.consumer
    if consumer is not None and math.isfinite(ceiling):
        sum_in_words = f"{words.number(ceiling, 4)} msg/s = {consumer.ceiling}"
        if far:
            labels.near(
                f"never near its ceiling of {sum_in_words}",
                labels.at(*_corner(axes)),
                style.YOURS,
                ha="right",
            )
        else:
            labels.curve(axes.get_xlim(), [ceiling, ceiling])
            labels.along(f"ceiling {sum_in_words}", ceiling, style.YOURS, prefer=1.0)
    stretches, stretch = frames.stretches(), frames.behind()
    within = None
    if stretch is not None and len(stretches) == 1:
        within = (stretch.from_s - frames.end_s / 6, stretch.until_s + frames.end_s / 6)
    gap = _apart(rates)
    if gap:
        labels.beside("sent", sent, style.SENT, within=within)
        labels.beside("processed", done, style.PROCESSED, within=within)
    else:
        labels.beside("sent, and processed on top of it", done, style.PROCESSED)
    if stretch is None or len(stretches) > 1 or not gap:
        return
    middle = (stretch.from_s + stretch.peak_at_s) / 2
    half = float(np.interp(middle, rates["sent"].index, rates["sent"]["mean"].fillna(0.0))) * 0.8
    peak = frames.estimate("backlog.max")
    waiting = words.value(peak) if math.isfinite(peak.mean) else words.number(stretch.peak)
    labels.near(
        f"shaded: {waiting} messages\nwait at the peak",
        labels.at(stretch.from_s, half),
        style.VISIBLE,
        keep_px=6,
    )
    if stretch.ended:
        floor = float(rates["processed"]["mean"].max()) * 0.5
        labels.near(
            f"backlog drains\nuntil {words.duration(findings.caught_up_at(frames, stretch))}",
            labels.at(stretch.until_s, floor),
            style.PROCESSED,
            keep_px=6,
        )


def _apart(rates: dict[str, pd.DataFrame]) -> bool:
    """Whether the two curves ever stand apart to the eye."""
    difference = (rates["sent"]["mean"] - rates["processed"]["mean"]).abs().max()
    return bool(difference > 0.08 * max(float(rates["sent"]["mean"].max()), 1e-9))


def _label_failed(sheet: Sheet, axes: Axes, failed: pd.DataFrame) -> None:
    labels = Labels(sheet, axes)
    labels.curve(failed.index, failed["mean"])
    seen = bool((failed["mean"] > 0).any())
    text = "failed attempts/s" if seen else "failed attempts/s: none"
    labels.near(text, labels.at(0.0, axes.get_ylim()[1]), style.FAILED, size=10, weight="bold", keep_px=3)


def _corner(axes: Axes) -> tuple[float, float]:
    return axes.get_xlim()[1], axes.get_ylim()[1]
