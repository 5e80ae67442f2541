"""One or two settings tried with several values: what each says, which to take, where the knee is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.analysis.answer import Answer, Certainty, Estimate, Verdict
from simulator.analysis.intervals import no_data

COST: Final = "cost.month"
"""Key of what it costs."""

_LEAST_BEND: Final = 0.2
"""A curve that leaves its chord by less than this share has no knee."""


@dataclass(frozen=True)
class Point:
    """The scenario with these values in place, and what its runs say."""

    values: tuple[str, ...]
    answer: Answer

    @property
    def verdict(self) -> Verdict:
        """The worst of its thresholds; holds without any."""
        found = {result.verdict for result in self.answer.thresholds}
        return next((one for one in (Verdict.CROSSED, Verdict.UNDECIDED) if one in found), Verdict.HOLDS)

    def number(self, key: str) -> Estimate:
        """One number of it."""
        return self.answer.estimates.get(key, no_data("1", 0))

    @property
    def settles(self) -> bool:
        """Whether nothing is said to be overloaded."""
        return not self.overload("")

    def overload(self, key: str) -> str:
        """What is said of the overload of the queue that *key* is of, of any if it is of all; "" if none."""
        of = f"{key.rpartition(' ')[0]} is overloaded" if " " in key else " is overloaded"
        return next((text for text in self.answer.warnings if of in text), "")

    def shown(self, key: str) -> bool:
        """Whether *key* is a number of the system: there is one, and no overload makes it one of the run."""
        number = self.number(key)
        return known_of(number) and not (number.unit == "s" and self.overload(key))


@dataclass(frozen=True)
class Sweep:
    """All points of a sweep, the values of the last path varying fastest; ``metric`` is a key."""

    paths: tuple[str, ...]
    metric: str
    points: tuple[Point, ...]

    @property
    def values(self) -> tuple[tuple[str, ...], ...]:
        """The values of each path, in their order."""
        return tuple(
            tuple(dict.fromkeys(point.values[place] for point in self.points))
            for place in range(len(self.paths))
        )

    @property
    def thresholds(self) -> tuple[str, ...]:
        """The promises, in the scenario's words."""
        return tuple(result.text for result in self.points[0].answer.thresholds)

    @property
    def chosen(self) -> Point | None:
        """The point to take: the first from which on all hold, else the last up to which all hold.

        Of two settings it is the cheapest that holds. A point that holds among others that do not is not
        taken for more than it is: chance, or a response that is not monotone. None where none holds, or
        there is no promise.
        """
        if not self.thresholds:
            return None
        holding = [point.verdict is Verdict.HOLDS for point in self.points]
        if len(self.paths) == 1:
            return self._edge(holding)
        points = [point for point, holds in zip(self.points, holding, strict=True) if holds]
        priced = all(known_of(point.number(COST)) for point in points)
        return min(points, key=lambda one: one.number(COST).mean if priced else 0.0, default=None)

    def _edge(self, holding: Sequence[bool]) -> Point | None:
        if holding[-1]:
            return self.points[next(place for place in range(len(holding)) if all(holding[place:]))]
        until = holding.index(False)
        return self.points[until - 1] if until and not any(holding[until:]) else None

    @property
    def falls(self) -> bool:
        """Whether the chosen point is the last that holds: those after it do not."""
        return self.chosen is not None and self.points[-1].verdict is not Verdict.HOLDS

    @property
    def knee(self) -> Point | None:
        """Where the curve of the metric bends most, as it is drawn; None without a bend. See `bend`.

        Times are on a logarithmic scale, where 0 stands at the least that is above it.
        """
        if len(self.paths) > 1:
            return None
        shown = [place for place, point in enumerate(self.points) if point.shown(self.metric)]
        if len(shown) < 4:
            return None
        numbers = [self.points[place].number(self.metric) for place in shown]
        ys = [number.mean for number in numbers]
        if numbers[0].unit == "s" and max(ys) > 0:
            least = min(y for y in ys if y > 0)
            ys = [math.log(max(y, least)) for y in ys]
        found = bend([float(place) for place in shown], ys)
        return None if found is None else self.points[shown[found]]


def known_of(estimate: Estimate) -> bool:
    """Whether it is a number that a curve can go through: not censored, not never, not missing."""
    certain = (Certainty.INTERVAL, Certainty.EXACT, Certainty.NONE_SEEN)
    return estimate.certainty in certain and math.isfinite(estimate.mean)


def bend(xs: Sequence[float], ys: Sequence[float]) -> int | None:
    """Place of the point that is furthest from the chord between the first and the last; None without a bend.

    Both axes are scaled to 0 to 1 first. Source: V. Satopää et al., "Finding a Kneedle in a Haystack", 2011,
    with the curve as it is, not smoothed. A distance of less than a fifth is no knee.
    """
    low, high = min(ys), max(ys)
    if high <= low or xs[-1] <= xs[0]:
        return None
    scaled = [(y - low) / (high - low) for y in ys]
    at = [(x - xs[0]) / (xs[-1] - xs[0]) for x in xs]
    chord = [scaled[0] + (scaled[-1] - scaled[0]) * x for x in at]
    distances = [abs(y - c) for y, c in zip(scaled, chord, strict=True)]
    place = max(range(len(xs)), key=distances.__getitem__)
    return place if distances[place] >= _LEAST_BEND else None
