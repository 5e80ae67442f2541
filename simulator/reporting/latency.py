"""How late is a message, is the promise kept? Percentiles by the time sent, and the tail beside them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from simulator.analysis.answer import Certainty, ThresholdResult
from simulator.reporting import findings, scales, style, throughput, timeline, words
from simulator.reporting.frames import PERCENTILES, Frames, highest_at, runs_of
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_SPLIT: Final = 0.675
_TAIL_LEFT: Final = 0.735
_TAIL_RIGHT: Final = 0.955
_LEAST_SHARE: Final = 1e-4
_STEADY: Final = "#8A8A8A"


def figure(frames: Frames) -> Figure:
    """Return the chart of the headline's queue and latency."""
    metric = metric_of(frames)
    curves = {p: frames.curve(frames.queue, f"{metric}_{p}", log=True) for p in PERCENTILES}
    promise = promise_of(frames, metric)
    end_s = frames.setting.duration_s  # nothing is sent later
    sheet = style.Sheet(frames.setting, title(frames), throughput.subtitle(frames))
    top = sheet.top_in + 0.35
    axes = sheet.panel(top, style.PLOT_BOTTOM_IN, right=_SPLIT)
    beside = sheet.panel(top, style.PLOT_BOTTOM_IN, left=_TAIL_LEFT, right=_TAIL_RIGHT)
    tails = {"whole run": frames.tail(metric), "steady": frames.tail(f"{metric}_steady")}
    span = bounds(curves, tails, promise)
    scales.latency_axis(axes, *span)
    scales.latency_axis(beside, *span, labels=False)
    scales.time_axis(axes, end_s, most=6)
    plain = plot_percentiles(curves, axes)
    plot_tail(tails, beside)
    bands = ", without bands for clarity" if plain else ""
    sheet.heading(f"{words.METRICS[metric]}, by the time sent{frames.of_queue}{bands}")
    sheet.heading("share of messages that took longer", x=_TAIL_LEFT)
    timeline.events_row(sheet, [axes], frames.marked, row_in=top - 0.155, end_s=end_s)
    timeline.strip(sheet, axes, frames.segments(frames.consumer), frames.consumer, end_s=end_s)
    for panel in (axes, beside):
        if promise is not None and promise.bound > 0:
            panel.axhline(
                promise.bound, color=style.CROSSED, linewidth=1.2, linestyle=(0, (5, 2.5)), zorder=2.5
            )
    _label_percentiles(sheet, axes, curves, promise, frames)
    _label_tail(sheet, beside, tails, frames, metric, promise)
    return sheet.figure


def metric_of(frames: Frames) -> str:
    """Return the latency of the headline, else end-to-end, else whichever there is."""
    metric = words.key_parts(frames.setting.headline)[1]
    wanted = [metric] if metric in ("wait", "end_to_end") else []
    for name in [*wanted, "end_to_end", "wait"]:
        if frames.has(frames.queue, f"{name}_p50"):
            return name
    return "end_to_end"


def promise_of(frames: Frames, metric: str) -> ThresholdResult | None:
    """Return the first threshold on the charted latency and queue (or on all queues): p99 before others."""
    mine: list[tuple[bool, bool, int, ThresholdResult]] = []
    for result in frames.answer.thresholds:
        scope, name, _, statistic = words.key_parts(result.key)
        if name == metric and scope in ("", frames.queue) and "<" in result.text:
            mine.append((statistic != "p99", statistic not in PERCENTILES, len(mine), result))
    return min(mine)[-1] if mine else None


def title(frames: Frames) -> str:
    """Return the finding: the largest p99, when, and in how much of the time the promise is broken."""
    metric = metric_of(frames)
    name = words.METRICS[metric]
    curve = frames.curve(frames.queue, f"{metric}_p99", log=True)
    shown = curve[(curve["mean"].notna()) | (curve["never"] > 0)]
    if shown.empty:
        return (
            f"No {name} to show: nothing was sent" if findings.nothing_sent(frames) else f"No {name} to show"
        )
    if (shown["never"] > 0).any():
        missing = float((shown["never"] > 0).sum()) * frames.bin_s
        return (
            f"More than 1 % of the messages sent in {words.duration(missing, 2)} of "
            f"{words.duration(len(shown) * frames.bin_s, 2)} are not processed within the run"
        )
    most, at = float(shown["mean"].max()), highest_at(shown["mean"])
    promise = promise_of(frames, metric)
    statistic = words.key_parts(promise.key)[3] if promise else ""
    if promise is None or statistic not in PERCENTILES:
        typical = float(shown["mean"].median())
        least = float(shown["mean"].min())
        if most < 3 * typical and most < 10 * least:
            between = f"{words.duration(least)} and {words.duration(most)}"
            return f"p99 {name} stays between {between} all the time"
        if most < 3 * typical:
            best = f"from {words.duration(least)} at best"
            return f"p99 {name} reaches {words.duration(most)} {_when(frames, at)}, {best}"
        usual = words.duration(typical)
        return f"p99 {name} reaches {words.duration(most)} {_when(frames, at)}, against {usual} usually"
    held = frames.curve(frames.queue, f"{metric}_{statistic}", log=True)["mean"].dropna()
    broken, bound = int((held >= promise.bound).sum()), words.duration(promise.bound)
    top, top_at = float(held.max()), highest_at(held)
    if not broken:
        return (
            f"{statistic} {name} stays under {bound} in all {_bins(len(held), frames.bin_s)}: "
            f"at most {words.duration(top)}"
        )
    return (
        f"{statistic} {name} reaches {words.duration(top)} {_when(frames, top_at)}; the {bound} promise "
        f"is broken in {_of(broken, len(held), frames.bin_s)}"
    )


