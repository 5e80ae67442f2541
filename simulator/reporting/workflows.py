"""Where do executions spend their time, and do transitions wait? States stacked over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from simulator.analysis.answer import Workflow
from simulator.reporting import scales, style, timeline, words
from simulator.reporting.frames import Frames
from simulator.reporting.labels import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_GAP_IN: Final = 0.42
_LOWER: Final = 0.3
"""Of the height: transitions."""
_SHADES: Final = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#7A6A2F", "#5B6470", "#BBBBBB")
_NAMED: Final = 0.02
"""A state with a smaller share of all time is not named."""
_NEAR: Final = 0.2
_REST: Final = "other states"


def figure(frames: Frames) -> Figure | None:
    """Return the chart of the workflow with the most executions at once; None without any."""
    known = [one for one in frames.setting.workflows if frames.has(one.path, "executions")]
    shown = max(known, key=lambda one: _number(frames, f"{one.path} executions.mean"), default=None)
    if shown is None or not _number(frames, f"{shown.path} transitions.count"):
        return None
    about = f"{words.plain_name(shown.path)}: {shown.settings}"
    sheet = style.Sheet(frames.setting, title(frames, shown), about, tall=True)
    top, bottom = sheet.top_in + 0.35, style.PLOT_BOTTOM_IN
    height = sheet.height_in - bottom - top - _GAP_IN
    middle = top + (1 - _LOWER) * height
    upper = sheet.panel(top, sheet.height_in - middle)
    lower = sheet.panel(middle + _GAP_IN, bottom)
    for panel in (upper, lower):
        scales.time_axis(panel, frames.end_s, labels=panel is lower)
    sheet.heading("executions in each state")
    sheet.heading("transitions per second", below_in=middle + _GAP_IN - 0.13)
    _plot_states(sheet, upper, frames, shown)
    _plot_transitions(sheet, lower, frames, shown)
    timeline.events_row(sheet, [upper, lower], frames.events(), row_in=top - 0.155, end_s=frames.end_s)
    consumer = next((one for one in frames.setting.consumers if one.path == shown.path), None)
    timeline.strip(sheet, lower, frames.segments(consumer), consumer, end_s=frames.end_s)
    return sheet.figure


def _number(frames: Frames, key: str) -> float:
    found = frames.answer.estimates.get(key)
    return 0.0 if found is None or found.mean != found.mean else found.mean


def _times(frames: Frames, one: Workflow) -> dict[str, float]:
    """Seconds that executions spent in each task and wait, in all, by its path; the longest first."""
    total = {path: _number(frames, f"{path} in_state.total") for path in one.states}
    return dict(sorted(total.items(), key=lambda pair: -pair[1]))


def title(frames: Frames, one: Workflow) -> str:
    """Return the finding: where the time goes, and whether transitions wait."""
    name = words.shortened(words.plain_name(one.path), 24)
    times = _times(frames, one)
    whole = sum(times.values())
    waits = _number(frames, f"{one.path} throttled_transitions.share")
    if waits > 0.005:
        count = words.number(_number(frames, f"{one.path} throttled_transitions.count"))
        return f"{count} transitions of {name} ({words.percent(waits, 2)}) wait for the account's quota"
    most = words.number(_number(frames, f"{one.path} executions.max"))
    if not whole:
        return f"{name} takes no time: up to {most} executions at once"
    path, longest = next(iter(times.items()))
    share, state = words.percent(longest / whole, 2), words.shortened(one.states[path], 28)
    return f"{share} of the time in {name} is spent in {state}; up to {most} run at once"


def _plot_states(sheet: Sheet, axes: Axes, frames: Frames, one: Workflow) -> None:
    times = _times(frames, one)
    whole = sum(times.values()) or 1.0
    shown = [path for path, total in times.items() if total >= _NAMED * whole][: len(_SHADES) - 1]
    rest = [path for path in times if path not in shown]
    layers = {one.states[path]: _inside(frames, [path]) for path in shown}
    if sum(times[path] for path in rest) >= _NAMED * whole:
        layers[_REST] = _inside(frames, rest)
    at = frames.curve(one.path, "executions").index
    floor = np.zeros(len(at))
    labels: list[tuple[str, np.ndarray, np.ndarray, str]] = []
    for (state, values), colour in zip(layers.items(), _SHADES, strict=False):
        top = floor + values
        axes.fill_between(at, floor, top, color=colour, alpha=0.75, linewidth=0, zorder=2)
        labels.append((state, floor, top, colour))
        floor = top
    scales.count_axis(axes, float(floor.max(initial=0.0)))
    _name_layers(sheet, axes, np.asarray(at, dtype=float), labels)


def _inside(frames: Frames, paths: list[str]) -> np.ndarray:
    curves = [frames.curve(path, "in_state")["mean"].to_numpy() for path in paths]
    found: np.ndarray = np.nan_to_num(np.sum(curves, axis=0))
    return found


def _name_layers(
    sheet: Sheet, axes: Axes, at: np.ndarray, layers: list[tuple[str, np.ndarray, np.ndarray, str]]
) -> None:
    """Write each state's name where its layer is highest, if it fits there; else beside the top of all."""
    placed = Labels(sheet, axes)
    for state, floor, top, colour in sorted(layers, key=lambda layer: -float((layer[2] - layer[1]).max())):
        place = int(np.argmax(top - floor))
        middle = float(floor[place] + top[place]) / 2
        lies = (
            placed.at(float(at[place]), float(top[place]))[1]
            - placed.at(float(at[place]), float(floor[place]))[1]
        )
        if lies > placed.size(state, size=9, weight="bold")[1] + 4:
            placed.near(
                state, placed.at(float(at[place]), middle), style.INK, weight="bold", ha="center", keep_px=0
            )
        else:
            placed.near(
                state, placed.at(float(at[place]), middle), colour, weight="bold", leader=True, keep_px=2
            )


def _plot_transitions(sheet: Sheet, axes: Axes, frames: Frames, one: Workflow) -> None:
    made = frames.curve(one.path, "transitions_per_s")
    waited = frames.curve(one.path, "throttled_transitions_per_s")
    style.line(axes, made, style.PROCESSED, width=2.0, zorder=5)
    waits = bool((waited["mean"] > 0).any())
    if waits:
        style.line(axes, waited, style.FAILED, width=1.8, zorder=4, band=False)
    largest = float(np.nanmax([made["high"].max(), made["mean"].max()]))
    bound = one.transitions_per_s
    bounded = bool(np.isfinite(bound)) and bound <= largest / _NEAR
    scales.count_axis(axes, max(largest, bound) if bounded else largest, most=3)
    labels = Labels(sheet, axes)
    numbers = labels.curve(made.index, made["mean"])
    second = labels.curve(waited.index, waited["mean"]) if waits else None
    if bounded:
        axes.axhline(bound, color=style.AWS, linewidth=1.1, linestyle=(0, (4, 3)), zorder=3)
        labels.curve(axes.get_xlim(), [bound] * 2)
        labels.along(f"{words.number(bound)} a second, the account's", bound, style.AWS, prefer=1.0)
    labels.beside("made", numbers, style.PROCESSED, sides="above below on")
    if second is not None:
        labels.beside("waited for a token", second, style.FAILED, sides="above below on")
