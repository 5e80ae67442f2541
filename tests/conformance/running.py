"""Running a file of cases: which runner takes it, and what becomes of each case."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

Case = dict[str, Any]
RunCase = Callable[[Case], list[str]]

LISTS = {
    "sqs": ("cases",),
    "filters": ("cases", "policy_validation"),
    "queueing": ("oracles",),
    "control": ("cases",),
    "esm": ("cases",),
}
"""Where the cases of each sort of file stand."""


class NotBuilt(Exception):
    """The case needs a part of the product that is not there yet; says which."""


@dataclass(frozen=True)
class Verdict:
    """What became of one case; ``lines`` are its failures, or what it needs that is not built."""

    case: str
    outcome: Literal["passed", "failed", "not built"]
    lines: Sequence[str] = ()

    def __str__(self) -> str:
        """The line to print, empty when the case passed."""
        if self.outcome == "passed":
            return ""
        prefix = "not built: " if self.outcome == "not built" else ""
        return f"{self.case}: {prefix}" + "; ".join(self.lines)


def cases_of(sort: str, file: Path, ids: Iterable[str] = (), grade: str | None = None) -> list[Case]:
    """The cases of *file*, all of them or those with *ids*, and of *grade* ``core`` or any."""
    content = json.loads(file.read_text(encoding="utf-8"))
    cases = [case for name in LISTS[sort] for case in content.get(name, ())]
    wanted = set(ids)
    return [
        case
        for case in cases
        if (not wanted or case["id"] in wanted) and (grade is None or case.get("grade", "core") == grade)
    ]


def judge(sort: str, case: Case) -> Verdict:
    """Run one case; what it raises is a failure with the exception's text."""
    try:
        failures = _runner(sort)(case)
    except NotBuilt as missing:
        return Verdict(case["id"], "not built", (str(missing),))
    except Exception as error:
        return Verdict(case["id"], "failed", (f"raised {type(error).__name__}: {error}",))
    return Verdict(case["id"], "failed" if failures else "passed", tuple(failures))


def judge_all(sort: str, cases: Sequence[Case], jobs: int) -> Iterator[Verdict]:
    """Run *cases* on *jobs* processes; the verdicts come in the order of the cases."""
    if jobs == 1 or len(cases) < 2:
        yield from (judge(sort, case) for case in cases)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(judge, [sort] * len(cases), cases)


def _runner(sort: str) -> RunCase:
    run_case: RunCase = import_module(f"tests.conformance.{sort}").run_case
    return run_case
