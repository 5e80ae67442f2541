"""What the scenarios about endpoints teach: a webhook that is down, and how long until somebody knows."""

from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.remedies import Remedy, avoidance
from simulator.experiments.tracing import Tracer
from simulator.recording.tables import Arrival, Cause, Fate
from simulator.scenario import load
from tests.scenarios.running import MINUTE, SECOND, Ran

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HOOK = "topics.orders.subscriptions.partner"


def copies_in(run: Ran, path: str) -> dict[str, np.ndarray]:
    copies = run["copies"]
    return {name: values[copies["queue"] == run.things[path]] for name, values in copies.items()}


def test_a_webhook_that_is_down_for_5_minutes_loses_what_four_tries_do_not_outlast():
    """Down from 10 to 15 min: three delays of 10 to 20 s, so a message outlasts 30 to 60 s of it."""
    copies = copies_in(Ran(load(SCENARIOS / "http_webhooks.yaml"), seed=5), HOOK)
    at = copies["sent_at"] - 10 * MINUTE
    lost = copies["fate"] == Fate.DROPPED
    assert (copies["cause"][lost] == Cause.RETRIES_USED_UP).sum() == lost.sum()
    assert lost[(at >= 0) & (at < 240 * SECOND)].all()
    assert not lost[(at < -SECOND) | (at > 270 * SECOND)].any()
    spread = 4 * np.sqrt(5 * 255)  # of a Poisson count: a mean of 255 s of the 300 s, four standard errors
    assert spread < 150
    assert abs(int(lost.sum()) - 5 * 255) < spread


@pytest.mark.parametrize("variant", ["patient", "dead_letter", "queue_between"])
def test_patience_a_dead_letter_queue_and_a_queue_in_between_lose_nothing(variant: str):
    run = Ran(load(SCENARIOS / "http_webhooks.yaml", variant=variant), seed=5)
    assert (run["copies"]["fate"] != Fate.DROPPED).all()
    if variant == "dead_letter":
        dead = copies_in(run, "queues.orders-dlq")
        assert len(dead["copy"]) > 1000
        assert (dead["arrival"] == Arrival.DESTINATION).all()
        assert (dead["fate"] == Fate.VISIBLE).all()  # nobody reads it


def test_explaining_a_lost_delivery_names_the_policy_and_the_dead_letter_queue():
    scenario = load(SCENARIOS / "http_webhooks.yaml", sets={"duration": "12m"})
    life = Tracer(scenario, seed=5, replication=0).find("lost")
    assert set(avoidance(life, scenario).remedies) == {
        Remedy(f"{HOOK}.http.delivery_policy.retries", ">", 3),
        Remedy(f"{HOOK}.dead_letter", "=", True),
    }


def test_the_message_itself_is_the_shortest_part_of_knowing():
    """The alarm needs minutes, and SNS with mailbox and carrier a hundredth to a few percent of them."""
    run = Ran(load(SCENARIOS / "alarm_to_phone.yaml", sets={"duration": "25m"}), seed=11)
    for name in ("mail", "phone"):
        copies = copies_in(run, f"topics.oncall.subscriptions.{name}")
        assert len(copies["copy"]) == 1
        told_at, known_at = int(copies["sent_at"][0]), int(copies["succeeded_at"][0])
        assert 3 * MINUTE < told_at - 15 * MINUTE < 6 * MINUTE
        assert known_at - told_at < 2 * MINUTE
