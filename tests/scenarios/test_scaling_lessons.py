"""What the scenarios about scaling teach, in a run or a short version of one."""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import NONE, Attempt, Cause, Quantity
from simulator.scenario import load
from tests.scenarios.running import MINUTE, SECOND, Ran

FOLDER = Path(__file__).parents[2] / "scenarios"
SHORT = {
    "duration": "40m",
    "producers.shop.arrivals": "[{for: 10m, rate: 3/s}, {for: 12m, rate: 20/s}, {rate: 3/s}]",
    "auto_scaling_groups.workers.capacity": "{min: 1, max: 12}",
}


def ran(name: str, variant: str = "", **sets: str) -> Ran:
    return Ran(load(FOLDER / f"{name}.yaml", sets=sets, variant=variant), seed=42)


def waits_s(run: Ran) -> np.ndarray:
    copies = run["copies"]
    received = copies["first_received_at"] != NONE
    waits: np.ndarray = (copies["first_received_at"] - copies["arrived_at"])[received] / SECOND
    return waits


def crashes(run: Ran) -> int:
    return int((run["deliveries"]["attempt"] == Attempt.CRASHED).sum())


def came_back(run: Ran) -> int:
    return int((run["deliveries"]["cause"] == Cause.CRASH).sum())


def test_backlog_per_instance_reacts_after_minutes_and_a_schedule_before():
    """Nothing is asked for in the first three minutes of the burst; boot and bootstrap come on top."""
    base = ran("ec2_backlog_per_instance", **SHORT)
    rows = base["changes"]
    grows = (rows["quantity"] == Quantity.IN_SERVICE) & (rows["value"] > 1)
    assert 10 * MINUTE + 4 * MINUTE < rows["from_at"][grows].min() < 10 * MINUTE + 8 * MINUTE
    sets = {
        **SHORT,
        "auto_scaling_groups.workers.policies.morning": "{scheduled: {at: 6m, min: 6}}",
        "auto_scaling_groups.workers.policies.noon": "{scheduled: {at: 30m, min: 1}}",
    }
    scheduled = ran("ec2_backlog_per_instance", **sets)
    assert np.quantile(waits_s(base), 0.95) > 60
    assert np.quantile(waits_s(scheduled), 0.95) < 5


@pytest.mark.parametrize(
    ("variant", "loses"), [("", True), ("newest", True), ("protect", False), ("hook", False)]
)
def test_scale_in_kills_work_unless_it_is_protected_or_may_end(variant: str, loses: bool):
    run = ran("scale_in_kills_work", variant)
    assert (crashes(run) >= 10) is loses
    assert loses or crashes(run) == 0


def test_pods_come_within_a_minute_and_go_from_their_work_unless_they_have_time():
    base, blind, patient = (ran("keda", variant) for variant in ("", "visible_only", "long_grace"))
    assert np.quantile(waits_s(base), 0.95) < 2 * 60
    assert 0 < crashes(base) < crashes(blind)
    assert crashes(patient) == 0


def test_two_minutes_notice_save_most_of_the_work_if_workers_listen():
    base, drain, on_demand = (ran("spot_wave", variant) for variant in ("", "drain", "on_demand"))
    assert came_back(base) == crashes(base) >= 8
    assert came_back(drain) <= crashes(base) / 4
    assert crashes(on_demand) == 0
