"""Where runs are carried out: in this process, or on all cores; the same results in the same order."""

import signal
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

WATCH_S: Final = 0.1
"""How often the watcher hears of runs in other processes [s]."""

_AT, _MESSAGES, _STARTED, _FINISHED = range(4)


class Named(Protocol):
    """A piece of work; ``name`` is what a person is told when it fails."""

    @property
    def name(self) -> str:
        """What it is, in words."""


Task = TypeVar("Task", bound=Named)
Result = TypeVar("Result")
Report = Callable[[int, int], None]
"""Tells how far a run is: simulated instant [us], messages so far."""


class Standing(NamedTuple):
    """How far all runs are together."""

    simulated_at: tuple[int, ...]
    """instant each run has come to [us]"""
    messages: int
    """messages simulated so far, in all runs"""
    finished: int
    """runs that ended"""


Watch = Callable[[Standing], None]
Keep = Callable[[int, Any], None]
"""Told the result of a task, by its place in the tasks, as soon as it is there."""


class Executor(Protocol):
    """A place where runs are carried out; which one it is changes no byte of any result."""

    def carry_out(
        self,
        work: Callable[[Task, Report], Result],
        tasks: Sequence[Task],
        *,
        watch: Watch | None = None,
        keep: Keep | None = None,
    ) -> list[Result]:
        """Carry out *work* on every task and return the results in the order of *tasks*; see `carry_out`."""


@dataclass(frozen=True)
class Local:
    """This machine: ``jobs`` runs at once, each in a process of its own (one at a time: in this one)."""

    jobs: int

    def carry_out(
        self,
        work: Callable[[Task, Report], Result],
        tasks: Sequence[Task],
        *,
        watch: Watch | None = None,
        keep: Keep | None = None,
    ) -> list[Result]:
        """Carry out *work* on every task; see `carry_out`."""
        return carry_out(work, tasks, jobs=self.jobs, watch=watch, keep=keep)


class WorkerDied(RuntimeError):
    """A process was ended from outside, twice over the same run."""


class Board:
    """How far each run is, seen from another process: four whole numbers a run in a file that all map."""

    def __init__(self, path: Path, runs: int) -> None:
        self.path = path
        self._cells = np.memmap(path, np.int64, "r+" if path.exists() else "w+", shape=(runs, 4))

    def start(self, run: int) -> Report:
        """Mark *run* as started and return what tells how far it is."""
        cells = self._cells
        cells[run] = (0, 0, 1, 0)

        def report(at: int, messages: int) -> None:
            cells[run, _AT] = at
            cells[run, _MESSAGES] = messages

        return report

    def finish(self, run: int) -> None:
        """Mark *run* as ended."""
        self._cells[run, _FINISHED] = 1

    def forget(self, runs: Iterable[int]) -> None:
        """Take *runs* as never started: they are carried out again."""
        for run in runs:
            self._cells[run] = 0

    def running(self) -> list[int]:
        """Return the runs that started and did not end."""
        cells = self._cells
        return [int(run) for run in np.nonzero((cells[:, _STARTED] == 1) & (cells[:, _FINISHED] == 0))[0]]

    def standing(self) -> Standing:
        """Add up how far all are."""
        cells = self._cells
        messages, finished = int(cells[:, _MESSAGES].sum()), int(cells[:, _FINISHED].sum())
        return Standing(tuple(cells[:, _AT].tolist()), messages, finished)


def cores() -> int:
    """Return how many processes this machine lets us run at once (its cgroup and affinity counted)."""
    from loky import cpu_count

    return int(cpu_count())


def carry_out(
    work: Callable[[Task, Report], Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    watch: Watch | None = None,
    keep: Keep | None = None,
) -> list[Result]:
    """Carry out *work* on every task, *jobs* at a time, and return the results in the order of *tasks*.

    ``work(task, report)`` must be importable by name when *jobs* is above 1. An error of a task ends
    all and is raised here. A run whose process was ended from outside (as a system out of memory does)
    is tried once more, alone; when it dies again, `WorkerDied` names it: results are never fewer. *keep* is
    given each result as soon as it is there, so that an interruption loses only what is under way.
    """
    with tempfile.TemporaryDirectory(prefix="simulator-") as folder:
        board = Board(Path(folder) / "board", len(tasks))
        if min(jobs, len(tasks)) <= 1:
            return [
                _here(work, task, run, board, watch or _look_away, keep or _forget)
                for run, task in enumerate(tasks)
            ]
        crew = _Crew(work, tasks, board, watch or _look_away, keep or _forget)
        while left := [run for run in range(len(tasks)) if run not in crew.results]:
            for run in crew.work_on(left, jobs):
                if crew.work_on([run], 1):
                    raise WorkerDied(
                        f"the process of {tasks[run].name} was ended from outside, twice"
                        " (out of memory?); try --jobs 1"
                    )
        return [crew.results[run] for run in range(len(tasks))]


def _look_away(_: Standing) -> None:
    """Watch nothing."""


def _forget(_run: int, _result: object) -> None:
    """Keep nothing."""


def _here(
    work: Callable[[Task, Report], Result], task: Task, run: int, board: Board, watch: Watch, keep: Keep
) -> Result:
    """Carry out one task in this process."""
    tell = board.start(run)

    def report(at: int, messages: int) -> None:
        tell(at, messages)
        watch(board.standing())

    result = work(task, report)
    keep(run, result)
    board.finish(run)
    watch(board.standing())
    return result


class _Crew(Generic[Task, Result]):
    """Processes that carry out tasks; ``results`` are those that came back, by run."""

    def __init__(
        self,
        work: Callable[[Task, Report], Result],
        tasks: Sequence[Task],
        board: Board,
        watch: Watch,
        keep: Keep,
    ) -> None:
        self.work = work
        self.tasks = tasks
        self.board = board
        self.watch = watch
        self.keep = keep
        self.results: dict[int, Result] = {}

    def work_on(self, runs: Sequence[int], jobs: int) -> list[int]:
        """Carry out *runs*; return those that were under way when a process died (none: all are done)."""
        from loky import ProcessPoolExecutor

        self.board.forget(runs)
        executor = ProcessPoolExecutor(min(jobs, len(runs)), initializer=_leave_interrupts_to_the_parent)
        try:
            place = str(self.board.path)
            broken = self._collect(
                {
                    executor.submit(_in_worker, self.work, self.tasks[run], run, place, len(self.tasks)): run
                    for run in runs
                }
            )
        finally:
            executor.shutdown(wait=True, kill_workers=True)
        if broken is None:
            return []
        suspects = [run for run in self.board.running() if run not in self.results]
        if not suspects:
            raise WorkerDied("a process was ended from outside before it began; try --jobs 1") from broken
        return suspects

    def _collect(self, futures: Mapping[Future[Result], int]) -> BaseException | None:
        """Take in results until all are done; return the error of a process that died."""
        from loky.process_executor import BrokenProcessPool

        broken = None
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=WATCH_S, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is None:
                    run = futures[future]
                    self.results[run] = future.result()
                    self.keep(run, self.results[run])
                elif isinstance(error, BrokenProcessPool):
                    broken = error
                else:
                    raise error
            self.watch(self.board.standing())
        return broken


def _leave_interrupts_to_the_parent() -> None:
    """Ignore Ctrl-C in a worker: the terminal sends it to all, and the parent ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_worker(work: Callable[[Task, Report], Result], task: Task, run: int, place: str, runs: int) -> Result:
    """Carry out one task in a worker."""
    board = Board(Path(place), runs)
    result = work(task, board.start(run))
    board.finish(run)
    return result
