"""The incident question: who works a backlog off, by the words of a scenario."""

import math
from collections.abc import Iterator
from typing import Final

from simulator.analysis.arrivals import arrivals
from simulator.analysis.draining import Backlog, Case, Pool
from simulator.scenario import distributions as specs
from simulator.scenario.distributions import mean_of
from simulator.scenario.downstreams import Calls
from simulator.scenario.email import called
from simulator.scenario.fleets import Fleet, fleets
from simulator.scenario.functions import EventSource, Function
from simulator.scenario.messaging import Queue
from simulator.scenario.problems import Problem, ScenarioError, nearest_or_known, shown
from simulator.scenario.schema import Scenario
from simulator.scenario.work import Failures, Work

_US: Final = 1e6
_UNKNOWN_SCV: Final = 1.0


def case_of(scenario: Scenario, consumer: str | None = None, queue: str | None = None) -> Case:
    """Say who works the backlog of which queue in *scenario*.

    Parameters
    ----------
    consumer : str, optional
        Name of a function or fleet; may be left out where there is one only.
    queue : str, optional
        Name of one of its queues; may be left out where it has one only.

    Raises
    ------
    ScenarioError
        There is no such consumer or queue, or there are several to choose from.
    """
    known = {(name, of): found for name, of, found in consumers_of(scenario)}
    name = _chosen("--function", consumer, dict.fromkeys(name for name, _ in known), scenario)
    taken = _chosen("--queue", queue, [of for one, of in known if one == name], scenario)
    path, slots, pool = known[name, taken]
    given, standing = scenario.queues[taken], scenario.queues[taken].backlog
    mean = math.fsum(stretch.messages for stretch in arrivals(scenario, taken)) * _US / scenario.duration
    messages, age_s = (standing.messages, standing.age / _US) if standing else (0, 0.0)
    backlog = Backlog(messages, age_s, mean, given.retention / _US)
    return Case(backlog, pool, path, f"queues.{taken}", slots, tuple(_left_out(scenario, taken, path, given)))


def _chosen(option: str, given: str | None, known: "dict[str, None] | list[str]", scenario: Scenario) -> str:
    names = list(known)
    place = scenario.name
    if given is None and len(names) == 1:
        return names[0]
    if given is None:
        which = f"there are {', '.join(names)}" if names else "nothing takes from a queue"
        raise ScenarioError([Problem(option, 0, "", f"is missing; in {place} {which}")])
    if given not in names:
        which = ", which takes from no queue" if option == "--function" else ""
        message = f"is {shown(given)}{which}; {nearest_or_known(given, names)}"
        raise ScenarioError([Problem(option, 0, "", message)])
    return given


def consumers_of(scenario: Scenario) -> Iterator[tuple[str, str, tuple[str, str, Pool]]]:
    """Give who takes from queues: name, queue, and its path, its slots in words, its slots."""
    for name, function in scenario.functions.items():
        for queue, source in function.event_sources.items():
            pool, slots = _mapping(scenario, scenario.queues[queue], function, source)
            yield name, queue, (f"functions.{name}", slots, pool)
    for section, name, fleet in fleets(scenario):
        for queue in fleet.queues:
            pool, slots = _fleet(scenario, queue, fleet)
            yield name, queue, (f"{section}.{name}", slots, pool)


def _mapping(scenario: Scenario, queue: Queue, function: Function, source: EventSource) -> tuple[Pool, str]:
    """The concurrency of an event source mapping, from an idle start."""
    value, pollers, most = scenario.rules.value, source.provisioned, source.maximum_concurrency
    each = value("esm.provisioned.concurrency")
    limits = {
        "its maximum_concurrency": most,
        "its pollers": pollers.maximum * each if pollers else None,
        "reserved concurrency": function.reserved_concurrency,
        "account concurrency": value("lambda.account_concurrency"),
        "the cap of a mapping": None if pollers or most else value("esm.max_concurrency_cap"),
    }
    slots, binding = min((limit, name) for name, limit in limits.items() if limit is not None)
    growth = value("esm.provisioned.growth_per_minute" if pollers else "esm.growth_per_minute")
    start = min(slots, pollers.minimum * each if pollers else value("esm.start_concurrency"))
    failed = failed_share(function.failures)
    if not source.report_batch_item_failures:
        failed = 1 - (1 - failed) ** source.batch_size
    work_us = batch_us(scenario, function.work, function, source.batch_size) + source.slot_turnaround
    pool = Pool(
        slots=float(slots),
        batch=source.batch_size,
        batch_s=max(work_us, 1.0) / _US,
        start=float(start),
        growth_per_s=growth / 60,
        batch_scv=batch_scv(function.work, source.batch_size),
        failed=failed,
        hidden_s=queue.visibility_timeout / _US,
        receives=queue.redrive.max_receive_count if queue.redrive else None,
        most_per_s=_downstream_per_s(scenario, function),
    )
    return pool, f"{start:,} at first, {growth:,} more a minute up to {slots:,}, {binding}"


