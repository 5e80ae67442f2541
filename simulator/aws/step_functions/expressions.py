"""Step Functions: paths (JSONPath) and queries (JSONata) over the data of an execution.

Rules (Amazon States Language; Step Functions guide, "Processing input and output", "Transforming data with
JSONata"): a path begins with ``$`` for the input, ``$name`` for a variable, ``$$`` for the context object; a
query stands between ``{%`` and ``%}`` and sees ``$states.input``, ``$states.result``, ``$states.errorOutput``
and variables. Both languages are read by libraries. What would make two runs of one seed differ, or what only
AWS has, is refused by name.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.aws.step_functions.states import Data, DataError, Item

INTRINSIC: Final = re.compile(r"States\.\w+\s*\(")
_VARIABLE: Final = re.compile(r"\$([A-Za-z_]\w*)")
_CALL: Final = re.compile(r"\$([A-Za-z_]\w*)\s*\(")
_TEXT: Final = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_QUERY: Final = re.compile(r"\{%(.*)%\}", re.DOTALL)
_CONTEXT: Final = ("$$.Map.Item.Value", "$$.Map.Item.Index")
_NOT_HERE: Final = frozenset(
    {"partition", "range", "hash", "random", "uuid", "parse", "now", "millis", "shuffle", "eval"}
)
"""Functions that only Step Functions has, or whose answer is not the same twice."""


class ExpressionProblem(Exception):
    """An expression that cannot be evaluated here; the message ends the sentence "path is text; ..."."""


@functools.lru_cache(maxsize=4096)
def _path(text: str) -> Any:
    import jsonpath

    return jsonpath.compile(text)


@functools.lru_cache(maxsize=4096)
def _query(text: str) -> Any:
    from jsonata import Jsonata

    return Jsonata(text)


@dataclass(frozen=True, slots=True)
class Path:
    """A JSONPath over the input, a variable, or the item of a Map.

    Raises `ExpressionProblem` where *text* is none.
    """

    text: str

    def __post_init__(self) -> None:
        if not self.text.startswith("$"):
            raise ExpressionProblem("a path begins with $")
        if self.text.startswith("$$"):
            if not self.text.startswith(_CONTEXT):
                raise ExpressionProblem(f"of the context object only {' and '.join(_CONTEXT)} are known here")
            return
        _checked(self._inside()[1])

    def _inside(self) -> tuple[str | None, str]:
        """Give the variable's name, None for the input, and the path below it."""
        if found := _VARIABLE.match(self.text):
            return found[1], "$" + self.text[found.end() :]
        return None, self.text

    def finds(self, data: Data, given: Any) -> list[Any]:
        """Give everything the path finds; *given* is what stands for ``$``."""
        if self.text.startswith("$$"):
            assert isinstance(given, Item)
            place = "Value" if self.text.startswith(_CONTEXT[0]) else "Index"
            found: Any = given.value if place == "Value" else given.index
            rest = "$" + self.text[len(f"$$.Map.Item.{place}") :]
            return list(_path(rest).findall(found)) if rest != "$" else [found]
        name, below = self._inside()
        root = given.given if isinstance(given, Item) else given
        if name is not None:
            if name not in data.variables:
                return []
            root = data.variables[name]
        return [root] if below == "$" else list(_path(below).findall(root))

    @property
    def single(self) -> bool:
        """Whether it can find one value at most."""
        if self.text.startswith("$$"):
            return True
        below = self._inside()[1]
        return below == "$" or bool(_path(below).singular_query())

    def keys(self) -> tuple[str | int, ...]:
        """Give the keys down to the one place in the input it means; none where there is no such place."""
        if self.text.startswith("$$") or self._inside()[0] is not None or not self.single:
            return ()
        selectors = [segment.selectors[0] for segment in _path(self.text).segments]
        return tuple(getattr(one, "name", getattr(one, "index", "")) for one in selectors)

    def of(self, data: Data, given: Any) -> Any:
        """Give the value, or the list of all that a path to several finds. Raises `DataError` for nothing."""
        found = self.finds(data, given)
        if not self.single:
            return found
        if not found:
            raise DataError("States.ParameterPathFailure", f"{self.text} finds nothing")
        return found[0]


def _checked(path: str) -> None:
    if path == "$":
        return
    import jsonpath

    try:
        compiled = _path(path)
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise ExpressionProblem(f"is no JSONPath: {_first_line(error)}") from None
    if isinstance(compiled, jsonpath.CompoundJSONPath):
        raise ExpressionProblem("several paths in one are not supported")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@dataclass(frozen=True, slots=True)
class Query:
    """A JSONata expression, without its brackets. Raises `ExpressionProblem` where *text* is none."""

    text: str

    def __post_init__(self) -> None:
        called = _CALL.findall(_TEXT.sub("''", self.text))
        if foreign := [name for name in called if name in _NOT_HERE]:
            raise ExpressionProblem(f"the function ${foreign[0]} is not supported")
        if re.search(r"\$states\.context(?!\.Map\.Item)", self.text):
            raise ExpressionProblem("of $states.context only Map.Item is known here")
        try:
            _query(self.text)
        except Exception as error:
            # the library trips over some broken input with errors of other kinds than its own
            raise ExpressionProblem(f"is no JSONata: {_first_line(error)}") from None

    def value(self, root: Any, bound: Mapping[str, Any]) -> Any:
        """Evaluate over *root* with these variables. Raises `DataError`."""
        query = _query(self.text)
        frame = query.create_frame()
        for name, value in bound.items():
            frame.bind(name, value)
        try:
            return query.evaluate(root, frame)
        except Exception as error:
            # the library's own error, or what its functions raise on values they do not expect
            raise DataError("States.QueryEvaluationError", f"{self.text}: {_first_line(error)}") from None

    def of(self, data: Data, given: Any) -> Any:
        """Evaluate with the input, or with the item of a Map as ``$states.input``'s neighbour."""
        return self.value(None, states(data, given))


def states(data: Data, given: Any, **more: Any) -> dict[str, Any]:
    """Give what a query sees: variables, and ``$states`` with the input and *more*."""
    return {**data.variables, "states": {"input": given, **more}}


def query_in(text: str) -> str | None:
    """Give the query between the brackets; None where *text* is plain text."""
    found = _QUERY.fullmatch(text.strip())
    return found[1].strip() if found else None
