"""What an answer rests on too little: quantiles of few messages, causes seen a few times, drains cut off."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from simulator.analysis.answer import Certainty, Estimate, Setting, ThresholdResult
from simulator.analysis.sentence import name_of, significant

_FEW: Final = 5
"""An event seen fewer times in all runs has an interval about as wide as itself."""


def warnings(
    setting: Setting, thresholds: Sequence[ThresholdResult], estimates: Mapping[str, Estimate]
) -> Iterator[str]:
    """Say of the headline and of what thresholds are about what is too short and too rare."""
    for key in dict.fromkeys([setting.headline, *(result.key for result in thresholds)]):
        found = estimates.get(key)
        if found is None:
            continue
        yield from _quantile(setting, key, estimates)
        yield from _rare(key, found)
        yield from _cut_off(key, found)


def _quantile(setting: Setting, key: str, estimates: Mapping[str, Estimate]) -> Iterator[str]:
    """A run's p99.9 of 300 messages is its maximum: no message of it is expected beyond."""
    scope, _, tail = key.rpartition(" ")
    statistic = tail.rpartition(".p")[2] if ".p" in tail else ""
    try:
        beyond = 1 - float(statistic) / 100
    except ValueError:
        return
    sent = estimates.get(f"{scope} sent.count" if scope else "sent.count")
    if sent is None or not sent.mean > 0:
        return
    if sent.mean * beyond < 1:
        words = f"{name_of(key)} is that of {significant(sent.mean)} messages a run"
        yield f"{words}: fewer than one lies beyond it, so it is their maximum; a longer run is needed"


def _rare(key: str, found: Estimate) -> Iterator[str]:
    if found.unit != "1" or not key.endswith((".count", "}")) or not found.mean > 0:
        return
    total = round(found.mean * found.replications)
    if total < _FEW:
        times = "once" if total <= 1 else f"{total} times"
        yield f"{name_of(key)}: seen {times} in {found.replications:,} runs, which says little of how often"


def _cut_off(key: str, found: Estimate) -> Iterator[str]:
    if key.endswith("drain") and found.certainty is Certainty.AT_LEAST:
        words = f"{name_of(key)} does not fit the run ({found.note})"
        yield f"{words}: a longer duration is needed, not more runs"
