"""The runner itself, and the cases that take seconds; all of ``queueing.json`` takes minutes (README)."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conformance import __main__ as command
from tests.conformance import lab, running
from tests.conformance.closed_forms import disagreements
from tests.conformance.estimates import tolerance
from tests.conformance.queueing import KINDS
from tests.conformance.running import Case, cases_of, judge

FOLDER = Path(__file__).parent
ESM = cases_of("esm", FOLDER / "esm_cases.json")
CONTROL = [
    case
    for case in cases_of("control", FOLDER / "control_cases.json")
    if case["kind"] in ("target_tracking", "target_rounding")
]
QUEUEING = [case for case in cases_of("queueing", FOLDER / "queueing.json") if case["kind"] in KINDS]
ONE_A_KIND = {case["kind"]: case for case in reversed(QUEUEING)}
REPLICATIONS = 4


@pytest.mark.parametrize("case", ESM, ids=lambda case: case["id"])
def test_mappings_do_what_aws_was_seen_to_do(case: Case):
    assert judge("esm", case).lines == ()


@pytest.mark.parametrize("case", CONTROL, ids=lambda case: case["id"])
def test_target_tracking_does_what_the_guide_says(case: Case):
    assert judge("control", case).lines == ()


@pytest.mark.parametrize("case", QUEUEING, ids=lambda case: case["id"])
def test_closed_forms_agree_with_the_cases(case: Case):
    assert disagreements(case) == []


@pytest.mark.parametrize("kind", ONE_A_KIND)
def test_a_short_run_is_where_the_exact_answer_says(kind, monkeypatch):
    """A tenth of the messages, few replications: within the tolerance and five standard errors."""
    monkeypatch.setattr(lab, "MESSAGES", 20_000)
    case = ONE_A_KIND[kind]
    try:
        replicate = KINDS[kind](case["parameters"])
    except running.NotBuilt as missing:
        pytest.skip(str(missing))
    runs = [replicate(replication) for replication in range(REPLICATIONS)]
    for key, wanted in case["expected"].items():
        values = [run[key] for run in runs]
        slack = tolerance(case, key) + 5 * np.std(values, ddof=1) / np.sqrt(REPLICATIONS)
        assert abs(np.mean(values) - wanted) <= slack, key


def run_command(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["conformance", *arguments])
    return command.main()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One case of each outcome, and one that lacks a field and raises."""
    kind = "target_rounding"
    cases = [
        {"id": "A", "kind": kind, "exact_change": 1.5, "applied": 2, "grade": "core"},
        {"id": "B", "kind": kind, "exact_change": 1.5, "applied": 1, "grade": "extra"},
        {"id": "C", "kind": kind, "applied": 1, "grade": "core"},
        {"id": "D", "kind": "tea_leaves", "grade": "core"},
    ]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": cases}), encoding="utf-8")
    return path


def test_every_case_that_does_not_pass_is_named_in_one_line(file, monkeypatch, capsys):
    assert run_command(monkeypatch, "control", str(file)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "B: applied: wanted 1, got 2",
        "C: raised KeyError: 'exact_change'",
        "D: not built: kind tea_leaves",
        "1 passed, 2 failed, 1 not built",
    ]


def test_cases_are_picked_by_id_and_grade(file, monkeypatch, capsys):
    assert run_command(monkeypatch, "control", str(file), "--ids", "A,D") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 1 not built"
    assert run_command(monkeypatch, "control", str(file), "--ids", "A,B", "--grade", "core") == 0
    assert capsys.readouterr().out.splitlines() == ["1 passed, 0 failed"]


def test_both_lists_of_filters_are_counted_together(monkeypatch, capsys):
    assert run_command(monkeypatch, "filters", str(FOLDER / "sns_filters.json")) == 0
    assert capsys.readouterr().out.splitlines() == ["331 passed, 0 failed"]


def test_nothing_in_the_product_knows_a_case():
    product = FOLDER.parents[1] / "simulator"
    text = "".join(path.read_text(encoding="utf-8") for path in product.rglob("*.py"))
    sorts = {"esm": "esm_cases", "sqs": "sqs_timelines", "queueing": "queueing", "control": "control_cases"}
    sorts["filters"] = "sns_filters"
    for sort, name in sorts.items():
        for case in cases_of(sort, FOLDER / f"{name}.json"):
            assert f'"{case["id"]}"' not in text
