"""Which value of a setting, and what does the next step buy? A curve with bands; for two settings a map."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from simulator.analysis.answer import Certainty, Estimate, ThresholdResult, Verdict
from simulator.analysis.sweeps import COST, Point, Sweep, known_of
from simulator.reporting import scales, style, words
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_COLOUR: Final = style.PERCENTILES["p95"]
_COST: Final = "#7A6A2F"
_TICKS: Final = 20
_BOTTOM_IN: Final = 0.95


def figure(sweep: Sweep, finding: str = "") -> Figure:
    """Return the picture of a sweep of one setting; its title is *finding*, where one is given."""
    first = sweep.points[0].answer.setting
    priced = all(known_of(point.number(COST)) for point in sweep.points) and sweep.metric != COST
    sheet = style.Sheet(first, finding or title(sweep), first.traffic, about=_about(sweep), tall=priced)
    top = sheet.top_in + 0.16
    height = sheet.height_in - _BOTTOM_IN - top
    upper = 0.62 * height if priced else height
    panels = [sheet.panel(top, sheet.height_in - top - upper)]
    sheet.heading(_heading(sweep.metric, sweep.points[0].number(sweep.metric)) + _hollow(sweep))
    if priced:
        panels.append(sheet.panel(top + upper + 0.42, _BOTTOM_IN))
        sheet.heading("cost at this load, USD a month", below_in=top + upper + 0.29)
    for panel in panels:
        panel.set_xlim(-0.6, len(sweep.points) - 0.4)
        _value_axis(panel, sweep, labels=panel is panels[-1])
        if sweep.chosen is not None:
            panel.axvline(sweep.points.index(sweep.chosen), color=style.INK, linewidth=1.2, zorder=3)
    _plot(sheet, panels[0], sweep)
    if priced:
        _plot_cost(sheet, panels[1], sweep)
    panels[-1].set_xlabel(sweep.paths[0], fontsize=9.5, color=style.INK)
    return sheet.figure


def title(sweep: Sweep) -> str:
    """Return the finding: the value to take and what the next one buys, or that none holds."""
    if len(sweep.paths) == 2:
        return _title_of_two(sweep)
    path = setting_name(sweep.paths[0])
    numbers = [point.number(sweep.metric) for point in sweep.points]
    name = words.key_name(sweep.metric)
    if not sweep.thresholds:
        shown = [point.shown(sweep.metric) for point in sweep.points]
        known = [number for number, is_shown in zip(numbers, shown, strict=True) if is_shown]
        if not known:
            return f"{name} has no value anywhere in {_span(sweep)}"
        return (
            f"{name} goes from {words.value(known[0])} to {words.value(known[-1])} "
            f"as {path} goes over {_span(sweep)}"
        )
    kept = promise(sweep)
    chosen = sweep.chosen
    if chosen is None:
        return _none_holds(sweep, path, kept)
    place = sweep.points.index(chosen)
    value = chosen.values[0]
    if sweep.falls:
        which = "largest" if _ascends(sweep.values[0]) else "last"
        after = sweep.points[place + 1]
        return f"{value} is the {which} {path} that keeps {kept}; {after.values[0]} {_missed(after)}"
    if place == 0:
        return f"{path} {value} already keeps {kept}{_next(sweep, place)}"
    which = "smallest" if _ascends(sweep.values[0]) else "first"
    return f"{value} is the {which} {path} that keeps {kept}{_next(sweep, place)}"


def setting_name(path: str) -> str:
    """Return a setting without the section it is in: ``capacity.max of fraud``."""
    parts = path.split(".")
    return f"{words.shortened('.'.join(parts[2:]), 40)} of {parts[1]}" if len(parts) > 2 else path


def _ascends(values: Sequence[str]) -> bool:
    """Whether they are numbers with one unit, each above the one before."""
    found = [re.fullmatch(r"([0-9.]+)([A-Za-z%/]*)", value) for value in values]
    read = [(float(one[1]), one[2]) for one in found if one is not None]
    numbers = [number for number, _ in read]
    return len(read) == len(values) and len({unit for _, unit in read}) == 1 and numbers == sorted(numbers)


def promise(sweep: Sweep) -> str:
    """Return the promise in the scenario's words, or how many there are."""
    return sweep.thresholds[0] if len(sweep.thresholds) == 1 else f"all {len(sweep.thresholds)} promises"


