"""SQS standard queues, rule by rule (SQS developer guide; conformance STD cases)."""

from typing import Any

import pytest

from simulator.aws.sqs.receipt import NEVER
from simulator.aws.sqs.standard import StandardQueue

S = 1_000_000
DAY = 86_400 * S


def a_queue(**settings_: Any) -> StandardQueue:
    return StandardQueue(**{"visibility_timeout_us": 30 * S, "retention_us": 4 * DAY, **settings_})


def test_a_message_is_visible_the_instant_it_is_sent() -> None:
    queue = a_queue()
    queue.send_messages([5 * S], [0])
    assert queue.receive_message(5 * S - 1) is None
    receipt = queue.receive_message(5 * S)
    assert receipt is not None and receipt.copies == [0]


def test_messages_come_oldest_first_and_at_most_as_many_as_asked() -> None:
    queue = a_queue()
    queue.send_messages([0, 1, 2, 3], [10, 11, 12, 13])
    first, second = queue.receive_message(S, 3), queue.receive_message(S, 3)
    assert first is not None and first.copies == [10, 11, 12]
    assert second is not None and second.copies == [13]


def test_a_message_is_visible_again_the_instant_its_timeout_ends() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    queue.receive_message(S)
    assert queue.receive_message(31 * S - 1) is None
    assert queue.next_visible_at(2 * S) == 31 * S
    receipt = queue.receive_message(31 * S)
    assert receipt is not None and receipt.again == {0: 2}


def test_the_timeout_of_a_receive_overrides_the_queues_for_that_receive_only() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    queue.receive_message(0, 1, 5 * S)
    assert queue.receive_message(5 * S) is not None
    assert queue.receive_message(10 * S) is None
    assert queue.receive_message(35 * S) is not None


def test_a_receive_with_timeout_zero_leaves_the_message_visible() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    queue.receive_message(S, 1, 0)
    assert (queue.visible(S), queue.in_flight(S)) == (1, 0)
    receipt = queue.receive_message(S)
    assert receipt is not None and receipt.again == {0: 2}


def test_a_deleted_message_does_not_come_back() -> None:
    queue = a_queue()
    queue.send_messages([0, 0], [0, 1])
    receipt = queue.receive_message(S, 10)
    assert receipt is not None
    assert queue.delete_messages(2 * S, receipt, [0]) == [0]
    again = queue.receive_message(40 * S, 10)
    assert again is not None and again.copies == [1]


def test_delete_works_after_the_timeout_while_nobody_has_received_the_message_since() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    receipt = queue.receive_message(0)
    assert receipt is not None
    assert queue.delete_messages(31 * S, receipt, [0]) == [0]
    assert queue.receive_message(32 * S) is None


def test_an_older_handle_deletes_nothing_once_the_message_was_received_again() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    old = queue.receive_message(0)
    new = queue.receive_message(30 * S)
    assert old is not None and new is not None
    assert queue.delete_messages(31 * S, old, [0]) == []
    assert queue.delete_messages(32 * S, new, [0]) == [0]
    assert queue.delete_messages(33 * S, new, [0]) == []


def test_changing_the_visibility_counts_from_the_call() -> None:
    queue = a_queue()
    queue.send_messages([0, 0], [0, 1])
    receipt = queue.receive_message(0, 10)
    assert receipt is not None
    queue.change_message_visibility(10 * S, receipt, [0], 5 * S)
    released = queue.receive_message(15 * S, 10)
    assert released is not None and released.copies == [0]
    other = queue.receive_message(30 * S, 10)
    assert other is not None and other.copies == [1]


def test_deleting_twice_deletes_once() -> None:
    queue = a_queue()
    queue.send_messages([0, 0], [0, 1])
    receipt = queue.receive_message(S, 10)
    assert receipt is not None
    assert [queue.delete_messages(2 * S, receipt, [0]) for _ in range(2)] == [[0], []]
    assert queue.in_flight(2 * S) == 1


def test_changing_the_visibility_after_the_timeout_hides_the_message_again() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    receipt = queue.receive_message(0)
    assert receipt is not None
    queue.change_message_visibility(31 * S, receipt, [0], 10 * S)
    assert (queue.visible(32 * S), queue.in_flight(32 * S)) == (0, 1)
    assert queue.next_visible_at(32 * S) == 41 * S


