"""What all parts of a scenario have in common: frozen values; keys with meaning, unit, range and default."""

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo

from simulator.scenario import rules as dated_rules
from simulator.scenario.problems import refuse
from simulator.scenario.rules import Rules
from simulator.scenario.units import NAME, Unit


@dataclass(frozen=True)
class Context:
    """What the parts of a scenario are read against."""

    folder: Path
    rules: Rules
    duration: int | None = None


@dataclass(frozen=True)
class Setting:
    """What a key means and may be.

    ``rule`` names the entry of the rules with its range and default, ``what`` says what is written
    where the type does not tell.
    """

    meaning: str
    rule: str = ""
    low: str = ""
    high: str = ""
    default: object = None
    required: bool = False
    what: str = ""

    def range_words(self) -> str:
        """Say the range in words; "" where there is none."""
        if self.rule:
            rule = dated_rules.dated().rule(self.rule)
            return rule.range_words() if rule.unit else ""
        return f"allowed: {self.low} to {self.high}" if self.low else ""

    def default_words(self) -> object:
        """Give the default in a scenario's words; None where there is none."""
        return dated_rules.dated().rule(self.rule).text if self.rule else self.default

    def __call__(self, schema: dict[str, Any]) -> None:
        """Put range and default into a JSON Schema, in a scenario's words (pydantic calls this)."""
        schema.pop("default", None)
        if (default := self.default_words()) is not None:
            schema["default"] = default
        if span := self.range_words():
            schema["description"] = f"{self.meaning} ({span})"


def setting(rule: str, meaning: str) -> Any:
    """Declare a key whose range, default and AWS name stand in the rules."""
    return _field(Setting(meaning, rule=rule), None)


def option(
    meaning: str, *, default: object = None, low: str = "", high: str = "", alias: str = "", what: str = ""
) -> Any:
    """Declare a key of ours with its default and range, in a scenario's words.

    ``default`` is written as in a scenario and read as if it stood there; None stays None.
    """
    return _field(Setting(meaning, low=low, high=high, default=default, what=what), None, alias)


def required(meaning: str, *, low: str = "", high: str = "", alias: str = "", what: str = "") -> Any:
    """Declare a key that must be given."""
    return _field(Setting(meaning, low=low, high=high, required=True, what=what), ..., alias)


def _field(about: Setting, default: object, alias: str = "") -> Any:
    return Field(default, alias=alias or None, description=about.meaning, json_schema_extra=about)


def about(field: FieldInfo) -> Setting:
    """Give what is declared about a field."""
    declared: Any = field.json_schema_extra
    assert isinstance(declared, Setting)
    return declared


def unit_of(annotation: Any) -> Unit | None:
    """Find the unit of a field's type; None for parts, choices and truth values."""
    for part in getattr(annotation, "__metadata__", ()):
        if isinstance(part, Unit):
            return part
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) in (typing.Union, dict):
        for arm in reversed(typing.get_args(annotation)):
            if (unit := unit_of(arm)) and unit is not NAME:
                return unit
    return None


def field_unit(field: FieldInfo) -> Unit | None:
    """Find the unit of a field."""
    for part in field.metadata:
        if isinstance(part, Unit):
            return part
    return unit_of(field.annotation)


class Spec(BaseModel):
    """A part of a scenario: a frozen value; keys it does not know are errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=()
    )

    #: what may be written instead of a map, for messages and for the reference page
    shorthand: ClassVar[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any, info: ValidationInfo) -> Any:
        """Put defaults in, as text, so that they are read and checked as what a person writes."""
        data = cls.expand(data, info.context)
        if not isinstance(data, Mapping):
            return data
        filled = dict(data)
        for name, field in cls.model_fields.items():
            key = field.alias or name
            if key not in filled and (default := cls.default_of(field, info.context)) is not None:
                filled[key] = default
        return filled

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Turn a short form into the map it stands for."""
        return data

    @classmethod
    def default_of(cls, field: FieldInfo, context: Context | None) -> object:
        """Give the default of a field in a scenario's words."""
        declared = about(field)
        if declared.required:
            return None
        if declared.rule:
            rules = context.rules if context else dated_rules.dated()
            return rules.rule(declared.rule).text
        return declared.default

    @field_validator("*", mode="after")
    @classmethod
    def _in_range(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[str(info.field_name)]
        declared, unit = about(field), field_unit(field)
        if unit is None or not isinstance(value, int | float):
            return value
        rules = info.context.rules if info.context else dated_rules.dated()
        if declared.rule:
            rule = rules.rule(declared.rule)
            if rule.low is not None and not rule.low <= value <= rule.high:
                raise refuse(f"is {unit.write(value)}; {rule.range_words()}")
        elif declared.low and not unit.read(declared.low) <= value <= unit.read(declared.high):
            raise refuse(f"is {unit.write(value)}; allowed: {declared.low} to {declared.high}")
        return value

    @classmethod
    def item(cls) -> Any:
        """Give the type of an item where a list may be written instead of a map; None where it may not."""
        return None

    @classmethod
    def keys(cls) -> dict[str, Any]:
        """Give the type behind every key a person may write here."""
        return {field.alias or name: _whole_type(field) for name, field in cls.model_fields.items()}


def _whole_type(field: FieldInfo) -> Any:
    annotation: Any = field.annotation
    for part in field.metadata:
        annotation = typing.Annotated[annotation, part]
    return annotation


def inner(annotation: Any) -> tuple[str, Any]:
    """Say what is below a type: ("part", Spec class), ("names", type), ("items", type) or ("value", None)."""
    if hasattr(annotation, "__metadata__"):
        return inner(annotation.__origin__)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, types.UnionType) or origin is typing.Union:
        found = [inner(arm) for arm in arguments if arm is not type(None)]
        return found[0] if len(found) == 1 else ("value", None)
    if origin is dict:
        return "names", arguments[1]
    if origin is tuple:
        return "items", arguments[0]
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return "part", annotation
    return "value", None
