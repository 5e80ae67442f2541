"""Did a downstream hold? Calls in service and in line, tries a second and how they end, what callers see."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import pandas as pd

from simulator.analysis.answer import Downstream
from simulator.reporting import scales, style, timeline, words
from simulator.reporting.frames import Frames
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_FAILING: Final = {
    "refused_tries": "refused (429)",
    "timed_out_tries": "timed out",
    "failed_tries": "answered with an error",
}
_WORTH_SAYING: Final = 0.005
_FAR: Final = 2.5
_WIDE: Final = 10.0


def figure(frames: Frames) -> Figure | None:
    """Return the chart of the downstream that is in the most trouble; None without any."""
    one = shown(frames)
    if one is None:
        return None
    sheet = style.Sheet(
        frames.setting, title(frames, one), f"{words.plain_name(one.path)}: {one.settings}", tall=True
    )
    top = sheet.top_in + 0.35
    height = (sheet.height_in - style.PLOT_BOTTOM_IN - top - 0.56) / 3
    tops = [top + row * (height + 0.28) for row in range(3)]
    panels = [
        sheet.panel(at, style.PLOT_BOTTOM_IN if row == 2 else sheet.height_in - at - height)
        for row, at in enumerate(tops)
    ]
    for row, panel in enumerate(panels):
        scales.time_axis(panel, frames.end_s, labels=row == 2)
    timeline.events_row(sheet, panels, frames.events(), row_in=top - 0.155, end_s=frames.end_s)
    timeline.strip(sheet, panels[-1], frames.segments(frames.consumer), frames.consumer, end_s=frames.end_s)
    sheet.heading("calls at the downstream at once")
    sheet.heading("tries per second", below_in=tops[1] - 0.13)
    sheet.heading("time of a try as its caller sees it, mean", below_in=tops[2] - 0.13)
    _plot_places(sheet, panels[0], frames, one)
    _plot_tries(sheet, panels[1], frames, one)
    _plot_time(sheet, panels[2], frames, one)
    return sheet.figure


def shown(frames: Frames) -> Downstream | None:
    """Return the downstream of which most tries ended badly, of equals the most used; None without any."""

    def trouble(one: Downstream) -> tuple[float, float]:
        bad = sum(_share(frames, one, f"{name}.share") for name in _FAILING)
        return bad, _share(frames, one, "utilisation")

    called = [one for one in frames.setting.downstreams if frames.has(one.path, "tries_per_s")]
    return max(called, key=trouble, default=None)


def _share(frames: Frames, one: Downstream, tail: str) -> float:
    found = frames.answer.estimates.get(f"{one.path} {tail}")
    return 0.0 if found is None or math.isnan(found.mean) else found.mean


def title(frames: Frames, one: Downstream) -> str:
    """Return the finding: how many calls failed for good and why, or how near to its bound it comes."""
    name = words.shortened(words.plain_name(one.path), 24)
    tries = frames.answer.estimates.get(f"{one.path} tries.count")
    if tries is None or not tries.mean > 0:
        return f"Nothing calls {name}"
    failed = frames.answer.estimates[f"{one.path} failed_calls.share"]
    bad = {what: _share(frames, one, f"{tail}.share") for tail, what in _FAILING.items()}
    worst = max(bad, key=lambda what: bad[what])
    if bad[worst] >= _WORTH_SAYING:
        per_call = tries.mean / frames.answer.estimates[f"{one.path} calls.count"].mean
        often = f"; a call takes {words.number(per_call)} tries" if per_call > 1.01 else ""
        return (
            f"{words.percent(bad[worst])} of the tries at {name} {_verb(worst)}{often}, "
            f"and {words.percent(failed.mean)} of the calls fail for good"
        )
    served = float(frames.curve(one.path, "served")["mean"].max())
    line = float(frames.curve(one.path, "line")["mean"].max())
    bound = one.connections if math.isfinite(one.connections) else one.parallelism
    of = f" of {words.number(bound)}" if math.isfinite(bound) else ""
    waits = f", and up to {words.number(line)} wait in line" if line >= 1 else ", and none waits in line"
    return f"Up to {words.number(served)}{of} places at {name} are in use{waits}"


def _verb(what: str) -> str:
    return {"timed out": "time out", "refused (429)": "are refused (429)"}.get(what, f"are {what}")


def _plot_places(sheet: Sheet, axes: Axes, frames: Frames, one: Downstream) -> None:
    served, line = frames.curve(one.path, "served"), frames.curve(one.path, "line")
    axes.fill_between(
        served.index, 0, served["mean"], color=style.IN_SERVICE, alpha=0.18, linewidth=0, zorder=2
    )
    style.line(axes, served, style.IN_SERVICE, width=2.2, zorder=4)
    waits = bool((line["mean"] >= 0.5).any())
    if waits:
        style.line(axes, line, style.VISIBLE, width=2.2, zorder=5)
    largest = _largest(served, line)
    bounds = {"connections": one.connections, "full speed up to": one.parallelism}
    drawn = {name: bound for name, bound in bounds.items() if bound <= _FAR * largest}
    scales.count_axis(axes, max([largest, *drawn.values()]), most=4, whole=True)
    labels = Labels(sheet, axes)
    numbers = labels.curve(served.index, served["mean"])
    second = labels.curve(line.index, line["mean"]) if waits else None
    for name, bound in drawn.items():
        axes.axhline(bound, color=style.YOURS, linewidth=1.1, linestyle=(0, (1, 2)), zorder=3)
        labels.curve(axes.get_xlim(), [bound] * 2)
        said = f"{bound:,.0f} {name}" if name == "connections" else f"{name} {bound:,.0f}"
        labels.along(said, bound, style.YOURS, prefer=1.0)
    labels.beside("in service", numbers, style.IN_SERVICE, sides="above below on")
    if second is not None:
        labels.beside("in line", second, style.VISIBLE, sides="above below on")


def _plot_tries(sheet: Sheet, axes: Axes, frames: Frames, one: Downstream) -> None:
    tries = frames.curve(one.path, "tries_per_s")
    ends = {name: frames.curve(one.path, f"{name}_per_s") for name in _FAILING}
    worst = max(ends, key=lambda name: float(ends[name]["mean"].sum()))
    failing = ends[worst]
    style.line(axes, tries, style.SENT, width=2.2, zorder=4)
    fails = bool((failing["mean"] > 0.005 * max(1e-9, _largest(tries))).any())
    if fails:
        style.line(axes, failing, style.FAILED, width=2.0, zorder=5, band=False)
    largest = _largest(tries)
    rated = one.rate_per_s <= _FAR * largest
    scales.count_axis(axes, max(largest, one.rate_per_s) if rated else largest, most=4)
    labels = Labels(sheet, axes)
    numbers = labels.curve(tries.index, tries["mean"])
    second = labels.curve(failing.index, failing["mean"]) if fails else None
    if rated:
        axes.axhline(one.rate_per_s, color=style.YOURS, linewidth=1.1, linestyle=(0, (1, 2)), zorder=3)
        labels.curve(axes.get_xlim(), [one.rate_per_s] * 2)
        labels.along(f"{one.rate_per_s:,.0f} a second", one.rate_per_s, style.YOURS, prefer=1.0)
    labels.beside("tries", numbers, style.SENT, sides="above below on")
    if second is not None:
        labels.beside(_FAILING[worst], second, style.FAILED, sides="above below on")


def _plot_time(sheet: Sheet, axes: Axes, frames: Frames, one: Downstream) -> None:
    seen = frames.curve(one.path, "try_s", log=True)
    known = seen["mean"].dropna()
    if known.empty or not (known > 0).any():
        scales.count_axis(axes, 0.0)
        return
    scales.latency_axis(axes, max(1e-4, float(known.min())), max(1e-4, float(known.max())))
    sure = seen["high"] < _WIDE * seen["mean"]  # a band over the whole axis says nothing
    seen = seen.assign(low=seen["low"].where(sure), high=seen["high"].where(sure))
    style.line(axes, seen, style.PERCENTILES["p95"], width=2.2, zorder=4)


def _largest(*curves: pd.DataFrame) -> float:
    tops = [
        float(curve[column].max())
        for curve in curves
        for column in ("mean", "high")
        if curve[column].notna().any()
    ]
    return max(tops, default=0.0)
