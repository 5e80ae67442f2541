"""What the ready scenarios about topics teach, by arithmetic."""

from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import Cause, Fate
from simulator.scenario import load
from tests.scenarios.running import MINUTE, SECOND, Ran

FOLDER = Path(__file__).parents[2] / "scenarios"
SPREAD_US = 60 * SECOND
"""A changed policy acts within a minute."""


def ran(name: str, variant: str = "", **sets: str) -> Ran:
    scenario = load(FOLDER / f"{name}.yaml", variant=variant, sets=sets)
    return Ran(scenario, seed=scenario.seed)


def arrived(run: Ran, queue: str) -> np.ndarray:
    """Numbers of the messages that a queue got."""
    copies = run["copies"]
    messages: np.ndarray = copies["message"][copies["queue"] == run.things[f"queues.{queue}"]]
    return messages


@pytest.mark.parametrize("variant", ["", "dead_letter"])
def test_before_the_confirmation_nothing_flows_and_no_dead_letter_queue_gets_it(variant: str):
    run = ran("cross_account", variant)
    offered_at = run["messages"]["offered_at"]
    got = offered_at[arrived(run, "inbox")]
    early = offered_at < 10 * MINUTE
    assert early.sum() > 5_000
    assert not (got < 10 * MINUTE).any()
    dead = offered_at[arrived(run, "undelivered")]
    assert not (dead < 10 * MINUTE).any()


def test_what_a_policy_denies_is_never_tried_again():
    """Each message of the five minutes, less or more a minute at either end, is kept or lost whole."""
    kept, lost = ran("cross_account", "dead_letter"), ran("cross_account")
    for run in (kept, lost):
        offered_at = run["messages"]["offered_at"]
        late = offered_at >= 10 * MINUTE
        missing = np.setdiff1d(np.flatnonzero(late), arrived(run, "inbox"))
        at = offered_at[missing]
        assert at.min() >= 20 * MINUTE - SECOND
        assert at.max() <= 25 * MINUTE + SPREAD_US
        locked_out = (offered_at > 20 * MINUTE + SPREAD_US) & (offered_at < 25 * MINUTE - SECOND)
        assert set(np.flatnonzero(locked_out)) <= set(missing)
        dead = arrived(run, "undelivered")
        assert set(dead) == (set(missing) if run is kept else set())


def test_subscribed_by_its_owner_a_queue_gets_messages_from_the_start():
    run = ran("cross_account", "subscribed_by_them")
    offered_at = run["messages"]["offered_at"]
    assert set(np.flatnonzero(offered_at < 10 * MINUTE)) <= set(arrived(run, "inbox"))


def test_an_unavailable_queue_of_a_fifo_topic_loses_nothing_and_keeps_the_order():
    """What is published while the queue is away comes within a pause of 20 s after it is back."""
    run = ran("fifo_topic")
    copies, queue = run["copies"], run.things["queues.ledger"]
    mine = copies["queue"] == queue
    assert mine.sum() == len(run["messages"]["message"])
    assert (copies["fate"][mine] == Fate.DELETED).all()
    assert not copies["out_of_order"][mine].any()
    sent_at, offered_at = copies["sent_at"][mine], copies["offered_at"][mine]
    assert not ((sent_at >= 4 * MINUTE) & (sent_at < 5 * MINUTE)).any()
    away = (offered_at >= 4 * MINUTE) & (offered_at < 5 * MINUTE)
    assert sent_at[away].max() <= 5 * MINUTE + 22 * SECOND
    other = copies["queue"] == run.things["queues.audit"]
    assert (copies["sent_at"][other] - copies["offered_at"][other]).max() < 5 * SECOND


def test_a_fan_out_makes_the_queue_late_and_the_web_server_lose():
    """A queue is tried for 23 days; a web server four times in a minute, then it is dead-lettered."""
    run = ran("fan_out")
    copies, offered_at = run["copies"], run["messages"]["offered_at"]
    away = np.flatnonzero((offered_at >= 10 * MINUTE) & (offered_at < 15 * MINUTE))
    billing = copies["queue"] == run.things["queues.billing"]
    assert (copies["fate"][billing] == Fate.DELETED).all()
    assert len(np.intersect1d(copies["message"][billing], away)) > 4_000
    dead = arrived(run, "partner-dlq")
    assert len(dead) > 3_000
    assert set(dead) <= set(away)
    line = copies["queue"] == run.things["topics.events.subscriptions.partner"]
    causes = copies["cause"][line & (copies["fate"] != Fate.DELETED)]
    assert Cause.ACCESS_DENIED not in set(causes.tolist())
