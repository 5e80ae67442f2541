"""How a quantity that varies is written: a constant, or one of a few shapes by numbers a person knows."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, SkipValidation, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from simulator.scenario.files import FileProblem, read_inside, rows
from simulator.scenario.problems import Finding, findings_of, nearest_or_known, read_at, refuse, shown
from simulator.scenario.shapes import (
    ByAttribute,
    ConstantSpec,
    Distribution,
    EmpiricalSpec,
    ExponentialSpec,
    GammaSpec,
    LognormalSpec,
    MixSpec,
    ParetoSpec,
    Simple,
    UniformSpec,
    WeibullSpec,
    largest,
    mean_of,
)
from simulator.scenario.units import DURATION, NAME, NUMBER, SHARE, SIZE, TEXT, Unit, kind_of

__all__ = [
    "BY",
    "MAX_SAMPLE",
    "SHAPES",
    "ByAttribute",
    "ConstantSpec",
    "Distribution",
    "EmpiricalSpec",
    "ExponentialSpec",
    "GammaSpec",
    "LognormalSpec",
    "MessageDistribution",
    "MixSpec",
    "ParetoSpec",
    "Simple",
    "SizeDistribution",
    "TimeDistribution",
    "UniformSpec",
    "WeibullSpec",
    "largest",
    "mean_of",
    "parse",
    "write",
]

MAX_SAMPLE: Final = 1_000_000
_MOST: Final = Decimal(10) ** 12


SHAPES: Final[dict[str, tuple[str, ...]]] = {
    "constant": (),
    "exponential": ("mean",),
    "lognormal": ("median", "p99"),
    "gamma": ("mean", "shape"),
    "weibull": ("mean", "shape"),
    "pareto": ("low", "high", "shape"),
    "uniform": ("low", "high"),
    "empirical": ("file", "column", "unit"),
    "mix": (),
}
BY: Final = "by"
_BY_KEYS: Final = ("attribute", "values", "rest")
_RESTING: Final = -1.0
_MIX: Final = ("share", "of")
_MOST_PARTS: Final = 20
_SHAPE_RANGES: Final = {"gamma": (0.01, 10_000), "weibull": (0.1, 100), "pareto": (0.05, 20)}


def parse(value: object, unit: Unit, folder: Path | None = None) -> Distribution:
    """Read a distribution of quantities in *unit*; empirical files are looked for below *folder*."""
    if not isinstance(value, Mapping):
        if isinstance(value, list):
            raise refuse(f"is a list; {unit.name} or a distribution ({', '.join(SHAPES)}) is due")
        return ConstantSpec(unit.parse(value))
    if len(value) != 1:
        raise refuse(f"has {len(value)} keys; give one distribution: {', '.join(SHAPES)}")
    kind, given = next(iter(value.items()))
    if kind not in SHAPES:
        raise refuse(Finding((kind,), f"is not a known distribution; {nearest_or_known(kind, SHAPES)}"))
    if kind == "constant":
        if isinstance(given, Mapping):
            raise refuse(Finding((kind,), f"is a map; {unit.name} is due"))
        return parse(given, unit)
    if kind == "mix":
        return _mix(given, unit, folder)
    if not isinstance(given, Mapping):
        raise refuse(Finding((kind,), f"is {kind_of(given)}; a map with {' and '.join(SHAPES[kind])} is due"))
    _check_keys(kind, given)
    if kind == "empirical":
        return _empirical(given, unit, folder)
    return _shaped(kind, _numbers(kind, given, unit), unit)


def _check_keys(kind: str, given: Mapping[str, object]) -> None:
    due = SHAPES[kind]
    found = [
        Finding((kind, key), f"is not a known key; {nearest_or_known(key, due)}")
        for key in given
        if key not in due
    ]
    found += [Finding((kind, key), "is missing") for key in due if key not in given]
    if found:
        raise refuse(*found)


def _numbers(kind: str, given: Mapping[str, object], unit: Unit) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    found: list[Finding] = []
    for key in SHAPES[kind]:
        try:
            numbers[key] = (NUMBER if key == "shape" else unit).parse(given[key])
        except PydanticCustomError as error:
            found += [Finding((kind, key), finding.message) for finding in findings_of(error)]
    if found:
        raise refuse(*found)
    return numbers


def _shaped(kind: str, numbers: dict[str, Any], unit: Unit) -> Distribution:
    def written(key: str) -> str:
        return str(unit.write(numbers[key]))

    if kind == "lognormal":
        if numbers["median"] < 1:
            raise refuse(Finding((kind, "median"), f"is {written('median')}; it must be above 0"))
        if numbers["p99"] < numbers["median"]:
            raise refuse(Finding((kind, "p99"), f"is {written('p99')}, below the median {written('median')}"))
        return LognormalSpec(**numbers)
    if kind == "uniform":
        if numbers["high"] < numbers["low"]:
            raise refuse(Finding((kind, "high"), f"is {written('high')}, below the low end {written('low')}"))
        return UniformSpec(**numbers)
    if kind in _SHAPE_RANGES:
        least, most = _SHAPE_RANGES[kind]
        if not least <= numbers["shape"] <= most:
            raise refuse(Finding((kind, "shape"), f"is {numbers['shape']:g}; allowed: {least:g} to {most}"))
    if kind == "pareto":
        if numbers["low"] < 1:
            raise refuse(Finding((kind, "low"), f"is {written('low')}; it must be above 0"))
        if numbers["high"] <= numbers["low"]:
            low = f"it must be above the low end {written('low')}"
            raise refuse(Finding((kind, "high"), f"is {written('high')}; {low}"))
        return ParetoSpec(**numbers)
    if numbers["mean"] < 1:
        raise refuse(Finding((kind, "mean"), f"is {written('mean')}; it must be above 0"))
    if kind == "gamma":
        return GammaSpec(**numbers)
    return WeibullSpec(**numbers) if kind == "weibull" else ExponentialSpec(**numbers)


def _mix(given: object, unit: Unit, folder: Path | None) -> MixSpec:
    """Read a list of shares, one of them maybe the rest, each with its distribution."""
    if not isinstance(given, list) or not 2 <= len(given) <= _MOST_PARTS:
        what = f"has {len(given)} parts" if isinstance(given, list) else f"is {kind_of(given)}"
        example = "[{share: 95%, of: 80ms}, {share: rest, of: 2s}]"
        raise refuse(Finding(("mix",), f"{what}; 2 to {_MOST_PARTS} parts are due, such as {example}"))
    shares: list[float] = []
    parts: list[Simple] = []
    for place, item in enumerate(given):
        share, part = _mix_part(("mix", place), item, unit, folder)
        shares.append(share)
        parts.append(part)
    resting = [place for place, share in enumerate(shares) if share == _RESTING]
    if len(resting) > 1:
        raise refuse(Finding(("mix", resting[1], "share"), "is rest; only one part can be"))
    total = sum(Decimal(repr(share)) for share in shares if share != _RESTING)
    if total > 1 or (total < 1 and not resting):
        message = f"adds up to {SHARE.write(float(total))}; shares add up to 100% (one may be rest)"
        raise refuse(Finding(("mix",), message))
    for place in resting:
        shares[place] = float(1 - total)
    return MixSpec(tuple(zip(shares, parts, strict=True)))


def _mix_part(
    path: tuple[str | int, ...], item: object, unit: Unit, folder: Path | None
) -> tuple[float, Simple]:
    if not isinstance(item, Mapping):
        raise refuse(Finding(path, f"is {kind_of(item)}; a map with share and of is due"))
    found = [
        Finding((*path, key), f"is not a known key; {nearest_or_known(key, _MIX)}")
        for key in item
        if key not in _MIX
    ]
    found += [Finding((*path, key), "is missing") for key in _MIX if key not in item]
    if found:
        raise refuse(*found)
    share = item["share"]
    number = _RESTING if share == "rest" else read_at((*path, "share"), SHARE.parse, share)
    part = read_at((*path, "of"), lambda value: parse(value, unit, folder), item["of"])
    if isinstance(part, MixSpec):
        raise refuse(Finding((*path, "of"), "is a mix; a part of a mix is none"))
    return number, part


def _empirical(given: Mapping[str, object], unit: Unit, folder: Path | None) -> EmpiricalSpec:
    texts = {key: read_at(("empirical", key), TEXT.parse, given[key]) for key in SHAPES["empirical"]}
    if not texts["unit"].isalpha():
        raise refuse(
            Finding(("empirical", "unit"), f"is {shown(texts['unit'])}; a unit is due, such as ms or KiB")
        )
    one = read_at(("empirical", "unit"), unit.parse, f"1{texts['unit']}")
    try:
        text = read_inside(folder, texts["file"])
        values = [_value(cells[0], line, one) for line, cells in rows(text, [("column", texts["column"])])]
        if not 1 <= len(values) <= MAX_SAMPLE:
            raise FileProblem("file", f"has {len(values):,} values; 1 to {MAX_SAMPLE:,} are due")
    except FileProblem as problem:
        raise refuse(Finding(("empirical", problem.about), problem.message)) from None
    return EmpiricalSpec(tuple(values), **texts)


def _value(text: str, line: int, one: int) -> int:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or not 0 <= number < _MOST:
        raise FileProblem("file", f"has {shown(text)} on its line {line}; numbers from 0 are due")
    return int((number * one).to_integral_value())


def _validator(unit: Unit) -> BeforeValidator:
    def read(value: object, info: ValidationInfo) -> Distribution:
        return parse(value, unit, info.context.folder if info.context else None)

    return BeforeValidator(read)


def _schema(unit: Unit) -> WithJsonSchema:
    shapes = _simple_schemas(unit)
    share = {"anyOf": [{"const": "rest"}, {"type": "string", "pattern": SHARE.pattern}]}
    part = {
        "type": "object",
        "properties": {"share": share, "of": {"anyOf": shapes}},
        "required": list(_MIX),
        "additionalProperties": False,
    }
    mix = {
        "type": "object",
        "properties": {"mix": {"type": "array", "items": part, "minItems": 2, "maxItems": _MOST_PARTS}},
        "required": ["mix"],
        "additionalProperties": False,
    }
    return WithJsonSchema({"anyOf": [*shapes, mix]})


def _simple_schemas(unit: Unit) -> list[dict[str, Any]]:
    quantity = {"type": "string", "pattern": unit.pattern}
    shapes: list[dict[str, Any]] = [quantity]
    for kind, keys in SHAPES.items():
        if kind == "mix":
            continue
        inside: dict[str, Any] = quantity
        if keys:
            own = {key: {"type": "number"} if key == "shape" else quantity for key in keys}
            inside = {
                "type": "object",
                "properties": {key: {"type": "string"} for key in keys} if kind == "empirical" else own,
                "required": list(keys),
                "additionalProperties": False,
            }
        shapes.append(
            {
                "type": "object",
                "properties": {kind: inside},
                "required": [kind],
                "additionalProperties": False,
            }
        )
    return shapes


_Any = SkipValidation[Distribution]
TimeDistribution = Annotated[_Any, DURATION, _validator(DURATION), _schema(DURATION)]
SizeDistribution = Annotated[_Any, SIZE, _validator(SIZE), _schema(SIZE)]


def _read_by_message(value: object, info: ValidationInfo) -> Distribution | ByAttribute:
    folder = info.context.folder if info.context else None
    if not isinstance(value, Mapping) or BY not in value:
        return parse(value, DURATION, folder)
    if len(value) != 1:
        raise refuse(f"has {len(value)} keys; beside `by` there is none")
    given = value[BY]
    if not isinstance(given, Mapping):
        raise refuse(Finding((BY,), f"is {kind_of(given)}; a map with {', '.join(_BY_KEYS)} is due"))
    found = [
        Finding((BY, key), f"is not a known key; {nearest_or_known(key, _BY_KEYS)}")
        for key in given
        if key not in _BY_KEYS
    ]
    found += [Finding((BY, key), "is missing") for key in _BY_KEYS if key not in given]
    if found:
        raise refuse(*found)
    values = given["values"]
    if not isinstance(values, Mapping) or not values:
        raise refuse(Finding((BY, "values"), "is empty; values with their durations are due"))

    def read(text: object) -> Distribution:
        return parse(text, DURATION, folder)

    return ByAttribute(
        read_at((BY, "attribute"), NAME.parse, given["attribute"]),
        {str(key): read_at((BY, "values", key), read, part) for key, part in values.items()},
        read_at((BY, "rest"), read, given["rest"]),
    )


def _by_message_schema() -> WithJsonSchema:
    shapes = _schema(DURATION).json_schema or {}
    by = {
        "type": "object",
        "properties": {
            "attribute": {"type": "string"},
            "values": {"type": "object", "additionalProperties": shapes, "minProperties": 1},
            "rest": shapes,
        },
        "required": list(_BY_KEYS),
        "additionalProperties": False,
    }
    whole = {"type": "object", "properties": {BY: by}, "required": [BY], "additionalProperties": False}
    return WithJsonSchema({"anyOf": [*shapes["anyOf"], whole]})


MessageDistribution = Annotated[
    SkipValidation[Distribution | ByAttribute],
    DURATION,
    BeforeValidator(_read_by_message),
    _by_message_schema(),
]
"""Durations that may depend on a message's attribute."""


def write(spec: Distribution | ByAttribute, unit: Unit) -> object:
    """Write a distribution as a scenario has it."""
    if isinstance(spec, ByAttribute):
        values = {value: write(part, unit) for value, part in spec.values.items()}
        return {BY: {"attribute": spec.attribute, "values": values, "rest": write(spec.rest, unit)}}
    if isinstance(spec, ConstantSpec):
        return unit.write(spec.value)
    if isinstance(spec, EmpiricalSpec):
        return {"empirical": {key: getattr(spec, key) for key in SHAPES["empirical"]}}
    if isinstance(spec, MixSpec):
        return {"mix": [{"share": SHARE.write(share), "of": write(part, unit)} for share, part in spec.parts]}
    numbers = {
        key: (NUMBER if key == "shape" else unit).write(getattr(spec, key)) for key in SHAPES[spec.kind]
    }
    return {spec.kind: numbers}
