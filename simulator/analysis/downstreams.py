"""Numbers of downstreams and of those who call them."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from simulator.analysis import intervals
from simulator.analysis.answer import Estimate
from simulator.analysis.partial import QUANTITY, Field, Frame
from simulator.analysis.replication import Replication
from simulator.recording.tables import Quantity
from simulator.scenario.email import called, called_path
from simulator.scenario.schema import Scenario

_S: Final = 1e6
_COUNTED: Final = 1e12
_THOUSAND: Final = 1e3

COUNTS: Final = {
    "calls": Quantity.CALLS,
    "failed_calls": Quantity.FAILED_CALLS,
    "tries": Quantity.TRIES,
    "answered_tries": Quantity.ANSWERED_TRIES,
    "refused_tries": Quantity.REFUSED_TRIES,
    "timed_out_tries": Quantity.TIMED_OUT_TRIES,
    "failed_tries": Quantity.FAILED_TRIES,
}
"""Calls and their tries; the last four are how tries end."""

_ENDS: Final = (
    Quantity.ANSWERED_TRIES,
    Quantity.REFUSED_TRIES,
    Quantity.TIMED_OUT_TRIES,
    Quantity.FAILED_TRIES,
)
LEVELS: Final = {"served": Quantity.SERVED_TRIES, "line": Quantity.WAITING_TRIES}
_PARTS: Final = {"downstream": Field.DOWNSTREAM_US, "waiting": Field.WAITING_US}

Array = np.ndarray


def capacities(scenario: Scenario) -> dict[str, float]:
    """Connections of all that is called, else the calls it serves at full speed; nan without either."""
    return {
        called_path(scenario, name): float(one.connections or one.parallelism or math.nan)
        for name, one in called(scenario).items()
    }


def estimates(
    frame: Frame, runs: Sequence[Replication], first_bin: int, last_bin: int
) -> Iterator[tuple[str, Estimate]]:
    """Every number of every downstream, and what its callers spend their time on, with its key."""
    for path, capacity in frame.downstreams.items():
        thing = frame.things.index(path)
        for tail, estimate in _of_one(runs, thing, capacity, first_bin, last_bin):
            yield f"{path} {tail}", estimate
    for path in sorted(frame.callers):
        thing = frame.things.index(path)
        messages = [run.total(Field.HANDLED, [thing], first_bin) for run in runs]
        parts = {name: [run.total(what, [thing], first_bin) for run in runs] for name, what in _PARTS.items()}
        handled = [run.total(Field.HANDLED_US, [thing], first_bin) for run in runs]
        parts["own_work"] = [
            whole - sum(part) for whole, part in zip(handled, zip(*parts.values(), strict=True), strict=True)
        ]
        for name, sums in parts.items():
            means = [us / _S / count if count else math.nan for us, count in zip(sums, messages, strict=True)]
            yield f"{path} {name}.mean", intervals.of_means(means, "s")


def _of_one(
    runs: Sequence[Replication], thing: int, capacity: float, first_bin: int, last_bin: int
) -> Iterator[tuple[str, Estimate]]:
    window_s = [
        (min(last_bin * run.frame.bin_us, run.end_at) - first_bin * run.frame.bin_us) / _S for run in runs
    ]
    counts: dict[str, list[int]] = {}
    for name, quantity in COUNTS.items():
        sums = [counted(run, quantity, thing)[first_bin:] for run in runs]
        counts[name] = [round(float(by_bin.sum())) for by_bin in sums]
        within = [float(by_bin[: last_bin - first_bin].sum()) for by_bin in sums]
        rates = [count / seconds for count, seconds in zip(within, window_s, strict=True)]
        yield f"{name}.count", intervals.of_means(counts[name], "1")
        yield f"{name}.rate", intervals.of_means(rates, "1/s")
    for name in ("failed_calls", "refused_tries", "timed_out_tries", "failed_tries"):
        among = counts["calls" if name == "failed_calls" else "tries"]
        yield f"{name}.share", intervals.of_counts(counts[name], among, "share", most=1.0)
    for name, quantity in LEVELS.items():
        means = [_mean(level(run, quantity, thing), run, first_bin, last_bin) for run in runs]
        highest = [float(level(run, quantity, thing)[first_bin:].max(initial=0.0)) for run in runs]
        yield f"{name}.mean", intervals.of_means(means, "1")
        yield f"{name}.max", intervals.of_means(highest, "1")
        if name == "served":
            yield "utilisation", intervals.of_means([mean / capacity for mean in means], "share")
    yield (
        "try_time.mean",
        intervals.of_means([_try_time(run, thing, slice(first_bin, None)) for run in runs], "s"),
    )
    opened = [_mean(per_time(run, Quantity.OPEN_BREAKERS, thing), run, first_bin, last_bin) for run in runs]
    yield "open_breakers.mean", intervals.of_means(opened, "1")


def per_time(run: Replication, quantity: Quantity, thing: int) -> Array:
    """Mean value over each bin; shape (bins,)."""
    values: Array = run.steps(QUANTITY + quantity, [thing]).integrals / run.widths
    return values


def counted(run: Replication, quantity: Quantity, thing: int) -> Array:
    """How often in each bin; shape (bins,)."""
    counts: Array = run.steps(QUANTITY + quantity, [thing]).integrals / _COUNTED
    return counts


def level(run: Replication, quantity: Quantity, thing: int) -> Array:
    """Mean over each bin of a level that is kept in thousandths; shape (bins,)."""
    return per_time(run, quantity, thing) / _THOUSAND


def _mean(by_bin: Array, run: Replication, first_bin: int, last_bin: int) -> float:
    widths = run.widths[first_bin:last_bin]
    whole = float(widths.sum())
    return float((by_bin[first_bin:last_bin] * widths).sum()) / whole if whole else math.nan


def _ended(run: Replication, thing: int) -> Array:
    """Time of the tries that ended in each bin, as their callers saw it, summed [s]; shape (bins,)."""
    seconds: Array = run.steps(QUANTITY + Quantity.TRY_US, [thing]).integrals / _S / _S
    return seconds


def _try_time(run: Replication, thing: int, bins: slice) -> float:
    ended = float(sum(counted(run, quantity, thing)[bins].sum() for quantity in _ENDS))
    return float(_ended(run, thing)[bins].sum()) / ended if ended else math.nan


def curves(
    frame: Frame, run: Replication, summed: Callable[[Array], Array]
) -> Iterator[tuple[str, str, Array]]:
    """What charts draw of downstreams: scope, quantity and values by the bins that *summed* adds up to."""
    widths = summed(run.widths)
    for path in frame.downstreams:
        thing = frame.things.index(path)
        for name, quantity in COUNTS.items():
            yield path, f"{name}_per_s", summed(counted(run, quantity, thing)) * _S / widths
        for name, quantity in LEVELS.items():
            yield path, name, summed(level(run, quantity, thing) * run.widths) / widths
        opened = summed(per_time(run, Quantity.OPEN_BREAKERS, thing) * run.widths) / widths
        yield path, "open_breakers", opened
        ended = summed(sum((counted(run, quantity, thing) for quantity in _ENDS), np.zeros(run.bins)))
        seconds = summed(_ended(run, thing))
        yield path, "try_s", np.where(ended > 0.5, seconds / np.maximum(ended, 1.0), math.nan)
