"""The report per subscription: its numbers are those of the rows, and each book adds up."""

from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.answer import Certainty
from simulator.analysis.measures import Measures
from simulator.recording.tables import Fate
from simulator.scenario.lint import lint
from tests.scenarios.running import MINUTE, SECOND, Ran, written

TEXT = """
scenario: told
duration: 10m
seed: 3
producers:
  shop:
    target: events
    arrivals: {rate: 5/s}
    message: {attributes: {kind: {order: 80%, stock: rest}}}
topics:
  events:
    subscriptions:
      billing: {queue: billing, filter_policy: {kind: [order]}}
      partner: {http: partner, dead_letter: dead}
      other: {http: second, filter_policy: {kind: [stock]}}
queues:
  billing: {}
  dead: {retention: 14d}
downstreams:
  partner: {latency: 50ms}
  second: {latency: 50ms}
faults:
  away: {downstream: partner, down: true, at: 2m, for: 4m}
  gone: {downstream: second, down: true, at: 2m, for: 4m}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(written(tmp_path_factory.mktemp("told"), TEXT))


@pytest.fixture(scope="module")
def numbers(ran: Ran) -> dict[str, float]:
    estimates = Measures(ran.frame, [ran.partial]).estimates
    return {key: estimate.mean for key, estimate in estimates.items()}


def path(name: str, metric: str) -> str:
    return f"topics.events.subscriptions.{name} {metric}.count"


@pytest.mark.parametrize("name", ["billing", "partner", "other"])
def test_what_was_published_is_delivered_filtered_out_dead_lettered_lost_or_under_way(
    numbers: dict[str, float], ran: Ran, name: str
):
    parts = ("delivered", "filtered_out", "dead_lettered", "lost", "under_way")
    assert numbers[path(name, "published")] == len(ran["messages"]["message"])
    assert numbers[path(name, "published")] == sum(numbers[path(name, part)] for part in parts)


def test_the_numbers_are_those_of_the_rows(numbers: dict[str, float], ran: Ran):
    copies, offered_at = ran["copies"], ran["messages"]["offered_at"]
    orders = ran["messages"]["attributes"] == 0
    billing = copies["queue"] == ran.things["queues.billing"]
    assert numbers[path("billing", "delivered")] == billing.sum() == orders.sum()
    assert numbers[path("billing", "filtered_out")] == (~orders).sum()
    for name, ended in (("partner", "dead_lettered"), ("other", "lost")):
        line = copies["queue"] == ran.things[f"topics.events.subscriptions.{name}"]
        given_up = line & (copies["fate"] != Fate.DELETED)
        assert numbers[path(name, ended)] == given_up.sum() > 50
        at = offered_at[copies["message"][given_up]]
        assert at.min() >= 2 * MINUTE - SECOND
        assert (
            at.max() <= 5 * MINUTE + 30 * SECOND
        )  # what came in the last half minute at least was tried again
    dead = copies["queue"] == ran.things["queues.dead"]
    assert dead.sum() == numbers[path("partner", "dead_lettered")]


def test_the_latency_of_a_queue_is_that_of_its_copies(numbers: dict[str, float], ran: Ran):
    copies = ran["copies"]
    mine = copies["queue"] == ran.things["queues.billing"]
    hops_s = (copies["sent_at"] - copies["offered_at"])[mine] / SECOND
    key = "topics.events.subscriptions.billing delivery_latency.p50"
    assert numbers[key] == pytest.approx(float(np.median(hops_s)), rel=0.02)


def test_what_was_never_lost_has_a_bound_and_not_a_zero(ran: Ran):
    lost = Measures(ran.frame, [ran.partial]).estimates[path("billing", "lost")]
    assert lost.certainty is Certainty.NONE_SEEN
    assert lost.high == pytest.approx(3.0)


def test_an_endpoint_that_can_fail_without_a_dead_letter_queue_is_noted(tmp_path: Path):
    notes = [str(note) for note in lint(written(tmp_path, TEXT)) if "no dead_letter" in str(note)]
    assert len(notes) == 1
    assert "subscriptions.other" in notes[0]
