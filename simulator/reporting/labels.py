"""Where words go on a chart: measured, near what they name, never on each other, not on the curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
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
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.bottom < other.top + gap
            and other.bottom < self.top + gap
        )


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

    def curve(
        self, x: Iterable[float], y: Iterable[float], *, soft: bool = False, steps: bool = False
    ) -> int:
        """Remember a curve (*soft*: words may cross it if they must) and return its number."""
        xs, ys = np.asarray(list(x), dtype=float), np.asarray(list(y), dtype=float)
        if steps and xs.size > 1:
            xs, ys = np.repeat(xs, 2)[1:], np.repeat(ys, 2)[:-1]
        points = self.axes.transData.transform(np.column_stack([xs, ys])) if xs.size else np.empty((0, 2))
        dense = _dense(points)
        inside = (dense[:, 0] >= self.room.left - 1) & (dense[:, 0] <= self.room.right + 1)
        (self._soft if soft else self._curves).append(dense[inside])
        return -1 if soft else len(self._curves) - 1

    def beside(
        self,
        text: str,
        curve: int,
        colour: str,
        *,
        within: tuple[float, float] | None = None,
        size: float = 10,
        weight: str = "bold",
        sides: str = "above below left right",
    ) -> Text | None:
        """Name a curve where it is furthest from the others, in its own colour.

        *within* keeps the label in a stretch of x (data units).
        """
        whole = self._curves[curve]
        own = whole[(whole[:, 1] >= self.room.bottom - 2) & (whole[:, 1] <= self.room.top + 2)]
        if within is not None and own.size:
            low, high = (self.axes.transData.transform((x, 1.0))[0] for x in within)
            own = own[(own[:, 0] >= low) & (own[:, 0] <= high)]
        if not own.size:
            return None
        width, height = self.size(text, size=size, weight=weight)
        boxes = [box for box in _around(own, whole, width, height, sides) if self._fits(box)]
        if not boxes and within is not None:
            return self.beside(text, curve, colour, size=size, weight=weight, sides=sides)
        if not boxes:
            middle = (float(own[own.shape[0] // 2, 0]), float(own[own.shape[0] // 2, 1]))
            free = self._nearest((width, height), middle, keep_px=4.0)
            # a curve without a name says nothing: at worst its label stands on others, with its halo
            box = free if free is not None else self._nearest((width, height), middle, keep_px=-height)
            return None if box is None else self._write(text, box, colour, size=size, weight=weight)
        others = [c for k, c in enumerate(self._curves) if k != curve]
        from_others, from_own = _distance(boxes, others), _distance(boxes, [self._curves[curve]])
        scores = (
            np.minimum(from_others, _FAR_PX)
            - 40.0 * (from_others < 2)
            - 0.6 * _distance(boxes, [own])
            - 25.0 * (from_others < from_own + 12)
            - 8.0 * (from_own < 2)
            - 6.0 * (from_own < 5)
            - 28.0 * (_distance(boxes, self._soft) < 2)
        )
        box = boxes[int(np.argmax(scores))]
        nearest = own[
            int(np.argmin(np.hypot(own[:, 0] - box.right, own[:, 1] - (box.bottom + box.top) / 2))), 0
        ]
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
        windows = np.lib.stride_tricks.sliding_window_view
        worst = windows(np.nan_to_num(gaps, nan=-1.0), count).min(axis=1)
        steep = (
            np.ptp(windows(np.nan_to_num(np.array(heights), nan=-1e4), count, axis=1), axis=2).max(axis=0)
            > 24
        )
        if not steep.all():  # beside a steep edge a label could be of either curve
            worst = np.where(steep, -1.0, worst)
        if worst.max() < 0:  # nowhere are both drawn for long enough
            return None
        # of places as good as the best, the one most to the middle
        good = np.flatnonzero(worst >= 0.9 * worst.max())
        at = good[int(np.argmin(np.abs(good - worst.size / 2)))]
        back = self.axes.transData.inverted()
        return (
            float(back.transform((xs[at] - 8, self.room.bottom + 1))[0]),
            float(back.transform((xs[at + count - 1] + 8, self.room.bottom + 1))[0]),
        )

    def near(
        self,
        text: str,
        anchor_px: Sequence[float],
        colour: str,
        *,
        size: float = 9,
        weight: str = "normal",
        reach_px: float = 2000.0,
        ha: str | None = None,
        keep_px: float = 4.0,
        leader: bool = False,
    ) -> Text | None:
        """Write a note in the free space nearest to a place on the sheet [px]; None if there is none.

        With *leader* a thin line goes from the note to the place, where they are not side by side.
        """
        box = self._nearest(
            self.size(text, size=size, weight=weight),
            anchor_px,
            centred=ha == "center",
            keep_px=keep_px,
            reach_px=reach_px,
        )
        if box is None:
            return None
        if leader and _distance([box], [np.asarray([anchor_px], dtype=float)])[0] > 8:
            self._leader(box, anchor_px, colour)
        align = ha or ("right" if (box.left + box.right) / 2 < anchor_px[0] else "left")
        return self._write(text, box, colour, size=size, weight=weight, ha=align)

    def headed(
        self, head: str, lines: Sequence[str], anchor_px: Sequence[float], *, keep_px: float = 4.0
    ) -> None:
        """Write a bold line with grey ones below as one block, in the free space nearest to a place [px]."""
        rows = [(head, 10.0, "bold", style.INK), *((line, 9.0, "normal", style.GREY) for line in lines)]
        sizes = [self.size(text, size=size, weight=weight) for text, size, weight, _ in rows]
        gap = 4.0
        room = (max(width for width, _ in sizes), sum(height + gap for _, height in sizes) - gap)
        box = self._nearest(room, anchor_px, keep_px=keep_px)
        if box is None:
            return
        if _distance([box], [np.asarray([anchor_px], dtype=float)])[0] > 60:
            self._leader(box, anchor_px, style.GREY)
        ha = "right" if (box.left + box.right) / 2 < anchor_px[0] else "left"
        top = box.top
        for (text, size, weight, colour), (_, height) in zip(rows, sizes, strict=True):
            self._write(
                text, Box(box.left, top - height, box.right, top), colour, size=size, weight=weight, ha=ha
            )
            top -= height + gap

    def _nearest(
        self,
        room: tuple[float, float],
        anchor_px: Sequence[float],
        *,
        centred: bool = False,
        keep_px: float,
        reach_px: float = 2000.0,
    ) -> Box | None:
        """Return the free rectangle of a size that is nearest to a place [px]."""
        width, height = room
        xs = np.arange(self.room.left + 4, self.room.right - width - 4, 10.0)
        ys = np.arange(self.room.bottom + 4, self.room.top - height - 2, 7.0)
        corners = np.array([(x, y) for x in xs for y in ys]).reshape(-1, 2)
        edges = np.hstack([corners, corners + np.array([width, height])])
        boxes = [Box(*edge) for edge in edges[self._all_fit(edges)].tolist()]
        if not boxes:
            return None
        from_anchor = _distance(boxes, [np.asarray([anchor_px], dtype=float)])
        middles = np.array([(box.left + box.right) / 2 for box in boxes])
        aside = 0.5 * np.abs(middles - anchor_px[0]) if centred else 0.0
        cost = from_anchor + aside + 160.0 * ~self._free(boxes, self._soft, 2.0)
        cost = np.where(self._free(boxes, self._curves, keep_px), cost, np.inf)
        best = int(np.argmin(cost))
        return boxes[best] if np.isfinite(cost[best]) and from_anchor[best] <= reach_px else None

    def along(
        self, text: str, y: float, colour: str, *, size: float = 9, prefer: float = 0.5, below: bool = True
    ) -> Text | None:
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
        cost = (
            np.abs(centres - middle) * 0.25
            + 120.0 * is_below
            + 60.0 * (12.0 - nearest)
            + 300.0 * (_distance(boxes, self._soft) < 2)
        )
        return self._write(text, boxes[int(np.argmin(cost))], colour, size=size, weight="normal")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where data units stand on the sheet [px]."""
        place = self.axes.transData.transform((x, y))
        return float(place[0]), float(place[1])

    def size(self, text: str, **kwargs: Any) -> tuple[float, float]:
        """Return width and height of *text* [px]."""
        return style.extent(text, linespacing=1.15, **kwargs)

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
        edges = np.array(boxes, dtype=float) - (room.left, room.bottom, room.left, room.bottom)
        widened = edges + np.array([-keep_px, -keep_px, keep_px + cell, keep_px + cell])
        corner = np.floor(widened / cell).astype(int)
        left, right = (np.clip(corner[:, k], 0, size[0]) for k in (0, 2))
        low, high = (np.clip(corner[:, k], 0, size[1]) for k in (1, 3))
        inside = summed[right, high] - summed[left, high] - summed[right, low] + summed[left, low]
        free: npt.NDArray[np.bool_] = inside < 0.5
        return free

    def _leader(self, box: Box, to_px: Sequence[float], colour: str) -> None:
        from matplotlib.lines import Line2D

        wide, high = style.WIDTH_IN * style.DPI, self.sheet.height_in * style.DPI
        start = (
            min(max(to_px[0], box.left - 3), box.right + 3),
            min(max(to_px[1], box.bottom + 4), box.top - 4),
        )
        line = Line2D(
            [start[0] / wide, to_px[0] / wide],
            [start[1] / high, to_px[1] / high],
            color=style.text_colour(colour),
            linewidth=1.0,
            zorder=5.5,
        )
        self.sheet.figure.add_artist(line)

    def _fits(self, box: Box) -> bool:
        room = self.room
        inside = (
            box.left >= room.left + 2
            and box.right <= room.right + 1
            and box.bottom >= room.bottom + 2
            and box.top <= room.top + 6
        )
        return inside and not any(box.touches(other, 2.0) for other in self.taken)

    def _all_fit(self, edges: Points) -> npt.NDArray[np.bool_]:
        """Return which rectangles fit, as `_fits` does; *edges* are left, bottom, right, top."""
        left, bottom, right, top = edges.T
        room = self.room
        fits: npt.NDArray[np.bool_] = (
            (left >= room.left + 2)
            & (right <= room.right + 1)
            & (bottom >= room.bottom + 2)
            & (top <= room.top + 6)
        )
        for other in self.taken:
            fits &= ~(
                (left < other.right + 2.0)
                & (other.left < right + 2.0)
                & (bottom < other.top + 2.0)
                & (other.bottom < top + 2.0)
            )
        return fits

    def _write(self, text: str, box: Box, colour: str, *, size: float, weight: str, ha: str = "left") -> Text:
        self.taken.append(box)
        wide, high = style.WIDTH_IN * style.DPI, self.sheet.height_in * style.DPI
        x = {"left": box.left, "right": box.right, "center": (box.left + box.right) / 2}[ha]
        return self.sheet.figure.text(
            x / wide,
            box.bottom / high,
            text,
            size=size,
            weight=weight,
            color=style.text_colour(colour),
            ha=ha,
            va="bottom",
            linespacing=1.15,
            path_effects=style.halo(),
            zorder=6,
        )


