"""A promise held against a number with its uncertainty: holds, crossed, or undecided."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from simulator.analysis.answer import Certainty, Estimate, ThresholdResult, Verdict
from simulator.analysis.intervals import no_data, runs_to_decide
from simulator.analysis.sentence import quantity

_HOLDS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


class Threshold(Protocol):
    """A bound on one number, as a scenario parsed it."""

    @property
    def text(self) -> str:
        """The scenario's own words."""

    @property
    def key(self) -> str:
        """Key of the number."""

    @property
    def op(self) -> str:
        """One of < <= > >= ==."""

    @property
    def bound(self) -> float:
        """In the number's unit."""

    @property
    def unit(self) -> str:
        """Unit of number and bound."""


def judge(thresholds: Sequence[Threshold], estimates: Mapping[str, Estimate]) -> list[ThresholdResult]:
    """Verdicts on all *thresholds*, in their order."""
    results = []
    for threshold in thresholds:
        estimate = estimates.get(threshold.key, no_data(threshold.unit, 0))
        found, note = verdict(estimate, threshold.op, threshold.bound)
        results.append(ThresholdResult(threshold.text, threshold.key, threshold.bound, estimate, found, note))
    return results


def verdict(estimate: Estimate, op: str, bound: float) -> tuple[Verdict, str]:
    """Whether ``estimate op bound`` holds, and what a person must know beside the verdict.

    It holds when the whole interval is on the good side, is crossed when all of it is on the bad side,
    and is undecided else. Zero seen is zero where zero is the bound; elsewhere its bound 3/n counts.
    """
    certainty = estimate.certainty
    if certainty is Certainty.NO_DATA:
        return Verdict.UNDECIDED, "no data"
    if certainty is Certainty.NEVER:
        return (Verdict.HOLDS if op in (">", ">=") else Verdict.CROSSED), estimate.note
    if certainty is Certainty.AT_LEAST:
        return _at_least(estimate, op, bound)
    if certainty is Certainty.EXACT:
        return (Verdict.HOLDS if _HOLDS[op](estimate.mean, bound) else Verdict.CROSSED), ""
    if certainty is Certainty.NONE_SEEN and bound == 0:
        holds = _HOLDS[op](0.0, 0.0)
        each = " a run" if estimate.unit == "1" else ""
        most = quantity(estimate.high, estimate.unit)
        note = f"none seen in {estimate.replications} runs: at most {most}{each}"
        return (Verdict.HOLDS if holds else Verdict.CROSSED), note
    if op == "==":
        return _equal(estimate, bound)
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return Verdict.UNDECIDED, "one run has no interval: at least 2 are needed"
    good = [_HOLDS[op](end, bound) for end in (estimate.low, estimate.high)]
    if all(good):
        return Verdict.HOLDS, ""
    if not any(good) and not estimate.low <= bound <= estimate.high:
        return Verdict.CROSSED, ""
    return Verdict.UNDECIDED, _runs(estimate, bound)


def _at_least(estimate: Estimate, op: str, bound: float) -> tuple[Verdict, str]:
    beyond = estimate.mean >= bound
    if op in ("<", "<=", "==") and beyond:
        return Verdict.CROSSED, estimate.note
    if op in (">", ">=") and beyond:
        return Verdict.HOLDS, estimate.note
    return Verdict.UNDECIDED, f"{estimate.note}: a longer run would decide, not more runs"


def _equal(estimate: Estimate, bound: float) -> tuple[Verdict, str]:
    """An interval cannot prove equality; a bound of 0 is crossed by anything seen."""
    if (bound == 0 and estimate.mean > 0) or estimate.low > bound or estimate.high < bound:
        return Verdict.CROSSED, ""
    return Verdict.UNDECIDED, "an interval cannot show that two numbers are equal"


def _runs(estimate: Estimate, bound: float) -> str:
    if estimate.certainty is Certainty.NONE_SEEN:
        runs = math.ceil(estimate.replications * estimate.high / bound) if bound > 0 else 0
        return f"none seen; about {runs:,} runs like these would decide" if runs else "none seen"
    runs_or_none = runs_to_decide(estimate, bound)
    return f"about {runs_or_none:,} runs would decide" if runs_or_none else "more runs would decide"
