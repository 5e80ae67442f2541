"""``simulator validate``: everything that is wrong with scenarios, without running them."""

from pathlib import Path

import click

from simulator.cli.main import ExitStatus
from simulator.cli.options import scenario_file


@click.command()
@click.argument("scenarios", type=scenario_file, nargs=-1, required=True)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="PATH=VALUE",
    help="Put VALUE at PATH of every scenario; may be repeated.",
)
@click.option("--quiet", is_flag=True, help="Errors only.")
def validate(scenarios: tuple[Path, ...], sets: tuple[str, ...], quiet: bool) -> int:
    """Check scenarios without running them.

    What cannot be run is an error (exit status 2). What AWS accepts and people regret is a warning.
    """
    from simulator.scenario import ScenarioError, load
    from simulator.scenario.lint import lint

    status = ExitStatus.HOLDS
    for path in scenarios:
        try:
            loaded = load(path, sets=sets)
        except ScenarioError as error:
            click.echo(str(error), err=True)
            status = ExitStatus.BAD_INPUT
            continue
        notes = lint(loaded)
        if not quiet:
            for note in notes:
                click.echo(str(note))
            count = len(loaded.variants)
            variants = f", {count} variant{'' if count == 1 else 's'}" if count else ""
            warnings = f"{len(notes)} warning{'' if len(notes) == 1 else 's'}" if notes else "no warnings"
            click.echo(f"{path}: can be run{variants}, {warnings}")
    return status