def _none_holds(sweep: Sweep, path: str, kept: str) -> str:
    holding = [point.values[0] for point in sweep.points if point.verdict is Verdict.HOLDS]
    if holding:
        return f"{kept} holds at {words.listed(holding[:3])}, and not from there on: no value is safe"
    undecided = [point.values[0] for point in sweep.points if point.verdict is Verdict.UNDECIDED]
    if undecided:
        return f"No {path} in {_span(sweep)} surely keeps {kept}; {undecided[0]} is undecided"
    return f"No {path} in {_span(sweep)} keeps {kept}"


def _next(sweep: Sweep, place: int) -> str:
    """Return what the next value buys, and for how much."""
    if place + 1 >= len(sweep.points):
        return ""
    here, there = sweep.points[place], sweep.points[place + 1]
    one, other = here.number(sweep.metric), there.number(sweep.metric)
    if not (known_of(one) and known_of(other)):
        return ""
    value = there.values[0]
    change = Estimate(abs(other.mean - one.mean), math.nan, math.nan, one.unit, Certainty.EXACT, 1)
    less = other.mean < one.mean
    if other.low <= one.mean <= other.high or one.low <= other.mean <= one.high:
        gain = f"{value} gains nothing that is seen"
    elif one.unit in ("s", "share", "USD"):
        gain = f"{value} {'buys' if less else 'costs'} {words.value(change)}"
    else:
        gain = f"{value} makes it {words.value(change)} {'less' if less else 'more'}"
    if sweep.metric != COST and known_of(here.number(COST)) and known_of(there.number(COST)):
        price = there.number(COST).mean - here.number(COST).mean
        gain += f" for {words.number(price)} USD a month" if price > 0.005 else ""
    return f"; {gain}"


def _missed(point: Point) -> str:
    return "misses" if point.verdict is Verdict.CROSSED else "is undecided"


def _span(sweep: Sweep) -> str:
    values = sweep.values[0]
    return f"{values[0]} to {values[-1]}" if len(values) > 1 else values[0]


def _about(sweep: Sweep) -> tuple[str, ...]:
    setting = sweep.points[0].answer.setting
    runs = setting.replications
    if len(sweep.paths) == 1:
        said = f"sweep {words.shortened(sweep.paths[0], 36)} {words.shortened(_span(sweep), 24)}"
        lines = "line: mean, band: 95 % interval" if runs > 1 else "one run: no intervals"
    else:
        said, lines = f"sweep of {len(sweep.points)} points", "numbers and shades: means over replications"
    most = max(point.answer.setting.replications for point in sweep.points)
    each = f"{runs} to {most}" if most > runs else f"{runs}"
    return said, f"seed {setting.seed}", f"{each} run{'s' * (most > 1)} a point", lines


def _heading(key: str, number: Estimate) -> str:
    unit = {"1/s": ", per second", "share": ", %", "USD": ", USD"}.get(number.unit, "")
    scope = key.rpartition(" ")[0]
    return f"{words.key_name(key)}{f' of {words.plain_name(scope)}' if scope else ''}{unit}"


def _hollow(sweep: Sweep) -> str:
    """Return what is said of values that a logarithmic axis has no place for."""
    numbers = [point.number(sweep.metric) for point in sweep.points]
    none = any(number.unit == "s" and number.mean == 0 for number in numbers)
    return "; hollow: 0" if none and any(number.mean > 0 for number in numbers) else ""


def _value_axis(axes: Axes, sweep: Sweep, *, labels: bool) -> None:
    every = math.ceil(len(sweep.points) / _TICKS)
    places = list(range(0, len(sweep.points), every))
    axes.set_xticks(places)
    axes.set_xticklabels([sweep.points[place].values[0] for place in places] if labels else [])


