"""SQS standard queues, rule by rule (SQS developer guide; conformance STD cases)."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulator.aws.sqs.receipt import NEVER, Receipt
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


class DrivenQueue(RuleBasedStateMachine):
    """Random calls on a queue, its books kept beside it."""

    @initialize(
        delay=st.sampled_from([0, 3]),
        limit=st.sampled_from([None, 2]),
        cap=st.sampled_from([5, 1000]),
    )
    def start(self, delay: int, limit: int | None, cap: int) -> None:
        self.queue = a_queue(
            visibility_timeout_us=7,
            retention_us=60,
            delay_us=delay,
            max_in_flight=cap,
            max_receive_count=limit,
        )
        self.now = 0
        self.sent = 0
        self.inside: set[int] = set()
        self.held: list[Receipt] = []
        self.limit = limit
        self.counts: dict[int, int] = {}

    def _expire(self) -> None:
        for copy, at in self.queue.expire(self.now):
            assert copy in self.inside and at <= self.now
            self.inside.discard(copy)

    @rule(n=st.integers(1, 4), ahead=st.integers(0, 2))
    def send(self, n: int, ahead: int) -> None:
        last = max(self.now + ahead, getattr(self, "last_sent", 0))
        self.last_sent = last
        copies = list(range(self.sent, self.sent + n))
        self.queue.send_messages([last] * n, copies)
        self.sent += n
        self.inside.update(copies)

    @rule(n=st.integers(1, 10), timeout=st.sampled_from([None, 0, 3]))
    def receive(self, n: int, timeout: int | None) -> None:
        promised = self.queue.next_visible_at(self.now)
        receipt = self.queue.receive_message(self.now, n, timeout)
        self._expire()
        assert (receipt is not None) == (promised <= self.now)
        if receipt is None:
            return
        assert receipt.received or receipt.moved
        assert len(set(receipt.received)) == len(receipt.received) <= n
        for copy in receipt.received:
            assert copy in self.inside
            self.counts[copy] = self.counts.get(copy, 0) + 1
            assert receipt.again.get(copy, 1) == self.counts[copy]
            assert self.limit is None or self.counts[copy] <= self.limit
        for copy in receipt.moved:
            assert copy in self.inside
            self.inside.discard(copy)
        self.held.append(receipt)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        receipt = data.draw(st.sampled_from(self.held))
        some = [copy for copy in receipt.received if data.draw(st.booleans())]
        for copy in self.queue.delete_messages(self.now, receipt, some):
            assert copy in self.inside
            self.inside.discard(copy)
        self._expire()

    @precondition(lambda self: self.held)
    @rule(data=st.data(), timeout=st.integers(0, 9))
    def change(self, data: st.DataObject, timeout: int) -> None:
        receipt = data.draw(st.sampled_from(self.held))
        some = [copy for copy in receipt.received if data.draw(st.booleans())]
        if some:
            self.held.append(self.queue.change_message_visibility(self.now, receipt, some, timeout))
        self._expire()

    @rule(by=st.integers(1, 12))
    def wait(self, by: int) -> None:
        promised = self.queue.next_visible_at(self.now)
        if self.now < promised < self.now + by:
            assert (
                self.queue.visible(promised - 1) == 0
                or self.queue.in_flight(self.now) >= self.queue.max_in_flight
            )
        self.now += by

    @invariant()
    def books_balance(self) -> None:
        if not hasattr(self, "queue"):
            return
        states = [copy for copy, _ in self.queue.contents(self.now)]
        self._expire()
        assert sorted(states) == sorted(self.inside)
        queue, now = self.queue, self.now
        named = [state for _, state in queue.contents(now)]
        assert queue.visible(now) == named.count("visible")
        assert queue.delayed(now) == named.count("delayed")
        assert queue.in_flight(now) == named.count("in_flight")
        assert queue.next_visible_at(now) <= NEVER


TestDrivenQueue = DrivenQueue.TestCase
TestDrivenQueue.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
