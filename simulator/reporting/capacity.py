"""What is the scaling delay made of? What was asked for, what is there, what is needed; the backlog below."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd

from simulator.analysis.answer import Consumer
from simulator.reporting import findings, reaction, scales, style, timeline, words
from simulator.reporting.capacity_titles import consumer_of, is_fleet, title, units
from simulator.reporting.frames import Frames, highest_at
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_BACKLOG_TOP_IN: Final = 1.9
_SMALL_IN: Final = 0.5
_BETWEEN_IN: Final = 0.32
_NEAR: Final = 1.6
"""A ceiling above so many times the largest value is named and not drawn."""


_OF_AWS: Final = frozenset({"account concurrency", "mapping cap"})


@dataclass(frozen=True)
class Curves:
    """Numbers of a consumer over time: asked for, there, busy, needed, and what else is known of it."""

    asked: pd.DataFrame
    there: pd.DataFrame
    needed: pd.DataFrame
    busy: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"mean": []}))
    draining: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"mean": []}))


def figure(frames: Frames) -> Figure | None:
    """Return the chart of a fleet (the headline's queue's first), else of a function; None without any."""
    consumer = consumer_of(frames)
    if consumer is None:
        return None
    subtitle = " · ".join(filter(None, (consumer.settings, frames.setting.traffic)))
    sheet = style.Sheet(frames.setting, title(frames, consumer), subtitle, tall=True)
    made = reaction.parts(frames, consumer)
    top = sheet.top_in + (0.66 if made else 0.35)
    cold = frames.curve(consumer.path, "cold_starts_per_min")
    alarms = frames.alarms([consumer.path, *frames.alarm_paths()])[: timeline.MOST_ALARMS]
    lowest = _BACKLOG_TOP_IN + (_SMALL_IN + _BETWEEN_IN if len(cold) else 0.0)
    axes = sheet.panel(top, lowest + _BETWEEN_IN + timeline.ALARM_IN * len(alarms))
    panels = [axes]
    if len(cold):
        bottom = _BACKLOG_TOP_IN + _BETWEEN_IN
        panels.append(sheet.panel(sheet.height_in - bottom - _SMALL_IN, bottom))
    panels.append(sheet.panel(sheet.height_in - _BACKLOG_TOP_IN, style.PLOT_BOTTOM_IN))
    curves = curves_of(frames, consumer)
    in_thousands = plot_capacity(curves, axes, ceilings=ceilings(consumer), booting=is_fleet(consumer))
    backlog = frames.curve(consumer.queue, "backlog")
    lower_in_thousands = plot_backlog(backlog, panels[-1])
    for panel in panels:
        scales.time_axis(panel, frames.end_s, labels=panel is panels[-1])
    sheet.heading(_what(consumer) + ", k = thousand" * in_thousands)
    timeline.events_row(sheet, panels, frames.events(), row_in=sheet.top_in + 0.195, end_s=frames.end_s)
    if made:
        reaction.draw(sheet, axes, made, row_in=sheet.top_in + 0.41, end_s=frames.end_s)
    timeline.alarm_lanes(sheet, axes, alarms, end_s=frames.end_s)
    timeline.strip(sheet, panels[-1], frames.segments(consumer), consumer, end_s=frames.end_s)
    _label_capacity(sheet, axes, curves, consumer, frames)
    if len(cold):
        _cold_starts(sheet, panels[1], cold, frames)
    _label_backlog(sheet, panels[-1], backlog, consumer, frames, lower_in_thousands and not in_thousands)
    return sheet.figure


def curves_of(frames: Frames, consumer: Consumer) -> Curves:
    """Return what is drawn of a consumer; of a fleet all in instances, tasks or pods."""
    names = ("desired", "in_service") if is_fleet(consumer) else ("concurrency", "busy")
    asked, there, needed = (frames.curve(consumer.path, name) for name in (*names, "needed"))
    if not is_fleet(consumer):
        return Curves(asked, there, needed)
    busy = frames.curve(consumer.path, "busy") / max(1, consumer.workers_per_instance)
    return Curves(asked, there, needed, busy, frames.curve(consumer.path, "draining"))


def ceilings(consumer: Consumer) -> Mapping[str, float]:
    """Return the lines that capacity cannot pass, by their names."""
    if is_fleet(consumer):
        return {"max": consumer.maximum} if math.isfinite(consumer.maximum) else {}
    caps = {name: cap for name, cap in consumer.caps.items() if math.isfinite(cap)}
    if not caps and math.isfinite(consumer.maximum):
        caps = {"maximum concurrency": consumer.maximum}
    return caps


def _what(consumer: Consumer) -> str:
    """Return what the chart counts: ``instances of group fraud``."""
    if is_fleet(consumer):
        kind, _, name = words.thing(consumer.path).partition(" ")
        return f"{units(consumer)} of {kind} {words.shortened(name, 24)}"
    if consumer.queue.startswith("queues."):
        whose = words.shortened(words.plain_name(consumer.queue), 24)
        return f"concurrent invocations for queue {whose}"
    return f"concurrent invocations of {words.thing(consumer.path)}"


def plot_capacity(curves: Curves, axes: Axes, *, ceilings: Mapping[str, float], booting: bool) -> bool:
    """Draw what was asked for as a line, what is there as an area, between them booting, needed dotted.

    Returns whether the axis counts in thousands.
    """
    asked, there, needed = curves.asked, curves.there, curves.needed
    if ceilings:  # an interval of a mean cannot pass what every run keeps to
        lowest = max(min(ceilings.values()), float(there["mean"].max()))
        there = there.assign(high=there["high"].clip(upper=lowest))
    axes.fill_between(
        there.index, 0, there["mean"], color=style.IN_SERVICE, alpha=0.18, linewidth=0, zorder=2
    )
    if booting:
        _plot_between(asked, there, axes)
        _plot_draining(there, curves.draining, axes)
    style.line(axes, there, style.IN_SERVICE, width=2.4, zorder=4)
    style.line(axes, asked, style.SENT, width=2.0, zorder=5, band=False)
    if curves.busy["mean"].notna().any():
        style.line(axes, curves.busy, style.PROCESSED, width=1.5, zorder=4.2, band=False)
    if needed["mean"].notna().any():
        axes.plot(
            needed.index,
            needed["mean"],
            color=style.NEEDED,
            linewidth=1.6,
            linestyle=(0, (1, 1.5)),
            zorder=4.5,
        )
    known = [float(f["mean"].max()) for f in (asked, there, needed, curves.busy) if f["mean"].notna().any()]
    largest = max(known, default=0.0)
    near = {name: value for name, value in ceilings.items() if value <= _NEAR * largest}
    for name, value in near.items():
        axes.axhline(value, color=_whose(name), linewidth=1.1, linestyle=(0, (1, 2)), zorder=3)
    return scales.count_axis(axes, max([largest, *near.values()]), whole=True)


def _whose(ceiling: str) -> str:
    """Return the colour of a ceiling: a setting's, or that of AWS."""
    return style.AWS if ceiling in _OF_AWS else style.YOURS


