"""An answer as charts want it: one queue, one consumer, curves with their bands, stretches of limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulator.analysis.answer import Answer, Certainty, Consumer, Estimate, Event
from simulator.reporting import words

PERCENTILES: Final = ("p50", "p95", "p99")
_EDGES: Final = frozenset({"backlog", "in_flight"})
"""Quantities known at the edges of bins; all others are means (or quantiles) of the bin."""

_SHORTEST_S: Final = 20.0
_LEAST_LATENCY_S: Final = 1e-4
_AFTER_LOSS_S: Final = 300.0

NOTHING: Final = Estimate(math.nan, math.nan, math.nan, "1", Certainty.NO_DATA, 0)


@dataclass(frozen=True)
class Segment:
    """A stretch of time with one binding limit [s]."""

    limit: str
    from_s: float
    until_s: float

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return self.until_s - self.from_s


@dataclass(frozen=True)
class Stretch:
    """When processing was behind [s]: from the first backlog worth the name until it was gone again.

    ``peak`` is the largest mean backlog in it, at ``peak_at_s``; ``ended`` is false where messages
    were still waiting when the run ended.
    """

    from_s: float
    until_s: float
    peak: float
    peak_at_s: float
    ended: bool

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return self.until_s - self.from_s


@dataclass(frozen=True)
class Alarm:
    """Of whom an alarm is, and the spans [s] in which it had gone off in most runs."""

    scope: str
    spans: Sequence[tuple[float, float]]


class Frames:
    """One answer, prepared: every chart of a report is about the same queue over the same time axis."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.setting = answer.setting
        self._rows = _by_curve(answer.series)
        self._pivoted: dict[tuple[str, str], pd.DataFrame] = {}
        self.bin_s = _bin_width(answer)
        self.queue = self._headline_queue()
        self.consumer = self._busiest([c for c in self.setting.consumers if c.queue == self.queue])
        self.end_s = self._end()

    @property
    def queue_name(self) -> str:
        """The queue's name, for headings."""
        return words.shortened(words.plain_name(self.queue), 24)

    @property
    def of_queue(self) -> str:
        """`` of queue billing`` where there are several queues, else nothing."""
        return f", queue {self.queue_name}" if len(self.setting.queues) > 1 else ""

    def has(self, scope: str, quantity: str) -> bool:
        """Whether there is any number in a curve."""
        runs = self._runs(scope, quantity)
        return runs is not None and bool(runs.notna().to_numpy().any())

    def curve(self, scope: str, quantity: str, *, log: bool = False) -> pd.DataFrame:
        """Return mean, low, high over replications, and ``never`` (share of runs without an end).

        The index is where to draw a point [s]: bins at their middle, backlog and in flight at the
        instant. With *log* the mean and interval are taken of the logarithm. One run has no band.
        """
        runs = self._runs(scope, quantity)
        if runs is None:
            return pd.DataFrame(columns=["mean", "low", "high", "never"], dtype=float)
        frame = across(runs, log=log)
        if quantity not in _EDGES:
            frame.index = frame.index + self.bin_s / 2
        return frame[frame.index <= self.end_s + 1e-6]

    def estimate(self, tail: str, scope: str | None = None) -> Estimate:
        """Return an estimate of the chosen queue, else the pooled one, else no data."""
        found = self.answer.estimates
        wanted = self.queue if scope is None else scope
        return found.get(f"{wanted} {tail}".strip(), found.get(tail, NOTHING))

    def events(self) -> list[Event]:
        """Return bursts, faults, and the end of arrivals where the run goes on after it."""
        inside = [event for event in self.marked if event.from_s < self.end_s]
        if self.end_s > self.setting.duration_s + self.bin_s / 2:
            inside.append(Event("arrivals end", self.setting.duration_s, self.setting.duration_s))
        return inside

    @property
    def marked(self) -> list[Event]:
        """Bursts and faults, these with what they do as their labels."""
        faults = [Event(one.words, one.from_s, one.until_s, one.name) for one in self.setting.faults]
        return [*self.setting.events, *faults]

    def alarms(self, scopes: Sequence[str] | None = None) -> list[Alarm]:
        """Return when alarms of *scopes* (None: all) had gone off, in the order of their first time."""
        found = []
        for scope, quantity in self._rows:
            if quantity == "alarm" and (scopes is None or scope in scopes):
                share = self.curve(scope, "alarm")["mean"]
                at = share.index.to_numpy(dtype=float) - self.bin_s / 2
                spans = [
                    (float(at[first]), min(self.end_s, float(at[last]) + self.bin_s))
                    for first, last in runs_of(list(share >= 0.5))
                ]
                if spans:
                    found.append(Alarm(scope, spans))
        return sorted(found, key=lambda alarm: (alarm.spans[0], alarm.scope))

    def alarm_paths(self) -> list[str]:
        """Return the paths of the alarms that nobody's policy has of its own."""
        return [scope for scope, quantity in self._rows if quantity == "alarm" and "alarms." in scope]

    def segments(self, consumer: Consumer | None) -> list[Segment]:
        """Return what bound a consumer: the limit most runs were at, without stretches too short to see."""
        limits = self.answer.limits
        if consumer is None or limits.empty:
            return []
        mine = limits[limits["scope"] == consumer.path]
        return segments(mine, self.bin_s, self.end_s, shortest_s=max(_SHORTEST_S, self.end_s / 250))

    def seconds_at(self, consumer: Consumer | None, from_s: float, until_s: float) -> dict[str, float]:
        """Return how long each limit bound in a stretch, mean over replications [s]."""
        limits = self.answer.limits
        if consumer is None or limits.empty:
            return {}
        mine = limits[limits["scope"] == consumer.path]
        runs = max(1, mine["replication"].nunique())
        overlap = (np.minimum(mine["at_s"] + self.bin_s, until_s) - np.maximum(mine["at_s"], from_s)).clip(0)
        total = (mine["share"] * overlap).groupby(mine["limit"].str.lower()).sum() / runs
        return {str(name): float(seconds) for name, seconds in total.items() if seconds > 0}

    def tail(self, metric: str) -> pd.DataFrame:
        """Return the tail of a latency: columns share, mean, low, high [s], largest share first."""
        tails = self.answer.tails
        mine = (
            tails[(tails["scope"] == self.queue) & (tails["metric"] == metric)] if not tails.empty else tails
        )
        if mine.empty:
            return pd.DataFrame(columns=["share", "mean", "low", "high", "never"], dtype=float)
        runs = mine.pivot_table(index="share", columns="replication", values="value_s", dropna=False)
        frame = across(runs, log=True)
        return frame.sort_index(ascending=False).rename_axis("share").reset_index()

    def behind(self, queue: str | None = None) -> Stretch | None:
        """Return when processing was behind most; None where it kept up."""
        return max(self.stretches(queue), key=lambda stretch: stretch.peak, default=None)

    def stretches(self, queue: str | None = None) -> list[Stretch]:
        """Return every time that processing was behind.

        Behind means a backlog of more than five seconds' worth of what is sent, and of more than
        2% of its peak.
        """
        scope = self.queue if queue is None else queue
        backlog = self.curve(scope, "backlog")["mean"].dropna()
        if backlog.empty:
            return []
        sent = self.curve(scope, "sent_per_s")["mean"]
        typical = float(sent[sent.index <= self.setting.duration_s].mean()) if sent.notna().any() else 0.0
        values, at = backlog.to_numpy(), backlog.index.to_numpy(dtype=float)
        level = max(10.0, 0.02 * float(values.max()), 5 * (typical if math.isfinite(typical) else 0.0))
        found = []
        for first, last in runs_of(list(values > level)):
            top = first + int(np.argmax(values[first : last + 1]))
            if values[top] > 1.5 * level:
                ended = last + 1 < at.size
                until = float(at[last + 1] if ended else at[last])
                found.append(
                    Stretch(float(at[max(0, first - 1)]), until, float(values[top]), float(at[top]), ended)
                )
        return found

    def event_of(self, stretch: Stretch) -> Event | None:
        """Return the event a stretch came from: the last one that began before its peak and overlaps it."""
        causes = [
            e
            for e in self.marked
            if e.from_s <= stretch.peak_at_s and e.until_s + self._late_s(e) >= stretch.from_s
        ]
        return max(causes, key=lambda e: e.from_s, default=None)

    def _late_s(self, event: Event) -> float:
        """Return how long after its end an event may begin a backlog: a loss of instances takes its time."""
        at_once = event.fault and event.until_s == event.from_s
        return max(self.bin_s, _AFTER_LOSS_S) if at_once else self.bin_s

    def _runs(self, scope: str, quantity: str) -> pd.DataFrame | None:
        """Return a curve as instants x replications."""
        key = (scope, quantity)
        if key not in self._pivoted and key in self._rows:
            rows = self.answer.series.iloc[self._rows[key]]
            self._pivoted[key] = rows.pivot(index="at_s", columns="replication", values="value").sort_index()
        return self._pivoted.get(key)

    def _headline_queue(self) -> str:
        scope = words.key_parts(self.setting.headline)[0]
        queues = list(self.setting.queues)
        if scope in queues:
            return scope
        for consumer in self.setting.consumers:
            if consumer.path == scope:
                return consumer.queue
        _, metric, _, statistic = words.key_parts(self.setting.headline)
        tail = f"{metric}.{statistic}" if statistic else metric

        def worst(queue: str) -> float:
            found = self.answer.estimates.get(f"{queue} {tail}", NOTHING)
            if found.certainty is Certainty.NEVER:
                return math.inf
            return -math.inf if math.isnan(found.mean) else found.mean

        return max(queues, key=worst, default="")

    def _busiest(self, consumers: Sequence[Consumer]) -> Consumer | None:
        def bound(consumer: Consumer) -> float:
            times = self.seconds_at(consumer, 0.0, math.inf)
            return sum(seconds for name, seconds in times.items() if name != "arrivals")

        return max(consumers, key=bound, default=None)

    def _end(self) -> float:
        """Return where the time axis ends [s]: with the arrivals, or when what waits then is worked off."""
        duration, last = self.setting.duration_s, self.setting.duration_s
        for queue in self.setting.queues:
            runs = self._runs(queue, "backlog")
            if runs is None:
                continue
            backlog = runs.mean(axis=1)
            waiting = backlog.index[backlog > max(10.0, 0.02 * float(backlog.max()))]
            if waiting.size and float(waiting.max()) >= duration:
                last = max(last, float(waiting.max()) + 2 * self.bin_s)
        data = (
            float(self.answer.series["at_s"].max()) + self.bin_s if not self.answer.series.empty else duration
        )
        return max(duration, min(last, data))


