import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from tests.cli.typed import typed

SMALL = Path(__file__).with_name("small.yaml")
ROWS = {f"{table}.parquet" for table in ("messages", "copies", "deliveries", "invocations", "changes")}


def digests(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder, pictures aside: their bytes are equal on one machine only."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".png")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_gives_the_same_bytes_twice_and_whatever_the_jobs(tmp_path: Path):
    for name, jobs in (("first", 1), ("again", 1), ("side by side", 2)):
        assert typed("run", SMALL, "--rows", "all", "--jobs", jobs, "--out", tmp_path / name).status == 0
    first = digests(tmp_path / "first")
    assert first == digests(tmp_path / "again") == digests(tmp_path / "side by side")
    assert {"summary.json", "summary.md", "metrics.json", "series.parquet", "manifest.json"} | ROWS <= set(first)
    assert {f"replication-2/{name}" for name in ROWS} <= set(first)


def test_another_seed_gives_other_messages(tmp_path: Path):
    for seed in (7, 8):
        typed("run", SMALL, "--replications", 1, "--jobs", 1, "--seed", seed, "--out", tmp_path / str(seed))
    assert digests(tmp_path / "7")["messages.parquet"] != digests(tmp_path / "8")["messages.parquet"]
    assert json.loads((tmp_path / "8" / "manifest.json").read_text())["seed"] == 8


def test_result_is_on_stdout_and_progress_on_stderr(tmp_path: Path):
    seen = typed("run", SMALL, "--jobs", 1, "--out", tmp_path / "out")
    assert (tmp_path / "out" / "overview.png").exists()
    lines = seen.out.splitlines()
    assert lines[0].endswith(".")
    assert str(tmp_path / "out" / "summary.md") in lines
    assert "a second)" in seen.err and "a second)" not in seen.out
    assert "variants slow, narrow are run by: simulator compare" in seen.err


def test_quiet_leaves_stderr_empty(tmp_path: Path):
    seen = typed("run", SMALL, "--quiet", "--jobs", 1, "--replications", 1, "--out", tmp_path / "out")
    assert seen.status == 0
    assert seen.out and not seen.err


@pytest.mark.parametrize("output", ["json", "md"])
def test_output_as_json_and_markdown_is_the_reports_own(tmp_path: Path, output: str):
    seen = typed("run", SMALL, "-o", output, "--jobs", 1, "--replications", 2, "--out", tmp_path / "out")
    assert seen.out == (tmp_path / "out" / f"summary.{output}").read_text(encoding="utf-8")


def test_output_as_csv_has_every_number_with_its_interval(tmp_path: Path):
    seen = typed("run", SMALL, "-o", "csv", "--jobs", 1, "--replications", 2, "--out", tmp_path / "out")
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(seen.out))}
    p99 = rows["queues.billing end_to_end.p99"]
    assert float(p99["low"]) <= float(p99["mean"]) <= float(p99["high"])
    assert p99["replications"] == "2"


@pytest.mark.parametrize(("rows", "kept"), [("none", set()), ("first", ROWS)])
def test_rows_are_kept_of_as_many_replications_as_asked(tmp_path: Path, rows: str, kept: set[str]):
    typed("run", SMALL, "--rows", rows, "--jobs", 1, "--replications", 2, "--out", tmp_path / "out")
    found = {name for name in digests(tmp_path / "out") if Path(name).name in ROWS}
    assert found == kept
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "nothing is left beside the report"


@pytest.mark.parametrize(
    ("bound", "status"), [("< 10s", 0), ("< 1ms", 99), ("== 0s", 99)], ids=["holds", "crossed", "never equal"]
)
def test_exit_status_is_what_thresholds_come_to(tmp_path: Path, bound: str, status: int):
    small = SMALL.read_text().replace("end_to_end.p50 < 10s", f"end_to_end.p50 {bound}")
    (tmp_path / "small.yaml").write_text(small)
    options = ("--jobs", 1, "--replications", 2, "--rows", "none", "--out", tmp_path / "out")
    assert typed("run", tmp_path / "small.yaml", *options).status == status


def test_a_threshold_that_one_run_cannot_decide_exits_99(tmp_path: Path):
    options = ("--jobs", 1, "--replications", 1, "--rows", "none", "--out", tmp_path / "out")
    seen = typed("run", SMALL, *options)
    assert seen.status == 99
    assert (tmp_path / "out" / "summary.json").exists()


def test_set_changes_one_value_and_the_manifest_says_so(tmp_path: Path):
    options = ("--jobs", 1, "--replications", 1, "--rows", "none", "--out", tmp_path / "out")
    typed("run", SMALL, "--set", "queues.billing.visibility_timeout=9s", *options)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["scenario"]["queues"]["billing"]["visibility_timeout"] == "9s"
    assert manifest["scenario"]["queues"]["fraud"]["visibility_timeout"] == "6s"


def test_report_goes_below_reports_unless_told_otherwise(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = typed("run", SMALL, "--jobs", 1, "--replications", 1)
    assert (tmp_path / "reports" / "small" / "summary.json").exists()
    assert "reports/small/summary.md" in seen.out.splitlines()


@pytest.mark.parametrize("blocked", ["a file", "somebody's folder"])
def test_a_place_that_is_not_ours_is_left_alone(tmp_path: Path, blocked: str):
    out = tmp_path / "out"
    if blocked == "a file":
        out.write_text("precious")
    else:
        out.mkdir()
        (out / "thesis.txt").write_text("precious")
    before = digests(tmp_path)
    seen = typed("run", SMALL, "--jobs", 1, "--replications", 1, "--out", out)
    assert (seen.status, seen.out) == (2, "")
    assert str(out) in seen.err
    assert digests(tmp_path) == before


def test_a_place_that_cannot_be_exits_2(tmp_path: Path):
    (tmp_path / "file").write_text("")
    seen = typed("run", SMALL, "--out", tmp_path / "file" / "below" / "out")
    assert (seen.status, seen.out) == (2, "")
    assert "--out" in seen.err and "cannot be written" in seen.err
