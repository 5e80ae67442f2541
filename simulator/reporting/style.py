"""How every chart looks: one sheet, fixed rectangles, one meaning a colour, axes in people's words."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from simulator.reporting import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from simulator.analysis.answer import Setting

INK: Final = "#222222"
HEADING: Final = "#333333"
GREY: Final = "#6B6B6B"
AXIS: Final = "#9A9A9A"
GRID: Final = "#E9E9E9"
RULE: Final = "#D9D9D9"

SENT: Final = "#3B4252"
PROCESSED: Final = "#0072B2"
FAILED: Final = "#D55E00"
VISIBLE: Final = "#E69F00"
IN_FLIGHT: Final = "#56B4E9"
IN_SERVICE: Final = "#009E73"
TWICE: Final = "#882255"
CROSSED: Final = "#B00020"
HOLDS: Final = "#007A58"
BASE: Final = "#5B6470"
VARIANT: Final = "#C2337C"
NEEDED: Final = "#8A8A8A"
NO_DATA: Final = "#BBBBBB"
PERCENTILES: Final = {"p50": "#C3A6D8", "p95": "#8A5BAF", "p99": "#4A1A6B"}
"""One meaning each, in every chart."""

TEXT: Final = {
    VISIBLE: "#9A6A00",
    IN_FLIGHT: "#1F7FB8",
    IN_SERVICE: "#007A58",
    "#A6A6A6": GREY,
    "#F0A37A": "#B5622F",
    "#C3A6D8": "#A07CBD",
}
"""Darker for words in a colour that is too light to read."""

CAUSES: Final = {
    "visibility_timeout": IN_FLIGHT,
    "failure": FAILED,
    "sender_retry": SENT,
    "redrive": TWICE,
    "at_least_once": "#A6A6A6",
    "batch_mate": "#F0A37A",
    "throttle": "#2F5D8C",
    "crash": "#7A6A2F",
    "lost_answer": "#4E8F8B",
    "access_denied": "#8C4A5E",
    "failover": "#6B5B95",
    "rollback": "#B58A3C",
}
"""Causes of duplicates take the colour of the thing behind them."""

YOURS: Final = "#2F5D8C"
"""A limit that is a setting of the scenario: also the colour of ceilings."""

AWS: Final = "#9A6A00"
"""A ceiling that AWS sets: the colour of its own pace, dark enough for words."""

LIMITS: Final = {
    "arrivals": "#EDEDED",
    "ramp": "#F2C14E",
    "account_concurrency": "#F2C14E",
    "scaling_rate": "#F2C14E",
    "call_tokens": "#F2C14E",
    "in_flight_cap": "#F2C14E",
    "metric_lag": "#F2C14E",
    "mapping_cap": "#F2C14E",
    "access_denied": "#F2C14E",
    "rate_cap": "#F2C14E",
    "booting": "#F9E2A6",
    "maximum_concurrency": YOURS,
    "reserved_concurrency": YOURS,
    "maximum_size": YOURS,
    "provisioned_pollers": YOURS,
    "policy": YOURS,
    "cooldown": YOURS,
    "error_backoff": FAILED,
    "group_locked": FAILED,
    "downstream": FAILED,
    "consumer_down": FAILED,
    "prefetched": YOURS,
    "failover": FAILED,
}
"""Binding limits by who can move them: nobody needs to, AWS's own pace, your setting, something outside."""

BRACKETS: Final = {"metric_lag": "#D9A520", "booting": "#E8C874"}
"""Parts of a reaction take the colour of the limit that binds meanwhile, dark enough for a line."""

LEFT: Final = 0.085
RIGHT: Final = 0.985
TEXT_LEFT: Final = 0.022
WIDTH_IN: Final = 10.0
HEIGHT_IN: Final = 5.0
TALL_IN: Final = 6.25
DPI: Final = 160
PLOT_BOTTOM_IN: Final = 1.173
"""Where the lowest time axis stands above the sheet's lower edge, with its strip beneath [in]."""

_STRICT: Final[dict[Any, Any]] = {
    "font.family": ["DejaVu Sans"],
    "hatch.linewidth": 1.0,
    "path.simplify": True,
    "axes.unicode_minus": True,
    "agg.path.chunksize": 0,
}


@contextmanager
def context() -> Iterator[None]:
    """Draw and save with matplotlib's own defaults and ours, whatever the user's matplotlibrc says."""
    import matplotlib

    defaults = {key: value for key, value in matplotlib.rcParamsDefault.items() if "backend" not in key}
    with matplotlib.rc_context():
        matplotlib.rcParams.update(defaults)
        matplotlib.rcParams.update(_STRICT)
        yield


def png(figure: Figure) -> bytes:
    """Return the figure as PNG; the same figure gives the same bytes."""
    with io.BytesIO() as file:
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
        return file.getvalue()