def across(runs: pd.DataFrame, *, log: bool = False) -> pd.DataFrame:
    """Return mean and 95% interval over the columns (replications) of *runs*.

    Where a run has no end (``inf``), no mean can be said: ``never`` is the share of such runs.
    """
    values = runs.to_numpy(dtype=float)
    never = np.isinf(values)
    values = np.where(never, np.nan, values)
    if log:
        values = np.log(np.maximum(values, _LEAST_LATENCY_S))
    known = np.isfinite(values)
    count = known.sum(axis=1)
    filled = np.where(known, values, 0.0)
    safe = np.maximum(count, 1)
    mean = filled.sum(axis=1) / safe
    spread = np.where(known, (values - mean[:, None]) ** 2, 0.0).sum(axis=1)
    half = _student_t(count) * np.sqrt(spread / np.maximum(count - 1, 1) / safe)
    unknown = (count == 0) | never.any(axis=1)
    mean = np.where(unknown, np.nan, mean)
    half = np.where((count < 2) | unknown, np.nan, half)
    low, high = mean - half, mean + half
    if log:
        mean, low, high = np.exp(mean), np.exp(low), np.exp(high)
    else:
        low = np.where(mean >= 0, np.maximum(low, 0.0), low)
    share = never.mean(axis=1) if values.shape[1] else np.zeros(values.shape[0])
    return pd.DataFrame(
        {"mean": mean, "low": low, "high": high, "never": share}, index=runs.index.to_numpy(dtype=float)
    )


