"""Subscriptions that may not or cannot deliver, or wait for a confirmation: who gets what, what is lost."""

from pathlib import Path

import numpy as np
import pytest

from simulator.engine.conservation import check
from simulator.engine.simulate import Simulation
from simulator.engine.things import things_of
from simulator.processes.topics import Subscription
from simulator.recording.tables import Cause, Fate, Outcome
from simulator.scenario.problems import ScenarioError
from tests.engine.running import Kept, Rows, read

S = 1_000_000
NO_SPREAD = "limits.access.propagation=0s"
TEXT = """
scenario: grants
duration: 60s
producers:
  shop:
    target: orders
    arrivals: {rate: 50/s}
    message: {group: {count: 20}, attributes: {kind: {order: 80%, refund: rest}}}
topics:
  orders:
    subscriptions:
      billing: {queue: billing, dead_letter: rescue}
      fraud: {queue: fraud, filter_policy: {kind: [order]}}
queues: {billing: {}, fraud: {}, rescue: {}}
functions:
  charge:
    {runtime: python3.13, timeout: 5s, work: {per_message: 1ms}, event_sources: {billing: {}, fraud: {}}}
"""
DENIED = "access.lost={deny: 'sqs:SendMessage', topic: orders, queue: billing, at: 20s, for: 10s}"


class Ran:
    """A run with its rows and its parts."""

    def __init__(self, folder: Path, *sets: str, text: str = TEXT) -> None:
        self.scenario = read(folder, text, [NO_SPREAD, *sets])
        sink = Kept()
        self.simulation = Simulation(self.scenario, seed=3, replication=0, sink=sink)
        self.simulation.run()
        check(self.simulation.messaging, self.simulation.consumers)
        self.simulation.recorder.flush()
        self.rows: Rows = sink.rows()

    def subscription(self, name: str) -> Subscription:
        given = list(self.scenario.topics["orders"].subscriptions)
        return self.simulation.messaging.topics["orders"].subscriptions[given.index(name)]

    def at(self, path: str) -> dict[str, np.ndarray]:
        """Rows of ``copies`` at a queue or a subscription, by message."""
        thing = things_of(self.scenario).index(path)
        copies = self.rows["copies"]
        chosen = np.flatnonzero(copies["queue"] == thing)
        chosen = chosen[np.argsort(copies["message"][chosen], kind="stable")]
        return {name: column[chosen] for name, column in copies.items()}


def test_what_a_policy_denies_goes_to_the_dead_letter_queue_of_the_subscription(tmp_path: Path):
    free, ran = Ran(tmp_path), Ran(tmp_path, DENIED)
    usual, left, failed, rescued = (
        free.at("queues.billing"),
        ran.at("queues.billing"),
        ran.at("topics.orders.subscriptions.billing"),
        ran.at("queues.rescue"),
    )
    denied = (usual["sent_at"] >= 20 * S) & (usual["sent_at"] < 30 * S)
    assert 400 < denied.sum() < 600
    assert failed["message"].tolist() == rescued["message"].tolist() == usual["message"][denied].tolist()
    assert left["message"].tolist() == usual["message"][~denied].tolist()
    assert left["sent_at"].tolist() == usual["sent_at"][~denied].tolist()
    assert rescued["sent_at"].tolist() == usual["sent_at"][denied].tolist()  # at once: no second try
    assert set(failed["fate"]) == {Fate.DEAD_LETTERED}
    assert set(failed["cause"]) == {Cause.ACCESS_DENIED}
    counts = ran.subscription("billing").counts
    assert (counts.dead_lettered, counts.failed_attempts, counts.retried) == (denied.sum(), denied.sum(), 0)
    assert counts.delivered == (~denied).sum()


def test_denied_messages_cost_no_events(tmp_path: Path):
    assert Ran(tmp_path, DENIED).simulation.clock.entries < Ran(tmp_path).simulation.clock.entries


def test_a_dead_letter_queue_that_denies_too_loses_what_comes(tmp_path: Path):
    also = "access.dead={revoke: 'sqs:SendMessage', topic: orders, queue: rescue, at: 25s}"
    ran = Ran(tmp_path, DENIED, also)
    failed = ran.at("topics.orders.subscriptions.billing")
    lost = failed["fate"] == Fate.DROPPED
    assert np.all(lost == (failed["ended_at"] >= 25 * S)) and 0 < lost.sum() < len(lost)
    counts = ran.subscription("billing").counts
    assert counts.dead_letter_failed == lost.sum() == counts.lost[Cause.ACCESS_DENIED]
    assert len(ran.at("queues.rescue")["copy"]) == (~lost).sum() == counts.dead_lettered


