"""What a FIFO queue does for a copy does not grow with what it holds: nothing is scanned."""

import gc
import sys

import pytest

from simulator.aws.sqs.fifo import FifoReceipt
from simulator.aws.sqs.message_groups import Message
from tests.aws.sqs.test_fifo import SECOND, counts, fifo, fill, receive


def lines_run(copies: int, groups: int, hold: int, look_through: int = 120_000) -> float:
    """Lines of Python run per copy to send all, then receive, ask for the next and delete, *hold* open."""
    queue = fifo(look_through=look_through)
    run = 0

    def count(frame, event, _):
        nonlocal run
        run += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        for copy in range(copies):
            queue.send_message(copy, copy, copy % groups, copy)
        open_receipts: list[FifoReceipt] = []
        deleted, now = 0, copies
        while deleted < copies:
            now += 1
            receipt = queue.receive_message(now, 10)
            queue.next_visible_at(now)
            queue.visible(now)
            if receipt is not None:
                open_receipts.append(receipt)
            if receipt is None or len(open_receipts) > hold:
                receipt = open_receipts.pop(0)
                deleted += len(queue.delete_messages(now, receipt, receipt.copies))
    finally:
        sys.settrace(before)
    return run / copies


@pytest.mark.parametrize(("groups", "hold"), [(1, 0), (10**9, 0), (10**9, 50), (100, 5)])
def test_work_for_a_copy_does_not_grow_with_the_queue(groups, hold):
    """One deep group, a group for each message, many in flight: counted, so that it never flickers."""
    small, large = lines_run(1_000, groups, hold), lines_run(8_000, groups, hold)
    assert large < 1.15 * small
    assert large < 150


def test_many_short_lived_groups_leave_nothing_behind():
    queue = fifo()
    for copy in range(20_000):
        queue.send_message(copy, copy, copy, copy)
        queue.delete_messages(copy, receive(queue, copy), [copy])
    groups = queue._groups
    assert groups.stored == 0
    kept = (queue._line._messages, queue._flights._usual, groups._groups, groups._ready, groups._closed)
    for container in kept:
        assert len(container) < 5_000


def test_one_message_in_flight_for_hours_does_not_keep_what_came_after_it():
    queue = fifo(visibility=12 * 3600 * SECOND)
    fill(queue, "stuck", now=0, first=10**6)
    stuck = receive(queue, 1)
    for copy in range(20_000):
        queue.send_message(copy, copy, copy % 7, copy)
        queue.delete_messages(copy, receive(queue, copy), [copy])
    assert stuck.copies == [10**6]
    for container in (queue._line._messages, queue._flights._usual, queue._groups._closed):
        assert len(container) < 5_000


def test_deleted_messages_are_freed_without_the_cyclic_collector(monkeypatch):
    """It is frozen during a run. Without slack nothing stale is kept for a later cleaning."""
    for module in ("fifo_line", "flights"):
        monkeypatch.setattr(f"simulator.aws.sqs.{module}.SLACK", 0)
    queue = fifo(visibility=SECOND)
    gc.collect()  # what other tests left
    gc.disable()
    try:
        for k in range(300):
            now = 2 * SECOND * k
            fill(queue, *"aaab", now=now, first=4 * k)
            receipt = receive(queue, now + 9, 10)
            changed = queue.change_message_visibility(now + 10, receipt, receipt.received[:2], 5)
            queue.delete_messages(now + 11, changed, changed.received)
            if k % 2:
                last = receive(queue, now + SECOND + 9, 10)  # what came back
                queue.delete_messages(now + SECOND + 10, last, last.received)
            else:
                queue.delete_messages(now + 11, receipt, receipt.received)
        left = sum(isinstance(thing, Message) for thing in gc.get_objects())
    finally:
        gc.enable()
    assert counts(queue, 10**12) == (0, 0, 0)
    assert left < 10