def _scale(number: Estimate) -> float:
    return 100.0 if number.unit == "share" else 1.0


def _plot(sheet: Sheet, axes: Axes, sweep: Sweep) -> None:
    numbers = [point.number(sweep.metric) for point in sweep.points]
    scale = _scale(numbers[0])
    shown = [point.shown(sweep.metric) for point in sweep.points]
    places = range(len(numbers))
    means = [scale * number.mean if known else math.nan for number, known in zip(numbers, shown, strict=True)]
    ends = [(scale * _end(number, number.low), scale * _end(number, number.high)) for number in numbers]
    bounds = [result for result in sweep.points[0].answer.thresholds if result.key == sweep.metric]
    # A low end near 0 is not worth decades of a logarithmic axis.
    extent = [at for place in places if shown[place] for at in (means[place], ends[place][1])]
    extent += [max(ends[place][0], means[place] / 3) for place in places if shown[place]]
    _axis(axes, numbers[0].unit, extent, [scale * bound.bound for bound in bounds])
    floor = axes.get_ylim()[0]
    heights = [max(mean, floor) for mean in means]
    lows = [max(low, floor) if known else math.nan for (low, _), known in zip(ends, shown, strict=True)]
    highs = [max(high, floor) if known else math.nan for (_, high), known in zip(ends, shown, strict=True)]
    axes.fill_between(places, lows, highs, color=_COLOUR, alpha=0.2, linewidth=0)
    axes.plot(places, heights, "o-", color=_COLOUR, lw=2.2, ms=6, mec="white", zorder=5, clip_on=False)
    below = [place for place in places if means[place] < floor]
    axes.plot(below, [floor] * len(below), "o", ms=6, mfc="white", mec=_COLOUR, zorder=5.5, clip_on=False)
    labels = Labels(sheet, axes)
    curve = labels.curve(list(places), heights)
    _hatch(axes, labels, sweep, shown)
    _chosen_line(axes, labels, sweep)
    for bound in bounds:
        _threshold(axes, labels, bound, scale)
    _name_chosen(labels, axes, sweep, heights)
    _name_first_miss(labels, sweep, heights)
    _mark_knee(axes, labels, sweep, heights)
    if sum(shown) > 2:
        labels.beside(words.key_name(sweep.metric), curve, _COLOUR, sides="above below right left")


def _chosen_line(axes: Axes, labels: Labels, sweep: Sweep) -> None:
    if sweep.chosen is not None:
        labels.curve([sweep.points.index(sweep.chosen)] * 2, axes.get_ylim())


def _end(number: Estimate, end: float) -> float:
    return end if math.isfinite(end) else number.mean


def _axis(axes: Axes, unit: str, values: Sequence[float], bounds: Sequence[float]) -> None:
    positive = [value for value in (*values, *bounds) if value > 0]
    if unit == "s" and positive:
        scales.latency_axis(axes, min(positive), max(positive))
    else:
        scales.count_axis(axes, max([*values, *bounds], default=0.0))


def _threshold(axes: Axes, labels: Labels, bound: ThresholdResult, scale: float) -> None:
    at = scale * bound.bound
    axes.axhline(at, color=style.CROSSED, linewidth=1.2, linestyle=(0, (4, 3)), zorder=4)
    labels.curve(axes.get_xlim(), [at] * 2)
    labels.along(f"threshold {bound.text}", at, style.CROSSED, prefer=0.35)


def _hatch(axes: Axes, labels: Labels, sweep: Sweep, shown: Sequence[bool]) -> None:
    """Hatch stretches of values without a number, and say why."""
    place = 0
    while place < len(shown):
        end = place
        while not shown[place] and end + 1 < len(shown) and not shown[end + 1]:
            end += 1
        if not shown[place]:
            style.hatched(axes, place - 0.5, end + 0.5)
            low, high = axes.get_ylim()
            middle = math.sqrt(low * high) if axes.get_yscale() == "log" else (low + high) / 2
            point = sweep.points[end]
            said = why(point, sweep.metric)
            labels.near(said, labels.at((place + end) / 2, middle), style.GREY, ha="center")
        place = end + 1


