"""Step Functions: what states make of the data that passes through them.

Rules (Amazon States Language, "Input and Output Processing"). With JSONPath: InputPath takes a part of the
input, Parameters make a new one of it; ResultSelector makes a new result, ResultPath puts it into the input
as it came (null: drops it), OutputPath takes a part of that. With JSONata: Arguments are what the state is
given, Output is what goes on, by default the result; Assign sets variables, all of them seen as they were
before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.aws.step_functions.expressions import Path, Query, states
from simulator.aws.step_functions.states import Data, DataError, Item

DROPPED: Final = ""
"""A path that is null: InputPath and OutputPath then give an empty object, ResultPath drops the result."""


@dataclass(frozen=True, slots=True)
class Template:
    """A JSON value with paths or queries in the place of values (they are `Path` and `Query` in it)."""

    value: Any

    def of(self, data: Data, given: Any) -> Any:
        """Fill it in. Raises `DataError`."""
        return _filled(self.value, data, given, {})

    def with_states(self, data: Data, given: Any, **more: Any) -> Any:
        """Fill it in for queries that see *more* in ``$states``. Raises `DataError`."""
        return _filled(self.value, data, given, more)


def _filled(value: Any, data: Data, given: Any, more: Mapping[str, Any]) -> Any:
    if isinstance(value, Path):
        return value.of(data, given)
    if isinstance(value, Query):
        if isinstance(given, Item):
            context = {"Map": {"Item": {"Index": given.index, "Value": given.value}}}
            return value.value(None, states(data, given.given, context=context))
        return value.value(None, states(data, given, **more))
    if isinstance(value, Mapping):
        return {key: _filled(part, data, given, more) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_filled(part, data, given, more) for part in value]
    return value


@dataclass(frozen=True, slots=True)
class Paths:
    """Data flow of a state with JSONPath.

    ``result`` is the fixed one of a Pass, as a tuple of one; ``payload``: the result is wrapped as Lambda's
    answer to Invoke.
    """

    input_path: Path | str | None = None
    parameters: Template | None = None
    result: tuple[Any] | None = None
    selector: Template | None = None
    result_path: tuple[str | int, ...] | str = ()
    output_path: Path | str | None = None
    payload: bool = False

    def enter(self, data: Data) -> Any:
        """Give what the state is given. Raises `DataError`."""
        given = _part(self.input_path, data, data.document)
        return given if self.parameters is None else self.parameters.of(data, given)

    def leave(self, data: Data, given: Any, result: Any) -> Data:
        """Give what goes on. Raises `DataError`."""
        if self.result is not None:
            result = self.result[0]
        if self.payload:
            result = {"Payload": result, "StatusCode": 200}
        if self.selector is not None:
            result = self.selector.of(data, result)
        if self.result_path == DROPPED:
            whole = data.document
        else:
            assert isinstance(self.result_path, tuple)
            whole = _put(data.document, self.result_path, result)
        return Data(_part(self.output_path, data, whole), data.variables)


def _part(path: Path | str | None, data: Data, value: Any) -> Any:
    if path is None:
        return value
    return path.of(data, value) if isinstance(path, Path) else {}


def _put(document: Any, place: tuple[str | int, ...], result: Any) -> Any:
    """Give *document* with *result* at *place*; nothing is changed in place."""
    if not place:
        return result
    key, *rest = place
    if isinstance(key, int):
        if not isinstance(document, list) or key >= len(document):
            raise DataError("States.ResultPathMatchFailure", f"there is no item {key} to put the result at")
        return [_put(one, tuple(rest), result) if at == key else one for at, one in enumerate(document)]
    if not isinstance(document, Mapping):
        raise DataError("States.ResultPathMatchFailure", f"{key} cannot be put into what is no object")
    return {**document, key: _put(document.get(key, {}), tuple(rest), result)}


@dataclass(frozen=True, slots=True)
class Queries:
    """Data flow of a state with JSONata; ``error``: of a catcher, ``payload``: see `Paths`."""

    arguments: Template | None = None
    output: Template | None = None
    assign: Template | None = None
    error: bool = False
    payload: bool = False

    def enter(self, data: Data) -> Any:
        """Give what the state is given. Raises `DataError`."""
        return data.document if self.arguments is None else self.arguments.of(data, data.document)

    def leave(self, data: Data, given: Any, result: Any) -> Data:
        """Give what goes on; for a catcher *result* is the error. Raises `DataError`."""
        if self.payload:
            result = {"Payload": result, "StatusCode": 200}
        more = {"errorOutput" if self.error else "result": result}
        document, variables = result, data.variables
        if self.output is not None:
            document = self.output.with_states(data, data.document, **more)
        if self.assign is not None:
            variables = {**variables, **self.assign.with_states(data, data.document, **more)}
        return Data(document, variables)


@dataclass(frozen=True, slots=True)
class Merged:
    """Data flow of a task in a scenario's own words: keys of its result are put into the document."""

    def enter(self, data: Data) -> Any:
        """Give the document."""
        return data.document

    def leave(self, data: Data, given: Any, result: Any) -> Data:
        """Give the document with the result's keys."""
        return Data({**data.document, **result} if result else data.document, data.variables)
