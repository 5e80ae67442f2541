"""A receive looks for a free group among the first messages of the queue only (SQS guide)."""

from tests.aws.sqs.test_fifo import SECOND, counts, fifo, fill, receive
from tests.aws.sqs.test_fifo_work import lines_run

DEPTH = 120_000


def test_locked_group_with_120_000_messages_in_front_starves_all_others():
    """Derived: zero throughput for the others, however many receives there are."""
    queue = fifo()
    for copy in range(DEPTH):
        queue.send_message(0, copy, "hot", copy)
    queue.send_message(1, DEPTH, "cold", DEPTH)
    held = receive(queue, 2, 1)
    assert held.copies == [0]
    for now in range(3, 100):
        assert queue.receive_message(now, 10) is None
    assert queue.next_visible_at(100) == held.visible_at
    assert counts(queue, 100) == (DEPTH, 0, 1)


def test_one_message_less_in_front_lets_the_next_group_through():
    queue = fifo()
    for copy in range(DEPTH - 1):
        queue.send_message(0, copy, "hot", copy)
    queue.send_message(1, DEPTH, "cold", DEPTH)
    receive(queue, 2, 1)
    assert receive(queue, 3, 10).copies == [DEPTH]


def test_horizon_moves_on_with_every_message_that_is_gone():
    queue = fifo(look_through=3)
    fill(queue, *"aaabc")
    held = receive(queue, 10, 1)
    assert queue.receive_message(11) is None
    queue.delete_messages(12, held, [1])
    held = receive(queue, 13, 2)
    assert held.copies == [2, 3]
    assert receive(queue, 14).copies == [4]
    assert queue.receive_message(15) is None
    queue.delete_messages(16, held, [2])
    assert receive(queue, 17).copies == [5]


def test_messages_in_flight_are_among_those_looked_through():
    queue = fifo(look_through=3)
    fill(queue, *"abcd")
    assert receive(queue, 10, 10).copies == [1, 2, 3]
    assert queue.receive_message(11) is None


def test_run_of_a_group_ends_at_the_horizon():
    queue = fifo(look_through=3)
    fill(queue, *"abaa")
    assert receive(queue, 10, 10).copies == [1, 3, 2]


def test_what_expires_moves_the_horizon_and_is_waited_for():
    queue = fifo(look_through=2, retention=100 * SECOND, visibility=1_000 * SECOND)
    fill(queue, *"aa")
    receive(queue, 10, 1)
    queue.send_message(SECOND, 3, "b", 3)
    assert queue.receive_message(SECOND) is None
    assert queue.next_visible_at(SECOND) == 100 * SECOND
    assert receive(queue, 100 * SECOND).copies == [2, 3]


def test_work_for_a_copy_does_not_grow_with_what_is_behind_the_horizon():
    small = lines_run(1_000, 100, 5, look_through=200)
    large = lines_run(8_000, 100, 5, look_through=200)
    assert large < 1.15 * small
    assert large < 150
