"""What a scenario will be, without a run: traffic, closed forms of its consumers, retries, limits."""

import math
from collections.abc import Iterator, Sequence, Sized
from typing import Final, NamedTuple

from simulator.analysis import theory
from simulator.analysis.answer import Setting
from simulator.analysis.arrivals import Stretch, arrivals, stretches_of
from simulator.analysis.draining import Backlog, Pool, empty_at_mean_s
from simulator.analysis.sentence import duration, significant
from simulator.experiments.drain import consumers_of
from simulator.experiments.setting import setting_of
from simulator.scenario.invoked import lines
from simulator.scenario.lint import lint
from simulator.scenario.schema import Scenario

_US: Final = 1e6
_NOTHING_S: Final = 1e-6
_STEPS: Final = 4_000
FORMULAS: Final = {
    "utilisation": "rate x receives a message / (slots x batch / time of a full batch); full batches",
    "slots needed": "rate x receives a message x time of a full batch / batch (Little's law); full batches",
    "receives a message": "(1 - f^R) / (1 - f): receives fail alike with f, at most R of them",
    "Erlang C wait": "C(slots, load) x work / (slots x (1 - load)); Poisson arrivals, exponential work, one "
    "message a batch, all slots there, no latencies; '-' where one message at a time does not fit",
    "ramp time": "(slots needed - slots at first) / growth; every slot busy all the while",
    "retries": "R x visibility timeout from the first receive: every receive fails, and the next is at once",
    "peak backlog": "what arrives above what is worked, added up along the ramp (water: no chance)",
    "ideal drain": "until the area under the ramp is backlog + arrivals; mean rate, no chance",
}
"""Each closed form with its assumptions."""


class Section(NamedTuple):
    """A table of a plan: its title, what its columns are called, its rows of words."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Load(NamedTuple):
    """One consumer's closed forms; times in [s], rates in messages a second, inf and nan as they come."""

    consumer: str
    queue: str
    mean_per_s: float
    peak_per_s: float
    pool: Pool
    slots: str

    def utilisation(self, per_s: float) -> float:
        """Share of the slots' work that *per_s* asks for; above 1 the backlog grows."""
        return per_s / self.pool.ceiling_per_s if self.pool.ceiling_per_s > 0 else math.inf

    @property
    def wait_s(self) -> float:
        """Mean wait of M/M/c at the mean rate, one message a batch; nan where that does not fit."""
        if not self.pool.slots >= 1:
            return math.nan
        one_s = self.pool.batch_s / self.pool.batch
        servers, load = int(self.pool.slots), self.mean_per_s * self.pool.attempts * one_s / self.pool.slots
        return theory.mmc_mean_wait(servers, load, one_s) if load < 1 else math.nan

    @property
    def ramp_s(self) -> float:
        """Until the slots that the peak needs are there."""
        wanted = min(self.pool.slots_for(self.peak_per_s), self.pool.slots)
        if wanted <= self.pool.start:
            return 0.0
        return (wanted - self.pool.start) / self.pool.growth_per_s if self.pool.growth_per_s else math.inf


class Plan(NamedTuple):
    """A plan: its sections, and what hurts in lines of their own."""

    name: str
    question: str
    sections: Sequence[Section]
    warnings: Sequence[str]


def plan(scenario: Scenario, *, replications: int, seed: int) -> Plan:
    """Say what *replications* runs of *scenario* will simulate, and what formulas say of them."""
    setting = setting_of(scenario, seed=seed, replications=replications)
    loads = loads_of(scenario)
    sections = [
        Section("Runs", ("what", "value"), list(_runs(scenario, setting))),
        Section("Traffic", ("producer", "to", "mean", "peak", "messages a run"), list(_traffic(scenario))),
        Section(
            "Consumers",
            (
                "consumer", "queue", "mean", "peak", "at most", "utilisation", "at peak", "slots needed",
                "at peak", "Erlang C wait", "ramp time",
            ),
            [_consumer(load) for load in loads],
        ),
        Section("Slots", ("consumer", "slots", "ceiling at full size"), list(_slots(setting, loads))),
        Section("Retries", ("of", "until given up", "arithmetic"), list(_retries(scenario, loads))),
        Section("Backlogs", ("queue", "what", "value"), list(_backlogs(scenario, loads))),
        Section("Limits", ("of", "limit", "value"), list(_limits(setting))),
        Section("Closed forms", ("name", "formula and assumptions"), list(FORMULAS.items())),
    ]  # fmt: skip
    warnings = [*_overloads(loads), *(str(note) for note in lint(scenario))]
    return Plan(
        scenario.name, scenario.question or "", [section for section in sections if section.rows], warnings
    )


