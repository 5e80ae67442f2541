"""Many runs of one scenario, or of several side by side: each reduced where it runs, partials sent back."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simulator.analysis.partial import Frame, Partial
from simulator.analysis.reduce import Reducer
from simulator.analysis.window import frame_of
from simulator.engine import Run, simulate, things_of
from simulator.experiments.executors import Report, Watch, carry_out
from simulator.recording.recorder import Sink
from simulator.scenario.schema import Scenario

Rows = Literal["none", "first", "all"]
"""Of which replications the rows are kept."""


@dataclass(frozen=True)
class Experiment:
    """What came of all runs of one scenario, in the order of replications.

    ``rows`` is the folder that the kept rows are in; None if none are kept.
    """

    scenario: Scenario
    seed: int
    frame: Frame
    partials: tuple[Partial, ...]
    runs: tuple[Run, ...]
    rows: Path | None

    @property
    def taken(self) -> tuple[str, ...]:
        """Names of the rules that any run took, in the order of the first that did."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run.taken))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the runs assumed by taking values that AWS itself does not state."""
        words = (self.scenario.rules.assumption(name) for name in self.taken)
        return tuple(word for word in words if word)


@dataclass(frozen=True)
class Errand:
    """One run to be carried out somewhere: ``rows`` is the folder for its rows, if they are kept."""

    scenario: Scenario
    seed: int
    replication: int
    rows: Path | None

    @property
    def name(self) -> str:
        """What it is, in words."""
        variant = f" ({self.scenario.variant})" if self.scenario.variant else ""
        return f"{self.scenario.name}{variant}, replication {self.replication}"


def replicate(
    scenario: Scenario,
    *,
    replications: int,
    seed: int,
    jobs: int,
    rows_folder: Path | None = None,
    rows: Rows = "first",
    progress: Watch | None = None,
) -> Experiment:
    """Run *scenario* *replications* times, *jobs* at a time; see `replicate_all`."""
    return replicate_all(
        [scenario],
        replications=replications,
        seed=seed,
        jobs=jobs,
        rows_folders=[rows_folder],
        rows=rows,
        progress=progress,
    )[0]


def replicate_all(
    scenarios: Sequence[Scenario],
    *,
    replications: int,
    seed: int | None = None,
    jobs: int,
    rows_folders: Iterable[Path | None],
    rows: Rows = "first",
    progress: Watch | None = None,
) -> list[Experiment]:
    """Run every scenario *replications* times, all runs together *jobs* at a time.

    Replication i of each scenario has the same stream keys, so that scenarios can be compared run by run.

    Parameters
    ----------
    seed : int, optional
        In place of the first scenario's own.
    rows_folders : iterable of Path or None
        Where each scenario's kept rows go; those of replication i above 0 into ``replication-i`` there.
    progress : callable, optional
        Told how far all runs are, now and then.
    """
    seed = scenarios[0].seed if seed is None else seed
    folders = [folder if rows != "none" else None for folder in rows_folders]
    errands = [
        Errand(scenario, seed, replication, _folder_of(folder, replication, rows))
        for scenario, folder in zip(scenarios, folders, strict=True)
        for replication in range(replications)
    ]
    results = carry_out(carry_out_one, errands, jobs=jobs, watch=progress)
    return [
        Experiment(
            scenario,
            seed,
            frame_of(scenario, things_of(scenario)),
            tuple(partial for partial, _ in results[first : first + replications]),
            tuple(run for _, run in results[first : first + replications]),
            folder,
        )
        for scenario, folder, first in zip(
            scenarios, folders, range(0, len(results), replications), strict=True
        )
    ]


def carry_out_one(errand: Errand, report: Report) -> tuple[Partial, Run]:
    """Run one replication and reduce its rows on the spot; importable by name, for workers."""
    frame = frame_of(errand.scenario, things_of(errand.scenario))
    reducer = Reducer(frame)
    with contextlib.ExitStack() as stack:
        sink: Sink = reducer
        if errand.rows is not None:
            # Only replications whose rows are kept pay for loading pyarrow.
            from simulator.recording.parquet import ParquetRows, Tee

            errand.rows.mkdir(parents=True, exist_ok=True)
            sink = Tee(reducer, stack.enter_context(ParquetRows(errand.rows, frame.things)))
        run = simulate(
            errand.scenario, seed=errand.seed, replication=errand.replication, sink=sink, progress=report
        )
    report(max(run.end_at, frame.duration_us), run.messages)
    return reducer.partial(), run


def _folder_of(folder: Path | None, replication: int, rows: Rows) -> Path | None:
    if folder is None or replication == 0:
        return folder
    return folder / f"replication-{replication}" if rows == "all" else None
