"""From loaded scenarios to a printed answer and a written report: what ``run`` and ``compare`` share."""

import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
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
    rows: Literal["none", "first", "all"]
    quiet: bool

    def executor(self) -> "Executor":
        """Where runs are carried out."""
        from simulator.experiments.executors import Local, cores

        return Local(self.jobs or cores())

    def say(self, line: str) -> None:
        """Tell a person something beside the result, unless they asked for quiet."""
        if not self.quiet:
            click.echo(line, err=True)


def simulate_and_report(scenarios: Sequence["Scenario"], options: Options) -> ExitStatus:
    """Run all replications of *scenarios* (the base first), write their report, print the answer.

    Returns what the thresholds of all of them make of the exit status.
    """
    from simulator.experiments.answers import answers_of
    from simulator.reporting import prepare, write

    out = options.out or Path("reports") / scenarios[0].name
    try:
        prepare(out)
        rows_aside = tempfile.TemporaryDirectory(prefix=f".{out.name}.rows-", dir=out.resolve().parent)
    except OSError as error:
        raise click.BadParameter(f"{out} cannot be written: {error.strerror}", param_hint="--out") from None
    with rows_aside as aside:
        for note in _notes(scenarios):
            options.say(note)
        sides = [Path(aside) / f"side-{number}" for number in range(len(scenarios))]
        experiments = _simulate(scenarios, options, sides)
        answers = answers_of(experiments)
        rows = None if options.rows == "none" else _together(sides, answers)
        written = write(answers, out, rows=rows, manifest=_manifest(experiments))
    # A person reads the paths as they typed the folder.
    written = [
        out / path.relative_to(out.resolve()) if path.is_relative_to(out.resolve()) else path
        for path in written
    ]
    click.echo(_printed(answers, out, written, options.output), nl=False)
    return _status(answers)


def _notes(scenarios: Sequence["Scenario"]) -> list[str]:
    """What a scenario's author may regret, each thing once."""
    from simulator.scenario.lint import lint

    return list(dict.fromkeys(str(note) for scenario in scenarios for note in lint(scenario)))


def _simulate(scenarios: Sequence["Scenario"], options: Options, rows: Sequence[Path]) -> list["Experiment"]:
    from simulator.experiments.replications import replicate_all

    replications = options.replications or scenarios[0].replications
    durations = [scenario.duration for scenario in scenarios for _ in range(replications)]
    with Progress(durations, quiet=options.quiet) as progress:
        return replicate_all(
            scenarios,
            replications=replications,
            seed=options.seed,
            executor=options.executor(),
            rows_folders=rows,
            rows=options.rows,
            progress=progress,
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
    versions = {"simulator": __version__, "python": ".".join(platform.python_version_tuple()[:2])}
    sides = [
        {
            "variant": one.scenario.variant,
            "scenario": one.scenario.dump(),
            "assumptions": list(one.assumptions),
        }
        for one in experiments
    ]
    return {
        "seed": base.seed,
        "replications": len(base.runs),
        "rules": base.scenario.rules_name,
        "versions": versions | {name: version(name) for name in DEPENDENCIES},
        **sides[0],
        **({"compared": sides[1:]} if len(sides) > 1 else {}),
    }


def _printed(answers: Sequence["Answer"], out: Path, written: Sequence[Path], output: str) -> str:
    """Return the result as it was asked for; JSON and Markdown are those of the report."""
    from simulator.reporting import summary

    if output == "table":
        return summary.as_text(answers, written)
    if output == "csv":
        return summary.as_csv(answers)
    return (out / f"summary.{output}").read_text(encoding="utf-8")


def _status(answers: Sequence["Answer"]) -> ExitStatus:
    from simulator.analysis.answer import Verdict

    verdicts = {result.verdict for one in answers for result in one.thresholds}
    return ExitStatus.HOLDS if verdicts <= {Verdict.HOLDS} else ExitStatus.CROSSED
