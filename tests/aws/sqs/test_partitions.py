"""A standard queue in partitions: short polls that miss, best-effort order, bursts that are overtaken."""

import itertools
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulator.aws.sqs.partitions import PartitionedQueue, PartitionedReceipt, partitions_after_burst

S = 1_000_000
GOLDEN = 0.618_033_988_75


def a_queue(**rules: Any) -> PartitionedQueue:
    given: dict[str, Any] = {
        "opened": 4,
        "partitions": 4,
        "burst": 0,
        "split_us": 0,
        "max_in_flight": 120_000,
        "short_poll_share": 0.25,
        "settings": {"visibility_timeout_us": 30 * S, "retention_us": 86_400 * S, "delay_us": 0},
    }
    return PartitionedQueue(**{**given, **rules})


def evenly(n: int) -> list[float]:
    """Numbers in [0, 1) that fill every part of it alike."""
    return [k * GOLDEN % 1 for k in range(n)]


def test_a_long_poll_finds_whatever_is_there() -> None:
    queue = a_queue()
    queue.send_to_partitions([0], [7], [0.99])
    for chance in evenly(20):
        receipt = queue.long_poll(0, 10, 0, chance)
        assert receipt is not None and receipt.received == [7]


def test_a_short_poll_asks_a_share_of_the_partitions_and_may_miss_messages_that_exist() -> None:
    queue = a_queue(opened=16, partitions=16)
    queue.send_to_partitions([0] * 200, list(range(200)), evenly(200))
    found = []
    for chance in evenly(400):
        receipt = queue.short_poll(0, 100, 0, chance)
        found.append(0 if receipt is None else len(receipt.received))
    assert sum(found) / 400 == pytest.approx(50, rel=0.1)  # a quarter of 200
    assert max(found) < 100


def test_a_message_a_short_poll_misses_is_found_by_a_later_one() -> None:
    queue = a_queue()
    queue.send_to_partitions([0], [7], [0.99])
    found = [queue.short_poll(0, 1, 0, chance) is not None for chance in (0.0, 0.3, 0.6, 0.9)]
    assert sorted(found) == [False, False, False, True]


def test_order_is_best_effort_within_a_burst_and_exact_within_a_partition() -> None:
    """The lab: of 5,000 messages sent at once 93 to 97% of all pairs came in the order they were sent."""
    queue = a_queue(opened=8, partitions=8)
    n = 5_000
    # By the golden ratio parts would keep in step; hashes do not.
    place = [(k * 2_654_435_761 % 2**32 ^ k * 40_503 % 2**31) % 10_007 / 10_007 for k in range(n)]
    queue.send_to_partitions(list(range(n)), list(range(n)), place)
    order = []
    for k in range(n):
        receipt = queue.long_poll(S, 1, None, (k * 1_103_515_245 + 12_345) % 2**31 / 2**31)
        assert receipt is not None
        order += receipt.received
    assert sorted(order) == list(range(n))
    pairs = [(one, other) for one, other in itertools.combinations(order[::25], 2)]
    in_order = sum(one < other for one, other in pairs) / len(pairs)
    assert 0.93 <= in_order < 0.995


def test_after_a_burst_late_messages_overtake_where_partitions_were_opened() -> None:
    queue = a_queue(opened=4, partitions=8, burst=100, split_us=S)
    queue.send_to_partitions([0] * 200, list(range(200)), evenly(200))
    queue.send_to_partitions([S] * 40, list(range(200, 240)), evenly(40))
    seen: list[int] = []
    for chance in evenly(60):
        receipt = queue.long_poll(S, 1, None, chance)
        assert receipt is not None
        seen += receipt.received
    late = [copy for copy in seen if copy >= 200]
    assert 15 <= len(late) <= 25  # those in the new half of the partitions; 200 older ones still wait


def test_without_a_burst_no_partition_is_opened() -> None:
    queue = a_queue(opened=1, partitions=2, burst=100)
    for k in range(300):  # 99 a minute
        queue.send_to_partitions([k * 610_000], [k], [0.99])
    assert queue.long_poll(300 * S, 10, None, 0.0) is not None
    receipt = queue.long_poll(300 * S, 1, None, 0.99)
    assert receipt is not None and receipt.received == [10]


