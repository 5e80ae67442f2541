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
        "--executor",
        "place",
        type=click.Choice(["local", "dask"]),
        default="local",
        show_default=True,
        help="Where runs are carried out: this machine, or a Dask cluster; the bytes are the same.",
    ),
    click.option("--scheduler", metavar="ADDRESS", help="Of the Dask cluster, as tcp://10.0.0.5:8786."),
    click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "md", "csv"]),
        default="table",
        show_default=True,
        help="How the result is printed.",
    ),
    click.option("--quiet", is_flag=True, help="No progress and no warnings on stderr."),
)


_ROWS = click.option(
    "--rows",
    type=click.Choice(["none", "first", "all"]),
    default="first",
    show_default=True,
    help="Of which replications every message's rows are kept as Parquet.",
)


def _share(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """Read a share as scenarios write it."""
    if text is None:
        return None
    from pydantic_core import PydanticCustomError

    from simulator.scenario.problems import findings_of
    from simulator.scenario.units import SHARE

    try:
        share = float(SHARE.parse(text))
    except PydanticCustomError as error:
        raise click.BadParameter(findings_of(error)[0].message, context, option) from None
    if not 0.001 <= share <= 1:
        raise click.BadParameter(f"is {text}; allowed: 0.1% to 100%", context, option)
    return share


_PRECISION = (
    click.option(
        "--precision",
        callback=_share,
        metavar="SHARE",
        help="Add replications until the half-width of every headline number is that share of it, as 5%.",
    ),
    click.option(
        "--most-replications",
        type=click.IntRange(10, 10_000),
        default=200,
        show_default=True,
        help="Runs that --precision may take.",
    ),
)


def simulating(command: Command) -> Command:
    """Add the options of commands whose report has rows of runs."""
    for option in reversed(_PRECISION):
        command = option(command)
    return experimenting(_ROWS(command))


def experimenting(command: Command) -> Command:
    """Add the options of commands that simulate."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
