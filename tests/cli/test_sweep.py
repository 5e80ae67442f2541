"""``simulator sweep``: what is printed and written, and that an interruption loses nothing."""

import json
import os
import random
import signal
from pathlib import Path

import pytest

from simulator.cli.main import exit_status
from tests.cli.typed import Seen, typed
from tests.experiments.test_replications import SMALL

TIMEOUT = "functions.charge.timeout"
VALUES = "1s..3s:1s"


def swept(out: Path, *words: object) -> Seen:
    return typed("sweep", SMALL, "--vary", f"{TIMEOUT}={VALUES}", "--replications", 2, "--out", out, *words)


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Seen, Path]:
    out = tmp_path_factory.mktemp("sweep") / "out"
    return swept(out, "--jobs", 1), out


def test_the_finding_comes_first_then_a_line_a_point_then_the_files(whole):
    seen, out = whole
    lines = seen.out.splitlines()
    promise = "queues.billing end_to_end.p50 < 10s"
    assert lines[0] == f"timeout of charge 1s already keeps {promise}; 2s gains nothing that is seen."
    assert [line.split()[0] for line in lines[3:6]] == ["1s", "2s", "3s"]
    assert str(out / "sweep.png") in seen.out
    assert seen.status == 0
    assert set(files(out)) == {"summary.md", "summary.json", "sweep.csv", "sweep.png", "manifest.json"}


def test_a_program_finds_every_point_and_what_was_chosen(whole):
    said = json.loads((whole[1] / "summary.json").read_text())
    assert said["paths"] == [TIMEOUT]
    assert said["chosen"] == {TIMEOUT: "1s"}
    assert [one["values"][TIMEOUT] for one in said["points"]] == ["1s", "2s", "3s"]
    assert all(one["numbers"]["queues.billing end_to_end.p50"]["mean"] > 0 for one in said["points"])


def test_jobs_change_no_byte(whole, tmp_path: Path):
    swept(tmp_path / "out", "--jobs", 2)
    assert files(tmp_path / "out") == files(whole[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a child that was forked")
def test_killed_at_ten_random_instants_it_goes_on_to_the_same_bytes(whole, tmp_path: Path):
    """Ended by the system, as SIGKILL does: no handler runs, files may be half written.

    SIGPROF ends it after so much work of its own (its default action): a busy machine changes no instant.
    """
    out = tmp_path / "out"
    instants = random.Random(7)
    killed = 0
    for _ in range(10):
        work_s = instants.uniform(0.05, 0.9)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, work_s)
            words = ["sweep", str(SMALL), "--vary", f"{TIMEOUT}={VALUES}", "--replications", "2"]
            exit_status([*words, "--jobs", "1", "--quiet", "-o", "json", "--out", str(out)])
            os._exit(0)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert killed >= 3
    swept(out, "--jobs", 1)
    assert files(out) == files(whole[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_an_interrupted_sweep_says_what_is_kept(tmp_path: Path, monkeypatch):
    from simulator.experiments import replications

    calls = []

    def interrupted(errand, report):
        calls.append(errand)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return carry_out_one(errand, report)

    carry_out_one = replications.carry_out_one
    monkeypatch.setattr(replications, "carry_out_one", interrupted)
    seen = swept(tmp_path / "out", "--jobs", 1)
    assert seen.status == 130
    assert "3 of 6 runs are kept" in seen.err
    seen = swept(tmp_path / "out", "--jobs", 1)
    assert seen.status == 0
    assert len(calls) == 4 + 3, "what was finished is not carried out again"


def test_two_settings_make_a_map(tmp_path: Path):
    seen = swept(tmp_path / "out", "--vary", "functions.charge.work=30ms,50ms", "--jobs", 1)
    assert seen.status == 0
    assert "6 of 6 points keep" in seen.out
    assert (tmp_path / "out" / "sweep.png").stat().st_size > 10_000


def test_where_no_value_holds_the_status_says_so(tmp_path: Path):
    never = "thresholds=[queues.billing end_to_end.p50 < 1us]"
    seen = swept(tmp_path / "out", "--set", never, "--jobs", 1)
    assert seen.status == 99
    assert seen.out.startswith("No timeout of charge in 1s to 3s keeps queues.billing end_to_end.p50 < 1us.")


def test_another_number_can_be_asked_for(tmp_path: Path):
    asked = ("--metric", "throughput.count", "--set", "thresholds=[]")
    seen = swept(tmp_path / "out", *asked, "-o", "csv", "--jobs", 1)
    assert seen.status == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["metric"] == "throughput.count"
    assert seen.out.startswith(f"{TIMEOUT},key,mean,low,high")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--vary", "functions.charge.timeout=1s,2h"], "2h"),
        (["--vary", "functions.charge.tmeout=1s,2s"], "timeout"),
        (["--vary", "functions.charge.timeout=5s..1s"], "has no value"),
        (["--vary", "duration=20s", "--vary", "seed=1,2", "--vary", "replications=2"], "more than twice"),
        (["--vary", "duration=20s,21s", "--metric", "wait.p96"], "wait.p95"),
    ],
)
def test_what_cannot_be_tried_is_said_before_anything_is_written(tmp_path: Path, words, said):
    seen = typed("sweep", SMALL, *words, "--replications", 1, "--jobs", 1, "--out", tmp_path / "out")
    assert seen.status == 2
    assert said in seen.err
    assert not (tmp_path / "out").exists()
