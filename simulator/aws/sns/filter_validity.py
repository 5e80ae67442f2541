"""Which filter policies SNS refuses, and which event patterns EventBridge and Lambda do.

Rules: the SNS guide, filter policy constraints, and what was observed (conformance POL). A pattern of scope
``event-pattern`` is one of message bodies without limits on keys and combinations, whose ``anything-but``
takes all string operators.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from simulator.aws.sns.filter_operators import (
    LOWER,
    OPERATORS,
    STRING_OPERATORS,
    UPPER,
    block_of,
    is_number,
    wildcard_parts,
    written,
)
from simulator.aws.sns.filter_policy import OR

PatternScope = Literal["MessageAttributes", "MessageBody", "event-pattern"]

_MOST_STARS: Final = 5
_DEEPEST: Final = 50


@dataclass(frozen=True)
class Limits:
    """What a filter policy may be at most: keys, combinations of values, and its JSON in bytes."""

    keys: int = 5
    combinations: int = 150
    size_bytes: int = 262_144


class Refusal(NamedTuple):
    """Why a policy is refused: the path of keys to the place, and what is wrong there."""

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        """Say it in a line."""
        path = ".".join(map(str, self.path))
        return f"{path}{' ' if path else ''}{self.message}"


class _Refused(Exception):
    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(path, message)


class _Size(NamedTuple):
    """Keys of a policy, and combinations of values over all ways through its alternatives."""

    keys: int
    combinations: int


def refusal(policy: Any, scope: PatternScope, limits: Limits, size_bytes: int = 0) -> Refusal | None:
    """Give the first reason why *policy* is refused; None: it is taken.

    *size_bytes* is how long its JSON is, where that is known.
    """
    try:
        if not isinstance(policy, Mapping):
            return Refusal((), f"is {_kind(policy)}; an object of keys and lists of values is due")
        size = _Reading(scope).of_object(policy, (), 1)
    except _Refused as refused:
        return refused.refusal
    if scope == "event-pattern":
        return None
    if size.keys > limits.keys:
        return Refusal(
            (), f"has {size.keys} keys; SNS allows {limits.keys}, those of all alternatives together"
        )
    if size.combinations > limits.combinations:
        times = ", times the depth of the key," if scope == "MessageBody" else ""
        message = f"has {size.combinations:,} combinations of values; SNS allows {limits.combinations}"
        return Refusal((), f"{message} (the numbers of values{times} are multiplied over the keys)")
    if size_bytes > limits.size_bytes:
        return Refusal((), f"has {size_bytes:,} bytes; SNS allows {limits.size_bytes:,}")
    return None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return written(value)


class _Reading:
    """Walks through a policy of one scope and raises at the first thing that is refused."""

    def __init__(self, scope: PatternScope) -> None:
        self._scope = scope
        self._nested = scope != "MessageAttributes"
        self._pattern = scope == "event-pattern"

    def of_object(self, policy: Mapping[Any, Any], path: tuple[str | int, ...], depth: int) -> _Size:
        """Check an object of keys; all its keys must hold, so combinations are multiplied."""
        if len(path) > _DEEPEST:
            raise _Refused(path[:4], f"is nested more than {_DEEPEST} deep")
        keys, combinations = 0, 1
        for key, value in policy.items():
            size = self._of_key(key, value, (*path, key), depth)
            keys += size.keys
            combinations *= size.combinations
        return _Size(keys, combinations)

    def _of_key(self, key: Any, value: Any, path: tuple[str | int, ...], depth: int) -> _Size:
        if key == OR:
            return self._of_or(value, path, depth)
        if isinstance(value, Mapping):
            if not self._nested:
                raise _Refused(path, "is an object; nested keys need the scope MessageBody")
            if not value:
                raise _Refused(path, "is an empty object; keys are due")
            return self.of_object(value, path, depth + 1 + str(key).count("."))
        if not isinstance(value, list | tuple):
            due = "a list of values or an object" if self._nested else "a list of values"
            raise _Refused(path, f"is {_kind(value)}; {due} is due, such as [{written(value)}]")
        if not value:
            raise _Refused(path, "is an empty list; values are due")
        for place, entry in enumerate(value):
            self._of_entry(entry, (*path, place))
        level = depth + str(key).count(".") if self._nested else 1
        return _Size(1, len(value) * level)

    def _of_or(self, value: Any, path: tuple[str | int, ...], depth: int) -> _Size:
        """Check alternatives: each is a way of its own, so their combinations are added."""
        if not isinstance(value, list | tuple) or len(value) < 2:
            raise _Refused(path, f"is {_kind(value)}; a list of at least two objects is due")
        keys = combinations = 0
        for place, one in enumerate(value):
            if not isinstance(one, Mapping) or not one:
                raise _Refused((*path, place), f"is {_kind(one)}; an object with keys is due")
            size = self.of_object(one, (*path, place), depth)
            keys += size.keys
            combinations += size.combinations
        return _Size(keys, combinations)

    def _of_entry(self, entry: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(entry, list | tuple):
            raise _Refused(path, "is a list in a list; values or operators are due")
        if not isinstance(entry, Mapping):
            return
        if len(entry) != 1:
            raise _Refused(path, f"has {len(entry)} operators; one in each object is due")
        [(name, operand)] = entry.items()
        if name not in OPERATORS:
            raise _Refused((*path, name), f"is no operator; there are {', '.join(OPERATORS)}")
        self._of_operator(name, operand, (*path, name))

    def _of_operator(self, name: str, operand: Any, path: tuple[str | int, ...]) -> None:
        if name in STRING_OPERATORS:
            self._of_string_operator(name, operand, path)
        elif name == "exists":
            if not isinstance(operand, bool):
                raise _Refused(path, f"is {_kind(operand)}; true or false is due")
        elif name == "cidr":
            if block_of(operand) is None:
                raise _Refused(path, f"is {_kind(operand)}; one block of addresses is due, as 10.0.0.0/24")
        elif name == "numeric":
            _check_numeric(operand, path)
        else:
            self._of_anything_but(operand, path)

    def _of_string_operator(self, name: str, operand: Any, path: tuple[str | int, ...]) -> None:
        if self._pattern and name in ("prefix", "suffix") and isinstance(operand, Mapping):
            folded = operand.get("equals-ignore-case")
            if len(operand) != 1 or not isinstance(folded, str):
                raise _Refused(path, 'is an object; a text or {"equals-ignore-case": "..."} is due')
            return
        if not isinstance(operand, str):
            raise _Refused(path, f"is {_kind(operand)}; one text is due")
        if name == "wildcard":
            _check_wildcard(operand, path)

    def _of_anything_but(self, operand: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(operand, Mapping):
            self._of_anything_but_operator(operand, path)
            return
        values = operand if isinstance(operand, list | tuple) else [operand]
        if not values:
            raise _Refused(path, "is an empty list; texts or numbers are due")
        for value in values:
            if not isinstance(value, str) and not is_number(value):
                raise _Refused(path, f"has {_kind(value)}; texts or numbers are due")

    def _of_anything_but_operator(self, operand: Mapping[Any, Any], path: tuple[str | int, ...]) -> None:
        known = STRING_OPERATORS if self._pattern else ("prefix",)
        if len(operand) != 1 or next(iter(operand)) not in known:
            raise _Refused(path, f"is {written(operand)}; values or one of {', '.join(known)} are due")
        [(name, texts)] = operand.items()
        listed = list(texts) if self._pattern and isinstance(texts, list | tuple) else [texts]
        if not listed:
            raise _Refused((*path, name), "is an empty list; texts are due")
        for text in listed:
            if not isinstance(text, str):
                raise _Refused((*path, name), f"has {_kind(text)}; texts are due")
            if not text and name != "wildcard":
                raise _Refused((*path, name), "is an empty text; letters are due")
            if name == "wildcard":
                _check_wildcard(text, (*path, name))


def _check_wildcard(text: str, path: tuple[str | int, ...]) -> None:
    parts = wildcard_parts(text)
    if "" in parts[1:-1]:
        raise _Refused(path, "has two * next to each other; one is as good")
    if len(parts) - 1 > _MOST_STARS:
        raise _Refused(path, f"has {len(parts) - 1} *; more than {_MOST_STARS} are too complex")


def _check_numeric(operand: Any, path: tuple[str | int, ...]) -> None:
    """One comparison, or a lower bound followed by a higher upper bound."""
    due = 'one comparison or a range is due, as [">=", 1, "<", 5]'
    if not isinstance(operand, list | tuple) or len(operand) not in (2, 4):
        raise _Refused(path, f"is {written(operand)}; {due}")
    names, bounds = operand[::2], operand[1::2]
    for name in names:
        if not isinstance(name, str) or name not in ("=", *LOWER, *UPPER):
            raise _Refused(path, f"has {_kind(name)}; comparisons are =, <, <=, >, >=")
    for bound in bounds:
        if not is_number(bound) or bound != bound:
            raise _Refused(path, f"has {_kind(bound)}; a number is due")
    if len(operand) == 4:
        if names[0] not in LOWER or names[1] not in UPPER:
            raise _Refused(
                path, "has other bounds than a lower one (> or >=) and then an upper one (< or <=)"
            )
        if not bounds[0] < bounds[1]:
            raise _Refused(path, f"goes from {written(bounds[0])} to {written(bounds[1])}; it must go up")
