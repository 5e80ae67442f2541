"""The report folder: old or new, never half, and never over what is not ours."""

import json
import os
import shutil

import pytest

from simulator.reporting import NotAReport, folder, prepare, write
from tests.reporting import synthetic


class Killed(BaseException):
    """The program was ended at this step."""


def contents(name):
    def fill(place):
        (place / "summary.md").write_text(name)
        (place / "deep").mkdir()
        (place / "deep" / "part.txt").write_text(name)

    return fill


def read(out):
    return (out / "summary.md").read_text(), (out / "deep" / "part.txt").read_text()


def leftovers(out):
    return sorted(path.name for path in out.parent.iterdir() if path.name != out.name)


STEPS = [(os, "rename"), (os, "replace"), (shutil, "rmtree"), (folder, "_write_json")]


def kill_at(monkeypatch, step):
    """End the program at the *step*-th change of the file system, before (odd) or after it (even)."""
    count = 0

    def watched(original):
        def call(*args, **kwargs):
            nonlocal count
            count += 1
            if count == step:
                raise Killed
            result = original(*args, **kwargs)
            count += 1
            if count == step:
                raise Killed
            return result

        return call

    for module, name in STEPS:
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
    # an ended program cleans nothing up
    monkeypatch.setattr(folder, "_remove", watched(folder._remove))


@pytest.mark.parametrize("step", range(1, 17))
def test_report_is_old_or_new_after_the_program_was_ended_at_any_step(tmp_path, monkeypatch, step):
    out = tmp_path / "report"
    folder.replace(out, contents("old"), {})
    with monkeypatch.context() as patch:
        kill_at(patch, step)
        try:
            folder.replace(out, contents("new"), {})
            finished = True
        except Killed:
            finished = False
    prepare(out)
    assert read(out) in [("old", "old"), ("new", "new")]
    assert not finished or read(out) == ("new", "new")
    assert leftovers(out) == []
    folder.replace(out, contents("newest"), {})
    assert read(out) == ("newest", "newest")
    assert leftovers(out) == []


def test_half_swap_is_finished_where_the_new_report_is_whole(tmp_path):
    out = tmp_path / "report"
    folder.replace(out, contents("new"), {})
    os.rename(out, tmp_path / ".report.new")
    folder.replace(tmp_path / "other", contents("old"), {})
    os.rename(tmp_path / "other", tmp_path / ".report.old")
    prepare(out)
    assert read(out) == ("new", "new")
    assert leftovers(out) == []


def test_half_swap_is_undone_where_the_new_report_is_not_whole(tmp_path):
    out = tmp_path / "report"
    folder.replace(out, contents("old"), {})
    os.rename(out, tmp_path / ".report.old")
    half = tmp_path / ".report.new"
    half.mkdir()
    (half / "manifest.json").write_text('{"written_by": "simulator", "complete": false}')
    prepare(out)
    assert read(out) == ("old", "old")
    assert leftovers(out) == []


def test_error_while_writing_leaves_the_old_report_and_nothing_aside(tmp_path):
    out = tmp_path / "report"
    folder.replace(out, contents("old"), {})

    def fails(place):
        (place / "summary.md").write_text("half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        folder.replace(out, fails, {})
    assert read(out) == ("old", "old")
    assert leftovers(out) == []


@pytest.mark.parametrize("manifest", [None, "", "[]", "{}", '{"written_by": "someone"}', "\udcff"])
def test_folder_without_our_manifest_is_never_replaced(tmp_path, manifest):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    if manifest is not None:
        (out / "manifest.json").write_bytes(manifest.encode("utf-8", "surrogateescape"))
    for attempt in (prepare, lambda place: folder.replace(place, contents("new"), {})):
        with pytest.raises(NotAReport, match="not replaced"):
            attempt(out)
    assert (out / "thesis.txt").read_text() == "years of work"
    assert leftovers(out) == []


def test_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "report").write_text("a file")
    with pytest.raises(NotAReport, match="is a file"):
        prepare(tmp_path / "report")


def test_foreign_folder_that_has_the_name_of_ours_aside_is_refused(tmp_path):
    (tmp_path / ".report.new").mkdir()
    (tmp_path / ".report.new" / "keep.txt").write_text("keep")
    with pytest.raises(NotAReport, match="in the way"):
        prepare(tmp_path / "report")
    assert (tmp_path / ".report.new" / "keep.txt").exists()


def test_empty_folder_is_filled_and_missing_parents_are_made(tmp_path):
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "empty", tmp_path / "a" / "b" / "c"):
        folder.replace(out, contents("new"), {})
        assert read(out) == ("new", "new")


def test_report_behind_a_link_is_replaced_and_the_link_stays(tmp_path):
    folder.replace(tmp_path / "real", contents("old"), {})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    folder.replace(tmp_path / "link", contents("new"), {})
    assert (tmp_path / "link").is_symlink()
    assert read(tmp_path / "real") == ("new", "new")


def test_manifest_names_every_file_with_its_digest(tmp_path):
    written = folder.replace(tmp_path / "report", contents("x"), {"seed": 42})
    manifest = json.loads((tmp_path / "report" / "manifest.json").read_text())
    assert manifest["seed"] == 42 and manifest["complete"] is True
    assert set(manifest["files"]) == {"summary.md", "deep/part.txt"}
    assert [path.name for path in written] == ["summary.md", "part.txt", "manifest.json"]
    assert all(path.exists() for path in written)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The same comparison written twice, with rows."""
    place = tmp_path_factory.mktemp("reports")
    base = synthetic.make(runs=3, duration_s=1800.0, from_s=300.0, until_s=600.0)
    fifo = synthetic.make(
        runs=3, duration_s=1800.0, from_s=300.0, until_s=600.0, maximum=230.0, variant="fifo", seed=43
    )
    other = synthetic.against(base, fifo)
    outs = []
    for k in range(2):
        rows = place / f"rows-{k}"
        (rows / "fifo").mkdir(parents=True)
        (rows / "copies.parquet").write_bytes(b"base rows")
        (rows / "fifo" / "copies.parquet").write_bytes(b"fifo rows")
        write([base, other], place / f"report-{k}", rows=rows, manifest={"seed": 42})
        outs.append(place / f"report-{k}")
    return outs


def files(out):
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_same_answers_give_the_same_bytes_of_every_file(reports):
    first, second = map(files, reports)
    assert first == second


def test_report_has_the_files_of_the_design(reports):
    found = files(reports[0])
    charts = {
        f"{name}.png" for name in ("overview", "throughput", "latency", "duplicates", "backlog", "capacity")
    }
    own = charts | {"summary.md", "summary.json", "metrics.json", "series.parquet", "copies.parquet"}
    assert set(found) == own | {f"fifo/{name}" for name in own} | {"comparison.png", "manifest.json"}
    assert found["fifo/copies.parquet"] == b"fifo rows"


def test_no_file_names_this_machine_or_a_date(reports, tmp_path):
    for name, content in files(reports[0]).items():
        if not name.endswith(".parquet"):
            assert os.fsencode(str(reports[0].parent)) not in content
        assert b"tIME" not in content[:4096]
