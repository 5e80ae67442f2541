"""What CloudWatch would show of a run: its metrics' names and dimensions, one point a minute."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from simulator.analysis import subscriptions
from simulator.analysis.measures import (
    EMPTY_RECEIVES,
    LEVELS,
    MILLION_SECONDS_US,
    OLDEST_S,
    OWN_FAILURES,
    PROCESSINGS,
    Measures,
)
from simulator.analysis.partial import QUANTITY, Field
from simulator.analysis.replication import Replication
from simulator.recording.tables import Attempt, Quantity

_MINUTE_US: Final = 60_000_000
_FAIR: Final = {
    "ApproximateNumberOfNoisyGroups": Quantity.NOISY_TENANTS,
    "ApproximateNumberOfMessagesVisibleInQuietGroups": Quantity.QUIET_VISIBLE,
    "ApproximateNumberOfMessagesDelayedInQuietGroups": Quantity.QUIET_DELAYED,
    "ApproximateNumberOfMessagesNotVisibleInQuietGroups": Quantity.QUIET_IN_FLIGHT,
    "ApproximateAgeOfOldestMessageInQuietGroups": Quantity.QUIET_OLDEST_S,
}
_COLUMNS: Final = ("namespace", "metric", "dimension", "name", "statistic", "at_s", "value")

Array = np.ndarray


def points(measures: Measures) -> pd.DataFrame:
    """Points of replication 0: columns namespace, metric, dimension, name, statistic, at_s, value.

    Queues have delayed messages among the visible. Only minutes that the run lasted have points; a topic has
    one, with the sum over the whole run.
    """
    if not measures.runs:
        return pd.DataFrame(columns=list(_COLUMNS))
    run, frame = measures.runs[0], measures.frame
    parts: list[pd.DataFrame] = []
    for number, thing in enumerate(frame.things):
        kind, _, name = thing.partition(".")
        if kind == "queues":
            _put(parts, run, "AWS/SQS", "QueueName", name, _queue(run, number))
            if thing in frame.fair_queues:
                _put(parts, run, "AWS/SQS", "QueueName", name, _tenants(run, number))
        elif kind == "auto_scaling_groups":
            _put(parts, run, "AWS/AutoScaling", "AutoScalingGroupName", name, _group(run, number))
        elif kind == "ecs_services":
            _put(parts, run, "ECS/ContainerInsights", "ServiceName", name, _service(run, number))
    for name, consumers in _functions(measures).items():
        _put(parts, run, "AWS/Lambda", "FunctionName", name, _function(run, consumers))
    for name, sums in subscriptions.totals(frame, run):
        rows = [("AWS/SNS", metric, "TopicName", name, "Sum", 0.0, value) for metric, value in sums.items()]
        parts.append(pd.DataFrame(rows, columns=list(_COLUMNS)))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(_COLUMNS))


def _functions(measures: Measures) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, thing in enumerate(measures.frame.things):
        if thing in measures.frame.queue_of and thing.startswith("functions."):
            found.setdefault(thing.split(".")[1], []).append(number)
    return found


def _starts(run: Replication) -> Array:
    return np.arange(0, run.bins, _MINUTE_US // run.frame.bin_us)


def _sums(
    run: Replication, what: Field, things: Iterable[int], buckets: Iterable[int] | None = None
) -> Array:
    by_minute: Array = np.add.reduceat(run.by_bin(what, things, buckets), _starts(run))
    return by_minute


def _mean(run: Replication, level: int, things: Iterable[int]) -> Array:
    starts = _starts(run)
    over: Array = np.add.reduceat(run.steps(level, things).integrals, starts) / np.add.reduceat(
        run.widths, starts
    )
    return over


def _queue(run: Replication, queue: int) -> dict[tuple[str, str], Array]:
    starts = _starts(run)
    return {
        ("NumberOfMessagesSent", "Sum"): _sums(run, Field.SENT, [queue]),
        ("NumberOfMessagesReceived", "Sum"): _sums(run, Field.RECEIVED, [queue]),
        ("NumberOfMessagesDeleted", "Sum"): _sums(run, Field.DELETED, [queue]),
        ("NumberOfEmptyReceives", "Sum"): np.round(
            np.add.reduceat(run.steps(EMPTY_RECEIVES, [queue]).integrals, starts) / MILLION_SECONDS_US, 3
        ),
        ("ApproximateAgeOfOldestMessage", "Maximum"): run.steps(OLDEST_S, [queue]).edges[starts],
        ("ApproximateNumberOfMessagesVisible", "Maximum"): run.backlog([queue]).edges[starts],
        ("ApproximateNumberOfMessagesNotVisible", "Maximum"): run.in_flight([queue]).edges[starts],
    }


def _tenants(run: Replication, queue: int) -> dict[tuple[str, str], Array]:
    starts = _starts(run)
    return {
        (metric, "Maximum"): np.maximum.reduceat(run.steps(QUANTITY + quantity, [queue]).edges[:-1], starts)
        for metric, quantity in _FAIR.items()
    }


def _group(run: Replication, group: int) -> dict[tuple[str, str], Array]:
    return {
        ("GroupDesiredCapacity", "Average"): _mean(run, LEVELS["desired"], [group]),
        ("GroupInServiceInstances", "Average"): _mean(run, LEVELS["in_service"], [group]),
        ("GroupPendingInstances", "Average"): _mean(run, LEVELS["booting"], [group]),
    }


def _service(run: Replication, service: int) -> dict[tuple[str, str], Array]:
    return {
        ("DesiredTaskCount", "Average"): _mean(run, LEVELS["desired"], [service]),
        ("RunningTaskCount", "Average"): _mean(run, LEVELS["in_service"], [service]),
        ("PendingTaskCount", "Average"): _mean(run, LEVELS["booting"], [service]),
    }


def _function(run: Replication, consumers: Iterable[int]) -> dict[tuple[str, str], Array]:
    consumers, starts = list(consumers), _starts(run)
    ran = (*PROCESSINGS, int(Attempt.UNFINISHED))
    busy = run.steps(LEVELS["busy"], consumers).integrals / run.widths
    return {
        ("Invocations", "Sum"): _sums(run, Field.INVOCATION, consumers, ran),
        ("Errors", "Sum"): _sums(run, Field.INVOCATION, consumers, OWN_FAILURES),
        ("Throttles", "Sum"): _sums(run, Field.INVOCATION, consumers, [Attempt.THROTTLED]),
        ("ConcurrentExecutions", "Maximum"): np.maximum.reduceat(busy, starts),
    }


def _put(
    parts: list[pd.DataFrame],
    run: Replication,
    namespace: str,
    dimension: str,
    name: str,
    found: Mapping[tuple[str, str], Array],
) -> None:
    for (metric, statistic), values in found.items():
        columns = (namespace, metric, dimension, name, statistic, _starts(run) * run.frame.bin_us / 1e6)
        parts.append(pd.DataFrame(dict(zip(_COLUMNS, (*columns, values.astype(float)), strict=True))))
