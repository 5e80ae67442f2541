"""The FIFO queue driven by hand, rule by rule.

Sources: SQS developer guide; conformance cases (FIFO-...) observed on AWS, which
win over the guide. Random sequences against a plain model are in ``tests/reference``.
"""

from typing import Literal

import pytest

from simulator.aws.sqs.fifo import FifoQueue, FifoReceipt
from simulator.aws.sqs.receipt import NEVER

SECOND = 1_000_000
VISIBILITY = 30 * SECOND
RETENTION = 345_600 * SECOND
WINDOW = 300 * SECOND


def fifo(
    *,
    visibility: int = VISIBILITY,
    retention: int = RETENTION,
    delay: int = 0,
    cap: int = 120_000,
    most: int | None = None,
    calls_per_s: int | None = None,
    burst: int = SECOND,
    scope: Literal["queue", "messageGroup"] = "queue",
    look_through: int = 120_000,
) -> FifoQueue:
    return FifoQueue(
        visibility_timeout_us=visibility,
        retention_us=retention,
        deduplication_window_us=WINDOW,
        calls_per_s=calls_per_s,
        burst_us=burst,
        delay_us=delay,
        max_in_flight=cap,
        max_receive_count=most,
        deduplication_scope=scope,
        look_through=look_through,
    )


def fill(queue: FifoQueue, *groups: str, now: int = 0, first: int = 1) -> None:
    """Send copies *first*, *first* + 1, ... to the groups named, one a microsecond."""
    for k, group in enumerate(groups):
        assert queue.send_message(now + k, first + k, group, first + k) == first + k


def receive(queue: FifoQueue, now: int, most: int = 10, timeout: int | None = None) -> FifoReceipt:
    receipt = queue.receive_message(now, most, timeout)
    assert receipt is not None
    return receipt


def counts(queue: FifoQueue, now: int) -> tuple[int, int, int]:
    return queue.visible(now), queue.delayed(now), queue.in_flight(now)


# -- order and groups ----------------------------------------------------------------------------


def test_messages_of_a_group_come_in_the_order_they_were_sent():
    queue = fifo()  # FIFO-ORD-02
    fill(queue, *"aaaaa")
    assert receive(queue, 10).received == [1, 2, 3, 4, 5]


def test_nothing_of_a_group_is_given_out_behind_a_message_in_flight():
    queue = fifo()  # FIFO-GRP-02
    fill(queue, *"aaa")
    assert receive(queue, 10, 1).received == [1]
    assert queue.receive_message(11, 10) is None


def test_receive_fills_from_one_group_before_the_next():
    queue = fifo()  # SQS guide; its messages need not be neighbours: FIFO-ORD-06, FIFO-GRP-15
    fill(queue, *"abab")
    assert receive(queue, 10, 3).received == [1, 3, 2]
    assert queue.receive_message(11, 10) is None  # b is locked by its first message


def test_groups_come_in_the_order_of_their_oldest_message_that_can_be_had():
    queue = fifo()
    fill(queue, *"cabac")
    assert receive(queue, 10, 2).received == [1, 5]
    assert receive(queue, 11, 2).received == [2, 4]
    assert receive(queue, 12, 2).received == [3]


def test_group_goes_on_when_its_messages_in_flight_are_deleted():
    queue = fifo()
    fill(queue, *"aaa")
    receipt = receive(queue, 10, 2)
    assert queue.delete_messages(20, receipt, [1]) == [1]
    assert queue.receive_message(20) is None  # FIFO-GRP-15: the second one still locks
    assert queue.delete_messages(30, receipt, [2]) == [2]
    assert receive(queue, 30).received == [3]


def test_another_group_is_not_locked():
    queue = fifo()  # FIFO-GRP-07
    fill(queue, *"aab")
    receive(queue, 10, 1)
    assert receive(queue, 11).received == [3]


def test_message_before_the_one_in_flight_is_given_out_alone():
    queue = fifo()  # FIFO-GRP-10, FIFO-GRP-12
    fill(queue, *"aaa")
    receipt = receive(queue, 10, 2)
    queue.change_message_visibility(20, receipt, [1], 0)
    again = receive(queue, 30)
    assert again.received == [1]
    assert again.again == {1: 2}
    assert queue.receive_message(31) is None


