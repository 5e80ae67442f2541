"""Faults of consumers, producers, metrics and downstreams: what each does, by arithmetic."""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import Attempt, Cause, Fate, Quantity
from tests.engine.drills import (
    FUNCTION,
    GROUP,
    MINUTE,
    S,
    backlog,
    between,
    drill,
    since_killed,
    sizes,
    started,
)
from tests.engine.running import Rows, read, run

# -- consumers are away ------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "kind"), [(GROUP, "auto_scaling_group"), (FUNCTION, "function")])
def test_while_consumers_are_down_messages_pile_up_and_drain_at_what_capacity_is_left(
    tmp_path: Path, text: str, kind: str
) -> None:
    """Ten minutes at 10/s are 6,000; of 20/s of capacity 10/s are left for them: ten minutes."""
    rows = drill(tmp_path, text, f"{{at: 2m, for: 10m, {kind}: ship, down: true}}", sets=("duration=25m",))
    assert between(started(rows), 2 * MINUTE + 2 * S, 12 * MINUTE) == 0
    assert backlog(rows, 12 * MINUTE - 1) == pytest.approx(6_000, abs=15)
    copies = rows["copies"]
    wait = copies["first_started_at"] - copies["sent_at"]
    waited = copies["sent_at"][wait > 2 * S]
    assert waited.max() == pytest.approx(22 * MINUTE, abs=6 * S)
    assert waited.min() == pytest.approx(2 * MINUTE, abs=3 * S)
    assert wait.max() == pytest.approx(10 * MINUTE, abs=S)
    assert (copies["fate"] == Fate.DELETED).all()


def test_work_in_hand_of_a_group_that_goes_down_is_lost_and_hangs_until_its_timeout(tmp_path: Path) -> None:
    rows = drill(tmp_path, GROUP, "{at: 2m50ms, for: 1m, auto_scaling_group: ship, down: true}")
    deliveries = rows["deliveries"]
    killed = deliveries["copy"][deliveries["attempt"] == Attempt.CRASHED]
    assert len(killed) == 10  # Little: 10/s of 1 s are in hand
    again = deliveries["cause"] == Cause.CRASH
    assert sorted(deliveries["copy"][again]) == sorted(killed)
    late = since_killed(rows)
    assert late.min() >= MINUTE
    assert late.max() < MINUTE + 40 * S  # they wait in line with the others of that minute


def test_a_function_that_is_down_ends_what_it_has(tmp_path: Path) -> None:
    rows = drill(tmp_path, FUNCTION, "{at: 2m, for: 1m, function: ship, down: true}")
    assert (rows["deliveries"]["attempt"] == Attempt.SUCCEEDED).all()
    assert between(started(rows), 2 * MINUTE + 1, 3 * MINUTE) == 0


# -- conditions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "kind"), [(GROUP, "auto_scaling_group"), (FUNCTION, "function")])
def test_slow_by_two_halves_what_busy_consumers_finish(tmp_path: Path, text: str, kind: str) -> None:
    """20 workers of 1 s do 20/s of the backlog; of 2 s, 10/s."""
    sets = ("producers.shop.arrivals=[{rate: 25/s, process: even}]",)
    rows = drill(tmp_path, text, f"{{at: 5m, for: 5m, {kind}: ship, slow: 2x}}", sets=sets)
    at = started(rows)
    assert between(at, 2 * MINUTE, 5 * MINUTE) == pytest.approx(20 * 180, abs=20)
    assert between(at, 5 * MINUTE + S, 10 * MINUTE) == pytest.approx(10 * 299, abs=20)
    assert between(at, 10 * MINUTE + 2 * S, 15 * MINUTE) == pytest.approx(20 * 298, abs=20)
    deliveries = rows["deliveries"]
    lasts = deliveries["ended_at"] - deliveries["started_at"]
    slowed = (deliveries["started_at"] >= 5 * MINUTE) & (deliveries["started_at"] < 10 * MINUTE)
    done = deliveries["attempt"] == Attempt.SUCCEEDED
    assert (lasts[slowed & done] == 2 * S).all()
    assert (lasts[~slowed & done] == S).all()


