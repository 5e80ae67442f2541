"""How a quantity that varies is written: a constant, or one of a few shapes by numbers a person knows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import BeforeValidator, SkipValidation, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from simulator.scenario.files import FileProblem, read_inside, rows
from simulator.scenario.problems import Finding, findings_of, nearest_or_known, read_at, refuse, shown
from simulator.scenario.units import DURATION, NUMBER, SIZE, TEXT, Unit, kind_of

MAX_SAMPLE: Final = 1_000_000
_MOST: Final = Decimal(10) ** 12
_NORMAL_P99: Final = 2.3263478740408408


@dataclass(frozen=True)
class ConstantSpec:
    """Always ``value`` (in the unit of the setting: us or bytes)."""

    kind: ClassVar[str] = "constant"
    value: int


@dataclass(frozen=True)
class ExponentialSpec:
    """Exponential with this mean."""

    kind: ClassVar[str] = "exponential"
    mean: int


@dataclass(frozen=True)
class LognormalSpec:
    """Lognormal by its median and its 99th percentile."""

    kind: ClassVar[str] = "lognormal"
    median: int
    p99: int


@dataclass(frozen=True)
class GammaSpec:
    """Gamma by its mean and its shape (1 is exponential; larger varies less)."""

    kind: ClassVar[str] = "gamma"
    mean: int
    shape: float


@dataclass(frozen=True)
class UniformSpec:
    """Evenly between low and high."""

    kind: ClassVar[str] = "uniform"
    low: int
    high: int


@dataclass(frozen=True)
class EmpiricalSpec:
    """The values of a column of a CSV file, each as likely as the others."""

    kind: ClassVar[str] = "empirical"
    values: tuple[int, ...]
    file: str
    column: str
    unit: str


Distribution: TypeAlias = (
    ConstantSpec | ExponentialSpec | LognormalSpec | GammaSpec | UniformSpec | EmpiricalSpec
)
SHAPES: Final[dict[str, tuple[str, ...]]] = {
    "constant": (),
    "exponential": ("mean",),
    "lognormal": ("median", "p99"),
    "gamma": ("mean", "shape"),
    "uniform": ("low", "high"),
    "empirical": ("file", "column", "unit"),
}


def largest(spec: Distribution) -> int:
    """Give the largest number written for a distribution, in its unit."""
    match spec:
        case ConstantSpec(value):
            return value
        case ExponentialSpec(mean) | GammaSpec(mean, _):
            return mean
        case LognormalSpec(_, p99):
            return p99
        case UniformSpec(_, high):
            return high
        case EmpiricalSpec(values):
            return max(values)


def mean_of(spec: Distribution) -> float:
    """Give the mean of a distribution, in its unit."""
    match spec:
        case ConstantSpec(value):
            return value
        case ExponentialSpec(mean) | GammaSpec(mean, _):
            return mean
        case LognormalSpec(median, p99):
            sigma = math.log(p99 / median) / _NORMAL_P99
            return median * math.exp(sigma * sigma / 2)
        case UniformSpec(low, high):
            return (low + high) / 2
        case EmpiricalSpec(values):
            return sum(values) / len(values)


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
    if numbers["mean"] < 1:
        raise refuse(Finding((kind, "mean"), f"is {written('mean')}; it must be above 0"))
    if kind == "gamma":
        if not 0.01 <= numbers["shape"] <= 10_000:
            raise refuse(Finding((kind, "shape"), f"is {numbers['shape']:g}; allowed: 0.01 to 10000"))
        return GammaSpec(**numbers)
    return ExponentialSpec(**numbers)


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
    quantity = {"type": "string", "pattern": unit.pattern}
    shapes: list[dict[str, Any]] = [quantity]
    for kind, keys in SHAPES.items():
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
    return WithJsonSchema({"anyOf": shapes})


_Any = SkipValidation[Distribution]
TimeDistribution = Annotated[_Any, DURATION, _validator(DURATION), _schema(DURATION)]
SizeDistribution = Annotated[_Any, SIZE, _validator(SIZE), _schema(SIZE)]


def write(spec: Distribution, unit: Unit) -> object:
    """Write a distribution as a scenario has it."""
    if isinstance(spec, ConstantSpec):
        return unit.write(spec.value)
    if isinstance(spec, EmpiricalSpec):
        return {"empirical": {key: getattr(spec, key) for key in SHAPES["empirical"]}}
    numbers = {
        key: (NUMBER if key == "shape" else unit).write(getattr(spec, key)) for key in SHAPES[spec.kind]
    }
    return {spec.kind: numbers}
