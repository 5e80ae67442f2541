"""One message against one filter, both from files: does it pass, and which key decides?"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from simulator.aws.sns.filter_message import MISSING_BODY, parsed
from simulator.aws.sns.filter_operators import is_number
from simulator.aws.sns.filter_policy import FilterPolicy, Verdict
from simulator.aws.sns.filter_validity import Limits, PatternScope, refusal
from simulator.scenario.problems import Problem, ScenarioError
from simulator.scenario.rules import dated

FilterScope = Literal["attributes", "body", "event"]

_SCOPES: Final[dict[FilterScope, PatternScope]] = {
    "attributes": "MessageAttributes",
    "body": "MessageBody",
    "event": "event-pattern",
}
_MOST_BYTES: Final = 4_194_304
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_SPACE: Final = " \t\n\r"
_TYPES: Final = ("type", "Type", "DataType")
_VALUES: Final = ("value", "Value", "StringValue", "BinaryValue")

Path_ = tuple[str | int, ...]


def check(policy_file: Path, message_file: Path, scope: FilterScope) -> Verdict:
    """Judge the message in one file by the filter in another.

    Parameters
    ----------
    scope : str
        ``attributes``: the message is a JSON object of attributes, plain values or as in the API; ``body``:
        the file is the body; ``event``: an event or a record of a queue, judged by an event pattern.

    Raises
    ------
    ScenarioError
        A file cannot be read, is not JSON, or AWS would refuse the filter.
    """
    text = _text(policy_file)
    policy = _json(text, policy_file, "a filter policy")
    _refuse_what_aws_refuses(policy, text, policy_file, scope)
    body = _text(message_file)
    made = FilterPolicy(policy, decimals=None) if scope == "event" else FilterPolicy(policy)
    if scope == "body":
        return made.of_text(body)
    message = _json(body, message_file, "a message")
    if not isinstance(message, Mapping):
        due = "attributes by their names" if scope == "attributes" else "an event"
        raise _problem(message_file, 1, f"is no JSON object; one of {due} is due")
    if scope == "event":
        return made.of_body(_record(policy, message))
    return made.of_attributes(_attributes(message, body, message_file))


def _problem(file: Path, line: int, message: str) -> ScenarioError:
    return ScenarioError([Problem(str(file), line, "", message)])


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _problem(file, 0, f"cannot be read: {error.strerror or 'unknown reason'}") from None
    if len(data) > _MOST_BYTES:
        raise _problem(
            file, 0, f"is longer than {_MOST_BYTES // 1024**2}MiB; messages and filters are shorter"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _problem(file, data.count(b"\n", 0, error.start) + 1, "is not a text in UTF-8") from None


def _json(text: str, file: Path, due: str) -> Any:
    if not text.strip():
        raise _problem(file, 0, f"is empty; {due} in JSON is due")
    found = parsed(text)
    if found is not MISSING_BODY:
        return found
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        message = f"column {error.colno}: is not JSON: {error.msg}"
        raise _problem(file, error.lineno, message) from None
    except (ValueError, RecursionError):
        pass
    raise _problem(file, 0, "is not JSON: it is nested too deep, or has a number that JSON does not know")


def _refuse_what_aws_refuses(policy: Any, text: str, file: Path, scope: FilterScope) -> None:
    rules = dated()
    limits = Limits(
        rules.value("sns.filter.max_keys"),
        rules.value("sns.filter.max_combinations"),
        rules.value("sns.filter.max_bytes"),
    )
    refused = refusal(policy, _SCOPES[scope], limits, len(text.encode("utf-8", "surrogatepass")))
    if refused is None:
        return
    places = _starts(text) if len(refused.path) < 50 else {}
    path = refused.path
    while path and path not in places:
        path = path[:-1]
    at = places.get(path, 0)
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    raise _problem(file, line, f"column {column}: {refused}")


def _starts(text: str) -> dict[Path_, int]:
    """Where each value begins, a member of an object at its key."""
    starts: dict[Path_, int] = {}
    for path, at in _places(text):
        starts.setdefault(path, at)
    return starts


def _places(text: str) -> Iterator[tuple[Path_, int]]:
    """Where each value of a valid JSON text begins, by its path; of a member of an object first its key."""
    at = 0
    path: Path_ = ()
    stack: list[tuple[Path_, int]] = []  # what is open: its path, and the place of its next element or -1
    while at < len(text):
        letter = text[at]
        if letter == "{" or letter == "[":
            yield path, at
            stack.append((path, -1 if letter == "{" else 0))
            path = (*path, 0) if letter == "[" else path
            at += 1
        elif letter == "}" or letter == "]":
            path = stack.pop()[0]
            at += 1
        elif letter == ",":
            outer, place = stack.pop()
            stack.append((outer, place if place < 0 else place + 1))
            path = outer if place < 0 else (*outer, place + 1)
            at += 1
        elif letter == '"':
            found = _STRING.match(text, at)
            assert found is not None  # the text is valid
            word, end = json.loads(found.group()), found.end()
            rest = end
            while rest < len(text) and text[rest] in _SPACE:
                rest += 1
            if rest < len(text) and text[rest] == ":" and stack and stack[-1][1] < 0:
                path, end = (*stack[-1][0], word), rest + 1
            yield path, at
            at = end
        elif letter in _SPACE:
            at += 1
        else:
            yield path, at
            while at < len(text) and text[at] not in ",]}" + _SPACE:
                at += 1


def _record(pattern: Any, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event; the body of a queue's record is taken as JSON where the pattern looks into it."""
    body = message.get("body")
    if isinstance(body, str) and isinstance(pattern, Mapping) and isinstance(pattern.get("body"), Mapping):
        found = parsed(body)
        return {**message, "body": found if isinstance(found, Mapping) else body}
    return message


def _attributes(message: Mapping[str, Any], text: str, file: Path) -> dict[str, dict[str, str]]:
    """Message attributes as written in the API, in an envelope, or as plain values."""
    inner = message.get("MessageAttributes")
    given = inner if isinstance(inner, Mapping) else message
    found: dict[str, dict[str, str]] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            kind = next((value[word] for word in _TYPES if word in value), None)
            content = next((value[word] for word in _VALUES if word in value), None)
            if not isinstance(kind, str) or not isinstance(content, str):
                place = _starts(text).get((*(["MessageAttributes"] if given is inner else []), name), 0)
                message_ = (
                    f'{name} is an object; {{"type": "String", "value": "..."}} or a plain value is due'
                )
                raise _problem(file, text.count("\n", 0, place) + 1, message_)
            found[str(name)] = {"type": kind, "value": content}
        elif isinstance(value, list):
            found[str(name)] = {"type": "String.Array", "value": json.dumps(value, default=float)}
        elif is_number(value):
            found[str(name)] = {"type": "Number", "value": str(value)}
        else:
            plain = value if isinstance(value, str) else json.dumps(value)
            found[str(name)] = {"type": "String", "value": plain}
    return found
