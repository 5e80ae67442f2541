"""Asynchronous events of a function: when they run, and where they end.

Source: AWS Lambda developer guide, "Asynchronous invocation".
"""

import numpy as np

from simulator.processes.at_least_once import Misses
from simulator.recording.tables import Attempt, Cause, Fate
from tests.processes.events import HOUR, MINUTE, SECOND, Events, seconds


def always(run: int) -> bool:
    return True


def test_a_failing_event_runs_three_times_and_then_goes_to_the_dead_letter_queue():
    events = Events(fails=always, duration_us=2 * SECOND)
    events.send([0])
    rows = events.rows()
    # each retry counts from the end of the run before it: 2 + 60, 64 + 120
    assert seconds(rows["deliveries"]["received_at"]) == [0, 62, 184]
    assert seconds(events.failures.came_at) == [186]
    assert rows["copies"]["fate"].tolist() == [Fate.DEAD_LETTERED]
    assert rows["copies"]["cause"].tolist() == [Cause.FAILURE]
    assert rows["deliveries"]["cause"].tolist() == [Cause.NOTHING, Cause.FAILURE, Cause.FAILURE]
    assert rows["deliveries"]["receive_count"].tolist() == [1, 2, 3]


def test_an_event_that_succeeds_at_its_second_run_is_done():
    events = Events(fails=lambda run: run == 1, duration_us=SECOND)
    events.send([5 * SECOND])
    rows = events.rows()
    assert seconds(events.successes.came_at) == [5 + 1 + 60 + 1]
    assert not events.failures.came_at
    (copy,) = rows["copies"]["fate"].tolist()
    assert copy == Fate.DELETED
    assert rows["copies"]["first_started_at"].tolist() == [5 * SECOND]
    assert rows["copies"]["succeeded_at"].tolist() == [67 * SECOND]
    assert rows["copies"]["receives"].tolist() == [2]


def test_a_run_that_is_killed_by_the_time_out_counts_as_an_error():
    events = Events(duration_us=5 * SECOND, timeout_us=3 * SECOND, retries=1)
    events.send([0])
    rows = events.rows()
    assert seconds(rows["deliveries"]["received_at"]) == [0, 63]
    assert set(rows["deliveries"]["attempt"].tolist()) == {Attempt.CRASHED}
    assert rows["copies"]["cause"].tolist() == [Cause.CRASH]


def test_without_a_dead_letter_queue_what_is_given_up_is_dropped_and_lost_by_its_cause():
    events = Events(fails=always, retries=0, dead_letters=False)
    events.send([0, SECOND])
    rows = events.rows()
    assert rows["copies"]["fate"].tolist() == [Fate.DROPPED] * 2
    assert rows["copies"]["cause"].tolist() == [Cause.FAILURE] * 2
    assert events.line.dropped == 2


def test_a_throttled_event_backs_off_and_runs_at_its_first_attempt_that_finds_room():
    """One invocation at a time, 10 s each: the second event tries at 0, 1, 3, 7 and runs at 15 s."""
    events = Events(reserved=1, duration_us=10 * SECOND)
    events.send([0, 0])
    rows = events.rows(HOUR)
    throttled = rows["invocations"]["attempt"] == Attempt.THROTTLED
    assert seconds(rows["invocations"]["started_at"][throttled]) == [0, 1, 3, 7]
    assert seconds(rows["deliveries"]["started_at"]) == [0, 15]
    assert rows["copies"]["receives"].tolist() == [1, 1]  # a throttled attempt is no delivery


def test_an_event_is_given_up_when_it_has_its_maximum_age():
    events = Events(account=0, maximum_event_age_us=100 * SECOND)
    events.send([0])
    rows = events.rows(HOUR)
    # the next attempt would be at 127 s
    assert seconds(rows["invocations"]["started_at"]) == [0, 1, 3, 7, 15, 31, 63]
    assert seconds(events.failures.came_at) == [100]
    assert rows["copies"]["cause"].tolist() == [Cause.EVENT_AGE]


def test_a_retry_that_would_come_after_the_maximum_age_does_not_come():
    events = Events(fails=always, maximum_event_age_us=MINUTE, duration_us=SECOND)
    events.send([0])
    rows = events.rows(HOUR)
    assert seconds(rows["deliveries"]["received_at"]) == [0]
    assert seconds(events.failures.came_at) == [60]
    assert rows["copies"]["cause"].tolist() == [Cause.FAILURE]


def test_a_function_with_no_concurrency_is_not_tried():
    events = Events(reserved=0)
    events.send([7 * SECOND])
    rows = events.rows(HOUR)
    assert len(rows["invocations"]["attempt"]) == 0
    assert seconds(events.failures.came_at) == [7]
    assert rows["copies"]["cause"].tolist() == [Cause.THROTTLE]
    assert rows["copies"]["receives"].tolist() == [0]


def test_a_repeated_event_is_processed_twice_by_lambdas_own_doing():
    chances = iter([0.0, 0.999])  # of the first success, and then of the tenth after it
    events = Events(repeated=Misses(0.5, lambda: next(chances)))
    events.send([0])
    rows = events.rows(HOUR)
    assert rows["deliveries"]["cause"].tolist() == [Cause.NOTHING, Cause.AT_LEAST_ONCE]
    assert rows["deliveries"]["repeated"].tolist() == [0, 1]
    assert rows["copies"]["fate"].tolist() == [Fate.DELETED]


def test_what_is_still_waiting_or_running_at_the_end_is_written_down():
    events = Events(reserved=1, duration_us=HOUR, timeout_us=2 * HOUR)
    events.send([0, SECOND])
    rows = events.rows(10 * MINUTE)
    assert sorted(rows["copies"]["fate"].tolist()) == [Fate.VISIBLE, Fate.IN_FLIGHT]
    assert np.array_equal(rows["copies"]["ended_at"], [10 * MINUTE] * 2)
    (attempt,) = rows["deliveries"]["attempt"].tolist()
    assert attempt == Attempt.UNFINISHED
