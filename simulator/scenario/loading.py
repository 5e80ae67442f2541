"""From a file to a `Scenario`, or to everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from simulator.scenario import lint, overrides
from simulator.scenario import rules as dated_rules
from simulator.scenario.checking import Checks
from simulator.scenario.problems import Finding, Problem, ScenarioError, findings_of, nearest_or_known, shown
from simulator.scenario.reading import Document, Mark, read
from simulator.scenario.rules import Rules
from simulator.scenario.schema import SECTIONS, Scenario
from simulator.scenario.spec import Context
from simulator.scenario.translating import findings_in
from simulator.scenario.units import DURATION, kind_of

Sets = Mapping[str, str] | Sequence[str]


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
    document = read(source)
    problems: list[Problem] = []
    changed = copied(document)
    if variant:
        problems += _put_variant(changed, variant)
    problems += _put_sets(changed, sets)
    scenario, found = _validated(changed, source, variant or "")
    if found and (variant or sets):
        context = _applied(variant, sets)
        found = _blamed(found, _validated(document, source, "")[1], context)
    problems += found
    if not variant:
        problems += _variant_problems(changed, source, known=found)
    if problems or scenario is None:
        raise ScenarioError(_ordered(problems))
    return scenario


def copied(document: Document) -> Document:
    """Copy a document, so that putting values into it changes no other."""
    return Document(_copied(document.value), dict(document.marks))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_copied(part) for part in value]
    return value


def _put_variant(document: Document, name: str) -> list[Problem]:
    variants = document.value.get("variants") if isinstance(document.value, dict) else None
    if not isinstance(variants, dict) or name not in variants:
        known = list(variants) if isinstance(variants, dict) else []
        mark = document.marks[()]
        return [Problem(mark.file, mark.line, "", f"has no variant {shown(name)}; {nearest_or_known(name, known)}")]
    if not isinstance(variants[name], dict):
        return []
    problems: list[Problem] = []
    for path, value, mark in overrides.variant_values(document, name):
        try:
            overrides.put(document, path, value, mark)
        except ScenarioError as error:
            problems += error.problems
    return problems


def _put_sets(document: Document, sets: Sets) -> list[Problem]:
    problems: list[Problem] = []
    pairs = sets.items() if isinstance(sets, Mapping) else sets
    for pair in pairs:
        try:
            path, text = overrides.parse_set(pair) if isinstance(pair, str) else pair
            value, mark = overrides.set_value(path, text)
            overrides.put(document, path, value, mark)
        except ScenarioError as error:
            problems += error.problems
    return problems


def _variant_problems(document: Document, source: Path, known: list[Problem]) -> list[Problem]:
    """Find what is wrong with each variant and not with the base."""
    variants = document.value.get("variants") if isinstance(document.value, dict) else None
    problems: list[Problem] = []
    for name in variants if isinstance(variants, dict) else ():
        changed = copied(document)
        own = _put_variant(changed, name)
        problems += own or _blamed(_validated(changed, source, name)[1], known, f"variant {name}")
    return problems


def _applied(variant: str | None, sets: Sets) -> str:
    words = [f"variant {variant}"] if variant else []
    pairs = [f"{path}={text}" for path, text in sets.items()] if isinstance(sets, Mapping) else list(sets)
    words += [f"--set {shown(pair)}" for pair in pairs]
    return " ".join(words)


def _blamed(found: list[Problem], base: list[Problem], context: str) -> list[Problem]:
    """Name what was put in place in those problems the base does not have."""
    before = {(problem.path, problem.message) for problem in base}
    return [
        problem
        if (problem.path, problem.message) in before or problem.context or problem.file.startswith("--set")
        else Problem(problem.file, problem.line, problem.path, problem.message, context)
        for problem in found
        if not (context.startswith("variant") and "--set" not in context and (problem.path, problem.message) in before)
    ]


def _ordered(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file.startswith("--set"), problem.file, problem.line))


def _validated(document: Document, source: Path, variant: str) -> tuple[Scenario | None, list[Problem]]:
    """Read a document as a scenario; give it, or None and everything that is wrong with it."""
    data = document.value
    if not isinstance(data, dict):
        mark = document.marks[()]
        return None, [Problem(mark.file, mark.line, "", f"is {kind_of(data)}; a map with scenario, queues, ... is due")]
    rules, findings = _rules_of(data)
    context = Context(source.parent, rules, _duration_of(data))
    scenario, more, broken = _parsed(data, context)
    findings += more
    if scenario is not None:
        scenario.loaded(source, rules, variant)
        findings += Checks(scenario, broken).findings()
        findings += [note.finding for note in lint.notes(scenario) if note.severity == "error"]
    return (None if findings else scenario), [_problem(document, finding) for finding in findings]


def _parsed(data: dict[str, Any], context: Context) -> tuple[Scenario | None, list[Finding], frozenset[tuple[str, str]]]:
    """Parse; where parts are wrong, parse again without them, so that the checks across parts still speak."""
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


_PLACEHOLDERS: dict[str, object] = {"scenario": "x", "duration": "400d", "queues": {}}


def _leave_out(data: dict[str, Any], path: tuple[str | int, ...], broken: set[tuple[str, str]]) -> None:
    section, name = (*path, "", "")[:2]
    if section in SECTIONS and isinstance(data.get(str(section)), dict) and name in data[str(section)]:
        data[str(section)] = {key: part for key, part in data[str(section)].items() if key != name}
        broken.add((str(section), str(name)))
        return
    data.pop(str(section), None)
    broken.add((str(section), ""))
    if section in _PLACEHOLDERS:
        data[str(section)] = _PLACEHOLDERS[str(section)]


def _rules_of(data: dict[str, Any]) -> tuple[Rules, list[Finding]]:
    findings: list[Finding] = []
    name = str(data.get("rules", dated_rules.DEFAULT))
    if name not in dated_rules.known():
        findings.append(Finding(("rules",), f"is {shown(name)}; known: {', '.join(dated_rules.known())}"))
        name = dated_rules.DEFAULT
    rules = dated_rules.dated(name)
    limits = data.get("limits", {})
    if not isinstance(limits, dict):
        return rules, findings
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


def _problem(document: Document, finding: Finding) -> Problem:
    """Give a finding its line: that of its path, or of the nearest part around it."""
    mark: Mark | None = None
    for length in range(len(finding.path), -1, -1):
        if mark := document.marks.get(finding.path[:length]):
            break
    assert mark is not None
    path = ".".join(str(part) for part in finding.path)
    return Problem(mark.file, mark.line, path, finding.message, mark.context)
