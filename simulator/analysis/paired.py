"""Comparison of a variant with its base, run by run under common random numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from simulator.analysis import intervals
from simulator.analysis.answer import Answer, Certainty, Estimate

NO_DIFFERENCE = "no difference seen"


def compared(base: Answer, variant: Answer) -> Answer:
    """*variant* with its differences from *base* and its changes as shares of the base."""
    differences, changes = {}, {}
    for key, estimate in variant.estimates.items():
        if key in base.estimates:
            differences[key] = difference(base.estimates[key], estimate)
            changes[key] = change(base.estimates[key], estimate)
    return replace(variant, differences=differences, changes=changes)


def difference(base: Estimate, variant: Estimate) -> Estimate:
    """Variant minus base, paired by replication; the note says so where no difference was seen."""
    return _paired(base, variant, variant.unit, [b - a for a, b in _pairs(base, variant)])


def change(base: Estimate, variant: Estimate) -> Estimate:
    """The same as a share of the base's mean."""
    scale = intervals.mean([a for a, _ in _pairs(base, variant)])
    values = [(b - a) / scale if scale > 0 else math.nan for a, b in _pairs(base, variant)]
    return _paired(base, variant, "share", values)


def _pairs(base: Estimate, variant: Estimate) -> list[tuple[float, float]]:
    """Values of runs that both have; a run without an end has no difference that could be said."""
    return [
        (a, b)
        for a, b in zip(base.values, variant.values, strict=False)
        if math.isfinite(a) and math.isfinite(b)
    ]


def _paired(base: Estimate, variant: Estimate, unit: str, values: Sequence[float]) -> Estimate:
    """Interval of paired values; one side's runs that never end decide where the other's all do."""
    endless = [sum(math.isinf(value) for value in side.values) for side in (base, variant)]
    if any(endless):
        who = [f"{side} in {count} of {len(base.values)} runs"
               for side, count in zip(("base", "variant"), endless, strict=True) if count]  # fmt: skip
        note = f"does not end: {', '.join(who)}"
        certainty = Certainty.NEVER if endless[1] and not endless[0] else Certainty.NO_DATA
        nothing = intervals.no_data(unit, len(values))
        return replace(nothing, certainty=certainty, note=note)
    found = intervals.of_means(values, unit, floor=-math.inf)
    holds_zero = found.low <= 0 <= found.high
    return replace(found, note=NO_DIFFERENCE) if holds_zero else found


def verdict(found: Estimate) -> str:
    """A difference in words: ``lower``, ``higher``, ``no difference seen``, or what hinders it."""
    if found.certainty in (Certainty.NO_DATA, Certainty.NEVER):
        return found.note or "no data"
    if math.isnan(found.low):
        return "one run: no interval"
    if found.low <= 0 <= found.high:
        return NO_DIFFERENCE
    return "lower" if found.mean < 0 else "higher"


def seen(differences: Mapping[str, Estimate]) -> list[str]:
    """Keys whose difference was seen."""
    return [key for key, found in differences.items() if verdict(found) in ("lower", "higher")]
