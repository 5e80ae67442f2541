"""From loaded scenarios to a printed answer and a written report: what ``run`` and ``compare`` share."""

import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from simulator import __version__
from simulator.cli.main import ExitStatus
from simulator.cli.progress import Progress

if TYPE_CHECKING:
    from simulator.analysis.answer import Answer
    from simulator.experiments.executors import Executor
    from simulator.experiments.replications import Experiment
    from simulator.scenario import Scenario

DEPENDENCIES: Final = ("matplotlib", "numpy", "pandas", "pyarrow", "scipy", "simpy")
"""Packages whose version can change a byte of a report."""


@dataclass(frozen=True)
class Options:
    """What was typed for all commands that simulate."""

    sets: tuple[str, ...]
    out: Path | None
    seed: int | None
    replications: int | None
    jobs: int | None
    output: Literal["table", "json", "md", "csv"]
    quiet: bool
    rows: Literal["none", "first", "all"] = "none"
    place: Literal["local", "dask"] = "local"
    scheduler: str | None = None
    precision: float | None = None
    most_replications: int = 200

    def folder(self, name: str) -> Path:
        """The report folder: what was typed, else *name* among the reports."""
        return self.out or Path("reports") / name

    def executor(self) -> "Executor":
        """Where runs are carried out."""
        from simulator.experiments.executors import Local, cores

        if self.place == "dask":
            return self._cluster()
        if self.scheduler:
            raise click.UsageError("--scheduler needs --executor dask")
        return Local(self.jobs or cores())

    def _cluster(self) -> "Executor":
        if not self.scheduler:
            raise click.UsageError("--executor dask needs --scheduler ADDRESS, as tcp://10.0.0.5:8786")
        if self.jobs:
            raise click.UsageError("--jobs is for this machine; a cluster does what it has threads for")
        if find_spec("distributed") is None:
            raise click.UsageError("Dask is not installed: pip install 'simulator[cluster]'")
        from simulator.experiments.dask_cluster import Dask

        return Dask(self.scheduler)

    def say(self, line: str) -> None:
        """Tell a person something beside the result, unless they asked for quiet."""
        if not self.quiet:
            click.echo(line, err=True)


def simulate_and_report(scenarios: Sequence["Scenario"], options: Options) -> ExitStatus:
    """Run all replications of *scenarios* (the base first), write their report, print the answer.

    Returns what the thresholds of all of them make of the exit status.
    """
    from simulator.reporting import prepare, write

    out = options.folder(scenarios[0].name)
    try:
        prepare(out)
        rows_aside = tempfile.TemporaryDirectory(prefix=f".{out.name}.rows-", dir=out.resolve().parent)
    except OSError as error:
        raise click.BadParameter(f"{out} cannot be written: {error.strerror}", param_hint="--out") from None
    with rows_aside as aside:
        for note in _notes(scenarios):
            options.say(note)
        sides = [Path(aside) / f"side-{number}" for number in range(len(scenarios))]
        experiments, answers = _simulate(scenarios, options, sides)
        rows = None if options.rows == "none" else _together(sides, answers)
        written = write(answers, out, rows=rows, manifest=_manifest(experiments))
    click.echo(_printed(answers, out, typed_paths(written, out), options.output), nl=False)
    return _status(answers)


def typed_paths(written: Sequence[Path], out: Path) -> list[Path]:
    """Give paths as a person typed their folder *out*."""
    real = out.resolve()
    return [out / path.relative_to(real) if path.is_relative_to(real) else path for path in written]


def _notes(scenarios: Sequence["Scenario"]) -> list[str]:
    """What a scenario's author may regret, each thing once."""
    from simulator.scenario.lint import lint

    return list(dict.fromkeys(str(note) for scenario in scenarios for note in lint(scenario)))


def _simulate(
    scenarios: Sequence["Scenario"], options: Options, rows: Sequence[Path]
) -> tuple[list["Experiment"], list["Answer"]]:
    from simulator.experiments.answers import answers_of
    from simulator.experiments.precision import Wanted, headline_keys, until_precise
    from simulator.experiments.replications import replicate_all

    def carry_out(first: int, replications: int) -> list["Experiment"]:
        durations = [scenario.duration for scenario in scenarios for _ in range(replications)]
        with Progress(durations, quiet=options.quiet) as progress:
            return replicate_all(
                scenarios,
                replications=replications,
                first=first,
                seed=options.seed,
                executor=options.executor(),
                rows_folders=rows,
                rows=options.rows,
                progress=progress,
            )

    replications = options.replications or scenarios[0].replications
    if options.precision is None:
        experiments = carry_out(0, replications)
        return experiments, answers_of(experiments)
    names = ", ".join(headline_keys(scenarios[0]))
    options.say(f"until the half-widths of {names} are {100 * options.precision:.3g}% of their means")
    return until_precise(
        carry_out, scenarios, Wanted(options.precision, options.most_replications), replications
    )


def _together(sides: Sequence[Path], answers: Sequence["Answer"]) -> Path:
    """Put the rows of all sides where their part of the report goes: the base's on top, others below."""
    from simulator.reporting.comparison import folder_names

    for side, name in zip(sides[1:], folder_names(answers[1:]), strict=True):
        side.rename(sides[0] / name)
    return sides[0]


def _manifest(experiments: Sequence["Experiment"]) -> dict[str, Any]:
    """Say what a report was made from; nothing in it depends on the machine or the day."""
    base = experiments[0]
    sides = [
        {
            "variant": one.scenario.variant,
            "scenario": one.scenario.dump(),
            "assumptions": list(one.assumptions),
        }
        for one in experiments
    ]
    return {
        **made_by(base.scenario, base.seed, len(base.runs)),
        **sides[0],
        **({"compared": sides[1:]} if len(sides) > 1 else {}),
    }


def made_by(scenario: "Scenario", seed: int, replications: int) -> dict[str, Any]:
    """Say by which runs, rules and versions a report was made."""
    versions = {"simulator": __version__, "python": ".".join(platform.python_version_tuple()[:2])}
    return {
        "seed": seed,
        "replications": replications,
        "rules": scenario.rules_name,
        "versions": versions | {name: version(name) for name in DEPENDENCIES},
    }


def _printed(answers: Sequence["Answer"], out: Path, written: Sequence[Path], output: str) -> str:
    """Return the result as it was asked for; JSON and one scenario's Markdown are those of the report."""
    from simulator.reporting import summary, trade

    if output == "md" and len(answers) > 1:
        return trade.pull_request(answers)
    if output == "table":
        return summary.as_text(answers, written)
    if output == "csv":
        return summary.as_csv(answers)
    return (out / f"summary.{output}").read_text(encoding="utf-8")


def _status(answers: Sequence["Answer"]) -> ExitStatus:
    from simulator.analysis.answer import Verdict

    verdicts = {result.verdict for one in answers for result in one.thresholds}
    return ExitStatus.HOLDS if verdicts <= {Verdict.HOLDS} else ExitStatus.CROSSED
