"""Where words go on a chart: measured, near what they name, never on each other, not on the curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.reporting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    from simulator.reporting.style import Sheet

Points = npt.NDArray[np.float64]

_STEP_PX: Final = 5.0
_GAP_PX: Final = 7.0
_FAR_PX: Final = 70.0


class Box(NamedTuple):
    """A rectangle on the sheet [px]."""

    left: float
    bottom: float
    right: float
    top: float

    def touches(self, other: Box, gap: float = 0.0) -> bool:
        """Whether the rectangles are nearer than *gap* to each other."""
        return (self.left < other.right + gap and other.left < self.right + gap
                and self.bottom < other.top + gap and other.bottom < self.top + gap)


class Labels:
    """Places words on one panel.

    Tell it every curve first, in data units; then ask for labels, the most important first. The
    panel's limits must be final.
    """

    def __init__(self, sheet: Sheet, axes: Axes) -> None:
        self.sheet = sheet
        self.axes = axes
        extent = axes.get_window_extent()
        self.room = Box(extent.x0, extent.y0, extent.x1, extent.y1)
        self.taken: list[Box] = []
        self._curves: list[Points] = []
        self._soft: list[Points] = []

    def curve(self, x: Iterable[float], y: Iterable[float], *, soft: bool = False, steps: bool = False) -> int:
        """Remember a curve (*soft*: words may cross it if they must) and return its number."""
        xs, ys = np.asarray(list(x), dtype=float), np.asarray(list(y), dtype=float)
        if steps and xs.size > 1:
            xs, ys = np.repeat(xs, 2)[1:], np.repeat(ys, 2)[:-1]
        points = self.axes.transData.transform(np.column_stack([xs, ys])) if xs.size else np.empty((0, 2))
        dense = _dense(points)
        inside = (dense[:, 0] >= self.room.left - 1) & (dense[:, 0] <= self.room.right + 1)
        (self._soft if soft else self._curves).append(dense[inside])
        return -1 if soft else len(self._curves) - 1

    def occupy(self, box: Box) -> None:
        """Keep words off a rectangle [px]."""
        self.taken.append(box)

    def beside(self, text: str, curve: int, colour: str, *, within: tuple[float, float] | None = None,
               size: float = 10, weight: str = "bold", sides: str = "above below left right") -> Text | None:
        """Name a curve where it is furthest from the others, in its own colour.

        *within* keeps the label in a stretch of x (data units).
        """
        own = self._curves[curve]
        own = own[(own[:, 1] >= self.room.bottom - 2) & (own[:, 1] <= self.room.top + 2)]
        if within is not None and own.size:
            low, high = (self.axes.transData.transform((x, 1.0))[0] for x in within)
            own = own[(own[:, 0] >= low) & (own[:, 0] <= high)]
        if not own.size:
            return None
        width, height = self.size(text, size=size, weight=weight)
        boxes = [box for box in _around(own, width, height, sides) if self._fits(box)]
        if not boxes:
            return self.near(text, tuple(own[own.shape[0] // 2]), colour, size=size, weight=weight)
        others = [c for k, c in enumerate(self._curves) if k != curve]
        from_others, from_own = _distance(boxes, others), _distance(boxes, [self._curves[curve]])
        scores = (np.minimum(from_others, _FAR_PX) - 40.0 * (from_others < 2) - 0.6 * _distance(boxes, [own])
                  - 25.0 * (from_others < from_own + 12) - 8.0 * (from_own < 2) - 6.0 * (from_own < 5) - 28.0 * (_distance(boxes, self._soft) < 2))
        box = boxes[int(np.argmax(scores))]
        nearest = own[int(np.argmin(np.hypot(own[:, 0] - box.right, own[:, 1] - (box.bottom + box.top) / 2))), 0]
        align = "right" if box.right <= nearest + 2 else "left"
        return self._write(text, box, colour, size=size, weight=weight, ha=align)

    def apart(self, curves: Sequence[int], width_px: float = 60.0) -> tuple[float, float] | None:
        """Return the stretch of x (data units) in which curves stand furthest apart for a label's width."""
        xs = np.arange(self.room.left, self.room.right, 4.0)
        heights = []
        for number in curves:
            points = self._curves[number]
            if points.shape[0] < 2:
                continue
            order = np.argsort(points[:, 0], kind="stable")
            level = np.interp(xs, points[order, 0], points[order, 1])
            nearest = np.abs(points[order, 0][None, :] - xs[:, None]).min(axis=1)
            heights.append(np.where(nearest <= 8, level, np.nan))
        if len(heights) < 2:
            return None
        gaps = np.abs(np.diff(np.array(heights), axis=0)).min(axis=0)
        count = max(1, round(width_px / 4.0))
        if gaps.size <= count:
            return None
        worst = np.lib.stride_tricks.sliding_window_view(np.nan_to_num(gaps, nan=-1.0), count).min(axis=1)
        # of places as good as the best, the one most to the middle
        good = np.flatnonzero(worst >= 0.9 * worst.max())
        at = good[int(np.argmin(np.abs(good - worst.size / 2)))]
        back = self.axes.transData.inverted()
        return (float(back.transform((xs[at] - 8, self.room.bottom + 1))[0]),
                float(back.transform((xs[at + count - 1] + 8, self.room.bottom + 1))[0]))

    def near(self, text: str, anchor_px: Sequence[float], colour: str, *, size: float = 9, weight: str = "normal",
             reach_px: float = 2000.0, ha: str | None = None, keep_px: float = 4.0, leader: bool = False) -> Text | None:
        """Write a note in the free space nearest to a place on the sheet [px]; None if there is none.

        With *leader* a thin line goes from the note to the place, where they are not side by side.
        """
        width, height = self.size(text, size=size, weight=weight)
        xs = np.arange(self.room.left + 4, self.room.right - width - 4, 10.0)
        ys = np.arange(self.room.bottom + 4, self.room.top - height - 2, 7.0)
        boxes = [Box(x, y, x + width, y + height) for x in xs for y in ys]
        boxes = [box for box in boxes if self._fits(box)]
        if not boxes:
            return None
        from_anchor = _distance(boxes, [np.asarray([anchor_px], dtype=float)])
        covered = _distance(boxes, self._curves) < keep_px
        crossed = _distance(boxes, self._soft) < 2
        middles = np.array([(box.left + box.right) / 2 for box in boxes])
        aside = 0.5 * np.abs(middles - anchor_px[0]) if ha == "center" else 0.0
        cost = from_anchor + aside + 160.0 * ~self._free(boxes, self._soft, 2.0)
        cost = np.where(self._free(boxes, self._curves, keep_px), cost, np.inf)
        best = int(np.argmin(cost))
        if not np.isfinite(cost[best]) or from_anchor[best] > reach_px:
            return None
        box = boxes[best]
        if leader and from_anchor[best] > 8:
            self._leader(box, anchor_px, colour)
        align = ha or ("right" if (box.left + box.right) / 2 < anchor_px[0] else "left")
        return self._write(text, box, colour, size=size, weight=weight, ha=align)

    def along(self, text: str, y: float, colour: str, *, size: float = 9, prefer: float = 0.5,
              below: bool = True) -> Text | None:
        """Write on a horizontal line at *y* (data units), above or below it, where no curve passes.

        *prefer* is where along the panel it would like to stand [share of its width].
        """
        width, height = self.size(text, size=size, weight="normal")
        at = float(self.axes.transData.transform((self.axes.get_xlim()[0] + 1e-9, y))[1])
        xs = np.arange(self.room.left + 6, self.room.right - width - 2, 8.0)
        levels = [at + 3] + ([at - height - 3] if below else [])
        boxes = [Box(x, level, x + width, level + height) for level in levels for x in xs]
        boxes = [box for box in boxes if self._fits(box)]
        if not boxes:
            return None
        middle = self.room.left + prefer * (self.room.right - self.room.left)
        centres = np.array([(b.left + b.right) / 2 for b in boxes])
        is_below = np.array([b.bottom < at for b in boxes])
        nearest = np.minimum(_distance(boxes, self._curves), 12.0)
        cost = (np.abs(centres - middle) * 0.25 + 120.0 * is_below + 60.0 * (12.0 - nearest)
                + 300.0 * (_distance(boxes, self._soft) < 2))
        return self._write(text, boxes[int(np.argmin(cost))], colour, size=size, weight="normal")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where data units stand on the sheet [px]."""
        place = self.axes.transData.transform((x, y))
        return float(place[0]), float(place[1])

    def size(self, text: str, **kwargs: Any) -> tuple[float, float]:
        """Return width and height of *text* [px]."""
        probe = self.sheet.figure.text(0, 0, text, linespacing=1.15, **kwargs)
        extent = probe.get_window_extent(self.sheet.figure.canvas.get_renderer())  # type: ignore[attr-defined]
        probe.remove()
        return float(extent.width), float(extent.height)

    def _free(self, boxes: Sequence[Box], curves: Sequence[Points], keep_px: float) -> npt.NDArray[np.bool_]:
        """Return which boxes no curve comes near (by counting curve points in cells: exact to a cell)."""
        room, cell = self.room, 4.0
        size = (int((room.right - room.left) / cell) + 2, int((room.top - room.bottom) / cell) + 2)
        counts = np.zeros(size)
        for curve in curves:
            cells = np.floor((curve - (room.left, room.bottom)) / cell).astype(int)
            cells = cells[((cells >= 0) & (cells < size)).all(axis=1)]
            np.add.at(counts, (cells[:, 0], cells[:, 1]), 1.0)
        summed = np.pad(counts.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        edges = np.array(boxes, dtype=float) + (-keep_px, -keep_px, keep_px, keep_px)
        corner = np.floor((edges - (room.left, room.bottom, room.left, room.bottom)) / cell).astype(int) + (0, 0, 1, 1)
        left, right = (np.clip(corner[:, k], 0, size[0]) for k in (0, 2))
        low, high = (np.clip(corner[:, k], 0, size[1]) for k in (1, 3))
        inside = summed[right, high] - summed[left, high] - summed[right, low] + summed[left, low]
        free: npt.NDArray[np.bool_] = inside < 0.5
        return free

    def _leader(self, box: Box, to_px: Sequence[float], colour: str) -> None:
        from matplotlib.lines import Line2D

        wide, high = style.WIDTH_IN * style.DPI, self.sheet.height_in * style.DPI
        start = (min(max(to_px[0], box.left - 3), box.right + 3), min(max(to_px[1], box.bottom + 4), box.top - 4))
        line = Line2D([start[0] / wide, to_px[0] / wide], [start[1] / high, to_px[1] / high],
                      color=style.text_colour(colour), linewidth=1.0, zorder=5.5)
        self.sheet.figure.add_artist(line)

    def _fits(self, box: Box) -> bool:
        room = self.room
        inside = (box.left >= room.left + 2 and box.right <= room.right + 1
                  and box.bottom >= room.bottom + 2 and box.top <= room.top + 6)
        return inside and not any(box.touches(other, 4.0) for other in self.taken)

    def _write(self, text: str, box: Box, colour: str, *, size: float, weight: str, ha: str = "left") -> Text:
        self.taken.append(box)
        wide, high = style.WIDTH_IN * style.DPI, self.sheet.height_in * style.DPI
        x = {"left": box.left, "right": box.right, "center": (box.left + box.right) / 2}[ha]
        return self.sheet.figure.text(
            x / wide, box.bottom / high, text, size=size, weight=weight, color=style.text_colour(colour),
            ha=ha, va="bottom", linespacing=1.15, path_effects=style.halo(), zorder=6,
        )


def _dense(points: Points) -> Points:
    """Put points every few pixels along a polyline; its gaps (nan) stay gaps."""
    points = points[np.isfinite(points).all(axis=1)] if points.shape[0] == 1 else points
    if points.shape[0] < 2:
        return points
    pieces: list[Points] = []
    for start, end in zip(points[:-1], points[1:], strict=True):
        if np.isfinite(start).all() and np.isfinite(end).all():
            count = int(min(400, max(1, np.hypot(*(end - start)) / _STEP_PX)))
            share = np.arange(count + 1)[:, None] / count
            pieces.append(start + share * (end - start))
    alone = points[np.isfinite(points).all(axis=1)]
    return np.concatenate([*pieces, alone]) if pieces else alone


def _around(own: Points, width: float, height: float, sides: str) -> list[Box]:
    """Return places for a label above, below, left and right of a curve."""
    boxes: list[Box] = []
    for x in np.unique(np.linspace(own[:, 0].min(), own[:, 0].max(), 60)):
        under = own[(own[:, 0] >= x - 2) & (own[:, 0] <= x + width + 2), 1]
        if under.size:
            if "on" in sides and np.ptp(under) < 6:
                boxes.append(_box(x, under.mean() - height / 2, width, height))
            if "above" in sides:
                boxes.append(_box(x, under.max() + _GAP_PX - 2, width, height))
            if "below" in sides:
                boxes.append(_box(x, under.min() - height - _GAP_PX + 2, width, height))
    for x, y in own[:: max(1, own.shape[0] // 80)]:
        beside = own[(own[:, 1] >= y - height) & (own[:, 1] <= y + height), 0]
        if "left" in sides:
            boxes.append(_box(beside[beside <= x + 40].min() - width - _GAP_PX, y - height / 2, width, height))
        if "right" in sides:
            boxes.append(_box(beside[beside >= x - 40].max() + _GAP_PX, y - height / 2, width, height))
    return boxes


def _box(left: float, bottom: float, width: float, height: float) -> Box:
    return Box(float(left), float(bottom), float(left + width), float(bottom + height))


def _distance(boxes: Sequence[Box], curves: Sequence[Points]) -> Points:
    """Return how far each box is from the nearest point of any curve [px]; 0 where one is inside."""
    points = np.concatenate(list(curves)) if curves else np.empty((0, 2))
    if not points.size:
        return np.full(len(boxes), 1e4)
    edges = np.array(boxes, dtype=float)
    nearest = np.full(len(boxes), 1e4)
    for start in range(0, points.shape[0], 2048):
        x, y = points[start:start + 2048, 0], points[start:start + 2048, 1]
        across = np.maximum(np.maximum(edges[:, :1] - x, x - edges[:, 2:3]), 0.0)
        up = np.maximum(np.maximum(edges[:, 1:2] - y, y - edges[:, 3:4]), 0.0)
        nearest = np.minimum(nearest, np.hypot(across, up).min(axis=1))
    return nearest
