"""A message's life is what the run's rows say of it, however it is asked for."""

import numpy as np
import pytest

from simulator.analysis.life import Ending
from simulator.analysis.steps import What, copy_steps, sending
from simulator.analysis.trace import Deliveries, Finder, Stays
from simulator.experiments.tracing import NoSuchMessage, Tracer
from simulator.recording.tables import NONE, Arrival, Cause, Fate, Limit
from tests.experiments.lives import ASKED, rows, scenario, told


def whats(name):
    """What happened, in order, to the message and to the copy that is shown."""
    life = told(name).life
    return [step.what for step in [*sending(life), *copy_steps(life.copies[life.shown])]]


def shown(name):
    life = told(name).life
    return life.copies[life.shown]


# -- kinds of lives ------------------------------------------------------------------------------------


def test_a_clean_message_is_offered_accepted_received_started_processed_and_deleted():
    assert whats("clean") == [
        What.OFFERED,
        What.ACCEPTED,
        What.ARRIVED,
        What.RECEIVED,
        What.STARTED,
        What.ENDED,
        What.DELETED,
    ]
    assert told("clean").life.ending is Ending.PROCESSED


def test_a_batch_that_outlasts_the_visibility_timeout_is_processed_twice_its_first_delete_is_too_late():
    assert whats("overdue")[3:] == [
        What.RECEIVED,
        What.STARTED,
        What.ENDED,
        What.RETURNED,
        What.RECEIVED,
        What.STARTED,
        What.TOO_LATE,
        What.ENDED,
        What.DELETED,
    ]
    first, second = shown("overdue").stays[0].deliveries
    assert first.overdue and first.hold_us == 30_000_000 < first.in_hand_us
    assert second.cause is Cause.VISIBILITY_TIMEOUT and second.repeated
    assert told("overdue").life.ending is Ending.PROCESSED_TWICE


def test_a_failed_attempt_is_followed_by_the_rest_of_its_visibility_timeout():
    first, second = shown("failed").stays[0].deliveries
    assert second.cause is Cause.FAILURE and second.received_at - first.received_at == 30_000_000
    assert whats("failed").count(What.RETURNED) == 1
    assert told("failed").life.ending is Ending.DELIVERED_AGAIN


def test_a_poison_message_is_moved_at_the_receive_after_its_last_allowed_one():
    stay, dead = shown("poison").stays
    assert [delivery.receive_count for delivery in stay.deliveries] == [1, 2, 3, 4]
    assert stay.fate is Fate.DEAD_LETTERED and stay.cause is Cause.FAILURE
    assert dead.arrival is Arrival.MOVE and dead.arrived_at == stay.ended_at
    assert whats("poison")[-3:] == [What.DEAD_LETTERED, What.ARRIVED, What.REMAINS]
    assert told("poison").life.poison


def test_a_subscription_whose_filter_refuses_a_message_is_named_and_gets_no_copy():
    life = told("fan_out").life
    assert [copy.stays[0].queue for copy in life.copies] == ["queues.audit"]
    silence = life.silent[0]
    assert (silence.queue, silence.filtered) == ("queues.orders", True)
    assert silence.why == 'kind is "refund", and must be "order"'
    assert What.FILTERED_OUT in whats("fan_out")


def test_a_message_of_a_locked_group_waits_for_the_one_before_it():
    stay = shown("fifo").stays[0]
    queued, copies = stay.queued, rows("fifo")["copies"]
    mates = (copies["group"] == stay.group) & (copies["sent_at"] <= stay.sent_at)
    before = mates & (copies["copy"] < stay.copy) & (copies["ended_at"] > stay.arrived_at)
    assert queued.in_group == before.sum() > 0
    assert queued.holder in copies["message"][before]
    assert queued.free_at == copies["ended_at"][before].max() <= stay.deliveries[0].received_at
    assert stay.waits[0].binding is not None and stay.waits[0].binding[1] is Limit.GROUP_LOCKED


def test_a_throttled_message_uses_up_a_receive_each_time():
    stay = shown("throttled").stays[0]
    assert len(stay.deliveries) == 2 and stay.cause is Cause.THROTTLE
    assert whats("throttled").count(What.THROTTLED) == 2
    assert What.STARTED not in whats("throttled")


def test_an_expired_message_was_bound_by_its_consumers_limit_for_all_of_its_wait():
    stay = shown("expired").stays[0]
    assert whats("expired")[-1] is What.GONE and not stay.deliveries
    assert stay.ended_at - stay.sent_at == stay.waits[0].lasted_us == 60_000_000
    assert stay.waits[0].held == (
        ("functions.charge.event_sources.orders", Limit.MAXIMUM_CONCURRENCY, 60_000_000),
    )


