"""The answer in words and tables: for the screen, for a page, for another program."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from simulator.analysis.answer import Answer, Certainty, Estimate, ThresholdResult, Verdict
from simulator.reporting import (
    alarms,
    comparison,
    cost,
    downstream_tables,
    findings,
    latency,
    subscriptions,
    trade,
    words,
)
from simulator.reporting.frames import NOTHING, Frames
from simulator.reporting.overview import key_numbers

MOST_NUMBERS: Final = 15
"""A person reads no more."""

_WORTH_A_ROW: Final = 1e-3
"""A limit that bound for a smaller share of the time is not listed."""

_MARKS: Final = {Verdict.HOLDS: "✓", Verdict.CROSSED: "✗", Verdict.UNDECIDED: "?"}


def sentence(answers: Sequence[Answer]) -> str:
    """Return the verdict in words: what the first line says."""
    base = answers[0]
    if len(answers) == 1:
        return base.sentence
    against = [
        trade.sentence(base, other, name)
        for other, (_, name) in zip(answers[1:], comparison.pairs(answers), strict=True)
    ]
    return ". ".join(against)


def as_text(answers: Sequence[Answer], written: Sequence[Path] = ()) -> str:
    """Return the answer for the screen: verdict, at most fifteen numbers with intervals, the files."""
    base = answers[0]
    lines = [sentence(answers) + ".", ""]
    called = _called(answers)
    if len(answers) > 1:
        most = max(2, MOST_NUMBERS // (3 * (len(answers) - 1)))
        for other, names in zip(answers[1:], comparison.pairs(answers), strict=True):
            lines += [*_comparison_text(base, other, names, most), ""]
        verdicts = [
            f"{name}: {findings.thresholds(answer).removesuffix(': ')}"
            for answer, name in zip(answers, called, strict=True)
            if answer.thresholds
        ]
        lines += [*verdicts, ""] if verdicts else []
    else:
        lines += [*_aligned(_numbers(base)), "", *cost.in_short(base)]
    setting = base.setting
    runs = setting.replications
    over = f"95 % intervals over {runs} replications" if runs > 1 else "one run: no intervals"
    lines.append(f"{over}, seed {setting.seed}, rules {setting.rules}")
    for other, name in zip(answers, called, strict=True):
        prefix = f"{name}: " if len(answers) > 1 else ""
        lines += [f"warning: {prefix}{text}" for text in other.warnings]
    if base.assumptions:
        lines.append(f"leans on {len(base.assumptions)} values that AWS does not document: see summary.md")
    if written:
        lines += ["", *(str(path) for path in _to_show(written))]
    return "\n".join(lines) + "\n"


def as_markdown(answers: Sequence[Answer], charts: Iterable[str] = ()) -> str:
    """Return the answer as a page; *charts* are the file names to show in it."""
    base = answers[0]
    setting = base.setting
    lines = [
        f"# {setting.name}{f': {setting.variant}' if setting.variant else ''}",
        "",
        f"**{sentence(answers)}.**",
        "",
    ]
    if setting.question:
        lines += [f"Asked: {setting.question}", ""]
    runs = setting.replications
    over = f"{runs} replications, 95 % intervals over them" if runs > 1 else "one run, so no intervals"
    lines += [
        f"{setting.traffic.rstrip('.')}. " * bool(setting.traffic)
        + f"Seed {setting.seed}, {over}, rules {setting.rules}.",
        "",
    ]
    if base.thresholds:
        lines += ["## Thresholds", "", *_threshold_table(base.thresholds), ""]
    for other, names in zip(answers[1:], comparison.pairs(answers), strict=True):
        lines += [f"## {names[1]} against {names[0]}", "", *trade.markdown_table(base, other, names), ""]
        if other.thresholds:
            lines += [f"Thresholds of {names[1]}:", "", *_threshold_table(other.thresholds), ""]
    lines += subscriptions.table(base)
    for queue in setting.queues:
        rows = [(name, e) for name, e in _queue_numbers(base, queue)]
        lines += [
            f"## {_title(queue)}",
            "",
            "| | mean | 95 % interval |",
            "|---|---:|---:|",
            *(f"| {name} | {words.value(e)} | {words.interval(e)} |" for name, e in rows),
            "",
        ]
    lines += _held_back(base)
    lines += downstream_tables.tables(base)
    lines += alarms.table(base)
    lines += cost.table(base)
    pictures = [name for name in charts if name.endswith(".png")]
    if pictures:
        lines += ["## Charts", "", *(f"![{Path(name).stem}]({name})\n" for name in pictures)]
    for title, texts in (("Warnings", base.warnings), ("What the numbers lean on", base.assumptions)):
        if texts:
            lines += [f"## {title}", "", *(f"- {text}" for text in texts), ""]
    lines.append("All numbers are in `summary.json`, the series in `series.parquet`.")
    return "\n".join(lines) + "\n"


def as_json(answers: Sequence[Answer]) -> str:
    """Return the answer for another program; its keys are stable."""
    base = answers[0]
    result = _answer_json(base) | {"sentence": sentence(answers)}
    if len(answers) > 1:
        result["variants"] = {
            name: _answer_json(other)
            | {
                "sentence": trade.sentence(base, other, names[1]),
                "differences": _numbers_json(other.differences),
                "changes": _numbers_json(other.changes),
            }
            for name, other, names in zip(
                comparison.folder_names(answers[1:]), answers[1:], comparison.pairs(answers), strict=True
            )
        }
    return json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(answers: Sequence[Answer]) -> str:
    """Return every number as a line: variant, key, mean, low, high, unit, certainty, replications."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["variant", "key", "mean", "low", "high", "unit", "certainty", "replications", "note"])
    for answer in answers:
        for key in sorted(answer.estimates):
            e = answer.estimates[key]
            numbers = [
                "" if number is None else repr(number) for number in map(_number, (e.mean, e.low, e.high))
            ]
            writer.writerow(
                [answer.setting.variant, key, *numbers, e.unit, e.certainty.value, e.replications, e.note]
            )
    return file.getvalue()


