"""From one number a replication to a number with its uncertainty.

Sums are taken with ``math.fsum``: rounded once, so that they are the same on every machine.
"""

import math
from collections.abc import Sequence
from typing import Final

from scipy import special

from simulator.analysis.answer import Certainty, Estimate

CONFIDENCE: Final = 0.95
SMALL: Final = 100
"""Below this many events in all runs together an interval is Poisson's own."""

_UPPER: Final = (1 + CONFIDENCE) / 2
_NAN: Final = math.nan


def no_data(unit: str, replications: int) -> Estimate:
    """Nothing to say."""
    return Estimate(_NAN, _NAN, _NAN, unit, Certainty.NO_DATA, replications, "", (_NAN,) * replications)


def student_t(degrees: int) -> float:
    """Two-sided 95% point of Student's t."""
    return float(special.stdtrit(degrees, _UPPER))


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; nan of nothing."""
    return math.fsum(values) / len(values) if values else _NAN


def deviation(values: Sequence[float]) -> float:
    """Standard deviation (n - 1 in the denominator); nan of fewer than two."""
    if len(values) < 2:
        return _NAN
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def of_means(values: Sequence[float], unit: str, *, floor: float = 0.0, note: str = "") -> Estimate:
    """Mean over replications with Student's interval, never below *floor*.

    Runs without data (nan) are left out; equal values in all runs have no chance in them. Of one run
    there is a mean and no interval.
    """
    known = [value for value in values if not math.isnan(value)]
    count, middle = len(known), mean(known)
    if not known:
        return no_data(unit, len(values))
    if count > 1 and min(known) == max(known):
        return Estimate(known[0], known[0], known[0], unit, Certainty.EXACT, count, note, tuple(values))
    half = student_t(count - 1) * deviation(known) / math.sqrt(count) if count > 1 else _NAN
    low = _NAN if math.isnan(half) else max(floor, middle - half)
    return Estimate(middle, low, middle + half, unit, Certainty.INTERVAL, count, note, tuple(values))


def of_censored(
    values: Sequence[float], unfinished: Sequence[bool], never: Sequence[bool], unit: str, note: str = ""
) -> Estimate:
    """Mean over replications of which some are only known to be longer.

    ``values`` of unfinished runs are lower bounds. When any run is censored the mean is at least that
    of the bounds; when at least half of the runs say never, so does the answer.
    """
    count = sum(not math.isnan(value) or gone for value, gone in zip(values, never, strict=True))
    open_, gone = sum(unfinished), sum(never)
    if not open_ and not gone:
        return of_means(values, unit, note=note)
    bounds = [
        value for value, is_never in zip(values, never, strict=True) if not is_never and not math.isnan(value)
    ]
    shown = tuple(
        math.inf if is_open or is_never else value
        for value, is_open, is_never in zip(values, unfinished, never, strict=True)
    )
    notes = [note] if note else []
    if gone:
        notes.append(f"among the dead-lettered or lost in {gone} of {count} runs")
    if open_:
        notes.append(f"among the unfinished in {open_} of {count} runs")
    if 2 * gone >= count:
        return Estimate(_NAN, mean(bounds), _NAN, unit, Certainty.NEVER, count, "; ".join(notes), shown)
    return Estimate(mean(bounds), _NAN, _NAN, unit, Certainty.AT_LEAST, count, "; ".join(notes), shown)


def poisson(count: int) -> tuple[float, float]:
    """Exact 95% interval of the expectation of a Poisson number that came out as *count* (Garwood 1936)."""
    low = float(special.gammaincinv(count, 1 - _UPPER)) if count else 0.0
    return low, float(special.gammaincinv(count + 1, _UPPER))


def of_counts(
    counts: Sequence[int], exposures: Sequence[float], unit: str, *, most: float = math.inf
) -> Estimate:
    """Events per exposure (1 a run, copies, seconds), with an interval that fits small counts.

    None seen: the bound 3/n (the 95% upper limit of a Poisson expectation is 3.0). Few: Poisson's exact
    interval, unless the runs differ more than Poisson numbers would (dispersion test at 1%); then, and
    with many, Student's. Never below 0 nor above *most*.
    """
    values = tuple(
        count / exposure if exposure > 0 else _NAN for count, exposure in zip(counts, exposures, strict=True)
    )
    known = [value for value in values if not math.isnan(value)]
    exposure, total = math.fsum(exposures), sum(counts)
    if not known:
        return no_data(unit, len(counts))
    if total == 0:
        bound = min(most, 3 / exposure)
        return Estimate(0.0, 0.0, bound, unit, Certainty.NONE_SEEN, len(known), "", values)
    if total < SMALL and not _dispersed(counts, exposures):
        low, high = (limit / exposure for limit in poisson(total))
        return Estimate(
            total / exposure, low, min(most, high), unit, Certainty.INTERVAL, len(known), "", values
        )
    found = of_means(values, unit)
    if found.high <= most:
        return found
    return Estimate(
        found.mean, found.low, most, unit, found.certainty, found.replications, found.note, found.values
    )


def _dispersed(counts: Sequence[int], exposures: Sequence[float]) -> bool:
    """Whether counts differ more than Poisson numbers of one rate would in 99 of 100 cases."""
    if len(counts) < 2:
        return False
    rate = sum(counts) / math.fsum(exposures)
    spread = math.fsum(
        (count - rate * exposure) ** 2 / (rate * exposure)
        for count, exposure in zip(counts, exposures, strict=True)
        if exposure > 0
    )
    return spread > float(special.chdtri(len(counts) - 1, 0.01))


def runs_to_decide(estimate: Estimate, bound: float) -> int | None:
    """How many runs would put *bound* outside the interval, should mean and deviation stay; None: unknown."""
    values = [value for value in estimate.values if math.isfinite(value)]
    spread, distance = deviation(values), abs(estimate.mean - bound)
    if not spread > 0 or not distance > 0:
        return None
    runs = max(len(values) + 1, math.ceil((1.96 * spread / distance) ** 2))
    for _ in range(20):
        needed = max(len(values) + 1, math.ceil((student_t(runs - 1) * spread / distance) ** 2))
        if needed <= runs:
            break
        runs = needed
    return runs
