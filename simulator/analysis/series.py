"""What charts draw: numbers over time and tails, each by replication, in long frames."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from simulator.analysis import brokers, downstreams, email, workflows
from simulator.analysis.histogram import within
from simulator.analysis.measures import (
    ALARM,
    DUPLICATE_CAUSES,
    LEVELS,
    NOISY_TENANTS,
    OLDEST_S,
    OWN_FAILURES,
    TENANT_WAITS,
    Measures,
    Scope,
)
from simulator.analysis.partial import BUCKET_BITS, Field
from simulator.analysis.replication import Replication

_S: Final = 1e6
_MOST_POINTS: Final = 200
_WIDTHS_S: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400)
_OVER_TIME: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_TAIL_SHARES: Final = tuple(10 ** (-place / 12) for place in range(73))
_STEADY_S: Final = 5.0

Array = np.ndarray


def group_of(frame_bin_us: int, duration_us: int) -> int:
    """How many bins of a reduction make one of a chart: whole multiples, at most 200 in the duration."""
    for width in _WIDTHS_S:
        width_us = width * 1_000_000
        if width_us % frame_bin_us == 0 and duration_us <= _MOST_POINTS * width_us:
            return width_us // frame_bin_us
    return -(-duration_us // (_MOST_POINTS * frame_bin_us))


def needed_slots(measures: Measures, run: Replication, consumer: int, queues: Sequence[int]) -> Array:
    """Slots that a bin's arrivals need: messages sent a second x busy time a message; shape (bins,)."""
    batched = run.total(Field.BATCHED, [consumer])
    busy_us = int(run.steps(LEVELS["busy"], [consumer]).integrals.sum())
    if not batched or not busy_us:
        return np.full(run.bins, math.nan)
    needed: Array = run.by_bin(Field.SENT, queues) / run.widths * (busy_us / batched)
    return needed


