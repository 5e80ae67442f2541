"""Two consumers that faults befall, a group and a function, and what is read off the rows of such runs."""

from pathlib import Path

import numpy as np

from simulator.recording.tables import NONE, Attempt, Quantity
from tests.engine.running import Rows, read, run

S = 1_000_000
MINUTE = 60 * S

GROUP = """
scenario: drill
duration: 20m
ideal: true
producers: {shop: {target: orders, arrivals: [{rate: 10/s, process: even}]}}
queues: {orders: {visibility_timeout: 1m, redrive: {queue: dead, max_receive_count: 100}}, dead: {}}
auto_scaling_groups:
  ship: {queue: orders, instance_type: c6i.large, workers_per_instance: 1, boot: 30s,
         receive: {max_messages: 1}, work: 1s, capacity: {min: 20, max: 20}}
"""
FUNCTION = """
scenario: drill
duration: 20m
ideal: true
producers: {shop: {target: orders, arrivals: [{rate: 10/s, process: even}]}}
queues: {orders: {visibility_timeout: 1m, redrive: {queue: dead, max_receive_count: 100}}, dead: {}}
functions:
  ship: {runtime: python3.13, timeout: 10s, work: 1s,
         event_sources: {orders: {batch_size: 1, maximum_concurrency: 20}}}
"""


def drill(tmp_path: Path, text: str, *faults: str, sets: tuple[str, ...] = ()) -> Rows:
    """Rows of a run with *faults*, named by their order."""
    written = ", ".join(f"f{place}: {fault}" for place, fault in enumerate(faults))
    return run(read(tmp_path, f"{text}faults: {{{written}}}\n", sets))


def started(rows: Rows) -> np.ndarray:
    """Instants at which work started [us], ascending."""
    at = rows["deliveries"]["started_at"]
    return np.sort(at[at != NONE])


def between(instants: np.ndarray, low: int, high: int) -> int:
    return int(((low <= instants) & (instants < high)).sum())


def backlog(rows: Rows, at: int) -> int:
    """Copies sent by *at* [us] that no work has started on by then."""
    copies = rows["copies"]
    begun = copies["first_started_at"]
    return int(((copies["sent_at"] <= at) & ((begun == NONE) | (begun > at))).sum())


def since_killed(rows: Rows) -> np.ndarray:
    """From the receive of each delivery that was killed to the next receive of its copy [us]."""
    deliveries = rows["deliveries"]
    order = np.lexsort((deliveries["received_at"], deliveries["copy"]))
    copy, at, how = (deliveries[name][order] for name in ("copy", "received_at", "attempt"))
    followed = (copy[1:] == copy[:-1]) & (how[:-1] == Attempt.CRASHED)
    waits: np.ndarray = np.diff(at)[followed]
    return waits


def sizes(rows: Rows, quantity: Quantity = Quantity.IN_SERVICE) -> list[tuple[int, int]]:
    """From when [us] how many instances there were."""
    changes = rows["changes"]
    chosen = changes["quantity"] == quantity
    return list(zip(changes["from_at"][chosen].tolist(), changes["value"][chosen].tolist(), strict=True))
