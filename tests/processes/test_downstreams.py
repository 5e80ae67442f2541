"""Downstreams: the pool of connections, the rate, the shared processor, calls whose caller has given up."""

import numpy as np
import pytest

from simulator.analysis import theory
from simulator.aws.quotas import TokenBucket
from simulator.processes.conditions import Trouble
from simulator.recording.tables import Quantity
from tests.processes.downstreams import MS, SECOND, Draws, System, constant


def poisson(rate_per_s: float, calls: int, seed: int) -> list[int]:
    steps = np.random.default_rng(seed).exponential(SECOND / rate_per_s, calls)
    instants: list[int] = np.cumsum(steps).round().astype(int).tolist()
    return instants


def test_calls_beyond_the_pool_wait_in_line_first_come_first_served():
    system = System(constant(100 * MS), connections=2).send([0, 0, 0, 0, 50 * MS]).run()
    assert system.over == {0: 100 * MS, 1: 100 * MS, 2: 200 * MS, 3: 200 * MS, 4: 300 * MS}
    assert [errand.waiting_us for errand in system.errands] == [0, 0, 100 * MS, 100 * MS, 150 * MS]
    assert [errand.service_us for errand in system.errands] == [100 * MS] * 5
    assert system.counted(Quantity.SERVED_TRIES) == pytest.approx(0.5)
    assert system.counted(Quantity.WAITING_TRIES) == pytest.approx(0.35)
    assert system.counted(Quantity.TRY_US) == pytest.approx(0.85)


def test_a_full_pool_does_connections_over_latency_a_second():
    """300 connections and 60 ms: 5,000 a second, so 9,000 calls at once take 1.8 s."""
    system = System(constant(60 * MS), connections=300).send([0] * 9_000).run()
    assert max(system.over.values()) == 1_800 * MS


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_wait_for_a_connection_is_erlang_c(seed):
    """M/M/10 at a load of 80%; calls wait in a line of 1.64 on average."""
    calls = 40_000
    service = np.random.default_rng(seed + 100).exponential(SECOND, calls).round().astype(int).tolist()
    system = System(Draws(lambda copy, tries: service[copy]), connections=10)
    system.send(poisson(8.0, calls, seed)).run()
    waits = np.array([errand.waiting_us for errand in system.errands[4_000:]]) / SECOND
    batches = waits.reshape(20, -1).mean(axis=1)  # means of stretches long enough to be nearly independent
    error = batches.std(ddof=1) / np.sqrt(20)
    expected = theory.mmc_mean_wait(10, 0.8)
    assert error < 0.15 * expected
    assert abs(batches.mean() - expected) < 4 * error
    assert (waits > 0).mean() == pytest.approx(theory.erlang_c(10, 0.8), abs=0.04)


@pytest.mark.parametrize("shape", [0.5, 1.0, 1_000.0])
def test_shared_processor_answers_in_service_over_idle_share_whatever_the_distribution(shape):
    """M/G/1 processor sharing: E[T] = E[S] / (1 - load), insensitive to the shape (here 70% load)."""
    calls = 30_000
    drawn = np.random.default_rng(7).gamma(shape, SECOND / shape, calls).round().astype(int).tolist()
    system = System(Draws(lambda copy, tries: drawn[copy]), parallelism=1)
    system.send(poisson(0.7, calls, 8)).run()
    took = np.array([errand.service_us for errand in system.errands[2_000:]]) / SECOND
    batches = took.reshape(20, -1).mean(axis=1)
    error = batches.std(ddof=1) / np.sqrt(20)
    expected = np.mean(drawn) / SECOND / (1 - 0.7)
    assert error < 0.08 * expected
    assert abs(batches.mean() - expected) < 4 * error


def test_more_calls_than_full_speed_are_slower_all_alike():
    """Two at full speed; four at once take twice as long, and the pair that stays is at full speed."""
    drawn = [100 * MS, 100 * MS, 200 * MS, 200 * MS]
    system = System(Draws(lambda copy, tries: drawn[copy]), parallelism=2).send([0] * 4).run()
    assert system.over == {0: 200 * MS, 1: 200 * MS, 2: 300 * MS, 3: 300 * MS}


def test_rate_takes_its_burst_and_then_its_rate_exactly():
    """A call each ms: the burst of 50 and the 5 that came meanwhile, then one each 10 ms; 149 in all."""
    system = System(constant(0), bucket=TokenBucket(100, 50)).send(list(range(0, SECOND, MS))).run()
    passed = [errand.owner for errand in system.errands if not errand.failed]
    assert passed == [*range(55), *range(60, 1_000, 10)]
    assert system.counted(Quantity.REFUSED_TRIES) == 1_000 - 149


def test_calls_that_wait_for_the_rate_leave_at_the_rate():
    system = System(constant(0), bucket=TokenBucket(10, 1), waits=True).send([0] * 5).run()
    assert list(system.over.values()) == [0, 100 * MS, 200 * MS, 300 * MS, 400 * MS]


def test_a_call_that_is_given_up_goes_on_at_the_downstream():
    """The second call finds the only connection held by a call that nobody waits for."""
    system = System(constant(SECOND), connections=1, timeout_us=300 * MS).send([0, 300 * MS]).run()
    assert system.over == {0: 300 * MS, 1: 600 * MS}
    assert [errand.failed for errand in system.errands] == [True, True]
    assert system.errands[1].service_us == 0
    assert system.counted(Quantity.SERVED_TRIES) == pytest.approx(1.0)


def test_a_call_that_is_cancelled_frees_its_connection():
    system = System(constant(SECOND), connections=1, timeout_us=300 * MS, cancels=True)
    system.send([0, 300 * MS]).run()
    assert system.errands[1].service_us == 300 * MS
    assert system.counted(Quantity.SERVED_TRIES) == pytest.approx(0.6)


def test_a_cancelled_call_gives_back_its_share_of_the_processor():
    """Two share one processor; one gives up at 300 ms with 150 ms done, the other has 150 of 400 ms then."""
    system = System(Draws(lambda copy, tries: (900, 400)[copy] * MS), parallelism=1, cancels=True)
    system.send([0, 0])
    system.run(300 * MS)
    system.clock.at(300 * MS, 2, lambda _: system.errands[0].stop(), None)
    system.run()
    assert system.over == {1: 550 * MS}


def test_conditions_slow_fail_and_refuse_calls_begun_meanwhile():
    system = System(constant(100 * MS))
    slow, down = Trouble(slow=3.0), Trouble(down=True)
    system.clock.at(SECOND, 1, lambda _: system.conditions.begin(slow), None)
    system.clock.at(2 * SECOND, 1, lambda _: system.conditions.end(slow), None)
    system.clock.at(3 * SECOND, 1, lambda _: system.conditions.begin(down), None)
    system.send([950 * MS, SECOND, 2 * SECOND, 3 * SECOND]).run()
    assert system.over == {0: 1_050 * MS, 1: 1_300 * MS, 2: 2_100 * MS, 3: 3 * SECOND}
    assert [errand.failed for errand in system.errands] == [False, False, False, True]


def test_a_downstream_that_hangs_is_given_up_at_the_time_out():
    system = System(constant(MS), timeout_us=500 * MS)
    system.conditions.begin(Trouble(down=True, hang=True))
    system.send([0]).run()
    assert system.over == {0: 500 * MS}
    assert system.counted(Quantity.TIMED_OUT_TRIES) == 1