def halo() -> list[Any]:
    """Return the white edge that keeps a label legible where it meets a line."""
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=3, foreground="white")]


def text_colour(colour: str) -> str:
    """Return the colour for words about things drawn in *colour*."""
    return TEXT.get(colour, colour)


@cache
def _probe() -> Figure:
    """A sheet on which nothing is kept: texts are measured there."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


@lru_cache(maxsize=8_192)
def extent(
    text: str, *, size: float | None = None, weight: str = "normal", linespacing: float = 1.2
) -> tuple[float, float]:
    """Return width and height of *text* as it is drawn [px]."""
    figure = _probe()
    probe = figure.text(0, 0, text, size=size, weight=weight, linespacing=linespacing)
    box = probe.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    probe.remove()
    return float(box.width), float(box.height)


def _imbalance(parts: Sequence[str], cut: int) -> int:
    """Return by how many letters two lines differ that are cut there."""
    return abs(sum(map(len, parts[:cut])) + cut - sum(map(len, parts[cut:])) - len(parts) + cut)


class Sheet:
    """A chart's sheet: title, subtitle and footer are drawn, panels are asked for.

    Parameters
    ----------
    title : str
        The finding; broken into two lines where it is longer than one.
    subtitle : str
        The settings that matter for it: one line.
    tall : bool
        1600 x 1000 pixels, not 1600 x 800.
    about : sequence of str
        What the footer says of the runs, where that is not seed, replications and intervals.
    top_in : float
        What the heading stands under: inches from the upper edge to the row of headings.
    """

    def __init__(
        self,
        setting: Setting,
        title: str,
        subtitle: str,
        *,
        tall: bool = False,
        note: str = "",
        about: Sequence[str] = (),
    ) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.height_in = TALL_IN if tall else HEIGHT_IN
        self.figure: Figure = Figure(figsize=(WIDTH_IN, self.height_in), dpi=DPI, facecolor="white")
        FigureCanvasAgg(self.figure)
        lines, size = self._broken(title)
        for row, line in enumerate(lines):
            self.text(TEXT_LEFT, 0.287 + 0.262 * row, line, size=size, weight="bold", color=INK)
        below = 0.549 + 0.262 * (len(lines) - 1)
        small = next((s for s in (10.0, 9.5, 9.0) if self.width(subtitle, size=s) <= RIGHT - TEXT_LEFT), 9.0)
        self.text(TEXT_LEFT, below + 0.012, self._fitted(subtitle, small), size=small, color=GREY)
        self.top_in = below + 0.24
        self._footer(setting, note, about)

    def y(self, inches_from_top: float) -> float:
        """Return the height in the figure [share] of a place so many inches below its upper edge."""
        return 1 - inches_from_top / self.height_in

    def text(self, x: float, inches_from_top: float, text: str, *, ha: str = "left", **kwargs: Any) -> Text:
        """Write *text*, centred on a height given in inches from the upper edge."""
        return self.figure.text(x, self.y(inches_from_top), text, ha=ha, va="center_baseline", **kwargs)

    def heading(self, text: str, *, x: float = TEXT_LEFT, below_in: float | None = None) -> Text:
        """Write a panel's quantity and unit in the row of headings, or *below_in* from the top."""
        return self.text(x, self.top_in if below_in is None else below_in, text, size=9.5, color=HEADING)

    def panel(self, top_in: float, bottom_in: float, *, left: float = LEFT, right: float = RIGHT) -> Axes:
        """Return axes in a fixed rectangle: *top_in* from the upper, *bottom_in* from the lower edge."""
        bottom = bottom_in / self.height_in
        axes = self.figure.add_axes((left, bottom, right - left, self.y(top_in) - bottom))
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.tick_params(length=0, labelsize=9.5, labelcolor=HEADING, pad=4)
        axes.set_axisbelow(True)
        axes.grid(axis="y", color=GRID, linewidth=0.9)
        return axes

    def width(self, text: str, **kwargs: Any) -> float:
        """Return how wide *text* is drawn, as a share of the sheet."""
        return extent(text, **kwargs)[0] / (WIDTH_IN * DPI)

    def _broken(self, title: str) -> tuple[list[str], float]:
        """Break the title at most once: at a comma or where the lines balance, the longer one first."""
        room = RIGHT - TEXT_LEFT
        # a number keeps its unit, and an interval its two ends, on one line
        title = re.sub(r", (?=[^\[\]]*\])", ",\u00a0", title)
        title = re.sub(r"(\d) (?=(?:min|s|ms|h|d|k|M|bn|%|msg/s)\b|%)", "\\1\u00a0", title)
        size = 15.0
        while size > 9:
            if self.width(title, size=size, weight="bold") <= room:
                return [title], size
            parts = title.split(" ")
            best: tuple[float, list[str]] | None = None
            middle = min(range(1, len(parts)), key=lambda cut: _imbalance(parts, cut), default=1)
            for cuts in (range(middle, len(parts)), range(middle - 1, 0, -1)):
                for cut in cuts:
                    lines = [" ".join(parts[:cut]), " ".join(parts[cut:])]
                    first, second = (self.width(line, size=size, weight="bold") for line in lines)
                    if best is not None and abs(first - second) - 0.2 >= best[0]:
                        break  # further from the middle no cut can be better
                    cost = abs(first - second) + 0.15 * (second > first) - 0.2 * (lines[0][-1] in ",;:")
                    if max(first, second) <= room and (best is None or cost < best[0]):
                        best = (cost, lines)
            if best is not None:
                return best[1], size
            size -= 1.0
        return [self._fitted(title, size, weight="bold")], size

    def _fitted(self, text: str, size: float, **kwargs: Any) -> str:
        """Return *text*, its end left out where it does not fit one line."""
        if self.width(text, size=size, **kwargs) <= RIGHT - TEXT_LEFT:
            return text
        parts = text.split(" ")
        while len(parts) > 1 and self.width(" ".join(parts) + " …", size=size, **kwargs) > RIGHT - TEXT_LEFT:
            parts.pop()
        shown = " ".join(parts).rstrip(",;:·") + " …"
        return shown if len(parts) > 1 else words.shortened(text, 90)

    def _footer(self, setting: Setting, note: str, about: Sequence[str]) -> None:
        from matplotlib.lines import Line2D

        rule = Line2D([TEXT_LEFT, RIGHT], [0.30 / self.height_in] * 2, color=RULE, linewidth=0.8)
        self.figure.add_artist(rule)
        runs = setting.replications
        lines = "lines: mean, bands: 95 % confidence interval" if runs > 1 else "one run: no intervals"
        row = self.height_in - 0.16
        right = f"simulator {setting.version} · rules {setting.rules}"
        room = RIGHT - TEXT_LEFT - self.width(right, size=8) - 0.02
        rest = about or (f"seed {setting.seed}", f"{runs} replication{'s' * (runs > 1)}", lines, note)
        for length in range(80, 8, -4):  # long names give way
            names = (words.shortened(setting.name, length), words.shortened(setting.variant, length))
            left = " · ".join(filter(None, (*names, *rest)))
            if self.width(left, size=8) <= room:
                break
        self.text(TEXT_LEFT, row, left, size=8, color=GREY)
        self.text(RIGHT, row, right, ha="right", size=8, color=GREY)


