"""Who may know whom, how long a module may be, and what a command may load before it is needed."""

import ast
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "simulator"
LONGEST_MODULE = 450

OURS = {
    "aws": set(),
    "sampling": set(),
    "recording": set(),
    "scenario": set(),
    "processes": {"aws", "recording", "sampling"},
    "engine": {"scenario", "processes", "aws", "recording", "sampling"},
    "analysis": {"scenario", "recording", "sampling"},
    "client": {"scenario", "aws", "sampling"},
    "reporting": {"analysis", "recording"},
    "experiments": {"scenario", "analysis", "engine", "recording", "sampling"},
    "cli": {"scenario", "experiments", "reporting", "analysis", "client"},
}
"""Parts of ours that a part may import, itself aside; any may import the package's version."""

THEIRS = {
    "aws": {"simpy", "numpy", "pandas", "scipy", "matplotlib", "pydantic", "click", "random"},
    "sampling": {"simpy", "pandas", "scipy", "matplotlib", "pydantic", "click", "random"},
    "recording": {"simpy", "matplotlib", "pydantic", "click", "random"},
    "scenario": {"simpy", "pandas", "matplotlib", "click", "random"},
    "client": {"simpy", "pandas", "matplotlib", "pydantic", "click", "random"},
    "processes": {"pandas", "matplotlib", "pydantic", "click", "random"},
    "engine": {"pandas", "matplotlib", "click", "random"},
    "analysis": {"simpy", "matplotlib", "click", "random"},
    "reporting": {"simpy", "click", "random"},
    "experiments": {"simpy", "matplotlib", "click", "random"},
    "cli": {"simpy", "numpy", "pandas", "matplotlib", "scipy", "pyarrow", "random"},
}
"""Packages of others that a part must not import."""


_LANGUAGE = ("asl.py", "asl_data.py", "asl_maps.py", "asl_tasks.py")
_WORKFLOWS = ("workflows.py", "workflow_lint.py", "workflow_shapes.py", "workflow_states.py")
_POLICIES = ("filters.py", "sources.py", "endpoints.py")
RULES_ASKED = {("scenario", name) for name in (*_POLICIES, *_LANGUAGE, *_WORKFLOWS)}
"""Which policies AWS takes, and what its services say, is one rule for scenarios, runs and calls; and a state
machine is one value, whether it was written in a scenario's words or in Amazon States Language."""


def imported(path: Path) -> Iterator[str]:
    """Names of modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who knows whom"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts() -> list[str]:
    return sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())


def test_every_part_has_a_place_in_the_plan():
    assert set(parts()) <= set(OURS)


@pytest.mark.parametrize("part", parts())
def test_part_imports_only_parts_below_it(part: str):
    for path in (PACKAGE / part).rglob("*.py"):
        seen = {name.split(".")[1] for name in imported(path) if name.startswith("simulator.")}
        above = (seen & set(OURS)) - OURS[part] - {part}
        if (part, path.name) in RULES_ASKED:
            above -= {"aws"}
        assert not above, f"{path.relative_to(ROOT)} must not import {sorted(above)}"


@pytest.mark.parametrize(("part", "forbidden"), THEIRS.items())
def test_part_does_not_import(part: str, forbidden: set[str]):
    for path in (PACKAGE / part).rglob("*.py"):
        bad = {name for name in imported(path) if name.split(".")[0] in forbidden}
        if (part, path.name) == ("sampling", "distributions.py"):
            bad = {name for name in bad if not name.startswith("scipy.special")}
        assert not bad, f"{path.relative_to(ROOT)} must not import {sorted(bad)}"


def test_only_sampling_draws_and_only_the_clock_touches_simpys_heap():
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(PACKAGE).as_posix()
        if name != "sampling/coarse.py":
            drawn = "np.random" in text or "numpy.random" in text
            assert not drawn, f"{name} draws outside of the streams"
        if name != "processes/clock.py":
            assert "._queue" not in text or "simpy" not in text, f"{name} touches SimPy's agenda"


def test_no_module_is_longer_than_a_person_reads():
    for folder in (PACKAGE, ROOT / "tests"):
        for path in folder.rglob("*.py"):
            lines = path.read_text(encoding="utf-8").count("\n")
            assert lines <= LONGEST_MODULE, f"{path.relative_to(ROOT)} has {lines} lines"


def python(script: str) -> str:
    """Run a script in a fresh interpreter and return what it printed."""
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout


def modules_after(*arguments: str) -> set[str]:
    """Names of the modules that are loaded when a command has ended."""
    printed = python(
        "import sys\n"
        "from simulator.cli.main import exit_status\n"
        f"status = exit_status({list(arguments)!r})\n"
        "print('loaded', *sorted(sys.modules))\n"
        "sys.exit(status)\n"
    )
    return set(printed.splitlines()[-1].split()[1:])


def test_help_loads_nothing_heavy():
    heavy = {"pandas", "matplotlib", "scipy", "numpy", "pyarrow", "pydantic", "simpy", "rich", "loky"}
    assert not modules_after("--help") & heavy


def test_validate_loads_neither_pandas_nor_matplotlib():
    heavy = {"pandas", "matplotlib", "scipy", "simpy"}
    assert not modules_after("validate", "scenarios/quickstart.yaml") & heavy


def processor_s(script: str) -> float:
    """Processor time of a script in a fresh interpreter [s]: the least of five, so others do not count."""
    spans = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        python(script)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spans.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spans)


def test_help_is_there_at_once():
    """It costs hardly more than the command line's own library, on the same machine at the same time."""
    help_ = "from simulator.cli.main import exit_status; exit_status(['--help'])"
    assert "compare" in python(help_)
    assert processor_s(help_) < 3 * processor_s("import click")
    ours, theirs = (
        int(python(f"{script}; import sys; print(len(sys.modules))").splitlines()[-1])
        for script in (help_, "import click")
    )
    assert ours <= theirs + 40
