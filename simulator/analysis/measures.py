"""All numbers of a scenario: one value a replication, then an estimate, under the keys of thresholds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from simulator.analysis import brokers, downstreams, email, intervals, limits, subscriptions, workflows
from simulator.analysis.answer import Certainty, Estimate
from simulator.analysis.partial import QUANTITY, Field, Frame, Level, Partial
from simulator.analysis.replication import Quantile, Replication, Steps
from simulator.analysis.sentence import duration
from simulator.recording.tables import Attempt, Cause, Outcome, Quantity

QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
DURATIONS: Final = {
    "wait": Field.WAIT,
    "end_to_end": Field.END_TO_END,
    "send_delay": Field.SEND_DELAY,
}
TENANT_WAITS: Final = {"quiet": Field.QUIET_WAIT, "noisy": Field.NOISY_WAIT}
ALARM: Final = QUANTITY + Quantity.ALARM
NOISY_TENANTS: Final = QUANTITY + Quantity.NOISY_TENANTS
LEVELS: Final = {
    "busy": int(Level.BUSY),
    "concurrency": QUANTITY + Quantity.CONCURRENCY,
    "in_service": QUANTITY + Quantity.IN_SERVICE,
    "desired": QUANTITY + Quantity.DESIRED,
    "booting": QUANTITY + Quantity.BOOTING,
    "draining": QUANTITY + Quantity.DRAINING,
}
DUPLICATE_CAUSES: Final = (
    Cause.VISIBILITY_TIMEOUT,
    Cause.FAILURE,
    Cause.BATCH_MATE,
    Cause.THROTTLE,
    Cause.CRASH,
    Cause.AT_LEAST_ONCE,
    Cause.REDRIVE,
    Cause.SENDER_RETRY,
    Cause.LOST_ANSWER,
    Cause.ACCESS_DENIED,
    Cause.LOOP,
    Cause.FAILOVER,
    Cause.ROLLBACK,
)
DEATH_CAUSES: Final = (
    Cause.VISIBILITY_TIMEOUT,
    Cause.FAILURE,
    Cause.BATCH_MATE,
    Cause.THROTTLE,
    Cause.CRASH,
    Cause.LOST_ANSWER,
    Cause.ACCESS_DENIED,
    Cause.EVENT_AGE,
    Cause.LOOP,
    Cause.RETRIES_USED_UP,
    Cause.CLIENT_ERROR,
)
LOSS_CAUSES: Final = (
    Cause.RETENTION,
    Cause.ACCESS_DENIED,
    Cause.EVENT_AGE,
    Cause.FAILURE,
    Cause.CRASH,
    Cause.THROTTLE,
    Cause.LOOP,
    Cause.RETRIES_USED_UP,
    Cause.CLIENT_ERROR,
    Cause.TIME_TO_LIVE,
    Cause.SUBSCRIPTION_DISABLED,
    Cause.SPENDING_LIMIT,
    Cause.EXECUTION_FAILED,
    Cause.EXECUTION_TIMED_OUT,
    Cause.HISTORY_FULL,
    Cause.FAILOVER_LOSS,
)
OWN_FAILURES: Final = (int(Attempt.FAILED), int(Attempt.CRASHED))
PROCESSINGS: Final = (
    int(Attempt.SUCCEEDED),
    int(Attempt.FAILED),
    int(Attempt.BATCH_MATE),
    int(Attempt.CRASHED),
)

OLDEST_S: Final = QUANTITY + Quantity.OLDEST_S
EMPTY_RECEIVES: Final = QUANTITY + Quantity.EMPTY_RECEIVES
MILLION_SECONDS_US: Final = 10**12
_S: Final = 1e6
_MOST_RECEIVES: Final = 5


class Scope(NamedTuple):
    """What a group of keys is about: all source queues, one queue, or one consumer."""

    name: str
    queues: tuple[int, ...]
    consumers: tuple[int, ...]


class Measures:
    """Every number of some replications of one scenario.

    Parameters
    ----------
    frame : Frame
        As the runs were reduced with.
    partials : sequence of Partial
        One a replication.
    workers : mapping of str to int
        Workers of one instance, by path of a group.
    first_bin : int
        Bins before are left out: of percentiles by when a message was offered, else by when it happened.
    """

    def __init__(
        self,
        frame: Frame,
        partials: Sequence[Partial],
        workers: Mapping[str, int] | None = None,
        first_bin: int = 0,
    ) -> None:
        self.frame = frame
        self.runs = [Replication(frame, partial) for partial in partials]
        self.workers = dict(workers or {})
        self.first_bin = first_bin
        self.last_bin = -(-frame.duration_us // frame.bin_us)
        self.estimates: dict[str, Estimate] = {}
        self._index = {thing: number for number, thing in enumerate(frame.things)}
        sources = tuple(self._index[queue] for queue in frame.queues)
        self._messages()
        for scope in self.scopes():
            self._sent(scope)
            self._fates(scope)
            self._deliveries(scope)
            self._levels(scope)
            if scope.name not in frame.classes:
                self._invocations(scope.name, scope.consumers)
            if frame.classes.intersection(frame.things[queue] for queue in scope.queues):
                self._classes(scope)
            if set(scope.queues) <= set(sources):
                self._durations(scope)
                self._drain(scope)
                self._tenants(scope)
        for consumer in frame.queue_of:
            self._consumer(consumer)
        self.estimates |= downstreams.estimates(frame, self.runs, first_bin, self.last_bin)
        self.estimates |= brokers.estimates(frame, self.runs, first_bin, self.last_bin)
        self.estimates |= workflows.estimates(frame, self.runs, first_bin, self.last_bin)
        self.estimates |= email.estimates(frame, self.runs, first_bin, self.last_bin)
        self.estimates |= subscriptions.estimates(frame, self.runs, first_bin)

    def scopes(self) -> list[Scope]:
        """All source queues together (the empty name), then each queue, DLQs too."""
        frame, index = self.frame, self._index
        served: dict[str, tuple[int, ...]] = {}
        for consumer, queue in frame.queue_of.items():
            served[queue] = (*served.get(queue, ()), index[consumer])
        sources = tuple(index[queue] for queue in frame.queues)
        pooled = tuple(number for queue in frame.queues for number in served.get(queue, ()))
        queues = [*frame.queues, *sorted(frame.dead_letter_queues)]
        return [
            Scope("", sources, pooled),
            *(Scope(queue, (index[queue],), served.get(queue, ())) for queue in queues if queue in index),
        ]

    def window_us(self, run: Replication) -> int:
        """Length of the window in which rates and means over time are taken [us]."""
        return min(self.last_bin * self.frame.bin_us, run.end_at) - self.first_bin * self.frame.bin_us

    # -- putting numbers under their keys --------------------------------------------------------

    def _put(self, scope: str, tail: str, estimate: Estimate) -> None:
        self.estimates[f"{scope} {tail}".strip()] = estimate

    def _totals(
        self,
        what: Field,
        things: Iterable[int] | None,
        buckets: Iterable[int] | None = None,
        within: bool = False,
    ) -> list[int]:
        """Sums by run from the first bin on; *within*: only until arrivals end."""
        last = self.last_bin if within else None
        return [run.total(what, things, self.first_bin, buckets, last) for run in self.runs]

    def _amount(
        self,
        scope: str,
        metric: str,
        what: Field,
        things: Iterable[int] | None,
        buckets: Sequence[int] | None = None,
    ) -> None:
        """How many, and how many a second while messages arrived."""
        self._put(scope, f"{metric}.count", intervals.of_means(self._totals(what, things, buckets), "1"))
        rates = [
            _S * count / self.window_us(run)
            for count, run in zip(self._totals(what, things, buckets, within=True), self.runs, strict=True)
        ]
        self._put(scope, f"{metric}.rate", intervals.of_means(rates, "1/s"))

    def _rare(self, scope: str, metric: str, counts: Sequence[int], among: Sequence[int]) -> None:
        """What should not happen: how often, and in what share of cases."""
        self._put(scope, f"{metric}.count", intervals.of_counts(counts, [1.0] * len(counts), "1"))
        self._put(scope, f"{metric}.share", intervals.of_counts(counts, among, "share", most=1.0))

    def _quantiles(self, scope: str, tail: str, found: Sequence[Quantile], note: str = "") -> None:
        estimate = intervals.of_censored(
            [quantile.us / _S for quantile in found],
            [quantile.unfinished for quantile in found],
            [quantile.never for quantile in found],
            "s",
            note,
        )
        self._put(scope, tail, estimate)

    # -- the numbers -----------------------------------------------------------------------------

    def _messages(self) -> None:
        self._amount("", "offered", Field.MESSAGES, None)
        for outcome in (Outcome.ACCEPTED, Outcome.DEDUPLICATED, Outcome.REFUSED):
            self._amount("", outcome.name.lower(), Field.MESSAGES, None, [outcome])

    def _sent(self, scope: Scope) -> None:
        self._amount(scope.name, "sent", Field.SENT, scope.queues)
        self._amount(scope.name, "throughput", Field.PROCESSED, scope.queues)

    def _copies(self, scope: Scope) -> list[int]:
        return self._totals(Field.COPIES, scope.queues)

    def _fates(self, scope: Scope) -> None:
        copies = self._copies(scope)
        for metric, what, causes in (
            ("dead_lettered", Field.DEAD_LETTERED, DEATH_CAUSES),
            ("lost", Field.LOST, LOSS_CAUSES),
        ):
            self._rare(scope.name, metric, self._totals(what, scope.queues), copies)
            for cause in causes:
                key = f"{metric}{{cause={cause.name.lower()}}}"
                self._rare(scope.name, key, self._totals(what, scope.queues, [cause]), copies)
        self._rare(scope.name, "filtered_out", self._totals(Field.FILTERED_OUT, scope.queues), copies)
        late = self._totals(Field.OUT_OF_ORDER, scope.queues)
        self._rare(scope.name, "out_of_order", late, self._totals(Field.PROCESSED, scope.queues))

    def _deliveries(self, scope: Scope) -> None:
        copies, name, queues = self._copies(scope), scope.name, scope.queues
        self._rare(name, "duplicate_delivery", self._totals(Field.DUPLICATE, queues), copies)
        for cause in DUPLICATE_CAUSES:
            key = f"duplicate_delivery{{cause={cause.name.lower()}}}"
            self._rare(name, key, self._totals(Field.DUPLICATE, queues, [cause]), copies)
        self._rare(name, "duplicate_processing", self._totals(Field.REPEATED, queues), copies)
        attempts = self._totals(Field.ATTEMPT, queues, PROCESSINGS)
        self._rare(name, "failed_attempt", self._totals(Field.ATTEMPT, queues, OWN_FAILURES), attempts)
        self._receives(scope)
        self._empty_receives(name, queues)

    def _empty_receives(self, scope: str, things: Sequence[int]) -> None:
        """Receives that found nothing: how many, and how many a second while messages arrived."""
        steps = [run.steps(EMPTY_RECEIVES, things).integrals[self.first_bin :] for run in self.runs]
        counts = [round(int(found.sum()) / MILLION_SECONDS_US) for found in steps]
        self._put(scope, "empty_receive.count", intervals.of_means(counts, "1"))
        rates = [
            int(found[: self.last_bin - self.first_bin].sum()) / MILLION_SECONDS_US * _S / self.window_us(run)
            for found, run in zip(steps, self.runs, strict=True)
        ]
        self._put(scope, "empty_receive.rate", intervals.of_means(rates, "1/s"))

    def _receives(self, scope: Scope) -> None:
        found = [run.by_bucket(Field.COPIES, scope.queues, self.first_bin) for run in self.runs]
        totals = [receives.total for receives in found]
        means = [
            float(receives.buckets @ receives.counts) / total if total else math.nan
            for receives, total in zip(found, totals, strict=True)
        ]
        self._put(scope.name, "receives_per_copy.mean", intervals.of_means(means, "1"))
        for times in range(1, _MOST_RECEIVES + 1):
            last = times == _MOST_RECEIVES
            counts = [
                int(r.counts[(r.buckets >= times) if last else (r.buckets == times)].sum()) for r in found
            ]
            key = f"receives_per_copy{{receives={times}{'+' if last else ''}}}.share"
            self._put(scope.name, key, intervals.of_counts(counts, totals, "share", most=1.0))

    def _invocations(self, scope: str, consumers: tuple[int, ...]) -> None:
        invocations = self._totals(Field.INVOCATION, consumers, (*PROCESSINGS, int(Attempt.UNFINISHED)))
        self._put(scope, "invocation.count", intervals.of_means(invocations, "1"))
        batches = [
            count / number if number else math.nan
            for count, number in zip(self._totals(Field.BATCHED, consumers), invocations, strict=True)
        ]
        self._put(scope, "batch.mean", intervals.of_means(batches, "1"))
        self._rare(scope, "cold_start", self._totals(Field.COLD, consumers), invocations)
        throttles = self._totals(Field.INVOCATION, consumers, [Attempt.THROTTLED])
        self._put(scope, "throttle.count", intervals.of_counts(throttles, [1.0] * len(throttles), "1"))

    def _durations(self, scope: Scope) -> None:
        for metric, what in DURATIONS.items():
            self._quantiles_of(scope, metric, what)

    def _quantiles_of(self, scope: Scope, metric: str, what: Field) -> None:
        found = [run.durations(what, scope.queues, self.first_bin) for run in self.runs]
        for statistic, share in QUANTILES.items():
            quantiles = [durations.quantile(share) for durations in found]
            self._quantiles(scope.name, f"{metric}.{statistic}", quantiles)
        gone = sum(durations.never for durations in found)
        note = f"without {gone:,} that were dead-lettered or lost" if gone else ""
        self._quantiles(scope.name, f"{metric}.mean", [durations.mean() for durations in found], note)

    def _tenants(self, scope: Scope) -> None:
        """Waits of quiet and of noisy tenants; how many a fair queue marks as noisy."""
        if self.frame.noisy_groups is not None:
            for tenants, what in TENANT_WAITS.items():
                self._quantiles_of(scope, f"wait{{tenants={tenants}}}", what)
        fair = [queue for queue in scope.queues if self.frame.things[queue] in self.frame.fair_queues]
        if fair:
            steps = [run.steps(NOISY_TENANTS, fair) for run in self.runs]
            means = self.level_means(NOISY_TENANTS, fair, self.first_bin, self.last_bin)
            self._put(scope.name, "noisy_tenants.max", intervals.of_means(self._highest(steps), "1"))
            self._put(scope.name, "noisy_tenants.mean", intervals.of_means(means, "1"))

    def _levels(self, scope: Scope) -> None:
        for metric, of in (("in_flight", Replication.in_flight), ("backlog", Replication.backlog)):
            steps = [of(run, scope.queues) for run in self.runs]
            means = [
                int(found.integrals[self.first_bin : self.last_bin].sum()) / self.window_us(run)
                for found, run in zip(steps, self.runs, strict=True)
            ]
            self._put(scope.name, f"{metric}.max", intervals.of_means(self._highest(steps), "1"))
            self._put(scope.name, f"{metric}.mean", intervals.of_means(means, "1"))

    def _highest(self, steps: Sequence[Steps]) -> list[float]:
        """Largest value at any bin's edge or mean of any bin, by run."""
        return [
            max(
                float(found.edges[self.first_bin :].max()),
                float((found.integrals[self.first_bin :] / run.widths[self.first_bin :]).max()),
            )
            for found, run in zip(steps, self.runs, strict=True)
        ]

    def _classes(self, scope: Scope) -> None:
        """Inversions, and how long a class that had messages waiting was not served at most."""
        received = self._totals(Field.RECEIVED, scope.queues)
        self._rare(scope.name, "inversion", self._totals(Field.INVERTED, scope.queues), received)
        longest = [run.starved_us(scope.queues) / _S for run in self.runs]
        self._put(scope.name, "starvation", intervals.of_means(longest, "s"))

    def _drain(self, scope: Scope) -> None:
        found = [run.drained_us(scope.queues) for run in self.runs]
        values = [quantile.us / _S for quantile in found]
        done = sorted(
            value
            for value, quantile in zip(values, found, strict=True)
            if not quantile.unfinished and not math.isnan(value)
        )
        count = sum(not math.isnan(value) for value in values)
        if not count:
            self._put(scope.name, "drain", intervals.no_data("s", len(self.runs)))
            return
        estimate = intervals.of_censored(values, [q.unfinished for q in found], [False] * len(found), "s")
        note = f"empty in {len(done)} of {count} runs"
        if done:
            middle = (done[(len(done) - 1) // 2] + done[len(done) // 2]) / 2
            note += f", median {duration(middle)}"
        else:
            estimate = replace(estimate, certainty=Certainty.NEVER, mean=math.nan)
            note += f"; still not {duration(max(values))} after"
        self._put(scope.name, "drain", replace(estimate, note=note))

    # -- consumers -------------------------------------------------------------------------------

    def level_means(self, level: int, things: Iterable[int], first_bin: int, last_bin: int) -> list[float]:
        """Mean over bins of a level summed over *things*, by run; nan where nothing is known of it."""
        things = list(things)
        means = []
        for run in self.runs:
            until = min(last_bin, run.bins)
            time_us = int(run.widths[first_bin:until].sum())
            known = time_us > 0 and run.has_level(level, things)
            integral = int(run.steps(level, things).integrals[first_bin:until].sum()) if known else 0
            means.append(integral / time_us if known else math.nan)
        return means

    def slots(self, consumer: int, first_bin: int, last_bin: int) -> list[float]:
        """Mean number of slots that a consumer has, by run: instances x workers, or its concurrency."""
        instances = self.level_means(LEVELS["in_service"], [consumer], first_bin, last_bin)
        if not all(math.isnan(value) for value in instances):
            workers = self.workers.get(self.frame.things[consumer], 1)
            return [value * workers for value in instances]
        return self.level_means(LEVELS["concurrency"], [consumer], first_bin, last_bin)

    def _consumer(self, consumer: str) -> None:
        thing, window = [self._index[consumer]], (self.first_bin, self.last_bin)
        self._invocations(consumer, tuple(thing))
        self._empty_receives(consumer, thing)
        if consumer in self.frame.memory_gb:
            self._billed(consumer, thing)
        for metric, level in LEVELS.items():
            means = self.level_means(level, thing, *window)
            if all(math.isnan(mean) for mean in means):
                continue
            self._put(consumer, f"{metric}.mean", intervals.of_means(means, "1"))
            highest = self._highest([run.steps(level, thing) for run in self.runs])
            self._put(consumer, f"{metric}.max", intervals.of_means(highest, "1"))
        busy, slots = self.level_means(LEVELS["busy"], thing, *window), self.slots(thing[0], *window)
        shares = [part / whole if whole > 0 else math.nan for part, whole in zip(busy, slots, strict=True)]
        self._put(consumer, "utilisation", intervals.of_means(shares, "share"))
        found = limits.of_run(self.runs, thing[0], *window)
        queue = self._index.get(self.frame.queue_of[consumer])
        if queue is not None:
            found |= limits.of_drain(self.runs, thing[0], queue)
        for key, estimate in found.items():
            self._put(consumer, key, estimate)

    def _billed(self, consumer: str, thing: list[int]) -> None:
        """Billed duration of an invocation, and memory times billed duration [GB-s]."""
        seconds = [run.total(Field.BILLED_MS, thing, self.first_bin) / 1_000 for run in self.runs]
        numbers = self._totals(Field.INVOCATION, tuple(thing), PROCESSINGS)
        means = [
            whole / number if number else math.nan for whole, number in zip(seconds, numbers, strict=True)
        ]
        self._put(consumer, "billed.mean", intervals.of_means(means, "s"))
        memory_gb = self.frame.memory_gb[consumer]
        gb_s = [memory_gb * whole for whole in seconds]
        self._put(consumer, "billed_gb_s.count", intervals.of_means(gb_s, "1"))
