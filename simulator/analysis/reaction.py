"""What the first scale-out of a fleet took: from the burst's start to the decision, and on to service."""

import math
from typing import Final

from simulator.analysis import intervals
from simulator.analysis.answer import Estimate, Setting
from simulator.analysis.measures import LEVELS, Measures
from simulator.scenario.schema import Scenario

STAGES: Final = ("decided", "in_service")
"""When more was asked for, and when the first of it was in service; both since the burst began."""

_S: Final = 1e6


def since_s(scenario: Scenario, setting: Setting) -> float:
    """When there is more to do [s]: the first burst's start, else 0 with a standing backlog; nan without."""
    bursts = [event.from_s for event in setting.events if event.until_s > event.from_s]
    if bursts:
        return min(bursts)
    standing = any(queue.backlog is not None for queue in scenario.queues.values())
    return 0.0 if standing else math.nan


def estimates(measures: Measures, setting: Setting, since: float) -> dict[str, Estimate]:
    """Time from *since* [s] until each of `STAGES`, of every fleet, by ``PATH reaction{stage=...}``.

    Runs in which nothing was added are left out.
    """
    found = {}
    for consumer in setting.consumers:
        if consumer.path in measures.frame.things:
            times = _times(measures, measures.frame.things.index(consumer.path), since)
            if times is not None:
                for stage, values in zip(STAGES, zip(*times, strict=True), strict=True):
                    key = f"{consumer.path} reaction{{stage={stage}}}"
                    found[key] = intervals.of_means(values, "s", note=_note(values))
    return found


def _times(measures: Measures, thing: int, since: float) -> list[tuple[float, float]] | None:
    """Both instants of each run [s after *since*]; None of what is no fleet."""
    levels = (LEVELS["desired"], LEVELS["in_service"])
    if not any(run.has_level(levels[0], [thing]) for run in measures.runs):
        return None
    found = []
    for run in measures.runs:
        decided = served = math.nan
        if not math.isnan(since):
            decided = run.first_rise_us(levels[0], thing, since * _S)
            served = run.first_rise_us(levels[1], thing, decided)
        found.append(((decided / _S) - since, (served / _S) - since))
    return found


def _note(values: tuple[float, ...]) -> str:
    known = sum(not math.isnan(value) for value in values)
    return f"in {known} of {len(values)} runs" if known < len(values) else ""