def test_returned_message_goes_to_its_place_in_its_group():
    queue = fifo()
    fill(queue, *"aaaa")
    receipt = receive(queue, 10, 3)
    queue.delete_messages(20, receipt, [2])
    fill(queue, "a", now=21, first=5)
    assert receive(queue, 10 + VISIBILITY).received == [1, 3, 4, 5]


def test_message_keeps_its_place_however_often_it_returns():
    queue = fifo(visibility=SECOND)  # only a standard queue sends it to the back: SQS guide
    fill(queue, *"ab")
    for k in range(5):
        assert receive(queue, 10 + k * SECOND, 1).received == [1]


def test_emptied_group_works_again():
    queue = fifo()  # FIFO-GRP-16
    fill(queue, "a")
    receipt = receive(queue, 10)
    queue.delete_messages(20, receipt, receipt.copies)
    fill(queue, "a", now=30, first=2)
    assert receive(queue, 40).received == [2]


def test_visibility_zero_locks_nothing():
    queue = fifo()  # conformance README; FIFO-GRP-07
    fill(queue, *"aab")
    assert receive(queue, 10, 10, 0).received == [1, 2, 3]
    assert counts(queue, 10) == (3, 0, 0)
    again = receive(queue, 10)
    assert again.received == [1, 2, 3]
    assert again.again == {1: 2, 2: 2, 3: 2}


# -- visibility timeout --------------------------------------------------------------------------


def test_message_is_visible_again_the_instant_its_timeout_ends():
    queue = fifo()
    fill(queue, *"aa")
    receipt = receive(queue, 10, 1)
    assert receipt.visible_at == 10 + VISIBILITY == queue.next_visible_at(11)
    assert queue.receive_message(10 + VISIBILITY - 1) is None
    assert receive(queue, 10 + VISIBILITY).received == [1, 2]


def test_timeout_of_the_receive_overrides_that_of_the_queue():
    queue = fifo()
    fill(queue, "a")
    receive(queue, 10, 1, 5)
    assert receive(queue, 15, 1).again == {1: 2}


def test_changed_visibility_counts_from_the_call():
    queue = fifo()  # FIFO-GRP-06
    fill(queue, *"aa")
    receipt = receive(queue, 10, 1)
    changed = queue.change_message_visibility(20, receipt, [1], 100)
    assert (receipt.copies, changed.copies, changed.visible_at) == ([], [1], 120)
    assert queue.next_visible_at(21) == 120
    assert queue.receive_message(119) is None
    assert receive(queue, 120).received == [1, 2]


def test_extended_message_is_deleted_by_the_receipt_that_holds_it():
    queue = fifo()
    fill(queue, *"aa")
    receipt = receive(queue, 10)
    changed = queue.change_message_visibility(20, receipt, [2], 2 * VISIBILITY)
    late = 10 + VISIBILITY + 1
    assert queue.delete_messages(late, receipt, [1, 2]) == []
    assert queue.delete_messages(late, changed, [2]) == [2]
    assert receive(queue, late).received == [1]


@pytest.mark.parametrize("call", ["delete", "change"])
def test_call_with_an_ended_handle_is_refused_with_its_reason(call):
    queue = fifo()  # FIFO-DEL-01
    fill(queue, "a")
    receipt = receive(queue, 10)
    end = 10 + VISIBILITY
    assert queue.refusal(end - 1, receipt) is None
    reason = queue.refusal(end, receipt)
    assert reason is not None and "InvalidParameterValue" in reason
    if call == "delete":
        assert queue.delete_messages(end, receipt, [1]) == []
    else:
        assert queue.change_message_visibility(end, receipt, [1], VISIBILITY).copies == []
    assert receive(queue, end).again == {1: 2}


def test_handle_of_a_released_message_is_refused():
    queue = fifo()
    fill(queue, "a")
    changed = queue.change_message_visibility(20, receive(queue, 10), [1], 0)
    assert queue.refusal(20, changed) is not None
    assert receive(queue, 20).received == [1]


def test_delete_is_idempotent_and_touches_no_other_message():
    queue = fifo()
    fill(queue, *"aa")
    receipt = receive(queue, 10)
    assert queue.delete_messages(20, receipt, [1]) == [1]
    assert queue.delete_messages(21, receipt, [1]) == []
    assert receipt.copies == [2]
    assert counts(queue, 22) == (0, 0, 1)


