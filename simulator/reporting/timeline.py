"""What stands above and below every time axis: the events and the binding limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from simulator.analysis.answer import Consumer, Event
from simulator.reporting import style, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simulator.reporting.frames import Alarm, Segment
    from simulator.reporting.style import Sheet

_LABEL: Final = 9.0
_STRIP_TOP_IN: Final = 0.854
_STRIP_BOTTOM_IN: Final = 0.651
_BELOW_IN: Final = 0.525
_GAP: Final = 0.010
ALARM_IN: Final = 0.15
"""Height of an alarm's lane."""
MOST_ALARMS: Final = 3


def events_row(
    sheet: Sheet, axes: Sequence[Axes], events: Sequence[Event], *, row_in: float, end_s: float
) -> None:
    """Mark events as the same grey span (or dashed instant) in all panels, named above the first."""
    for event in events:
        for panel in axes:
            if event.until_s > event.from_s:
                panel.axvspan(
                    event.from_s, event.until_s, color="black", alpha=0.055, linewidth=0, zorder=0.5
                )
            else:
                panel.axvline(event.from_s, color=style.GREY, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    box = axes[0].get_position()
    first: dict[str, Event] = {}
    for event in events:
        if event.label:
            first.setdefault(event.label, event)  # a burst that comes again is not named again
    named: list[tuple[str, float, float]] = []
    for length in (80, 60, 44, 32, 24):
        named = []
        for event in first.values():
            middle = (max(0.0, event.from_s) + min(end_s, event.until_s)) / 2 / end_s
            label = _ended(event.label, length)
            named.append((label, box.x0 + middle * box.width, sheet.width(label, size=_LABEL)))
        if sum(width + _GAP for _, _, width in named) <= box.width:
            break
    while named and sum(width + _GAP for _, _, width in named) > box.width:
        named.pop()
    places = style.spread([x for _, x, _ in named], [w for _, _, w in named], box.x0, box.x1, _GAP)
    for (label, _, _), x in zip(named, places, strict=True):
        sheet.text(x, row_in, label, ha="center", size=_LABEL, color=style.GREY)


def _ended(label: str, length: int) -> str:
    """Return a label, its end left out where it is longer than *length*."""
    return label if len(label) <= length else f"{label[: length - 1].rstrip(' ,')}…"


def alarm_lanes(sheet: Sheet, under: Axes, alarms: Sequence[Alarm], *, end_s: float) -> None:
    """Draw when alarms had gone off as red lines under a panel, a lane each, named beside."""
    from matplotlib.lines import Line2D

    box = under.get_position()
    bottom_in = sheet.height_in * (1 - box.y0)
    for lane, alarm in enumerate(alarms):
        level = bottom_in + 0.09 + ALARM_IN * lane
        for since, until in alarm.spans:
            ends = [box.x0 + since / end_s * box.width, box.x0 + min(end_s, until) / end_s * box.width]
            ends[1] = max(ends[1], ends[0] + 0.002)
            line = Line2D(
                ends, [sheet.y(level)] * 2, color=style.CROSSED, linewidth=3.0, solid_capstyle="butt"
            )
            sheet.figure.add_artist(line)
        own = not alarm.scope.startswith("alarms.")
        text = "policy in alarm" if own else f"alarm {words.shortened(words.plain_name(alarm.scope), 24)}"
        needed = (sheet.width(text, size=_LABEL) + 2 * _GAP) / box.width * end_s
        left = (style.TEXT_LEFT - box.x0) / box.width * end_s
        edges = [left, *(at for span in alarm.spans for at in span), end_s]
        gaps = [(since, until) for since, until in zip(edges[::2], edges[1::2], strict=True)]
        free = next((gap for gap in gaps if gap[1] - gap[0] >= needed), None)
        if free is not None:  # beside the red line: at the end of the first gap, at the start of others
            first = free is gaps[0]
            x = box.x0 + free[first] / end_s * box.width + (-0.006 if first else 0.006)
            ha = "right" if first else "left"
            sheet.text(x, level, text, ha=ha, size=_LABEL, color=style.CROSSED)


def strip(
    sheet: Sheet, over: Axes, segments: Sequence[Segment], consumer: Consumer | None, *, end_s: float
) -> Axes:
    """Draw what bound the consumer, under the time axis of *over* and sharing its x to the pixel.

    Each limit is named once, at its longest stretch: inside where it fits, else below with a leader.
    """
    segments = [replace(part, until_s=min(part.until_s, end_s)) for part in segments if part.from_s < end_s]
    box = over.get_position()
    top, bottom = sheet.height_in - _STRIP_TOP_IN, _STRIP_BOTTOM_IN
    axes = sheet.panel(top, bottom, left=box.x0, right=box.x1)
    axes.set_xlim(0, end_s)
    axes.set_ylim(0, 1)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    name = sheet.figure.text(
        box.x0 - 0.007,
        (bottom + 0.1) / sheet.height_in,
        "Binding\nlimit",
        size=9,
        ha="right",
        va="center",
        color=style.HEADING,
        linespacing=1.0,
    )
    name.set_gid("strip name")
    if not segments:
        style.hatched(axes, 0, end_s)
        axes.text(
            end_s / 2,
            0.45,
            "no data" if consumer is not None else "no data: nothing consumes this queue",
            ha="center",
            va="center",
            size=9,
            color=style.GREY,
            path_effects=style.halo(),
        )
        return axes
    for part in segments:
        colour = style.LIMITS.get(part.limit, style.NO_DATA)
        axes.axvspan(part.from_s, part.until_s, color=colour, linewidth=0)
    wide = 6 / (box.width * style.WIDTH_IN * style.DPI) * end_s
    for before, part in pairwise(segments):
        if min(before.length_s, part.length_s) > wide:
            axes.axvline(part.from_s, color="white", linewidth=0.9)
    _name_segments(sheet, axes, segments, consumer.limit_words if consumer is not None else {}, end_s)
    return axes


def _name_segments(
    sheet: Sheet, axes: Axes, segments: Sequence[Segment], limit_words: Mapping[str, str], end_s: float
) -> None:
    box = axes.get_position()
    longest: dict[str, Segment] = {}
    for part in segments:
        if part.limit not in longest or part.length_s > longest[part.limit].length_s:
            longest[part.limit] = part
    below: list[tuple[str, float, float]] = []
    lasting: dict[str, float] = {}
    named = False
    for part in segments:
        room = part.length_s / end_s * box.width - 0.012
        middle = (part.from_s + part.until_s) / 2
        name = words.limit(part.limit, limit_words)
        full = name if part.limit == "arrivals" else f"{name} · {words.duration(part.length_s, 2)}"
        chosen = part is longest[part.limit]
        inside = next((text for text in (full, name) if sheet.width(text, size=_LABEL) < room), "")
        if inside and (chosen or part.limit == "arrivals"):
            named |= part.limit == "arrivals"
            axes.text(
                middle, 0.47, inside, ha="center", va="center", size=_LABEL, color=_readable(part.limit)
            )
        elif chosen and part.limit != "arrivals":
            below.append((full, box.x0 + middle / end_s * box.width, sheet.width(full, size=_LABEL)))
            lasting[full] = part.length_s
    if not named and "arrivals" in longest:  # too narrow everywhere: named once, as the others are
        middle = (longest["arrivals"].from_s + longest["arrivals"].until_s) / 2
        below.append(("arrivals", box.x0 + middle / end_s * box.width, sheet.width("arrivals", size=_LABEL)))
    below.sort(key=lambda label: label[1])
    while below and sum(width + _GAP for _, _, width in below) > box.x1 - style.TEXT_LEFT:
        below.remove(min(below, key=lambda label: lasting.get(label[0], 0.0)))
    centres = style.spread([x for _, x, _ in below], [w for _, _, w in below], style.TEXT_LEFT, box.x1, _GAP)
    for (text, x, width), centre in zip(below, centres, strict=True):
        _leader(sheet, x, min(max(x, centre - width / 2 + 0.006), centre + width / 2 - 0.006))
        sheet.text(centre, sheet.height_in - _BELOW_IN, text, ha="center", size=_LABEL, color=style.HEADING)


def _leader(sheet: Sheet, from_x: float, to_x: float) -> None:
    from matplotlib.lines import Line2D

    height = sheet.height_in
    ys = [(_STRIP_BOTTOM_IN - 0.005) / height, (_BELOW_IN + 0.085) / height]
    sheet.figure.add_artist(Line2D([from_x, to_x], ys, color="#777777", linewidth=0.9))


def _readable(limit: str) -> str:
    colour = style.LIMITS.get(limit, style.NO_DATA)
    if colour == style.YOURS:
        return "white"
    return style.GREY if limit == "arrivals" else style.INK
