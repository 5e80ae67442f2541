"""``simulator plan``: what will be simulated, and what formulas say of it, without a run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.main import ExitStatus
from simulator.cli.options import scenario_file

if TYPE_CHECKING:
    from simulator.experiments.plan import Plan, Section


@click.command()
@click.argument("scenario", type=scenario_file)
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Put VALUE at PATH; may be repeated."
)
@click.option("--seed", type=int, help="Replace the scenario's seed.")
@click.option("--replications", type=click.IntRange(1, 10_000), help="Replace the scenario's replications.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json", "md"]), default="table", show_default=True,
    help="How the result is printed.",
)  # fmt: skip
def plan(
    scenario: Path, sets: tuple[str, ...], seed: int | None, replications: int | None, output: str
) -> int:
    """Say what will be simulated, and what closed forms say of it, without a run.

    Traffic, utilisation, waits, ramps, retries, drains, limits, and what may be regretted.
    """
    from simulator.experiments.plan import plan as made
    from simulator.scenario import load

    loaded = load(scenario, sets=sets)
    found = made(
        loaded,
        replications=replications or loaded.replications,
        seed=loaded.seed if seed is None else seed,
    )
    if output == "json":
        click.echo(json.dumps(_data(found), indent=2))
    else:
        lines = _markdown(found) if output == "md" else _table(found)
        click.echo("\n".join(lines))
    return ExitStatus.HOLDS


def _data(found: "Plan") -> dict[str, object]:
    return {
        "scenario": found.name,
        "question": found.question,
        "sections": [section._asdict() for section in found.sections],
        "warnings": list(found.warnings),
    }


def _table(found: "Plan") -> Iterator[str]:
    yield f"{found.name}: {found.question}" if found.question else found.name
    for warning in found.warnings:
        yield f"warning: {warning}"
    for section in found.sections:
        yield ""
        yield section.title
        rows = _turned(section)
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        for row in rows:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  " + "  ".join(padded).rstrip()


def _turned(section: "Section") -> list[list[str]]:
    """Rows for a screen: a wide table has its columns below each other."""
    if len(section.columns) <= 5:
        heads = [] if section.columns[0] in ("what", "name") else [list(section.columns)]
        return [*heads, *(list(row) for row in section.rows)]
    return [list(column) for column in zip(section.columns, *section.rows, strict=True)]


def _markdown(found: "Plan") -> Iterator[str]:
    yield f"# Plan of {found.name}"
    if found.question:
        yield ""
        yield f"Asked: {found.question}"
    if found.warnings:
        yield ""
        yield from (f"- warning: {warning}" for warning in found.warnings)
    for section in found.sections:
        yield ""
        yield f"## {section.title}"
        yield ""
        yield "| " + " | ".join(section.columns) + " |"
        yield "|" + " --- |" * len(section.columns)
        yield from ("| " + " | ".join(row) + " |" for row in section.rows)