def loads_of(scenario: Scenario) -> list[Load]:
    """Every consumer of a queue with the traffic it is expected to get.

    Of several that take from one queue each gets what its part of their slots is.
    """
    found = list(consumers_of(scenario))
    together: dict[str, float] = {}
    for _, queue, (_, _, pool) in found:
        together[queue] = together.get(queue, 0.0) + pool.ceiling_per_s
    loads = []
    for _, queue, (path, slots, pool) in found:
        stretches = arrivals(scenario, queue)
        part = (
            pool.ceiling_per_s / together[queue]
            if math.isfinite(together[queue]) and together[queue]
            else 1.0
        )
        mean, peak = _mean(scenario, stretches), _peak(stretches)
        loads.append(Load(path, queue, part * mean, part * peak, pool, slots))
    return loads


def _mean(scenario: Scenario, stretches: Sequence[Stretch]) -> float:
    return math.fsum(stretch.messages for stretch in stretches) * _US / scenario.duration


def _peak(stretches: Sequence[Stretch]) -> float:
    return max((max(stretch.start_per_s, stretch.end_per_s) for stretch in stretches), default=0.0)


def _per_s(value: float) -> str:
    return f"{significant(value)}/s" if math.isfinite(value) else "no bound"


def _time(seconds: float) -> str:
    if math.isnan(seconds):
        return "-"
    if seconds < _NOTHING_S:
        return "0 s"
    return "never" if math.isinf(seconds) else duration(seconds)


def _runs(scenario: Scenario, setting: Setting) -> Iterator[tuple[str, str]]:
    messages = math.fsum(stretch.messages for stretch in arrivals(scenario))
    standing = sum(queue.backlog.messages for queue in scenario.queues.values() if queue.backlog)
    yield "duration", f"{duration(setting.duration_s)}, then {scenario.after}"
    yield "replications", f"{setting.replications:,}, seed {setting.seed}, rules {setting.rules}"
    yield "messages a run", f"{significant(messages)}{f' and {standing:,} that stand' if standing else ''}"
    yield "messages in all", significant((messages + standing) * setting.replications)
    parts: dict[str, Sized] = {
        "topics": scenario.topics,
        "queues": scenario.queues,
        "functions": scenario.functions,
        "Auto Scaling groups": scenario.auto_scaling_groups,
        "ECS services": scenario.ecs_services,
        "deployments": scenario.deployments,
        "downstreams": scenario.downstreams,
        "SES accounts": scenario.email,
        "brokers": scenario.brokers,
        "workflows": scenario.workflows,
        "alarms": scenario.alarms,
        "faults": scenario.faults,
    }
    yield "things", ", ".join(f"{len(part)} {name}" for name, part in parts.items() if part)
    if scenario.variants:
        yield "variants", ", ".join(scenario.variants)


