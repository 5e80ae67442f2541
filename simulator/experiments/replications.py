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
from simulator.experiments.errands import Errand, digest_of
from simulator.experiments.executors import Executor, Report, Standing, Watch
from simulator.experiments.finished import Finished
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


def replicate(
    scenario: Scenario,
    *,
    replications: int,
    seed: int,
    executor: Executor,
    rows_folder: Path | None = None,
    rows: Rows = "first",
    progress: Watch | None = None,
) -> Experiment:
    """Run *scenario* *replications* times on *executor*; see `replicate_all`."""
    return replicate_all(
        [scenario],
        replications=replications,
        seed=seed,
        executor=executor,
        rows_folders=[rows_folder],
        rows=rows,
        progress=progress,
    )[0]


def replicate_all(
    scenarios: Sequence[Scenario],
    *,
    replications: int,
    first: int = 0,
    seed: int | None = None,
    executor: Executor,
    rows_folders: Iterable[Path | None] | None = None,
    rows: Rows = "first",
    progress: Watch | None = None,
    finished: Finished | None = None,
) -> list[Experiment]:
    """Run every scenario *replications* times, all runs together on *executor*.

    Replication i of each scenario has the same stream keys, so that scenarios can be compared run by run.

    Parameters
    ----------
    first : int
        Number of the first replication: above 0, more runs beside earlier ones.
    seed : int, optional
        In place of the first scenario's own.
    rows_folders : iterable of Path or None, optional
        Where each scenario's kept rows go; those of replication i above 0 into ``replication-i`` there.
        No rows are kept without.
    progress : callable, optional
        Told how far all runs are, now and then.
    finished : Finished, optional
        Runs that ended earlier are taken from it, and those that end now are put there.
    """
    seed = scenarios[0].seed if seed is None else seed
    given = [None] * len(scenarios) if rows_folders is None else list(rows_folders)
    folders = [folder if rows != "none" else None for folder in given]
    digests = ["" if finished is None else digest_of(scenario) for scenario in scenarios]
    errands = [
        Errand(scenario, seed, replication, _folder_of(folder, replication, rows), digest)
        for scenario, folder, digest in zip(scenarios, folders, digests, strict=True)
        for replication in range(first, first + replications)
    ]
    results = _carry_out(errands, executor, progress, finished)
    return [
        Experiment(
            scenario,
            seed,
            frame_of(scenario, things_of(scenario)),
            tuple(partial for partial, _ in results[start : start + replications]),
            tuple(run for _, run in results[start : start + replications]),
            folder,
        )
        for scenario, folder, start in zip(
            scenarios, folders, range(0, len(results), replications), strict=True
        )
    ]


def _carry_out(
    errands: Sequence[Errand], executor: Executor, progress: Watch | None, finished: Finished | None
) -> list[tuple[Partial, Run]]:
    """Results of *errands* in their order; only what is not finished yet is carried out."""
    found = [None if finished is None else finished.get(errand) for errand in errands]
    left = [place for place, result in enumerate(found) if result is None]
    if not left:
        return [result for result in found if result is not None]

    def keep(run: int, result: tuple[Partial, Run]) -> None:
        if finished is not None:
            finished.put(errands[left[run]], result)

    def watch(standing: Standing) -> None:
        """What is finished already stands with what is under way."""
        if progress is not None:
            at = [errand.scenario.duration for errand in errands]
            for place, instant in zip(left, standing.simulated_at, strict=True):
                at[place] = instant
            done = standing.finished + len(errands) - len(left)
            progress(Standing(tuple(at), standing.messages, done))

    now = executor.carry_out(carry_out_one, [errands[place] for place in left], watch=watch, keep=keep)
    for place, result in zip(left, now, strict=True):
        found[place] = result
    return [result for result in found if result is not None]


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
