"""``simulator size``: the smallest value of a setting that keeps every promise."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.options import experimenting, scenario_file
from simulator.cli.reports import Options, made_by, typed_paths

if TYPE_CHECKING:
    from simulator.analysis.sweeps import Point
    from simulator.scenario import Scenario


@click.command()
@click.argument("scenario", type=scenario_file)
@click.option(
    "--find",
    required=True,
    metavar="PATH=LOW..HIGH",
    help="A setting and the values to search, as after `sweep --vary`: PATH=1..200 or PATH=10s..60s:10s.",
)
@click.option(
    "--such-that",
    "promises",
    multiple=True,
    metavar="THRESHOLD",
    help="What must hold, in place of the scenario's own thresholds; may be repeated.",
)
@click.option("--largest", is_flag=True, help="Find the largest that holds: more is harder, as of a rate.")
@experimenting
def size(scenario: Path, find: str, promises: tuple[str, ...], largest: bool, **typed: Any) -> int:
    """Find the smallest value of a setting that keeps every promise with 95% confidence.

    A first guess comes from Little's law and Erlang C, bisection does the rest; the value found must hold
    once more in runs of its own. Status 0 if one is found, else 99.
    """
    from simulator.cli.main import ExitStatus
    from simulator.experiments.size import size as search
    from simulator.experiments.vary import parse
    from simulator.reporting import prepare
    from simulator.reporting import sizing_pages as pages
    from simulator.scenario import load

    options = Options(**typed)
    asked = parse(find, "--find")
    values = asked.values[::-1] if largest else asked.values
    sets = [*options.sets, *([f"thresholds={json.dumps(list(promises))}"] if promises else [])]

    @cache
    def loaded(value: str) -> "Scenario":
        return load(scenario, sets=[*sets, f"{asked.path}={value}"])

    base = loaded(values[0])
    loaded(values[-1])
    if not base.thresholds:
        raise click.UsageError(
            "there is no promise to keep: the scenario has no thresholds; write --such-that 'wait.p95 < 30s'"
        )
    out = options.folder(f"{base.name}-size")
    prepare(out)

    def told(point: "Point") -> None:
        options.say(f"{point.values[0]}: {point.verdict.value} ({point.answer.setting.replications} runs)")

    replications = options.replications or base.replications
    found = search(
        asked.path,
        values,
        loaded,
        replications=replications,
        seed=options.seed,
        executor=options.executor(),
        told=told,
    )
    seed = found.looked[0].answer.setting.seed
    manifest = made_by(base, seed, replications) | {
        "scenario": base.dump(),
        "find": {asked.path: list(values)},
    }
    written = typed_paths(pages.write(found, out, manifest, largest=largest), out)
    if options.output == "table":
        click.echo(pages.as_text(found, largest, written), nl=False)
    else:
        name = {"json": "summary.json", "md": "summary.md", "csv": "size.csv"}[options.output]
        click.echo((out / name).read_text(encoding="utf-8"), nl=False)
    return ExitStatus.CROSSED if found.found is None else ExitStatus.HOLDS
