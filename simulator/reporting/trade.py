"""A comparison in words: the sentence that names the trade, and a page that fits a pull request."""

import math
from collections.abc import Sequence
from typing import Final

from simulator.analysis.answer import Answer, Certainty, Verdict
from simulator.analysis.trade import Term, terms
from simulator.reporting import comparison, findings, words
from simulator.reporting.frames import Frames

_CALLED: Final = {
    "duplicate_delivery.share": "duplicates",
    "out_of_order.share": "out of order",
    "dead_lettered.count": "dead letters",
    "lost.count": "lost",
    "cost.month": "cost",
}


def sentence(base: Answer, variant: Answer, name: str) -> str:
    """Return what the variant called *name* gains and loses, and where no difference was seen.

    ``fifo: p99 wait +1.8 s [1.5, 2.1], duplicates 412 to 0 per million, cost +23%``
    """
    found = terms(base, variant)
    if not found:
        return f"{name}: no number to compare"
    if variant.setting.replications == 1 or base.setting.replications == 1:
        moved = [f"{_name(term)} {_from_to(term)}" for term in found if _differs(term)]
        return f"{name}: {', '.join(moved) or 'all alike'}; one run each, so no difference is sure"
    seen = [term for term in found if term.better is not None]
    unseen = [_name(term) for term in found if term.better is None]
    none = f"no difference seen in {words.listed(unseen)}" if unseen else ""
    first = [_moved(term) for term in seen if term is found[0]]
    rest = ", ".join(_moved(term) for term in seen if term is not found[0])
    several = first and rest and found[0].key.startswith("queues.") and len(base.setting.queues) > 1
    parts = [*first, f"over all queues {rest}"] if several else [", ".join(filter(None, (*first, rest)))]
    return f"{name}: {'; '.join(filter(None, (*parts, none)))}"


def pull_request(answers: Sequence[Answer]) -> str:
    """Return a comparison as Markdown to paste: the verdicts, one small table, the rest folded."""
    base, *others = answers
    names = comparison.pairs(answers)
    lines = [f"### {base.setting.name}: {', '.join(name for _, name in names)} against {names[0][0]}", ""]
    lines += [f"- **{sentence(base, other, name)}**" for other, (_, name) in zip(others, names, strict=True)]
    lines += ["", *_table(base, others, names), ""]
    called = [names[0][0], *(name for _, name in names)]
    for answer, name in zip(answers, called, strict=True):
        if answer.thresholds:
            missed = [f"`{r.text}`" for r in answer.thresholds if r.verdict is not Verdict.HOLDS]
            verdict = findings.thresholds(answer).removesuffix(": ")
            lines.append(f"- {name}: {verdict}" + (f" ({', '.join(missed)})" if missed else ""))
    lines += ["", "<details><summary>Intervals, runs, warnings</summary>", ""]
    for other, pair in zip(others, names, strict=True):
        lines += [*markdown_table(base, other, pair), ""]
    setting = base.setting
    runs = f"{setting.replications} runs of each" if setting.replications > 1 else "one run of each"
    lines.append(
        f"Differences are taken run by run: the same messages in all; {runs}, 95 % intervals, "
        f"seed {setting.seed}, rules {setting.rules}, simulator {setting.version}."
    )
    warnings = [
        f"- {name}: {text}" for answer, name in zip(answers, called, strict=True) for text in answer.warnings
    ]
    lines += ["", *warnings] if warnings else []
    return "\n".join([*lines, "", "</details>"]) + "\n"


def markdown_table(base: Answer, variant: Answer, names: tuple[str, str]) -> list[str]:
    """Return a Markdown table of a variant against the base, with all intervals."""
    lines = [f"| {_about(base)}| {names[0]} | {names[1]} | difference | |", "|---|---:|---:|---:|---|"]
    for row in comparison.table(base, variant):
        difference, half, _ = comparison.difference_words(row)
        cells = [f"{words.value(e)} {words.interval(e)}".strip() for e in (row.base, row.variant)]
        lines.append(
            f"| {subject(row)} | {cells[0]} | {cells[1]} | {f'{difference} {half}'.strip()} "
            f"| {judged(row, difference)} |"
        )
    return lines


def judged(row: comparison.Row, difference: str) -> str:
    """Return whether a row is better or worse, where its difference does not say so already."""
    word = "" if row.better is None else "better" if row.better else "worse"
    return "" if word == difference else word


def subject(row: comparison.Row) -> str:
    """Return what a row is about, with its unit."""
    return f"{row.name} {row.unit}".strip()


def _table(base: Answer, others: Sequence[Answer], names: Sequence[tuple[str, str]]) -> list[str]:
    """One row a metric, one column a side: its value, and how far that is from the base."""
    rows = {row.key: row for other in others for row in comparison.table(base, other)}
    lines = [
        f"| {_about(base)}| {names[0][0]} | {' | '.join(name for _, name in names)} |",
        f"|---|---:|{'---:|' * len(others)}",
    ]
    for key, row in rows.items():
        cells = [_cell(comparison.row_of(key, base, other)) for other in others]
        lines.append(f"| {subject(row)} | {words.value(row.base)} | {' | '.join(cells)} |")
    return lines


def _about(base: Answer) -> str:
    """Name the queue that a table is about where there are several."""
    return f"{words.queue_words(Frames(base).queue)} " if len(base.setting.queues) > 1 else ""


def _cell(row: comparison.Row) -> str:
    difference, half, _ = comparison.difference_words(row)
    if row.better is None:
        said = f"{difference} {half}".strip()
        return f"{words.value(row.variant)}{f' ({said})' if difference != words.DASH else ''}"
    parts = (f"{difference} {half}".strip(), judged(row, difference))
    return f"{words.value(row.variant)} ({', '.join(filter(None, parts))})"


def _name(term: Term) -> str:
    tail = term.key.rpartition(" ")[2]
    return _CALLED.get(tail) or words.key_name(term.key)


def _differs(term: Term) -> bool:
    return (words.value(term.base), term.base.certainty) != (
        words.value(term.variant),
        term.variant.certainty,
    )


def _moved(term: Term) -> str:
    """Say a difference that was seen: signed with its interval, in % or from what to what."""
    tail = term.key.rpartition(" ")[2]
    if tail.startswith("cost") and math.isfinite(term.change.mean):
        text = words.percent(abs(term.change.mean))
        return f"{_name(term)} {'+' if term.change.mean > 0 else '−'}{text.replace(' ', '')}"
    endless = (Certainty.NEVER, Certainty.AT_LEAST)
    if (
        term.difference.unit == "s"
        and term.base.certainty not in endless
        and term.variant.certainty not in endless
    ):
        low, high = words.ends(term.difference)
        return f"{_name(term)} {words.signed(term.difference)} [{low}, {high}]"
    return f"{_name(term)} {_from_to(term)}"


def _from_to(term: Term) -> str:
    sides = [term.base, term.variant]
    if term.difference.unit == "share" or term.variant.unit == "share":
        before, after = (words.value(words.in_millionths(one)) for one in sides)
        return f"{before} to {after} per million"
    return f"{words.value(sides[0])} to {words.value(sides[1])}"
