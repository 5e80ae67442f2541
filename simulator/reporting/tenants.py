"""Who waits behind a noisy tenant? Waits of quiet tenants over time, a noisy one's beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from simulator.reporting import latency, scales, style, throughput, timeline, words
from simulator.reporting.frames import Frames, highest_at
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_ALL: Final = ""  # tenants are compared over all queues: a noisy one may have its own
_CONTEXT: Final = "#8A8A8A"
_NAMES: Final = {"p50": "quiet p50", "p95": "quiet p95", "noisy": "noisy p95"}


def figure(frames: Frames) -> Figure | None:
    """Return the chart, or None where nobody asked for tenants."""
    if not frames.has(_ALL, "wait_quiet_p95"):
        return None
    curves = waits(frames)
    marked = frames.curve(_ALL, "noisy_tenants")
    sheet = style.Sheet(frames.setting, title(frames), throughput.subtitle(frames))
    top = sheet.top_in + 0.35
    fair = len(marked) > 0
    axes = sheet.panel(top, 2.03 if fair else style.PLOT_BOTTOM_IN)
    panels = [axes]
    scales.latency_axis(axes, *latency.bounds(curves, {}, None))
    plot_waits(curves, axes)
    scales.time_axis(axes, frames.end_s, labels=not fair)
    if fair:
        lower = sheet.panel(sheet.height_in - 1.78, style.PLOT_BOTTOM_IN)
        panels.append(lower)
        plot_marked(marked, lower)
        scales.time_axis(lower, frames.end_s)
        labels = Labels(sheet, lower)
        labels.curve(marked.index, marked["mean"])
        words_at = labels.at(0.0, lower.get_ylim()[1])
        labels.near("tenants marked as noisy", words_at, style.INK, size=10, weight="bold", keep_px=3)
    sheet.heading("wait by the time sent, of quiet and noisy tenants in all queues")
    timeline.events_row(sheet, panels, frames.events(), row_in=top - 0.155, end_s=frames.end_s)
    timeline.strip(sheet, panels[-1], frames.segments(frames.consumer), frames.consumer, end_s=frames.end_s)
    _label_waits(sheet, axes, curves, frames)
    return sheet.figure


def waits(frames: Frames) -> dict[str, pd.DataFrame]:
    """Return p50 and p95 of quiet tenants and p95 of noisy ones [s] over the time sent [s]."""
    return {
        "p50": frames.curve(_ALL, "wait_quiet_p50", log=True),
        "p95": frames.curve(_ALL, "wait_quiet_p95", log=True),
        "noisy": frames.curve(_ALL, "wait_noisy_p95", log=True),
    }


def title(frames: Frames) -> str:
    """Return the finding: the longest wait of quiet tenants and of noisy ones."""
    curves = waits(frames)
    quiet, noisy = curves["p95"], curves["noisy"]["mean"].dropna()
    if (quiet["never"] > 0).any():
        missing = words.duration(float((quiet["never"] > 0).sum()) * frames.bin_s, 2)
        return f"More than 5 % of what quiet tenants send in {missing} is not begun within the run"
    known = quiet["mean"].dropna()
    most, at = float(known.max()), highest_at(known)
    beside = f", a noisy one's {words.duration(float(noisy.max()))}" if len(noisy) else ""
    if most < 3 * float(known.median()):
        least = words.duration(float(known.min()))
        return f"p95 wait of quiet tenants stays between {least} and {words.duration(most)}{beside}"
    return f"p95 wait of quiet tenants reaches {words.duration(most)} at {words.instant(at)}{beside}"


def plot_waits(curves: dict[str, pd.DataFrame], axes: Axes) -> None:
    """Draw waits [s] over the time sent [s]; noisy tenants as a thin line on top, where all wait alike."""
    style.line(axes, curves["noisy"], _CONTEXT, width=1.6, zorder=6)
    style.line(axes, curves["p50"], style.PERCENTILES["p50"], width=2.2, zorder=4)
    style.line(axes, curves["p95"], style.PERCENTILES["p95"], width=2.4, zorder=5)


def plot_marked(marked: pd.DataFrame, axes: Axes) -> None:
    """Draw the number of tenants that fair queues have marked as noisy over time [s]."""
    style.line(axes, marked, style.INK, width=2.2, zorder=4)
    largest = max(float(marked[column].max()) for column in ("mean", "high") if marked[column].notna().any())
    scales.count_axis(axes, max(largest, 1.0), most=2, whole=True)


def _label_waits(sheet: Sheet, axes: Axes, curves: dict[str, pd.DataFrame], frames: Frames) -> None:
    labels = Labels(sheet, axes)
    numbers = {name: labels.curve(curve.index, curve["mean"]) for name, curve in curves.items()}
    for event in frames.events():
        for at in {event.from_s, event.until_s}:
            labels.curve([at, at], axes.get_ylim(), soft=True)
    within = labels.apart([numbers["p95"], numbers["p50"]], width_px=120.0)
    colours = {**style.PERCENTILES, "noisy": _CONTEXT}
    for name in ("p95", "p50", "noisy"):
        if curves[name]["mean"].notna().any():
            place = within if name != "noisy" else None
            labels.beside(_NAMES[name], numbers[name], colours[name], within=place, sides="above below on")