def why(point: Point, key: str) -> str:
    """Return why a point has no number, in short lines: what its consumers lack, or that nothing ended."""
    number = point.number(key)
    if needs := point.overload(key):
        needed = needs.partition("needs ")[2].partition(";")[0].replace(" busy slots, ", ",\n")
        return f"never settles,\nneeds {needed}" if needed else "never settles"
    if number.certainty is Certainty.NEVER:
        return "never"
    if number.certainty is Certainty.AT_LEAST:
        return f"{words.value(number)}\nunfinished"
    return "no data"


def _name_chosen(labels: Labels, axes: Axes, sweep: Sweep, heights: Sequence[float]) -> None:
    chosen = sweep.chosen
    if chosen is None or not chosen.shown(sweep.metric):
        return
    number, place = chosen.number(sweep.metric), sweep.points.index(chosen)
    _ring(axes, place, heights[place])
    said = f"{chosen.values[0]}: {words.key_name(sweep.metric)} {words.value(number)}"
    interval = words.interval(number) if number.high > number.low else ""
    labels.headed(f"{said} {interval}".strip(), _also(sweep), labels.at(place, heights[place]), keep_px=14)


def _ring(axes: Axes, x: float, y: float) -> None:
    axes.plot([x], [y], "o", ms=13, mfc="none", mec=style.INK, mew=1.8, zorder=6)


def _also(sweep: Sweep) -> list[str]:
    knee = ", and the knee" if sweep.knee is sweep.chosen else ""
    words_of = ("largest", "last") if sweep.falls else ("smallest", "first")
    return [f"{words_of[not _ascends(sweep.values[0])]} that holds{knee}"]


def _name_first_miss(labels: Labels, sweep: Sweep, heights: Sequence[float]) -> None:
    """Name the neighbour of the chosen value that does not hold, with its number."""
    if sweep.chosen is None:
        return
    place = sweep.points.index(sweep.chosen) + (1 if sweep.falls else -1)
    if place < 0 or not sweep.points[place].shown(sweep.metric):
        return
    point = sweep.points[place]
    what = _missed(point).removeprefix("is ")
    said = f"{point.values[0]}: {words.value(point.number(sweep.metric))}, {what}"
    labels.near(said, labels.at(place, heights[place]), style.GREY, reach_px=260, keep_px=8)


def _mark_knee(axes: Axes, labels: Labels, sweep: Sweep, heights: Sequence[float]) -> None:
    knee = sweep.knee
    if knee is None or knee is sweep.chosen:
        return
    place = sweep.points.index(knee)
    y = heights[place]
    axes.plot([place], [y], "D", ms=11, mfc="none", mec=style.GREY, mew=1.4, zorder=6)
    labels.near(f"knee at {knee.values[0]}", labels.at(place, y), style.GREY, reach_px=300, keep_px=12)


def _plot_cost(sheet: Sheet, axes: Axes, sweep: Sweep) -> None:
    numbers = [point.number(COST) for point in sweep.points]
    means = [number.mean for number in numbers]
    scales.count_axis(axes, max(means), most=3)
    axes.plot(
        range(len(means)), means, color=_COST, linewidth=1.8, marker="o", markersize=5,
        markeredgecolor="white", zorder=5,
    )  # fmt: skip
    labels = Labels(sheet, axes)
    labels.curve(list(range(len(means))), means)
    _chosen_line(axes, labels, sweep)
    if sweep.chosen is not None:
        place = sweep.points.index(sweep.chosen)
        _ring(axes, place, means[place])
        labels.near(
            f"{words.number(means[place])} USD", labels.at(place, means[place]), style.INK, size=10,
            weight="bold", keep_px=6,
        )  # fmt: skip


# -- two settings ------------------------------------------------------------------------------------


