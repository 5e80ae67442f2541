"""Is the variant better, at what price? One series overlaid, a row a metric with the paired difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pandas as pd

from simulator.analysis.answer import Answer, Certainty, Estimate, ThresholdResult
from simulator.analysis.trade import better as judged
from simulator.reporting import findings, latency, scales, style, words
from simulator.reporting.frames import NOTHING, PERCENTILES, Frames
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_SPLIT: Final = 0.395
_NAMES: Final = 0.432
_BASE_RIGHT: Final = 0.628
_VARIANT_RIGHT: Final = 0.735
_AXIS_LEFT: Final = 0.752
_AXIS_RIGHT: Final = 0.868
_BOTTOM_IN: Final = 0.79
_MOST_ROWS: Final = 7
_WIDEST: Final = 300
"""Of the axis of changes [%]."""
_GREATER_IS_BETTER: Final = frozenset({"throughput"})
_ROWS: Final = (
    "end_to_end.p99",
    "wait.p99",
    "drain",
    "backlog.max",
    "out_of_order.share",
    "duplicate_delivery.share",
    "duplicate_processing.share",
    "dead_lettered.count",
    "lost.count",
    "cost.month",
    "throughput.rate",
)
_NAMED: Final = {
    "throughput.rate": "processed msg/s",
    "backlog.max": "backlog peak",
    "duplicate_delivery.share": "duplicates",
}


@dataclass(frozen=True)
class Row:
    """One metric of a comparison; ``better`` is None where no difference was seen."""

    key: str
    name: str
    unit: str
    base: Estimate
    variant: Estimate
    difference: Estimate
    change: Estimate
    better: bool | None


def figure(base: Frames, variant: Frames, names: tuple[str, str] | None = None) -> Figure:
    """Return the chart of a variant against the base, on the base's headline queue.

    *names* are what the two are called where there are more variants than this one.
    """
    rows = table(base.answer, variant.answer)
    names = names or pairs([base.answer, variant.answer])[0]
    sheet = style.Sheet(base.setting, title(rows, names), subtitle(base, variant, names), note="paired")
    top = sheet.top_in + 0.19
    axes = sheet.panel(top, _BOTTOM_IN, right=_SPLIT)
    metric, statistic = _charted(base)
    curves = [frames.curve(base.queue, f"{metric}_{statistic}", log=True) for frames in (base, variant)]
    end_s = max(base.setting.duration_s, variant.setting.duration_s)
    promise = latency.promise_of(base, metric)
    if promise is not None and words.key_parts(promise.key)[3] != statistic:
        promise = None
    scales.latency_axis(axes, *latency.bounds({"base": curves[0], "variant": curves[1]}, {}, promise))
    scales.time_axis(axes, end_s, most=5)
    plot_overlaid(curves[0], curves[1], axes)
    sheet.heading(f"{statistic} {words.METRICS[metric]}, by the time sent{base.of_queue}")
    for event in base.marked:
        if event.until_s > event.from_s:
            axes.axvspan(event.from_s, event.until_s, color="black", alpha=0.055, linewidth=0, zorder=0.5)
    labels = Labels(sheet, axes)
    _label_curves(labels, axes, curves, names, promise)
    _draw_table(sheet, rows, names, top)
    return sheet.figure


def table(base: Answer, variant: Answer, most: int = _MOST_ROWS) -> list[Row]:
    """Return at most *most* rows of a comparison: the headline, then what differs before what does not."""
    frames = Frames(base)
    metric = words.key_parts(base.setting.headline)[1]
    headline = base.setting.headline.split(" ")[-1]
    tails = [headline] if metric else []
    tails += [tail for tail in _ROWS if tail != headline and not (tail == "wait.p99" and metric != "wait")]
    rows = []
    for tail in tails:
        key = f"{frames.queue} {tail}" if f"{frames.queue} {tail}" in base.estimates else tail
        if tail == headline and base.setting.headline in base.estimates:
            key = base.setting.headline
        rows.append(row_of(key, base, variant))
    said = [row for k, row in enumerate(rows) if k == 0 or not _empty(row)]
    chosen = sorted(said, key=lambda row: (row is not said[0], row.better is None))[:most]
    return [row for row in said if row in chosen]


def folder_names(variants: Sequence[Answer]) -> list[str]:
    """Return a name for each variant that is unique and fit for a folder."""
    names: list[str] = []
    for answer in variants:
        name = answer.setting.variant or answer.setting.name
        number, unique = 2, name
        while unique in names:
            number, unique = number + 1, f"{name}-{number}"
        names.append(unique)
    return names


def pairs(answers: Sequence[Answer]) -> list[tuple[str, str]]:
    """Return what the base and each of the others are called, the same in every place.

    The others are called as their folders are. The base has its variant's name, or ``base`` where others
    are of the same scenario, or else its scenario's.
    """
    base, others = answers[0].setting, answers[1:]
    alike = any(other.setting.name == base.name for other in others)
    name = base.variant or ("base" if alike else base.name)
    return [(words.shortened(name, 16), words.shortened(other, 16)) for other in folder_names(others)]


def title(rows: list[Row], names: tuple[str, str]) -> str:
    """Return the finding: the headline's difference first, then what speaks the other way."""
    row = rows[0]
    other = _opposite(rows)
    also = f"; {_moved(other)}" if other is not None else ""
    censored = (Certainty.NEVER, Certainty.AT_LEAST)
    if row.better is not None and (row.base.certainty in censored or row.variant.certainty in censored):
        ends = f"from {words.value(row.base)} to {words.value(row.variant)}"
        return f"With {names[1]}, {_subject(row)} goes {ends}{also}"
    if row.better is None:
        return f"With {names[1]}, no difference seen in {_subject(row)}{also}"
    low, high = words.ends(row.difference)
    moved = f"{words.signed(row.difference).lstrip('+−')} [{low}, {high}]"
    if row.difference.mean < 0:
        moved = f"{words.signed(row.difference)} [{low}, {high}]"
    judged = "better" if row.better else "worse"
    return f"With {names[1]}, {_subject(row)} is {judged}, by {moved}{also}"