def test_without_a_dead_letter_queue_what_is_denied_is_lost(tmp_path: Path):
    ran = Ran(
        tmp_path, "access.lost={revoke: 'sqs:SendMessage', topic: orders, queue: fraud, at: 20s, for: 10s}"
    )
    failed = ran.at("topics.orders.subscriptions.fraud")
    assert set(failed["fate"]) == {Fate.DROPPED}
    assert ran.subscription("fraud").counts.lost == {Cause.ACCESS_DENIED: len(failed["copy"])}
    assert len(failed["copy"]) == pytest.approx(50 * 0.8 * 10, abs=4 * np.sqrt(400))


def test_a_change_of_a_policy_takes_up_to_a_minute_to_spread(tmp_path: Path):
    starts = []
    for seconds in (0, 60):
        ran = Ran(tmp_path, f"limits.access.propagation={seconds}s", DENIED.replace(", for: 10s", ""))
        failed = ran.at("topics.orders.subscriptions.billing")["ended_at"]
        starts.append(failed.min() / S if len(failed) else np.inf)
    assert starts[0] == pytest.approx(20, abs=0.3)
    assert starts[1] > starts[0]


def test_an_unavailable_queue_loses_nothing_and_gets_all_within_twenty_seconds(tmp_path: Path):
    free = Ran(tmp_path)
    ran = Ran(tmp_path, "faults.away={queue: billing, unavailable: true, at: 20s, for: 20s}")
    usual, now = free.at("queues.billing"), ran.at("queues.billing")
    away = (usual["sent_at"] >= 20 * S) & (usual["sent_at"] < 40 * S)
    assert now["message"].tolist() == usual["message"].tolist()
    assert now["sent_at"][~away].tolist() == usual["sent_at"][~away].tolist()
    assert np.all((now["sent_at"][away] >= 40 * S) & (now["sent_at"][away] <= 60 * S))
    counts = ran.subscription("billing").counts
    assert counts.failed_attempts == counts.retried > 3 * away.sum()  # three of them at once
    assert set(now["fate"]) == {Fate.DELETED}


def test_messages_that_sns_still_tries_at_the_end_are_under_way(tmp_path: Path):
    ran = Ran(tmp_path, "after=stop", "faults.away={queue: billing, unavailable: true, at: 30s, for: 1h}")
    counts, left = ran.subscription("billing").counts, ran.at("queues.billing")
    transit = left["fate"] == Fate.IN_TRANSIT
    assert transit.sum() == counts.published - counts.delivered > 1_000


def test_nothing_flows_before_a_subscription_across_accounts_is_confirmed(tmp_path: Path):
    across = ("queues.fraud.account=them", "topics.orders.subscriptions.fraud.subscribed_by=topic_owner")
    ran = Ran(tmp_path, *across, "topics.orders.subscriptions.fraud.confirmed_at=20s")
    copies, one = ran.at("queues.fraud"), ran.subscription("fraud")
    assert copies["offered_at"].min() == pytest.approx(20 * S, abs=0.3 * S)
    assert copies["offered_at"].min() >= 20 * S
    assert one.pending == pytest.approx(1_000, abs=4 * np.sqrt(1_000))
    assert one.pending + one.counts.published == ran.subscription("billing").counts.published
    late = Ran(tmp_path, *across, "topics.orders.subscriptions.fraud.confirmed_at=48h1m")
    assert late.subscription("fraud").counts.published == 0


def test_subscribed_by_the_owner_of_the_queue_it_flows_at_once(tmp_path: Path):
    ran = Ran(tmp_path, "queues.fraud.account=them")
    assert ran.subscription("fraud").pending == 0
    assert ran.subscription("fraud").counts.delivered == len(ran.at("queues.fraud")["copy"]) > 2_000