def test_an_older_handle_still_changes_the_visibility_of_a_message_that_another_holds() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    old = queue.receive_message(0)
    queue.receive_message(30 * S)
    assert old is not None
    queue.change_message_visibility(31 * S, old, [0], 100 * S)
    assert queue.visible(130 * S) == 0
    assert (queue.visible(131 * S), queue.in_flight(131 * S)) == (1, 0)


def test_changing_the_visibility_of_a_deleted_message_changes_nothing() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    receipt = queue.receive_message(0)
    assert receipt is not None
    queue.delete_messages(S, receipt, [0])
    assert queue.change_message_visibility(2 * S, receipt, [0], 0).copies == []
    assert (queue.visible(3 * S), queue.in_flight(3 * S)) == (0, 0)


def test_visibility_zero_releases_at_once() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    receipt = queue.receive_message(0)
    assert receipt is not None
    queue.change_message_visibility(S, receipt, [0], 0)
    assert queue.visible(S) == 1


def test_a_returning_message_keeps_its_place_until_its_third_receive() -> None:
    queue = a_queue(visibility_timeout_us=S)
    queue.send_messages([0, 0, 0], [0, 1, 2])
    for nth in range(2):
        receipt = queue.receive_message(2 * nth * S)
        assert receipt is not None and receipt.copies == [0]
    third = queue.receive_message(4 * S)
    assert third is not None and third.again == {0: 3}
    last = queue.receive_message(6 * S, 10)
    assert last is not None and last.copies == [1, 2, 0]


def test_the_delay_of_the_queue_hides_a_message_at_first() -> None:
    queue = a_queue(delay_us=10 * S)
    queue.send_messages([0, 5 * S], [0, 1])
    assert (queue.visible(9 * S), queue.delayed(9 * S)) == (0, 2)
    assert queue.delayed(4 * S) == 1  # the other is not sent yet
    assert queue.next_visible_at(0) == 10 * S
    assert queue.visible(10 * S) == 1


def test_a_message_is_seen_exactly_max_receive_count_times_then_moved() -> None:
    queue = a_queue(max_receive_count=2)
    queue.send_messages([0], [7])
    for nth in range(2):
        receipt = queue.receive_message(30 * S * nth)
        assert receipt is not None and receipt.copies == [7]
    assert queue.visible(60 * S) == 1  # exhausted, but nobody has looked
    third = queue.receive_message(60 * S)
    assert third is not None and (third.copies, third.moved) == ([], [7])
    assert queue.receive_message(60 * S) is None
    assert queue.visible(60 * S) == 0


def test_a_receive_that_moves_one_gives_out_the_next() -> None:
    queue = a_queue(max_receive_count=1)
    queue.send_messages([0, 1], [0, 1])
    queue.receive_message(S)
    receipt = queue.receive_message(31 * S)
    assert receipt is not None and (receipt.copies, receipt.moved) == ([1], [0])


def test_a_moved_message_keeps_its_sent_time_for_retention_and_its_receive_count() -> None:
    queue = a_queue(retention_us=100 * S, visibility_timeout_us=60 * S)
    queue.move_in(60 * S, [3], [0], [5])
    receipt = queue.receive_message(61 * S)
    assert receipt is not None and receipt.again == {3: 6}
    assert queue.expire(100 * S) == []  # in flight: noticed when its timeout ends
    assert queue.receive_message(121 * S) is None
    assert queue.expire(121 * S) == [(3, 100 * S)]


@pytest.mark.parametrize("received", [False, True])
def test_retention_removes_a_message_whatever_its_state(received: bool) -> None:
    queue = a_queue(retention_us=60 * S, visibility_timeout_us=120 * S)
    queue.send_messages([0], [0])
    receipt = queue.receive_message(10 * S) if received else None
    assert queue.receive_message(60 * S) is None
    if receipt is not None:  # a later delete succeeds, and deletes nothing
        assert queue.delete_messages(61 * S, receipt, [0]) == []
    assert queue.expire(61 * S) == [(0, 60 * S)]
    assert (queue.visible(200 * S), queue.in_flight(200 * S)) == (0, 0)