def heat_map(sweep: Sweep) -> Figure:
    """Return the picture of a sweep of two settings: the first upwards, the second to the right."""
    from matplotlib.colors import LogNorm, Normalize

    first = sweep.points[0].answer.setting
    sheet = style.Sheet(first, title(sweep), first.traffic, about=_about(sweep), tall=True)
    top = sheet.top_in + 0.38
    axes = sheet.panel(top, _BOTTOM_IN)
    rows, columns = sweep.values
    numbers = [point.number(sweep.metric) for point in sweep.points]
    sheet.heading(f"{_heading(sweep.metric, numbers[0])}; {_legend(sweep)}")
    scale = _scale(numbers[0])
    shown = [point.shown(sweep.metric) for point in sweep.points]
    known = [scale * number.mean for number, is_shown in zip(numbers, shown, strict=True) if is_shown]
    logarithmic = numbers[0].unit == "s" and max(known, default=0.0) > 0
    low = min((value for value in known if value > 0 or not logarithmic), default=0.0)
    high = max(max(known, default=1.0), low + 1e-9)
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    for place, (point, number) in enumerate(zip(sweep.points, numbers, strict=True)):
        row, column = divmod(place, len(columns))
        shade = norm(max(scale * number.mean, low)) if shown[place] else None
        said = words.value(number) if shown[place] else why(point, sweep.metric)
        _cell(axes, point, said, row, column, shade)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    axes.grid(False)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel(sweep.paths[1], fontsize=9.5, color=style.INK)
    sheet.text(style.TEXT_LEFT, top - 0.13, f"upwards: {sweep.paths[0]}", size=9, color=style.GREY)
    return sheet.figure


def _legend(sweep: Sweep) -> str:
    return "framed: all promises hold" if sweep.thresholds else "darker is more"


def _cell(axes: Axes, point: Point, said: str, row: int, column: int, shade: float | None) -> None:
    filled = "#FFFFFF" if shade is None else _shade(float(shade))
    _box(axes, row, column, 0.5, facecolor=filled, edgecolor="white", linewidth=1.5)
    if shade is None:
        _box(axes, row, column, 0.5, facecolor="none", edgecolor=style.NO_DATA, hatch="////", linewidth=0)
    if point.answer.thresholds and point.verdict is Verdict.HOLDS:
        _box(axes, row, column, 0.46, facecolor="none", edgecolor=style.HOLDS, linewidth=2.2)
    dark = shade is not None and shade > 0.55
    axes.text(
        column,
        row,
        said,
        ha="center",
        va="center",
        fontsize=9,
        color="white" if dark else style.INK,
        zorder=5,
        path_effects=[] if dark else style.halo(),
    )


def _box(axes: Axes, row: int, column: int, half: float, **look: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((column - half, row - half), 2 * half, 2 * half, zorder=3, **look))


def _shade(share: float) -> str:
    """Between near white and the colour of p99."""
    light, dark = (0xF4, 0xEE, 0xF8), (0x4A, 0x1A, 0x6B)
    mixed = (round(a + (b - a) * share) for a, b in zip(light, dark, strict=True))
    return "#" + "".join(f"{part:02X}" for part in mixed)


def _title_of_two(sweep: Sweep) -> str:
    name = words.key_name(sweep.metric)
    known = [point for point in sweep.points if point.shown(sweep.metric)]
    if not known:
        return f"{name} has no value anywhere"
    if not sweep.thresholds:
        least = min(known, key=lambda point: point.number(sweep.metric).mean)
        where = ", ".join(least.values)
        return f"{name} is least at {where}: {words.value(least.number(sweep.metric))}"
    if sweep.chosen is None:
        return f"None of {len(sweep.points)} points keeps {promise(sweep)}"
    holding = sum(point.verdict is Verdict.HOLDS for point in sweep.points)
    cost = sweep.chosen.number(COST)
    which = f"the cheapest, at {words.number(cost.mean)} USD a month," if known_of(cost) else "the first"
    values = zip(sweep.paths, sweep.chosen.values, strict=True)
    where = words.listed([f"{setting_name(path)} {value}" for path, value in values])
    return f"{holding} of {len(sweep.points)} points keep {promise(sweep)}; {which} is {where}"
