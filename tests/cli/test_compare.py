import json
import re
from pathlib import Path

import pytest

from tests.cli.test_run import ROWS, SMALL, digests
from tests.cli.typed import Seen, typed


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> tuple[Seen, Path]:
    out = tmp_path_factory.mktemp("compared") / "out"
    return typed("compare", SMALL, "--jobs", 1, "--replications", 2, "-o", "md", "--out", out), out


def test_variants_of_one_file_are_compared_with_their_base(compared):
    seen, out = compared
    assert seen.status == 0
    assert ROWS | {f"slow/{name}" for name in ROWS} | {f"narrow/{name}" for name in ROWS} <= set(digests(out))
    assert list(out.glob("comparison*.png"))
    manifest = json.loads((out / "manifest.json").read_text())
    assert [side["variant"] for side in manifest["compared"]] == ["slow", "narrow"]
    assert "slow" in seen.out and "narrow" in seen.out


def test_all_sides_meet_the_same_messages(compared):
    files = digests(compared[1])
    assert files["messages.parquet"] == files["slow/messages.parquet"] == files["narrow/messages.parquet"]
    assert files["deliveries.parquet"] != files["slow/deliveries.parquet"]


def test_bytes_of_a_comparison_do_not_depend_on_the_jobs(compared, tmp_path: Path):
    typed("compare", SMALL, "--jobs", 2, "--replications", 2, "--out", tmp_path / "out")
    assert digests(compared[1]) == digests(tmp_path / "out")


def test_several_files_are_compared_with_the_first_and_any_that_crosses_decides_the_status(tmp_path: Path):
    """900 ms of work a message cannot be ended within 500 ms (two not within the time-out); 50 ms can."""
    text = SMALL.read_text().replace("end_to_end.p50 < 10s", "end_to_end.p50 < 500ms")
    base, other = tmp_path / "base.yaml", tmp_path / "other.yaml"
    base.write_text(text)
    other.write_text(text.replace("scenario: small", "scenario: other").replace("work: 50ms", "work: 900ms"))
    out = tmp_path / "out"
    seen = typed("compare", base, other, "--jobs", 1, "--replications", 2, "--rows", "none", "--out", out)
    assert seen.status == 99
    assert re.match(r"other: p50 end-to-end [\d.]+ ms to never; over all queues ", seen.out)
    assert "small: Holds the threshold" in seen.out and "other: Fails 1 of 1 threshold" in seen.out
    assert (out / "other" / "summary.json").exists()
    assert (out / "summary.json").exists()


def test_a_single_file_without_variants_is_bad_input(tmp_path: Path):
    alone = tmp_path / "alone.yaml"
    alone.write_text(SMALL.read_text().partition("variants:")[0])
    seen = typed("compare", alone, "--out", tmp_path / "out")
    assert (seen.status, seen.out) == (2, "")
    assert str(alone) in seen.err and "variants" in seen.err
    assert not (tmp_path / "out").exists()


def test_markdown_of_a_comparison_fits_a_pull_request(compared):
    first, *lines = compared[0].out.splitlines()
    assert first == "### small: slow, narrow against base"
    assert lines[-1] == "</details>"
    assert lines.index("<details><summary>Intervals, runs, warnings</summary>") < 25
    assert not any("](" in line for line in lines), "a link to a file means nothing in a pull request"
