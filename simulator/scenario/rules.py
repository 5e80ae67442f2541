"""AWS's dated limits, defaults, ramps and latencies, each with its source and status.

They are data (``rules/2026.yaml``; those of an earlier year say only what was different then). The schema
takes ranges and defaults from here, a run everything else; ``limits:`` in a scenario overrides an entry,
``ideal: true`` takes its ideal value.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pydantic_core import PydanticCustomError

from simulator.scenario import distributions
from simulator.scenario.problems import Finding, findings_of, nearest_or_known, read_at, refuse
from simulator.scenario.reading import read
from simulator.scenario.units import COUNT, DURATION, NUMBER, RATE, SHARE, SIZE, Unit, kind_of

_FOLDER: Final = Path(__file__).parent / "rules"
DEFAULT: Final = "2026"
_UNITS: Final = {
    "duration": DURATION,
    "count": COUNT,
    "number": NUMBER,
    "share": SHARE,
    "size": SIZE,
    "rate": RATE,
}
STATUSES: Final = ("confirmed", "confirmed-2nd", "measured", "derived", "model", "contested", "unconfirmed")
ASSUMED: Final = frozenset({"model", "measured", "contested", "unconfirmed"})
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True)
class Rule:
    """One value of AWS's: ``text`` is it in words, ``value`` parsed; so are ``low``, ``high``, ``ideal``."""

    name: str
    type: str
    text: object
    value: Any
    low: Any
    high: Any
    aws: str
    ideal: Any
    source: str
    status: str
    note: str = ""
    ideal_text: object = None

    @property
    def unit(self) -> Unit | None:
        """How its values are read and written; None for tables and distributions."""
        return _UNITS.get(self.type)

    def range_words(self) -> str:
        """Say its range: ``VisibilityTimeout allows 0s to 12h``."""
        unit = self.unit
        assert unit is not None
        span = f"{unit.write(self.low)} to {unit.write(self.high)}"
        words = f"{self.aws} allows {span}" if self.aws else f"allowed: {span}"
        return f"{words} ({self.note})" if self.note else words


class Rules:
    """The rules of a run: those of a date, with a scenario's overrides.

    ``value(name)`` gives durations [us], counts and rates [1/s] as whole numbers, latency tables as
    ``((probability, us), ...)``, None for no limit.
    """

    def __init__(self, name: str, entries: Mapping[str, Rule], *, ideal: bool = False) -> None:
        self.name = name
        self.ideal = ideal
        self._entries = dict(entries)

    def names(self) -> tuple[str, ...]:
        """Give the names of all entries."""
        return tuple(self._entries)

    def rule(self, name: str) -> Rule:
        """Give a whole entry."""
        return self._entries[name]

    def value(self, name: str) -> Any:
        """Give the value a run takes."""
        rule = self._entries[name]
        return rule.ideal if self.ideal else rule.value

    def status(self, name: str) -> str:
        """Say how sure the value is: one of `STATUSES`, or ``scenario`` for an override."""
        return self._entries[name].status

    def source(self, name: str) -> str:
        """Say where the value comes from."""
        return self._entries[name].source

    def text(self, name: str) -> str:
        """Give the value in words, for the list of assumptions."""
        rule = self._entries[name]
        return _words(rule.ideal_text if self.ideal else rule.text)

    def assumption(self, name: str) -> str:
        """Say what a run assumed by taking this value; "" if AWS itself says it."""
        rule = self._entries[name]
        if rule.status not in ASSUMED or (self.ideal and rule.ideal != rule.value):
            return ""
        return f"{name} = {self.text(name)} ({rule.status}: {rule.source})"

    def overridden(self, limits: Mapping[str, object], *, ideal: bool = False) -> "Rules":
        """Give these rules with *limits* in place; raise every override that cannot be."""
        entries = dict(self._entries)
        found: list[Finding] = []
        for name, given in limits.items():
            if name not in entries:
                found.append(Finding((name,), f"is not a known limit; {nearest_or_known(name, entries)}"))
                continue
            try:
                entries[name] = _overridden(entries[name], given)
            except PydanticCustomError as error:
                found += [Finding((name, *finding.path), finding.message) for finding in findings_of(error)]
        if found:
            raise refuse(*found)
        return Rules(self.name, entries, ideal=ideal)

    def __eq__(self, other: object) -> bool:
        """Rules are equal when every value is."""
        if not isinstance(other, Rules):
            return NotImplemented
        return (self.name, self.ideal, self._entries) == (other.name, other.ideal, other._entries)

    def __hash__(self) -> int:
        return hash((self.name, self.ideal, len(self._entries)))


