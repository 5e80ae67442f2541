"""What happened to this message? Lanes of its queues and deliveries, the outcome, the decisive instant."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator.analysis.answer import Setting
from simulator.analysis.life import Life
from simulator.analysis.remedies import Avoidance
from simulator.reporting import event_words, style, words
from simulator.reporting.labels import Box
from simulator.reporting.life_findings import avoided, title
from simulator.reporting.life_lanes import BEFORE, Bar, Lane, Mark, Picture, picture
from simulator.reporting.life_words import LifeWords, clock, count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.reporting.style import Sheet

_LEFT: Final = 0.162
_BOTTOM_IN: Final = 1.06
_DECISIVE_IN: Final = 0.24
_LAST_LINE_IN: Final = 0.55
_MOST_LANE_IN: Final = 0.80
_MOST_HALF_IN: Final = 0.165
_MARGIN: Final = 0.15
"""Room behind the last instant, for the words that stand there."""
_LIGHT: Final = (BEFORE, style.VISIBLE, style.IN_FLIGHT, style.CAUSES["batch_mate"], style.NO_DATA)
_STEPS_S: Final = (
    *(m * 10.0**e for e in range(-6, 0) for m in (1, 2, 5)),
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0),
    *(7200.0, 14400.0, 21600.0, 43200.0, 86400.0),
)
_MOST_TICKS: Final = 8


def png(life: Life, setting: Setting, found: Avoidance, replication: int) -> bytes:
    """Return the picture of the copy that is shown; the same life gives the same bytes."""
    with style.context():
        return style.png(figure(LifeWords(life, setting), setting, found, replication))


def figure(said: LifeWords, setting: Setting, found: Avoidance, replication: int) -> Figure:
    """Return the picture of the copy that is shown."""
    about = (f"seed {setting.seed}", f"replication {replication}", "one message, times since it was offered")
    sheet = style.Sheet(setting, title(said), subtitle(said), about=about)
    _Drawing(sheet, picture(said)).draw()
    for sentence in avoided(said, found, short=True):
        if sheet.width(sentence, size=10.5, weight="bold") > style.RIGHT - style.TEXT_LEFT:
            sentence = words.shortened(sentence, 100)
        sheet.text(
            style.TEXT_LEFT,
            sheet.height_in - _LAST_LINE_IN,
            sentence,
            size=10.5,
            weight="bold",
            color=style.INK,
        )
        break
    return sheet.figure


def subtitle(said: LifeWords) -> str:
    """Return which message it is, when it was offered, and its other facts."""
    life = said.life
    offered = "sent before the run began" if life.standing else f"offered at {clock(life.offered_at)}"
    parts = [f"Message {life.message:,}", offered]
    parts += [f"{key} {value}" for key, value in life.attributes.items()]
    if len(life.copies) > 1:
        queue = words.plain_name(life.copies[life.shown].stays[0].queue)
        parts.append(f"its copy in {queue}, one of {len(life.copies)}")
    if life.copies:
        received = sum(len(stay.deliveries) for stay in life.copies[life.shown].stays)
        event = event_words.is_event(life.copies[life.shown].stays[0])
        parts.append(count(received, "attempt" if event else "receive"))
    return " · ".join(parts)


class _Drawing:
    """Draws a picture on a sheet; y is inches from the sheet's upper edge."""

    def __init__(self, sheet: Sheet, shown: Picture) -> None:
        self._sheet = sheet
        self._shown = shown
        self._begin_s = shown.begin_us / 1e6
        self._end_s = self._begin_s + (shown.end_us - shown.begin_us) / 1e6 * (1 + _MARGIN)
        top, bottom = sheet.top_in + _DECISIVE_IN, sheet.height_in - _BOTTOM_IN
        self._lane_in = min(_MOST_LANE_IN, (bottom - top) / (len(shown.lanes) + 1))
        self._top, self._bottom = top, top + self._lane_in * (len(shown.lanes) + 1)
        self._axes: Axes = sheet.panel(top, sheet.height_in - self._bottom, left=_LEFT)
        self._taken: list[Box] = []
        self._crossing: list[Box] = []  # where words stand only if there is no other room

    def draw(self) -> None:
        axes, shown = self._axes, self._shown
        axes.set_ylim(self._bottom, self._top)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.grid(axis="x", color=style.GRID, linewidth=0.9)
        self._time_axis()
        self._decisive()
        for number, lane in enumerate(shown.lanes):
            self._name(number, lane.name, lane.about)
            for bar in lane.bars:
                self._bar(number, bar)
        self._name(len(shown.lanes), "Outcome", "")
        for number in range(1, len(shown.lanes) + 1):
            axes.axhline(self._top + number * self._lane_in, color=style.GRID, linewidth=0.9, zorder=0.6)
        marks = sorted(shown.marks, key=lambda mark: mark.at_us)
        for mark in marks:
            self._dot(mark)
        for mark in marks:
            self._say(mark)
        for number, lane in enumerate(shown.lanes):
            self._deleted(number, lane)
        for number, lane in enumerate(shown.lanes):
            self._arrows(number, lane)
        for number, lane in enumerate(shown.lanes):
            for bar in lane.bars:
                if bar.after:
                    self._put(self._share(bar.until_us) + 0.007, self._middle(number), bar.after, style.GREY)

    # -- places ----------------------------------------------------------------------------------------

    def _middle(self, lane: int) -> float:
        return self._top + (lane + 0.5) * self._lane_in

    def _half(self) -> float:
        return min(0.26 * self._lane_in, _MOST_HALF_IN)

    def _share(self, at_us: int) -> float:
        """Where an instant is across the sheet."""
        since_s = max(at_us / 1e6 - self._begin_s, 0.0)
        return _LEFT + since_s / (self._end_s - self._begin_s) * (style.RIGHT - _LEFT)

    def _box(self, x: float, y_in: float, text: str, ha: str, size: float, weight: str) -> Box:
        wide = self._sheet.width(text, size=size, weight=weight)
        left = {"left": x, "right": x - wide, "center": x - wide / 2}[ha]
        half = size / 72 * 0.62
        return Box(
            left * style.WIDTH_IN * style.DPI,
            (y_in - half) * style.DPI,
            (left + wide) * style.WIDTH_IN * style.DPI,
            (y_in + half) * style.DPI,
        )

    def _put(
        self,
        x: float,
        y_in: float,
        text: str,
        colour: str,
        *,
        ha: str = "left",
        size: float = 9,
        weight: str = "normal",
    ) -> bool:
        """Write where nothing else is written and the sheet does not end; whether there was room."""
        box = self._box(x, y_in, text, ha, size, weight)
        edge = style.WIDTH_IN * style.DPI
        inside = box.left >= _LEFT * edge - 1 and box.right <= style.RIGHT * edge + 1
        if not inside or any(box.touches(other, 3.0) for other in self._taken + self._crossing):
            return False
        self._taken.append(box)
        self._sheet.text(
            x,
            y_in,
            text,
            ha=ha,
            size=size,
            weight=weight,
            color=style.text_colour(colour),
            path_effects=style.halo(),
            zorder=7,
        )
        return True

    def _beside(
        self, at_us: int, y_in: float, text: str, colour: str, *, size: float = 9, weight: str = "normal"
    ) -> bool:
        x = self._share(at_us)
        gap = 0.011 if weight == "bold" else 0.007
        return self._put(x + gap, y_in, text, colour, size=size, weight=weight) or self._put(
            x - gap, y_in, text, colour, ha="right", size=size, weight=weight
        )

    # -- things ----------------------------------------------------------------------------------------

    def _time_axis(self) -> None:
        axes, begin, end = self._axes, self._begin_s, self._end_s
        axes.set_xlim(begin, end)
        step = next((s for s in _STEPS_S if (end - begin) / s < _MOST_TICKS), _STEPS_S[-1])
        while (end - begin) / step >= _MOST_TICKS:
            step *= 2
        first, last = math.ceil(begin / step - 1e-9), int(end / step + 1e-9)
        at = [k * step for k in range(first, last + 1)]
        axes.set_xticks(at, [_tick(s, step) for s in at])
        axes.tick_params(axis="x", length=4, color=style.AXIS, pad=4)
        axes.spines["bottom"].set_visible(True)
        axes.spines["bottom"].set_color(style.AXIS)
        ticks = axes.xaxis.get_ticklabels()
        if not first:
            ticks[0].set_horizontalalignment("left")
        if at[-1] - begin > 0.95 * (end - begin):
            ticks[-1].set_horizontalalignment("right")

    def _name(self, lane: int, name: str, about: str) -> None:
        x, y = _LEFT - 0.007, self._middle(lane)
        up = 0.075 if about else 0.0
        room = x - style.TEXT_LEFT
        for text, at, size, weight, colour in (
            (name, y - up, 10.0, "bold", style.INK),
            (about, y + 0.1, 9.0, "normal", style.GREY),
        ):
            shown = text
            for length in range(len(text), 7, -1):
                shown = words.shortened(text, length)
                if self._sheet.width(shown, size=size, weight=weight) <= room:
                    break
            if shown:
                self._sheet.text(x, at, shown, ha="right", size=size, weight=weight, color=colour)

    def _bar(self, lane: int, bar: Bar) -> None:
        px = (self._end_s - self._begin_s) / ((style.RIGHT - _LEFT) * style.WIDTH_IN * style.DPI)
        wide = max((bar.until_us - bar.from_us) / 1e6, 3 * px)
        y, half = self._middle(lane), self._half()
        self._axes.barh(
            y,
            wide,
            left=bar.from_us / 1e6,
            height=2 * half,
            color=bar.colour,
            edgecolor="white",
            linewidth=1.0 if wide > 10 * px else 0.0,
            zorder=3.0 if bar.colour == BEFORE else 3.2,
        )
        room = self._share(bar.until_us) - self._share(bar.from_us) - 0.008
        text = next((t for t in bar.texts if self._sheet.width(t, size=9.5) <= room), "")
        if text:
            x = (self._share(bar.from_us) + self._share(bar.until_us)) / 2
            colour = style.INK if bar.colour in _LIGHT else "white"
            self._taken.append(self._box(x, y, text, "center", 9.5, "normal"))
            self._sheet.text(x, y, text, ha="center", size=9.5, color=colour, zorder=6)

    def _decisive(self) -> None:
        if self._shown.decisive is None:
            return
        at_us, text = self._shown.decisive
        y = self._sheet.top_in + 0.12
        self._line(at_us, y + 0.1, self._bottom - 0.08, style.CROSSED, dashed=True)
        x = self._share(at_us)
        across = x * style.WIDTH_IN * style.DPI
        self._crossing.append(Box(across - 1, self._top * style.DPI, across + 1, self._bottom * style.DPI))
        wide = self._sheet.width(text, size=10, weight="bold")
        if x - wide - 0.004 >= style.TEXT_LEFT and x > 0.55:
            ha, x = "right", x + 0.002
        else:
            ha, x = "left", min(x - 0.002, style.RIGHT - wide)
        self._sheet.text(x, y, text, ha=ha, size=10, weight="bold", color=style.CROSSED, zorder=7)

    def _line(
        self, at_us: int, from_in: float, until_in: float, colour: str, *, dashed: bool = False
    ) -> None:
        self._axes.plot(
            [at_us / 1e6] * 2,
            [from_in, until_in],
            color=colour,
            linewidth=1.4,
            linestyle=(0, (4, 2.5)) if dashed else "-",
            zorder=2.5 if dashed else 2.0,
            clip_on=False,
        )

    def _dot(self, mark: Mark) -> None:
        y = self._middle(len(self._shown.lanes))
        self._line(mark.at_us, self._middle(mark.lane) + self._half(), y, mark.colour)
        self._axes.plot(
            [mark.at_us / 1e6], [y], "o", color=mark.colour, markersize=8, zorder=4, clip_on=False
        )
        x, dot = self._share(mark.at_us) * style.WIDTH_IN * style.DPI, y * style.DPI
        self._taken.append(Box(x - 9, dot - 9, x + 9, dot + 9))

    def _say(self, mark: Mark) -> None:
        y = self._middle(len(self._shown.lanes))
        aside = self._lane_in / 2 - 0.12  # two rows of words, where the lane is high enough
        for _ in range(2):
            for text in mark.texts:
                for dy in (0.0, aside, -aside) if aside > 0.1 else (0.0,):
                    if self._beside(mark.at_us, y + dy, text, mark.colour, size=10, weight="bold"):
                        return
            self._crossing = []

    def _deleted(self, lane: int, shown: Lane) -> None:
        if shown.deleted_us < 0:
            return
        y = self._middle(lane)
        self._axes.plot(
            [shown.deleted_us / 1e6],
            [y],
            "x",
            color=style.INK,
            markersize=8,
            markeredgewidth=2.4,
            zorder=5,
            clip_on=False,
        )
        at = words.duration(shown.deleted_us / 1e6)
        self._put(self._share(shown.deleted_us) + 0.012, y, f"deleted {at}", style.INK, size=9.5)

    def _arrows(self, lane: int, shown: Lane) -> None:
        for at_us, text in shown.arrows:
            start, end = self._middle(shown.source) + self._half(), self._middle(lane) - self._half()
            self._axes.annotate(
                "",
                xy=(at_us / 1e6, end),
                xytext=(at_us / 1e6, start),
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": "#444444",
                    "linewidth": 1.3,
                    "shrinkA": 0,
                    "shrinkB": 0,
                },
                zorder=4,
                annotation_clip=False,
            )
            y = self._top + (shown.source + 1) * self._lane_in
            self._beside(at_us, y, text, style.INK, size=9)


def _tick(seconds: float, step: float) -> str:
    """Return an instant as a tick says it: ``offered``, ``200 ms``, ``1 min 30 s``, ``1 h 30``."""
    if not seconds:
        return "offered"
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    minutes, rest = divmod(round(seconds, places), 60)
    if minutes < 1:
        return words.duration(seconds, 2) if seconds < 1 else f"{rest:.{places}f} s"
    if minutes < 60 and rest:
        return f"{minutes:.0f} min {rest:.{places}f} s"
    return words.duration(seconds)