def _fleet(scenario: Scenario, name: str, fleet: Fleet) -> tuple[Pool, str]:
    """The workers a fleet has at its first size: what its policies add is left out."""
    queue, work, size = scenario.queues[name], fleet.work_of(name), fleet.receive.max_messages
    slots, batch = fleet.capacity.first * fleet.workers_per_instance, size
    if fleet.loop.permits is not None:
        slots, batch = slots * fleet.loop.permits, 1
    longest = 1 if fleet.loop.kind == "barrier" else batch
    pool = Pool(
        slots=float(slots),
        batch=batch,
        batch_s=max(batch_us(scenario, work, fleet, longest), 1.0) / _US,
        start=float(slots),
        batch_scv=batch_scv(work, longest),
        failed=failed_share(fleet.failures),
        hidden_s=queue.visibility_timeout / _US,
        receives=queue.redrive.max_receive_count if queue.redrive else None,
        most_per_s=_downstream_per_s(scenario, fleet),
    )
    return pool, f"{fleet.capacity.first:,} x {fleet.workers_per_instance} workers, the size it starts with"


def _downstream_per_s(scenario: Scenario, caller: Calls) -> float:
    found = [math.inf]
    for name, count in caller.calls.items():
        one = called(scenario)[name]
        if one.rate is not None:
            found.append(one.rate / count)
        latency_us = mean_of(one.latency)
        if latency_us > 0:
            found += [
                places * _US / latency_us / count for places in (one.connections, one.parallelism) if places
            ]
    return min(found)


def batch_us(scenario: Scenario, work: Work, caller: Calls, batch: int) -> float:
    """Mean time that a full batch takes: per invocation + messages x (work + calls) [us]."""
    given = called(scenario)
    calls = math.fsum(mean_of(given[name].latency) * count for name, count in caller.calls.items())
    return mean_of(work.per_invocation) + batch * (mean_of(work.per_message) + calls)


def batch_scv(work: Work, batch: int) -> float:
    """Squared coefficient of variation of a full batch's time: independent messages add their variances."""
    message, once = mean_of(work.per_message), mean_of(work.per_invocation)
    mean = once + batch * message
    if mean <= 0:
        return 0.0
    return (batch * _scv(work.per_message) * message**2 + _scv(work.per_invocation) * once**2) / mean**2


def _scv(spec: object) -> float:
    """Squared coefficient of variation where it is a plain formula, else 1, that of an exponential."""
    match spec:
        case specs.ConstantSpec():
            return 0.0
        case specs.GammaSpec(_, shape):
            return 1 / shape
        case specs.UniformSpec(low, high):
            return (high - low) ** 2 / 12 / ((low + high) / 2) ** 2 if high else 0.0
        case specs.LognormalSpec(median, p99):
            return math.expm1((math.log(p99 / median) / 2.3263478740408408) ** 2)
    return _UNKNOWN_SCV


def failed_share(failures: Failures) -> float:
    """Share of receives that fail; where it depends on something, the largest."""
    by = [share for values in failures.by.values() for share in values.values()]
    return max([failures.transient, *failures.on_receive.values(), *by])


def _left_out(scenario: Scenario, queue: str, path: str, given: Queue) -> Iterator[str]:
    others = {one for _, of, (one, _, _) in consumers_of(scenario) if of == queue} - {path}
    if others:
        yield f"{', '.join(sorted(others))} take from {queue} as well: not counted"
    if given.type == "fifo":
        yield f"{queue} is FIFO: message groups are taken to be many more than slots"
    if not path.startswith("functions."):
        yield "what policies add to the fleet is not counted: give the slots it will have as --slots"
    function = scenario.functions.get(path.partition(".")[2])
    whole = function is not None and not function.event_sources[queue].report_batch_item_failures
    if function is not None and whole and failed_share(function.failures) > 0:
        yield "a mapping lowers its concurrency after errors: how far is not published, and not counted"
    if scenario.faults:
        yield "faults of the scenario are not counted"