def _dense(points: Points) -> Points:
    """Put points every few pixels along a polyline; its gaps (nan) stay gaps."""
    points = points[np.isfinite(points).all(axis=1)] if points.shape[0] == 1 else points
    if points.shape[0] < 2:
        return points
    pieces: list[Points] = []
    for start, end in pairwise(points):
        if np.isfinite(start).all() and np.isfinite(end).all():
            count = int(min(400, max(1, np.hypot(*(end - start)) / _STEP_PX)))
            share = np.arange(count + 1)[:, None] / count
            pieces.append(start + share * (end - start))
    alone = points[np.isfinite(points).all(axis=1)]
    return np.concatenate([*pieces, alone]) if pieces else alone


def _around(own: Points, whole: Points, width: float, height: float, sides: str) -> list[Box]:
    """Return places for a label above, below, on, left and right of the part *own* of a curve *whole*."""
    boxes: list[Box] = []
    first, last = own[:, 0].min(), own[:, 0].max()
    for x in np.unique(np.linspace(first, max(first, last - width), 60)):
        under = whole[(whole[:, 0] >= x - 2) & (whole[:, 0] <= x + width + 2), 1]
        # above or below a steep edge a label would be far from what it names
        if under.size and np.ptp(under) < 30:
            if "on" in sides and np.ptp(under) < 6:
                boxes.append(_box(x, under.mean() - height / 2, width, height))
            if "above" in sides:
                boxes.append(_box(x, under.max() + _GAP_PX - 2, width, height))
            if "below" in sides:
                boxes.append(_box(x, under.min() - height - _GAP_PX + 2, width, height))
    for x, y in own[:: max(1, own.shape[0] // 80)]:
        beside = whole[(whole[:, 1] >= y - height) & (whole[:, 1] <= y + height), 0]
        near = beside[(beside >= x - 40) & (beside <= x + 40)]
        if near.size and "left" in sides:
            boxes.append(_box(near.min() - width - _GAP_PX, y - height / 2, width, height))
        if near.size and "right" in sides:
            boxes.append(_box(near.max() + _GAP_PX, y - height / 2, width, height))
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
        x, y = points[start : start + 2048, 0], points[start : start + 2048, 1]
        across = np.maximum(np.maximum(edges[:, :1] - x, x - edges[:, 2:3]), 0.0)
        up = np.maximum(np.maximum(edges[:, 1:2] - y, y - edges[:, 3:4]), 0.0)
        nearest = np.minimum(nearest, np.hypot(across, up).min(axis=1))
    return nearest