def _plot_between(asked: pd.DataFrame, there: pd.DataFrame, axes: Axes) -> None:
    """Hatch what is asked for and not there yet."""
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


def _plot_draining(there: pd.DataFrame, draining: pd.DataFrame, axes: Axes) -> None:
    """Stack what leaves and still has work in hand on what is in service."""
    both = pd.concat([there["mean"], draining["mean"]], axis=1, keys=["there", "draining"]).dropna()
    if len(both) and both["draining"].max() > 0:
        axes.fill_between(
            both.index,
            both["there"],
            both["there"] + both["draining"],
            where=both["draining"] > 0.05,
            color=style.NO_DATA,
            alpha=0.7,
            linewidth=0,
            zorder=1.8,
        )


def plot_backlog(backlog: pd.DataFrame, axes: Axes) -> bool:
    """Draw the backlog [1] in a short panel; whether its axis counts in thousands."""
    style.line(axes, backlog, style.VISIBLE, width=2.2, zorder=4, band=False)
    axes.fill_between(
        backlog.index, 0, backlog["mean"], color=style.VISIBLE, alpha=0.28, linewidth=0, zorder=2
    )
    largest = float(backlog["mean"].max()) if backlog["mean"].notna().any() else 0.0
    return scales.count_axis(axes, largest, most=2, whole=True)