class Curves:
    """Numbers over time of all scopes and runs, in bins wide enough for a chart."""

    def __init__(self, measures: Measures) -> None:
        self.measures = measures
        frame = measures.frame
        self.group = group_of(frame.bin_us, frame.duration_us)
        self.bin_s = self.group * frame.bin_us / _S
        self._labels: list[tuple[str, str, int]] = []
        self._values: list[Array] = []

    def frame(self) -> pd.DataFrame:
        """Columns scope, quantity, replication, at_s, value."""
        measures = self.measures
        index = {thing: number for number, thing in enumerate(measures.frame.things)}
        for number, run in enumerate(measures.runs):
            for scope in measures.scopes():
                self._queue(number, run, scope)
            for consumer, queue in measures.frame.queue_of.items():
                self._consumer(number, run, consumer, index[consumer], index.get(queue))
            for path, quantity, values in downstreams.curves(measures.frame, run, self._summed):
                self._add(path, quantity, number, values)
            for path, quantity, values in brokers.curves(measures.frame, run, self._summed):
                self._add(path, quantity, number, values)
            for path, quantity, values in workflows.curves(measures.frame, run, self._summed):
                self._add(path, quantity, number, values)
            for path, quantity, values in email.curves(measures.frame, run, self._summed):
                self._add(path, quantity, number, values)
            for thing, path in enumerate(measures.frame.things):
                if run.has_level(ALARM, [thing]):
                    in_alarm = self._summed(run.steps(ALARM, [thing]).integrals)
                    self._add(path, "alarm", number, in_alarm / self._summed(run.widths))
        lengths = [len(values) for values in self._values]
        scopes, quantities, replications = zip(*self._labels, strict=True)
        return pd.DataFrame(
            {
                "scope": _repeated(scopes, lengths),
                "quantity": _repeated(quantities, lengths),
                "replication": np.repeat(np.array(replications), lengths),
                "at_s": np.concatenate([np.arange(length) for length in lengths]) * self.bin_s,
                "value": np.concatenate(self._values),
            }
        )

    def _add(self, scope: str, quantity: str, number: int, values: Array) -> None:
        self._labels.append((scope, quantity, number))
        self._values.append(values)

    def _summed(self, by_bin: Array) -> Array:
        sums: Array = np.add.reduceat(by_bin, np.arange(0, len(by_bin), self.group))
        return sums

    def _widths_s(self, run: Replication) -> Array:
        return self._summed(run.widths) / _S

    def _queue(self, number: int, run: Replication, of: Scope) -> None:
        scope, queues = of.name, of.queues
        widths_s = self._widths_s(run)
        for quantity, what, buckets in (
            ("sent_per_s", Field.SENT, None),
            ("received_per_s", Field.RECEIVED, None),
            ("processed_per_s", Field.PROCESSED, None),
            ("deleted_per_s", Field.DELETED, None),
            ("failed_per_s", Field.ATTEMPT, OWN_FAILURES),
        ):
            self._add(scope, quantity, number, self._summed(run.by_bin(what, queues, buckets)) / widths_s)
        backlog, in_flight = run.backlog(queues), run.in_flight(queues)
        starts = np.arange(0, run.bins, self.group)
        self._add(scope, "backlog", number, backlog.edges[starts].astype(float))
        self._add(scope, "in_flight", number, in_flight.edges[starts].astype(float))
        if len(queues) == 1:
            oldest_s = run.steps(OLDEST_S, queues).edges[starts]
            self._add(scope, "oldest_s", number, oldest_s.astype(float))
        dead = self._summed(run.by_bin(Field.DEAD_LETTERED, queues))
        self._add(scope, "dead_lettered", number, dead.astype(float))
        for cause in DUPLICATE_CAUSES:
            again = self._summed(run.by_bin(Field.DUPLICATE, queues, [cause]))
            if again.any():
                self._add(scope, f"duplicates_{cause.name.lower()}_per_min", number, again * 60 / widths_s)
        if scope not in self.measures.frame.dead_letter_queues:
            for metric, field in self._charted():
                for name, values in self._quantiles(run, field, queues).items():
                    self._add(scope, f"{metric}_{name}", number, values)
        frame = self.measures.frame
        fair = [queue for queue in queues if frame.things[queue] in frame.fair_queues]
        if fair:
            noisy = self._summed(run.steps(NOISY_TENANTS, fair).integrals) / (widths_s * _S)
            self._add(scope, "noisy_tenants", number, noisy)

    def _charted(self) -> list[tuple[str, Field]]:
        """Durations that are drawn over time."""
        charted = [("wait", Field.WAIT), ("end_to_end", Field.END_TO_END)]
        if self.measures.frame.noisy_groups is not None:
            charted += [(f"wait_{tenants}", what) for tenants, what in TENANT_WAITS.items()]
        return charted

    def _quantiles(self, run: Replication, what: Field, queues: Iterable[int]) -> Mapping[str, Array]:
        """Quantiles of copies offered in each bin [s]; inf among the unfinished, dead-lettered and lost."""
        found = run.cells(what)
        rows = np.isin(found.thing, list(queues))
        at, bucket, count = found.bin[rows] // self.group, found.bucket[rows], found.value[rows]
        # mostly sorted as it stands: within a queue only the bins of a chart's bin are to be merged
        order = np.argsort((at << BUCKET_BITS) + bucket, kind="stable")
        at, bucket, count = at[order], bucket[order], count[order]
        known = self._summed(run.by_bin(what, queues))
        unended = (run.by_bin(Field(what + step), queues) for step in (1, 2))
        total = known + self._summed(sum(unended, np.zeros(run.bins, dtype=np.int64)))
        running = np.cumsum(count)
        before = np.cumsum(known) - known
        values = {}
        for name, share in _OVER_TIME.items():
            rank = np.maximum(1, np.ceil(share * total - 1e-9)).astype(np.int64)
            seconds = np.where(total > 0, math.inf, math.nan)
            inside = (rank <= known) & (total > 0)
            overall = (before + rank)[inside]
            place = np.searchsorted(running, overall)
            position = overall - running[place] + count[place]
            seconds[inside] = within(bucket[place], position, count[place]) / _S
            values[name] = seconds
        return values

    def _consumer(self, number: int, run: Replication, scope: str, consumer: int, queue: int | None) -> None:
        widths_us = self._summed(run.widths)
        for metric, level in LEVELS.items():
            if run.has_level(level, [consumer]):
                integrals = self._summed(run.steps(level, [consumer]).integrals)
                self._add(scope, metric, number, integrals / widths_us)
        cold = self._summed(run.by_bin(Field.COLD, [consumer]))
        if cold.any():
            self._add(scope, "cold_starts_per_min", number, cold * 60 * _S / widths_us)
        if queue is None:
            return
        needed = self._summed(needed_slots(self.measures, run, consumer, [queue]) * run.widths) / widths_us
        per_unit = self.measures.workers.get(scope, 1)
        self._add(scope, "needed", number, needed / per_unit)


