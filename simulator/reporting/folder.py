"""The report folder: written aside, swapped in, never put over anything that is not ours."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from simulator.analysis.answer import Answer

if TYPE_CHECKING:
    import pandas as pd

MANIFEST: Final = "manifest.json"
_WRITTEN_BY: Final = "simulator"
_CHART_NAMES: Final = (
    "overview",
    "throughput",
    "latency",
    "duplicates",
    "backlog",
    "capacity",
    "tenants",
    "subscriptions",
    "downstreams",
    "email",
    "broker",
    "workflow",
    "alarms",
    "cost",
)


class NotAReport(Exception):
    """The folder asked for holds something that this program did not write, so it is left alone."""


def write(
    answers: Sequence[Answer], out: Path, *, rows: Path | None, manifest: Mapping[str, Any]
) -> list[Path]:
    """Write a report on *answers* (the base first) to the folder *out* and return its files.

    Variants get a folder each below it. What is in *rows* (Parquet of the five tables, in the same
    layout) is moved in. An older report is replaced at once or not at all.
    """
    return replace(out, lambda folder: _fill(folder, answers, rows), manifest)


def prepare(out: Path) -> None:
    """Finish or undo a half swap of *out*, and make sure that a report may be written there.

    Raises
    ------
    NotAReport
        If it is a file, or a folder with something in it but no manifest of ours.
    """
    out = _real(out)
    with _locked(out.parent):
        _recover(out)
        _refuse_what_is_not_ours(out)


def replace(out: Path, fill: Callable[[Path], None], manifest: Mapping[str, Any]) -> list[Path]:
    """Let *fill* write into a folder aside, then put that in the place of *out*; return the files."""
    named, out = out, _real(out)
    with _locked(out.parent):
        _recover(out)
        _refuse_what_is_not_ours(out)
        new = _beside(out, "new")
        new.mkdir()
        _write_json(new / MANIFEST, {"written_by": _WRITTEN_BY, "complete": False})
        try:
            fill(new)
            names = sorted(str(path.relative_to(new).as_posix()) for path in new.rglob("*") if path.is_file())
            names.remove(MANIFEST)
            digests = {name: hashlib.sha256((new / name).read_bytes()).hexdigest() for name in names}
            whole = {"written_by": _WRITTEN_BY, "complete": True, **manifest, "files": digests}
            _write_json(new / f"{MANIFEST}.part", whole)
            os.replace(new / f"{MANIFEST}.part", new / MANIFEST)
        except BaseException:
            _remove(new)
            raise
        _swap(out)
    order = {
        name: k for k, name in enumerate(("summary.md", "summary.json", *(f"{n}.png" for n in _CHART_NAMES)))
    }
    names.sort(key=lambda name: (name.count("/"), order.get(name, len(order)), name))
    return [named / name for name in [*names, MANIFEST]]


def _fill(folder: Path, answers: Sequence[Answer], rows: Path | None) -> None:
    from simulator.reporting import comparison, style, summary
    from simulator.reporting.frames import Frames

    base = answers[0]
    with style.context():
        _fill_one(folder, base)
        folders = comparison.folder_names(answers[1:])
        for name, variant, names in zip(folders, answers[1:], comparison.pairs(answers), strict=True):
            _fill_one(folder / name, variant)
            file = "comparison.png" if len(answers) == 2 else f"comparison-{name}.png"
            (folder / file).write_bytes(style.png(comparison.figure(Frames(base), Frames(variant), names)))
    if rows is not None:
        for source in sorted(path for path in rows.rglob("*") if path.is_file()):
            place = folder / source.relative_to(rows)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, place)
    charts = [f"{name}.png" for name in _CHART_NAMES if (folder / f"{name}.png").exists()]
    compared = sorted(path.name for path in folder.glob("comparison*.png"))
    _write_text(folder / "summary.md", summary.as_markdown(answers, [*compared, *charts]))
    _write_text(folder / "summary.json", summary.as_json(answers))


def _fill_one(folder: Path, answer: Answer) -> None:
    """Write what each answer has of its own: charts, series, metrics, and a variant's own summary."""
    from simulator.reporting import (
        alarms,
        backlog,
        brokers,
        capacity,
        cost,
        downstreams,
        duplicates,
        email,
        latency,
        overview,
        style,
        subscriptions,
        summary,
        tenants,
        throughput,
        workflows,
    )
    from simulator.reporting.frames import Frames

    folder.mkdir(exist_ok=True)
    frames = Frames(answer)
    drawn = {
        "overview": overview.figure,
        "throughput": throughput.figure,
        "latency": latency.figure,
        "duplicates": duplicates.figure,
        "backlog": backlog.figure,
        "capacity": capacity.figure,
        "tenants": tenants.figure,
        "subscriptions": subscriptions.figure,
        "alarms": alarms.figure,
        "downstreams": downstreams.figure,
        "cost": cost.figure,
        "email": email.figure,
        "broker": brokers.figure,
        "workflow": workflows.figure,
    }
    charts = []
    for name in _CHART_NAMES:
        figure = drawn[name](frames)
        if figure is not None:
            (folder / f"{name}.png").write_bytes(style.png(figure))
            charts.append(f"{name}.png")
    _write_text(folder / "summary.md", summary.as_markdown([answer], charts))
    _write_text(folder / "summary.json", summary.as_json([answer]))
    _write_text(folder / "metrics.json", summary.metrics_json(answer))
    _write_series(folder / "series.parquet", answer.series)


def _write_series(path: Path, series: pd.DataFrame) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(series, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd", store_schema=False)


def _swap(out: Path) -> None:
    """Put the new folder in the place of the old one. Between any two steps `_recover` knows what to do."""
    new, old = _beside(out, "new"), _beside(out, "old")
    if out.exists() and any(out.iterdir()):
        os.rename(out, old)
    elif out.exists():
        out.rmdir()
    os.rename(new, out)
    if old.exists():
        _remove(old)


def _recover(out: Path) -> None:
    """Finish a swap that was cut short where the new folder is whole, else undo it."""
    new, old = _beside(out, "new"), _beside(out, "old")
    for path in (new, old):
        if path.exists() and not _is_ours(path) and any(path.iterdir()):
            raise NotAReport(f"{path} is in the way: it is not a report of this program; move it elsewhere")
    if old.exists() and not out.exists():
        os.rename(new if _is_complete(new) else old, out)
    for path in (old, new):
        if path.exists():
            _remove(path)


def _refuse_what_is_not_ours(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise NotAReport(
            f"{out} is a file; give a folder that does not exist yet, or one with a report in it"
        )
    if any(out.iterdir()) and not _is_ours(out):
        raise NotAReport(
            f"{out} is not a report of this program (no {MANIFEST} of ours in it), so it is not replaced; "
            "give another folder"
        )


def _is_ours(folder: Path) -> bool:
    return _manifest(folder).get("written_by") == _WRITTEN_BY


def _is_complete(folder: Path) -> bool:
    return _manifest(folder).get("complete") is True


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remove(folder: Path) -> None:
    """Delete a folder of ours; its manifest goes last, so that a half deleted one is still known as ours."""
    for path in folder.iterdir():
        if path.name == MANIFEST:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (folder / MANIFEST).unlink(missing_ok=True)
    folder.rmdir()


def _real(out: Path) -> Path:
    return Path(os.path.realpath(out))


def _beside(out: Path, role: str) -> Path:
    return out.with_name(f".{out.name}.{role}")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    _write_text(path, json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n")


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))


@contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Keep two programs from writing reports side by side at once, where the system can lock a folder."""
    parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
