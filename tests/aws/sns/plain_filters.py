"""A second evaluator of filter policies, for small cases: everything written out, nothing clever.

A message is a list of values, each with its path and the element of every array around it. A policy is a
list of ways through its ``$or``s, each a list of keys. A way holds if a value can be chosen for each key so
that no two chosen values stand in different elements of one array.
"""

import itertools
import re
from fractions import Fraction
from typing import Any

Found = tuple[str, Any, dict[str, int]]


def accepts(policy: dict[str, Any], body: dict[str, Any]) -> bool:
    values = list(values_of(body, "", "$", {}))
    return any(way_holds(way, values) for way in ways_of(policy, ""))


def values_of(value: Any, path: str, place: str, elements: dict[str, int]):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from values_of(part, f"{path}.{key}" if path else key, f"{place}/{key}", elements)
    elif isinstance(value, list):
        for number, part in enumerate(flat(value)):
            inside = {**elements, place: number} if isinstance(part, dict) else elements
            yield from values_of(part, path, f"{place}[{number}]", inside)
    else:
        yield path, value, elements


def flat(values: list[Any]):
    for value in values:
        yield from flat(value) if isinstance(value, list) else [value]


def ways_of(policy: dict[str, Any], path: str) -> list[list[tuple[str, list[Any]]]]:
    factors = []
    for key, value in policy.items():
        inner = f"{path}.{key}" if path else key
        if key == "$or":
            factors.append([way for one in value for way in ways_of(one, path)])
        elif isinstance(value, dict):
            factors.append(ways_of(value, inner))
        else:
            factors.append([[(inner, value)]])
    return [[key for way in chosen for key in way] for chosen in itertools.product(*factors)]


def way_holds(way: list[tuple[str, list[Any]]], values: list[Found]) -> bool:
    choices: list[list[dict[str, int]]] = []
    for path, entries in way:
        there = [(value, elements) for at, value, elements in values if at == path]
        if there:
            choices.append([elements for value, elements in there if any(says(e, value) for e in entries)])
        elif {"exists": False} in entries:
            choices.append([{}])
        else:
            return False
    return any(agree(chosen) for chosen in itertools.product(*choices))


def agree(chosen: tuple[dict[str, int], ...]) -> bool:
    union: dict[str, int] = {}
    for elements in chosen:
        for place, number in elements.items():
            if union.setdefault(place, number) != number:
                return False
    return True


def says(entry: Any, value: Any) -> bool:
    if not isinstance(entry, dict):
        return same(entry, value)
    [(name, operand)] = entry.items()
    if name == "exists":
        return bool(operand)
    if name == "anything-but":
        if isinstance(operand, dict):
            return not says(operand, value)
        return not any(same(one, value) for one in (operand if isinstance(operand, list) else [operand]))
    if name == "numeric":
        return number(value) and all(
            {"=": n == b, "<": n < b, "<=": n <= b, ">": n > b, ">=": n >= b}[word]
            for word, b in zip(operand[::2], operand[1::2], strict=True)
            for n in [Fraction(str(value))]
        )
    if not isinstance(value, str):
        return False
    if name == "wildcard":
        return re.fullmatch(".*".join(map(re.escape, operand.split("*"))), value, re.DOTALL) is not None
    if name == "equals-ignore-case":
        return value.lower() == str(operand).lower()
    return value[: len(operand)] == operand if name == "prefix" else value.endswith(operand)


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(one: Any, other: Any) -> bool:
    if number(one) and number(other):
        return bool(one == other)
    return type(one) is type(other) and one == other
