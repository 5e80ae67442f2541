"""Builds FIFO queues, in normal or high-throughput mode, and what idle polls use up of their quota."""

from typing import Any

from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.fifo_throughput import Partitioning
from simulator.engine.taken import Taken
from simulator.processes.idle_polls import IdlePolls
from simulator.processes.queues import Dispatcher

_REGION_CALLS = "sqs.fifo.ht.region_tps"


def fifo_queue(taken: Taken, common: dict[str, Any], *, high_throughput: bool, region: str) -> FifoQueue:
    """The queue with the *common* settings of all queues; high throughput implies scopes by group."""
    rule = taken.rule
    calls_per_s = rule("sqs.fifo.ht.partition_tps" if high_throughput else "sqs.fifo.tps")
    return FifoQueue(
        **common,
        max_in_flight=rule("sqs.fifo.max_inflight"),
        deduplication_window_us=rule("sqs.fifo.dedup_window"),
        calls_per_s=calls_per_s,
        burst_us=rule("sqs.fifo.burst"),
        deduplication_scope="messageGroup" if high_throughput else "queue",
        partitioning=_partitioning(taken, region, calls_per_s) if high_throughput and calls_per_s else None,
        look_through=rule("sqs.fifo.scan_depth"),
    )


def _partitioning(taken: Taken, region: str, calls_per_s: int) -> Partitioning:
    """As many partitions at most as the region's quota allows, whatever its rest."""
    own = f"{_REGION_CALLS}.{region}"
    most_per_s = taken.rule(own if taken.knows(own) else f"{_REGION_CALLS}.other")
    most = max(1, most_per_s // calls_per_s)
    initial, scale_up_us = taken.rule("sqs.fifo.ht.initial_partitions"), taken.rule("sqs.fifo.ht.scale_up")
    return Partitioning(initial, most, scale_up_us)


def count_idle_polls(taken: Taken, dispatcher: Dispatcher) -> None:
    """Let long polls that come back empty use up the quota of receives, where there is one."""
    queue = dispatcher.queue
    if isinstance(queue, FifoQueue) and queue.receive_calls is not None:
        dispatcher.idle_polls = IdlePolls(queue.receive_calls, taken.rule("sqs.long_poll_wait"))
