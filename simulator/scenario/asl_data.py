"""The data flow of states in Amazon States Language: paths, queries, templates, rules of Choice."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from simulator.aws.step_functions import conditions
from simulator.aws.step_functions.data_flow import DROPPED, Paths, Queries, Template
from simulator.aws.step_functions.expressions import INTRINSIC, ExpressionProblem, Path, Query, query_in
from simulator.aws.step_functions.states import Condition, Flow
from simulator.scenario.asl_parts import NOT_SUPPORTED, Part
from simulator.scenario.problems import Finding, nearest_or_known, shown
from simulator.scenario.reading import KeyPath
from simulator.scenario.units import kind_of

T = TypeVar("T", Path, Query)

PATHS: Final = "JSONPath"
QUERIES: Final = "JSONata"
FIELDS: Final[Mapping[str, frozenset[str]]] = {
    PATHS: frozenset({"InputPath", "OutputPath", "Parameters", "ResultSelector", "ResultPath"}),
    QUERIES: frozenset({"Arguments", "Output", "Assign"}),
}
"""Fields of data flow that a state may have by its language; which states have which is not told apart."""

_VARIABLES: Final = "variables (Assign) are, with the query language JSONata only"
_PLACE: Final = "a path to one place is due, such as $.answer"


def foreign(language: str) -> dict[str, str]:
    """Give the fields of the other language, each with what to say of it."""
    other = QUERIES if language == PATHS else PATHS
    found = dict.fromkeys(FIELDS[other], f"it is a field of {other}, and this state speaks {language}")
    if language == PATHS:
        found["Assign"] = _VARIABLES
    return found


def flow_of(part: Part, language: str, *, task: bool = False, payload: bool = False) -> Flow | None:
    """Give what a state makes of its data; None where that is nothing.

    What a *task* sends to the service it calls is not followed: its answer is stated. *payload*: it is
    wrapped as Lambda's answer to Invoke.
    """
    if language == QUERIES:
        arguments = None if task else _template(part, "Arguments", language)
        output, assign = (_template(part, key, language) for key in ("Output", "Assign"))
        found = Queries(arguments, output, assign, payload=payload)
        return None if found == Queries() else found
    fixed = (part.value["Result"],) if "Result" in part else None
    paths = Paths(
        _input(part, "InputPath"),
        None if task else _template(part, "Parameters", language),
        fixed,
        _template(part, "ResultSelector", language),
        _place(part),
        _input(part, "OutputPath"),
        payload,
    )
    return None if paths == Paths() else paths


def catcher_flow(part: Part, language: str) -> Flow | None:
    """Give what a catcher makes of the data and the error."""
    if language == QUERIES:
        output, assign = (_template(part, key, language) for key in ("Output", "Assign"))
        return Queries(None, output, assign, error=True)
    return Paths(result_path=_place(part))


def made(part: Part, key: str, text: str, kind: Callable[[str], T]) -> T | None:
    """Make a path or query of *text*, found in field *key*; None, and said so, where it cannot be."""
    try:
        return kind(text)
    except ExpressionProblem as problem:
        part.data.append(Finding((*part.path, key), f"is {shown(text)}; {problem}"))
        return None


def _input(part: Part, key: str) -> Path | str | None:
    if key not in part:
        return None
    if part.value[key] is None:
        return DROPPED
    return made(part, key, part.text(key, default="$"), Path)


def _place(part: Part) -> tuple[str | int, ...] | str:
    """Read ResultPath: the keys of a place."""
    if "ResultPath" not in part:
        return ()
    if part.value["ResultPath"] is None:
        return DROPPED
    text = part.text("ResultPath", default="$")
    path = made(part, "ResultPath", text, Path)
    if path is None or text == "$":
        return ()
    keys = path.keys()
    if not keys:
        part.wrong("ResultPath", f"is {shown(text)}; {_PLACE}")
    return keys


def _template(part: Part, key: str, language: str) -> Template | None:
    if key not in part:
        return None
    return template(part, (*part.path, key), part.value[key], language)


def template(part: Part, path: KeyPath, value: Any, language: str) -> Template:
    """Read a value in which paths or queries stand for values."""
    return Template(_read(part, path, value, language))


def _read(part: Part, path: KeyPath, value: Any, language: str) -> Any:
    if isinstance(value, list):
        return tuple(_read(part, (*path, index), one, language) for index, one in enumerate(value))
    if isinstance(value, Mapping):
        read: dict[str, Any] = {}
        for key, one in value.items():
            if language == PATHS and key.endswith(".$"):
                read[key.removesuffix(".$")] = _looked_up(part, (*path, key), one)
            else:
                read[key] = _read(part, (*path, key), one, language)
        return read
    if language == QUERIES and isinstance(value, str) and (text := query_in(value)) is not None:
        return _tried(part, path, text, Query)
    return value


def _looked_up(part: Part, path: KeyPath, text: Any) -> Path | None:
    if isinstance(text, str) and INTRINSIC.match(text):
        name = text[: text.index("(")]
        part.data.append(Finding(path, f"is {shown(text)}; the function {name} {NOT_SUPPORTED}"))
        return None
    if not isinstance(text, str):
        part.data.append(Finding(path, f"is {kind_of(text)}; a path is due where a field's name ends in .$"))
        return None
    return _tried(part, path, text, Path)


def _tried(part: Part, path: KeyPath, text: str, kind: Callable[[str], T]) -> T | None:
    try:
        return kind(text)
    except ExpressionProblem as problem:
        part.data.append(Finding(path, f"is {shown(text)}; {problem}"))
        return None


def condition(part: Part, language: str, *, top: bool) -> Condition | None:
    """Read a rule of a Choice, or a part of one; None, and said so, where it is none."""
    around = {"Next", "Assign", "Output"} if top and language == QUERIES else {"Next"} if top else set()
    if language == QUERIES:
        part.only({"Condition", *around}, {})
        return _asked(part)
    for word, kind in (("And", conditions.AllOf), ("Or", conditions.AnyOf)):
        if word in part:
            part.only({word, *around}, {})
            inner = [condition(one, language, top=False) for one in part.each(word)]
            return kind(tuple(one for one in inner if one is not None))
    if "Not" in part:
        part.only({"Not", *around}, {})
        one = condition(part.at("Not"), language, top=False)
        return None if one is None else conditions.Not(one)
    return _comparison(part, around)


def _asked(part: Part) -> Condition | None:
    value = part.value.get("Condition")
    if isinstance(value, bool):
        value = f"{{% {str(value).lower()} %}}"
    text = query_in(value) if isinstance(value, str) else None
    if text is None:
        part.wrong("Condition", "is missing" if value is None else f"is {kind_of(value)}; {{% ... %}} is due")
        return None
    query = made(part, "Condition", text, Query)
    return None if query is None else conditions.Asked(query)


def _comparison(part: Part, around: set[str]) -> Condition | None:
    named = [key for key in part.value if key in conditions.COMPARISONS]
    part.only({"Variable", *around, *named}, {})
    variable = made(part, "Variable", part.text("Variable", required=True, default="$"), Path)
    if len(named) != 1:
        words = [key for key in part.value if key not in {"Variable", "Comment", *around}]
        hint = nearest_or_known(words[0], sorted(conditions.COMPARISONS)) if words and not named else ""
        message = f"has {len(named)} comparisons; one is due{'; ' * bool(hint)}{hint}"
        part.findings.append(Finding(part.path, message))
        return None
    name = named[0]
    value = part.value[name]
    if name.endswith("Path"):
        value = made(part, name, part.text(name, default="$"), Path)
    elif not conditions.fits(name, value):
        part.wrong(name, f"is {kind_of(value)}; {conditions.due(name)} is due")
    return None if variable is None else conditions.Comparison(variable, name, value)