def test_receipt_tells_since_when_its_newest_message_could_be_had():
    queue = fifo()
    fill(queue, *"aab")
    first = receive(queue, 10, 1)
    assert first.available_at == 0
    queue.delete_messages(50, first, [1])
    assert receive(queue, 60, 1).available_at == 50  # its group let it go then
    assert receive(queue, 70, 1).available_at == 2
    assert receive(queue, 60 + VISIBILITY + 9, 1).available_at == 60 + VISIBILITY


# -- counts, delay, cap --------------------------------------------------------------------------


def test_messages_locked_only_by_their_group_count_as_visible():
    queue = fifo()  # conformance README
    fill(queue, *"aaa")
    receive(queue, 10, 1)
    assert counts(queue, 11) == (2, 0, 1)


def test_delayed_message_is_visible_the_instant_its_delay_ends():
    queue = fifo(delay=5 * SECOND)
    fill(queue, *"ab")
    assert counts(queue, 2) == (0, 2, 0)
    assert queue.next_visible_at(2) == 5 * SECOND
    assert queue.receive_message(5 * SECOND - 1) is None
    assert receive(queue, 5 * SECOND).received == [1]
    assert counts(queue, 5 * SECOND) == (0, 1, 1)


def test_message_not_yet_due_stops_the_walk_through_its_group():
    queue = fifo(delay=5 * SECOND)
    fill(queue, "a")
    fill(queue, "a", now=SECOND, first=2)
    assert receive(queue, 5 * SECOND).received == [1]


def test_receive_finds_nothing_while_the_in_flight_cap_is_reached():
    queue = fifo(cap=3)  # no error: SQS guide
    fill(queue, *"abcde")
    receipt = receive(queue, 10, 2)
    assert receive(queue, 11).received == [3]
    assert queue.receive_message(12) is None
    assert queue.next_visible_at(12) == 10 + VISIBILITY
    queue.delete_messages(13, receipt, [1])
    assert receive(queue, 13).received == [4]


def test_each_action_has_its_calls_a_second_and_empty_receives_take_theirs():
    queue = fifo(calls_per_s=300, burst=SECOND)
    assert queue.send_calls is not None and queue.receive_calls is not None and queue.delete_calls is not None
    assert sum(queue.receive_calls.take(0) for _ in range(400)) == 300
    assert queue.send_calls.take(0) and queue.delete_calls.take(0)
    assert fifo(calls_per_s=None).send_calls is None


def test_contents_are_all_copies_with_their_state():
    queue = fifo(delay=SECOND)
    fill(queue, *"aab")
    receipt = receive(queue, SECOND + 2)
    assert receipt.received == [1, 2, 3]
    queue.delete_messages(SECOND + 3, receipt, [2])
    queue.change_message_visibility(SECOND + 4, receipt, [3], 0)
    fill(queue, "b", now=SECOND + 5, first=4)
    assert list(queue.contents(SECOND + 6)) == [(1, "in_flight"), (3, "visible"), (4, "delayed")]


# -- deduplication -------------------------------------------------------------------------------


def test_duplicate_send_answers_with_the_original_and_stores_nothing():
    queue = fifo()  # FIFO-DUP-11, FIFO-DUP-14
    assert queue.send_message(0, 1, "a", "id") == 1
    assert queue.send_message(1, 2, "a", "id") == 1
    assert queue.send_message(2, 3, "b", "id") == 1  # whatever the group: FIFO-DUP-04
    assert counts(queue, 3) == (1, 0, 0)


def test_deduplication_outlives_the_delete():
    queue = fifo()  # FIFO-DUP-02b
    queue.send_message(0, 1, "a", "id")
    queue.delete_messages(20, receive(queue, 10), [1])
    assert queue.send_message(30, 2, "a", "id") == 1
    assert queue.receive_message(31) is None


def test_deduplication_outlives_the_move_to_the_dead_letter_queue():
    queue = fifo(most=1)  # FIFO-DLQ-05
    queue.send_message(0, 1, "a", "id")
    receive(queue, 10, 1, 0)
    assert receive(queue, 20).moved == [1]
    assert queue.send_message(30, 2, "a", "id") == 1