def test_above_the_in_flight_cap_a_receive_finds_nothing_until_a_delete() -> None:
    queue = a_queue(max_in_flight=3)
    queue.send_messages([0] * 5, [0, 1, 2, 3, 4])
    receipt = queue.receive_message(S, 10)
    assert receipt is not None and len(receipt.copies) == 3
    assert queue.receive_message(S, 10) is None
    assert queue.next_visible_at(S) == 31 * S
    queue.delete_messages(2 * S, receipt, [0])
    more = queue.receive_message(2 * S, 10)
    assert more is not None and more.copies == [3]


def test_a_short_poll_above_the_in_flight_cap_is_refused_and_a_long_one_just_finds_nothing() -> None:
    queue = a_queue(max_in_flight=1)
    queue.send_messages([0, 0], [0, 1])
    assert queue.short_poll_refusal(0) is None
    queue.receive_message(0)
    assert queue.short_poll_refusal(S) == "OverLimit"
    assert queue.receive_message(S) is None
    assert queue.short_poll_refusal(30 * S) is None


def test_a_message_timer_beats_the_delay_of_the_queue() -> None:
    queue = a_queue(delay_us=10 * S)
    queue.send_delayed(0, 0, 0)
    queue.send_delayed(0, 1, 900 * S)
    queue.send_messages([0], [2])
    assert (queue.visible(0), queue.delayed(0)) == (1, 2)
    assert (queue.visible(10 * S), queue.delayed(10 * S)) == (2, 1)
    assert queue.next_visible_at(899 * S) == 899 * S
    assert (queue.visible(900 * S), queue.delayed(900 * S)) == (3, 0)


def test_messages_with_timers_come_by_the_time_they_were_sent() -> None:
    queue = a_queue()
    queue.send_delayed(0, 0, 5 * S)
    queue.send_messages([S], [1])
    receipt = queue.receive_message(5 * S, 10)
    assert receipt is not None and receipt.copies == [0, 1] and not receipt.again
    assert queue.delete_messages(6 * S, receipt, [0, 1]) == [0, 1]


def test_retention_counts_from_the_send_also_under_a_timer() -> None:
    queue = a_queue(retention_us=60 * S)
    queue.send_delayed(0, 0, 900 * S)
    assert queue.expire(60 * S) == [(0, 60 * S)]
    assert queue.delayed(60 * S) == 0


def test_a_new_delay_is_for_later_messages_only() -> None:
    queue = a_queue(delay_us=10 * S)
    queue.send_messages([0, 5 * S], [0, 1])  # the second is still on its way
    queue.set_attributes(S, delay_us=100 * S)
    assert queue.visible(10 * S) == 1
    assert queue.next_visible_at(11 * S) == 11 * S
    assert (queue.visible(104 * S), queue.visible(105 * S)) == (1, 2)


def test_a_new_visibility_timeout_is_for_later_receives_only() -> None:
    queue = a_queue()
    queue.send_messages([0, 0], [0, 1])
    queue.receive_message(0)
    queue.set_attributes(S, visibility_timeout_us=5 * S)
    queue.receive_message(S)
    assert queue.in_flight(6 * S) == 1
    assert (queue.in_flight(30 * S - 1), queue.in_flight(30 * S)) == (1, 0)


def test_a_new_retention_acts_on_stored_messages() -> None:
    queue = a_queue()
    queue.send_messages([0, 50 * S], [0, 1])
    receipt = queue.receive_message(S, 1, 0)
    assert receipt is not None
    queue.set_attributes(80 * S, retention_us=60 * S)
    assert queue.expire(80 * S) == [(0, 60 * S)]
    assert queue.visible(80 * S) == 1
    assert queue.expire(110 * S) == [(1, 110 * S)]