def test_a_message_that_its_sender_sent_twice_has_a_second_copy_whose_first_delivery_is_a_duplicate():
    life = told("retried").life
    first, second = life.copies
    assert (first.parent, second.parent) == (NONE, first.number)
    assert second.stays[0].deliveries[0].cause is Cause.SENDER_RETRY
    assert life.copies[life.shown] is second  # in the same queue as the first
    assert second.ending is Ending.DELIVERED_AGAIN


def test_a_receive_whose_answer_was_lost_counts_and_starts_nothing():
    first, second = shown("unanswered").stays[0].deliveries
    assert first.started_at == NONE and second.receive_count == 2
    assert whats("unanswered")[3:5] == [What.RECEIVED, What.CUT]


def test_a_delayed_message_of_a_queue_that_nobody_polls_becomes_visible_and_remains():
    assert whats("unconsumed")[2:] == [What.ARRIVED, What.VISIBLE, What.REMAINS]
    stay = shown("unconsumed").stays[0]
    assert stay.visible_at - stay.arrived_at == 5_000_000 and not stay.waits[0].held


# -- against all rows ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ASKED)
def test_stays_and_deliveries_are_those_of_the_run(name):
    life, table = told(name).life, rows(name)
    mine = table["copies"]["message"] == life.message
    found = [stay for copy in life.copies for stay in copy.stays]
    assert sorted(stay.arrived_at for stay in found) == sorted(table["copies"]["arrived_at"][mine])
    copies = np.isin(table["deliveries"]["copy"], table["copies"]["copy"][mine])
    received = [delivery.received_at for stay in found for delivery in stay.deliveries]
    assert sorted(received) == sorted(table["deliveries"]["received_at"][copies])
    assert life.messages == len(table["messages"]["message"])


@pytest.mark.parametrize("name", ASKED)
def test_steps_of_a_copy_are_in_order_and_waits_are_bound_no_longer_than_they_last(name):
    for copy in told(name).life.copies:
        at = [step.at for step in copy_steps(copy)]
        assert at == sorted(at)
        for stay in copy.stays:
            for wait in stay.waits:
                for consumer in {held[0] for held in wait.held}:
                    bound = sum(us for path, _, us in wait.held if path == consumer)
                    assert 0 <= bound <= wait.lasted_us


def test_the_worst_is_the_one_that_took_longest():
    copies, message = rows("overdue")["copies"], told("waited").life.message
    lasted = np.where(copies["succeeded_at"] == NONE, copies["ended_at"], copies["succeeded_at"])
    lasted = lasted - copies["offered_at"]
    assert message == copies["message"][lasted == lasted.max()].min()


def test_a_duplicate_is_the_first_that_was_processed_twice():
    deliveries, copies = rows("overdue")["deliveries"], rows("overdue")["copies"]
    copy = deliveries["copy"][deliveries["repeated"] == 1].min()
    assert told("overdue").life.message == copies["message"][copies["copy"] == copy][0]


def test_what_is_kept_of_a_run_is_only_what_is_about_the_message():
    """So memory does not grow with the run: the sinks hold rows of one message, and a Finder numbers."""
    table = rows("overdue")
    stays, finder = Stays(50), Finder("duplicate")
    for sink in (stays, finder):
        for name, columns in table.items():
            sink.chunk(name, columns)
    assert {row["message"] for row in stays.copies} == {50} and len(stays.copies) == 1
    kept = Deliveries([stays.copies[0]["copy"]])
    for name, columns in table.items():
        kept.chunk(name, columns)
    assert len(kept.deliveries) == len(kept.invocations) == len(kept.mates) == 2
    assert all(isinstance(value, (int, str, type(None))) for value in vars(finder).values())


# -- what is not there -------------------------------------------------------------------------------------


def test_a_number_beyond_the_run_says_how_many_messages_there_are():
    messages = told("clean").life.messages
    with pytest.raises(NoSuchMessage, match=f"{messages:,} messages, numbered 0 to {messages - 1}"):
        Tracer(scenario("clean"), seed=42, replication=0).follow(messages)


@pytest.mark.parametrize("wanted", ["duplicate", "dead_lettered", "lost"])
def test_what_no_message_of_the_run_met_is_said_to_be_none_in_this_run(wanted):
    with pytest.raises(NoSuchMessage, match=r"no message was .* in queue orders in this run \(seed 42"):
        Tracer(scenario("clean"), seed=42, replication=0).find(wanted, "orders")
