"""Replications until the headline numbers are known well enough: sequential stopping at a relative precision.

A rule that looks again and again stops a little too early: at looks where the intervals happen to be narrow.
Chow and Robbins (1965) show that coverage is right in the limit of narrow intervals; Law, Simulation Modeling
and Analysis, section 9.4.1, that at 10 runs or more before the first look and relative precision little
of it is lost. So here: a first look at 10 runs, few looks (each as far on as the last one says is needed,
a quarter more at least), and the numbers to narrow are fixed before the first run.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from simulator.analysis.answer import Answer, Certainty, Estimate
from simulator.analysis.intervals import runs_to_decide
from simulator.analysis.sentence import name_of
from simulator.experiments.answers import answers_of
from simulator.experiments.replications import Experiment
from simulator.experiments.setting import DEFAULT_HEADLINE
from simulator.scenario.schema import Scenario

LEAST: Final = 10
"""Runs before the first look."""
_GROWTH: Final = 1.25


class Wanted(NamedTuple):
    """A half-width of the 95% intervals as a share of their means, and the most runs to spend on it."""

    share: float
    most: int


class Width(NamedTuple):
    """How narrow a number is: ``share`` its half-width as a share of the mean (nan: none).

    ``runs`` is how many would make it narrow (None: no number of runs does, and ``why`` says why).
    """

    share: float
    runs: int | None
    why: str = ""


def headline_keys(scenario: Scenario) -> tuple[str, ...]:
    """Numbers that a precision is asked of: every threshold's, or end-to-end p99, and the drain beside it."""
    keys = [threshold.key for threshold in scenario.thresholds] or [DEFAULT_HEADLINE]
    scope = keys[0].rpartition(" ")[0]
    drains = any(key.endswith("drain") for key in keys)
    return tuple(dict.fromkeys([*keys, *([] if drains else [f"{scope} drain".strip()])]))


def width_of(estimate: Estimate, share: float) -> Width:
    """Say how narrow *estimate* is and how many runs make its half-width *share* of its mean."""
    match estimate.certainty:
        case Certainty.EXACT:
            return Width(0.0, estimate.replications)
        case Certainty.NO_DATA:
            return Width(math.nan, None, "there is no data")
        case Certainty.NEVER:
            return Width(math.nan, None, "it is never, which no run narrows")
        case Certainty.AT_LEAST:
            return Width(math.nan, None, "it is only known to be more: longer runs are needed, not more")
        case Certainty.NONE_SEEN:
            return Width(math.nan, None, "none was seen, and zero has no share")
    if math.isnan(estimate.low) or estimate.mean == 0:
        return Width(math.nan, None, "its mean is zero" if estimate.mean == 0 else "one run has no interval")
    half = max(estimate.high - estimate.mean, estimate.mean - estimate.low) / abs(estimate.mean)
    if half <= share:
        return Width(half, estimate.replications)
    return Width(half, runs_to_decide(estimate, estimate.mean + share * abs(estimate.mean)))


def until_precise(
    carry_out: Callable[[int, int], Sequence[Experiment]],
    scenarios: Sequence[Scenario],
    wanted: Wanted,
    least: int,
) -> tuple[list[Experiment], list[Answer]]:
    """Add replications until every headline number of all *scenarios* is as narrow as *wanted*.

    Parameters
    ----------
    carry_out : callable
        Runs replications ``(first, number)`` of all scenarios.
    least : int
        Runs before the first look, 10 at least.

    Returns
    -------
    list of Experiment, list of Answer
        Of all runs; the answers warn of each number that is not narrow, and say how many runs it would take.
    """
    runs = min(max(LEAST, least), max(wanted.most, 2))
    experiments = list(carry_out(0, runs))
    while True:
        answers = answers_of(experiments)
        needed = _needed(scenarios, answers, wanted)
        if needed <= runs or runs >= wanted.most:
            return experiments, [
                _with_warnings(one, answer, wanted) for one, answer in zip(scenarios, answers, strict=True)
            ]
        # twice as many at most: the first looks know the deviation badly
        more = min(max(needed, math.ceil(_GROWTH * runs)), 2 * runs, wanted.most) - runs
        experiments = [
            replace(one, partials=(*one.partials, *new.partials), runs=(*one.runs, *new.runs))
            for one, new in zip(experiments, carry_out(runs, more), strict=True)
        ]
        runs += more


def _widths(scenario: Scenario, answer: Answer, share: float) -> dict[str, Width]:
    found = {key: answer.estimates.get(key) for key in headline_keys(scenario)}
    asked = {threshold.key for threshold in scenario.thresholds}
    return {
        key: width_of(estimate, share)
        for key, estimate in found.items()
        # a scenario may have no drain to speak of; what a threshold is about is never left out
        if estimate is not None and (key in asked or estimate.certainty is not Certainty.NO_DATA)
    }


def _needed(scenarios: Sequence[Scenario], answers: Sequence[Answer], wanted: Wanted) -> int:
    """Most runs that any number which more runs can narrow needs."""
    widths = [
        width
        for scenario, answer in zip(scenarios, answers, strict=True)
        for width in _widths(scenario, answer, wanted.share).values()
    ]
    return max([0, *(width.runs for width in widths if width.runs is not None)])


def _with_warnings(scenario: Scenario, answer: Answer, wanted: Wanted) -> Answer:
    warnings = []
    for key, width in _widths(scenario, answer, wanted.share).items():
        if width.share <= wanted.share:
            continue
        asked = f"{name_of(key)} is not known to {100 * wanted.share:.3g}% of its mean"
        if width.why:
            warnings.append(f"{asked}: {width.why}")
        else:
            runs = f"about {width.runs:,} runs would do" if width.runs else "more runs would do"
            have = answer.setting.replications
            warnings.append(f"{asked} but to {100 * width.share:.3g}% after {have:,} runs; {runs}")
    return replace(answer, warnings=(*answer.warnings, *warnings))
