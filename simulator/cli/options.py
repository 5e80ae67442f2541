"""Options that several commands share, in the words of k6, terraform and kubectl."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

scenario_file = click.Path(path_type=Path)
"""A scenario that cannot be read is reported as all other problems of it are: click only parses."""

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="PATH=VALUE",
        help="Put VALUE at PATH, as in queues.orders.visibility_timeout=30s; may be repeated.",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="The report folder itself.  [default: reports/<scenario>]",
    ),
    click.option("--seed", type=int, help="Replace the scenario's seed."),
    click.option(
        "--replications", type=click.IntRange(1, 10_000), help="Replace the scenario's replications."
    ),
    click.option(
        "--jobs", type=click.IntRange(1), help="Runs at once; the bytes are the same.  [default: all cores]"
    ),
    click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "md", "csv"]),
        default="table",
        show_default=True,
        help="How the result is printed.",
    ),
    click.option(
        "--rows",
        type=click.Choice(["none", "first", "all"]),
        default="first",
        show_default=True,
        help="Of which replications every message's rows are kept as Parquet.",
    ),
    click.option("--quiet", is_flag=True, help="No progress and no warnings on stderr."),
)


def simulating(command: Command) -> Command:
    """Add the options of commands that simulate."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
