"""What a variant trades for what: of all that moved, the numbers that decide, each judged by what is good."""

import math
from dataclasses import dataclass
from typing import Final

from simulator.analysis import intervals
from simulator.analysis.answer import Answer, Certainty, Estimate

OTHERS: Final = (
    "duplicate_delivery.share",
    "out_of_order.share",
    "dead_lettered.count",
    "lost.count",
    "drain",
    "cost.month",
)
"""What is said after the headline, in this order."""
_ENDLESS: Final = (Certainty.NEVER, Certainty.AT_LEAST)
_NOTHING: Final = (Certainty.NO_DATA, Certainty.NONE_SEEN)


@dataclass(frozen=True)
class Term:
    """One number of a trade; ``better`` is None where no difference was seen.

    ``difference`` is the variant minus the base, paired by replication, ``change`` the same as a share.
    """

    key: str
    base: Estimate
    variant: Estimate
    difference: Estimate
    change: Estimate
    better: bool | None


def terms(base: Answer, variant: Answer) -> list[Term]:
    """Return the base's headline, then what else decides, as far as either side has any of it.

    All but the headline are of the whole scenario: a loss in another queue is a loss. The *variant*
    carries its differences from the base (`paired.compared`).
    """
    headline = base.setting.headline
    tail = headline.rpartition(" ")[2]
    keys = [headline, *(key for key in OTHERS if key != tail)]
    shared = [key for key in keys if key in base.estimates and key in variant.estimates]
    found = [_term(key, base, variant) for key in shared]
    return [
        term for term in found if not (term.base.certainty in _NOTHING and term.variant.certainty in _NOTHING)
    ]


def _term(key: str, base: Answer, variant: Answer) -> Term:
    before, after = base.estimates[key], variant.estimates[key]
    nothing = intervals.no_data(after.unit, after.replications)
    difference = variant.differences.get(key, nothing)
    return Term(
        key, before, after, difference, variant.changes.get(key, nothing), better(before, after, difference)
    )


def better(base: Estimate, variant: Estimate, difference: Estimate, *, greater: bool = False) -> bool | None:
    """Return whether the variant is better; None where no difference was seen.

    *greater* says that more is better. Where a side is censored there is no difference to take, but a bound
    beyond the other's interval decides all the same.
    """
    if math.isfinite(difference.low) and (difference.low > 0 or difference.high < 0):
        return (difference.mean > 0) == greater
    if base.certainty in _ENDLESS or variant.certainty in _ENDLESS:
        if _least(variant) > _most(base):
            return greater
        if _least(base) > _most(variant):
            return not greater
    return None


def _least(estimate: Estimate) -> float:
    if estimate.certainty is Certainty.NEVER:
        return math.inf
    if estimate.certainty is Certainty.AT_LEAST:
        return estimate.mean
    return estimate.low if math.isfinite(estimate.low) else -math.inf


def _most(estimate: Estimate) -> float:
    return estimate.high if math.isfinite(estimate.high) else math.inf