def test_two_of_three_queues_open_half_to_as_many_partitions_more() -> None:
    after = [partitions_after_burst(8, 0.67, chance) for chance in evenly(1_000)]
    assert sum(n > 8 for n in after) / 1_000 == pytest.approx(0.67, abs=0.01)
    late = {1 - 8 / n for n in after if n > 8}  # share of late messages that overtake
    assert min(late) == pytest.approx(1 / 3) and max(late) == pytest.approx(1 / 2)


def test_the_in_flight_cap_holds_over_all_partitions() -> None:
    queue = a_queue(max_in_flight=3)
    queue.send_to_partitions([0] * 8, list(range(8)), evenly(8))
    receipt = queue.long_poll(0, 10, None, 0.0)
    assert receipt is not None and len(receipt.received) == 3
    assert queue.long_poll(0, 10, None, 0.0) is None
    assert queue.short_poll_refusal(0) == "OverLimit"
    assert queue.next_visible_at(0) == 30 * S


class DrivenPartitions(RuleBasedStateMachine):
    """Random calls: nothing is lost, nothing is given to two, and no wake-up is lost."""

    @initialize(cap=st.sampled_from([5, 1_000]), limit=st.sampled_from([None, 2]))
    def start(self, cap: int, limit: int | None) -> None:
        times = {"visibility_timeout_us": 7, "retention_us": 60, "delay_us": 2}
        rules = {**times, "max_receive_count": limit}
        self.queue = a_queue(opened=2, partitions=3, burst=6, max_in_flight=cap, settings=rules)
        self.now = self.sent = 0
        self.inside: set[int] = set()
        self.held: list[PartitionedReceipt] = []

    @rule(chances=st.lists(st.floats(0, 0.999), min_size=1, max_size=4))
    def send(self, chances: list[float]) -> None:
        copies = list(range(self.sent, self.sent + len(chances)))
        self.queue.send_to_partitions([self.now] * len(chances), copies, chances)
        self.inside.update(copies)
        self.sent += len(chances)

    @rule(n=st.integers(1, 10), chance=st.floats(0, 0.999), short=st.booleans())
    def receive(self, n: int, chance: float, short: bool) -> None:
        promised = self.queue.next_visible_at(self.now)
        states = dict(self.queue.contents(self.now))
        poll = self.queue.short_poll if short else self.queue.long_poll
        receipt = poll(self.now, n, None, chance)
        assert receipt is not None or short or promised > self.now
        assert receipt is None or promised <= self.now
        if receipt is not None:
            assert all(states[copy] == "visible" for copy in receipt.received + receipt.moved)
            assert len(set(receipt.received)) == len(receipt.received) <= n
            self.inside.difference_update(receipt.moved)
            self.held.append(receipt)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), timeout=st.integers(0, 9), delete=st.booleans())
    def end(self, data: st.DataObject, timeout: int, delete: bool) -> None:
        receipt = data.draw(st.sampled_from(self.held))
        if delete:
            self.inside.difference_update(self.queue.delete_messages(self.now, receipt, receipt.received))
        else:
            changed = self.queue.change_message_visibility(self.now, receipt, receipt.received, timeout)
            self.held.append(changed)

    @rule(by=st.integers(1, 12))
    def wait(self, by: int) -> None:
        self.now += by

    @invariant()
    def the_books_balance(self) -> None:
        if not hasattr(self, "queue"):
            return
        queue, now = self.queue, self.now
        states = dict(queue.contents(now))
        self.inside.difference_update(copy for copy, _ in queue.expire(now))
        assert set(states) == self.inside
        named = list(states.values())
        counts = (queue.visible(now), queue.delayed(now), queue.in_flight(now))
        assert counts == (named.count("visible"), named.count("delayed"), named.count("in_flight"))


TestDrivenPartitions = DrivenPartitions.TestCase
TestDrivenPartitions.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
