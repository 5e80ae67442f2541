"""Where a search for the right size begins: Little's law and Erlang C, without a run."""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final

from simulator.analysis import theory
from simulator.analysis.answer import Consumer
from simulator.analysis.arrivals import arrivals
from simulator.experiments.setting import setting_of
from simulator.scenario.schema import Scenario
from simulator.scenario.thresholds import Threshold

_BUSY: Final = 0.9
"""Utilisation that is taken for enough where no promise is about a quantile of the wait."""
_QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


def first_guess(values: Sequence[str], load: Callable[[str], Scenario]) -> int | None:
    """Place of the first of *values* that should do; None where the formulas say nothing about them.

    *values* go from too little to more than enough. Each consumer is taken for M/M/c at the highest rate of
    its queue: it must have room for that rate (Little's law), and meet a promise about a quantile of
    the wait (Erlang C).
    """
    if _enough(load(values[0])) or not _enough(load(values[-1])):
        return None
    return bisect_left(values, True, key=lambda value: _enough(load(value)))


def _enough(scenario: Scenario) -> bool:
    return all(
        _meets(scenario, consumer)
        for consumer in setting_of(scenario, seed=1, replications=1).consumers
        if consumer.queue.startswith("queues.") and math.isfinite(consumer.ceiling_per_s)
    )


def _meets(scenario: Scenario, consumer: Consumer) -> bool:
    name = consumer.queue.removeprefix("queues.")
    rate = max((max(one.start_per_s, one.end_per_s) for one in arrivals(scenario, name)), default=0.0)
    slots, load = int(consumer.maximum), rate / consumer.ceiling_per_s
    if slots < 1 or load >= 1:
        return rate == 0
    service_s = slots / consumer.ceiling_per_s
    promises = [one for one in scenario.thresholds if _is_about(one, consumer.queue)]
    if not promises:
        return load <= _BUSY
    return all(
        theory.mmc_wait_quantile(_QUANTILES[one.statistic], slots, load, service_s) < one.bound
        for one in promises
    )


def _is_about(threshold: Threshold, queue: str) -> bool:
    waits = threshold.metric in ("wait", "end_to_end") and threshold.statistic in _QUANTILES
    return waits and threshold.op in ("<", "<=") and threshold.scope in ("", queue)
