"""How fast Lambda takes up a queue, and what holds it: ramps, pools, rates, in whole runs.

Published outcomes and arithmetic of the developer guide's rules; each test says which.
"""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import Attempt, Limit, Quantity
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import SECOND, Ran, written

BACKLOG = """
scenario: backlog
ideal: true
duration: 40m
limits: {esm.start_concurrency: 5, esm.growth_per_minute: 300, esm.max_concurrency_cap: 1250}
queues:
  queue: {visibility_timeout: 10m, backlog: {messages: 100k}}
functions:
  work:
    runtime: python3.13
    timeout: 60s
    work: 500ms
    event_sources:
      queue: {batch_size: 1}
"""
MAPPING = "functions.work.event_sources.queue"
SOURCE = "functions__work__event_sources__queue__"


def emptied_at(run: Ran) -> float:
    """When the last message was worked [s]."""
    return float(run["deliveries"]["ended_at"].max() / SECOND)


def changes(run: Ran, quantity: Quantity) -> tuple[np.ndarray, np.ndarray]:
    """Values of a quantity of the mapping, and from when they held [s]."""
    rows = run["changes"]
    mine = (rows["quantity"] == quantity) & (rows["thing"] == run.things[MAPPING])
    return rows["value"][mine], rows["from_at"][mine] / SECOND


def share_of(run: Ran, limit: Limit) -> float:
    """Share of the run in which *limit* was the binding one."""
    rows = run["changes"]
    mine = (rows["quantity"] == Quantity.LIMIT) & (rows["thing"] == run.things[MAPPING])
    spans = (rows["until_at"] - rows["from_at"])[mine]
    return float(spans[rows["value"][mine] == limit].sum() / spans.sum())


def test_100k_messages_by_the_old_ramp_are_worked_in_5_and_a_half_minutes_by_335_at_once(tmp_path: Path):
    """Measured in 2022: batch 1, 500 ms; 5.5 min, about 335 instances at the end; within 8%."""
    sets = {"rules": "2022", "ideal": "false", "duration": "7m", "limits": "{}"}
    run = Ran(written(tmp_path, BACKLOG, **sets))
    assert emptied_at(run) == pytest.approx(330, rel=0.08)
    assert changes(run, Quantity.CONCURRENCY)[0].max() == pytest.approx(335, rel=0.08)


def drained_s(messages: float, start: float, per_s: float, cap: float, work_s: float) -> float:
    """When a ramp from *start* at *per_s* slots a second to *cap* has worked so many messages."""
    to_cap_s = (cap - start) / per_s
    by_then = (start + cap) / 2 * to_cap_s / work_s
    if by_then >= messages:
        return float((np.sqrt(start**2 + 2 * per_s * messages * work_s) - start) / per_s)
    return to_cap_s + (messages - by_then) * work_s / cap


@pytest.mark.parametrize(
    ("account", "work_s", "minutes"),
    [
        (2000, 0.1, 3.3),
        (2000, 0.5, 8.7),
        (2000, 1, 15.4),
        (2000, 2, 28.7),
        (1000, 0.1, 3.3),
        (1000, 0.5, 10.0),
        (1000, 1, 18.3),
        (1000, 2, 35.0),
    ],
)
def test_drain_of_a_million_messages_is_the_arithmetic_of_the_ramp(
    account: int, work_s: float, minutes: float
):
    """Arithmetic: +300 a minute to 1,250, or to what the account has."""
    assert drained_s(1e6, 5, 5, min(1250, account), work_s) / 60 == pytest.approx(minutes, rel=0.02)


@pytest.mark.parametrize(("cap", "work_s"), [(125, 0.5), (100, 2)])
def test_a_tenth_of_that_system_drains_by_the_same_arithmetic(tmp_path: Path, cap: int, work_s: float):
    """100,000 messages, 30 more at once a minute, to a tenth of the cap or of the account's quota."""
    limits = "esm.start_concurrency: 1, esm.growth_per_minute: 30, esm.max_concurrency_cap: 125"
    sets = {
        "limits": f"{{{limits}, lambda.account_concurrency: {100 if cap == 100 else 200}}}",
        "functions__work__work": f"{round(work_s * 1000)}ms",
        "duration": "36m",
    }
    run = Ran(written(tmp_path, BACKLOG, **sets))
    assert emptied_at(run) == pytest.approx(drained_s(1e5, 1, 0.5, cap, work_s), rel=0.01)
    assert not (run["invocations"]["attempt"] == Attempt.THROTTLED).any()
    bound = Limit.ACCOUNT_CONCURRENCY if cap == 100 else Limit.MAPPING_CAP
    assert share_of(run, bound) > 0.1


