"""Arrival counts of a real system, replayed from a CSV file."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import PrivateAttr, ValidationInfo, model_validator

from simulator.scenario.files import FileProblem, read_inside, rows
from simulator.scenario.problems import Finding, refuse, shown
from simulator.scenario.spec import Context, Spec, option, required
from simulator.scenario.units import Duration, Number, Text, write_duration

_MOST_INTERVALS: Final = 1_000_000
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Counts:
    """What was counted: ``counts[i]`` arrivals in ``[i, i + 1) * interval_us``; nan where that is missing."""

    interval_us: int
    counts: tuple[float, ...]
    missing: tuple[str, ...]


class Trace(Spec):
    """Arrivals counted in equal intervals, from a CSV file below the scenario's folder.

    The point at a timestamp counts the interval that starts there, as CloudWatch's do.
    """

    file: Text = required("CSV file with a first line of column names; a path below the scenario's folder")
    time: Text = option("column of the timestamps, such as `2014-11-01 00:30:00`", default="timestamp")
    value: Text = option("column of the counts", default="value")
    first: Text | None = option("timestamp of the first point to replay; the file's first point if left out")
    for_us: Duration = required(
        "how long it is replayed; the scenario's duration if left out", alias="for", low="1s", high="400d"
    )
    within: Literal["even", "poisson", "first_second"] = required(
        "how the arrivals of an interval lie in it, which the counts do not tell: `even`, `poisson` (at "
        "random), `first_second` (all in its first second, the worst case)"
    )
    scale: Number = option("factor on every count", default=1, low="0.000001", high="1000000")
    gaps: Literal["refuse", "zero", "previous", "interpolate"] = option(
        "what stands for points that are missing: `refuse` names them as an error, `zero`, the `previous` "
        "point, or a line between the neighbours (`interpolate`)",
        default="refuse",
    )
    _interval_us: int = PrivateAttr(0)
    _counts: tuple[float, ...] = PrivateAttr(())
    _missing: int = PrivateAttr(0)

    @property
    def interval_us(self) -> int:
        """Length of an interval of the counts [us]."""
        return self._interval_us

    @property
    def counts(self) -> tuple[float, ...]:
        """Arrivals in each interval, scaled, gaps filled; the last interval may reach past ``for``."""
        return self._counts

    @property
    def missing(self) -> int:
        """How many points were missing and filled by the ``gaps`` policy."""
        return self._missing

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Let ``for`` be the scenario's duration where it is left out."""
        if isinstance(data, dict) and "for" not in data:
            duration = context.duration if context else None
            return {**data, "for": write_duration(duration or 1_000_000)}
        return data

    @model_validator(mode="after")
    def _replay(self, info: ValidationInfo) -> "Trace":
        try:
            found = read_counts(self, info.context.folder if info.context else None)
            counts = _filled(found, self.gaps)
        except FileProblem as problem:
            raise refuse(Finding((problem.about,), problem.message)) from None
        self._interval_us = found.interval_us
        self._counts = tuple(count * self.scale for count in counts)
        self._missing = len(found.missing)
        return self


def read_counts(trace: Trace, folder: Path | None) -> Counts:
    """Read the points of a trace's window; raise `FileProblem` for what is wrong with the file."""
    points = _points(read_inside(folder, trace.file), trace)
    if len(points) < 2:
        raise FileProblem("file", f"has {len(points)} points; at least two are due")
    steps = Counter(later[0] - earlier[0] for earlier, later in pairwise(points))
    step = max(steps, key=lambda gap: (steps[gap], -gap))
    start = _first(trace, points)
    count = -(-trace.for_us // (step // _MICROSECOND))
    if count > _MOST_INTERVALS:
        raise FileProblem(
            "for", f"holds {count:,} intervals of the file; at most {_MOST_INTERVALS:,} are allowed"
        )
    by_place: dict[int, float] = {}
    for at, value in points:
        place, off = divmod(at - start, step)
        if not 0 <= place < count:
            continue
        if off and not by_place:
            raise FileProblem("first", f"is {start}, between two points of the file; its next point is {at}")
        if off:
            raise FileProblem(
                "file", f"has a point at {at}, off its step of {write_duration(step // _MICROSECOND)}"
            )
        by_place[place] = value
    missing = tuple(str(start + place * step) for place in range(count) if place not in by_place)
    counts = tuple(by_place.get(place, float("nan")) for place in range(count))
    return Counts(step // _MICROSECOND, counts, missing)


def _points(text: str, trace: Trace) -> list[tuple[datetime, float]]:
    points: list[tuple[datetime, float]] = []
    for line, (stamp, count) in rows(text, [("time", trace.time), ("value", trace.value)]):
        at = _instant(stamp)
        if at is None:
            raise FileProblem("time", f"is {shown(stamp)} on line {line} of the file; a timestamp is due")
        try:
            value = float(count)
        except ValueError:
            value = -1.0
        if not 0 <= value < 1e12:
            raise FileProblem("value", f"is {shown(count)} on line {line} of the file; a count from 0 is due")
        if points and at <= points[-1][0]:
            raise FileProblem(
                "time", f"is {shown(stamp)} on line {line} of the file, not after the line before it"
            )
        points.append((at, value))
    return points


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=None) - (at.utcoffset() or timedelta())


def _first(trace: Trace, points: list[tuple[datetime, float]]) -> datetime:
    if trace.first is None:
        return points[0][0]
    start = _instant(trace.first)
    if start is None:
        raise FileProblem("first", f"is {shown(trace.first)}; a timestamp such as {points[0][0]} is due")
    if not points[0][0] <= start <= points[-1][0]:
        raise FileProblem("first", f"is {shown(trace.first)}; the file has {points[0][0]} to {points[-1][0]}")
    return start


def _filled(found: Counts, policy: str) -> list[float]:
    counts = list(found.counts)
    if found.missing and policy == "refuse":
        named = ", ".join(found.missing[:3]) + (", ..." if len(found.missing) > 3 else "")
        raise FileProblem(
            "gaps",
            f"is refuse, and {len(found.missing)} of {len(counts)} points are missing ({named}); "
            "write gaps: zero, previous or interpolate",
        )
    known = [place for place, count in enumerate(counts) if count == count]
    if not known:
        raise FileProblem("first", "leaves no point of the file to replay")
    for place, count in enumerate(counts):
        if count != count:
            counts[place] = _fill(found.counts, place, known, policy)
    return counts


def _fill(counts: tuple[float, ...], place: int, known: list[int], policy: str) -> float:
    if policy == "zero":
        return 0.0
    after = bisect_left(known, place)
    if after == 0 or (policy == "interpolate" and after == len(known)):
        side = "before" if after == 0 else "after"
        raise FileProblem(
            "gaps", f"is {policy}, and there is no point {side} the gap; write gaps: zero or replay less"
        )
    left = known[after - 1]
    if policy == "previous":
        return counts[left]
    right = known[after]
    return counts[left] + (counts[right] - counts[left]) * (place - left) / (right - left)
