"""Numbers of workflows: transitions, executions, children of Maps, and how long their states last."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from simulator.analysis import intervals
from simulator.analysis.answer import Estimate
from simulator.analysis.downstreams import counted, level
from simulator.analysis.partial import QUANTITY, Frame
from simulator.analysis.replication import Replication
from simulator.recording.tables import Quantity
from simulator.scenario.invoked import state_paths
from simulator.scenario.schema import Scenario

_S: Final = 1e6

LEVELS: Final = {
    "executions": Quantity.EXECUTIONS,
    "map_children": Quantity.MAP_CHILDREN,
    "waiting_transitions": Quantity.WAITING_TRANSITIONS,
}

Array = np.ndarray


def states_of(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Paths of the states of each workflow, by its path."""
    return {f"workflows.{name}": tuple(state_paths(scenario, name).values()) for name in scenario.workflows}


def estimates(
    frame: Frame, runs: Sequence[Replication], first_bin: int, last_bin: int
) -> Iterator[tuple[str, Estimate]]:
    """Every number of every workflow and its states, with its key."""
    for path, states in frame.workflows.items():
        thing = frame.things.index(path)
        for tail, estimate in _of_one(runs, thing, first_bin, last_bin):
            yield f"{path} {tail}", estimate
        for state in states:
            for tail, estimate in _of_state(runs, frame.things.index(state), first_bin):
                yield f"{state} {tail}", estimate


def _of_one(
    runs: Sequence[Replication], thing: int, first_bin: int, last_bin: int
) -> Iterator[tuple[str, Estimate]]:
    window_s = [
        (min(last_bin * run.frame.bin_us, run.end_at) - first_bin * run.frame.bin_us) / _S for run in runs
    ]
    made = _totals(runs, Quantity.TRANSITIONS, thing, first_bin)
    throttled = _totals(runs, Quantity.THROTTLED_TRANSITIONS, thing, first_bin)
    within = [float(counted(run, Quantity.TRANSITIONS, thing)[first_bin:last_bin].sum()) for run in runs]
    yield "transitions.count", intervals.of_means(made, "1")
    rates = [count / seconds for count, seconds in zip(within, window_s, strict=True)]
    yield "transitions.rate", intervals.of_means(rates, "1/s")
    yield "throttled_transitions.count", intervals.of_counts(throttled, [1.0] * len(runs), "1")
    yield "throttled_transitions.share", intervals.of_counts(throttled, made, "share", most=1.0)
    refused = _totals(runs, Quantity.REFUSED_STARTS, thing, first_bin)
    yield "refused_starts.count", intervals.of_counts(refused, [1.0] * len(runs), "1")
    for name, quantity in LEVELS.items():
        levels = [level(run, quantity, thing) for run in runs]
        means = [_mean(by_bin, run, first_bin, last_bin) for by_bin, run in zip(levels, runs, strict=True)]
        yield f"{name}.mean", intervals.of_means(means, "1")
        highest = [float(by_bin[first_bin:].max(initial=0.0)) for by_bin in levels]
        yield f"{name}.max", intervals.of_means(highest, "1")


def _of_state(runs: Sequence[Replication], thing: int, first_bin: int) -> Iterator[tuple[str, Estimate]]:
    entries = _totals(runs, Quantity.STATE_ENTRIES, thing, first_bin)
    yield "entries.count", intervals.of_means(entries, "1")
    for name, quantity in (("retries", Quantity.STATE_RETRIES), ("failed_entries", Quantity.STATE_FAILURES)):
        counts = _totals(runs, quantity, thing, first_bin)
        yield f"{name}.count", intervals.of_counts(counts, [1.0] * len(runs), "1")
    lasted = [
        float((run.steps(QUANTITY + Quantity.STATE_US, [thing]).integrals / _S / _S)[first_bin:].sum())
        for run in runs
    ]
    means = [seconds / count if count else math.nan for seconds, count in zip(lasted, entries, strict=True)]
    yield "in_state.mean", intervals.of_means(means, "s")
    yield "in_state.total", intervals.of_means(lasted, "s")


def _totals(runs: Sequence[Replication], quantity: Quantity, thing: int, first_bin: int) -> list[int]:
    return [round(float(counted(run, quantity, thing)[first_bin:].sum())) for run in runs]


def _mean(by_bin: Array, run: Replication, first_bin: int, last_bin: int) -> float:
    widths = run.widths[first_bin:last_bin]
    whole = float(widths.sum())
    return float((by_bin[first_bin:last_bin] * widths).sum()) / whole if whole else math.nan


def curves(
    frame: Frame, run: Replication, summed: Callable[[Array], Array]
) -> Iterator[tuple[str, str, Array]]:
    """What charts draw of workflows: scope, quantity and values by the bins that *summed* adds up to."""
    if not frame.workflows:
        return
    widths = summed(run.widths)
    for path, states in frame.workflows.items():
        thing = frame.things.index(path)
        yield path, "transitions_per_s", summed(counted(run, Quantity.TRANSITIONS, thing)) * _S / widths
        throttled = counted(run, Quantity.THROTTLED_TRANSITIONS, thing)
        yield path, "throttled_transitions_per_s", summed(throttled) * _S / widths
        for name, quantity in LEVELS.items():
            yield path, name, summed(level(run, quantity, thing) * run.widths) / widths
        for state in states:
            inside = level(run, Quantity.IN_STATE, frame.things.index(state))
            yield state, "in_state", summed(inside * run.widths) / widths