def test_window_starts_at_the_first_accepted_send():
    queue = fifo()  # FIFO-DUP-10
    queue.send_message(0, 1, "a", "id")
    assert queue.send_message(WINDOW - 1, 2, "a", "id") == 1
    assert queue.send_message(WINDOW, 3, "a", "id") == 3
    assert receive(queue, WINDOW).received == [1, 3]


# -- redrive -------------------------------------------------------------------------------------


def test_message_is_moved_at_the_receive_after_the_last_allowed_one():
    queue = fifo(most=2)
    fill(queue, "a")
    for k in (1, 2):
        receive(queue, 10 * k, 1, 0)
    assert counts(queue, 25) == (1, 0, 0)  # DLQ-04: it stays until a receive looks at it
    assert queue.next_visible_at(25) == 25
    receipt = receive(queue, 30)
    assert (receipt.copies, receipt.moved, receipt.again) == ([], [1], {})
    assert counts(queue, 30) == (0, 0, 0)
    assert queue.receive_message(30) is None


def test_receive_that_moves_the_head_goes_on_with_the_rest_of_its_group():
    queue = fifo(most=1)  # FIFO-DLQ-02
    fill(queue, *"aaab")
    receive(queue, 10, 1, 0)
    receipt = receive(queue, 20, 3)
    assert (receipt.received, receipt.moved) == ([2, 3, 4], [1])
    assert counts(queue, 20) == (0, 0, 3)


def test_move_unblocks_the_group():
    queue = fifo(most=1)  # FIFO-DLQ-06
    fill(queue, "a")
    receive(queue, 10, 1, 0)
    assert receive(queue, 20).moved == [1]
    fill(queue, "a", now=30, first=2)
    assert receive(queue, 40).received == [2]


def test_moved_in_message_goes_on_counting_its_receives_and_keeps_its_group():
    dlq = fifo()  # DLQ-02
    dlq.move_in(100, [7, 8], [0, 1], [2, 5], ["a", "a"])
    assert receive(dlq, 110, 1).again == {7: 3}
    assert dlq.receive_message(111) is None


def test_retention_clock_restarts_at_the_move():
    dlq = fifo(retention=60 * SECOND)  # SQS guide: a standard queue keeps the clock, a FIFO queue does not
    dlq.move_in(50 * SECOND, [7], [0], [1], ["a"])
    assert dlq.expire(110 * SECOND - 1) == []
    assert dlq.expire(110 * SECOND) == [(7, 110 * SECOND)]


# -- retention -----------------------------------------------------------------------------------


def test_message_is_gone_the_instant_its_retention_ends():
    queue = fifo(retention=60 * SECOND)  # FIFO-RET-01
    fill(queue, *"ab")
    assert queue.expire(60 * SECOND - 1) == []
    assert queue.expire(60 * SECOND) == [(1, 60 * SECOND)]
    assert receive(queue, 60 * SECOND).received == [2]
    assert queue.expire(70 * SECOND) == [(2, 60 * SECOND + 1)]
    assert queue.next_visible_at(70 * SECOND) == NEVER


def test_retention_removes_a_message_in_flight_and_frees_its_group():
    queue = fifo(retention=60 * SECOND, visibility=600 * SECOND)
    fill(queue, "a")
    fill(queue, "a", now=SECOND, first=2)
    receipt = receive(queue, 2 * SECOND, 1)
    assert queue.next_visible_at(2 * SECOND) == 60 * SECOND
    assert counts(queue, 60 * SECOND) == (1, 0, 0)
    assert receive(queue, 60 * SECOND).received == [2]
    assert queue.delete_messages(60 * SECOND, receipt, [1]) == []
    assert queue.refusal(60 * SECOND, receipt) is None  # the delete itself succeeds


def test_retention_removes_a_delayed_message():
    queue = fifo(retention=60 * SECOND, delay=900 * SECOND)
    fill(queue, "a")
    assert queue.next_visible_at(1) == NEVER
    assert counts(queue, 60 * SECOND) == (0, 0, 0)
    assert queue.expire(60 * SECOND) == [(1, 60 * SECOND)]
