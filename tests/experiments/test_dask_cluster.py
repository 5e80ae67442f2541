"""On a real cluster: a scheduler and two workers, each a process of its own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from distributed import LocalCluster

from simulator.cli.reports import Options
from simulator.experiments import dask_cluster
from simulator.experiments.dask_cluster import SAME, ClusterError, Dask, mismatches
from simulator.experiments.executors import Local, Report, Standing, WorkerDied
from simulator.experiments.replications import replicate_all
from simulator.scenario import load
from tests.cli.test_run import SMALL, digests
from tests.cli.typed import typed


class Piece(NamedTuple):
    number: int
    folder: str = ""

    @property
    def name(self) -> str:
        return f"piece {self.number}"


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Nannies start a worker that died anew; nothing of the cluster is written to the checkout."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        host="127.0.0.1",
        silence_logs=50,
    ) as cluster:
        yield cluster.scheduler_address


def square(task: Piece, report: Report) -> int:
    report(task.number, 10)
    return task.number**2


def dies_once(task: Piece, report: Report) -> int:
    note = Path(task.folder) / "died"
    if task.number == 1 and not note.exists():
        note.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task.number


def dies_always(task: Piece, report: Report) -> int:
    with (Path(task.folder) / f"begun-{task.number}").open("a") as begun:
        begun.write(".")
    if task.number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return task.number


def has_a_defect(task: Piece, report: Report) -> int:
    return 1 // (task.number - 1)


def test_rows_and_numbers_are_those_of_one_process_to_the_byte(scheduler: str, tmp_path: Path):
    """The workers are given no path of this machine: the rows' bytes came back with the results."""
    scenario = load(SMALL)

    def replicated(executor: Local | Dask, folder: Path, watch=None):
        return replicate_all(
            [scenario], replications=3, executor=executor, rows_folders=[folder], rows="all", progress=watch
        )[0]

    standings: list[Standing] = []
    here = replicated(Local(1), tmp_path / "here")
    there = replicated(Dask(scheduler), tmp_path / "there", standings.append)
    assert here.runs == there.runs
    assert here.partials == there.partials
    assert digests(tmp_path / "here") == digests(tmp_path / "there")
    assert {"messages.parquet", "replication-2/messages.parquet"} <= set(digests(tmp_path / "there"))
    assert standings[-1].finished == 3
    assert standings[-1].messages == sum(run.messages for run in here.runs)
    assert all(at >= scenario.duration for at in standings[-1].simulated_at)


def test_results_stand_in_the_order_of_tasks_and_are_kept_as_they_come(scheduler: str):
    kept: dict[int, int] = {}
    results = Dask(scheduler).carry_out(square, [Piece(number) for number in range(5)], keep=kept.__setitem__)
    assert results == [0, 1, 4, 9, 16]
    assert kept == dict(enumerate(results))


def test_an_interruption_keeps_what_is_finished_and_leaves_the_cluster_to_others(scheduler: str):
    kept: dict[int, int] = {}

    def interrupt(standing: Standing) -> None:
        if standing.finished >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tasks = [Piece(number) for number in range(20)]
        Dask(scheduler).carry_out(square, tasks, watch=interrupt, keep=kept.__setitem__)
    assert 2 <= len(kept) < 20
    assert all(result == number**2 for number, result in kept.items())
    assert Dask(scheduler).carry_out(square, [Piece(3)]) == [9]


def test_a_defect_in_a_run_is_raised_as_it_is(scheduler: str):
    with pytest.raises(ZeroDivisionError):
        Dask(scheduler).carry_out(has_a_defect, [Piece(number) for number in range(3)])


def test_a_run_whose_worker_was_killed_is_tried_once_more(scheduler: str, tmp_path: Path):
    tasks = [Piece(number, str(tmp_path)) for number in range(4)]
    assert Dask(scheduler).carry_out(dies_once, tasks) == [0, 1, 2, 3]
    assert (tmp_path / "died").exists()


def test_a_run_whose_worker_is_killed_twice_is_named(scheduler: str, tmp_path: Path):
    with pytest.raises(WorkerDied, match="worker of piece 2 was ended from outside, twice"):
        Dask(scheduler).carry_out(dies_always, [Piece(number, str(tmp_path)) for number in range(4)])
    assert (tmp_path / "begun-2").read_text() == ".."


def test_versions_that_change_bytes_are_named_by_worker_and_of_python_the_minor_release_counts():
    here = dict.fromkeys(SAME, "1.0.0") | {"python": "3.11.9.final.0"}
    older = {"tcp://a:1": here | {"numpy": "2.1.0", "python": "3.12.1.final.0", "click": "0"}}
    bare = {"tcp://b:2": {"python": "3.11.2.final.0"}}
    assert mismatches(here, {"tcp://c:3": dict(here)}) == []
    assert mismatches(here, older) == [
        "python is 3.12 on worker tcp://a:1 and 3.11 here",
        "numpy is 2.1.0 on worker tcp://a:1 and 1.0.0 here",
    ]
    assert mismatches(here, bare)[0] == "simulator is missing on worker tcp://b:2 and 1.0.0 here"


def test_another_version_on_a_worker_stops_all_before_any_run(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dask_cluster, "mismatches", lambda here, there: [f"{sorted(here)} {sorted(there)}"])
    with pytest.raises(ClusterError, match=r"'simpy', 'simulator'.*tcp://.*install the same on both"):
        Dask(scheduler).carry_out(square, [Piece(1)])


def test_another_program_text_on_a_worker_is_named(scheduler: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dask_cluster, "code_digest", lambda: b"edited since the worker started")
    with pytest.raises(ClusterError, match="another program text than the client"):
        Dask(scheduler).carry_out(square, [Piece(1)])


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 0.3)
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        Dask("tcp://127.0.0.1:9").carry_out(square, [Piece(1)])


def test_the_command_needs_an_address_and_says_what_is_wrong_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 0.3)
    out = tmp_path / "out"
    dask = ("--executor", "dask")
    for options, said in (
        (dask, "--executor dask needs --scheduler ADDRESS"),
        (("--scheduler", "tcp://127.0.0.1:9"), "--scheduler needs --executor dask"),
        ((*dask, "--scheduler", "tcp://127.0.0.1:9", "--jobs", 2), "--jobs is for this machine"),
        ((*dask, "--scheduler", "tcp://127.0.0.1:9"), "no Dask scheduler answers at tcp://127.0.0.1:9"),
    ):
        seen = typed("run", SMALL, *options, "--replications", 1, "--out", out)
        assert (seen.status, seen.out, out.exists()) == (2, "", False)
        assert said in seen.err


def test_the_command_takes_its_runs_to_the_cluster_it_was_given():
    common: dict[str, Any] = {
        "sets": (),
        "out": None,
        "seed": None,
        "replications": None,
        "output": "md",
        "quiet": True,
    }
    there = Options(**common, jobs=None, place="dask", scheduler="tcp://10.0.0.5:8786")
    assert there.executor() == Dask("tcp://10.0.0.5:8786")
    assert Options(**common, jobs=3).executor() == Local(3)
