"""From pydantic's errors to findings in a user's words, at the paths a user wrote."""

from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from simulator.scenario.problems import Finding, nearest_or_known, shown
from simulator.scenario.schema import Scenario
from simulator.scenario.spec import Spec, inner
from simulator.scenario.units import NAME_RULE, kind_of

_DUE = {
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "tuple_type": "a list",
    "list_type": "a list",
    "bool_type": "true or false",
    "string_type": "a text",
}


def findings_in(error: ValidationError, data: Any) -> list[Finding]:
    """Say what is wrong with *data*, which pydantic refused."""
    found: list[Finding] = []
    for detail in error.errors(include_url=False):
        found += _translated(detail, data)
    return found


def _translated(detail: ErrorDetails, data: Any) -> list[Finding]:
    loc = detail["loc"]
    kind = detail["type"]
    if loc and loc[-1] == "[key]":
        return [Finding(written_path(loc[:-1], data), f"is not a name; {NAME_RULE}")]
    if kind == "scenario":
        return [
            Finding(written_path((*loc, *found.path), data, keep=bool(found.path)), found.message)
            for found in detail["ctx"]["findings"]
        ]
    if kind == "missing":
        return [Finding(written_path(loc, data, keep=True), "is missing")]
    path = written_path(loc, data)
    value = detail["input"]
    if kind == "extra_forbidden":
        return [Finding(path, f"is not a known key; {nearest_or_known(str(loc[-1]), _known_keys(loc[:-1]))}")]
    if kind == "literal_error":
        words = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return [Finding(path, f"is {kind_of(value)}; allowed: {words}")]
    due = _DUE.get(kind)
    if due is None:
        return [Finding(path, f"is {kind_of(value)}; {shown(detail['msg'])}")]
    shorthand = _shorthand(loc)
    return [Finding(path, f"is {kind_of(value)}; {shorthand or due} is due")]


def written_path(loc: tuple[str | int, ...], data: Any, *, keep: bool = False) -> tuple[str | int, ...]:
    """Give the path as it was written: without the levels that a short form leaves out.

    With *keep*, the last key is part of the path even if it was not written (it is what is missing).
    """
    path: list[str | int] = []
    node = data
    for place, part in enumerate(loc):
        last = place == len(loc) - 1
        in_map = isinstance(node, dict) and part in node
        if in_map or (isinstance(node, list) and isinstance(part, int) and part < len(node)):
            node = node[part]
        elif last and (keep or isinstance(node, dict)) and not isinstance(part, int):
            path.append(part)
            break
        elif isinstance(node, dict | list):
            continue
        else:
            break
        path.append(part)
    return tuple(path)


def _schema_at(loc: tuple[str | int, ...]) -> Any:
    """Find the part of the schema at a location of pydantic's."""
    kind, type_ = "part", Scenario
    for part in loc:
        if kind == "part":
            fields = {field.alias or name: field for name, field in type_.model_fields.items()}
            if part not in fields:
                return None
            kind, type_ = inner(fields[str(part)].annotation)
        elif kind in ("names", "items"):
            kind, type_ = inner(type_)
        else:
            return None
    return type_ if kind == "part" else None


def _known_keys(loc: tuple[str | int, ...]) -> list[str]:
    spec = _schema_at(loc)
    return list(spec.keys()) if spec is not None and issubclass(spec, Spec) else []


def _shorthand(loc: tuple[str | int, ...]) -> str:
    spec = _schema_at(loc)
    return spec.shorthand if spec is not None else ""
