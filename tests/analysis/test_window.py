import numpy as np
import pytest

from simulator.analysis.partial import Frame
from simulator.analysis.reduce import Reducer
from simulator.analysis.replication import Replication
from simulator.analysis.window import drain_from_us, first_bin, frame_of, mser5
from tests.analysis.rows import ORDERS, THINGS, S, processed, reduced
from tests.analysis.scenarios import scenario


def test_mser5_cuts_a_start_that_is_not_like_the_rest():
    rng = np.random.default_rng(5)
    level = np.where(np.arange(200) < 30, 50.0, 10.0) + rng.standard_normal(200)
    assert 30 <= mser5(level.tolist()) <= 60


def test_mser5_leaves_a_steady_series_alone_or_nearly_so():
    rng = np.random.default_rng(6)
    cuts = [mser5(rng.standard_normal(200).tolist()) for _ in range(20)]
    assert np.median(cuts) <= 20
    assert max(cuts) <= 100


def test_mser5_never_cuts_more_than_half():
    assert mser5(list(np.linspace(100, 0, 100))) <= 50


def test_a_fixed_discard_is_rounded_up_to_the_edge_of_a_bin():
    frame = Frame(THINGS, 3_600 * S, discard_us=15 * S)
    assert first_bin(frame, []) == 2
    assert first_bin(Frame(THINGS, 3_600 * S), []) == 0


def test_an_automatic_discard_looks_at_the_waits_of_all_runs_by_bin():
    frame = Frame(THINGS, 200 * S, discard_us=None)
    offered = np.repeat(np.arange(200) * S, 4)
    rng = np.random.default_rng(1)
    runs = []
    for _ in range(3):
        wait = np.where(offered < 40 * S, 9 * S, S) + rng.integers(0, 100_000, len(offered))
        runs.append(Replication(frame, reduced(frame, {"copies": processed(offered, wait, 1, queue=ORDERS)})))
    assert 40 <= first_bin(frame, runs) <= 70


@pytest.mark.parametrize(
    ("arrivals", "more", "from_s"),
    [
        ("[{for: 10m, rate: 100/s}, {for: 10m, rate: 900/s}, {for: 40m, rate: 100/s}]", "", 1_200),
        ("[{for: 10m, rate: 0/s, ramp_to: 900/s}, {rate: 100/s}]", "", 600),
        ("{rate: 100/s}", "", 3_600),
        ("{interarrival: 10ms}", "", 3_600),
        ("{rate: 100/s}", "backlog: {messages: 10k, age: 1h}", 0),
        ("{rate: 100/s}", "drain", 300),
    ],
)
def test_the_drain_counts_from_the_end_of_the_last_stretch_above_the_mean(tmp_path, arrivals, more, from_s):
    queue = f"{{{more}}}" if more.startswith("backlog") else "{}"
    found = scenario(
        tmp_path, arrivals=arrivals, queue=queue, drain_from="drain_from: 5m" if more == "drain" else ""
    )
    assert drain_from_us(found) == from_s * S


def test_a_frame_knows_consumers_and_dead_letter_queues(tmp_path):
    found = scenario(tmp_path, queue="{redrive: {queue: orders-dlq, max_receive_count: 3}}")
    frame = frame_of(found, THINGS)
    assert frame.dead_letter_queues == {"queues.orders-dlq"}
    assert frame.queue_of == {
        "functions.charge.event_sources.orders": "queues.orders",
        "auto_scaling_groups.post": "queues.mail",
    }
    assert frame.discard_us == 0
    Reducer(frame)
