"""Variants and ``--set``: values put at paths of a scenario before it is read."""

from collections.abc import Iterable, Mapping
from typing import Any

from simulator.scenario.problems import Problem, ScenarioError, nearest, shown
from simulator.scenario.reading import Document, Mark, Path_, read_text
from simulator.scenario.schema import Scenario
from simulator.scenario.spec import Spec, inner

_OPEN_MAPS = ("limits", "variants")


class _NoSuchPath(Exception):
    """Where a path leaves what there is: how many of its words are right, and what could stand next."""

    def __init__(self, right: int, options: Iterable[str]) -> None:
        self.right = right
        self.options = tuple(options)
        super().__init__()


def put(document: Document, path: str, value: Document, mark: Mark) -> None:
    """Set one path of a document to a value; raise `ScenarioError` if there is no such path.

    The value None at a name (``queues.fraud``) takes the thing away.
    """
    words = path.split(".")
    if words[0] in _OPEN_MAPS and len(words) > 2:
        words = [words[0], ".".join(words[1:])]
    try:
        kind, place = _resolve(document.value, words)
    except _NoSuchPath as wrong:
        raise ScenarioError([Problem(mark.file, mark.line, path, _advice(document.value, words, wrong), mark.context)]) from None
    node, whole = document.value, ()
    for word in place[:-1]:
        if isinstance(node, dict) and word not in node:
            node[word] = {}
            document.marks[(*whole, word)] = mark
        whole = (*whole, word)
        node = node[word]
    for old in [old for old in document.marks if old[: len(place)] == place]:
        del document.marks[old]
    if value.value is None and kind == "names":
        node.pop(place[-1], None)
        return
    node[place[-1]] = value.value
    for inside, at in value.marks.items():
        document.marks[(*place, *inside)] = Mark(mark.file, at.line if mark.line else 0, at.text, mark.context)


def _resolve(data: Any, words: list[str]) -> tuple[str, Path_]:
    """Follow *words* through data and schema: what the last one is in ("part", "names", "items"), and the keys."""
    place: list[str | int] = []
    node: Any = data
    kind, type_ = "part", Scenario
    within = kind
    for right, word in enumerate(words):
        within = kind
        if isinstance(node, list):
            if not word.isdigit() or len(word) > 9 or int(word) >= len(node):
                raise _NoSuchPath(right, [str(place_) for place_ in range(len(node))])
            place.append(int(word))
            node = node[int(word)]
            kind, type_ = _below_item(kind, type_)
            continue
        if node is not None and not isinstance(node, dict):
            raise _NoSuchPath(right, [])
        options = _options(kind, type_, node)
        fresh = kind == "names" and right == len(words) - 1
        if word not in options and not fresh and kind != "value":
            raise _NoSuchPath(right, options)
        place.append(word)
        kind, type_ = _below_key(kind, type_, word)
        node = node.get(word) if isinstance(node, dict) else None
    return within, tuple(place)


def _options(kind: str, type_: Any, node: Any) -> list[str]:
    written = [str(key) for key in node] if isinstance(node, dict) else []
    if kind == "part" and issubclass(type_, Spec):
        return [*type_.keys(), *(key for key in written if key not in type_.keys())]
    return written


def _below_key(kind: str, type_: Any, word: str) -> tuple[str, Any]:
    if kind == "part":
        keys = type_.keys()
        return inner(keys[word]) if word in keys else ("value", None)
    if kind == "names":
        return inner(type_)
    return "value", None


def _below_item(kind: str, type_: Any) -> tuple[str, Any]:
    if kind == "items":
        return inner(type_)
    if kind == "part":
        found = [inner(one) for one in type_.keys().values()]
        return "part", type_.item_type() if hasattr(type_, "item_type") and found else type_
    return "value", None


def _advice(data: Any, words: list[str], wrong: _NoSuchPath) -> str:
    right = ".".join(words[: wrong.right + 1])
    if not wrong.options:
        return f"is no path: {'.'.join(words[: wrong.right])} has no parts here; set it whole"
    found = nearest(words[wrong.right], wrong.options)
    if not found:
        known = ", ".join(wrong.options[:12])
        return f"is no path: there is no {shown(right)}; known there: {known}"
    better = [*words[: wrong.right], found, *words[wrong.right + 1 :]]
    try:
        _resolve(data, better)
    except _NoSuchPath as next_wrong:
        if next_wrong.right > wrong.right and next_wrong.options:
            if next_found := nearest(better[next_wrong.right], next_wrong.options):
                better = [*better[: next_wrong.right], next_found, *better[next_wrong.right + 1 :]]
    return f"is no path; nearest is {shown('.'.join(better))}"


def parse_set(text: str) -> tuple[str, str]:
    """Split ``path=value``."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise ScenarioError([Problem(f"--set {shown(text)}", 0, "", "is not understood; write --set path=value")])
    return path.strip(), value.strip()


def set_value(path: str, text: str) -> tuple[Document, Mark]:
    """Read the value of a ``--set`` as YAML; mark it as such."""
    name = f"--set {shown(f'{path}={text}')}"
    value = read_text(text or "''", name)
    return value, Mark(name, 0, text)


def variant_values(document: Document, name: str) -> list[tuple[str, Document, Mark]]:
    """Give the paths a variant sets, with their values and where they are written."""
    values: Mapping[str, Any] = document.value["variants"][name]
    found = []
    for path, value in values.items():
        at = ("variants", name, path)
        marks = {key[3:]: mark for key, mark in document.marks.items() if key[:3] == at}
        here = marks.get((), Mark("", 0))
        mark = Mark(here.file, here.line, here.text, f"variant {name}")
        found.append((path, Document(value, marks), mark))
    return found