def test_overlapping_slowings_multiply_and_errors_are_independent_causes(tmp_path: Path) -> None:
    rows = drill(
        tmp_path,
        GROUP,
        "{at: 5m, for: 10m, auto_scaling_group: ship, slow: 1.2x, errors: 10%}",
        "{at: 5m, for: 10m, auto_scaling_group: ship, slow: 1.5x, errors: 20%}",
        sets=("producers.shop.arrivals=[{rate: 5/s, process: even}]",),
    )
    deliveries = rows["deliveries"]
    meanwhile = (deliveries["started_at"] >= 5 * MINUTE) & (deliveries["started_at"] < 15 * MINUTE)
    assert (deliveries["ended_at"] - deliveries["started_at"])[meanwhile].max() == 1_800_000
    failed = deliveries["attempt"][meanwhile] == Attempt.FAILED
    error = np.sqrt(0.28 * 0.72 / len(failed))
    assert abs(failed.mean() - 0.28) < 4 * error
    assert error < 0.01
    assert not (deliveries["attempt"][~meanwhile] == Attempt.FAILED).any()


def test_with_errors_of_30_percent_a_message_is_received_1_43_times(tmp_path: Path) -> None:
    sets = ("queues.orders.visibility_timeout=5s", "producers.shop.arrivals=[{rate: 10/s}]")
    rows = drill(tmp_path, GROUP, "{at: 0s, for: 40m, auto_scaling_group: ship, errors: 30%}", sets=sets)
    receives = rows["copies"]["receives"]
    error = receives.std() / np.sqrt(len(receives))
    assert abs(receives.mean() - 1 / 0.7) < 4 * error
    assert error < 0.01


# -- instances -------------------------------------------------------------------------------------


def test_a_crash_takes_its_share_of_instances_which_are_replaced_after_their_boot(tmp_path: Path) -> None:
    rows = drill(tmp_path, GROUP, "{at: 5m, auto_scaling_group: ship, crash: 50%}")
    held = dict(sizes(rows))
    assert held[5 * MINUTE] == 10
    back = [at for at, size in held.items() if at > 5 * MINUTE and size == 20]
    assert back
    assert 30 * S <= back[0] - 5 * MINUTE < 2 * MINUTE
    deliveries = rows["deliveries"]
    killed = deliveries["attempt"] == Attempt.CRASHED
    assert 1 <= killed.sum() <= 10
    again = deliveries["cause"] == Cause.CRASH
    assert again.sum() == killed.sum()


def test_a_spot_wave_gives_two_minutes_in_which_work_ends(tmp_path: Path) -> None:
    rows = drill(tmp_path, GROUP, "{at: 5m, auto_scaling_group: ship, spot: 50%}")
    assert (rows["deliveries"]["attempt"] == Attempt.SUCCEEDED).all()
    assert min(size for at, size in sizes(rows) if at >= 5 * MINUTE) == 10


@pytest.mark.parametrize("drain", [True, False])
def test_a_deploy_without_drain_leaves_messages_that_hang_until_their_timeout(
    tmp_path: Path, drain: bool
) -> None:
    """All 20 workers are busy, each with one message: a deploy kills 20 messages, or none."""
    deploy = f"{{batch: 25%, pause: 1m, drain: {str(drain).lower()}}}"
    sets = ("producers.shop.arrivals=[{for: 10m, rate: 40/s, process: even}, {rate: 0.01/s}]",)
    rows = drill(tmp_path, GROUP, f"{{at: 2m10ms, auto_scaling_group: ship, deploy: {deploy}}}", sets=sets)
    deliveries = rows["deliveries"]
    killed = deliveries["attempt"] == Attempt.CRASHED
    assert killed.sum() == (0 if drain else 20)
    held = [size for at, size in sizes(rows) if at >= 2 * MINUTE]
    assert min(held) == 15
    assert held[-1] == 20
    if not drain:
        assert since_killed(rows).min() >= MINUTE


def test_after_a_deploy_of_a_function_every_environment_is_new(tmp_path: Path) -> None:
    rows = drill(
        tmp_path,
        FUNCTION.replace("ideal: true", "limits: {esm.start_concurrency: 20}"),
        "{at: 10m, function: ship, deploy: {}}",
    )
    invocations = rows["invocations"]
    cold = invocations["started_at"][invocations["init_us"] > 0]
    assert between(cold, 5 * MINUTE, 10 * MINUTE) == 0
    assert between(cold, 10 * MINUTE, 11 * MINUTE) >= 10  # as many as are busy at once
    assert between(cold, 11 * MINUTE, 20 * MINUTE) == 0


