"""The command ``simulator``: its subcommands, and the one place that decides an exit status."""

import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NoReturn

import click

from simulator import __version__

COMMANDS: Final = {
    "run": "Simulate a scenario and write its report.",
    "compare": "Simulate the variants of a scenario, or several scenarios, and say what differs.",
    "sweep": "Try a setting with several values: the first that holds, and what the next one buys.",
    "size": "Find the smallest value of a setting that keeps every promise with 95% confidence.",
    "plan": "Say what will be simulated, and what closed forms say of it, without a run.",
    "drain": "Say when a backlog is gone, with a range, or what is missing; in under two seconds.",
    "validate": "Check scenarios without running them.",
    "scenarios": "List what there is to run, and the question each answers.",
    "explain": "Tell one message's life, and what would have avoided how it ended.",
    "script": "Make timed API calls and print what AWS would answer, and when.",
    "filter": "Say whether a message passes a filter, and which key decides.",
    "schema": "Print what a scenario may say, as JSON Schema or as a page.",
}


class ExitStatus(IntEnum):
    """How the command ends, in k6's numbers."""

    HOLDS = 0
    """all thresholds hold, or there are none"""
    BUG = 1
    """a defect of the simulator, with its traceback; or a machine that fails it"""
    BAD_INPUT = 2
    """what was typed cannot be run; nothing was written"""
    CROSSED = 99
    """a threshold is crossed or undecided"""
    INTERRUPTED = 130
    """Ctrl-C"""


class LazyGroup(click.Group):
    """Imports a subcommand when it is asked for: ``--help`` needs neither pandas nor matplotlib."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a working day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module named as the command, which holds a function of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"simulator.cli.{cmd_name}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by the lines above, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="simulator")
def simulator() -> None:
    """Simulate AWS messaging: backlog, latency, duplicates and losses, with their uncertainty.

    Exit status: 0 all thresholds hold, 99 one is crossed or undecided, 2 bad input, 130 interrupted,
    1 a bug with its traceback.
    """


MISTAKES: Final = {
    "simulator.scenario.problems": "ScenarioError",
    "simulator.reporting.folder": "NotAReport",
    "simulator.experiments.dask_cluster": "ClusterError",
}
"""Errors that are the user's to mend, by their module."""
FAILURES: Final = {"simulator.experiments.executors": "WorkerDied"}
"""Errors that say all there is to say without a traceback, and are nobody's typing."""


def _loaded(errors: Mapping[str, str]) -> tuple[type[Exception], ...]:
    """Return those of *errors* that can have been raised: a module that is not loaded raises none."""
    return tuple(
        getattr(sys.modules[module], name) for module, name in errors.items() if module in sys.modules
    )


def exit_status(arguments: Sequence[str] | None = None) -> int:
    """Carry out *arguments* (those of the process unless given) and return the exit status."""
    try:
        answer = simulator.main(args=arguments, prog_name="simulator", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return ExitStatus.BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has seen enough; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.BUG
    except OSError as error:
        click.echo(f"simulator: cannot write: {error}", err=True)
        return ExitStatus.BAD_INPUT
    except _loaded(MISTAKES) as error:
        click.echo(str(error), err=True)
        return ExitStatus.BAD_INPUT
    except _loaded(FAILURES) as error:
        click.echo(f"simulator: {error}", err=True)
        return ExitStatus.BUG
    return answer if isinstance(answer, int) else ExitStatus.HOLDS


def main() -> NoReturn:
    """Be the console script: an uncaught error keeps its traceback and exits with 1.

    A polite end from outside (``kill``, ``timeout``) is an interrupt: no worker or half report stays.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(exit_status())
