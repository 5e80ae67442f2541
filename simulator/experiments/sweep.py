"""Sweeps: one or two settings over their values, every point with all replications, resumable."""

from collections.abc import Sequence
from pathlib import Path

from simulator.analysis.sweeps import Point, Sweep
from simulator.experiments.answers import answer_of
from simulator.experiments.executors import Executor, Watch
from simulator.experiments.finished import Finished
from simulator.experiments.replications import replicate_all
from simulator.experiments.vary import Vary
from simulator.scenario.problems import Problem, ScenarioError, nearest_or_known, shown
from simulator.scenario.schema import Scenario

Points = Sequence[tuple[tuple[str, ...], Scenario]]


def sweep(
    points: Points,
    varied: Sequence[Vary],
    *,
    replications: int,
    seed: int | None,
    executor: Executor,
    metric: str | None = None,
    progress: Watch | None = None,
    finished: Finished | None = None,
) -> Sweep:
    """Run every point *replications* times, all in one pool; replication i of each meets the same messages.

    Parameters
    ----------
    points : sequence of (values, Scenario)
        As `vary.scenarios` loads them.
    metric : str, optional
        Key of the number that the curve is of; without it the headline: the first threshold's, else p99.
    finished : Finished, optional
        What earlier, interrupted sweeps have left.

    Raises
    ------
    ScenarioError
        There is no such metric.
    """
    experiments = replicate_all(
        [scenario for _, scenario in points],
        replications=replications,
        seed=seed,
        executor=executor,
        progress=progress,
        finished=finished,
    )
    answers = [answer_of(one) for one in experiments]
    key = metric or answers[0].setting.headline
    known = dict.fromkeys(name for answer in answers for name in answer.estimates)
    if key not in known:
        message = f"is {shown(key)}; {nearest_or_known(key, known)}"
        raise ScenarioError([Problem("--metric", 0, "", message)])
    made = (Point(values, answer) for (values, _), answer in zip(points, answers, strict=True))
    return Sweep(tuple(one.path for one in varied), key, tuple(made))


def work_area(out: Path) -> Path:
    """The folder beside a report's that keeps what is finished until the report is written."""
    return out.with_name(f".{out.name}.work")
