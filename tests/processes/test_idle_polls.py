"""Idle long polls use up the receive calls of a FIFO queue, by arithmetic (SQS guide)."""

from pathlib import Path

from simulator.aws.quotas import TokenBucket
from simulator.aws.sqs.fifo_throughput import per_queue
from simulator.processes.idle_polls import IdlePolls
from tests.scenarios.running import Ran, written

SECOND = 1_000_000
WAIT = 20 * SECOND


def left(calls: TokenBucket, now: int) -> int:
    tokens = 0
    while calls.take(now):
        tokens += 1
    return tokens


def test_a_poll_that_is_answered_before_its_wait_is_over_costs_nothing_more():
    calls = per_queue(100, SECOND)
    polls = IdlePolls(calls, WAIT)
    polls.settle(0, 50)
    polls.settle(WAIT - 1, 0)
    polls.settle(WAIT, 0)
    assert left(calls, WAIT) == 100


def test_every_open_poll_costs_a_call_each_wait():
    calls = per_queue(100, SECOND)
    polls = IdlePolls(calls, WAIT)
    polls.settle(0, 30)
    polls.settle(WAIT, 30)
    assert left(calls, WAIT) == 70
    polls.settle(2 * WAIT - 1, 30)
    assert left(calls, 2 * WAIT - 1) == 100


def test_the_poll_that_waited_longest_is_the_one_answered():
    calls = per_queue(100, SECOND)
    polls = IdlePolls(calls, WAIT)
    polls.settle(0, 10)
    polls.settle(SECOND, 40)
    polls.settle(2 * SECOND, 30)  # ten were answered: those of the start
    polls.settle(WAIT, 30)
    assert left(calls, WAIT) == 100
    polls.settle(WAIT + SECOND, 30)
    assert left(calls, WAIT + SECOND) == 70


def test_idle_polls_can_use_up_the_quota_but_for_one_call():
    """300 calls a second x 20 s: 6,000 idle polls leave but the one token of a poll that is answered."""
    calls = per_queue(300, SECOND)
    polls = IdlePolls(calls, WAIT)
    for second in range(20):
        polls.settle(second * SECOND, 450 * (second + 1))
    polls.settle(39 * SECOND, 9_000)
    assert left(calls, 39 * SECOND) == 1
    assert calls.next_at(39 * SECOND) > 39 * SECOND


def test_rounds_long_past_are_left_out():
    calls = per_queue(100, SECOND)
    polls = IdlePolls(calls, WAIT)
    polls.settle(0, 5)
    polls.settle(3 * SECOND, 12)
    polls.settle(1_000_000 * WAIT + 3 * SECOND, 12)
    assert left(calls, 1_000_000 * WAIT + 3 * SECOND) == 93  # the five's were refilled since
    polls.settle(1_000_001 * WAIT, 12)
    assert left(calls, 1_000_001 * WAIT) == 95


IDLE = """
scenario: idle
ideal: true
duration: 2m
limits: {sqs.fifo.tps: 300/s}
producers:
  source:
    target: queue
    arrivals: [{for: 60s, rate: 0/s}, {for: 100ms, rate: 2000/s, process: even}, {rate: 0/s}]
    message: {group: {count: 1000}}
queues:
  queue: {type: fifo}
auto_scaling_groups:
  work:
    queue: queue
    instance_type: c6i.large
    workers_per_instance: 1000
    receive: {max_messages: 1}
    work: 0s
    capacity: {min: 1, max: 1}
"""


def test_a_burst_that_comes_as_idle_polls_return_finds_fewer_tokens(tmp_path: Path):
    """All polls were opened at 0 and come back at 60 s: 1,000 use up what is there, 20 do not."""
    waits = []
    for workers in ("1000", "20"):
        sets = {"auto_scaling_groups__work__workers_per_instance": workers}
        run = Ran(written(tmp_path, IDLE, **sets))
        copies = run["copies"]
        waits.append(copies["first_received_at"] - copies["sent_at"])
        assert len(copies["copy"]) == 200
        assert run.run.entries < 10 * len(copies["copy"])  # no event for an idle poll
    assert waits[0].max() > 300_000
    assert waits[1].max() == 0
