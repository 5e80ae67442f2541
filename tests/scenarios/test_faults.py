"""The lessons of the ready scenarios with faults and with work of other shapes, on shorter runs of them."""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import NONE, Attempt, Fate
from simulator.scenario import load
from tests.scenarios.running import MINUTE, SECOND, Ran

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SETS = {
    "duration": "50m",
    "faults.friday": "{at: 5m, for: 12m, auto_scaling_group: ship, down: true}",
    "producers.shop.arrivals": "{rate: 1/s, process: even}",
}


def after_an_outage(variant: str = "", **sets: str) -> Ran:
    return Ran(load(SCENARIOS / "consumers_down.yaml", sets=SETS | sets, variant=variant))


def last_to_wait(ran: Ran) -> float:
    """When the last message was sent that waits for more than 30 s [us]."""
    copies = ran["copies"]
    waits = copies["first_started_at"] - copies["sent_at"]
    return float(copies["sent_at"][(copies["first_started_at"] != NONE) & (waits > 30 * SECOND)].max())


def test_the_line_after_an_outage_lasts_outage_x_load_over_one_minus_load() -> None:
    """8 workers of 5.8 s and two calls: a load of 0.73 and 12 minutes make 32; less what waits under 30 s."""
    ran = after_an_outage()
    deliveries = ran["deliveries"]
    lasts = (deliveries["ended_at"] - deliveries["started_at"]).mean() + 24_000
    load_ = lasts / 8 / SECOND
    expected = 17 * MINUTE + 12 * MINUTE * load_ / (1 - load_) - 30 * SECOND / (1 - load_)
    assert last_to_wait(ran) == pytest.approx(expected, abs=1.5 * MINUTE)


def test_what_was_sent_before_the_repair_is_done_long_before_the_line_is_gone() -> None:
    ran = after_an_outage()
    copies = ran["copies"]
    before = copies["sent_at"] < 17 * MINUTE
    done = copies["succeeded_at"][before].max() - 17 * MINUTE
    assert done == pytest.approx(12 * MINUTE * 5.824 / 8, abs=MINUTE)
    assert last_to_wait(ran) > 17 * MINUTE + 2 * done


def test_twice_the_fleet_is_through_in_half_the_time() -> None:
    def done(ran: Ran) -> float:
        copies = ran["copies"]
        return float(copies["succeeded_at"][copies["sent_at"] < 17 * MINUTE].max() - 17 * MINUTE)

    assert done(after_an_outage("double")) == pytest.approx(done(after_an_outage()) / 2, rel=0.1)


def test_a_retention_shorter_than_the_outage_loses_the_rest_of_it() -> None:
    """Nobody receives for twelve minutes: what is older than six of them is gone."""
    ran = after_an_outage("short-retention", **{"queues.orders.retention": "6m"})
    copies = ran["copies"]
    lost = copies["fate"] == Fate.EXPIRED
    in_outage = (copies["sent_at"] >= 5 * MINUTE) & (copies["sent_at"] < 11 * MINUTE)
    assert lost[in_outage].mean() > 0.99
    assert np.count_nonzero(lost) >= 360


def waits_of(variant: str) -> tuple[float, float]:
    """Mean work of a message [s] and the 99th percentile of the wait [s], of the heavy-tailed scenario."""
    ran = Ran(load(SCENARIOS / "heavy_tail.yaml", sets={"duration": "8m"}, variant=variant))
    deliveries, copies = ran["deliveries"], ran["copies"]
    work = (deliveries["ended_at"] - deliveries["started_at"]).mean() / SECOND
    return work, float(np.quantile(copies["first_started_at"] - copies["sent_at"], 0.99)) / SECOND


def test_the_same_mean_with_a_heavy_tail_waits_several_times_as_long() -> None:
    production, load_test = waits_of(""), waits_of("load-test")
    assert production[0] == pytest.approx(load_test[0], rel=0.05)
    assert production[1] > 3 * load_test[1]
    assert waits_of("half-more")[1] < load_test[1]


@pytest.mark.parametrize(
    ("variant", "killed", "hang_s"), [("", True, 180), ("drain", False, 0), ("heartbeat", True, 20)]
)
def test_a_deploy_hangs_what_it_kills_for_the_visibility_timeout(
    variant: str, killed: bool, hang_s: int
) -> None:
    """A variant's own visibility timeout comes first. A heartbeat may be as old as its interval of 8 s."""
    sets = {"duration": "4m", "faults.deploy.at": "30s"}
    if not variant:
        sets["queues.orders.visibility_timeout"] = "3m"  # longer than the deploy: none is killed twice
    ran = Ran(load(SCENARIOS / "rolling_deploy.yaml", sets=sets, variant=variant))
    copies, deliveries = ran["copies"], ran["deliveries"]
    crashed = deliveries["attempt"] == Attempt.CRASHED
    assert (crashed.sum() >= 10) == killed
    assert crashed.any() == killed
    longest_s = (copies["succeeded_at"] - copies["sent_at"]).max() / SECOND
    assert hang_s <= longest_s < hang_s + 10