def _cold_starts(sheet: Sheet, axes: Axes, cold: pd.DataFrame, frames: Frames) -> None:
    """Draw environments that were started, a minute, as bars."""
    axes.bar(cold.index, cold["mean"].fillna(0.0), width=frames.bin_s, color=style.IN_SERVICE, linewidth=0)
    scales.count_axis(axes, float(cold["mean"].max()), most=2, whole=True)
    labels = Labels(sheet, axes)
    for share in (0.3, 0.65, 1.0):
        labels.curve(cold.index, share * cold["mean"].fillna(0.0), steps=True)
    labels.near(
        "cold starts/min",
        labels.at(0.0, axes.get_ylim()[1]),
        style.IN_SERVICE,
        size=10,
        weight="bold",
        keep_px=3,
    )


def _label_capacity(sheet: Sheet, axes: Axes, curves: Curves, consumer: Consumer, frames: Frames) -> None:
    labels = Labels(sheet, axes)
    fleet = is_fleet(consumer)
    named = {"asked": curves.asked, "there": curves.there, "busy": curves.busy, "needed": curves.needed}
    drawn = {name: curve for name, curve in named.items() if curve["mean"].notna().any()}
    numbers = {name: labels.curve(curve.index, curve["mean"]) for name, curve in drawn.items()}
    for event in frames.events():
        for at in {event.from_s, event.until_s}:
            labels.curve([at, at], axes.get_ylim(), soft=True)
    _label_ceilings(labels, ceilings(consumer), frames.end_s)
    stretch = frames.behind(consumer.queue)
    within = None
    if stretch is not None:
        within = (stretch.from_s - frames.end_s / 5, stretch.until_s + frames.end_s / 4)
    said = (
        ("asked", "desired" if fleet else "allowed", style.SENT, "bold"),
        ("there", "in service" if fleet else "busy", style.IN_SERVICE, "bold"),
        ("busy", "busy", style.PROCESSED, "bold"),
        ("needed", "needed for the arrivals", style.GREY, "normal"),
    )
    for name, text, colour, weight in said:
        if name in numbers:
            size = 10 if weight == "bold" else 9
            labels.beside(text, numbers[name], colour, within=within, size=size, weight=weight)
    if fleet and len(frames.stretches(consumer.queue)) == 1:
        _label_booting(labels, curves)
    _label_draining(labels, curves)


def _label_ceilings(labels: Labels, lines: Mapping[str, float], end_s: float) -> None:
    """Name the ceilings on their lines; those far above in the upper right corner."""
    top = labels.axes.get_ylim()[1]
    near = {name: value for name, value in lines.items() if value <= top}
    for value in near.values():
        labels.curve(labels.axes.get_xlim(), [value] * 2)
    for name, value in near.items():
        labels.along(f"{name} {value:,.0f}", value, _whose(name), prefer=1.0)
    far = [f"{name} {value:,.0f}" for name, value in lines.items() if value > top]
    if far:
        labels.near(f"{words.listed(far)}, never near", labels.at(end_s, top), style.YOURS, ha="right")


def _label_booting(labels: Labels, curves: Curves) -> None:
    gap = (curves.asked["mean"] - curves.there["mean"]).dropna()
    if gap.empty or gap.max() < 0.03 * labels.axes.get_ylim()[1]:
        return
    at = highest_at(gap)
    labels.near(
        "booting",
        labels.at(at, float(curves.there["mean"][at] + gap.max() * 0.6)),
        style.IN_SERVICE,
        keep_px=6,
        leader=True,
    )


def _label_draining(labels: Labels, curves: Curves) -> None:
    draining = curves.draining["mean"].dropna()
    if draining.empty or draining.max() < 0.03 * labels.axes.get_ylim()[1]:
        return
    at = highest_at(draining)
    height = float(curves.there["mean"].get(at, 0.0) + draining[at] / 2)
    labels.near("draining", labels.at(at, height), style.GREY, keep_px=6, leader=True)


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