def subtitle(base: Frames, variant: Frames, names: tuple[str, str]) -> str:
    """Return what is compared with what."""
    same = "same messages, same work in both"
    settings = variant.consumer.settings if variant.consumer else ""
    return " · ".join(filter(None, (f"{names[0]} against {names[1]}", settings, same)))


def plot_overlaid(base: pd.DataFrame, variant: pd.DataFrame, axes: Axes) -> None:
    """Draw one latency [s] of both over the time sent [s]; jagged ones thin, without bands."""
    jagged = any(latency.is_jagged(curve["mean"], axes) for curve in (base, variant))
    for curve, colour, width in ((base, style.BASE, 2.2), (variant, style.VARIANT, 2.4)):
        style.line(axes, curve, colour, width=1.0 if jagged else width, band=not jagged, zorder=3)


def draw_changes(rows: list[Row], axes: Axes) -> None:
    """Draw the change of each row in % of the base: a dot with its interval, hollow where none was seen."""
    known = [abs(100 * row.change.mean) for row in rows if math.isfinite(row.change.mean)]
    # what is beyond the widest scale is an arrow and must not press the others together
    largest = max((size for size in known if size <= _WIDEST), default=_WIDEST if known else 0)
    scale = next(s for s in (10, 25, 50, 100, 200, _WIDEST) if largest <= s)
    low = -min(scale, 100)
    axes.set_xlim(low - 0.12 * (scale - low), scale + 0.12 * (scale - low))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xticks([low, 0, scale])
    axes.set_xticklabels([f"−{-low}", "0", f"+{scale}"])
    if scale > 2 * -low:  # the two would touch
        axes.xaxis.get_ticklabels()[0].set_horizontalalignment("right")
    axes.tick_params(axis="x", length=4, color=style.AXIS, pad=4)
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_color(style.AXIS)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=style.GRID, linewidth=0.9)
    axes.axvline(0, color=style.GREY, linewidth=1.1)
    for at, row in enumerate(rows):
        change = row.change
        if not math.isfinite(change.mean):
            continue
        beyond = not low * 1.05 <= 100 * change.mean <= scale * 1.05
        place = min(max(100 * change.mean, low), scale)
        if beyond:
            axes.plot(
                [place], [at], marker=">" if place > 0 else "<", color=style.INK, markersize=9, zorder=4
            )
            continue
        if math.isfinite(change.low):
            axes.plot(
                [100 * change.low, 100 * change.high],
                [at, at],
                color=style.INK if row.better is not None else style.NEEDED,
                linewidth=1.6,
                zorder=3,
            )
        face, edge = (style.INK, "white") if row.better is not None else ("white", style.NEEDED)
        axes.plot(
            [place],
            [at],
            "o",
            markersize=8.5,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=1.6,
            zorder=4,
        )


