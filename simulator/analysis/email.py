"""Numbers of SES accounts: what they took and refused, what became of the mails, how they stand."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from simulator.analysis import intervals
from simulator.analysis.answer import Estimate
from simulator.analysis.downstreams import counted, per_time
from simulator.analysis.partial import Frame
from simulator.analysis.replication import Replication
from simulator.recording.tables import Quantity

_S: Final = 1e6
MILLION: Final = 1e6

OVER_QUOTA: Final = {
    "rate": Quantity.OVER_RATE,
    "daily": Quantity.OVER_DAILY_QUOTA,
    "paused": Quantity.WHILE_PAUSED,
}
"""Calls that were refused, by the quota."""

FATES: Final = {
    "arrived": Quantity.MAILS_DELIVERED,
    "hard_bounce": Quantity.HARD_BOUNCES,
    "soft_bounce": Quantity.SOFT_BOUNCES,
    "complaint": Quantity.COMPLAINTS,
}
"""What became of recipients; who complains has got the mail."""

RATES: Final = {"bounce_rate": Quantity.BOUNCE_SHARE, "complaint_rate": Quantity.COMPLAINT_SHARE}
STANDINGS: Final = {"under_review": Quantity.UNDER_REVIEW, "paused": Quantity.SENDING_PAUSED}

Array = np.ndarray


def estimates(
    frame: Frame, runs: Sequence[Replication], first_bin: int, last_bin: int
) -> Iterator[tuple[str, Estimate]]:
    """Every number of every account, with its key."""
    for path in frame.email:
        thing = frame.things.index(path)
        for tail, estimate in _of_one(runs, thing, first_bin, last_bin):
            yield f"{path} {tail}", estimate


def _of_one(
    runs: Sequence[Replication], thing: int, first_bin: int, last_bin: int
) -> Iterator[tuple[str, Estimate]]:
    def total(quantity: Quantity, until: int | None = None) -> list[int]:
        return [round(float(counted(run, quantity, thing)[first_bin:until].sum())) for run in runs]

    window_s = [
        (min(last_bin * run.frame.bin_us, run.end_at) - first_bin * run.frame.bin_us) / _S for run in runs
    ]
    taken = total(Quantity.RECIPIENTS)
    yield "recipients.count", intervals.of_means(taken, "1")
    rates = [
        count / seconds for count, seconds in zip(total(Quantity.RECIPIENTS, last_bin), window_s, strict=True)
    ]
    yield "recipients.rate", intervals.of_means(rates, "1/s")
    calls = total(Quantity.TRIES)
    refused = {name: total(quantity) for name, quantity in OVER_QUOTA.items()}
    refused[""] = [sum(counts) for counts in zip(*refused.values(), strict=True)]
    for name, counts in refused.items():
        key = f"over_quota{{quota={name}}}" if name else "over_quota"
        yield from _rare(key, counts, calls)
    for name, quantity in FATES.items():
        yield from _rare(name, total(quantity), taken)
    used = [float(per_time(run, Quantity.DAILY_USED, thing)[first_bin:].max(initial=0.0)) for run in runs]
    yield "daily_used.max", intervals.of_means(used, "1")
    for name, quantity in RATES.items():
        highest = [float(per_time(run, quantity, thing)[first_bin:].max(initial=0.0)) for run in runs]
        yield f"{name}.max", intervals.of_means([value / MILLION for value in highest], "share")
    for name, quantity in STANDINGS.items():
        shares = [_share(per_time(run, quantity, thing), run, first_bin) for run in runs]
        yield f"standing{{as={name}}}.share", intervals.of_means(shares, "share")


def _rare(key: str, counts: Sequence[int], among: Sequence[int]) -> Iterator[tuple[str, Estimate]]:
    yield f"{key}.count", intervals.of_counts(counts, [1.0] * len(counts), "1")
    yield f"{key}.share", intervals.of_counts(counts, among, "share", most=1.0)


def _share(by_bin: Array, run: Replication, first_bin: int) -> float:
    widths = run.widths[first_bin:]
    whole = float(widths.sum())
    return float((by_bin[first_bin:] * widths).sum()) / whole if whole else math.nan


def curves(
    frame: Frame, run: Replication, summed: Callable[[Array], Array]
) -> Iterator[tuple[str, str, Array]]:
    """What charts draw of accounts: scope, quantity and values by the bins that *summed* adds up to."""
    widths = summed(run.widths)
    for path in frame.email:
        thing = frame.things.index(path)
        yield path, "recipients_per_s", summed(counted(run, Quantity.RECIPIENTS, thing)) * _S / widths
        for name, quantity in OVER_QUOTA.items():
            yield path, f"over_{name}_per_s", summed(counted(run, quantity, thing)) * _S / widths
        for name, quantity in FATES.items():
            yield path, f"{name}_per_s", summed(counted(run, quantity, thing)) * _S / widths
        levels = {"daily_used": (Quantity.DAILY_USED, 1.0)}
        levels |= {name: (quantity, MILLION) for name, quantity in RATES.items()}
        levels |= {name: (quantity, 1.0) for name, quantity in STANDINGS.items()}
        for name, (quantity, scale) in levels.items():
            yield path, name, summed(per_time(run, quantity, thing) * run.widths) / widths / scale