def metrics_json(answer: Answer) -> str:
    """Return what CloudWatch would show of replication 0, in the shape of ``get-metric-data``.

    Timestamps count from the epoch, where the run starts: a simulation has no date.
    """
    results: list[dict[str, Any]] = []
    points = answer.points
    if not points.empty:
        by = ["namespace", "metric", "dimension", "name", "statistic"]
        for number, (key, rows) in enumerate(points.groupby(by, sort=True, observed=True)):
            namespace, metric, dimension, name, statistic = (str(part) for part in key)
            rows = rows.sort_values("at_s")
            known = rows[rows["value"].notna()]
            results.append(
                {
                    "Id": f"m{number}",
                    "Label": f"{namespace} {metric} {dimension}={name} {statistic}",
                    "Timestamps": [_timestamp(at) for at in known["at_s"]],
                    "Values": [_number(value) for value in known["value"]],
                    "StatusCode": "Complete",
                }
            )
    message = {
        "Code": "SimulatedTime",
        "Value": "Replication 0; the run starts at 1970-01-01T00:00:00+00:00, period 60 s; "
        "AWS/SNS: the whole run",
    }
    return json.dumps({"MetricDataResults": results, "Messages": [message]}, indent=1, allow_nan=False) + "\n"


def _called(answers: Sequence[Answer]) -> list[str]:
    """Return what each answer is called among the others."""
    pairs = comparison.pairs(answers)
    return [pairs[0][0], *(name for _, name in pairs)] if pairs else [answers[0].setting.name]