def difference_words(row: Row) -> tuple[str, str, str]:
    """Return a row's verdict: the difference with its sign, its half-width, the colour of what is good."""
    before, after = row.base.certainty is Certainty.NEVER, row.variant.certainty is Certainty.NEVER
    if before and after:
        return "never in both", "", style.GREY
    if after:
        return "now never", "", style.CROSSED
    if before:
        return "no longer never", "", style.HOLDS
    if Certainty.AT_LEAST in (row.base.certainty, row.variant.certainty):
        if row.better is None:
            return "not to tell", "", style.GREY
        return ("better" if row.better else "worse"), "", style.HOLDS if row.better else style.CROSSED
    if row.difference.certainty is Certainty.NO_DATA or math.isnan(row.difference.mean):
        return words.DASH, "", style.GREY
    if row.better is None:
        return "no difference", "seen", style.GREY
    colour = style.HOLDS if row.better else style.CROSSED
    return words.signed(row.difference), words.plus_minus(row.difference), colour


def row_of(key: str, base: Answer, variant: Answer) -> Row:
    """Return one metric of both sides, judged by what is good for the user."""
    _, metric, _, statistic = words.key_parts(key)
    tail = key.split(" ")[-1]
    name = _NAMED.get(tail) or words.key_name(key)
    cells = [a.get(key, NOTHING) for a in (base.estimates, variant.estimates, variant.differences)]
    if statistic == "share":
        cells = [words.in_millionths(cell) if cell.unit == "share" else cell for cell in cells]
    change = variant.changes.get(key, NOTHING)
    unit = "per M" if statistic == "share" else ""
    if metric == "cost":  # whole intervals in dollars and cents have no room
        cells, unit = [replace(cell, unit="1") for cell in cells], "USD"
    better = judged(cells[0], cells[1], cells[2], greater=metric in _GREATER_IS_BETTER)
    return Row(key, name, unit, cells[0], cells[1], cells[2], change, better)


def _empty(row: Row) -> bool:
    none = (Certainty.NO_DATA, Certainty.NONE_SEEN)
    return row.base.certainty in none and row.variant.certainty in none


def _opposite(rows: list[Row]) -> Row | None:
    """Return the row that speaks most against the headline (or speaks at all, where that does not)."""
    wanted = None if rows[0].better is None else not rows[0].better
    found = [row for row in rows[1:] if row.better is not None and (wanted is None or row.better is wanted)]

    def weight(row: Row) -> float:
        if math.isfinite(row.change.mean):
            return abs(row.change.mean)
        return 10.0

    return max(found, key=weight, default=None)


def _moved(row: Row) -> str:
    rises = row.variant.certainty is Certainty.NEVER or row.difference.mean > 0
    return (
        f"{_subject(row)} {'rises' if rises else 'falls'} from {words.value(row.base)} "
        f"to {words.value(row.variant)}"
    )


def _subject(row: Row) -> str:
    return f"{row.name} {row.unit}".strip()


def _heading(row: Row) -> str:
    """Return a row's name with a capital, but p99 as it is written everywhere."""
    return row.name if row.name[:1] == "p" and row.name[1:2].isdigit() else findings.capitalised(row.name)


def _charted(base: Frames) -> tuple[str, str]:
    metric = latency.metric_of(base)
    statistic = words.key_parts(base.setting.headline)[3]
    return metric, statistic if statistic in PERCENTILES else "p99"


