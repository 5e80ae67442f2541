"""``simulator compare``: the same messages through several settings."""

from pathlib import Path
from typing import Any

import click

from simulator.cli.options import scenario_file, simulating
from simulator.cli.reports import Options, simulate_and_report


@click.command()
@click.argument("scenarios", type=scenario_file, nargs=-1, required=True)
@simulating
def compare(scenarios: tuple[Path, ...], **typed: Any) -> int:
    """Simulate the variants of a scenario, or several scenarios, and say what differs.

    The first is the base. Replication i of each meets the same messages, so that differences are the
    setting's: they are taken run by run. Seed, replications and report folder are the base's.
    """
    from simulator.experiments.compare import sides

    options = Options(**typed)
    return simulate_and_report(sides(scenarios, options.sets), options)