def _traffic(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    for name, producer in scenario.producers.items():
        stretches = stretches_of(producer, scenario.duration)
        messages = math.fsum(stretch.messages for stretch in stretches)
        mean = _mean(scenario, stretches)
        yield name, producer.target, _per_s(mean), _per_s(_peak(stretches)), significant(messages)


def _consumer(load: Load) -> tuple[str, ...]:
    pool = load.pool
    return (
        load.consumer,
        load.queue,
        _per_s(load.mean_per_s),
        _per_s(load.peak_per_s),
        _per_s(pool.ceiling_per_s),
        f"{load.utilisation(load.mean_per_s):.0%}",
        f"{load.utilisation(load.peak_per_s):.0%}",
        significant(pool.slots_for(load.mean_per_s)),
        significant(pool.slots_for(load.peak_per_s)),
        _time(load.wait_s),
        _time(load.ramp_s),
    )


def _slots(setting: Setting, loads: Sequence[Load]) -> Iterator[tuple[str, str, str]]:
    full = {consumer.path: consumer for consumer in setting.consumers}
    for load in loads:
        path = load.consumer if load.consumer in full else f"{load.consumer}.event_sources.{load.queue}"
        words = f"{_per_s(full[path].ceiling_per_s)}: {full[path].ceiling}" if path in full else "-"
        yield load.consumer, load.slots, words


def _retries(scenario: Scenario, loads: Sequence[Load]) -> Iterator[tuple[str, str, str]]:
    for load in loads:
        queue = scenario.queues[load.queue]
        visible_s, kept_s = queue.visibility_timeout / _US, queue.retention / _US
        if queue.redrive is None:
            words = f"every {duration(visible_s)}, until it is older than the retention: then it is lost"
            yield f"{load.consumer}, {load.queue}", duration(kept_s), words
            continue
        receives = queue.redrive.max_receive_count
        until_s = receives * visible_s
        words = f"{receives} receives x {duration(visible_s)}, then to {queue.redrive.queue}"
        if until_s > kept_s:
            words += f"; but the retention of {duration(kept_s)} ends first: lost"
        yield f"{load.consumer}, {load.queue}", duration(min(until_s, kept_s)), words
    value = scenario.rules.value
    first_s, second_s = value("lambda.async.first_retry") / _US, value("lambda.async.second_retry") / _US
    for path, _ in lines(scenario):
        function = scenario.functions.get(path.split(".")[1])
        if function is None:
            continue
        retries, oldest_s = function.asynchronous.retries, function.asynchronous.maximum_event_age / _US
        pauses = [first_s, *[second_s] * (retries - 1)] if retries else []
        paused = " + ".join(duration(one) for one in pauses) or "no retry"
        words = (
            f"{retries + 1} runs, {paused} between, if the function fails; throttled: {duration(oldest_s)}"
        )
        yield path, duration(math.fsum(pauses)) if pauses else "at once", words


def _backlogs(scenario: Scenario, loads: Sequence[Load]) -> Iterator[tuple[str, str, str]]:
    for load in loads:
        stretches = arrivals(scenario, load.queue)
        standing = scenario.queues[load.queue].backlog
        waiting = standing.messages if standing else 0
        if sum(other.queue == load.queue for other in loads) > 1:
            continue
        water = water_of(stretches, load.pool, float(waiting))
        if water.peak >= 1:
            peak = f"{significant(water.peak)} after {_time(water.peak_at_s)}"
            yield load.queue, "peak backlog", f"{peak}, gone after {_time(water.empty_at_s)}"
        if waiting:
            empty_s = empty_at_mean_s(Backlog(waiting, rate_per_s=load.mean_per_s), load.pool)
            yield load.queue, "ideal drain of what stands", _time(empty_s)


def water_of(stretches: Sequence[Stretch], pool: Pool, backlog: float) -> theory.Fluid:
    """Backlog of water whose slots grow while it stands; stretches of arrivals may be many or one.

    Steps of a 4,000th of the arrivals; what stands after them is worked to its end.
    """
    end_s = stretches[-1].until_at / _US if stretches else 0.0
    step_s, slots, level, place, now = max(end_s / _STEPS, 1e-3), pool.start, backlog, 0, 0.0
    peak, peak_at, empty_at = backlog, 0.0, 0.0
    while now < end_s or level > 0:
        while place < len(stretches) - 1 and stretches[place].until_at / _US <= now:
            place += 1
        middle = round((now + step_s / 2) * _US)
        offered = stretches[place].rate_at(middle) * step_s if now < end_s else 0.0
        worked = min(slots * pool.slot_per_s, pool.most_per_s) / pool.attempts * step_s
        if now >= end_s and worked <= 0:
            return theory.Fluid(peak, peak_at, math.inf)
        now += step_s
        if level + offered > worked:
            slots = min(pool.slots, slots + pool.growth_per_s * step_s)
            empty_at = now
        level = max(0.0, level + offered - worked)
        if level > peak:
            peak, peak_at = level, now
    return theory.Fluid(peak, peak_at, empty_at)


def _limits(setting: Setting) -> Iterator[tuple[str, str, str]]:
    for consumer in setting.consumers:
        for name, value in consumer.caps.items():
            binds = " (binds)" if value == consumer.maximum else ""
            yield consumer.path, name, f"{significant(value)}{binds}"
    for queue, value in setting.in_flight_limits.items():
        yield queue, "messages in flight", significant(value)
    for one in setting.downstreams:
        for name, value in (("connections", one.connections), ("calls a second", one.rate_per_s)):
            if not math.isnan(value):
                yield one.path, name, significant(value)


def _overloads(loads: Sequence[Load]) -> Iterator[str]:
    for load in loads:
        grows = load.mean_per_s - load.pool.ceiling_per_s
        if grows > 0:
            needs, has = significant(load.pool.slots_for(load.mean_per_s)), significant(load.pool.slots)
            yield (
                f"{load.consumer} is overloaded at the mean rate: needs {needs} slots, has {has}; "
                f"the backlog of {load.queue} grows by {significant(grows)}/s"
            )
        elif load.peak_per_s > load.pool.ceiling_per_s:
            needs, has = significant(load.pool.slots_for(load.peak_per_s)), significant(load.pool.slots)
            yield f"{load.consumer} falls behind at the peak: needs {needs} slots, has {has}"