def segments(limits: pd.DataFrame, bin_s: float, end_s: float, *, shortest_s: float) -> list[Segment]:
    """Return stretches of one limit from shares by bin (columns at_s, limit, share, replication).

    In each bin the limit with the largest mean share counts; a border between two bins is moved by
    the share that either has in the other's.
    """
    if limits.empty:
        return []
    shares = (
        limits.assign(limit=limits["limit"].str.lower()).groupby(["at_s", "limit"])["share"].sum().unstack()
    )
    shares = shares.fillna(0.0) / limits["replication"].nunique()
    shares = shares[(shares.index < end_s) & (shares.sum(axis=1) > 0)]
    found: list[Segment] = []
    for at, row in shares.iterrows():
        start, limit = float(str(at)), str(row.idxmax())
        until = min(end_s, start + bin_s)
        if found and found[-1].limit == limit and abs(found[-1].until_s - start) < bin_s:
            found[-1] = Segment(limit, found[-1].from_s, until)
            continue
        if found:
            before = found[-1]
            early = float(shares.loc[max(shares.index[shares.index < start])][limit]) * bin_s
            border = max(before.from_s, start - early + float(row[before.limit]) * bin_s)
            border = min(border, until)
            found[-1] = Segment(before.limit, before.from_s, border)
            start = border
        found.append(Segment(limit, start, until))
    return _merged([part for part in found if part.length_s > 0], shortest_s)


