"""How many duplicates, why, do I need an idempotency table? By minute, by cause, by receives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from simulator.analysis.answer import Certainty, Estimate
from simulator.reporting import findings, scales, style, throughput, timeline, words
from simulator.reporting.frames import Frames, highest_at
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_SPLIT: Final = 0.6
_RIGHT_TEXT: Final = 0.635
_BARS_LEFT: Final = 0.745
_BARS_RIGHT: Final = 0.885

_MECHANISM: Final = {
    "visibility_timeout": "work that outlives the visibility timeout",
    "failure": "attempts that fail",
    "batch_mate": "batches in which another message failed",
    "throttle": "receives whose invocation was throttled",
    "crash": "workers and functions that are killed",
    "at_least_once": "SQS itself",
    "redrive": "redriving the dead-letter queue",
    "sender_retry": "senders that say it again",
    "lost_answer": "receives whose answer is lost",
    "access_denied": "deletes that are denied",
    "failover": "the failover of the broker",
    "rollback": "transactions that are rolled back",
}


def figure(frames: Frames) -> Figure:
    """Return the chart of the headline's queue."""
    sheet = style.Sheet(frames.setting, title(frames), throughput.subtitle(frames))
    top = sheet.top_in + 0.35
    axes = sheet.panel(top, style.PLOT_BOTTOM_IN, right=_SPLIT)
    by_cause, causes = per_minute(frames), shares(frames)
    in_thousands = plot_per_minute(by_cause, axes, frames.bin_s)
    scales.time_axis(axes, frames.end_s, most=6)
    sheet.heading(f"duplicate deliveries per minute{frames.of_queue}{', k = thousand' * in_thousands}")
    timeline.events_row(sheet, [axes], frames.events(), row_in=top - 0.155, end_s=frames.end_s)
    timeline.strip(sheet, axes, frames.segments(frames.consumer), frames.consumer, end_s=frames.end_s)
    _label_stack(sheet, axes, by_cause, frames)
    sheet.heading("by cause, per million sent", x=_RIGHT_TEXT)
    bars = sheet.panel(sheet.top_in + 0.16, 2.62, left=_BARS_LEFT, right=_BARS_RIGHT)
    plot_causes(causes, bars)
    lower_in = sheet.height_in - 2.40
    sheet.heading("receives per message, share (log)", x=_RIGHT_TEXT, below_in=lower_in)
    dots = sheet.panel(lower_in + 0.16, style.PLOT_BOTTOM_IN, left=_BARS_LEFT, right=_BARS_RIGHT)
    plot_receives(receives(frames), dots)
    _idempotency(sheet, frames)
    return sheet.figure


def per_minute(frames: Frames) -> pd.DataFrame:
    """Return mean duplicates a minute: a column a cause, the rarest first; the index is a bin's start [s]."""
    columns = {}
    for cause in style.CAUSES:
        curve = frames.curve(frames.queue, f"duplicates_{cause}_per_min")["mean"]
        if (curve > 0).any():
            columns[cause] = curve
    frame = pd.DataFrame(columns).fillna(0.0)
    frame.index = frame.index - frames.bin_s / 2
    return frame[frame.sum().sort_values().index.tolist()]


def shares(frames: Frames) -> dict[str, Estimate]:
    """Return duplicates per million sent by cause, the most frequent first."""
    found = {
        cause: words.in_millionths(frames.estimate(f"duplicate_delivery{{cause={cause}}}.share"))
        for cause in style.CAUSES
    }
    seen = {cause: e for cause, e in found.items() if math.isfinite(e.mean) and e.mean > 0}
    return dict(sorted(seen.items(), key=lambda item: -item[1].mean))


def receives(frames: Frames) -> dict[str, Estimate]:
    """Return the share of messages received once, twice, ... as far as there are any."""
    names = {"1": "once", "2": "2 times", "3": "3", "4": "4", "5+": "5 or more"}
    found = {
        name: frames.estimate(f"receives_per_copy{{receives={key}}}.share") for key, name in names.items()
    }
    return {name: e for name, e in found.items() if math.isfinite(e.mean)}


def title(frames: Frames) -> str:
    """Return the finding: how many, what made most of them, by which mechanism."""
    total = frames.estimate("duplicate_delivery.share")
    causes = shares(frames)
    if findings.nothing_sent(frames):
        return "Nothing was sent, so nothing was delivered twice"
    by_minute = per_minute(frames)
    if not causes and len(by_minute):
        return f"At most {words.number(float(by_minute.sum(axis=1).max()))} duplicate deliveries a minute"
    if not causes:
        runs = frames.setting.replications
        return f"No message was delivered twice in {runs} {'runs' if runs > 1 else 'run'}"
    count = words.value(words.in_millionths(total))
    cause = next(iter(causes))
    part = causes[cause].mean / sum(e.mean for e in causes.values())
    by = _MECHANISM[cause]
    stretch = _event_share(frames)
    start = f"{count} duplicate deliveries per million sent"
    if stretch is not None:
        event, share = stretch
        makes = f"{event} makes {words.percent(share, 2)} of them"
        return f"{start}; {makes}, {words.percent(part, 2)} come from {by}"
    if part > 0.995:
        return f"{start}, all of them from {by}"
    return f"{start}; {words.percent(part, 2)} of them come from {by}"


