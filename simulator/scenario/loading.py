"""From a file to a `Scenario`, or to everything that is wrong with it."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from simulator.scenario import lint
from simulator.scenario import rules as dated_rules
from simulator.scenario.checking import Checks
from simulator.scenario.definitions import with_definitions
from simulator.scenario.overrides import Sets, pairs, put_sets, put_variant
from simulator.scenario.problems import Finding, Problem, ScenarioError, findings_of, shown
from simulator.scenario.reading import Document, mark_at, read
from simulator.scenario.rules import Rules
from simulator.scenario.schema import MOST_VARIANTS, SECTIONS, Scenario
from simulator.scenario.spec import Context
from simulator.scenario.translating import findings_in
from simulator.scenario.units import DURATION, kind_of

_STAND_INS: Final[dict[str, object]] = {"scenario": "x", "duration": "400d", "queues": {}}


def load(path: Path | str, *, sets: Sets = (), variant: str | None = None) -> Scenario:
    """Read a scenario, with a variant and ``--set`` values in place.

    Parameters
    ----------
    path
        The YAML file.
    sets
        Values for paths: ``{"queues.orders.delay": "5s"}`` or ``["queues.orders.delay=5s"]``.
    variant
        The variant to put in place; None or "" for the base, of which all variants are checked as well.

    Raises
    ------
    ScenarioError
        With every problem found, each naming its place.
    """
    source = Path(path)
    written = read(source)
    changed = written.copy()
    problems = put_variant(changed, variant) if variant else []
    problems += put_sets(changed, sets)
    scenario, found = _validated(changed, source, variant or "")
    if found and (variant or sets):
        found = _blamed(found, _validated(written, source, "")[1], _context(variant, sets))
    problems += found
    if not variant:
        problems += _problems_of_variants(changed, source, found)
    if problems or scenario is None:
        raise ScenarioError(_in_order(problems))
    return scenario


def _context(variant: str | None, sets: Sets) -> str:
    words = [f"variant {shown(variant)}"] if variant else []
    words += [f"--set {shown(f'{path}={text}')}" for path, text in pairs(sets)]
    return " ".join(words)


def _problems_of_variants(document: Document, source: Path, known: list[Problem]) -> list[Problem]:
    """Find what is wrong with each variant and not with the base."""
    variants = document.value.get("variants") if isinstance(document.value, dict) else None
    problems: list[Problem] = []
    for name in variants if isinstance(variants, dict) and len(variants) <= MOST_VARIANTS else ():
        changed = document.copy()
        if wrong_paths := put_variant(changed, name):
            problems += wrong_paths
            continue
        found = _validated(changed, source, name)[1]
        problems += [one for one in _blamed(found, known, _context(name, ())) if one.context]
    return problems


def _blamed(found: Iterable[Problem], base: Iterable[Problem], context: str) -> list[Problem]:
    """Name what was put in place in those problems that the base does not have."""
    before = {(problem.path, problem.message) for problem in base}
    return [
        problem
        if problem.context or problem.file.startswith("--set") or (problem.path, problem.message) in before
        else replace(problem, context=context)
        for problem in found
    ]


def _in_order(problems: list[Problem]) -> list[Problem]:
    def place(problem: Problem) -> tuple[bool, str, int]:
        return problem.file.startswith("--set"), problem.file, problem.line

    return sorted(dict.fromkeys(problems), key=place)


def _validated(document: Document, source: Path, variant: str) -> tuple[Scenario | None, list[Problem]]:
    """Read a document as a scenario; give it, or None and everything that is wrong with it."""
    data = document.value
    if not isinstance(data, dict):
        message = f"is {kind_of(data)}; a map with scenario, duration, queues is due"
        return None, [Problem(document.marks[()].file, document.marks[()].line, "", message)]
    document, unread = with_definitions(document, source.parent)
    data = document.value
    rules, findings = _rules_of(data)
    context = Context(source.parent, rules, _duration_of(data))
    scenario, more, broken = _parsed(data, context)
    findings += more
    if scenario is not None:
        scenario.loaded(source, rules, variant, document.marks)
        findings += Checks(scenario, broken).findings()
        findings += [finding for severity, finding in lint.findings(scenario) if severity == "error"]
    problems = unread + [_problem(document, finding) for finding in findings]
    return (None if problems else scenario), problems


def _problem(document: Document, finding: Finding) -> Problem:
    mark = mark_at(document.marks, finding.path)
    path = ".".join(shown(str(part)) for part in finding.path)
    return Problem(mark.file, mark.line, path, finding.message, mark.context)


def _parsed(
    data: dict[str, Any], context: Context
) -> tuple[Scenario | None, list[Finding], frozenset[tuple[str, str]]]:
    """Parse; where parts are wrong, parse again without them, so that checks across parts still speak."""
    findings: list[Finding] = []
    broken: set[tuple[str, str]] = set()
    rest = data
    for _ in range(4):
        try:
            return Scenario.model_validate(rest, context=context), findings, frozenset(broken)
        except ValidationError as error:
            found = findings_in(error, rest)
        findings += [one for one in found if one not in findings]
        rest = dict(rest)
        for finding in found:
            _leave_out(rest, finding.path, broken)
    return None, findings, frozenset(broken)


def _leave_out(data: dict[str, Any], path: tuple[str | int, ...], broken: set[tuple[str, str]]) -> None:
    """Take the thing (or the top key) that a finding is about out of the data."""
    section, name = (*(str(part) for part in path), "", "")[:2]
    if (section, name) in broken or (section, "") in broken:
        return
    things = data.get(section)
    if section in SECTIONS and isinstance(things, dict) and name in things:
        data[section] = {key: part for key, part in things.items() if key != name}
        broken.add((section, name))
        return
    if section in _STAND_INS:
        data[section] = _STAND_INS[section]
    else:
        data.pop(section, None)
    broken.add((section, ""))


def _rules_of(data: dict[str, Any]) -> tuple[Rules, list[Finding]]:
    findings: list[Finding] = []
    name = str(data.get("rules", dated_rules.DEFAULT))
    if name not in dated_rules.known():
        known = ", ".join(dated_rules.known())
        findings.append(Finding(("rules",), f"is {kind_of(data['rules'])}; known: {known}"))
        name = dated_rules.DEFAULT
    rules, limits = dated_rules.dated(name), data.get("limits", {})
    if not isinstance(limits, dict):
        return rules, findings  # what limits are, the schema says
    try:
        rules = rules.overridden(limits, ideal=data.get("ideal") is True)
    except PydanticCustomError as error:
        findings += [Finding(("limits", *found.path), found.message) for found in findings_of(error)]
    return rules, findings


def _duration_of(data: dict[str, Any]) -> int | None:
    try:
        return int(DURATION.parse(data.get("duration")))
    except PydanticCustomError:
        return None
