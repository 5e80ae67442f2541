"""Quantities as people write them (``250ms``, ``120/s``, ``64KiB``, ``0.1%``), and as the simulator does.

Durations become whole microseconds, sizes whole bytes, rates floats per second, shares floats in
0 to 1. A bare number where a unit is due is refused with what to write instead.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

from simulator.scenario.problems import refuse, shown

_NUMBER = r"\d{1,18}(?:\.\d{1,40})?"
_MICROSECONDS: Final = {
    "d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1,
}  # fmt: skip
_BYTES: Final = {
    "B": 1,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "KB": 1024,
    "MB": 1024**2,
    "GB": 1024**3,
}
_THOUSANDS: Final = {"": 1, "k": 1_000, "M": 1_000_000}
_PER_SECOND: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION_PART: Final = re.compile(rf"({_NUMBER})(us|ms|s|m|h|d)")
_DURATION: Final = re.compile(rf"(?:{_DURATION_PART.pattern})+")
_SIZE: Final = re.compile(rf"({_NUMBER})({'|'.join(_BYTES)})")
_RATE: Final = re.compile(rf"({_NUMBER})(k|M|)/(s|m|h|d)")
_SHARE: Final = re.compile(rf"({_NUMBER})%")
_COUNT: Final = re.compile(rf"({_NUMBER})(k|M|)")
_MONEY: Final = re.compile(rf"({_NUMBER})(k|M|)(?:USD)?")
_BARE: Final = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?\d+)?")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
NAME_RULE: Final = "names have 1 to 80 letters, digits, _ or -"


class _Wrong(Exception):
    """What is wrong with a quantity, as the end of the sentence "path is text; ..."."""


@dataclass(frozen=True)
class Unit:
    """A kind of quantity: how it is read, how it is written, how it is spoken of."""

    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], str | int | float]
    pattern: str | None = None

    def parse(self, value: object) -> Any:
        """Read a value of a scenario; raise what is wrong with it in words."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise refuse(f"is {kind_of(value)}; {self.name} is due")
        text = str(value)
        try:
            return self.read(text)
        except _Wrong as wrong:
            raise refuse(f"is {shown(text)}{wrong}") from None


def kind_of(value: object) -> str:
    """Name what a value is, for "is a map; a duration is due"."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    return shown(str(value))


def _without_unit(text: str, example: str, units: str) -> _Wrong:
    if _BARE.fullmatch(text):
        if text.startswith("-"):
            return _Wrong("; it must not be negative")
        return _Wrong(f", which has no unit; write {text.lstrip('+')}{example} (units: {units})")
    return _Wrong(f", which is not understood; write for example 30{example} (units: {units})")


def _whole(number: Fraction, grain: str) -> int:
    if number.denominator != 1:
        raise _Wrong(f", which is finer than {grain}")
    return int(number)


def _read_duration(text: str) -> int:
    if not _DURATION.fullmatch(text):
        if text.startswith("-") and _DURATION.fullmatch(text[1:]):
            raise _Wrong("; it must not be negative")
        raise _without_unit(text, "s", "us, ms, s, m, h, d")
    parts = [(Fraction(number), _MICROSECONDS[unit]) for number, unit in _DURATION_PART.findall(text)]
    if any(later[1] >= earlier[1] for earlier, later in pairwise(parts)):
        raise _Wrong("; larger units come first, each once, as in 1h30m")
    return _whole(sum((number * unit for number, unit in parts), Fraction(0)), "a microsecond")


def _read_size(text: str) -> int:
    if not (found := _SIZE.fullmatch(text)):
        raise _without_unit(text, "KiB", "B, KiB, MiB, GiB")
    return _whole(Fraction(found[1]) * _BYTES[found[2]], "a byte")


def _read_rate(text: str) -> float:
    if not (found := _RATE.fullmatch(text)):
        raise _without_unit(text, "/s", "/s, /m, /h, /d")
    return float(Fraction(found[1]) * _THOUSANDS[found[2]] / _PER_SECOND[found[3]])


def _read_share(text: str) -> float:
    if not (found := _SHARE.fullmatch(text)):
        raise _without_unit(text, "%", "%")
    return float(Fraction(found[1]) / 100)


def _read_count(text: str) -> int:
    if not (found := _COUNT.fullmatch(text)):
        if text.startswith("-"):
            raise _Wrong("; it must not be negative")
        raise _Wrong("; a whole number is due, such as 10, 10k or 1M")
    return _whole(Fraction(found[1]) * _THOUSANDS[found[2]], "a whole number")


def _read_seed(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,19}", text):
        raise _Wrong("; a whole number is due")
    return int(text)


def _read_number(text: str) -> float:
    if not (found := _COUNT.fullmatch(text)):
        if text.startswith("-"):
            raise _Wrong("; it must not be negative")
        raise _Wrong("; a plain number is due, such as 2, 0.5 or 10k")
    return float(Fraction(found[1]) * _THOUSANDS[found[2]])


def _read_money(text: str) -> float:
    if not (found := _MONEY.fullmatch(text)):
        if text.startswith("-"):
            raise _Wrong("; it must not be negative")
        raise _Wrong("; US dollars are due, such as 300USD, 0.5USD or 300")
    return float(Fraction(found[1]) * _THOUSANDS[found[2]])


def write_money(usd: float) -> str:
    """Write US dollars."""
    return f"{_plain(Decimal(repr(float(usd))))}USD"


def read_name(text: str) -> str:
    """Check a name of the user's."""
    if not _NAME.fullmatch(text):
        raise _Wrong(f"; {NAME_RULE}")
    return text


