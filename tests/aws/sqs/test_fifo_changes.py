"""A FIFO queue whose attributes change, that is purged, and whose receives are asked for again.

Sources: SQS developer guide, the service model, conformance cases observed on AWS.
"""

import pytest

from tests.aws.sqs.test_fifo import SECOND, WINDOW, counts, fifo, fill, receive

MINUTE = 60 * SECOND


# -- scope of deduplication ----------------------------------------------------------------------


def test_in_queue_scope_an_id_is_good_for_all_groups():
    queue = fifo()  # FIFO-DUP-04
    assert queue.send_message(0, 1, "g1", "same") == 1
    assert queue.send_message(SECOND, 2, "g2", "same") == 1
    assert counts(queue, SECOND) == (1, 0, 0)


def test_in_message_group_scope_an_id_is_good_for_its_group():
    queue = fifo(scope="messageGroup")  # FIFO-DUP-05, FIFO-DUP-06
    assert queue.send_message(0, 1, "g1", "same") == 1
    assert queue.send_message(SECOND, 2, "g2", "same") == 2
    assert queue.send_message(2 * SECOND, 3, "g1", "same") == 1
    assert counts(queue, 2 * SECOND) == (2, 0, 0)


@pytest.mark.parametrize(("after", "stored"), [(299 * SECOND, 1), (300 * SECOND, 2), (301 * SECOND, 2)])
@pytest.mark.parametrize("scope", ["queue", "messageGroup"])
def test_same_id_is_stored_once_at_299_seconds_and_twice_at_301(scope, after, stored):
    queue = fifo(scope=scope)
    queue.send_message(0, 1, "g", "same")
    queue.send_message(after, 2, "g", "same")
    assert queue.visible(after) == stored


# -- receive attempts ----------------------------------------------------------------------------


def test_same_attempt_gets_the_same_messages_by_the_same_receipt():
    queue = fifo()  # FIFO-ATT-01
    fill(queue, *"aab")
    first = queue.receive_message(10, 2, receive_request_attempt_id="a1")
    again = queue.receive_message(20, 2, receive_request_attempt_id="a1")
    assert first is again
    assert first is not None and first.copies == [1, 2]
    assert counts(queue, 20) == (1, 0, 2)


def test_asking_again_restarts_the_visibility_timeout():
    queue = fifo(visibility=30 * SECOND)
    fill(queue, *"ab")
    first = queue.receive_message(0, 1, receive_request_attempt_id="a1")
    other = receive(queue, SECOND, 1)
    queue.receive_message(20 * SECOND, 1, receive_request_attempt_id="a1")
    assert first is not None and first.visible_at == 50 * SECOND
    assert queue.next_visible_at(20 * SECOND) == other.visible_at == 31 * SECOND
    assert counts(queue, 49 * SECOND) == (1, 0, 1)
    assert counts(queue, 50 * SECOND) == (2, 0, 0)
    assert receive(queue, 50 * SECOND).again == {1: 2, 2: 2}  # asking again is no receive


@pytest.mark.parametrize("change", ["deleted", "changed", "ended"])
def test_attempt_is_a_new_receive_when_one_of_its_messages_was_changed(change):
    queue = fifo(visibility=30 * SECOND)
    fill(queue, *"aab")
    first = queue.receive_message(10, 2, receive_request_attempt_id="a1")
    assert first is not None
    now = 20
    if change == "deleted":
        queue.delete_messages(15, first, [1])
    elif change == "changed":
        queue.change_message_visibility(15, first, [1], 10 * SECOND)
    else:
        now = first.visible_at
    second = queue.receive_message(now, 2, receive_request_attempt_id="a1")
    assert second is not None and second is not first
    assert second.copies == ([1, 2] if change == "ended" else [3])


def test_attempt_is_forgotten_after_five_minutes():
    queue = fifo(visibility=20 * MINUTE)
    fill(queue, *"ab")
    first = queue.receive_message(0, 1, receive_request_attempt_id="a1")
    assert queue.receive_message(WINDOW - 1, 1, receive_request_attempt_id="a1") is first
    later = queue.receive_message(WINDOW, 1, receive_request_attempt_id="a1")
    assert later is not None and later.copies == [2]


