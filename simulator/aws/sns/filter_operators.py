"""The operators of filter policies and event patterns: what one condition says of one value.

Rules: the SNS guide, "String value matching" and "Numeric value matching"; the EventBridge guide, "Content
filtering"; the public engine aws/event-ruler (conformance FLT). Types count: the text "100" is not the
number 100, and 1, 1.0 and 1e0 are one number.
"""

import ipaddress
import json
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

Leaf = str | bool | Decimal | None
"""A value of a message: text, truth, number or null."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

STRING_OPERATORS: Final = ("prefix", "suffix", "equals-ignore-case", "wildcard")
OPERATORS: Final = (*STRING_OPERATORS, "anything-but", "numeric", "exists", "cidr")
LOWER: Final = (">", ">=")
UPPER: Final = ("<", "<=")
DECIMALS: Final = 5
"""Decimal places to which SNS tells two numbers apart (SNS guide, filter policy constraints)."""

_COMPARISONS: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_BLOCK: Final = re.compile(r"[0-9a-fA-F:.]+/\d{1,3}", re.ASCII)


class Condition:
    """One entry of a key's list: *holds* for a value or not; ``missing`` holds where there is none."""

    __slots__ = ("holds", "missing", "text")

    def __init__(self, text: str, holds: Callable[[Leaf], bool], *, missing: bool = False) -> None:
        self.text = text
        self.holds = holds
        self.missing = missing


def number_of(text: str) -> Decimal | None:
    """Give the number that *text* writes, exactly; None if it writes none."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what a Decimal holds
        tiny = "e-" in text.lower()
        return Decimal(0) if tiny else Decimal("-Infinity" if text.startswith("-") else "Infinity")


def leaf(value: Any) -> Leaf:
    """Give a plain JSON value as a leaf; raise ValueError for what is none (maps, lists, not a number)."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(value))
    if isinstance(value, Decimal) and not value.is_nan():
        return value
    raise ValueError(f"{type(value).__name__} is no JSON value")


