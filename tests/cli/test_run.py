import contextlib
import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from simulator.cli.main import exit_status
from tests.cli.typed import Seen, typed

SMALL = Path(__file__).with_name("small.yaml")
ROWS = {f"{table}.parquet" for table in ("messages", "copies", "deliveries", "invocations", "changes")}
ONE = ("--jobs", 1, "--replications", 1, "--rows", "none")


def digests(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder, pictures aside: their bytes are equal on one machine only."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".png")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Seen, Path]:
    """A run with all rows, in this process."""
    out = tmp_path_factory.mktemp("whole") / "out"
    return typed("run", SMALL, "--rows", "all", "--jobs", 1, "--out", out), out


@pytest.mark.parametrize("jobs", [1, 2])
def test_same_seed_gives_the_same_bytes_again_and_whatever_the_jobs(whole, tmp_path: Path, jobs: int):
    typed("run", SMALL, "--rows", "all", "--jobs", jobs, "--out", tmp_path / "again")
    files = digests(whole[1])
    assert files == digests(tmp_path / "again")
    assert {"summary.json", "summary.md", "metrics.json", "series.parquet", "manifest.json"} | ROWS <= set(
        files
    )
    assert {f"replication-2/{name}" for name in ROWS} <= set(files)


def test_result_is_on_stdout_and_progress_on_stderr(whole):
    seen, out = whole
    assert seen.status == 0
    assert (out / "overview.png").exists()
    lines = seen.out.splitlines()
    assert lines[0].endswith(".")
    assert str(out / "summary.md") in lines
    assert "a second)" in seen.err and "a second)" not in seen.out
    assert "variants slow, narrow are run by: simulator compare" in seen.err
    assert [path.name for path in out.parent.iterdir()] == ["out"], "nothing is left beside the report"


def test_quiet_csv_without_rows_of_another_seed(whole, tmp_path: Path):
    options = ("--seed", 8, "--quiet", "-o", "csv", "--rows", "none", "--replications", 2, "--jobs", 1)
    seen = typed("run", SMALL, *options, "--out", tmp_path / "out")
    assert seen.err == ""
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(seen.out))}
    p99 = rows["queues.billing end_to_end.p99"]
    assert float(p99["low"]) <= float(p99["mean"]) <= float(p99["high"])
    assert p99["replications"] == "2"
    files = digests(tmp_path / "out")
    assert not ROWS & set(files)
    assert files["summary.json"] != digests(whole[1])["summary.json"]
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["seed"] == 8


def test_set_changes_one_value_and_the_manifest_says_so(tmp_path: Path):
    out = tmp_path / "out"
    seen = typed(
        "run", SMALL, "--set", "queues.billing.visibility_timeout=9s", *ONE, "-o", "json", "--out", out
    )
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["scenario"]["queues"]["billing"]["visibility_timeout"] == "9s"
    assert manifest["scenario"]["queues"]["fraud"]["visibility_timeout"] == "6s"
    assert seen.out == (out / "summary.json").read_text(encoding="utf-8")


def test_report_goes_below_reports_and_one_run_cannot_decide(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = typed("run", SMALL, *ONE[:4])
    assert seen.status == 99
    assert {"summary.json"} | ROWS <= set(digests(tmp_path / "reports" / "small"))
    assert "reports/small/summary.md" in seen.out.splitlines()


def test_a_crossed_threshold_exits_99(tmp_path: Path):
    small = SMALL.read_text().replace("end_to_end.p50 < 10s", "end_to_end.p50 < 1ms")
    (tmp_path / "small.yaml").write_text(small)
    options = ("--jobs", 1, "--replications", 2, "--rows", "none", "-o", "md", "--out", tmp_path / "out")
    seen = typed("run", tmp_path / "small.yaml", *options)
    assert seen.status == 99
    assert seen.out == (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("blocked", ["a file", "somebody's folder"])
def test_a_place_that_is_not_ours_is_left_alone(tmp_path: Path, blocked: str):
    out = tmp_path / "out"
    if blocked == "a file":
        out.write_text("precious")
    else:
        out.mkdir()
        (out / "thesis.txt").write_text("precious")
    before = digests(tmp_path)
    seen = typed("run", SMALL, *ONE, "--out", out)
    assert (seen.status, seen.out) == (2, "")
    assert str(out) in seen.err
    assert digests(tmp_path) == before


def test_a_place_that_cannot_be_exits_2(tmp_path: Path):
    (tmp_path / "file").write_text("")
    seen = typed("run", SMALL, "--out", tmp_path / "file" / "below" / "out")
    assert (seen.status, seen.out) == (2, "")
    assert "--out" in seen.err and "cannot be written" in seen.err


class Full(io.StringIO):
    """A standard output on a full disk."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_an_output_that_cannot_be_written_is_no_bug():
    errors = io.StringIO()
    with contextlib.redirect_stdout(Full()), contextlib.redirect_stderr(errors):
        assert exit_status(["validate", str(SMALL)]) == 2
    assert "cannot write" in errors.getvalue()
