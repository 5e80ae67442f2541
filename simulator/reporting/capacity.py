"""What is the scaling delay made of? What was asked for, what is there, what is needed; the backlog below."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.analysis.answer import Consumer
from simulator.reporting import findings, scales, style, timeline, words
from simulator.reporting.frames import Frames, highest_at
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet


def figure(frames: Frames) -> Figure | None:
    """Return the chart of a group (the headline's queue's first), else of a function; None without any."""
    consumer = consumer_of(frames)
    if consumer is None:
        return None
    group = is_group(consumer)
    sheet = style.Sheet(
        frames.setting, title(frames, consumer), f"{consumer.settings} · {frames.setting.traffic}"
    )
    top = sheet.top_in + 0.35
    axes = sheet.panel(top, 2.08)
    lower = sheet.panel(sheet.height_in - 1.83, style.PLOT_BOTTOM_IN)
    names = ("desired", "in_service", "needed") if group else ("concurrency", "busy", "needed")
    curves = {
        name: frames.curve(consumer.path, quantity)
        for name, quantity in zip(("asked", "there", "needed"), names, strict=True)
    }
    in_thousands = plot_capacity(
        curves["asked"], curves["there"], curves["needed"], axes, maximum=consumer.maximum, booting=group
    )
    backlog = frames.curve(consumer.queue, "backlog")
    lower_in_thousands = plot_backlog(backlog, lower)
    scales.time_axis(axes, frames.end_s, labels=False)
    scales.time_axis(lower, frames.end_s)
    whose = words.shortened(words.plain_name(consumer.path), 24)
    what = f"instances of group {whose}" if group else f"concurrent invocations for queue {whose}"
    sheet.heading(what + ", k = thousand" * in_thousands)
    timeline.events_row(sheet, [axes, lower], frames.events(), row_in=top - 0.155, end_s=frames.end_s)
    timeline.strip(sheet, lower, frames.segments(consumer), consumer, end_s=frames.end_s)
    _label_capacity(sheet, axes, curves, consumer, frames)
    _label_backlog(sheet, lower, backlog, consumer, frames, lower_in_thousands and not in_thousands)
    return sheet.figure


def consumer_of(frames: Frames) -> Consumer | None:
    """Return whose capacity is charted: groups before functions, the headline's queue's before others."""
    consumers = list(frames.setting.consumers)
    return min(consumers, key=lambda c: (not is_group(c), c.queue != frames.queue), default=None)


def is_group(consumer: Consumer) -> bool:
    """Whether a consumer is an Auto Scaling group."""
    return consumer.path.startswith("auto_scaling_groups.")


def title(frames: Frames, consumer: Consumer) -> str:
    """Return the finding: how long the capacity was short, and what that time was made of."""
    needed, there = _needed_and_there(frames, consumer)
    noun = "instances" if is_group(consumer) else "concurrency"
    what = "instances in service" if is_group(consumer) else "busy slots"
    if there.empty:
        return f"No {noun} to show"
    most = words.number(float(there.max()), 2)
    stretch = frames.behind(consumer.queue)
    if stretch is None:
        keeps = "keep" if is_group(consumer) else "keeps"
        return f"{noun.capitalize()} {keeps} up with the arrivals: at most {most} {what}"
    if len(frames.stretches(consumer.queue)) > 1:
        span = f"between {words.number(float(there.min()), 2)} and {most}"
        asked = (
            f"; the arrivals need {words.number(float(needed.max()), 2)} at most"
            if needed.notna().any()
            else ""
        )
        name = "The group swings" if is_group(consumer) else "Allowed concurrency swings"
        return f"{name} {span}{' instances' * is_group(consumer)}{asked}"
    event = findings.event_name(frames.event_of(stretch), frames.setting.events)
    start = findings.began_at(frames, stretch)
    ready = _enough_at(needed, there, start)
    parts = _parts(frames, consumer, start, ready if ready is not None else stretch.until_s)
    if ready is None:
        need = words.number(float(needed[needed.index >= start].max()), 2)
        limit = (
            findings.binding(frames, consumer, stretch)
            or f"the {'group' if is_group(consumer) else 'mapping'}"
        )
        lasting = words.duration(findings.behind_s(frames, stretch, consumer.queue), 2)
        queue = f"queue {words.shortened(words.plain_name(consumer.queue))} behind for {lasting}"
        held = f"keeps {queue}" if limit.endswith(f" {most}") else f"keeps it at {most} and {queue}"
        who = findings.capitalised(f"{event} needs" if event else "arrivals need")
        return f"{who} {need} {what}; {limit} {held}"
    if ready <= start:
        limit = findings.binding(frames, consumer, stretch)
        enough = f"{noun.capitalize()} {'are' if is_group(consumer) else 'is'} enough for the arrivals"
        return f"{enough}; what holds back is {limit}" if limit else f"{enough}: at most {most} {what}"
    late = words.duration(ready - start, 2)
    when = f"{late} into {event}" if event else f"after {late}"
    if not parts:
        return f"Enough {noun} {when}: at most {most} {what}"
    return f"Enough {noun} only {when}: {words.listed(parts)}"


def plot_capacity(
    asked: pd.DataFrame,
    there: pd.DataFrame,
    needed: pd.DataFrame,
    axes: Axes,
    *,
    maximum: float,
    booting: bool,
) -> bool:
    """Draw what was asked for as steps, what is there as an area, between them booting, needed dotted.

    Returns whether the axis counts in thousands.
    """
    if math.isfinite(maximum):  # an interval of a mean cannot pass what every run keeps to
        there = there.assign(high=there["high"].clip(upper=max(maximum, float(there["mean"].max()))))
    axes.fill_between(
        there.index, 0, there["mean"], color=style.IN_SERVICE, alpha=0.18, linewidth=0, zorder=2
    )
    if booting:
        both = pd.concat([asked["mean"], there["mean"]], axis=1, keys=["asked", "there"]).dropna()
        axes.fill_between(
            both.index,
            both["there"],
            both["asked"],
            where=both["asked"] > both["there"] + 0.05,
            facecolor="white",
            edgecolor=style.IN_SERVICE,
            hatch="////",
            linewidth=0,
            alpha=0.75,
            zorder=2.5,
            interpolate=True,
        )
    style.line(axes, there, style.IN_SERVICE, width=2.4, zorder=4)
    style.line(axes, asked, style.SENT, width=2.0, zorder=5, band=False)
    if needed["mean"].notna().any():
        axes.plot(
            needed.index,
            needed["mean"],
            color=style.NEEDED,
            linewidth=1.6,
            linestyle=(0, (1, 1.5)),
            zorder=4.5,
        )
    known = [float(f["mean"].max()) for f in (asked, there, needed) if f["mean"].notna().any()]
    largest = max(known, default=0.0)
    if math.isfinite(maximum) and maximum <= 1.6 * largest:
        axes.axhline(maximum, color=style.YOURS, linewidth=1.1, linestyle=(0, (1, 2)), zorder=3)
        largest = max(largest, maximum)
    return scales.count_axis(axes, largest, whole=True)


def plot_backlog(backlog: pd.DataFrame, axes: Axes) -> bool:
    """Draw the backlog [1] in a short panel; whether its axis counts in thousands."""
    style.line(axes, backlog, style.VISIBLE, width=2.2, zorder=4, band=False)
    axes.fill_between(
        backlog.index, 0, backlog["mean"], color=style.VISIBLE, alpha=0.28, linewidth=0, zorder=2
    )
    largest = float(backlog["mean"].max()) if backlog["mean"].notna().any() else 0.0
    return scales.count_axis(axes, largest, most=2, whole=True)


def _needed_and_there(frames: Frames, consumer: Consumer) -> tuple[pd.Series, pd.Series]:
    there = frames.curve(consumer.path, "in_service" if is_group(consumer) else "concurrency")[
        "mean"
    ].dropna()
    return frames.curve(consumer.path, "needed")["mean"].reindex(there.index), there


def _enough_at(needed: pd.Series, there: pd.Series, start: float) -> float | None:
    """Return when there was first as much as is needed after *start*, while it was needed; None if never."""
    short = (needed > there).to_numpy()
    at = there.index.to_numpy(dtype=float)
    later = np.flatnonzero(at >= start)
    first = next((k for k in later if short[k]), None)
    if first is None:
        return start
    peak = float(np.nanmax(needed.to_numpy()[later]))
    end = next((k for k in range(first, at.size) if not short[k]), None)
    if end is None or not needed.iloc[end] > 0.5 * peak:
        return None
    # between two bins, where the lines cross
    gap_before = float(needed.iloc[end - 1] - there.iloc[end - 1])
    gap_after = float(there.iloc[end] - needed.iloc[end])
    return float(at[end - 1] + (at[end] - at[end - 1]) * gap_before / max(gap_before + gap_after, 1e-12))


def _parts(frames: Frames, consumer: Consumer, start: float, until: float) -> list[str]:
    """Return what the time between was spent on, the longest first: ``3.1 min metric + alarm lag``."""
    times = frames.seconds_at(consumer, start, until)
    times.pop("arrivals", None)
    total = sum(times.values())
    parts = sorted(
        ((s, n) for n, s in times.items() if s >= 0.1 * max(total, 1e-9) and s >= 1), reverse=True
    )[:2]
    return [f"{words.duration(s, 2)} {words.limit(n, consumer.limit_words)}" for s, n in parts]


def _label_capacity(
    sheet: Sheet, axes: Axes, curves: dict[str, pd.DataFrame], consumer: Consumer, frames: Frames
) -> None:
    labels = Labels(sheet, axes)
    group = is_group(consumer)
    numbers = {name: labels.curve(curve.index, curve["mean"]) for name, curve in curves.items()}
    for event in frames.events():
        for at in {event.from_s, event.until_s}:
            labels.curve([at, at], axes.get_ylim(), soft=True)
    if math.isfinite(consumer.maximum):
        name = "max" if group else "maximum concurrency"
        if consumer.maximum <= axes.get_ylim()[1]:
            labels.curve(axes.get_xlim(), [consumer.maximum] * 2)
            labels.along(f"{name} {consumer.maximum:,.0f}", consumer.maximum, style.YOURS, prefer=1.0)
        else:
            labels.near(
                f"{name} {consumer.maximum:,.0f}, never near",
                labels.at(frames.end_s, axes.get_ylim()[1]),
                style.YOURS,
                ha="right",
            )
    stretch = frames.behind(consumer.queue)
    within = None
    if stretch is not None:
        within = (stretch.from_s - frames.end_s / 5, stretch.until_s + frames.end_s / 4)
    labels.beside("desired" if group else "allowed", numbers["asked"], style.SENT, within=within)
    labels.beside("in service" if group else "busy", numbers["there"], style.IN_SERVICE, within=within)
    if curves["needed"]["mean"].notna().any():
        labels.beside(
            "needed for the arrivals", numbers["needed"], style.GREY, within=within, size=9, weight="normal"
        )
    if group and len(frames.stretches(consumer.queue)) == 1:
        _label_booting(labels, curves)


def _label_booting(labels: Labels, curves: dict[str, pd.DataFrame]) -> None:
    gap = (curves["asked"]["mean"] - curves["there"]["mean"]).dropna()
    if gap.empty or gap.max() < 0.03 * labels.axes.get_ylim()[1]:
        return
    at = highest_at(gap)
    labels.near(
        "booting",
        labels.at(at, float(curves["there"]["mean"][at] + gap.max() * 0.6)),
        style.IN_SERVICE,
        keep_px=6,
        leader=True,
    )


def _label_backlog(
    sheet: Sheet, axes: Axes, backlog: pd.DataFrame, consumer: Consumer, frames: Frames, say_thousand: bool
) -> None:
    labels = Labels(sheet, axes)
    labels.curve(backlog.index, backlog["mean"])
    stretches = frames.stretches(consumer.queue)
    if len(stretches) == 1 and stretches[0].ended:
        stretch = stretches[0]
        empty = findings.caught_up_at(frames, stretch, consumer.queue)
        labels.near(
            f"empty at {words.duration(empty)}",
            labels.at(empty, axes.get_ylim()[1] * 0.6),
            style.INK,
            keep_px=6,
        )
    labels.near(
        f"backlog{' (k = thousand)' * say_thousand}",
        labels.at(0.0, axes.get_ylim()[1]),
        style.VISIBLE,
        size=10,
        weight="bold",
        keep_px=3,
    )
