"""The answer of a search for the right size: for the screen, for a page, for another program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.analysis.answer import Verdict
from simulator.analysis.sizing import Sizing
from simulator.analysis.sweeps import Point, Sweep, known_of
from simulator.reporting import folder, sweep_pages, words
from simulator.reporting import sweep as chart

_SAID = {Verdict.CROSSED: "fails", Verdict.UNDECIDED: "is undecided", Verdict.HOLDS: "holds"}


def write(found: Sizing, out: Path, manifest: Mapping[str, Any], *, largest: bool) -> list[Path]:
    """Write the report of a search to the folder *out* and return its files."""
    return folder.replace(out, lambda place: _fill(place, found, largest), manifest)


def _fill(place: Path, found: Sizing, largest: bool) -> None:
    from simulator.reporting import style

    with style.context():
        (place / "size.png").write_bytes(style.png(chart.figure(curve(found), finding(found, largest))))
    pages = {
        "summary.md": as_markdown(found, largest),
        "summary.json": as_json(found, largest),
        "size.csv": sweep_pages.as_csv(curve(found)),
    }
    for name, text in pages.items():
        (place / name).write_bytes(text.encode("utf-8"))


def curve(found: Sizing) -> Sweep:
    """The points that were looked at, as a sweep of the setting."""
    return Sweep((found.path,), found.metric, tuple(found.looked))


def finding(found: Sizing, largest: bool) -> str:
    """Return the verdict in words."""
    setting, promise = chart.setting_name(found.path), chart.promise(curve(found))
    which = "largest" if largest else "smallest"
    if found.found is None:
        span = f"{found.values[0]} to {found.values[-1]}"
        undecided = found.undecided
        if undecided and undecided[-1] is found.looked[-1]:
            return f"No {setting} from {span} surely keeps {promise}: {undecided[-1].values[0]} is undecided"
        return f"No {setting} from {span} keeps {promise}"
    value = found.found.values[0]
    if found.before is None:
        return f"{setting} {value}, the hardest of the range, keeps {promise} already"
    return f"{value} is the {which} {setting} that keeps {promise}, with 95 % confidence"


def as_text(found: Sizing, largest: bool, written: Sequence[Path] = ()) -> str:
    """Return the answer for the screen: verdict, margin, neighbours, points looked at, runs, files."""
    setting = found.looked[0].answer.setting
    lines = [f"{finding(found, largest)}.", "", *_about(found), ""]
    lines += sweep_pages.lines(curve(found), runs=True)
    lines += ["", f"{spent(found)}; 95 % intervals, seed {setting.seed}, rules {setting.rules}"]
    if written:
        lines += ["", *(str(path) for path in written if path.name != folder.MANIFEST)]
    return "\n".join(lines) + "\n"


def as_markdown(found: Sizing, largest: bool) -> str:
    """Return the answer as a page."""
    setting = found.looked[0].answer.setting
    lines = [
        f"# {setting.name}: {found.path}",
        "",
        f"**{finding(found, largest)}.**",
        "",
        *(f"- {line}" for line in _about(found)),
        "",
        *sweep_pages.markdown(curve(found), runs=True),
        "",
        f"{spent(found)}. Seed {setting.seed}, rules {setting.rules}.",
        "",
        "![size](size.png)",
    ]
    return "\n".join(lines) + "\n"


def as_json(found: Sizing, largest: bool) -> str:
    """Return the answer for another program; its keys are stable."""
    sweep = curve(found)
    said = {
        "scenario": found.looked[0].answer.setting.name,
        "sentence": finding(found, largest),
        "path": found.path,
        "thresholds": list(sweep.thresholds),
        "found": None if found.found is None else found.found.values[0],
        "monotone": found.monotone,
        "runs": found.runs,
        "bisection_runs": found.bisection_runs,
        "guess": found.guess or None,
        "points": [sweep_pages.point_json(sweep, point) for point in found.looked],
    }
    return json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def spent(found: Sizing) -> str:
    """Return in words what the search cost, beside a bisection that need not check anything."""
    began = f"began at {found.guess} (Little's law, Erlang C), " if found.guess else ""
    how = "the response is monotone" if found.monotone else "not monotone, so all values were simulated"
    return (
        f"{began}{found.runs} runs on {len(found.looked)} of {len(found.values)} values, {how} "
        f"(bisection that took this for granted: {found.bisection_runs} runs)"
    )


def _about(found: Sizing) -> list[str]:
    """Return the margin of what was found, and its neighbours."""
    lines = []
    if found.found is not None:
        lines.append(f"{found.found.values[0]} holds: {_measured(found.found)}")
    before = found.before if found.found is not None else found.looked[-1]
    if before is not None:
        lines.append(f"{before.values[0]} {_SAID[before.verdict]}: {_measured(before)}")
    if found.after is not None and found.found is not None:
        lines.append(f"{found.after.values[0]} {_SAID[found.after.verdict]}: {_measured(found.after)}")
    return lines


def _measured(point: Point) -> str:
    """Return the promises that decide at a point, each with its margin, and what held back."""
    results = [r for r in point.answer.thresholds if r.verdict is point.verdict] or point.answer.thresholds
    parts = []
    for result in results:
        number = result.estimate
        said = f"{words.key_name(result.key)} {words.value(number)} {words.interval(number)}".strip()
        if known_of(number) and result.bound > 0:
            edge = number.high if result.verdict is Verdict.HOLDS else number.mean
            said += f" ({_margin(edge / result.bound)} the bound)"
        elif result.note or number.note:
            said += f" ({result.note or number.note})"
        parts.append(said)
    limit = sweep_pages.limit(point)
    return "; ".join([*parts, *([f"held back by {limit}"] if limit else [])])


def _margin(ratio: float) -> str:
    if ratio >= 2:
        return f"{words.number(ratio, 2)} times"
    return f"{words.percent(abs(ratio - 1), 2)} {'below' if ratio < 1 else 'above'}"