# -- purge ---------------------------------------------------------------------------------------


def test_purge_takes_what_is_visible_delayed_and_in_flight():
    queue = fifo(delay=10 * SECOND)
    fill(queue, *"ab")
    held = receive(queue, 10 * SECOND, 1)
    fill(queue, "c", now=12 * SECOND, first=3)
    assert sorted(queue.purge(12 * SECOND)) == [1, 2, 3]
    assert counts(queue, 12 * SECOND) == (0, 0, 0)
    assert queue.delete_messages(13 * SECOND, held, [1]) == []
    assert counts(queue, 10 * MINUTE) == (0, 0, 0)
    assert queue.expire(10 * MINUTE) == []


def test_purge_frees_groups():
    queue = fifo()  # FIFO-GRP-17
    fill(queue, "g")
    receive(queue, 10)
    queue.purge(20)
    queue.send_message(30, 2, "g", "d2")
    assert receive(queue, 40).copies == [2]


def test_purge_forgets_deduplication_ids_and_attempts():
    queue = fifo()
    queue.send_message(0, 1, "g", "same")
    queue.receive_message(1, 1, receive_request_attempt_id="a1")
    queue.purge(2)
    assert queue.send_message(3, 2, "g", "same") == 2
    receipt = queue.receive_message(4, 1, receive_request_attempt_id="a1")
    assert receipt is not None and receipt.copies == [2]


# -- attributes ----------------------------------------------------------------------------------


def test_longer_delay_hides_what_is_stored_already():
    queue = fifo()  # FIFO-DLY-05
    fill(queue, "a")
    queue.set_attributes(SECOND // 2, delay_us=SECOND)
    assert counts(queue, SECOND // 2) == (0, 1, 0)
    assert queue.receive_message(SECOND - 1) is None
    assert queue.next_visible_at(SECOND - 1) == SECOND
    assert receive(queue, SECOND).copies == [1]


def test_shorter_delay_shows_what_is_stored_already():
    queue = fifo(delay=MINUTE)
    fill(queue, "a")
    queue.set_attributes(20 * SECOND, delay_us=10 * SECOND)
    assert counts(queue, 20 * SECOND) == (1, 0, 0)
    assert receive(queue, 20 * SECOND).copies == [1]


def test_longer_delay_leaves_alone_what_is_in_flight():
    queue = fifo(visibility=5 * SECOND)
    fill(queue, *"ab")
    receive(queue, 10, 1)
    queue.set_attributes(20, delay_us=MINUTE)
    assert counts(queue, 20) == (0, 1, 1)
    assert counts(queue, 6 * SECOND) == (1, 1, 0)
    assert receive(queue, 6 * SECOND).copies == [1]


def test_changed_visibility_timeout_is_that_of_later_receives():
    queue = fifo(visibility=30 * SECOND)
    fill(queue, *"abc")
    first = receive(queue, 10, 1)
    queue.set_attributes(20, visibility_timeout_us=5 * SECOND)
    second = receive(queue, 30, 1)
    assert (first.visible_at, second.visible_at) == (30 * SECOND + 10, 5 * SECOND + 30)
    assert counts(queue, 5 * SECOND + 30) == (2, 0, 1)
    assert counts(queue, 30 * SECOND + 10) == (3, 0, 0)


def test_shorter_retention_takes_what_is_stored_already_at_the_change():
    queue = fifo()
    fill(queue, *"ab")
    held = receive(queue, 10, 1)
    queue.send_message(2 * MINUTE, 3, "c", 3)
    queue.set_attributes(3 * MINUTE, retention_us=2 * MINUTE)
    assert queue.expire(3 * MINUTE) == [(1, 3 * MINUTE), (2, 3 * MINUTE)]
    assert queue.delete_messages(3 * MINUTE, held, [1]) == []
    assert queue.expire(4 * MINUTE) == [(3, 4 * MINUTE)]


def test_longer_retention_keeps_what_is_stored_already():
    queue = fifo(retention=2 * MINUTE)
    fill(queue, "a")
    queue.set_attributes(MINUTE, retention_us=10 * MINUTE)
    assert queue.expire(10 * MINUTE - 1) == []
    assert queue.expire(10 * MINUTE) == [(1, 10 * MINUTE)]
