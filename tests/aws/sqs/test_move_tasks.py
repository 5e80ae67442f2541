"""Message move tasks driven by hand (StartMessageMoveTask: the service model, SQS guide)."""

import pytest

from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.move_tasks import MoveTask
from simulator.aws.sqs.receipt import NEVER
from simulator.aws.sqs.standard import StandardQueue
from tests.aws.sqs.test_fifo import RETENTION, SECOND, VISIBILITY, counts, fifo, fill, receive


def standard(*copies: int, visibility: int = VISIBILITY) -> StandardQueue:
    queue = StandardQueue(visibility_timeout_us=visibility, retention_us=RETENTION)
    queue.send_messages([0] * len(copies), list(copies))
    return queue


def test_first_message_moves_at_the_start_and_then_one_each_interval():
    task = MoveTask(standard(1, 2, 3), 10 * SECOND, 2)
    assert task.next_at() == 10 * SECOND
    assert task.take(10 * SECOND - 1) == []
    assert task.take(10 * SECOND) == [1]
    assert task.next_at() == 10 * SECOND + SECOND // 2
    assert task.take(11 * SECOND) == [2, 3]


def test_four_messages_at_one_a_second_take_three_seconds():
    task = MoveTask(standard(1, 2, 3, 4), 0, 1)  # DLQ-10
    moved = [(now, task.take(now * SECOND)) for now in range(5)]
    assert moved == [(0, [1]), (1, [2]), (2, [3]), (3, [4]), (4, [])]


@pytest.mark.parametrize("kind", ["standard", "fifo"])
@pytest.mark.parametrize("visibility", [0, VISIBILITY])
def test_task_takes_everything_and_ends_when_it_finds_nothing(kind, visibility):
    queue: StandardQueue | FifoQueue = standard(1, 2, 3, visibility=visibility)
    if kind == "fifo":
        queue = fifo(visibility=visibility)
        fill(queue, *"aba")
    task = MoveTask(queue, SECOND, 500)
    assert task.take(2 * SECOND) == [1, 2, 3]
    assert (task.status, task.moved, task.next_at()) == ("COMPLETED", 3, NEVER)
    assert (queue.visible(2 * SECOND), queue.in_flight(2 * SECOND)) == (0, 0)
    assert list(queue.contents(2 * SECOND)) == []


def test_cancelled_task_moves_no_more():
    queue = standard(1, 2)
    task = MoveTask(queue, 0, 1)
    assert task.take(0) == [1]
    task.cancel()
    assert (task.status, task.next_at(), task.take(9 * SECOND)) == ("CANCELLED", NEVER, [])
    assert queue.visible(9 * SECOND) == 1


def test_message_in_flight_stays_and_with_it_what_its_group_has_behind_it():
    queue = fifo()
    fill(queue, *"aab")
    receive(queue, 10, 1)
    task = MoveTask(queue, 20, 500)
    assert task.take(SECOND) == [3]
    assert counts(queue, SECOND) == (1, 0, 1)


def test_what_the_source_itself_would_dead_letter_is_moved_as_well():
    queue = fifo(most=1)
    fill(queue, *"ab")
    queue.change_message_visibility(2, receive(queue, 2, 1), [1], 0)
    task = MoveTask(queue, 10, 1)
    assert sorted(task.take(10) + task.take(3 * SECOND)) == [1, 2]
    assert task.moved == 2
