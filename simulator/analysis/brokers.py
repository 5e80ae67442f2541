"""Numbers of brokers of Amazon MQ: what was pushed and waits, store, memory, connections, failovers."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from simulator.analysis import intervals, limits
from simulator.analysis.answer import Estimate
from simulator.analysis.downstreams import counted, per_time
from simulator.analysis.partial import Frame
from simulator.analysis.replication import Replication
from simulator.recording.tables import Quantity

_KIB_IN_MIB: Final = 1024.0
_S: Final = 1e6

LEVELS: Final = {
    "prefetched": (Quantity.PREFETCHED, 1.0),
    "store": (Quantity.STORE_KIB, _KIB_IN_MIB),
    "memory": (Quantity.MEMORY_KIB, _KIB_IN_MIB),
    "sends_waiting": (Quantity.SENDS_WAITING, 1.0),
}
"""By name: the quantity, and how much of it makes one of the unit of reports (sizes: MiB)."""

Array = np.ndarray


def estimates(
    frame: Frame, runs: Sequence[Replication], first_bin: int, last_bin: int
) -> Iterator[tuple[str, Estimate]]:
    """Every number of every broker, with its key."""
    for path in frame.brokers:
        thing = frame.things.index(path)
        for tail, estimate in _of_one(runs, thing, first_bin, last_bin):
            yield f"{path} {tail}", estimate


def _of_one(
    runs: Sequence[Replication], thing: int, first_bin: int, last_bin: int
) -> Iterator[tuple[str, Estimate]]:
    def mean(quantity: Quantity, until: int | None) -> list[float]:
        return [_mean(per_time(run, quantity, thing), run, first_bin, until) for run in runs]

    def highest(quantity: Quantity) -> list[float]:
        return [float(per_time(run, quantity, thing)[first_bin:].max(initial=0.0)) for run in runs]

    for name, (quantity, one) in LEVELS.items():
        yield f"{name}.mean", intervals.of_means([value / one for value in mean(quantity, last_bin)], "1")
        yield f"{name}.max", intervals.of_means([value / one for value in highest(quantity)], "1")
    yield from limits.of_run(runs, thing, first_bin, last_bin).items()
    yield "connections.max", intervals.of_means(highest(Quantity.CONNECTIONS), "1")
    yield "per_sync.mean", intervals.of_means([_per_sync(run, thing, first_bin) for run in runs], "1")
    yield "failing_over.share", intervals.of_means(mean(Quantity.BROKER_DOWN, None), "share")


def _per_sync(run: Replication, thing: int, first_bin: int) -> float:
    syncs = float(counted(run, Quantity.SYNCS, thing)[first_bin:].sum())
    return float(counted(run, Quantity.SYNCED, thing)[first_bin:].sum()) / syncs if syncs else math.nan


def _mean(by_bin: Array, run: Replication, first_bin: int, until: int | None) -> float:
    widths = run.widths[first_bin:until]
    whole = float(widths.sum())
    return float((by_bin[first_bin:until] * widths).sum()) / whole if whole else math.nan


def curves(
    frame: Frame, run: Replication, summed: Callable[[Array], Array]
) -> Iterator[tuple[str, str, Array]]:
    """What charts draw of brokers: scope, quantity and values by the bins that *summed* adds up to."""
    widths = summed(run.widths)
    for path in frame.brokers:
        thing = frame.things.index(path)
        for name, (quantity, one) in LEVELS.items():
            yield path, name, summed(per_time(run, quantity, thing) * run.widths) / widths / one
        yield path, "synced_per_s", summed(counted(run, Quantity.SYNCED, thing)) * _S / widths
        yield path, "down", summed(per_time(run, Quantity.BROKER_DOWN, thing) * run.widths) / widths
