import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from simulator.experiments.executors import Report, Standing, WorkerDied, carry_out


class Errand(NamedTuple):
    number: int
    folder: str = ""

    @property
    def name(self) -> str:
        return f"errand {self.number}"


def square(task: Errand, report: Report) -> int:
    report(task.number, 10)
    return task.number**2


def dies_once(task: Errand, report: Report) -> int:
    """Errand 1 kills its process unless another has left a note that it did."""
    note = Path(task.folder) / "died"
    if task.number == 1 and not note.exists():
        note.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task.number


def dies_always(task: Errand, report: Report) -> int:
    if task.number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return task.number


def waits_a_little(task: Errand, report: Report) -> int:
    time.sleep(0.02)
    return task.number


def has_a_defect(task: Errand, report: Report) -> int:
    return 1 // (task.number - 1)


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_results_stand_in_the_order_of_tasks_however_many_jobs(jobs: int):
    standings: list[Standing] = []
    results = carry_out(square, [Errand(number) for number in range(5)], jobs=jobs, watch=standings.append)
    assert results == [0, 1, 4, 9, 16]
    assert standings[-1] == Standing((0, 1, 2, 3, 4), 50, 5)


def test_a_run_whose_process_was_killed_is_tried_once_more(tmp_path: Path):
    tasks = [Errand(number, str(tmp_path)) for number in range(4)]
    assert carry_out(dies_once, tasks, jobs=2) == [0, 1, 2, 3]
    assert (tmp_path / "died").exists()


def test_a_run_that_is_killed_twice_is_named():
    with pytest.raises(WorkerDied, match="errand 2 was ended from outside, twice"):
        carry_out(dies_always, [Errand(number) for number in range(4)], jobs=2)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_defect_in_a_run_is_raised_as_it_is(jobs: int):
    with pytest.raises(ZeroDivisionError):
        carry_out(has_a_defect, [Errand(number) for number in range(3)], jobs=jobs)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_keeps_what_is_finished(jobs: int):
    kept: dict[int, int] = {}

    def interrupt(standing: Standing) -> None:
        if standing.finished >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tasks = [Errand(number) for number in range(40)]
        carry_out(waits_a_little, tasks, jobs=jobs, watch=interrupt, keep=kept.__setitem__)
    assert 1 <= len(kept) < 40
    assert all(result == number for number, result in kept.items())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes where Linux lists them")
def test_an_interrupt_ends_the_workers():
    """Ctrl-C reaches the whole process group, as from a terminal; no worker is left and none complains."""
    script = textwrap.dedent("""
        import signal
        from tests.experiments.test_executors import Errand, carry_out, sleep_long
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
        try:
            tasks = [Errand(number) for number in range(4)]
            carry_out(sleep_long, tasks, jobs=2, watch=lambda standing: print(standing.messages, flush=True))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "2":
            break
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert out.splitlines()[-1] == "interrupted"
    assert err == ""
    deadline = time.monotonic() + 20
    while living(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert living(process.pid) == []


def living(group: int) -> list[str]:
    """Processes of a group that are not ended (an ended one may wait to be collected)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name, fields = stat.read_text().rsplit(")", 1)
            state, _, pgid, *_ = fields.split()
            if int(pgid) == group and state != "Z":
                found.append(name)
    return found


def sleep_long(task: Errand, report: Report) -> int:
    report(0, 1)
    time.sleep(60)
    return task.number