# -- producers and metrics ---------------------------------------------------------------------------


def test_poison_is_a_share_of_what_is_offered_meanwhile(tmp_path: Path) -> None:
    sets = ("queues.orders.visibility_timeout=10s", "queues.orders.redrive.max_receive_count=3")
    rows = drill(tmp_path, FUNCTION, "{at: 5m, for: 5m, producer: shop, poison: 20%}", sets=sets)
    messages = rows["messages"]
    meanwhile = (messages["offered_at"] >= 5 * MINUTE) & (messages["offered_at"] < 10 * MINUTE)
    poison = messages["poison"] == 1
    assert not poison[~meanwhile].any()
    error = np.sqrt(0.2 * 0.8 / meanwhile.sum())
    assert abs(poison[meanwhile].mean() - 0.2) < 4 * error
    dead = rows["copies"]["fate"] == Fate.DEAD_LETTERED
    assert dead.sum() == poison.sum()


def test_who_scales_by_metrics_does_nothing_while_none_are_published(tmp_path: Path) -> None:
    """Three published points above the target are due before it scales out."""
    sets = (
        "auto_scaling_groups.ship.capacity={min: 1, max: 20}",
        "auto_scaling_groups.ship.policies={backlog: {target_tracking: {target: 10}}}",
    )
    seeing = sizes(run(read(tmp_path, GROUP, sets)), Quantity.DESIRED)
    blind = sizes(
        drill(tmp_path, GROUP, "{at: 0s, for: 10m, metrics: blackout}", sets=sets), Quantity.DESIRED
    )
    assert min(at for at, size in seeing if size > 1) < 6 * MINUTE
    assert min(at for at, size in blind if size > 1) > 10 * MINUTE


# -- downstreams ---------------------------------------------------------------------------------

CALLING = FUNCTION.replace(
    "work: 1s,", "work: 100ms, calls: {database: 1}, client: {timeout: 2s, max_attempts: 1},"
)
CALLING += "downstreams: {database: {latency: 200ms}}\n"


def lasting(rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How long each invocation took [us], whether it failed, and whether it began within minutes 5 to 9."""
    invocations = rows["invocations"]
    took = invocations["ended_at"] - invocations["started_at"]
    began = invocations["started_at"]
    return took, invocations["failed"] > 0, (began >= 5 * MINUTE) & (began < 9 * MINUTE)


@pytest.mark.parametrize(
    ("fault", "took_us", "failed"),
    [
        ("slow: 10x", 2_100_000, False),
        ("slow: 5x", 1_100_000, False),
        ("down: true", 0, True),
        ("down: true, hang: true", 2_000_000, True),
    ],
)
def test_a_downstream_in_trouble_costs_its_callers_that_much(
    tmp_path: Path, fault: str, took_us: int, failed: bool
) -> None:
    """Alone, a message takes 200 ms there and 100 ms here. What waits longer than 2 s is given up."""
    sets = ("producers.shop.arrivals=[{rate: 1/s, process: even}]", "functions.ship.client.timeout=2s")
    if fault == "slow: 10x":
        sets = (sets[0], "functions.ship.client.timeout=5s")
    rows = drill(tmp_path, CALLING, f"{{at: 5m, for: 4m, downstream: database, {fault}}}", sets=sets)
    took, failures, meanwhile = lasting(rows)
    assert took[~meanwhile & ~failures].max() == 300_000
    assert (failures[meanwhile] == failed).mean() > 0.99
    assert np.median(took[meanwhile]) == took_us
    assert not failures[rows["invocations"]["started_at"] < 5 * MINUTE].any()


def test_errors_of_a_downstream_are_errors_of_its_callers(tmp_path: Path) -> None:
    rows = drill(tmp_path, CALLING, "{at: 5m, for: 4m, downstream: database, errors: 25%}")
    _, failures, meanwhile = lasting(rows)
    error = np.sqrt(0.25 * 0.75 / meanwhile.sum())
    assert abs(failures[meanwhile].mean() - 0.25) < 4 * error
    assert error < 0.01
    assert not failures[~meanwhile].any()
