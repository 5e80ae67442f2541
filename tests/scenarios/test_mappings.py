"""Event source mappings in whole runs: gathering, errors, provisioned pollers, disabled and enabled."""

from pathlib import Path

import numpy as np
import pytest

from simulator.engine.simulate import Simulation
from simulator.processes.clock import CHANGES
from simulator.recording.tables import TABLES, Attempt, Limit, Quantity
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import SECOND, Columns, Ran, written
from tests.scenarios.test_concurrency import changes, share_of

FUNCTION = """
scenario: function
ideal: true
duration: 200s
producers:
  source: {target: queue, arrivals: {rate: 10/s}}
queues:
  queue: {visibility_timeout: 5m}
functions:
  work:
    runtime: python3.13
    timeout: 15s
    work: 100ms
    event_sources:
      queue: {batch_size: 1}
"""
SOURCE = "functions__work__event_sources__queue__"


def held_s(run: Ran) -> np.ndarray:
    """How long each message was held before its handler began [s]."""
    deliveries = run["deliveries"]
    held: np.ndarray = (deliveries["started_at"] - deliveries["received_at"]) / SECOND
    return held


# -- gathering ----------------------------------------------------------------------------------------


def test_slots_gather_each_for_itself_so_batches_are_smaller_than_the_window_would_allow(tmp_path: Path):
    """A receive wakes any open poll with equal chance: of 5 slots, each meets a fifth of the messages.

    While k of n slots gather, a message begins a batch with chance (n - k) / n. With 5 messages a second and
    a window of 10 s, nearly all slots gather, and a batch has the first message and a fifth of the 50 more.
    """
    sets = {
        "limits": "{esm.start_concurrency: 5, esm.idle_concurrency: 5, esm.gather_slots: 10000}",
        "producers__source__arrivals": "{rate: 5/s}",
        SOURCE + "batch_size": "1000",
        SOURCE + "maximum_batching_window": "10s",
        SOURCE + "maximum_concurrency": "5",
        "functions__work__work": "1ms",
        "duration": "30m",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    assert_rows_add_up(run)
    sizes = run["invocations"]["messages"]
    # a slot is idle until one of its fifth of the messages comes, 1 s in the mean, then gathers for 10 s
    error = 3 * sizes.std() / np.sqrt(len(sizes))
    assert error < 0.6
    assert sizes.mean() == pytest.approx(11, abs=error + 0.1)
    assert held_s(run).max() == 10


def test_one_gatherer_has_all_the_messages_of_its_window(tmp_path: Path):
    """The ideal mapping gathers in one slot at a time: the first message, and 50 in ten seconds."""
    sets = {
        "producers__source__arrivals": "{rate: 5/s}",
        SOURCE + "batch_size": "1000",
        SOURCE + "maximum_batching_window": "10s",
        "duration": "30m",
    }
    sizes = Ran(written(tmp_path, FUNCTION, **sets))["invocations"]["messages"]
    assert sizes.mean() == pytest.approx(51, abs=3 * sizes.std() / np.sqrt(len(sizes)) + 0.5)


def test_a_full_batch_goes_at_once_and_is_never_larger(tmp_path: Path):
    sets = {
        "queues__queue__backlog": "{messages: 25k}",
        "producers__source__arrivals": "{rate: 0/s}",
        SOURCE + "batch_size": "1000",
        SOURCE + "maximum_batching_window": "20s",
        "functions__work__work": "1ms",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    assert_rows_add_up(run)
    assert run["invocations"]["messages"].tolist() == [1000] * 25
    assert held_s(run).max() == 0


def test_a_batch_goes_at_6_mb_of_payload(tmp_path: Path):
    """Documented: 6 MB with metadata. A message of 1 KiB is 1,624 bytes: 3,875 of them, receives of ten."""
    sets = {
        "queues__queue__backlog": "{messages: 8k}",
        "producers__source__arrivals": "{rate: 0/s}",
        SOURCE + "batch_size": "10000",
        SOURCE + "maximum_batching_window": "20s",
        "functions__work__work": "1ms",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    receives = -(-6 * 1024 * 1024 // (1624 * 10))
    assert sorted(run["invocations"]["messages"].tolist()) == [
        8000 - 20 * receives,
        10 * receives,
        10 * receives,
    ]


def test_on_a_quiet_queue_a_batch_waits_for_its_long_poll_though_its_window_is_over(tmp_path: Path):
    """Documented: up to 20 s, even if the window is shorter."""
    sets = {
        "limits": "{esm.gather_wait: 20s}",
        "producers__source__arrivals": "{rate: 1/m, process: even}",
        SOURCE + "batch_size": "10",
        SOURCE + "maximum_batching_window": "2s",
        "duration": "20m",
    }
    quiet = Ran(written(tmp_path, FUNCTION, **sets))
    assert set(held_s(quiet).tolist()) == {20.0}
    busy = Ran(
        written(tmp_path, FUNCTION, **{**sets, "producers__source__arrivals": "{rate: 1/s, process: even}"})
    )
    assert held_s(busy).max() == pytest.approx(2, abs=0.001)


# -- errors -------------------------------------------------------------------------------------------

FAILING = {
    "limits": "{esm.start_concurrency: 5, esm.idle_concurrency: 2, "
    "esm.growth_per_minute: 300, esm.error_shrink: 10%}",
    "queues__queue__backlog": "{messages: 60k}",
    "queues__queue__visibility_timeout": "10m",
    "producers__source__arrivals": "{rate: 0/s}",
    "functions__work__work": "1s",
    "duration": "100s",
    "after": "stop",
}


@pytest.mark.parametrize(
    ("share", "reports", "most"), [("20%", False, 25), ("20%", True, 505), ("0%", False, 505)]
)
def test_failed_invocations_hold_a_mapping_down_and_item_failures_do_not(
    tmp_path: Path, share: str, reports: bool, most: int
):
    """Documented: errors lower concurrency; with partial batch responses they do not: 5 + 5 a second."""
    sets = {
        **FAILING,
        "functions__work__failures": f"{{transient: {share}}}",
        SOURCE + "report_batch_item_failures": str(reports).lower(),
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    assert_rows_add_up(run)
    concurrency, _ = changes(run, Quantity.CONCURRENCY)
    assert concurrency.max() <= most
    assert concurrency.max() > 0.95 * most or most == 25
    assert (share_of(run, Limit.ERROR_BACKOFF) > 0.5) == (share == "20%" and not reports)


def test_rare_errors_cost_nothing(tmp_path: Path):
    """One in a hundred stays below 5% of a second with many; 5 + 5 a second, less a few early shrinks."""
    run = Ran(written(tmp_path, FUNCTION, functions__work__failures="{transient: 0.2%}", **FAILING))
    assert changes(run, Quantity.CONCURRENCY)[0].max() > 350


# -- provisioned pollers ------------------------------------------------------------------------------

PROVISIONED = {
    "ideal": "false",
    "queues__queue__backlog": "{messages: 60k}",
    "producers__source__arrivals": "{rate: 0/s}",
    "duration": "3m",
    "after": "stop",
}


def steady_per_s(run: Ran) -> float:
    """Messages a second between 10 and 50 s."""
    at = run["deliveries"]["ended_at"][run["deliveries"]["attempt"] == Attempt.SUCCEEDED] / SECOND
    return float(((at > 10) & (at <= 50)).sum() / 40)


@pytest.mark.parametrize(
    ("batch", "work", "size", "per_s"),
    [("10", "1ms", "1KiB", 200), ("1", "1s", "1KiB", 20), ("10", "1ms", "100KiB", 20.4)],
)
def test_two_pollers_do_the_least_of_calls_concurrency_and_bytes(
    tmp_path: Path, batch: str, work: str, size: str, per_s: float
):
    """Documented: 10 calls a second, 10 invocations at once, 1 MB a second, each; bytes with metadata."""
    sets = {
        **PROVISIONED,
        SOURCE + "batch_size": batch,
        SOURCE + "provisioned": "{minimum: 2, maximum: 2}",
        "functions__work__work": work,
        "producers__source__arrivals": "[{for: 60s, rate: 300/s, process: even}, {rate: 0/s}]",
        "producers__source__message": f"{{size: {size}}}",
        "queues__queue__backlog": "null",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    assert_rows_add_up(run)
    assert steady_per_s(run) == pytest.approx(per_s, rel=0.06)
    assert share_of(run, Limit.PROVISIONED_POLLERS) > 0.3


def test_provisioned_pollers_grow_by_a_hundred_a_minute(tmp_path: Path):
    """Documented: 1,000 invocations at once a minute, sixteen times as many as AWS's own scaling in 12 s."""
    sets = {
        **PROVISIONED,
        SOURCE + "provisioned": "{minimum: 2, maximum: 200}",
        "functions__work__work": "2s",
        "duration": "60s",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    assert_rows_add_up(run)
    pollers, from_s = changes(run, Quantity.POLLERS)
    assert pollers[from_s <= 30][-1] == pytest.approx(2 + 100 * 30 / 60, abs=2)
    assert changes(run, Quantity.CONCURRENCY)[0].max() == 1000  # the account's quota


# -- disabled -----------------------------------------------------------------------------------------


class Kept:
    """A sink that keeps all rows."""

    def __init__(self) -> None:
        self.chunks: dict[str, list[Columns]] = {name: [] for name in TABLES}

    def chunk(self, table: str, columns: Columns) -> None:
        """Take the next rows."""
        self.chunks[table].append(columns)

    def column(self, table: str, name: str) -> np.ndarray:
        """A whole column."""
        return np.concatenate([chunk[name] for chunk in self.chunks[table]])


@pytest.mark.parametrize("window", ["0s", "5s"])
def test_a_disabled_mapping_polls_no_more_and_an_enabled_one_starts_anew(tmp_path: Path, window: str):
    """What is gathered and worked on at that instant is done; nothing is received until it is enabled."""
    sets = {
        "limits": "{esm.start_concurrency: 5}",
        SOURCE + "batch_size": "10",
        SOURCE + "maximum_batching_window": window,
    }
    kept = Kept()
    simulation = Simulation(written(tmp_path, FUNCTION, **sets), seed=1, replication=0, sink=kept)
    (mapping,) = simulation.consumers.mappings
    simulation.clock.at(50 * SECOND, CHANGES, lambda _: mapping.pause())
    simulation.clock.at(110 * SECOND, CHANGES, lambda _: mapping.resume())
    simulation.run()
    for dispatcher in simulation.messaging.dispatchers.values():
        dispatcher.finish_run()
    simulation.recorder.flush()
    received_at = kept.column("deliveries", "received_at") / SECOND
    assert not ((received_at > 50) & (received_at < 110)).any()
    assert (received_at == 110).sum() >= 50
    assert (kept.column("deliveries", "attempt") == Attempt.SUCCEEDED).all()
    values, quantities = kept.column("changes", "value"), kept.column("changes", "quantity")
    from_at, until_at = kept.column("changes", "from_at"), kept.column("changes", "until_at")
    down = (quantities == Quantity.LIMIT) & (values == Limit.CONSUMER_DOWN)
    assert from_at[down].tolist() == [50 * SECOND]
    assert until_at[down].tolist() == [110 * SECOND]
    empties = quantities == Quantity.EMPTY_RECEIVES
    assert not ((from_at[empties] < 110 * SECOND) & (until_at[empties] > 70 * SECOND)).any()


def test_a_mapping_grows_while_messages_come_one_by_one_and_no_slot_falls_free(tmp_path: Path):
    """10 a second, each 1,000 s of work: after the first five, a slot more each 0.2 s.

    That nobody has room is seen a second later at most. Until 60 s that makes 5 + 5 x 59 slots, of which
    the 600 messages that have come use all.
    """
    sets = {
        "ideal": "false",
        "duration": "60s",
        "after": "stop",
        "functions__work__timeout": "15m",
        "functions__work__work": "14m",
        "queues__queue__visibility_timeout": "12h",
        "producers__source__arrivals": "{interarrival: 100ms}",
    }
    run = Ran(written(tmp_path, FUNCTION, **sets))
    assert changes(run, Quantity.CONCURRENCY)[0].max() == pytest.approx(5 + 5 * 59, abs=8)
    assert share_of(run, Limit.RAMP) > 0.95
