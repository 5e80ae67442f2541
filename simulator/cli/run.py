"""``simulator run``: one scenario, one answer."""

from pathlib import Path
from typing import Any

import click

from simulator.cli.options import scenario_file, simulating
from simulator.cli.reports import Options, simulate_and_report


@click.command()
@click.argument("scenario", type=scenario_file)
@simulating
def run(scenario: Path, **typed: Any) -> int:
    """Simulate a scenario and write its report.

    Of a scenario with variants this is the base; `simulator compare` runs them all.
    """
    from simulator.scenario import load

    options = Options(**typed)
    base = load(scenario, sets=options.sets)
    if base.variants:
        names = ", ".join(base.variants)
        options.say(f"this is the base; variants {names} are run by: simulator compare {scenario}")
    return simulate_and_report([base], options)