def _merged(parts: list[Segment], shortest_s: float) -> list[Segment]:
    """Give stretches that are too short to see to the longer neighbour, the shortest first."""
    parts = _joined(parts)
    while len(parts) > 1:
        k = min(range(len(parts)), key=lambda i: parts[i].length_s)
        if parts[k].length_s >= shortest_s:
            break
        near = [i for i in (k - 1, k + 1) if 0 <= i < len(parts)]
        to = max(near, key=lambda i: parts[i].length_s)
        first, last = min(k, to), max(k, to)
        parts[first : last + 1] = [Segment(parts[to].limit, parts[first].from_s, parts[last].until_s)]
        parts = _joined(parts)
    return parts


def _joined(parts: list[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for part in parts:
        if joined and joined[-1].limit == part.limit:
            joined[-1] = Segment(part.limit, joined[-1].from_s, part.until_s)
        else:
            joined.append(part)
    return joined


def highest_at(values: pd.Series) -> float:
    """Return where a curve is highest (its index there)."""
    return float(values.index.to_numpy(dtype=float)[int(np.nanargmax(values.to_numpy(dtype=float)))])


def runs_of(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Return first and last position of every run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(flags, dtype=int), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _by_curve(series: pd.DataFrame) -> dict[tuple[str, str], npt.NDArray[np.intp]]:
    if series.empty:
        return {}
    positions = series.groupby(["scope", "quantity"], sort=False, observed=True).indices
    found: dict[tuple[str, str], npt.NDArray[np.intp]] = {}
    for key, rows in positions.items():
        scope, quantity = cast(tuple[str, str], key)
        found[scope, quantity] = np.asarray(rows)
    return found


def _bin_width(answer: Answer) -> float:
    if math.isfinite(answer.bin_s) and answer.bin_s > 0:
        return answer.bin_s
    instants = (
        np.unique(answer.series["at_s"].to_numpy(dtype=float)) if not answer.series.empty else np.empty(0)
    )
    return float(np.diff(instants).min()) if instants.size > 1 else max(answer.setting.duration_s, 1e-6)


def _student_t(count: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.maximum(count - 1, 1), 0.975), dtype=np.float64)
