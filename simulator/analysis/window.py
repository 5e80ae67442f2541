"""Which part of a run counts: the frame of a reduction, what is discarded, from when on a drain counts."""

import math
from collections.abc import Sequence
from typing import Final

from simulator.analysis.arrivals import arrivals
from simulator.analysis.charge_counts import chunk_bytes, deletes_at_once
from simulator.analysis.consumers import fleets, queue_of
from simulator.analysis.downstreams import capacities
from simulator.analysis.partial import Field, Frame
from simulator.analysis.replication import Replication
from simulator.analysis.subscriptions import endings
from simulator.analysis.tenants import noisy_groups
from simulator.analysis.workflows import states_of
from simulator.scenario.downstreams import caller_paths
from simulator.scenario.schema import Scenario

_US: Final = 1_000_000
_BATCH: Final = 5
_GIB: Final = 1 << 30


def frame_of(scenario: Scenario, things: Sequence[str]) -> Frame:
    """What a reduction must know of *scenario*, whose runs have *things*."""
    return Frame(
        tuple(things),
        scenario.duration,
        frozenset(f"queues.{name}" for name in scenario.dead_letter_queues()),
        queue_of(scenario),
        None if scenario.discard == "auto" else scenario.discard or 0,
        drain_from_us(scenario),
        frozenset(
            f"queues.{queue}"
            for fleet in fleets(scenario)
            if fleet.workers.priority is not None
            for queue in fleet.workers.queues
        ),
        noisy_groups(scenario),
        frozenset(f"queues.{name}" for name, queue in scenario.queues.items() if queue.fair),
        callers=caller_paths(scenario),
        alarms=frozenset(f"alarms.{name}" for name in scenario.alarms),
        downstreams=capacities(scenario),
        brokers=tuple(f"brokers.{name}" for name in scenario.brokers),
        workflows=states_of(scenario),
        email=tuple(f"email.{name}" for name in scenario.email),
        memory_gb={
            path: function.memory / _GIB
            for name, function in scenario.functions.items()
            for path in queue_of(scenario)
            if path.startswith(f"functions.{name}.")
        },
        creation_us=scenario.rules.value("lambda.environment_creation") or 0,
        subscriptions=endings(scenario),
        deletes_at_once=deletes_at_once(scenario),
        chunk_bytes=chunk_bytes(scenario),
    )


def drain_from_us(scenario: Scenario) -> int:
    """Instant from which the drain counts [us]: the end of the last stretch above the mean rate.

    Or of the last fault, where that is later. Without either it counts from the start with a
    standing backlog, until that is gone, and else from the end of arrivals. ``drain_from`` of the scenario
    comes first.
    """
    if scenario.drain_from is not None:
        return scenario.drain_from
    stretches = arrivals(scenario)
    mean = math.fsum(stretch.messages for stretch in stretches) * _US / scenario.duration
    above = [stretch.until_at for stretch in stretches if stretch.mean_per_s > mean * (1 + 1e-9)]
    above += [fault.until for fault in scenario.faults.values()]
    if above:
        return min(max(above), scenario.duration)
    standing = any(queue.backlog is not None for queue in scenario.queues.values())
    return 0 if standing else scenario.duration


def first_bin(frame: Frame, runs: Sequence[Replication]) -> int:
    """First bin that counts: after the discarded start, rounded up to a bin's edge."""
    if frame.discard_us is not None:
        return -(-frame.discard_us // frame.bin_us)
    return mser5(mean_waits(frame, runs))


def mean_waits(frame: Frame, runs: Sequence[Replication]) -> list[float]:
    """Mean wait of messages offered in each bin while arrivals last, pooled over runs [us]."""
    bins = -(-frame.duration_us // frame.bin_us)
    queues = [number for number, source in enumerate(frame.is_source.tolist()) if source]
    total_us, count = [0] * bins, [0] * bins
    for run in runs:
        for what in (Field.WAIT, Field.WAIT_OPEN):
            sums = run.by_bin(Field.WAIT_SUM if what is Field.WAIT else Field.WAIT_OPEN_SUM, queues)
            counts = run.by_bin(what, queues)
            for at in range(bins):
                total_us[at] += int(sums[at])
                count[at] += int(counts[at])
    return [us / number if number else math.nan for us, number in zip(total_us, count, strict=True)]


def mser5(values: Sequence[float]) -> int:
    """Length of the start to leave out: MSER-5 (White, Cobb, Spratt 2000), at most half.

    The cut that makes the squared standard error of the mean of what is left smallest, over means of
    five values.
    """
    known = [0.0 if math.isnan(value) else value for value in values]
    means = [
        math.fsum(known[first : first + _BATCH]) / _BATCH
        for first in range(0, len(known) - _BATCH + 1, _BATCH)
    ]
    best, cut = math.inf, 0
    for first in range(len(means) // 2 + 1):
        rest = means[first:]
        if len(rest) < 2:
            break
        middle = math.fsum(rest) / len(rest)
        error = math.fsum((mean - middle) ** 2 for mean in rest) / len(rest) ** 2
        if error < best:
            best, cut = error, first
    return cut * _BATCH
