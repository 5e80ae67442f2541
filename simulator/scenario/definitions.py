"""Definitions in files of their own: put in place, so that what is wrong in them has its file and line."""

import json
from pathlib import Path
from typing import Any

from simulator.scenario.files import FileProblem, read_inside
from simulator.scenario.problems import Problem, ScenarioError
from simulator.scenario.reading import Document, mark_at, read_text

SECTION = "workflows"
KEY = "definition"


def with_definitions(document: Document, folder: Path) -> tuple[Document, list[Problem]]:
    """Give a document with every definition that is a file put in its place, and what was wrong with the
    files.

    *document* itself stays as it is. A file that cannot be read stays a name.
    """
    workflows = document.value.get(SECTION) if isinstance(document.value, dict) else None
    if not isinstance(workflows, dict):
        return document, []
    problems: list[Problem] = []
    marks = dict(document.marks)
    put: dict[str, Any] = {}
    for name, workflow in workflows.items():
        file = workflow.get(KEY) if isinstance(workflow, dict) else None
        if not isinstance(file, str):
            continue
        path = (SECTION, name, KEY)
        try:
            read = _read(folder, file)
        except FileProblem as problem:
            mark = mark_at(document.marks, path)
            problems.append(Problem(mark.file, mark.line, ".".join(path), problem.message, mark.context))
            continue
        except ScenarioError as error:
            problems += error.problems
            continue
        put[name] = {**workflow, KEY: read.value}
        marks |= {(*path, *inside): mark for inside, mark in read.marks.items()}
    if not put:
        return document, problems
    return Document({**document.value, SECTION: {**workflows, **put}}, marks), problems


def _read(folder: Path, file: str) -> Document:
    text = read_inside(folder, file)
    name = str(folder / file)
    if file.endswith(".json"):
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            raise ScenarioError([Problem(name, error.lineno, "", f"is not JSON: {error.msg}")]) from None
        except RecursionError:
            raise ScenarioError([Problem(name, 0, "", "is nested too deep")]) from None
    return read_text(text.replace("\t", " ") if file.endswith(".json") else text, name, "a state machine")
