"""Downstreams in the summary: what each did, and what their callers spent their time on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulator.analysis.answer import Answer, Certainty, Estimate
from simulator.reporting import words

_PARTS: Final = {"own_work": "own work", "downstream": "served by downstreams", "waiting": "lines and pauses"}
_SHARES: Final = ("failed_calls.share", "refused_tries.share", "timed_out_tries.share", "failed_tries.share")
_ROWS: Final = {
    "calls.count": "calls",
    "calls.rate": "calls per second",
    "tries.count": "tries",
    "failed_calls.share": "calls that failed for good, share",
    "refused_tries.share": "tries refused (429), share",
    "timed_out_tries.share": "tries timed out, share",
    "failed_tries.share": "tries answered with an error, share",
    "try_time.mean": "time of a try, mean",
    "served.mean": "tries in service, mean",
    "served.max": "tries in service, most",
    "line.mean": "tries in line, mean",
    "line.max": "tries in line, most",
    "utilisation": "utilisation",
    "open_breakers.mean": "circuit breakers not closed, mean",
}


def tables(answer: Answer) -> list[str]:
    """Return a table of each downstream, and one of their callers' time per message; none without any."""
    lines: list[str] = []
    for one in answer.setting.downstreams:
        rows = [
            (name, found)
            for tail, name in _ROWS.items()
            if (found := answer.estimates.get(f"{one.path} {tail}")) is not None and _says(tail, found)
        ]
        heading = f"## Downstream {words.plain_name(one.path)} ({one.settings})"
        lines += [heading, "", "| | mean | 95 % interval |", "|---|---:|---:|"]
        lines += [f"| {name} | {words.value(found)} | {words.interval(found)} |" for name, found in rows]
        lines.append("")
    callers = list(_callers(answer))
    if callers:
        lines += ["## Time of an invocation, per message", "", f"| | {' | '.join(_PARTS.values())} |"]
        lines += [f"|---|{'---:|' * len(_PARTS)}", *callers, ""]
    return lines


def _says(tail: str, found: Estimate) -> bool:
    """Whether a row is worth its line: not what no try came to, nor breakers that are not there."""
    if found.certainty is Certainty.NO_DATA:
        return False
    return found.mean > 0 or tail not in (*_SHARES, "open_breakers.mean")


def _callers(answer: Answer) -> Iterator[str]:
    for consumer in answer.setting.consumers:
        parts = [answer.estimates.get(f"{consumer.path} {name}.mean") for name in _PARTS]
        known = [part for part in parts if part is not None]
        if len(known) == len(_PARTS):
            cells = " | ".join(f"{words.value(part)} {words.interval(part)}".strip() for part in known)
            yield f"| {words.thing(consumer.path)} | {cells} |"
