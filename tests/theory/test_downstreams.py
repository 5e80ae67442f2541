"""Downstreams against queueing theory, through the whole engine: queue, consumer, calls, pool."""

import functools
from typing import Any

import numpy as np
import pytest

from simulator.analysis import theory
from simulator.recording.tables import Fate
from tests.conformance import lab
from tests.conformance.lab import SECOND

CALLS = 2_000
REPLICATIONS = 12
EXPONENTIAL = {"exponential": {"mean": "1s"}}


@functools.cache
def waits(consumer: str) -> list[np.ndarray]:
    """Waits for a connection [s] of each replication, the first tenth left out: 10 connections at 80%."""
    group = lab.workers("q", "0s", None, calls={"db": 1}, client={"timeout": "15m"})
    function = {
        "runtime": "python3.13",
        "timeout": "15m",
        "work": "0s",
        "calls": {"db": 1},
        "client": {"timeout": "14m"},
        "event_sources": {"q": {"batch_size": 1}},
    }
    asked = lab.scenario(
        CALLS / 8,
        producers={"p": {"target": "q", "arrivals": {"rate": "8/s"}}},
        queues={"q": {"visibility_timeout": "12h"}},
        downstreams={"db": {"latency": EXPONENTIAL, "connections": 10}},
        **({"auto_scaling_groups": {"g": group}} if consumer == "group" else {"functions": {"f": function}}),
    )
    found = []
    for replication in range(REPLICATIONS):
        rows = lab.run(asked, replication, ("invocations",)).table("invocations")
        found.append(rows["waiting_us"][rows["started_at"] > CALLS / 80 * SECOND] / SECOND)
    return found


@pytest.mark.parametrize("consumer", ["group", "function"])
def test_wait_for_a_pool_of_connections_is_erlang_c(consumer):
    means = [float(one.mean()) for one in waits(consumer)]
    error = float(np.std(means, ddof=1) / np.sqrt(REPLICATIONS))
    expected = theory.mmc_mean_wait(10, 0.8)
    assert error < 0.2 * expected
    assert abs(float(np.mean(means)) - expected) < 4 * error


def test_a_group_and_a_function_wait_for_the_same_calls_alike():
    """Draws belong to messages: whoever calls, the pool sees the same calls of the same lengths."""
    group, function = (float(np.mean([one.mean() for one in waits(who)])) for who in ("group", "function"))
    assert group == pytest.approx(function, rel=0.05)


def worked(duration_s: float, **about: Any) -> int:
    """Messages of a standing backlog that a function works in so many seconds."""
    downstream, source = about.pop("downstream"), about.pop("source", {})
    function = {"runtime": "python3.13", "timeout": "1m", "work": "0s"} | about
    asked = lab.scenario(
        duration_s,
        after="stop",
        queues={"q": {"visibility_timeout": "12h", "backlog": {"messages": 4_000}}},
        functions={"f": function | {"event_sources": {"q": {"batch_size": 1} | source}}},
        downstreams={"db": downstream},
    )
    copies = lab.run(asked, 0, ("copies",)).table("copies")
    return int((copies["fate"] == Fate.DELETED).sum())


def test_a_pool_does_its_connections_over_latency_whatever_the_concurrency():
    """30 connections, 2 calls of 100 ms a message: 150 messages a second, with 100 slots as with 1,000."""
    pool = {"latency": "100ms", "connections": 30}
    for slots in (100, 1_000):
        done = worked(
            10,
            downstream=pool,
            source={"maximum_concurrency": slots},
            calls={"db": 2},
            client={"timeout": "50s"},
        )
        assert done == pytest.approx(1_500, abs=slots + 30)
        assert done > 1_300 if slots == 100 else done > 900


def test_maximum_concurrency_is_the_rate_that_its_slots_make():
    """20 slots of 100 ms: 200 calls a second, at a database that could do thousands."""
    done = worked(10, downstream={"latency": "100ms"}, source={"maximum_concurrency": 20}, calls={"db": 1})
    assert done == pytest.approx(2_000, abs=20)
