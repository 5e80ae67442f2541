"""Where each minute of a fleet's first scale-out went: brackets over the time axis, named above."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from simulator.analysis.answer import Consumer
from simulator.reporting import style, words
from simulator.reporting.frames import Frames

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simulator.reporting.style import Sheet

_LABEL: Final = 9.0
_GAP: Final = 0.014
_LEAST_S: Final = 1.0


@dataclass(frozen=True)
class Part:
    """A part of the time until new capacity works [s]; the warm-up comes after and is ``after``."""

    label: str
    from_s: float
    until_s: float
    limit: str
    after: bool = False


def parts(frames: Frames, consumer: Consumer) -> list[Part]:
    """Return what a fleet's first scale-out was made of, in order; nothing where it did not scale out.

    From the burst to the decision and from there to service is measured. That is told apart into launch,
    boot and more as they are expected to last; launch lasts the same each time.
    """
    found = frames.answer.estimates
    times = [found.get(f"{consumer.path} reaction{{stage={stage}}}") for stage in ("decided", "in_service")]
    bursts = [event.from_s for event in frames.setting.events if event.until_s > event.from_s]
    if any(time is None or not math.isfinite(time.mean) for time in times):
        return []
    start = min(bursts, default=0.0)
    decided, served = (start + time.mean for time in times if time is not None)
    if not decided <= served <= frames.end_s:
        return []
    seen_by = "polling" if consumer.path.startswith("deployments.") else "metric + alarm"
    made = [Part(f"{seen_by} {words.duration(decided - start, 2)}", start, decided, "metric_lag")]
    stages = _stages(consumer, served - decided)
    said = ", ".join(f"{name} {words.duration(lasting, 2)}" for name, lasting in stages)
    made.append(Part(said or f"start {words.duration(served - decided, 2)}", decided, served, "booting"))
    if consumer.warm_up_s >= _LEAST_S:
        until = served + consumer.warm_up_s
        made.append(Part(f"warm-up {words.duration(consumer.warm_up_s, 2)}", served, until, "", after=True))
    return [part for part in made if part.until_s - part.from_s >= _LEAST_S]


def _stages(consumer: Consumer, total_s: float) -> list[tuple[str, float]]:
    """Return the stages of a start with their share of the *total_s* that it was seen to take."""
    expected = {name: lasting for name, lasting in consumer.start_up.items() if lasting >= _LEAST_S}
    launch = min(total_s, expected.pop("launch", 0.0))
    rest = sum(expected.values())
    found = {"launch": launch} if launch >= _LEAST_S else {}
    for name, lasting in expected.items():
        found[name] = (total_s - launch) * lasting / rest
    return list(found.items())


def draw(sheet: Sheet, over: Axes, made: list[Part], *, row_in: float, end_s: float) -> None:
    """Draw the brackets right above *over*, and their names in the row *row_in* [in from the top]."""
    from matplotlib.lines import Line2D

    box = over.get_position()
    level = row_in + 0.155

    def place(at_s: float) -> float:
        return float(box.x0 + min(end_s, at_s) / end_s * box.width)

    widths = [sheet.width(part.label, size=_LABEL) for part in made]
    middles = [(place(part.from_s) + place(part.until_s)) / 2 for part in made]
    centres = style.spread(middles, widths, box.x0, box.x1, _GAP)
    for part, middle, width, centre in zip(made, middles, widths, centres, strict=True):
        left, right = place(part.from_s), place(part.until_s)
        ends = [left, max(right, left + 0.002)]
        colour = style.NO_DATA if part.after else style.BRACKETS[part.limit]
        line = Line2D(ends, [sheet.y(level)] * 2, color=colour, linewidth=3.2, solid_capstyle="butt")
        sheet.figure.add_artist(line)
        for x in (left, right):
            tick = [sheet.y(level - 0.04), sheet.y(level + 0.04)]
            sheet.figure.add_artist(Line2D([x, x], tick, color=style.HEADING, linewidth=0.9))
        if not centre - width / 2 <= middle <= centre + width / 2:
            near = min(max(middle, centre - width / 2), centre + width / 2)
            ys = [sheet.y(row_in + 0.075), sheet.y(level - 0.035)]
            sheet.figure.add_artist(Line2D([near, middle], ys, color="#777777", linewidth=0.9))
        tint = style.GREY if part.after else style.HEADING
        sheet.text(centre, row_in, part.label, ha="center", size=_LABEL, color=tint)
