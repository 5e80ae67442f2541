"""YAML 1.2 in, plain values and the line of each out; nothing is ever constructed or evaluated."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from simulator.scenario.problems import Problem, ScenarioError, shown

MAX_BYTES: Final = 262_144
MAX_ALIASES: Final = 100
MAX_VALUES: Final = 100_000
MAX_DEPTH: Final = 40

# YAML 1.2 core schema, section 10.3.2 of the specification
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TAG: Final = "tag:yaml.org,2002:"
_KNOWN_TAGS: Final = frozenset(
    {f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
)

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Mark:
    """Where a value was written: file, line (from 1; 0 for none) and what was applied to put it there."""

    file: str
    line: int
    text: str = ""
    context: str = ""


@dataclass
class Document:
    """A file's values, and the mark of each by its path of keys."""

    value: Any
    marks: dict[KeyPath, Mark] = field(default_factory=dict)

    def copy(self) -> "Document":
        """Copy it, so that putting values into the copy changes nothing else (aliases are written out)."""
        return Document(_copied(self.value), dict(self.marks))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_copied(part) for part in value]
    return value


def mark_at(marks: Mapping[KeyPath, Mark], path: KeyPath) -> Mark:
    """Find where *path* was written, or the nearest part around it that was."""
    for length in range(len(path), -1, -1):
        if mark := marks.get(path[:length]):
            return mark
    raise KeyError(path)


