"""A scenario in its own words again."""

from collections.abc import Mapping
from typing import Any

from simulator.scenario.distributions import ByAttribute, Distribution, write
from simulator.scenario.producers import Arrivals, Group
from simulator.scenario.spec import Spec, field_unit
from simulator.scenario.thresholds import Threshold
from simulator.scenario.units import Unit, write_share


def words(spec: Spec) -> dict[str, Any]:
    """Give a part of a scenario as it is written with every default in place; what is None is left out."""
    written: dict[str, Any] = {}
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        if value is not None:
            written[field.alias or name] = _word(value, field_unit(field))
    return written


def _word(value: Any, unit: Unit | None) -> Any:
    if isinstance(value, Arrivals):
        whole = words(value)
        return whole.get("phases", whole)
    if isinstance(value, Group):
        return words(value) | {"popularity": _popularity(value.popularity)}
    if isinstance(value, Spec):
        return words(value)
    if isinstance(value, Distribution | ByAttribute):
        assert unit is not None
        return write(value, unit)
    if isinstance(value, Threshold):
        return value.text
    if isinstance(value, Mapping):
        return {key: _word(part, unit) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_word(part, unit) for part in value]
    if isinstance(value, str | bool) or unit is None:
        return value
    return unit.write(value)


def _popularity(popularity: Any) -> Any:
    if isinstance(popularity, Mapping) and "first" in popularity:
        return {"first": [write_share(share) for share in popularity["first"]]}
    return popularity
