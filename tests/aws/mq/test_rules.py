"""ActiveMQ's and Amazon MQ's rules (aws-facts, sections 8 and 13)."""

import pytest

from simulator.aws.mq.acknowledgement import Acknowledgement
from simulator.aws.mq.prefetch import Prefetch
from simulator.aws.mq.queue import BrokerQueue, class_of
from simulator.aws.mq.redelivery import RedeliveryPolicy
from simulator.aws.mq.store import GroupCommit, Processor, Usage

S = 1_000_000
EFS_US = 12_500


def sends(
    producers: int, seconds: int, *, size: int = 1024, bytes_per_s: int = 0, message_us: float = 0
) -> int:
    """Sends answered when each of *producers* sends the next as soon as it has its answer."""
    commit = GroupCommit(EFS_US, bytes_per_s, message_us)
    for producer in range(producers):
        commit.add(producer, size)
    now = done = 0
    while True:
        answered = commit.begin(now)
        now = commit.busy_until
        if now > seconds * S:
            return done
        done += len(answered)
        for producer in answered:
            commit.add(producer, size)


def test_one_persistent_producer_on_efs_sends_80_a_second():
    assert sends(1, 100) == 80 * 100


@pytest.mark.parametrize("producers", [2, 10, 50])
def test_producers_share_a_sync_so_k_of_them_send_k_times_80(producers):
    assert sends(producers, 10) == producers * 80 * 10


def test_the_processor_binds_when_a_groups_messages_last_longer_than_a_sync():
    # 100 us a message: 10,000 a second, which 125 producers reach
    assert sends(100, 10, message_us=100) == 8_000 * 10
    assert sends(500, 10, message_us=100) == pytest.approx(10_000 * 10, rel=0.01)


def test_large_messages_are_bound_by_throughput():
    # 100 KiB last as long as a sync at 8,000 KiB/s; 1 MiB then takes 128 ms
    assert sends(1, 100, size=100 << 10, bytes_per_s=8000 << 10) == 80 * 100
    assert sends(1, 100, size=1 << 20, bytes_per_s=8000 << 10) == int(100 / 0.128)


def test_a_send_that_was_acknowledged_before_its_sync_began_is_not_written():
    commit = GroupCommit(EFS_US, 0, 0)
    commit.add(1, 1024)
    commit.add(2, 1024)
    assert commit.skip(1)
    assert commit.begin(0) == [2]
    assert not commit.skip(2), "its sync has begun"


def test_sends_without_a_disk_are_bound_by_the_producer_then_by_the_broker():
    alone = Processor(200, 100)
    now = 0
    for _ in range(5_000):
        now = alone.send(now)
    assert now == S
    shared = Processor(200, 100)
    assert max(shared.send(0) for _ in range(10_000)) == S


def test_producers_wait_when_memory_or_store_is_full():
    usage = Usage(memory_bytes=100, store_bytes=1000)
    usage.memory = 100
    assert usage.memory_full
    assert not usage.store_full
    usage = Usage(memory_bytes=100, store_bytes=1000)
    usage.store = 1000
    assert usage.store_full
    assert not Usage(0, 1).memory_full, "no limit"


def test_a_broker_pushes_up_to_the_prefetch_and_goes_on_when_half_is_acknowledged():
    window = Prefetch(1000, 0.5)
    window.push(1000)
    window.acknowledge(499)
    assert window.room == 0
    window.acknowledge(1)
    assert window.room == 500


def test_a_prefetch_of_one_is_refilled_at_each_acknowledgement():
    window = Prefetch(1, 0.5)
    window.push()
    assert window.room == 0
    window.acknowledge()
    assert window.room == 1


def test_a_message_is_tried_six_more_times_a_second_apart_and_then_given_up():
    policy = RedeliveryPolicy(6, S)
    assert [policy.delay_us(failures) for failures in range(1, 8)] == [S] * 6 + [None]


def test_back_off_multiplies_the_pause_by_five():
    policy = RedeliveryPolicy(3, S, 5.0)
    assert [policy.delay_us(failures) for failures in range(1, 4)] == [S, 5 * S, 25 * S]


@pytest.mark.parametrize(
    ("mode", "every"), [("auto", 1), ("individual", 1), ("client", 10), ("dups_ok", 50), ("transacted", 10)]
)
def test_modes_say_how_many_messages_an_acknowledgement_is_for(mode, every):
    assert Acknowledgement(mode, 10, 100).every == every


def test_a_session_never_waits_for_more_than_its_prefetch():
    assert Acknowledgement("client", 10, 5).every == 5
    assert Acknowledgement("dups_ok", 10, 1).every == 1


def test_the_store_keeps_three_classes_of_the_ten_priorities():
    assert [class_of(priority) for priority in range(10)] == [2, 2, 2, 2, 1, 0, 0, 0, 0, 0]


def test_priorities_are_ignored_unless_the_destination_asks_for_them():
    plain, by_class = BrokerQueue(), BrokerQueue(prioritized=True)
    for queue in (plain, by_class):
        for copy, priority in enumerate((4, 1, 9, 5)):
            queue.send(copy, copy, priority)
    assert [plain.dispatch() for _ in range(4)] == [0, 1, 2, 3]
    assert [by_class.dispatch() for _ in range(4)] == [2, 3, 0, 1], "9 and 5 are one class"


def test_what_was_pushed_is_not_overtaken_by_a_higher_priority():
    queue = BrokerQueue(prioritized=True)
    queue.send(0, 0, 1)
    assert queue.dispatch() == 0
    queue.send(1, 1, 9)
    assert (queue.in_flight_count, queue.pending) == (1, 1)


def test_a_lost_consumers_messages_are_pending_at_once_and_at_their_old_place():
    queue = BrokerQueue()
    for copy in range(4):
        queue.send(0, copy)
    first, second = queue.dispatch(), queue.dispatch()
    queue.give_back(second)
    queue.give_back(first)
    assert [queue.dispatch() for _ in range(4)] == [0, 1, 2, 3]


def test_the_oldest_message_is_the_oldest_that_is_not_acknowledged():
    queue = BrokerQueue()
    queue.send(5, 0)
    queue.send(7, 1)
    queue.dispatch()
    assert queue.oldest_at(10) == 5
    queue.acknowledge(0)
    assert queue.oldest_at(10) == 7


def test_a_broker_that_fails_loses_what_it_had_in_memory_only():
    queue = BrokerQueue()
    for copy in range(4):
        queue.send(0, copy)
    assert queue.lose({1, 3, 9}) == [1, 3]
    assert [copy for copy, _ in queue.contents(0)] == [0, 2]