def read(path: Path) -> Document:
    """Read a YAML file; raise `ScenarioError` for whatever keeps it from being one."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(name, 0, f"cannot be read: {error.strerror or 'unknown reason'}") from None
    except ValueError:
        raise _wrong(shown(name), 0, "cannot be read: not a file name") from None
    if len(data) > MAX_BYTES:
        raise _wrong(name, 0, f"is longer than {MAX_BYTES // 1024}KiB; a scenario is shorter")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(name, line, "is not a text in UTF-8") from None
    return read_text(text, name)


def read_text(text: str, name: str, due: str = "a scenario") -> Document:
    """Read YAML *text* whose errors are reported as of file *name*; it should hold what is *due*."""
    reader = _Reader(name)
    try:
        for event in _events(text):
            reader.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(error.problem or error.context or "a mistake").split())
        raise _wrong(name, mark.line + 1 if mark else 0, f"is not YAML: {what}") from None
    except YAMLError as error:
        what = " ".join(str(error).split())[:120]
        raise _wrong(name, 0, f"is not YAML: {what}") from None
    if not reader.documents:
        raise _wrong(name, 0, f"is empty; {due} is due")
    if reader.problems:
        raise ScenarioError(reader.problems)
    return Document(reader.root, reader.marks)


def _events(text: str) -> Iterator[Event]:
    if "\0" in text:
        raise YAMLError("it has NUL characters, as binary files do")
    parsing = YAML(typ="safe", pure=True).parse(text)
    while True:
        try:
            event = next(parsing, None)
        except YAMLError:
            raise
        except Exception as error:
            # ruamel's scanner trips over some broken input with errors of other kinds; it is bad input too
            raise YAMLError(f"it cannot be understood ({type(error).__name__})") from None
        if event is None:
            return
        yield event


def _wrong(name: str, line: int, message: str) -> ScenarioError:
    return ScenarioError([Problem(name, line, "", message)])


@dataclass
class _Open:
    """A map or list whose end has not come yet; ``size`` counts the values in it."""

    node: Any
    line: int
    anchor: str | None
    key: str | None = None
    key_line: int = 0
    size: int = 1
    depth: int = 1


@dataclass
class _Node:
    """A finished value with the lines of what is in it, so that an alias can repeat it."""

    value: Any
    line: int
    text: str
    size: int
    children: dict[str | int, "_Node"]
    depth: int = 0
    key_line: int = 0


class _Reader:
    """Builds values from YAML's events and keeps count of what bombs are made of."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Any = None
        self.documents = 0
        self.marks: dict[KeyPath, Mark] = {}
        self.problems: list[Problem] = []
        self._stack: list[tuple[_Open, dict[str | int, _Node]]] = []
        self._anchors: dict[str, _Node] = {}
        self._aliases = 0

    def take(self, event: Event) -> None:
        """Take up the next event."""
        line = event.start_mark.line + 1
        if isinstance(event, DocumentStartEvent):
            self._start_document(event, line)
        elif isinstance(event, ScalarEvent):
            self._check_tag(event, line)
            self._scalar(event, line)
        elif isinstance(event, AliasEvent):
            self._alias(event, line)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._check_tag(event, line)
            self._start(event, line)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._end()

    def _start_document(self, event: DocumentStartEvent, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _wrong(self.name, line, "has a second document (---); one scenario is one document")
        if event.version and tuple(event.version) != (1, 2):
            raise _wrong(self.name, line, "asks for another YAML than 1.2; leave out the %YAML line")

    def _check_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent, line: int) -> None:
        tag = event.tag
        if tag is not None and str(tag) not in _KNOWN_TAGS:
            name = str(tag).replace(_TAG, "!!")
            self._problem(line, f"has the tag {shown(name)}; tags are not allowed in a scenario")

    def _problem(self, line: int, message: str) -> None:
        path = [shown(str(part)) for opened, _ in self._stack if (part := self._place(opened)) is not None]
        self.problems.append(Problem(self.name, line, ".".join(path), message))

    @staticmethod
    def _place(opened: _Open) -> str | int | None:
        return len(opened.node) if isinstance(opened.node, list) else opened.key

    def _scalar(self, event: ScalarEvent, line: int) -> None:
        text = event.value
        if self._awaits_key():
            opened, children = self._stack[-1]
            opened.key, opened.key_line = text, line
            if text in children:
                self._problem(line, f"is given twice (first on line {children[text].key_line})")
            return
        plain = event.style in (None, "") and (event.tag is None or str(event.tag) != f"{_TAG}str")
        self._add(_Node(_resolved(text) if plain else text, line, text, 1, {}), event.anchor)

    def _awaits_key(self) -> bool:
        return (
            bool(self._stack) and isinstance(self._stack[-1][0].node, dict) and self._stack[-1][0].key is None
        )

    def _alias(self, event: AliasEvent, line: int) -> None:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise _wrong(self.name, line, f"has more than {MAX_ALIASES} aliases")
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _wrong(
                self.name, line, f"has the alias *{shown(event.anchor)}, which stands for nothing before it"
            )
        if self._awaits_key():
            raise _wrong(self.name, line, "has an alias as a key; write the key")
        self._add(node, None)

    def _start(self, event: MappingStartEvent | SequenceStartEvent, line: int) -> None:
        if self._awaits_key():
            raise _wrong(self.name, line, "has a map or list as a key; keys are words")
        if len(self._stack) >= MAX_DEPTH:
            raise _wrong(self.name, line, f"is nested more than {MAX_DEPTH} deep")
        node: Any = {} if isinstance(event, MappingStartEvent) else []
        self._stack.append((_Open(node, line, event.anchor), {}))

    def _end(self) -> None:
        opened, children = self._stack.pop()
        self._add(_Node(opened.node, opened.line, "", opened.size, children, opened.depth), opened.anchor)

    def _add(self, node: _Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._stack:
            self.root = node.value
            self._mark((), node, node.line)
            return
        opened, children = self._stack[-1]
        opened.size += node.size
        opened.depth = max(opened.depth, node.depth + 1)
        if len(self._stack) + node.depth > MAX_DEPTH:
            raise _wrong(
                self.name, node.line, f"is nested more than {MAX_DEPTH} deep, aliases counted in full"
            )
        if opened.size > MAX_VALUES:
            raise _wrong(
                self.name, node.line, f"has more than {MAX_VALUES:,} values, aliases counted in full"
            )
        place: str | int
        if isinstance(opened.node, dict):
            assert opened.key is not None
            place = opened.key
            opened.node[place] = node.value
            children[place] = replace(node, key_line=opened.key_line)
            opened.key = None
        else:
            place = len(opened.node)
            opened.node.append(node.value)
            children[place] = node

    def _mark(self, path: KeyPath, node: _Node, line: int) -> None:
        self.marks[path] = Mark(self.name, line, node.text)
        for key, child in node.children.items():
            # a map is known by the line of its key, a value by its own
            at = child.key_line if child.key_line and isinstance(child.value, dict | list) else child.line
            self._mark((*path, key), child, at)


def _resolved(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _INTEGER.fullmatch(text) and len(text) <= 19:
        return int(text)
    if _FLOAT.fullmatch(text) and len(text) <= 40 and not _INTEGER.fullmatch(text):
        number = float(text)
        return number if number not in (float("inf"), float("-inf")) else text
    return text
