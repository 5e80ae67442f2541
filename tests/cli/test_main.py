import subprocess
import sys

import click
import pytest

from simulator import __version__
from simulator.cli import main
from tests.cli.typed import typed


def test_help_names_every_command_and_exits_0():
    seen = typed("--help")
    assert seen.status == 0
    assert all(f"\n  {name} " in seen.out for name in main.COMMANDS)


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_explains_itself(name: str):
    seen = typed(name, "--help")
    assert (seen.status, seen.err) == (0, "")
    assert seen.out.startswith(f"Usage: simulator {name} ")


def test_the_line_of_a_command_in_the_list_is_the_first_of_its_own_help():
    group = main.simulator
    for name, line in main.COMMANDS.items():
        command = group.get_command(click.Context(group), name)
        assert command is not None and (command.help or "").partition("\n")[0] == line


def test_version_is_printed():
    assert typed("--version").out == f"simulator, version {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [("ran",), ("run",), ("run", "--sed", "7", "x.yaml"), ("run", "x.yaml", "--jobs", "0"), ("--nope",)],
)
def test_a_command_that_click_refuses_exits_2_and_says_why_on_stderr(arguments: tuple[str, ...]):
    seen = typed(*arguments)
    assert (seen.status, seen.out) == (2, "")
    assert "Error: " in seen.err


def test_python_m_simulator_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: simulator ")


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (click.Abort(), 130), (click.UsageError("no"), 2)]
)
def test_what_ends_a_command_has_one_exit_status(monkeypatch, error: BaseException, status: int):
    monkeypatch.setattr(main.simulator, "main", lambda **_: (_ for _ in ()).throw(error))
    assert typed("run").status == status


def test_a_defect_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(main.simulator, "main", lambda **_: dict[str, int]()["defect"])
    with pytest.raises(KeyError, match="defect"):
        typed("run")
