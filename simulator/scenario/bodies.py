"""Bodies of messages: a small JSON object whose leaves are constants or choices with shares."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from simulator.scenario.problems import Finding, findings_of, refuse
from simulator.scenario.units import SHARE, kind_of, write_share

ONE_OF: Final = "one_of"
REST: Final = "rest"
_SHARE: Final = re.compile(r"\s*[0-9.]+\s*%\s*")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_WORDS: Final = {"true": True, "false": False, "null": None}

KeyPath = tuple[str, ...]


def shares_of(value: object) -> dict[str, float]:
    """Read a map of words to shares that add up to 100%; one of them may be the ``rest``."""
    if not isinstance(value, Mapping) or not value:
        raise refuse(f"is {kind_of(value) if value != {} else 'an empty map'}; values with shares are due")
    shares: dict[str, float] = {}
    resting: list[str] = []
    found: list[Finding] = []
    for word, text in value.items():
        if text == REST:
            resting.append(word)
            shares[word] = 0.0
            continue
        try:
            shares[word] = SHARE.parse(text)
        except PydanticCustomError as error:
            found += [Finding((word,), inner.message) for inner in findings_of(error)]
    if found:
        raise refuse(*found)
    total = sum(Decimal(repr(share)) for share in shares.values())
    if len(resting) > 1:
        raise refuse(Finding((resting[1],), "is rest; only one value can be"))
    if total > 1 or (total < 1 and not resting):
        raise refuse(f"adds up to {write_share(float(total))}; shares add up to 100% (one may be rest)")
    for word in resting:
        shares[word] = float(1 - total)
    return shares


def is_number(word: str) -> bool:
    """Whether a word is a number as JSON writes them."""
    return _NUMBER.fullmatch(word) is not None


def typed(word: str) -> Any:
    """Give the JSON value that a word of a choice stands for: a number, true, false, null or the text."""
    if is_number(word):
        number = float(word)
        return int(word) if word.lstrip("-").isdigit() else number if math.isfinite(number) else word
    return _WORDS.get(word, word)


def _is_choice(value: object) -> bool:
    return isinstance(value, Mapping) and (
        set(value) == {ONE_OF}
        or any(isinstance(one, str) and (one == REST or _SHARE.fullmatch(one)) for one in value.values())
    )


def _choice(value: Mapping[str, Any]) -> list[tuple[Any, float]]:
    """Values of a choice with their shares; raises what is wrong with it."""
    if set(value) != {ONE_OF}:
        return [(typed(word), share) for word, share in shares_of(value).items()]
    values = value[ONE_OF]
    if not isinstance(values, list) or not values:
        what = "an empty list" if values == [] else kind_of(values)
        raise refuse(Finding((ONE_OF,), f"is {what}; a list of values is due, such as [10, 20]"))
    return [(one, 1 / len(values)) for one in values]


def _choices(
    body: Mapping[str, Any], path: KeyPath = ()
) -> Iterator[tuple[KeyPath, list[tuple[Any, float]]]]:
    for key, value in body.items():
        if _is_choice(value):
            yield (*path, key), _choice(value)
        elif isinstance(value, Mapping):
            yield from _choices(value, (*path, key))


def choices_of(body: Mapping[str, Any] | None) -> dict[KeyPath, list[tuple[Any, float]]]:
    """Give the choices of a body by their path: each value with its share, in the order written."""
    return dict(_choices(body or {}))


def bodies_of(body: Mapping[str, Any] | None) -> list[Any]:
    """Give every body a message may have, the last choice varying fastest; ``[None]`` without one."""
    if body is None:
        return [None]
    choices = choices_of(body)
    values = [[value for value, _ in choice] for choice in choices.values()]
    return [_filled(body, dict(zip(choices, chosen, strict=True))) for chosen in itertools.product(*values)]


def _filled(body: Mapping[str, Any], chosen: Mapping[KeyPath, Any], path: KeyPath = ()) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for key, value in body.items():
        inner = (*path, key)
        if inner in chosen:
            filled[key] = chosen[inner]
        else:
            filled[key] = _filled(value, chosen, inner) if isinstance(value, Mapping) else value
    return filled


def _read(value: object) -> object:
    """Check a body; it stays as it is written."""
    if not isinstance(value, Mapping):
        raise refuse(
            f"is {kind_of(value)}; a map of keys is due, such as {{kind: {{order: 80%, refund: rest}}}}"
        )
    if _is_choice(value):
        raise refuse("is a choice; a body is an object: a map of keys, whose values may be choices")
    found = list(_wrong(value))
    if found:
        raise refuse(*found)
    return value


def _wrong(body: Mapping[str, Any], path: KeyPath = ()) -> Iterator[Finding]:
    for key, value in body.items():
        if _is_choice(value):
            try:
                _choice(value)
            except PydanticCustomError as error:
                for found in findings_of(error):
                    yield Finding((*path, key, *found.path), found.message)
        elif isinstance(value, Mapping):
            yield from _wrong(value, (*path, key))


Body = Annotated[
    dict[str, Any], BeforeValidator(_read), WithJsonSchema({"type": "object", "minProperties": 1})
]

Shares = Annotated[
    dict[str, float],
    SHARE,
    BeforeValidator(shares_of),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}),
]
"""Words with their shares."""