def _numbers(answer: Answer) -> list[tuple[str, str, Estimate, str]]:
    """Return at most fifteen numbers: the thresholds', the headline's queue's, then those of other queues."""
    order = sorted(answer.thresholds, key=lambda result: result.verdict is Verdict.HOLDS)
    thresholds = order if len(order) > MOST_NUMBERS else list(answer.thresholds)
    rows = [(_MARKS[r.verdict], r.text, r.estimate, r.note) for r in thresholds[:MOST_NUMBERS]]
    frames = Frames(answer)
    several = len(answer.setting.queues) > 1
    suffix = f", {frames.queue_name}" if several else ""
    said = [r.estimate for r in thresholds]
    rows += [(" ", f"{name}{suffix}", e, e.note) for name, e in key_numbers(frames) if e not in said]
    delay = frames.estimate("send_delay.p99")
    if answer.setting.held_up and delay.mean > 0 and delay not in said:
        rows.append((" ", f"p99 send delay{suffix}", delay, delay.note))
    metric = latency.metric_of(frames)
    for queue in answer.setting.queues:
        if queue != frames.queue:
            for tail in (f"{metric}.p99", "backlog.max", "drain"):
                found = answer.estimates.get(f"{queue} {tail}")
                if found is not None and found not in said and found.certainty is not Certainty.NO_DATA:
                    rows.append(
                        (
                            " ",
                            f"{words.key_name(tail)}, {words.shortened(words.plain_name(queue), 24)}",
                            found,
                            found.note,
                        )
                    )
    return rows[:MOST_NUMBERS]


def _held_back(answer: Answer) -> list[str]:
    """Return a table of what bound each consumer: shares of the run and of the drain."""
    lines: list[str] = []
    for consumer in answer.setting.consumers:
        queue = words.plain_name(consumer.queue) if consumer.queue.startswith("queues.") else ""
        name = f"{words.thing(consumer.path)}{f', queue {queue}' if queue else ''}"
        for limit in words.LIMITS:
            found = [
                answer.estimates.get(f"{consumer.path} {metric}{{limit={limit}}}.share", NOTHING)
                for metric in ("limit", "drain_limit")
            ]
            if any(share.mean >= _WORTH_A_ROW for share in found):
                cells = (f"{words.value(share)} {words.interval(share)}".strip() for share in found)
                lines.append(f"| {name} | {words.limit(limit, consumer.limit_words)} | {' | '.join(cells)} |")
    for broker in answer.setting.brokers:
        for limit in words.LIMITS:
            share = answer.estimates.get(f"{broker.path} limit{{limit={limit}}}.share", NOTHING)
            if broker.queues and share.mean >= _WORTH_A_ROW and limit != "arrivals":
                cell = f"{words.value(share)} {words.interval(share)}".strip()
                name = f"producers of {words.plain_name(broker.path)}"
                lines.append(f"| {name} | {words.limit(limit)} | {cell} | |")
    if not lines:
        return []
    since = findings.since(Frames(answer))
    header = f"| | limit | of the run | of the drain ({since}) |"
    return ["## What held the consumers back", "", header, "|---|---|---:|---:|", *lines, ""]


def _title(queue: str) -> str:
    """Return the heading of one queue's numbers, its name in full."""
    said = words.queue_words(queue, len(queue))
    return said[:1].upper() + said[1:]


def _queue_numbers(answer: Answer, queue: str) -> list[tuple[str, Estimate]]:
    """Return every number of one queue, in the order of the answer; not the causes nothing came of."""
    prefix = f"{queue} "
    return [
        (_row_name(key), estimate)
        for key, estimate in answer.estimates.items()
        if key.startswith(prefix)
        and estimate.certainty is not Certainty.NO_DATA
        and not (estimate.certainty is Certainty.NONE_SEEN and words.key_parts(key)[2])
    ]


def _row_name(key: str) -> str:
    """Return a name that tells a count from its share and its rate."""
    _, metric, label, statistic = words.key_parts(key)
    if metric == "receives_per_copy" and label:
        return f"received {label.partition('=')[2]} times, share"
    suffix = {"share": ", share", "rate": " per second"}.get(statistic, "")
    return f"{words.key_name(key)}{suffix}"


def _aligned(rows: Sequence[tuple[str, str, Estimate, str]]) -> list[str]:
    texts = [(mark, name, words.value(e), words.interval(e), note) for mark, name, e, note in rows]
    widths = [max((len(row[k]) for row in texts), default=0) for k in (1, 2, 3)]
    return [
        f"{mark} {name:<{widths[0]}}  {value:>{widths[1]}}  {interval:<{widths[2]}}  {note}".rstrip()
        for mark, name, value, interval, note in texts
    ]