def is_number(value: Any) -> bool:
    """Whether a plain JSON value is a number."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def written(value: Any) -> str:
    """Write a JSON value for people, on one line and not too long."""
    if isinstance(value, Decimal):
        text = str(value)
    else:
        try:
            text = json.dumps(value, ensure_ascii=True, default=_plain)
        except (ValueError, TypeError, RecursionError):
            text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain(value: Any) -> Any:
    """Give a number as JSON writes it, where that is short; anything else as text."""
    if isinstance(value, Decimal) and abs(value) < 10**15 and value == round(value, 9):
        return int(value) if value == int(value) else float(value)
    return str(value)


def condition(entry: Any, decimals: int | None = DECIMALS) -> Condition:
    """Read an entry of a key's list; what is not of the language holds for nothing.

    Parameters
    ----------
    entry : JSON value
        A value to be equal to, or a map of one operator to its operand.
    decimals : int, optional
        Places after the point to which listed numbers are compared; None: exactly.
    """
    text = written(entry)
    if isinstance(entry, Mapping):
        holds = None
        if len(entry) == 1:
            [(name, operand)] = entry.items()
            if name == "exists" and isinstance(operand, bool):
                return Condition(text, (lambda _: True) if operand else _never, missing=not operand)
            holds = _operator(name, operand, decimals)
        return Condition(text, holds or _never)
    try:
        return Condition(text, _equal(leaf(entry), decimals))
    except ValueError:
        return Condition(text, _never)


def _never(_: Leaf) -> bool:
    return False


def _equal(wanted: Leaf, decimals: int | None) -> Callable[[Leaf], bool]:
    if isinstance(wanted, Decimal):
        rounded = _rounded(wanted, decimals)
        return lambda value: isinstance(value, Decimal) and _rounded(value, decimals) == rounded
    kind = type(wanted)
    return lambda value: type(value) is kind and value == wanted


def _rounded(value: Decimal, decimals: int | None) -> Decimal:
    if decimals is None or not -(10**15) < value < 10**15:
        return value
    return value.quantize(Decimal(1).scaleb(-decimals))


def _operator(name: Any, operand: Any, decimals: int | None) -> Callable[[Leaf], bool] | None:
    if name in STRING_OPERATORS:
        return _of_text(name, operand)
    if name == "numeric":
        return _numeric(operand)
    if name == "cidr":
        return _cidr(operand)
    return _anything_but(operand, decimals) if name == "anything-but" else None


def _of_text(name: str, operand: Any) -> Callable[[Leaf], bool] | None:
    """A string operator; prefix and suffix also take ``{"equals-ignore-case": text}``."""
    if name in ("prefix", "suffix") and isinstance(operand, Mapping) and len(operand) == 1:
        folded = operand.get("equals-ignore-case")
        if not isinstance(folded, str):
            return None
        end = folded.casefold()
        if name == "prefix":
            return lambda value: isinstance(value, str) and value.casefold().startswith(end)
        return lambda value: isinstance(value, str) and value.casefold().endswith(end)
    if not isinstance(operand, str):
        return None
    if name == "prefix":
        return lambda value: isinstance(value, str) and value.startswith(operand)
    if name == "suffix":
        return lambda value: isinstance(value, str) and value.endswith(operand)
    if name == "equals-ignore-case":
        whole = operand.casefold()
        return lambda value: isinstance(value, str) and value.casefold() == whole
    parts = wildcard_parts(operand)
    return lambda value: isinstance(value, str) and fits(parts, value)


def wildcard_parts(pattern: str) -> list[str]:
    r"""Split a wildcard pattern at its stars; ``\*`` and ``\\`` are a star and a backslash."""
    parts, part, letters = [], "", iter(pattern)
    for letter in letters:
        if letter == "*":
            parts.append(part)
            part = ""
        elif letter == "\\":
            following = next(letters, "")
            part += following if following in ("*", "\\") and following else letter + following
        else:
            part += letter
    return [*parts, part]


def fits(parts: Sequence[str], text: str) -> bool:
    """Whether *text* is the parts in order with anything between them.

    Each part is looked for once, from left to right: the first place is always as good as a later one.
    """
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _numeric(operand: Any) -> Callable[[Leaf], bool] | None:
    if not isinstance(operand, list | tuple) or not operand or len(operand) % 2:
        return None
    tests: list[tuple[Callable[[Decimal, Decimal], bool], Decimal]] = []
    for name, bound in zip(operand[::2], operand[1::2], strict=True):
        compare = _COMPARISONS.get(name) if isinstance(name, str) else None
        if compare is None or not is_number(bound):
            return None
        try:
            tests.append((compare, Decimal(leaf(bound) or 0)))
        except ValueError:
            return None
    return lambda value: isinstance(value, Decimal) and all(test(value, bound) for test, bound in tests)


def block_of(text: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Give the block of addresses that *text* writes as address/length; None if it writes none."""
    if not isinstance(text, str) or not _BLOCK.fullmatch(text):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _cidr(operand: Any) -> Callable[[Leaf], bool] | None:
    block = block_of(operand)
    if block is None:
        return None

    def holds(value: Leaf) -> bool:
        if not isinstance(value, str) or "%" in value:
            return False
        try:
            address: Address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return address.version == block.version and address in block

    return holds


def _anything_but(operand: Any, decimals: int | None) -> Callable[[Leaf], bool] | None:
    """Any value that is there, of whatever type, and that none of the listed operands holds for."""
    if isinstance(operand, Mapping):
        if len(operand) != 1:
            return None
        [(name, texts)] = operand.items()
        if name not in STRING_OPERATORS:
            return None
        found = [_of_text(name, text) for text in (texts if isinstance(texts, list | tuple) else [texts])]
    else:
        found = []
        for entry in operand if isinstance(operand, list | tuple) else [operand]:
            try:
                found.append(_equal(leaf(entry), decimals))
            except ValueError:
                return None
    refused = [holds for holds in found if holds is not None]
    return None if len(refused) < len(found) else lambda value: not any(holds(value) for holds in refused)