def plot_percentiles(curves: dict[str, pd.DataFrame], axes: Axes) -> bool:
    """Draw p50, p95 and p99 [s] over the time sent [s].

    Curves that go up and down all the time are drawn thin and without bands, which would cover each
    other; returns whether they were.
    """
    jagged = any(is_jagged(curve["mean"], axes) for curve in curves.values())
    for zorder, (name, curve) in enumerate(curves.items(), start=3):
        style.line(
            axes, curve, style.PERCENTILES[name], width=1.1 if jagged else 2.3, band=not jagged, zorder=zorder
        )
    return jagged


def is_jagged(values: pd.Series, axes: Axes) -> bool:
    """Whether a curve goes up and down its panel all the time: eight times its height, all ways together."""
    low, high = axes.get_ylim()
    return bool(np.abs(np.diff(np.log(values.dropna().to_numpy()))).sum() > 8 * math.log(high / low))


def plot_tail(tails: dict[str, pd.DataFrame], axes: Axes) -> None:
    """Draw the share of messages that took longer than a latency: log share to the right, log latency up."""
    axes.set_xscale("log")
    axes.set_xlim(1.0, _LEAST_SHARE)
    for name, colour, width in (("steady", _STEADY, 1.8), ("whole run", style.INK, 2.2)):
        tail = tails[name]
        if len(tail):
            style.line(axes, tail.set_index("share"), colour, width=width, zorder=3 + (name == "whole run"))
    axes.grid(axis="x", which="major", color=style.GRID, linewidth=0.9)
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_color(style.AXIS)
    axes.minorticks_off()
    axes.set_xticks([1.0, 0.1, 0.01, 1e-3, 1e-4])
    axes.set_xticklabels(["all", "10 %", "1 %", "0.1 %", "0.01 %"])
    axes.tick_params(axis="x", length=4, color=style.AXIS, pad=4)
    axes.xaxis.get_ticklabels()[0].set_horizontalalignment("left")


def bounds(
    curves: dict[str, pd.DataFrame], tails: dict[str, pd.DataFrame], promise: ThresholdResult | None
) -> tuple[float, float]:
    """Return the least and largest latency [s] that the charted curves and a promise near them take."""
    values = [curve["mean"] for curve in curves.values()] + [
        tail["mean"][tail["share"] <= 0.9] for tail in tails.values() if len(tail)
    ]
    known = (
        pd.concat([v for v in values if len(v)]).dropna()
        if any(len(v) for v in values)
        else pd.Series(dtype=float)
    )
    known = known[known > 0]
    if known.empty:
        return 0.1, 60.0
    least, largest = float(known.min()), float(known.max())
    if promise is not None and least / 1e3 < promise.bound < largest * 1e3 and promise.bound > 0:
        least, largest = min(least, promise.bound), max(largest, promise.bound)
    return least, largest


def _when(frames: Frames, at: float) -> str:
    for event in frames.marked:
        name = findings.event_name(event, frames.marked)
        if event.from_s <= at <= event.until_s:
            return f"in {name}" if at < event.until_s - 2 * frames.bin_s else f"at the end of {name}"
    stretch = frames.behind()
    cause = frames.event_of(stretch) if stretch else None
    if stretch and cause and cause.until_s < at <= stretch.until_s:
        return f"after {findings.event_name(cause, frames.marked)}"
    return f"at {words.duration(at)}"


def _bins(count: int, bin_s: float) -> str:
    return f"{count} minutes" if bin_s == 60 else words.duration(count * bin_s)


def _of(part: int, count: int, bin_s: float) -> str:
    if bin_s == 60:
        return f"{part} of {count} minutes"
    return f"{words.duration(part * bin_s, 2)} of {words.duration(count * bin_s, 2)}"


def promise_words(result: ThresholdResult, *, short: bool = False) -> str:
    """Return a threshold in the scenario's own words, as a label on its line."""
    statistic = words.key_parts(result.key)[3]
    bound = re.sub(r"^.*?([<>]=?.*)$", r"\1", result.text).strip()
    return f"{statistic} {bound}" if short else f"threshold {statistic} {bound}"


