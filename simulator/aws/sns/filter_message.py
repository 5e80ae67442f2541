"""What a filter sees of a message: the values at each path, and which of them stand in one array element."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from simulator.aws.sns.filter_operators import Leaf, leaf, number_of

MISSING_BODY: Final = object()
"""What `parsed` gives for a text that is not JSON."""


class Place:
    """An object of a message: the values in it by their path, and the arrays of objects in it.

    ``"a.b"`` and a key ``b`` in an object at ``a`` are one path. The elements of an array that are not
    objects count as values of the place around it, nested arrays as part of the array around them. An
    object in an array is a place of its own: conditions on its fields must hold in the same element.
    """

    __slots__ = ("arrays", "values")

    def __init__(self) -> None:
        self.values: dict[str, list[Leaf]] = {}
        self.arrays: list[list[Place]] = []

    def values_at(self, path: str) -> list[Leaf]:
        """All values at *path*, here and in the elements of the arrays."""
        found: list[Leaf] = []
        pending = [self]
        while pending:
            place = pending.pop()
            found += place.values.get(path, ())
            pending += [element for array in reversed(place.arrays) for element in reversed(array)]
        return found


def parsed(text: str) -> Any:
    """Parse JSON with exact numbers; `MISSING_BODY` for what is not JSON."""
    try:
        return json.loads(text, parse_float=_exact, parse_int=_exact, parse_constant=_no_constant)
    except (ValueError, TypeError, RecursionError):
        return MISSING_BODY


def _exact(text: str) -> Decimal:
    number = number_of(text)
    assert number is not None  # JSON's numbers are all of that form
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def place_of(body: Mapping[str, Any]) -> Place:
    """Lay out an object, however deep; values that are no JSON are left out."""
    root = Place()
    pending: list[tuple[Place, str, Any]] = [(root, "", body)]
    while pending:
        place, path, value = pending.pop()
        if isinstance(value, Mapping):
            for key, part in value.items():
                pending.append((place, f"{path}.{key}" if path else str(key), part))
        elif isinstance(value, list | tuple):
            _spread(place, path, value, pending)
        else:
            try:
                place.values.setdefault(path, []).append(leaf(value))
            except ValueError:
                continue
    return root


def _spread(place: Place, path: str, value: Any, pending: list[tuple[Place, str, Any]]) -> None:
    """Put the elements of an array where they belong; nested arrays are flattened."""
    elements: list[Place] = []
    waiting = [iter(value)]
    while waiting:
        for element in waiting[-1]:
            if isinstance(element, list | tuple):
                waiting.append(iter(element))
                break
            if isinstance(element, Mapping):
                inside = Place()
                elements.append(inside)
                pending.append((inside, path, element))
            else:
                pending.append((place, path, element))
        else:
            waiting.pop()
    if elements:
        place.arrays.append(elements)


def attributes_of(attributes: Mapping[str, Any]) -> Place:
    """Lay out message attributes, each with its ``type`` and ``value`` (a text, as in the API).

    Binary attributes are ignored, and so are numbers and arrays that are none.
    """
    place = Place()
    for name, given in attributes.items():
        kind, value = (given.get("type"), given.get("value")) if isinstance(given, Mapping) else ("", None)
        if isinstance(kind, str) and isinstance(value, str):
            place.values[name] = _attribute(kind, value)
    return place


def _attribute(kind: str, text: str) -> list[Leaf]:
    if kind in ("String.Array", "Number.Array"):
        found = parsed(text)
        if found is MISSING_BODY:
            return []
        inner = place_of({"": found if isinstance(found, list) else [found]})
        return inner.values.get("", [])
    base = kind.partition(".")[0]
    if base == "String":
        return [text]
    number = number_of(text) if base == "Number" else None
    return [] if number is None else [number]