def hatched(axes: Axes, from_s: float, until_s: float) -> None:
    """Mark a stretch of the time axis that has no data."""
    axes.axvspan(from_s, until_s, facecolor="white", edgecolor=NO_DATA, hatch="////", linewidth=0, zorder=1.5)


def line(
    axes: Axes,
    frame: Any,
    colour: str,
    *,
    width: float = 2.3,
    band: bool = True,
    zorder: float = 3,
    **kwargs: Any,
) -> None:
    """Draw mean and band of a prepared frame: columns mean, low, high over its index [s]."""
    axes.plot(
        frame.index,
        frame["mean"],
        color=colour,
        linewidth=width,
        zorder=zorder,
        solid_capstyle="round",
        solid_joinstyle="round",
        **kwargs,
    )
    known = frame["mean"].notna()
    alone = known & ~known.shift(1, fill_value=False) & ~known.shift(-1, fill_value=False)
    if alone.any():  # a bin between two gaps makes no line
        axes.plot(
            frame.index[alone], frame["mean"][alone], "o", color=colour, markersize=1.8 * width, zorder=zorder
        )
    if band and frame["low"].notna().any():
        axes.fill_between(
            frame.index,
            frame["low"],
            frame["high"],
            color=colour,
            alpha=0.28,
            linewidth=0,
            zorder=zorder - 0.5,
        )


def spread(
    wanted: Sequence[float], widths: Sequence[float], low: float, high: float, gap: float
) -> list[float]:
    """Push labels apart: centres as near to *wanted* as they can be without touching, inside the row.

    All in one unit. Labels that do not fit the row at all are left where the row ends: callers drop
    some first.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    offsets: list[float] = []
    taken = 0.0
    for i in order:
        offsets.append(taken)
        taken += widths[i] + gap
    # labels that would touch stand together, where the mean of their wishes is (isotonic regression)
    pools: list[tuple[float, int]] = []
    for k, i in enumerate(order):
        pools.append((wanted[i] - widths[i] / 2 - offsets[k], 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, n), (b, m) = pools[-2:]
            pools[-2:] = [((a * n + b * m) / (n + m), n + m)]
    starts = [start for start, size in pools for _ in range(size)]
    last = high - taken + gap
    centres = [0.0] * len(wanted)
    for k, i in enumerate(order):
        centres[i] = max(low, min(starts[k], last)) + offsets[k] + widths[i] / 2
    return centres