def plot_per_minute(by_cause: pd.DataFrame, axes: Axes, bin_s: float) -> bool:
    """Stack duplicates a minute by cause, the rarest at the bottom; whether the axis counts in thousands."""
    edges = (
        np.append(by_cause.index.to_numpy(dtype=float), by_cause.index[-1] + bin_s)
        if len(by_cause)
        else np.zeros(1)
    )
    below = np.zeros(edges.size)
    for cause in by_cause.columns:
        values = by_cause[cause].to_numpy()
        above = below + np.append(values, values[-1])
        axes.fill_between(edges, below, above, step="post", color=style.CAUSES[cause], linewidth=0, zorder=3)
        below = above
    return scales.count_axis(axes, float(below.max()))


def plot_causes(causes: dict[str, Estimate], axes: Axes) -> None:
    """Draw a bar a cause [per million sent] with its half-width: also the key to the colours."""
    rows = max(5, len(causes))
    axes.set_ylim(rows - 0.5, -0.5)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    ends = [max(e.mean, e.high if math.isfinite(e.high) else 0.0) for e in causes.values()]
    largest = max(ends, default=1.0)  # room for the numbers is right of the longest whisker
    axes.set_xlim(0, largest)
    axes.axvline(0, color=style.AXIS, linewidth=1.0)
    if not causes:
        axes.text(0.03 * largest, 0, "none seen", size=9.5, color=style.GREY, va="center")
    for row, ((cause, estimate), end) in enumerate(zip(causes.items(), ends, strict=True)):
        colour = style.CAUSES[cause]
        axes.barh(row, estimate.mean, height=0.6, color=colour, linewidth=0)
        if math.isfinite(estimate.low):
            axes.plot(
                [estimate.low, estimate.high], [row, row], color=style.INK, linewidth=1.3, clip_on=False
            )
        axes.text(
            -0.03 * largest,
            row,
            cause,
            ha="right",
            va="center",
            size=9.5,
            weight="bold",
            color=style.text_colour(colour),
        )
        axes.text(
            end + 0.04 * largest,
            row,
            f"{words.value(estimate)} {words.plus_minus(estimate)}".strip(),
            va="center",
            size=9.5,
            color=style.INK,
        )


def plot_receives(counts: dict[str, Estimate], axes: Axes) -> None:
    """Draw the share of messages by number of receives as dots: a log axis has no honest bar."""
    axes.set_xscale("log")
    known = [e.mean for e in counts.values() if e.mean > 0]
    least = 10.0 ** min(-4, math.floor(math.log10(min(known)))) if known else 1e-4
    axes.set_xlim(least / 2, 1.0)
    axes.set_ylim(max(5, len(counts)) - 0.5, -0.5)
    axes.minorticks_off()
    apart = 2 if least >= 1e-4 else 3 if least >= 1e-6 else 4
    ticks = [10.0**-k for k in range(0, 13, apart) if 10.0**-k >= least * 0.99]
    axes.set_xticks(ticks)
    axes.set_xticklabels([f"{100 * t:.10g} %" for t in ticks])
    axes.tick_params(axis="x", length=4, color=style.AXIS, pad=4)
    axes.set_yticks([])
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=style.GRID, linewidth=0.9)
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_color(style.AXIS)
    for row, (name, estimate) in enumerate(counts.items()):
        axes.annotate(
            name,
            (0, row),
            xycoords=("axes fraction", "data"),
            xytext=(-5, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            size=9.5,
            color=style.HEADING,
        )
        if estimate.mean > 0:
            axes.plot([least / 2, estimate.mean], [row, row], color="#DDDDDD", linewidth=1.4, zorder=2)
            axes.plot([estimate.mean], [row], "o", color=style.INK, markersize=6.5, clip_on=False, zorder=4)
        axes.annotate(
            words.one_in(estimate.mean),
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            ha="left",
            va="center",
            size=9.5,
            color=style.INK,
        )


def _label_stack(sheet: Sheet, axes: Axes, by_cause: pd.DataFrame, frames: Frames) -> None:
    labels = Labels(sheet, axes)
    if by_cause.empty:
        text = "no data: nothing was sent" if findings.nothing_sent(frames) else "no duplicate seen"
        low, high = axes.get_ylim()
        labels.near(text, labels.at(frames.end_s / 2, (low + high) / 2), style.GREY, ha="center")
        return
    total = by_cause.sum(axis=1)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):  # the whole area is taken, not only its outline
        labels.curve(total.index, total * share, steps=True)
    largest = by_cause.columns[-1]
    top = highest_at(total)
    labels.near(
        largest, labels.at(top, float(total.max())), style.CAUSES[largest], size=10, weight="bold", keep_px=6
    )


def _event_share(frames: Frames) -> tuple[str, float] | None:
    """Return the event (with its drain) that makes over half of the duplicates in under half of the time."""
    stretch = frames.behind()
    event = frames.event_of(stretch) if stretch is not None else None
    total = per_minute(frames).sum(axis=1)
    if stretch is None or event is None or not total.sum():
        return None
    until = findings.caught_up_at(frames, stretch)
    inside = (total.index + frames.bin_s > event.from_s) & (total.index < until)
    share = float(total[inside].sum() / total.sum())
    if share <= 0.5 or until - event.from_s > frames.end_s / 2:
        return None
    return f"{findings.event_name(event, frames.marked)} with its drain", share


def _idempotency(sheet: Sheet, frames: Frames) -> None:
    twice = frames.estimate("duplicate_processing.share")
    if twice.certainty is Certainty.NO_DATA:
        return
    row = sheet.height_in - 0.525
    if twice.certainty is Certainty.NONE_SEEN or twice.mean == 0:
        text, colour = "none was processed successfully twice", style.GREY
    else:
        text, colour = f"processed twice: {words.value(words.in_millionths(twice))} per million", style.TWICE
    sheet.text(
        _RIGHT_TEXT, row, text, size=9.5, color=colour, weight="bold" if colour == style.TWICE else "normal"
    )