def hatch_gaps(axes: Axes, labels: Labels, curve: pd.DataFrame, frames: Frames) -> None:
    """Hatch where nothing was sent, and where p99 falls among messages that were never processed."""
    if not len(curve):
        style.hatched(axes, 0, frames.end_s)
        labels.near("no data: nothing was sent", labels.at(frames.end_s / 2, _middle(axes)), style.GREY)
        return
    sent = curve[curve.index <= frames.setting.duration_s]
    reasons = (
        ((sent["mean"].isna() & (sent["never"] == 0)), "no data:\nnothing sent"),
        ((sent["never"] > 0), "p99 never:\nnot processed\nwithin the run"),
    )
    half = frames.bin_s / 2
    for flags, why in reasons:
        stretches = runs_of(flags.to_list())
        for first, last in stretches:
            style.hatched(axes, sent.index[first] - half, sent.index[last] + half)
        if stretches:
            first, last = max(stretches, key=lambda run: run[1] - run[0])
            middle = (sent.index[first] + sent.index[last]) / 2
            labels.near(why, labels.at(middle, _middle(axes)), style.GREY, ha="center")


def _middle(axes: Axes) -> float:
    low, high = axes.get_ylim()
    return math.sqrt(low * high)


def _label_percentiles(
    sheet: Sheet, axes: Axes, curves: dict[str, pd.DataFrame], promise: ThresholdResult | None, frames: Frames
) -> None:
    labels = Labels(sheet, axes)
    numbers = {name: labels.curve(curve.index, curve["mean"]) for name, curve in curves.items()}
    if promise is not None and promise.bound > 0:
        labels.curve(axes.get_xlim(), [promise.bound, promise.bound])
    for event in frames.events():
        for at in {event.from_s, event.until_s}:
            labels.curve([at, at], axes.get_ylim(), soft=True)
    if promise is not None and promise.bound > 0:
        labels.along(promise_words(promise), promise.bound, style.CROSSED, prefer=0.7)
    within = labels.apart(list(numbers.values()))
    for name in reversed(PERCENTILES):
        labels.beside(name, numbers[name], style.PERCENTILES[name], within=within, sides="above below on")
    hatch_gaps(axes, labels, curves["p99"], frames)


def _label_tail(
    sheet: Sheet,
    axes: Axes,
    tails: dict[str, pd.DataFrame],
    frames: Frames,
    metric: str,
    promise: ThresholdResult | None,
) -> None:
    labels = Labels(sheet, axes)
    numbers = {name: labels.curve(tail["share"], tail["mean"]) for name, tail in tails.items()}
    if promise is not None and promise.bound > 0:
        labels.curve(axes.get_xlim(), [promise.bound, promise.bound])
    whole, steady = tails["whole run"], tails["steady"]
    if not len(whole):
        style.hatched(axes, *axes.get_xlim())
        labels.near("no data", labels.at(0.01, _middle(axes)), style.GREY)
        return
    dots: list[tuple[str, float, float]] = []
    for name, share in (("p50", 0.5), ("p95", 0.05), ("p99", 0.01), ("p99.9", 1e-3)):
        estimate = frames.estimate(f"{metric}.{name}")
        low, high = axes.get_ylim()
        if estimate.certainty is Certainty.INTERVAL and low < estimate.mean < high:
            axes.plot(
                [share],
                [estimate.mean],
                "o",
                color=style.INK,
                markersize=6.5,
                markeredgecolor="white",
                zorder=6,
            )
            gap = " " if name == "p50" else "\n"
            dots.append((f"{name}{gap}{words.value(estimate)}", share, estimate.mean))
    for text, share, latency in dots:
        if not text.startswith("p95"):
            labels.near(
                text,
                labels.at(share, latency),
                style.INK,
                keep_px=7,
                reach_px=90,
                ha="left" if text.startswith("p50") else "center",
            )
    bold = len(steady) > 0
    if bold:
        labels.beside("whole run", numbers["whole run"], style.INK)
        labels.beside("steady\nminutes", numbers["steady"], _STEADY)
    ends = whole["never"] > 0
    if ends.any():
        share = float(whole["share"][ends].max())
        labels.near(
            f"{words.percent(share, 2)} not processed\nwithin the run",
            labels.at(share, axes.get_ylim()[1]),
            style.CROSSED,
        )
    _visibility_step(labels, steady if bold else whole, frames)


def _visibility_step(labels: Labels, tail: pd.DataFrame, frames: Frames) -> None:
    """Name the step that attempts make which wait out the visibility timeout, where the tail has one."""
    timeout = frames.setting.visibility_timeouts_s.get(frames.queue, math.nan)
    known = tail.dropna(subset=["mean"])
    if not (math.isfinite(timeout) and len(known) > 2):
        return
    values, shares = known["mean"].to_numpy(), known["share"].to_numpy()
    near = np.flatnonzero((values >= timeout) & (values < 1.6 * timeout))
    if not near.size or near[0] == 0 or values[max(0, near[0] - 2)] > timeout / 3:
        return
    at = near[0]
    one_in = words.significant(1 / shares[at], 2)
    labels.near(
        f"1 in {one_in} waits\nout the {words.duration(timeout)}\nvisibility timeout",
        labels.at(shares[at], values[at] / 2.5),
        style.GREY,
        size=8.5,
        keep_px=6,
    )
