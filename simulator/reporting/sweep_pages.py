"""A sweep in words and tables: for the screen, for a page, for another program, and its report folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.analysis.answer import Estimate, Verdict
from simulator.analysis.sweeps import COST, Point, Sweep, known_of
from simulator.reporting import folder, summary, words
from simulator.reporting import sweep as chart

_MARKS = {Verdict.HOLDS: "✓", Verdict.CROSSED: "✗", Verdict.UNDECIDED: "?"}


def write(sweep: Sweep, out: Path, manifest: Mapping[str, Any]) -> list[Path]:
    """Write the report of *sweep* to the folder *out* and return its files."""
    return folder.replace(out, lambda place: _fill(place, sweep), manifest)


def _fill(place: Path, sweep: Sweep) -> None:
    from simulator.reporting import style

    with style.context():
        draw = chart.figure if len(sweep.paths) == 1 else chart.heat_map
        (place / "sweep.png").write_bytes(style.png(draw(sweep)))
    pages = {"summary.md": as_markdown(sweep), "summary.json": as_json(sweep), "sweep.csv": as_csv(sweep)}
    for name, text in pages.items():
        (place / name).write_bytes(text.encode("utf-8"))


def as_text(sweep: Sweep, written: Sequence[Path] = ()) -> str:
    """Return the answer for the screen: the finding, a line a point, the files."""
    setting = sweep.points[0].answer.setting
    said = [f"{chart.title(sweep)}.", "", *lines(sweep)]
    said += ["", f"{_runs(sweep)}, seed {setting.seed}, rules {setting.rules}"]
    if written:
        said += ["", *(str(path) for path in written if path.name != folder.MANIFEST)]
    return "\n".join(said) + "\n"


def lines(sweep: Sweep, *, runs: bool = False) -> list[str]:
    """Return a line a point, the columns aligned; with *runs* also how many each had."""
    rows = _table(sweep, runs)
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    last = len(widths) - 1
    return [
        "  ".join(
            f"{cell:<{width}}" if k in (0, last) else f"{cell:>{width}}"
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def markdown(sweep: Sweep, *, runs: bool = False) -> list[str]:
    """Return the same as a table of Markdown."""
    header, *rows = _table(sweep, runs)
    rule = f"|{'---|' * len(sweep.paths)}{'---:|' * (len(header) - len(sweep.paths) - 1)}---|"
    return [f"| {' | '.join(header)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)]


def as_markdown(sweep: Sweep) -> str:
    """Return the answer as a page."""
    setting = sweep.points[0].answer.setting
    lines = [
        f"# {setting.name}: {' and '.join(sweep.paths)}",
        "",
        f"**{chart.title(sweep)}.**",
        "",
        f"{setting.traffic.rstrip('.')}. {_runs(sweep)}, seed {setting.seed}, rules {setting.rules}.",
        "",
        *markdown(sweep),
        "",
        "![sweep](sweep.png)",
        "",
        "Every number of every point is in `sweep.csv`.",
    ]
    return "\n".join(lines) + "\n"


def as_json(sweep: Sweep) -> str:
    """Return the answer for another program; its keys are stable."""

    def values(point: Point | None) -> dict[str, str] | None:
        return None if point is None else dict(zip(sweep.paths, point.values, strict=True))

    setting = sweep.points[0].answer.setting
    said = {
        "scenario": setting.name,
        "sentence": chart.title(sweep),
        "seed": setting.seed,
        "replications": setting.replications,
        "rules": setting.rules,
        "paths": list(sweep.paths),
        "metric": sweep.metric,
        "thresholds": list(sweep.thresholds),
        "chosen": values(sweep.chosen),
        "knee": values(sweep.knee),
        "points": [point_json(sweep, point) for point in sweep.points],
    }
    return json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def point_json(sweep: Sweep, point: Point) -> dict[str, Any]:
    """Return one point for another program."""
    numbers = _numbers(sweep, point)
    return {
        "values": dict(zip(sweep.paths, point.values, strict=True)),
        "verdict": point.verdict.value,
        "replications": point.answer.setting.replications,
        "settles": point.settles,
        "numbers": {key: summary.estimate_json(number) for key, number in sorted(numbers.items())},
        "warnings": list(point.answer.warnings),
    }


def as_csv(sweep: Sweep) -> str:
    """Return every number of every point as a line."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*sweep.paths, "key", "mean", "low", "high", "unit", "certainty", "replications", "note"])
    for point in sweep.points:
        for key, number in sorted(point.answer.estimates.items()):
            said = summary.estimate_json(number)
            ends = ["" if said[end] is None else repr(said[end]) for end in ("mean", "low", "high")]
            about = [number.unit, number.certainty.value, number.replications, number.note]
            writer.writerow([*point.values, key, *ends, *about])
    return file.getvalue()


def _numbers(sweep: Sweep, point: Point) -> dict[str, Estimate]:
    """What a table shows of a point: the metric, those of the promises, the cost."""
    keys = dict.fromkeys([sweep.metric, *(result.key for result in point.answer.thresholds), COST])
    return {key: point.answer.estimates[key] for key in keys if key in point.answer.estimates}


def _table(sweep: Sweep, runs: bool) -> list[list[str]]:
    """Return the header and a row a point."""
    names = [f"{words.key_name(key)}{_of(key)}" for key in _numbers(sweep, sweep.points[0])]
    promises = "promises" if sweep.thresholds else ""
    settings = map(chart.setting_name, sweep.paths)
    header = [*settings, *names, *(["runs"] if runs else []), promises, "held back by"]
    return [header, *(_row(sweep, point, runs) for point in sweep.points)]


def _of(key: str) -> str:
    scope = words.key_parts(key)[0]
    return f", {words.plain_name(scope)}" if scope else ""


def _cell(point: Point, key: str, number: Estimate) -> str:
    if known_of(number) and not point.shown(key):
        return chart.why(point, key).replace("\n", " ")
    return f"{words.value(number)} {words.interval(number)}".strip()


def _row(sweep: Sweep, point: Point, runs: bool) -> list[str]:
    cells = [_cell(point, key, number) for key, number in _numbers(sweep, point).items()]
    marks = "".join(_MARKS[result.verdict] for result in point.answer.thresholds)
    count = [str(point.answer.setting.replications)] if runs else []
    return [*point.values, *cells, *count, marks, limit(point)]


def limit(point: Point) -> str:
    """Name the limit that bound a consumer longest, in its run or drain, arrivals left out; "" if none."""
    found = [
        (number.mean, key)
        for key, number in point.answer.estimates.items()
        if " limit{limit=" in key and "limit=arrivals}" not in key and known_of(number) and number.mean > 0.01
    ]
    if not found:
        return ""
    share, key = max(found)
    scope, _, label, _ = words.key_parts(key)
    consumer = next((one for one in point.answer.setting.consumers if one.path == scope), None)
    bound = words.limit(label.partition("=")[2], consumer.limit_words if consumer else {})
    return f"{bound}, {words.percent(share, 2)} of the run"


def _runs(sweep: Sweep) -> str:
    replications = sweep.points[0].answer.setting.replications
    over = f"95 % intervals over {replications} replications" if replications > 1 else "one run: no intervals"
    return f"{len(sweep.points)} points, {over}"
