"""What would have avoided it: rules that apply, with numbers that hold when they are tried."""

import pytest

from simulator.analysis.remedies import Reason, Remedy
from simulator.recording.tables import NONE
from tests.engine.running import run
from tests.experiments.lives import scenario, told

MAPPING = "functions.charge.event_sources.orders"


def advice(name):
    found = told(name).avoidance
    return list(found.remedies), [reason for reason, _ in found.reasons]


def tried(name, *sets):
    """Rows of deliveries of the message's copy when the remedy is in place."""
    table = run(scenario(name, *sets), seed=42)
    copies = table["copies"]["copy"][table["copies"]["message"] == told(name).life.message]
    rows = table["deliveries"]
    return rows["receive_count"][rows["copy"] == copies[0]]


def test_a_visibility_timeout_above_the_time_in_hand_avoids_a_duplicate():
    remedies, _ = advice("overdue")
    first = told("overdue").life.copies[0].stays[0].deliveries[0]
    timeout = remedies[0]
    assert (timeout.path, timeout.relation) == ("queues.orders.visibility_timeout", "≥")
    assert isinstance(timeout.value, int)
    assert 0 < timeout.value - first.in_hand_us <= 1_000_000
    assert tried("overdue", f"queues.orders.visibility_timeout={timeout.value // 1_000_000}s").max() == 1


def test_a_worker_that_deletes_each_message_avoids_a_duplicate_of_one_done_in_time():
    assert Remedy("auto_scaling_groups.fleet.receive.delete", "=", "each") in advice("overdue")[0]
    assert tried("overdue", "auto_scaling_groups.fleet.receive.delete=each").max() == 1


def test_a_heartbeat_avoids_a_duplicate_of_a_batch_that_outlasts_its_timeout():
    assert Remedy("auto_scaling_groups.fleet.heartbeat", "=", True) in advice("overdue")[0]
    heartbeat = "auto_scaling_groups.fleet.heartbeat={every: 10s, extend_to: 30s}"
    assert tried("overdue", heartbeat).max() == 1


def test_a_fifo_queue_avoids_a_duplicate_by_a_senders_retry():
    assert advice("retried") == ([Remedy("queues.orders.type", "=", "fifo")], [])
    sets = ("queues.orders.type=fifo", "producers.shop.message.group={count: 100}")
    table = run(scenario("retried", *sets), seed=42)
    assert (table["copies"]["message"] == told("retried").life.message).sum() == 1


def test_no_setting_is_named_for_an_answer_that_was_lost():
    assert advice("unanswered") == ([], [Reason.LOST_ANSWER])


def test_a_partial_batch_response_avoids_a_duplicate_by_a_batch_mate():
    assert Remedy(f"{MAPPING}.report_batch_item_failures", "=", True) in advice("batch_mate")[0]
    assert tried("batch_mate", f"{MAPPING}.report_batch_item_failures=true").max() == 1


def test_no_setting_is_named_for_a_message_whose_own_attempt_failed():
    assert advice("failed") == ([], [Reason.FAILURE])


def test_no_setting_is_named_for_poison():
    assert advice("poison") == ([], [Reason.POISON])


def test_a_throttled_mapping_should_ask_for_no_more_than_its_function_has():
    remedies, _ = advice("throttled")
    assert Remedy(f"{MAPPING}.maximum_concurrency", "≤", 2) in remedies
    assert Remedy("functions.charge.reserved_concurrency", ">", 2) in remedies
    assert Remedy("queues.orders.redrive.max_receive_count", "≥", 3) in remedies
    calm = run(scenario("throttled", f"{MAPPING}.maximum_concurrency=2"), seed=42)["copies"]
    mine = calm["message"] == told("throttled").life.message
    assert (calm["succeeded_at"][mine] != NONE).all()


def test_more_of_what_bound_the_consumer_and_a_longer_retention_are_for_a_lost_message():
    assert advice("expired")[0] == [
        Remedy("queues.orders.retention", ">", 60_000_000, is_time=True),
        Remedy(f"{MAPPING}.maximum_concurrency", ">", 2),
    ]


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("waited", "auto_scaling_groups.fleet.capacity.max", 2),
        ("fifo", "producers.shop.message.group.count", 3),
    ],
)
def test_a_wait_is_shortened_by_the_setting_that_bound_it(name, path, value):
    assert advice(name)[0] == [Remedy(path, ">", value)]


def test_a_queue_without_a_consumer_is_the_reason_and_not_a_setting():
    assert advice("unconsumed") == ([], [Reason.NO_CONSUMER])


def test_a_clean_message_needs_no_remedy():
    assert advice("clean") == ([], [])
