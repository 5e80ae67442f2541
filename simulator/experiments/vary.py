"""Settings that are tried with several values: ``PATH=2..16``, ``PATH=10s..60s:10s``, ``PATH=a,b,c``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Final

from simulator.scenario import load
from simulator.scenario.problems import Problem, ScenarioError
from simulator.scenario.schema import Scenario

MOST_POINTS: Final = 1_000
_QUANTITY: Final = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[A-Za-z%/]*)")
_RANGE: Final = re.compile(r"(?P<low>[^.,:]+(?:\.[0-9][^.,:]*)?)\.\.(?P<high>[^,:]+?)(?::(?P<step>[^,]+))?")


@dataclass(frozen=True)
class Vary:
    """A path of the scenario and the values it is given, as one would write them after ``--set``."""

    path: str
    values: tuple[str, ...]


def parse(text: str, option: str = "--vary") -> Vary:
    """Read ``PATH=a,b,c`` or ``PATH=low..high`` or ``PATH=low..high:step``; a range has both ends.

    Raises
    ------
    ScenarioError
        What cannot be read, with what to write.
    """
    path, equals, given = text.partition("=")
    if not equals or not path or not given:
        raise _wrong(text, option, "is not understood; write PATH=2..16, PATH=10s..60s:10s or PATH=a,b,c")
    found = _RANGE.fullmatch(given)
    if found:
        values = _ranged(text, option, found["low"], found["high"], found["step"])
    else:
        values = tuple(value.strip() for value in _listed(given))
        if "" in values:
            raise _wrong(text, option, "has an empty value")
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise _wrong(text, option, f"has {twice} twice")
    if len(values) > MOST_POINTS:
        raise _wrong(text, option, f"has {len(values):,} values; at most {MOST_POINTS:,} are allowed")
    return Vary(path, values)


def _listed(given: str) -> list[str]:
    """Split at commas that are in no brackets: a value may be a map or a list."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(given):
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            parts.append(given[start:place])
            start = place + 1
    return [*parts, given[start:]]


def _ranged(text: str, option: str, low: str, high: str, step: str | None) -> tuple[str, ...]:
    parts = {"low": low, "high": high} | ({"step": step} if step is not None else {})
    read = {name: _QUANTITY.fullmatch(part.strip()) for name, part in parts.items()}
    numbers: dict[str, Fraction] = {}
    units: dict[str, str] = {}
    for name, found in read.items():
        if found is None:
            message = f"has {parts[name]} as the {name} end" if name != "step" else f"has the step {step}"
            raise _wrong(text, option, f"{message}; numbers with one unit are due, such as 10s..60s:10s")
        numbers[name], units[name] = Fraction(found["number"]), found["unit"]
    if len(set(units.values())) > 1:
        raise _wrong(text, option, f"mixes units: {', '.join(parts.values())}; write one, as 10s..60s:10s")
    by = numbers.get("step", Fraction(1))
    if by <= 0 or numbers["high"] < numbers["low"]:
        raise _wrong(text, option, f"has no value: from {low} to {high} in steps of {step or 1}")
    count = int((numbers["high"] - numbers["low"]) / by) + 1
    if count > MOST_POINTS:
        raise _wrong(text, option, f"has {count:,} values; at most {MOST_POINTS:,} are allowed")
    return tuple(_written(numbers["low"] + k * by) + units["low"] for k in range(count))


def _written(number: Fraction) -> str:
    """Write a number as a person would: no exponent, no needless zeros."""
    if number.denominator == 1:
        return str(number.numerator)
    return f"{float(number):.12f}".rstrip("0").rstrip(".")


def _wrong(text: str, option: str, message: str) -> ScenarioError:
    return ScenarioError([Problem(f"{option} {text}", 0, "", message)])


def grid(varied: Sequence[Vary]) -> list[tuple[str, ...]]:
    """Every combination of values; that of the last path varies fastest."""
    return list(product(*(one.values for one in varied)))


def scenarios(
    path: Path, varied: Sequence[Vary], sets: Sequence[str] = ()
) -> list[tuple[tuple[str, ...], Scenario]]:
    """Load the scenario of every combination of values; *sets* hold for all.

    Raises
    ------
    ScenarioError
        All that is wrong with any of them, each thing once.
    """
    combinations = grid(varied)
    if len(combinations) > MOST_POINTS:
        words = " times ".join(f"{len(one.values)} of {one.path}" for one in varied)
        message = f"are {len(combinations):,} points ({words}); at most {MOST_POINTS:,} are allowed"
        raise ScenarioError([Problem("--vary", 0, "", message)])
    found: list[tuple[tuple[str, ...], Scenario]] = []
    problems: dict[Problem, None] = {}
    for values in combinations:
        put = [f"{one.path}={value}" for one, value in zip(varied, values, strict=True)]
        try:
            found.append((values, load(path, sets=[*sets, *put])))
        except ScenarioError as error:
            problems.update(dict.fromkeys(error.problems))
    if problems:
        raise ScenarioError(list(problems))
    return found