def tails(measures: Measures, group: int) -> pd.DataFrame:
    """Durations that given shares of messages exceed: columns scope, metric, replication, share, value_s.

    ``<metric>_steady`` is of messages sent in bins in which hardly anything waits; it stands where
    there are both such bins and others.
    """
    parts = [pd.DataFrame({"scope": [], "metric": [], "replication": [], "share": [], "value_s": []})]
    for scope in measures.scopes():
        if scope.name in measures.frame.dead_letter_queues:
            continue
        for number, run in enumerate(measures.runs):
            steady = _steady_bins(measures, run, scope.queues, group)
            for metric, what in (("wait", Field.WAIT), ("end_to_end", Field.END_TO_END)):
                parts.append(_tail(measures, scope, metric, number, what, None))
                arrivals = steady[: measures.last_bin]
                if arrivals.any() and not arrivals.all():
                    parts.append(_tail(measures, scope, f"{metric}_steady", number, what, steady))
    return _joined(parts)


def _steady_bins(measures: Measures, run: Replication, queues: Iterable[int], group: int) -> Array:
    """Bins in which less waits than is sent in five seconds, and than 2% of the highest backlog."""
    backlog = run.backlog(queues).integrals / run.widths
    sent_per_s = run.total(Field.SENT, queues) / (measures.frame.duration_us / _S)
    level = max(10.0, _STEADY_S * sent_per_s, 0.02 * float(backlog.max(initial=0.0)))
    starts = np.arange(0, run.bins, group)
    quiet = np.maximum.reduceat(backlog, starts) <= level
    return np.repeat(quiet, group)[: run.bins]


def _tail(
    measures: Measures, scope: Scope, metric: str, number: int, what: Field, only: Array | None
) -> pd.DataFrame:
    durations = measures.runs[number].durations(what, scope.queues, measures.first_bin, only)
    copies = durations.copies
    shares = [share for share in _TAIL_SHARES if share * copies >= 1]
    values = []
    for share in shares:
        quantile = durations.quantile(1 - share)
        censored = quantile.unfinished or quantile.never
        values.append(math.inf if censored else quantile.us / _S)
    return pd.DataFrame(
        {"scope": scope.name, "metric": metric, "replication": number, "share": shares, "value_s": values}
    )


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def _repeated(words: Sequence[str], lengths: Sequence[int]) -> pd.Series:
    """Each word as often as its length says, as categories in the order of their first use."""
    categories = list(dict.fromkeys(words))
    codes = {word: code for code, word in enumerate(categories)}
    each = np.repeat(np.array([codes[word] for word in words], dtype=np.int64), lengths)
    return pd.Series(pd.Categorical.from_codes(each, dtype=pd.CategoricalDtype(categories)))
