"""Which alarm would have caught it, and how early? What each alarm saw, its threshold, and when it rang."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from simulator.analysis.answer import Answer, Estimate, Rehearsal
from simulator.reporting import scales, style, timeline, words
from simulator.reporting.frames import Frames

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

MOST_ALARMS: Final = 6
"""So many have a panel."""

_BOTTOM_IN: Final = 0.72
_HEADING_IN: Final = 0.27
_PERIOD_S: Final = 60.0
_CAPTION: Final = (
    "Harm: more dead letters or losses than before the fault, or waits longer than a threshold allows. "
    "Alarms read metrics as CloudWatch publishes them: a point a minute, a minute late. False: it rang while "
    "no fault lasted, and more than 15 min from its end and from any harm. Thresholds that fit: with one "
    "between these the alarm would have rung before the first harm in every run, and never falsely."
)


def figure(frames: Frames) -> Figure | None:
    """Return the chart, or None where the scenario has no alarms."""
    shown = frames.answer.alarms[:MOST_ALARMS]
    if not shown:
        return None
    runs = frames.setting.replications
    about = (f"seed {frames.setting.seed}", f"curves: the first of {runs} runs" if runs > 1 else "one run")
    sheet = style.Sheet(
        frames.setting, title(frames.answer), _subtitle(frames.answer), tall=len(shown) > 3, about=about
    )
    first = sheet.top_in + _HEADING_IN
    each = (sheet.height_in - _BOTTOM_IN - first) / len(shown)
    panels = []
    for row, alarm in enumerate(shown):
        top = first + row * each
        last = row == len(shown) - 1
        axes = sheet.panel(top + _HEADING_IN, sheet.height_in - first - (row + 1) * each + 0.06 * (not last))
        panels.append(axes)
        plot(alarm, axes, frames.end_s)
        scales.time_axis(axes, frames.end_s, labels=last)
        sheet.heading(_heading(alarm), below_in=top + 0.13)
        sheet.text(
            style.RIGHT, top + 0.13, rang(alarm), ha="right", size=9.5, weight="bold", color=_colour(alarm)
        )
    timeline.events_row(sheet, panels, frames.events(), row_in=sheet.top_in + 0.05, end_s=frames.end_s)
    _mark_harm(sheet, panels, shown[0].harm_s, frames.end_s)
    return sheet.figure


def plot(alarm: Rehearsal, axes: Axes, end_s: float) -> None:
    """Draw the points an alarm saw over time [s], its threshold, and the times in which it rang."""
    at: list[float] = []
    values: list[float] = []
    for instant, value in zip(alarm.seen_s, alarm.seen, strict=True):
        if at and instant - at[-1] > 1.5 * _PERIOD_S:
            at.append(math.nan)
            values.append(math.nan)
        at.append(instant)
        values.append(value)
    axes.plot(at, values, color=style.INK, linewidth=1.7, drawstyle="steps-post", zorder=4)
    axes.axhline(alarm.threshold, color=style.CROSSED, linewidth=1.2, linestyle=(0, (4, 3)), zorder=3)
    for spell in alarm.spells:
        until_s = min(spell.until_s, end_s)
        axes.axvspan(spell.from_s, until_s, color=style.CROSSED, alpha=0.16, linewidth=0, zorder=1)
        axes.plot([spell.from_s] * 2, [0, 1], color=style.CROSSED, linewidth=2, zorder=5,
                  transform=axes.get_xaxis_transform())  # fmt: skip
    within = [value for instant, value in zip(alarm.seen_s, alarm.seen, strict=True) if instant <= end_s]
    scales.count_axis(axes, max([alarm.threshold * 1.15, *within, 1e-9]), most=3)


def title(answer: Answer) -> str:
    """Return the finding: the alarm that leaves most time before the harm, and the latest."""
    alarms = answer.alarms
    caught = [one for one in alarms if math.isfinite(one.lead.mean) and one.missed.mean == 0]
    if not caught:
        late = [one for one in alarms if math.isfinite(one.delay.mean)]
        if late:
            first = min(late, key=lambda one: one.delay.mean)
            return (
                f"Alarm {first.name} rings first, {words.duration(first.delay.mean, 2)} after the fault began"
            )
        rung = [one.name for one in alarms if one.fired.mean > 0]
        return f"Only {words.listed(rung)} ever rings" if rung else "No alarm rings"
    quiet = [one for one in caught if one.false_alarms.mean == 0] or caught
    best = max(quiet, key=lambda one: one.lead.mean)
    worst = min(caught, key=lambda one: one.lead.mean)
    if worst is best:
        return f"Alarm {best.name} rings {_against_harm(best.lead)}"
    return f"Alarm {best.name} rings {_against_harm(best.lead)}, {worst.name} {_against_harm(worst.lead)}"


def rang(alarm: Rehearsal) -> str:
    """Return in words when an alarm rang, over all runs."""
    if not alarm.fired.mean:
        return "never rings"
    parts = []
    if alarm.missed.mean > 0:
        parts.append(f"misses {words.percent(alarm.missed.mean, 2)} of the incidents")
    if math.isfinite(alarm.delay.mean):
        parts.append(f"rings {words.duration(alarm.delay.mean, 2)} after the fault")
    if math.isfinite(alarm.lead.mean):
        parts.append(_against_harm(alarm.lead))
    if alarm.false_alarms.mean > 0:
        parts.append(f"{words.significant(alarm.false_alarms.mean, 2)} false alarms a run")
    return ", ".join(parts) or f"rings in {words.percent(alarm.fired.mean, 2)} of the runs"


def table(answer: Answer) -> list[str]:
    """Return lines of Markdown on every alarm; nothing where there is none."""
    if not answer.alarms:
        return []
    lines = [
        "## Alarms, rehearsed",
        "",
        "| | | rings in | after the fault | first harm | false alarms a run | missed | thresholds that fit |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in answer.alarms:
        cells = [
            f"{one.name}",
            f"`{one.metric} {one.condition}`",
            _runs(one.fired),
            _cell(one.delay),
            _lead_cell(one.lead),
            _cell(one.false_alarms),
            _runs(one.missed),
            _fitting(one),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", _CAPTION, ""]


def _cell(estimate: Estimate) -> str:
    return f"{words.value(estimate)} {words.interval(estimate)}".strip()


def _runs(share: Estimate) -> str:
    """Return in how many of the runs something happened."""
    runs = share.replications
    return f"{round(share.mean * runs)} of {runs}" if runs else words.DASH


def _fitting(alarm: Rehearsal) -> str:
    """Return the thresholds that would have told in time, and never falsely."""
    if alarm.fitting is None:
        return "none"
    return " to ".join(words.number(end) for end in alarm.fitting)


def _lead_cell(lead: Estimate) -> str:
    """Return how long before or after the first harm it rang."""
    if not math.isfinite(lead.mean):
        return words.DASH
    half = (lead.high - lead.low) / 2
    sure = f" ± {words.duration(half, 2)}" if math.isfinite(half) and half > 0 else ""
    return _against_harm(lead) + sure


def _against_harm(lead: Estimate) -> str:
    if abs(lead.mean) < 1.0:
        return "with the first harm"
    return f"{words.duration(abs(lead.mean), 2)} {'before' if lead.mean > 0 else 'after'} the first harm"


def _subtitle(answer: Answer) -> str:
    more = len(answer.alarms) - MOST_ALARMS
    rest = f" · {more} more in summary.md" if more > 0 else ""
    return f"metrics as CloudWatch publishes them: a point a minute, a minute late · red: in ALARM{rest}"


def _heading(alarm: Rehearsal) -> str:
    return f"{words.shortened(alarm.name, 24)}: {words.shortened(alarm.metric, 44)} {alarm.condition}"


def _colour(alarm: Rehearsal) -> str:
    in_time = alarm.fired.mean > 0 and not alarm.missed.mean > 0 and not alarm.lead.mean < 0
    return style.HOLDS if in_time and not alarm.false_alarms.mean > 0 else style.CROSSED


def _mark_harm(sheet: Sheet, panels: Sequence[Axes], harm_s: float, end_s: float) -> None:
    """Draw when the first harm came, in every panel, and name it under the last."""
    if not harm_s <= end_s:
        return
    for axes in panels:
        axes.axvline(harm_s, color=style.FAILED, linewidth=1.8, linestyle=(0, (1, 1.2)), zorder=6)
    box = panels[-1].get_position()
    x = box.x0 + harm_s / end_s * box.width
    label = "first harm"
    half = sheet.width(label, size=9, weight="bold") / 2
    x = min(max(x, style.TEXT_LEFT + half), style.RIGHT - half)
    sheet.text(x, sheet.height_in - 0.40, label, ha="center", size=9, weight="bold", color=style.FAILED)
