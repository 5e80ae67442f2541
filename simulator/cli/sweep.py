"""``simulator sweep``: one or two settings over lists or ranges of values."""

from pathlib import Path
from typing import Any

import click

from simulator.cli.options import experimenting, scenario_file
from simulator.cli.reports import Options, made_by, typed_paths


@click.command()
@click.argument("scenario", type=scenario_file)
@click.option(
    "--vary",
    "varied",
    multiple=True,
    required=True,
    metavar="PATH=VALUES",
    help="A setting and its values: PATH=2..16, PATH=10s..60s:10s or PATH=a,b,c; once or twice.",
)
@click.option("--metric", metavar="KEY", help="Key of the number to draw.  [default: the first threshold's]")
@experimenting
def sweep(scenario: Path, varied: tuple[str, ...], metric: str | None, **typed: Any) -> int:
    """Try a setting with several values: the first that holds, and what the next one buys.

    Every value meets the same messages. What is finished stays finished: after an interruption the same
    command goes on from there.
    """
    from simulator.cli.main import ExitStatus
    from simulator.cli.progress import Progress
    from simulator.experiments.finished import Finished
    from simulator.experiments.sweep import sweep as carry_out
    from simulator.experiments.sweep import work_area
    from simulator.experiments.vary import parse, scenarios
    from simulator.reporting import prepare, sweep_pages

    options = Options(**typed)
    if len(varied) > 2:
        raise click.UsageError("--vary is given more than twice; a curve has one setting, a map two")
    settings = [parse(text) for text in varied]
    points = scenarios(scenario, settings, options.sets)
    base = points[0][1]
    replications = options.replications or base.replications
    out = options.folder(f"{base.name}-sweep")
    prepare(out)
    finished = Finished(work_area(out))
    durations = [one.duration for _, one in points for _ in range(replications)]
    try:
        with Progress(durations, quiet=options.quiet) as progress:
            found = carry_out(
                points,
                settings,
                replications=replications,
                seed=options.seed,
                executor=options.executor(),
                metric=metric,
                progress=progress,
                finished=finished,
            )
    except KeyboardInterrupt:
        kept = f"{finished.count()} of {len(durations)} runs are kept in {finished.folder}"
        click.echo(f"{kept}; the same command goes on from there", err=True)
        raise
    seed = found.points[0].answer.setting.seed
    manifest = made_by(base, seed, replications) | {
        "scenario": base.dump(),
        "vary": {one.path: list(one.values) for one in settings},
    }
    written = typed_paths(sweep_pages.write(found, out, manifest), out)
    finished.clear()
    if options.output == "table":
        click.echo(sweep_pages.as_text(found, written), nl=False)
    else:
        name = {"json": "summary.json", "md": "summary.md", "csv": "sweep.csv"}[options.output]
        click.echo((out / name).read_text(encoding="utf-8"), nl=False)
    return ExitStatus.CROSSED if found.thresholds and found.chosen is None else ExitStatus.HOLDS
