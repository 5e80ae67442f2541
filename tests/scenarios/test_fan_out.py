"""A topic gives every subscribed queue its copy: that is no duplicate."""

from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.measures import Measures
from simulator.recording.tables import Arrival, Cause, Fate, Outcome
from tests.scenarios.running import Ran, written

FAN_OUT = """
scenario: fan-out
duration: 60s
producers:
  source:
    target: topic
    arrivals: {rate: 200/s}
    message: {group: {count: 50}}
topics:
  topic:
    subscriptions:
      one: {queue: one}
      two: {queue: two}
queues:
  one: {visibility_timeout: 60s, redrive: {queue: dead, max_receive_count: 3}}
  two: {visibility_timeout: 60s}
  dead: {retention: 14d}
functions:
  work:
    runtime: python3.13
    timeout: 10s
    work: 20ms
    event_sources: {one: {batch_size: 10}}
auto_scaling_groups:
  fleet:
    queue: two
    instance_type: c6i.large
    workers_per_instance: 10
    receive: {max_messages: 10}
    work: 20ms
    capacity: {min: 2, max: 2}
"""
FIFO = dict.fromkeys(
    ("topics__topic__type", "queues__one__type", "queues__two__type", "queues__dead__type"), "fifo"
)


@pytest.mark.parametrize("sets", [{}, FIFO], ids=["standard", "fifo"])
def test_a_topic_with_two_queues_makes_two_copies_of_a_message_and_no_duplicates(
    tmp_path: Path, sets: dict[str, str]
):
    run = Ran(written(tmp_path, FAN_OUT, **sets))
    messages, copies, deliveries = run["messages"], run["copies"], run["deliveries"]
    count = len(messages["message"])
    assert count > 10_000
    assert set(messages["copies"].tolist()) == {2}
    assert set(messages["outcome"].tolist()) == {Outcome.ACCEPTED}
    for queue in ("queues.one", "queues.two"):
        here = copies["queue"] == run.things[queue]
        assert np.array_equal(np.sort(copies["message"][here]), np.sort(messages["message"]))
    assert len(np.unique(copies["copy"])) == len(copies["copy"]) == 2 * count
    assert set(copies["fate"].tolist()) == {Fate.DELETED}
    assert set(copies["arrival"].tolist()) == {Arrival.SEND}
    assert len(deliveries["copy"]) == 2 * count
    assert set(deliveries["cause"].tolist()) == {Cause.NOTHING}
    assert set(deliveries["receive_count"].tolist()) == {1}
    assert not deliveries["repeated"].any()


@pytest.mark.parametrize("sets", [{}, FIFO], ids=["standard", "fifo"])
def test_duplicates_of_a_fan_out_are_zero_in_the_answer_too(tmp_path: Path, sets: dict[str, str]):
    run = Ran(written(tmp_path, FAN_OUT, **sets))
    estimates = Measures(run.frame, [run.partial]).estimates
    for metric in ("duplicate_delivery", "duplicate_processing", "dead_lettered", "lost"):
        assert estimates[f"{metric}.count"].mean == 0, metric
    assert estimates["receives_per_copy.mean"].mean == 1


def test_a_filter_policy_keeps_messages_from_one_queue_and_not_from_the_other(tmp_path: Path):
    sets = {
        "producers__source__message__attributes": "{kind: {order: 80%, refund: rest}}",
        "topics__topic__subscriptions__one__filter_policy": "{kind: [order]}",
    }
    run = Ran(written(tmp_path, FAN_OUT, **sets))
    messages, copies = run["messages"], run["copies"]
    orders = messages["attributes"] == 0
    assert np.mean(orders) == pytest.approx(0.8, abs=4 * (0.16 / len(orders)) ** 0.5)
    assert np.array_equal(messages["copies"], np.where(orders, 2, 1))
    one = copies["queue"] == run.things["queues.one"]
    assert np.array_equal(np.sort(copies["message"][one]), np.sort(messages["message"][orders]))