def _overridden(rule: Rule, given: object) -> Rule:
    value = None if given is None and rule.ideal is None else parse(given, rule.type)
    unit = rule.unit
    if unit and value is not None:
        low, high = rule.low, rule.high
        if (low is not None and value < low) or (high is not None and value > high):
            raise refuse(f"is {unit.write(value)}; allowed: {unit.write(low)} to {unit.write(high)}")
    return replace(
        rule,
        text=given,
        value=value,
        ideal=value,
        ideal_text=given,
        status="scenario",
        source="limits of the scenario",
    )


def parse(value: object, kind: str) -> Any:
    """Read the value of an entry of this type."""
    if kind == "quantiles":
        return _quantiles(value)
    if kind == "distribution":
        return distributions.parse(value, DURATION)
    read_value = _UNITS[kind].parse(value)
    if kind == "rate":
        if not float(read_value).is_integer():
            raise refuse(f"is {kind_of(value)}; a whole number per second is due")
        return int(read_value)
    return read_value


def _quantiles(value: object) -> tuple[tuple[float, int], ...]:
    """Read a table of quantiles; a bare duration is a table of one point, a constant."""
    if not isinstance(value, Mapping):
        return ((0.5, DURATION.parse(value)),)
    points: list[tuple[float, int]] = []
    for name, text in value.items():
        found = _PERCENTILE.fullmatch(name)
        if not found:
            raise refuse(Finding((name,), "is not a percentile; write p50, p99 or the like"))
        points.append((float(found[1]) / 100, read_at((name,), DURATION.parse, text)))
    ascending = all(a < c and b <= d for (a, b), (c, d) in pairwise(points))
    if not points or not ascending or points[0][0] <= 0 or points[0][1] < 1:
        example = "percentiles and durations above 0s ascend, as in {p50: 9ms, p99: 40ms}"
        raise refuse(f"is not a table of quantiles: {example}")
    return tuple(points)


def _words(text: object) -> str:
    if isinstance(text, Mapping):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in text.items())
    return "none" if text is None else str(text)


def known() -> tuple[str, ...]:
    """Give the dates there are rules of."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


@functools.cache
def dated(name: str = DEFAULT) -> Rules:
    """Give the rules of a date, as they stand in their file and in those it is based on."""
    return Rules(name, {entry: _rule(entry, fields) for entry, fields in _written(name).items()})


def _written(name: str) -> dict[str, dict[str, Any]]:
    """Give what is written of each entry: what a file does not say stands in the one it is based on."""
    raw = dict(read(_FOLDER / f"{name}.yaml").value)
    base = raw.pop("based_on", None)
    if base is None:
        return raw
    entries = _written(str(base))
    for entry, fields in raw.items():
        entries[entry] = {**entries.get(entry, {}), **fields}
    return entries


def differences(name: str) -> tuple[str, ...]:
    """Give the entries of a date whose value is another than by the default rules, or that only it has."""
    old, today = dated(name), dated()
    known_today = set(today.names())
    return tuple(
        entry for entry in old.names() if entry not in known_today or old.value(entry) != today.value(entry)
    )


def _rule(name: str, fields: Mapping[str, Any]) -> Rule:
    kind = fields["type"]

    def optional(key: str) -> Any:
        return None if fields.get(key) is None else parse(fields[key], kind)

    value = optional("value")
    return Rule(
        name=name,
        type=kind,
        text=fields["value"],
        value=value,
        low=optional("low"),
        high=optional("high"),
        aws=fields.get("aws", ""),
        ideal=optional("ideal") if "ideal" in fields else value,
        ideal_text=fields.get("ideal", fields["value"]),
        source=fields["source"],
        status=fields["status"],
        note=fields.get("note", ""),
    )