def test_an_unreserved_pool_of_100_does_3_33_a_second_of_30_s_and_throttles_the_rest(tmp_path: Path):
    """Arithmetic: another function keeps 900; pollers know the account's quota, not what is left of it."""
    sets = {
        "ideal": "false",
        "limits": "{}",
        "duration": "15m",
        "after": "stop",
        "queues__queue__backlog__messages": "5k",
        "functions__work__work": "30s",
    }
    text = BACKLOG.replace("  queue: {visib", "  second: {}\n  queue: {visib")
    text += "  other: {runtime: rust, work: 1s, reserved_concurrency: 900, event_sources: {second: {}}}\n"
    run = Ran(written(tmp_path, text, **sets))
    assert_rows_add_up(run)
    ended_at = run["deliveries"]["ended_at"][run["deliveries"]["attempt"] == Attempt.SUCCEEDED] / SECOND
    late = (ended_at > 450) & (ended_at < 870)  # the ramp is over; whole turns of thirty seconds
    assert 0.9 * 100 / 30 < late.sum() / 420 <= 100 / 30  # less what is lost by backing off and growing again
    assert (run["invocations"]["attempt"] == Attempt.THROTTLED).sum() > 100


def test_functions_share_the_accounts_pool(tmp_path: Path):
    """What one function takes, the other has not: 10 at once in all."""
    text = BACKLOG.replace("  queue: {visib", "  second: {backlog: {messages: 2k}}\n  queue: {visib")
    text += "  other: {runtime: python3.13, work: 500ms, event_sources: {second: {batch_size: 1}}}\n"
    sets = {"limits": "{lambda.account_concurrency: 10, esm.start_concurrency: 9}", "duration": "1m"}
    run = Ran(written(tmp_path, text, after="stop", queues__queue__backlog__messages="2k", **sets))
    ran = run["invocations"]["attempt"] == Attempt.SUCCEEDED
    starts, ends = (run["invocations"][name][ran] for name in ("started_at", "ended_at"))
    at = np.sort(starts)
    running = np.searchsorted(at, at, side="right") - np.searchsorted(np.sort(ends), at, side="right")
    assert running.max() == 10
    assert ran.sum() / 60 == pytest.approx(10 / 0.5, rel=0.05)
    assert (run["invocations"]["attempt"] == Attempt.THROTTLED).any()


def test_a_unit_of_concurrency_does_ten_requests_a_second_however_short_the_work(tmp_path: Path):
    """Documented: of 10 ms of work 5 units could do 500 a second; they are allowed 50."""
    sets = {
        "limits": "{lambda.rps_per_concurrency: 10, esm.start_concurrency: 5}",
        "functions__work__reserved_concurrency": "5",
        "functions__work__work": "10ms",
        SOURCE + "maximum_concurrency": "5",
        "queues__queue__backlog__messages": "5k",
        "duration": "60s",
    }
    run = Ran(written(tmp_path, BACKLOG, after="stop", **sets))
    succeeded = (run["invocations"]["attempt"] == Attempt.SUCCEEDED).sum()
    assert succeeded <= 50 * 61
    assert succeeded > 50 * 30  # slots that were throttled pause, so not all of it is used
    assert share_of(run, Limit.RATE_CAP) > 0.5


@pytest.mark.parametrize(("provisioned", "cold"), [(20, 0), (5, 15)])
def test_provisioned_concurrency_spares_that_many_cold_starts(tmp_path: Path, provisioned: int, cold: int):
    """Documented: no cold start up to the number, what is above runs on demand."""
    sets = {
        "ideal": "false",
        "limits": "{esm.start_concurrency: 20}",
        SOURCE + "maximum_concurrency": "20",
        "functions__work__provisioned_concurrency": str(provisioned),
        "queues__queue__backlog__messages": "2k",
        "duration": "2m",
    }
    run = Ran(written(tmp_path, BACKLOG, **sets))
    assert (run["invocations"]["init_us"] > 0).sum() == cold
    assert len(run["invocations"]["init_us"]) == 2000


def test_environments_are_recycled_at_their_age_though_they_are_never_idle(tmp_path: Path):
    """Documented: every few hours, also when busy; here every five minutes."""
    sets = {
        "ideal": "false",
        "limits": "{esm.start_concurrency: 2, lambda.max_environment_age: 5m}",
        SOURCE + "maximum_concurrency": "2",
        "queues__queue__backlog__messages": "4k",
        "duration": "20m",
    }
    run = Ran(written(tmp_path, BACKLOG, **sets))
    cold_at = np.sort(run["invocations"]["started_at"][run["invocations"]["init_us"] > 0]) / SECOND
    assert len(cold_at) == 8  # two each at 0, 5, 10 and 15 minutes
    assert np.all(np.diff(cold_at[::2]) == pytest.approx(300, abs=2))