def _label_curves(
    labels: Labels,
    axes: Axes,
    curves: list[pd.DataFrame],
    names: tuple[str, str],
    promise: ThresholdResult | None,
) -> None:
    numbers = [labels.curve(curve.index, curve["mean"]) for curve in curves]
    if promise is not None and promise.bound > 0:
        axes.axhline(promise.bound, color=style.CROSSED, linewidth=1.2, linestyle=(0, (5, 2.5)), zorder=2.5)
        labels.curve(axes.get_xlim(), [promise.bound, promise.bound])
        labels.along(latency.promise_words(promise, short=True), promise.bound, style.CROSSED, prefer=0.15)
    for number, name, colour, curve in zip(numbers, names, (style.BASE, style.VARIANT), curves, strict=True):
        if curve["mean"].notna().any():
            labels.beside(name, number, colour)
            ends = curve.index[curve["never"] > 0]
            if len(ends):
                last = curve["mean"].dropna()
                labels.near(
                    "sent later: not processed\nwithin the run",
                    labels.at(float(last.index[-1]), float(last.iloc[-1])),
                    colour,
                    size=9,
                    keep_px=6,
                )
        elif len(curve):
            high = axes.get_ylim()[1]
            labels.near(
                f"{name}: never, not\nprocessed within the run",
                labels.at(axes.get_xlim()[1], high),
                colour,
                size=9.5,
                weight="bold",
                ha="right",
            )


def _draw_table(sheet: Sheet, rows: list[Row], names: tuple[str, str], top_in: float) -> None:
    from matplotlib.lines import Line2D

    axes = sheet.panel(top_in, _BOTTOM_IN, left=_AXIS_LEFT, right=_AXIS_RIGHT)
    draw_changes(rows, axes)
    sheet.text(_BASE_RIGHT, sheet.top_in, names[0], ha="right", size=9.5, weight="bold", color=style.BASE)
    sheet.text(
        _VARIANT_RIGHT, sheet.top_in, names[1], ha="right", size=9.5, weight="bold", color=style.VARIANT
    )
    sheet.text(
        (_AXIS_LEFT + _AXIS_RIGHT) / 2,
        sheet.top_in,
        "change in %",
        ha="center",
        size=9.5,
        color=style.HEADING,
    )
    sheet.text(style.RIGHT, sheet.top_in, "difference", ha="right", size=9.5, color=style.HEADING)
    pitch = (sheet.height_in - top_in - _BOTTOM_IN) / len(rows)
    for k, row in enumerate(rows):
        upper, lower = top_in + (k + 0.36) * pitch, top_in + (k + 0.36) * pitch + 0.17
        sheet.text(_NAMES, upper, _heading(row), size=9.5, color=style.INK)
        second = ", ".join(filter(None, (row.unit, "the headline" * (k == 0))))
        sheet.text(_NAMES, lower, second, size=8.5, color=style.GREY)
        for x, cell in ((_BASE_RIGHT, row.base), (_VARIANT_RIGHT, row.variant)):
            sheet.text(x, upper, words.value(cell), ha="right", size=9.5, color=style.INK)
            sheet.text(x, lower, words.interval(cell), ha="right", size=8.5, color=style.GREY)
        difference, half, colour = difference_words(row)
        sheet.text(
            style.RIGHT,
            upper,
            difference,
            ha="right",
            size=9.5,
            color=colour,
            weight="normal" if colour == style.GREY else "bold",
        )
        sheet.text(
            style.RIGHT, lower, half, ha="right", size=8.5 if half.startswith("±") else 9.5, color=style.GREY
        )
        if row.base.mean == 0 and row.better is not None:
            sheet.text(
                _AXIS_LEFT + 0.55 * (_AXIS_RIGHT - _AXIS_LEFT), upper, "from 0", size=8.5, color=style.GREY
            )
        if k + 1 < len(rows):
            rule = Line2D(
                [_NAMES, style.RIGHT],
                [sheet.y(top_in + (k + 1) * pitch)] * 2,
                color=style.GRID,
                linewidth=0.9,
            )
            sheet.figure.add_artist(rule)
