"""What bound consumers: as shares of the run and of the drain, and of each bin for the strips of charts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from simulator.analysis import intervals
from simulator.analysis.answer import Estimate
from simulator.analysis.partial import LIMIT
from simulator.analysis.replication import Replication
from simulator.recording.tables import Limit

if TYPE_CHECKING:
    from simulator.analysis.measures import Measures

_S: Final = 1e6
_COLUMNS: Final = ("scope", "replication", "at_s", "limit", "share")

Array = np.ndarray
Times = Mapping[Limit, float]


def of_run(runs: Sequence[Replication], consumer: int, first_bin: int, last_bin: int) -> dict[str, Estimate]:
    """Share of the window that each limit bound a consumer, by ``limit{limit=...}.share``."""
    found = []
    for run in runs:
        until = min(last_bin, run.bins)
        total = float(run.widths[first_bin:until].sum())
        times = {
            limit: float(integrals[first_bin:until].sum())
            for limit, integrals in _integrals(run, consumer).items()
        }
        found.append(_shares(times, total))
    return _estimates("limit", found)


def of_drain(runs: Sequence[Replication], consumer: int, queue: int) -> dict[str, Estimate]:
    """Share of the drain of its queue that each limit bound a consumer, by ``drain_limit{limit=...}.share``.

    Of a run that did not drain it is the time until its end. A drain that is shorter than a bin says
    nothing.
    """
    return _estimates("drain_limit", [_of_drain(run, consumer, queue) for run in runs])


def _of_drain(run: Replication, consumer: int, queue: int) -> dict[Limit, float]:
    since, drained = run.frame.drain_from_us, run.drained_us([queue])
    if since is None or math.isnan(drained.us) or drained.us < run.frame.bin_us:
        return {}
    until = run.end_at if drained.unfinished else min(run.end_at, since + int(drained.us))
    return _shares(_times(run, consumer, since, until), float(until - since))


def _times(run: Replication, consumer: int, since: int, until: int) -> dict[Limit, float]:
    """Time that each limit bound between two instants [us].

    Of the bin in which the drain ends, all time at limits lies before that, as then only arrivals bind.
    """
    starts = np.arange(run.bins, dtype=np.int64) * run.frame.bin_us
    inside = np.clip(np.minimum(starts + run.widths, until) - np.maximum(starts, since), 0, None)
    last = min(run.bins - 1, (until - 1) // run.frame.bin_us)
    integrals = _integrals(run, consumer)
    held = float(sum(found[last] for limit, found in integrals.items() if limit is not Limit.ARRIVALS))
    room = float(inside[last])
    times = {}
    for limit, found in integrals.items():
        part = found * (inside / run.widths)
        if limit is Limit.ARRIVALS:
            part[last] = max(0.0, room - held)
        else:
            part[last] = found[last] * min(1.0, room / held) if held else 0.0
        times[limit] = math.fsum(part.tolist())
    return times


def _integrals(run: Replication, consumer: int) -> dict[Limit, Array]:
    """Time at each limit by bin [us], of the limits that ever bound."""
    return {
        limit: run.steps(LIMIT + limit, [consumer]).integrals
        for limit in Limit
        if run.has_level(LIMIT + limit, [consumer])
    }


def _shares(times: Times, total: float) -> dict[Limit, float]:
    return {limit: time / total for limit, time in times.items()} if total > 0 else {}


def _estimates(metric: str, found: Sequence[Mapping[Limit, float]]) -> dict[str, Estimate]:
    """Means over the runs that know any limit; no interval goes beyond the whole."""
    made = {}
    for limit in Limit:
        values = [shares.get(limit, 0.0) if shares else math.nan for shares in found]
        estimate = intervals.of_means(values, "share")
        high = min(1.0, estimate.high) if not math.isnan(estimate.high) else math.nan
        made[f"{metric}{{limit={limit.name.lower()}}}.share"] = replace(estimate, high=high)
    return made


def by_bin(measures: "Measures", group: int) -> pd.DataFrame:
    """Shares of each bin that each limit bound: columns scope, replication, at_s, limit, share.

    A bin is *group* bins of the reduction.
    """
    frame = measures.frame
    parts = []
    for consumer in frame.queue_of:
        for number, run in enumerate(measures.runs):
            starts = np.arange(0, run.bins, group)
            widths = np.add.reduceat(run.widths, starts)
            for limit, integrals in _integrals(run, frame.things.index(consumer)).items():
                share = np.add.reduceat(integrals, starts) / widths
                seen = np.flatnonzero(share > 0)
                if seen.size:
                    at_s = starts[seen] * frame.bin_us / _S
                    rows = (consumer, number, at_s, limit.name.lower(), share[seen])
                    parts.append(pd.DataFrame(dict(zip(_COLUMNS, rows, strict=True))))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({name: [] for name in _COLUMNS})
