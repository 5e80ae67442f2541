"""Step Functions: the rules of a Choice, as values that are asked whether they hold.

Rules (Amazon States Language, "Choice State"): a comparison looks at one variable; a value of another type
than the operator's never compares. A variable that is not there fails the execution, except for IsPresent.
Timestamps are RFC 3339 texts and compare by instant.
"""

import datetime
import functools
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.aws.step_functions.expressions import Path, Query, states
from simulator.aws.step_functions.states import Condition, Data, DataError

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
_TYPES: Final = ("String", "Numeric", "Timestamp")
_TESTS: Final = ("IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp")

COMPARISONS: Final = frozenset(
    {f"{kind}{order}{path}" for kind in _TYPES for order in _ORDERS for path in ("", "Path")}
    | {"BooleanEquals", "BooleanEqualsPath", "StringMatches"}
    | set(_TESTS)
)
"""Every operator of the language."""


def _as(kind: str, value: Any) -> Any:
    """Give *value* as operators of this type compare it; None where it is of another type."""
    if kind == "String":
        return value if isinstance(value, str) else None
    if kind == "Numeric":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "Boolean":
        return value if isinstance(value, bool) else None
    return instant(value) if isinstance(value, str) else None


@functools.lru_cache(maxsize=4096)
def instant(text: str) -> datetime.datetime | None:
    """Read an RFC 3339 timestamp with its zone; None where it is none."""
    if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z", text):
        return None
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None


def due(name: str) -> str:
    """Say what an operator is compared with: ``a text``, ``a number``, ``true or false``, ``a path``..."""
    if name.endswith("Path"):
        return "a path"
    if name in _TESTS or name.startswith("Boolean"):
        return "true or false"
    kinds = {"Numeric": "a number", "String": "a text"}
    return next((word for kind, word in kinds.items() if name.startswith(kind)), "an RFC 3339 timestamp")


def fits(name: str, value: Any) -> bool:
    """Whether *value* is what operator *name* is compared with; paths are read elsewhere."""
    if name in _TESTS:
        return isinstance(value, bool)
    kind = next(kind for kind in (*_TYPES, "Boolean") if name.startswith(kind))
    return _as(kind, value) is not None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One variable compared by one operator with a value, or with what another path finds."""

    variable: Path
    operator: str
    value: Any

    def holds(self, data: Data, given: Any) -> bool:
        """Whether it holds. Raises `DataError` where the variable is not there."""
        found = self.variable.finds(data, given)
        if self.operator == "IsPresent":
            return bool(found) is self.value
        if not found:
            raise DataError("States.Runtime", f"the variable {self.variable.text} of a rule is not there")
        mine = found[0]
        if self.operator in _TESTS:
            return _is(self.operator, mine) is self.value
        other, name = self.value, self.operator
        if isinstance(other, Path):
            other, name = other.of(data, given), name.removesuffix("Path")
        if name == "StringMatches":
            return isinstance(mine, str) and _pattern(other).fullmatch(mine) is not None
        kind = next(kind for kind in (*_TYPES, "Boolean") if name.startswith(kind))
        left, right = _as(kind, mine), _as(kind, other)
        if left is None or right is None:
            return False
        return bool(_ORDERS[name.removeprefix(kind)](left, right))


def _is(test: str, value: Any) -> bool:
    if test == "IsNull":
        return value is None
    return _as(test.removeprefix("Is"), value) is not None


@functools.lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    r"""Read a pattern of StringMatches: ``*`` is any text, ``\*`` a star, ``\\`` a backslash."""
    parts = re.findall(r"\\[*\\]|.", text, re.DOTALL)
    return re.compile("".join(".*" if part == "*" else re.escape(part[-1]) for part in parts), re.DOTALL)


@dataclass(frozen=True, slots=True)
class AllOf:
    """And."""

    parts: tuple[Condition, ...]

    def holds(self, data: Data, given: Any) -> bool:
        """Whether every part holds, asked in order."""
        return all(part.holds(data, given) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Or."""

    parts: tuple[Condition, ...]

    def holds(self, data: Data, given: Any) -> bool:
        """Whether some part holds, asked in order."""
        return any(part.holds(data, given) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """Not."""

    part: Condition

    def holds(self, data: Data, given: Any) -> bool:
        """Whether its part does not hold."""
        return not self.part.holds(data, given)


@dataclass(frozen=True, slots=True)
class Asked:
    """Condition: a query that is true or false; ``bare`` ones see the input itself instead of ``$states``."""

    query: Query
    bare: bool = False

    def holds(self, data: Data, given: Any) -> bool:
        """Whether it is true. Raises `DataError` for anything but true and false."""
        answer = self.query.value(given if self.bare else None, states(data, given))
        if not isinstance(answer, bool):
            raise DataError("States.QueryEvaluationError", f"{self.query.text} is neither true nor false")
        return answer