def _comparison_text(base: Answer, other: Answer, names: tuple[str, str], most: int) -> list[str]:
    header = ("", names[0], "", names[1], "", "difference", "")
    rows = [header]
    for row in comparison.table(base, other, most):
        difference, half, _ = comparison.difference_words(row)
        verdict = trade.judged(row, difference)
        rows.append(
            (
                trade.subject(row),
                words.value(row.base),
                words.interval(row.base),
                words.value(row.variant),
                words.interval(row.variant),
                f"{difference} {half}".strip(),
                verdict,
            )
        )
    widths = [max(len(row[k]) for row in rows) for k in range(7)]
    aligns = ("<", ">", "<", ">", "<", ">", "<")
    return [
        "  ".join(
            f"{cell:{align}{width}}" for cell, align, width in zip(row, aligns, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _threshold_table(results: Sequence[ThresholdResult]) -> list[str]:
    lines = ["| | threshold | measured | 95 % interval | |", "|---|---|---:|---:|---|"]
    for r in results:
        note = r.note or r.estimate.note
        lines.append(
            f"| {_MARKS[r.verdict]} {r.verdict.value} | `{r.text}` | {words.value(r.estimate)} "
            f"| {words.interval(r.estimate)} | {note} |"
        )
    return lines


def _to_show(written: Sequence[Path]) -> list[Path]:
    """Return the files a person opens: the page, the numbers, the pictures; not the tables."""
    shown = [path for path in written if path.suffix == ".png"]
    pages = [path for path in written if path.name in ("summary.md", "summary.json")]
    top = min((len(path.parts) for path in written), default=0)
    return [path for path in [*pages, *shown] if len(path.parts) == top]


def _answer_json(answer: Answer) -> dict[str, Any]:
    setting = answer.setting
    verdicts = {result.verdict for result in answer.thresholds}
    worst = next((v for v in (Verdict.CROSSED, Verdict.UNDECIDED) if v in verdicts), Verdict.HOLDS)
    return {
        "scenario": setting.name,
        "variant": setting.variant,
        "question": setting.question,
        "duration_s": _number(setting.duration_s),
        "seed": setting.seed,
        "replications": setting.replications,
        "rules": setting.rules,
        "verdict": worst.value,
        "headline": setting.headline,
        "thresholds": [
            {
                "text": r.text,
                "key": r.key,
                "bound": _number(r.bound),
                "verdict": r.verdict.value,
                "note": r.note,
                "measured": estimate_json(r.estimate),
            }
            for r in answer.thresholds
        ],
        "numbers": _numbers_json(answer.estimates),
        "bill": [_rounded(line) for line in cost.as_json(answer)],
        "assumptions": list(answer.assumptions),
        "warnings": list(answer.warnings),
    }


def _numbers_json(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {key: estimate_json(estimates[key]) for key in sorted(estimates)}


def estimate_json(estimate: Estimate) -> dict[str, Any]:
    """Return a number for another program."""
    return {
        "mean": _number(estimate.mean),
        "low": _number(estimate.low),
        "high": _number(estimate.high),
        "unit": estimate.unit,
        "certainty": estimate.certainty.value,
        "replications": estimate.replications,
        "note": estimate.note,
    }


def _number(value: float) -> float | int | None:
    """Return a number with twelve figures, the same on every machine; None where there is none."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.12g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def _rounded(value: Any) -> Any:
    """Return numbers in whatever this is as `_number` gives them."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return _number(value) if isinstance(value, float) else value


def _timestamp(at_s: float) -> str:
    day, rest = divmod(round(at_s), 86_400)
    hour, rest = divmod(rest, 3600)
    # a run is at most some weeks, so January of the epoch and what follows it is enough
    month, first = next((m, f) for m, f in ((4, 90), (3, 59), (2, 31), (1, 0)) if day >= f)
    return f"1970-{month:02d}-{day - first + 1:02d}T{hour:02d}:{rest // 60:02d}:{rest % 60:02d}+00:00"