def test_a_producer_of_another_account_needs_the_topics_policy_too(tmp_path: Path):
    revoked = "access.shut={revoke: 'sns:Publish', producer: shop, topic: orders, at: 20s, for: 10s}"
    with pytest.raises(ScenarioError, match="own policy is enough"):
        Ran(tmp_path, revoked)
    messages = Ran(tmp_path, revoked, "producers.shop.account=them").rows["messages"]
    refused = messages["outcome"] == Outcome.REFUSED
    meanwhile = (messages["offered_at"] >= 20 * S) & (messages["offered_at"] < 30 * S)
    assert np.all(refused == meanwhile) and refused.any()
    assert set(messages["tries"]) == {1}  # a 403 is not tried again


def test_a_fifo_group_waits_for_its_endpoint_and_keeps_its_order(tmp_path: Path):
    fifo = [
        f"{path}.type=fifo" for path in ("topics.orders", "queues.billing", "queues.fraud", "queues.rescue")
    ]
    ran = Ran(tmp_path, *fifo, "faults.away={queue: billing, unavailable: true, at: 20s, for: 20s}")
    copies = ran.at("queues.billing")
    assert len(copies["copy"]) == ran.subscription("billing").counts.published
    for group in np.unique(copies["group"]):
        mine = np.flatnonzero(copies["group"] == group)
        assert np.all(np.diff(copies["sent_at"][mine]) >= 0)
        blocked = copies["sent_at"][mine][copies["offered_at"][mine] < 40 * S]
        assert blocked.max() <= 61 * S
    assert not np.any((copies["sent_at"] >= 20 * S) & (copies["sent_at"] < 40 * S))


@pytest.mark.parametrize("count", ["100", "12.4M"])
def test_counted_subscribers_cost_a_number(tmp_path: Path, count: str):
    counted = f"topics.orders.subscriptions.app={{count: {count}, filter_policy: {{kind: [order]}}}}"
    ran, free = Ran(tmp_path, counted), Ran(tmp_path)
    many, fraud = ran.subscription("app"), ran.subscription("fraud").counts
    assert many.counts.delivered == fraud.delivered * many.subscribers
    assert many.counts.published == fraud.published * many.subscribers
    assert ran.simulation.clock.entries == free.simulation.clock.entries
    assert all(
        len(ran.rows[table]["copy"]) == len(free.rows[table]["copy"]) for table in ("copies", "deliveries")
    )


def test_the_last_of_k_copies_is_as_late_as_the_slowest_of_k_deliveries(tmp_path: Path):
    """All of k are there within the 90th percentile of one delivery with probability 0.9^k."""
    k = 8
    queues = ", ".join(f"q{number}: {{}}" for number in range(k))
    given = ", ".join(f"s{number}: {{queue: q{number}}}" for number in range(k))
    text = f"""
scenario: join
duration: 60s
after: stop
producers: {{shop: {{target: orders, arrivals: {{rate: 100/s}}}}}}
topics: {{orders: {{subscriptions: {{{given}}}}}}}
queues: {{{queues}}}
"""
    ran = Ran(tmp_path, text=text)
    copies = ran.rows["copies"]
    messages, index, copies_each = np.unique(copies["message"], return_inverse=True, return_counts=True)
    assert set(copies_each) == {k}
    last = np.zeros(len(messages))
    np.maximum.at(last, index, copies["sent_at"] - copies["offered_at"])
    p90_us = dict(ran.scenario.rules.value("lat.sns_to_sqs"))[0.9]
    error = np.sqrt(0.9**k * (1 - 0.9**k) / len(messages))
    assert error < 0.01
    assert np.mean(last <= p90_us) == pytest.approx(0.9**k, abs=4 * error)


def test_publishes_above_the_quota_of_a_region_are_throttled_and_given_up(tmp_path: Path):
    """300/s and a full bucket of 300 pass; who offers 400/s has the rest refused after three attempts."""
    ran = Ran(tmp_path, "region=eu-north-1", "producers.shop.arrivals.rate=400/s", "duration=20s")
    messages = ran.rows["messages"]
    accepted = messages["outcome"] == Outcome.ACCEPTED
    within = accepted & (messages["accepted_at"] < 20 * S)
    assert within.sum() == pytest.approx(300 + 300 * 20, abs=15)
    refused = messages["outcome"] == Outcome.REFUSED
    assert refused.sum() + accepted.sum() == len(refused)
    assert set(messages["tries"][refused]) == {3}
    assert len(
        Ran(tmp_path, "producers.shop.arrivals.rate=400/s", "duration=20s").rows["messages"]["tries"]
    ) == len(refused)
