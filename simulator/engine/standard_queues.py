"""Builds standard queues: in one line or in partitions, with copies that servers miss."""

from typing import Any

from simulator.aws.sqs.partitions import partitions_after_burst
from simulator.aws.sqs.standard import StandardQueue
from simulator.engine.taken import Taken
from simulator.processes.at_least_once import Misses
from simulator.processes.counters import Counters
from simulator.processes.partitioned import QueueByChance
from simulator.scenario.fleets import fleets
from simulator.scenario.schema import Scenario


def short_polled(scenario: Scenario, queue: str) -> bool:
    """Whether a fleet asks this queue by short polls."""
    return any(queue in fleet.queues and not fleet.receive.wait_time for _, _, fleet in fleets(scenario))


def standard_queue(
    name: str, common: dict[str, Any], taken: Taken, *, short_polled: bool
) -> StandardQueue | QueueByChance:
    """A standard queue by the rules of the run.

    One line is enough where nothing tells the difference: by default the rules ask for one partition, and
    only a short poll asks some of the servers.
    """
    rule = taken.rule
    max_in_flight = rule("sqs.max_inflight")
    settings = {
        **common,
        "back_after": rule("sqs.requeue_back_after"),
        "p_stale_delete_works": rule("sqs.model.p_stale_delete_works"),
        "max_hold_us": rule("sqs.max_hold"),
    }
    opened = partitions = rule("sqs.model.partitions")
    if opened > 1:
        chance = taken.calls(f"{name}/split").next()
        partitions = partitions_after_burst(opened, rule("sqs.model.p_split"), chance)
    elif short_polled:
        opened = partitions = rule("sqs.model.hosts")
    if partitions == 1:
        return StandardQueue(max_in_flight=max_in_flight, **settings)
    return QueueByChance(
        place=taken.calls(f"{name}/partition").next,
        ask=taken.calls(f"{name}/ask").next,
        opened=opened,
        partitions=partitions,
        burst=rule("sqs.model.split_burst") if partitions > opened else 0,
        split_us=rule("sqs.model.split_delay") if partitions > opened else 0,
        max_in_flight=max_in_flight,
        short_poll_share=rule("sqs.model.short_poll_host_fraction") if short_polled else 1.0,
        settings=settings,
    )


def counters(name: str, queue: StandardQueue | QueueByChance, taken: Taken) -> Counters:
    """The counts of a standard queue as others see them."""
    settle_us, burst = taken.rule("sqs.model.counter_settle"), taken.rule("sqs.model.counter_burst")
    return Counters(queue, settle_us, burst, taken.calls(f"{name}/reading").next)


def misses(name: str, taken: Taken) -> tuple[Misses | None, Misses | None]:
    """Copies of the queue that are missed at a receive, and at a delete."""
    found = []
    for what in ("p_dup_receive", "p_resurrect"):
        share = taken.rule(f"sqs.model.{what}")
        found.append(Misses(share, taken.calls(f"{name}/{what}").next) if share else None)
    return found[0], found[1]