def _read_text(text: str) -> str:
    if not text.strip() or len(text) > 2_000:
        raise _Wrong("; a text of 1 to 2,000 characters is due")
    return text


def write_duration(us: int) -> str:
    """Write a duration [us]: whole in the largest unit that fits (``36h``), else ``1.5s``, ``2.5ms``."""
    for unit in ("d", "h", "m", "s"):
        if us and us % _MICROSECONDS[unit] == 0:
            return f"{us // _MICROSECONDS[unit]}{unit}"
    for unit in ("s", "ms"):
        if us >= _MICROSECONDS[unit]:
            return f"{_plain(Decimal(us) / _MICROSECONDS[unit])}{unit}"
    return f"{us}us" if us else "0s"


def write_size(size: int) -> str:
    """Write a size [bytes] in its largest exact unit."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def write_rate(per_s: float) -> str:
    """Write a rate [1/s]."""
    return f"{_plain(Decimal(repr(float(per_s))))}/s"


def write_share(share: float) -> str:
    """Write a share in percent, exactly."""
    return f"{_plain(Decimal(repr(float(share))) * 100)}%"


def write_number(number: float) -> int | float:
    """Write a plain number without a needless ``.0``."""
    return int(number) if float(number).is_integer() else float(number)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


DURATION: Final = Unit("a duration", _read_duration, write_duration, f"^({_NUMBER}(us|ms|s|m|h|d))+$")
SIZE: Final = Unit("a size", _read_size, write_size, f"^{_SIZE.pattern}$")
RATE: Final = Unit("a rate", _read_rate, write_rate, f"^{_RATE.pattern}$")
SHARE: Final = Unit("a share", _read_share, write_share, f"^{_SHARE.pattern}$")
COUNT: Final = Unit("a whole number", _read_count, int)
SEED: Final = Unit("a whole number", _read_seed, int)
NUMBER: Final = Unit("a number", _read_number, write_number)
MONEY: Final = Unit("an amount of money", _read_money, write_money)
NAME: Final = Unit("a name", read_name, str, f"^{_NAME.pattern}$")
TEXT: Final = Unit("a text", _read_text, str)


def _schema(unit: Unit) -> WithJsonSchema:
    if unit.pattern:
        return WithJsonSchema({"type": "string", "pattern": unit.pattern})
    if unit is TEXT:
        return WithJsonSchema({"type": "string"})
    if unit is SEED:
        return WithJsonSchema({"type": "integer"})
    number = "integer" if unit is COUNT else "number"
    return WithJsonSchema({"type": [number, "string"], "pattern": f"^{_COUNT.pattern}$"})


Duration = Annotated[int, DURATION, BeforeValidator(DURATION.parse), _schema(DURATION)]
Size = Annotated[int, SIZE, BeforeValidator(SIZE.parse), _schema(SIZE)]
Rate = Annotated[float, RATE, BeforeValidator(RATE.parse), _schema(RATE)]
Share = Annotated[float, SHARE, BeforeValidator(SHARE.parse), _schema(SHARE)]
Count = Annotated[int, COUNT, BeforeValidator(COUNT.parse), _schema(COUNT)]
Seed = Annotated[int, SEED, BeforeValidator(SEED.parse), _schema(SEED)]
Number = Annotated[float, NUMBER, BeforeValidator(NUMBER.parse), _schema(NUMBER)]
Name = Annotated[str, NAME, BeforeValidator(NAME.parse), _schema(NAME)]
Text = Annotated[str, TEXT, BeforeValidator(TEXT.parse), _schema(TEXT)]
