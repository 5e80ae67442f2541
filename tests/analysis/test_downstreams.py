"""Numbers of downstreams: counts and levels out of rows of changes, time of callers out of invocations."""

import pytest

from simulator.analysis.downstreams import capacities, estimates
from simulator.analysis.reduce import Reducer
from simulator.analysis.replication import Replication
from simulator.analysis.window import frame_of
from simulator.engine import simulate, things_of
from tests.conformance import lab

FUNCTION = {
    "runtime": "python3.13",
    "timeout": "1m",
    "work": "50ms",
    "calls": {"db": 2, "api": 1},
    "client": {"max_attempts": 1},
    "event_sources": {"q": {"batch_size": 10, "report_batch_item_failures": True}},
}
DOWNSTREAMS = {
    "db": {"latency": "100ms", "connections": 1},
    "api": {"latency": "20ms", "rate": "5/s", "burst": 5, "when_full": "wait"},
    "unused": {"latency": "1s"},
}


def scenario():
    """Ten messages in one batch: 2 calls of 100 ms and 1 of 20 ms, then 50 ms, one message after another."""
    return lab.scenario(
        20.0,
        after="stop",
        queues={"q": {"visibility_timeout": "12h", "backlog": {"messages": 10}}},
        functions={"f": FUNCTION},
        downstreams=DOWNSTREAMS,
    )


def numbers() -> dict[str, float]:
    asked = scenario()
    frame = frame_of(asked, things_of(asked))
    reducer = Reducer(frame)
    simulate(asked, seed=1, replication=0, sink=reducer)
    run = Replication(frame, reducer.partial())
    return {key: found.mean for key, found in estimates(frame, [run], 0, 20)}


def test_calls_levels_and_times_are_what_arithmetic_says():
    found = numbers()
    assert found["downstreams.db calls.count"] == 20
    assert found["downstreams.db tries.count"] == 20
    assert found["downstreams.db served.mean"] == pytest.approx(2.0 / 20, rel=0.01)
    assert found["downstreams.db utilisation"] == pytest.approx(2.0 / 20, rel=0.01)
    assert found["downstreams.db try_time.mean"] == pytest.approx(0.1)
    assert found["downstreams.api calls.count"] == 10
    assert found["downstreams.api failed_calls.share"] == 0
    mapping = "functions.f.event_sources.q"
    assert found[f"{mapping} own_work.mean"] == pytest.approx(0.05)
    assert found[f"{mapping} downstream.mean"] == pytest.approx(0.22)
    assert found[f"{mapping} waiting.mean"] == pytest.approx(
        0.0, abs=1e-9
    )  # a message takes 270 ms: below the rate


def test_a_downstream_that_nobody_calls_has_zeros():
    found = numbers()
    assert found["downstreams.unused calls.count"] == 0
    assert found["downstreams.unused served.max"] == 0


def test_capacity_is_the_pool_else_what_is_served_at_full_speed():
    asked = lab.scenario(
        1.0,
        producers={"p": {"target": "q", "arrivals": {"rate": "1/s"}}},
        queues={"q": {}},
        downstreams={
            "pool": {"latency": "1s", "connections": 3, "parallelism": 2},
            "shared": {"latency": "1s", "parallelism": 2},
        },
    )
    assert capacities(asked) == {"downstreams.pool": 3.0, "downstreams.shared": 2.0}


def test_a_frame_knows_who_calls():
    frame = frame_of(scenario(), things_of(scenario()))
    assert frame.callers == {"functions.f.event_sources.q"}
