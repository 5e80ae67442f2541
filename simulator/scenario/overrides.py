"""Variants and ``--set``: values put at paths of a scenario before it is read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from simulator.scenario.problems import Problem, ScenarioError, nearest, nearest_or_known, shown
from simulator.scenario.reading import Document, KeyPath, Mark, read_text
from simulator.scenario.schema import Scenario
from simulator.scenario.spec import inner

Sets = Mapping[str, str] | Sequence[str]
_FREE_NAMES: Final = ("limits", "variants")


class _NoSuchPath(Exception):
    """Where a path leaves what there is: how many of its words are right, and what could stand next."""

    def __init__(self, right: int, options: Iterable[str]) -> None:
        self.right = right
        self.options = tuple(options)
        super().__init__()


def put_variant(document: Document, name: str) -> list[Problem]:
    """Put a variant's values into a document; give what is wrong with its paths."""
    variants = document.value.get("variants") if isinstance(document.value, dict) else None
    if not isinstance(variants, dict) or name not in variants:
        known = list(variants) if isinstance(variants, dict) else []
        message = f"has no variant {shown(name)}; {nearest_or_known(name, known)}"
        return [Problem(document.marks[()].file, 0, "", message)]
    if not isinstance(variants[name], dict):
        return []  # what a variant is, the schema says
    problems: list[Problem] = []
    for path, value in variants[name].items():
        at = ("variants", name, path)
        marks = {key[3:]: mark for key, mark in document.marks.items() if key[:3] == at}
        mark = marks[()]
        mark = Mark(mark.file, mark.line, mark.text, f"variant {shown(name)}")
        problems += _put(document, path, Document(value, marks).copy(), mark)
    return problems


def put_sets(document: Document, sets: Sets) -> list[Problem]:
    """Put ``--set`` values into a document; give what is wrong with them."""
    problems: list[Problem] = []
    for path, text in pairs(sets):
        name = f"--set {shown(f'{path}={text}')}"
        if not path or text is None:
            problems.append(
                Problem(f"--set {shown(path)}", 0, "", "is not understood; write --set path=value")
            )
            continue
        try:
            value = read_text(text or "''", name, "a value")
        except ScenarioError as error:
            problems += [Problem(one.file, 0, one.path, one.message) for one in error.problems]
            continue
        problems += _put(document, path, value, Mark(name, 0, text))
    return problems


def pairs(sets: Sets) -> list[tuple[str, str | None]]:
    """Split ``path=value``; the value is None where there is no ``=``."""
    if isinstance(sets, Mapping):
        return list(sets.items())
    found: list[tuple[str, str | None]] = []
    for text in sets:
        path, equals, value = text.partition("=")
        found.append((path.strip(), value.strip()) if equals else (text, None))
    return found


def _put(document: Document, path: str, value: Document, mark: Mark) -> list[Problem]:
    """Set one path to a value; None at a name (``queues.fraud``) takes the thing away."""
    words = path.split(".")
    if words[0] in _FREE_NAMES and len(words) > 2:
        words = [words[0], ".".join(words[1:])]
    try:
        kind, place = _resolved(document.value, words)
    except _NoSuchPath as wrong:
        advice = _advice(document.value, words, wrong)
        return [Problem(mark.file, mark.line, shown(path), advice, mark.context)]
    node: Any = document.value
    for depth, word in enumerate(place[:-1]):
        if isinstance(node, dict) and node.get(word) is None:
            node[word] = {}
            document.marks[place[: depth + 1]] = mark
        node = node[word]
    for old in [old for old in document.marks if old[: len(place)] == place]:
        del document.marks[old]
    if value.value is None and kind == "names":
        node.pop(place[-1], None)
        return []
    node[place[-1]] = value.value
    for inside, at in value.marks.items():
        line = at.line if mark.line else 0
        document.marks[(*place, *inside)] = Mark(mark.file, line, at.text, mark.context)
    return []


def _resolved(data: Any, words: Sequence[str]) -> tuple[str, KeyPath]:
    """Follow *words* through data and schema.

    Gives what the last one is in (part, names, items, value), and the keys.
    """
    place: list[str | int] = []
    node: Any = data
    type_: Any = Scenario
    within = kind = "part"
    for right, word in enumerate(words):
        within = kind
        if isinstance(node, list):
            if not word.isdecimal() or len(word) > 9 or int(word) >= len(node):
                raise _NoSuchPath(right, [str(number) for number in range(len(node))])
            place.append(int(word))
            node = node[int(word)]
            kind, type_ = (
                inner(type_.item() if kind == "part" else type_) if kind != "value" else (kind, None)
            )
            continue
        if not isinstance(node, dict) and (node is not None or kind == "value"):
            raise _NoSuchPath(right, [])
        options = _options(kind, type_, node)
        fresh = kind == "names" and right == len(words) - 1
        if word not in options and not fresh and kind != "value":
            raise _NoSuchPath(right, options)
        place.append(word)
        kind, type_ = _below(kind, type_, word)
        node = node.get(word) if isinstance(node, dict) else None
    return within, tuple(place)


def _options(kind: str, type_: Any, node: Any) -> list[str]:
    """Give the words that may stand next."""
    written = [str(key) for key in node] if isinstance(node, dict) else []
    keys = list(type_.keys()) if kind == "part" else []
    return [*keys, *(key for key in written if key not in keys)]


def _below(kind: str, type_: Any, word: str) -> tuple[str, Any]:
    if kind == "part":
        return inner(type_.keys()[word]) if word in type_.keys() else ("value", None)  # noqa: SIM118 (no dict)
    return inner(type_) if kind == "names" else ("value", None)


def _advice(data: Any, words: list[str], wrong: _NoSuchPath) -> str:
    """Say which path is meant, mending up to two words."""
    if not wrong.options:
        whole = ".".join(words[: wrong.right])
        return f"is no path: {shown(whole)} has no parts here; set it whole"
    better = words
    for _ in range(2):
        if not (found := nearest(better[wrong.right], wrong.options)):
            break
        better = [*better[: wrong.right], found, *better[wrong.right + 1 :]]
        try:
            _resolved(data, better)
            return f"is no path; nearest is {shown('.'.join(better))}"
        except _NoSuchPath as next_wrong:
            wrong = next_wrong
    place = ".".join(better[: wrong.right]) or "the top"
    return f"is no path; at {shown(place)}: {nearest_or_known(better[wrong.right], wrong.options)}"
