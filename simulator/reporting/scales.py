"""Axes in people's words: time as 1 h 30, counts as 400 k, latencies as 10 ms, 1 s, 1 min."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from simulator.reporting import style, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_DAY_S: Final = 86_400.0


def time_axis(axes: Axes, end_s: float, *, most: int = 9, labels: bool = True) -> None:
    """Say time as people do (0, 15 min, 1 h 30) over ``[0, end_s]``, in at most *most* ticks."""
    axes.set_xlim(0, end_s)
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200)
    days = (_DAY_S * many for many in (1, 2, 5, 10, 20, 50, 100, 200))
    step = next((s for s in (*steps, *days) if end_s / s < most), 500 * _DAY_S)
    at = [k * step for k in range(int(end_s / step + 1e-9) + 1)]
    axes.set_xticks(at)
    axes.tick_params(axis="x", length=4 if labels else 0, color=style.AXIS, pad=4)
    said = [f"{s / _DAY_S:.0f} d" if s and step >= _DAY_S else words.instant(s) for s in at]
    axes.set_xticklabels(said if labels else [])
    if labels:
        axes.spines["bottom"].set_visible(True)
        axes.spines["bottom"].set_color(style.AXIS)
        ticks = axes.xaxis.get_ticklabels()
        ticks[0].set_horizontalalignment("left")
        if len(ticks) > 1 and at[-1] > end_s * (1 - 0.4 / most):
            ticks[-1].set_horizontalalignment("right")


def count_axis(axes: Axes, largest: float, *, most: int = 5, whole: bool = False) -> bool:
    """Put ticks on a linear axis from 0 to somewhat above *largest*; return whether they say k."""
    from matplotlib.ticker import MaxNLocator

    if not (largest > 0 and math.isfinite(largest)):
        axes.set_ylim(0, 1)
        axes.set_yticks([0], ["0"])
        return False
    top = largest * 1.12
    axes.set_ylim(0, top)
    ticks = [
        t
        for t in MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(0, top)
        if 0 <= t <= top * 1.0001
    ]
    axes.set_yticks(ticks)
    texts = [words.tick(float(t), float(max(ticks, default=0))) for t in ticks]
    axes.set_yticklabels(texts)
    return any(text.endswith(" k") for text in texts)


_DECADES: Final = tuple(10.0**e for e in range(-6, 2)) + tuple(
    unit * m for unit, most in ((60.0, 10), (3_600.0, 10), (86_400.0, 10)) for m in (1, most)
)
_BETWEEN: Final = (
    *(m * 10.0**e for e in range(-6, 1) for m in (1, 2, 5)),
    *(
        10.0,
        20.0,
        30.0,
        60.0,
        120.0,
        300.0,
        600.0,
        1_200.0,
        1_800.0,
        3_600.0,
        7_200.0,
        18_000.0,
        36_000.0,
        86_400.0,
    ),
)


def latency_axis(axes: Axes, least: float, largest: float, *, labels: bool = True) -> None:
    """Make y a latency: logarithmic over ``[least, largest]`` [s], with ticks 10 ms, 1 s, 1 min."""
    from matplotlib.ticker import NullLocator

    low, high = least / 1.45, largest * 1.3
    if high / low < 6:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(6), middle * math.sqrt(6)
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = [t for t in _DECADES if low <= t <= high]
    if len(ticks) < 3:
        ticks = [t for t in _BETWEEN if low <= t <= high]
    # from 1 s outwards, as far as there is room for the words
    room = axes.get_window_extent().height / math.log(high / low)
    kept: list[float] = []
    for tick in sorted(ticks, key=lambda t: abs(math.log(t))):
        if all(abs(math.log(tick / other)) * room >= 25 for other in kept):
            kept.append(tick)
    ticks = sorted(kept)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticks(ticks)
    axes.set_yticklabels([words.duration(t) for t in ticks] if labels else [])