@pytest.mark.parametrize("state", ["visible", "delayed", "in_flight", "back"])
def test_purge_removes_a_message_in_any_state(state: str) -> None:
    queue = a_queue(visibility_timeout_us=5 * S)
    receipt = None
    if state == "delayed":
        queue.send_delayed(0, 0, 60 * S)
    else:
        queue.send_messages([0], [0])
        receipt = None if state == "visible" else queue.receive_message(0)
    now = 10 * S if state == "back" else S
    assert dict(queue.contents(now)) == {0: "visible" if state == "back" else state}
    assert queue.purge(now) == [0]
    assert dict(queue.contents(now)) == {}
    assert queue.receive_message(61 * S) is None
    if receipt is not None:
        assert queue.delete_messages(2 * S, receipt, [0]) == []
    assert (queue.visible(61 * S), queue.delayed(61 * S), queue.in_flight(61 * S)) == (0, 0, 0)


def test_purge_leaves_what_is_still_on_its_way() -> None:
    queue = a_queue()
    queue.send_messages([0, 5 * S], [0, 1])
    assert queue.purge(S) == [0]
    receipt = queue.receive_message(5 * S, 10)
    assert receipt is not None and receipt.copies == [1]


def test_a_message_is_held_for_12_hours_from_its_receive_at_most() -> None:
    """The SQS guide's own example: the full 43,200 s fail right after the receive."""
    queue = a_queue()
    queue.send_messages([0], [0])
    receipt = queue.receive_message(0)
    assert receipt is not None
    refused = queue.refusal(S, receipt, 43_200 * S)
    assert refused is not None and refused.startswith("InvalidParameterValue")
    assert queue.change_message_visibility(S, receipt, [0], 43_200 * S).copies == []
    assert queue.visible(30 * S) == 1  # the refused call has changed nothing
    assert queue.refusal(2 * S, receipt, 43_195 * S) is None


def test_extensions_do_not_restart_the_12_hours() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    receipt = queue.receive_message(0, 1, 43_000 * S)
    assert receipt is not None
    extended = queue.change_message_visibility(40_000 * S, receipt, [0], 3_000 * S)
    assert extended.copies == [0]
    assert queue.refusal(42_000 * S, extended, 1_201 * S) is not None
    assert queue.refusal(42_000 * S, extended, 1_200 * S) is None


def test_a_handle_holds_on_after_a_change_by_it() -> None:
    queue = a_queue()
    queue.send_messages([0], [0])
    receipt = queue.receive_message(0)
    assert receipt is not None
    first = queue.change_message_visibility(S, receipt, [0], 100 * S)
    second = queue.change_message_visibility(2 * S, receipt, [0], 50 * S)
    assert (first.copies, second.copies) == ([], [0])
    assert queue.next_visible_at(3 * S) == 52 * S


def test_the_age_of_the_oldest_counts_every_message_that_is_not_deleted() -> None:
    queue = a_queue()
    assert queue.oldest_at(0) == NEVER
    queue.send_messages([S, 2 * S, 90 * S], [0, 1, 2])  # the last one is still on its way
    receipt = queue.receive_message(3 * S, 10)
    assert receipt is not None
    assert queue.oldest_at(4 * S) == S
    queue.delete_messages(5 * S, receipt, [0])
    assert queue.oldest_at(6 * S) == 2 * S
    assert queue.oldest_at(60 * S) == 2 * S
    queue.delete_messages(61 * S, receipt, [1])
    assert (queue.oldest_at(62 * S), queue.oldest_at(90 * S)) == (NEVER, 90 * S)


def test_the_age_of_the_oldest_skips_a_message_received_three_times() -> None:
    queue = a_queue(visibility_timeout_us=S)
    queue.send_messages([0, 10 * S], [0, 1])
    for nth in range(3):
        assert queue.oldest_at(2 * nth * S) == 0
        queue.receive_message(2 * nth * S)
    assert (queue.oldest_at(8 * S), queue.oldest_at(10 * S)) == (NEVER, 10 * S)


def test_the_age_of_the_oldest_in_a_dead_letter_queue_counts_from_the_move() -> None:
    queue = a_queue()
    queue.move_in(60 * S, [3], [0], [5])
    assert queue.oldest_at(61 * S) == 60 * S


def test_a_message_without_delay_does_not_bring_out_one_whose_delay_runs() -> None:
    queue = a_queue(delay_us=10 * S)
    queue.send_messages([0], [0])
    queue.send_delayed(S, 1, 0)
    receipt = queue.receive_message(S, 10)
    assert receipt is not None and receipt.received == [1]
    assert queue.next_visible_at(S) == 10 * S
