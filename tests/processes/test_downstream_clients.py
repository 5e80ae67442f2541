"""Clients of downstreams: tries with back-off, circuit breaker, retry budget, and what retries do to load."""

from typing import Final

import numpy as np
import pytest

from simulator.processes.downstream_clients import Backoff
from simulator.recording.tables import Quantity
from tests.processes.downstreams import MS, SECOND, Draws, System, constant

NONE: Final = "none"
FULL: Final = "full"
DECORRELATED: Final = "decorrelated"


def failing(share: float, seed: int = 1) -> Draws:
    """Every try is served for 10 ms and fails with this chance."""
    chances = np.random.default_rng(seed).random((20_000, 60))
    return Draws(lambda copy, tries: 10 * MS, lambda copy, tries: bool(chances[copy, tries] < share))


def test_backoff_doubles_up_to_its_cap():
    backoff = Backoff(100 * MS, SECOND, NONE)
    assert [backoff.pause_us(tries, 0, 0.3) for tries in range(1, 7)] == [
        100 * MS, 200 * MS, 400 * MS, 800 * MS, SECOND, SECOND,
    ]  # fmt: skip


def test_full_jitter_is_any_pause_up_to_it():
    backoff = Backoff(100 * MS, SECOND, FULL)
    assert [backoff.pause_us(3, 0, chance) for chance in (0.0, 0.5, 0.75)] == [0, 200 * MS, 300 * MS]


def test_decorrelated_jitter_is_between_base_and_three_times_the_pause_before():
    backoff = Backoff(100 * MS, SECOND, DECORRELATED)
    assert backoff.pause_us(1, 0, 0.5) == 200 * MS
    assert backoff.pause_us(2, 200 * MS, 0.5) == 350 * MS
    assert backoff.pause_us(3, 900 * MS, 0.9) == SECOND


def test_pauses_are_waiting_and_tries_are_service():
    """Two failures of 10 ms, pauses of 100 and 200 ms, then a success."""
    draws = Draws(lambda copy, tries: 10 * MS, lambda copy, tries: tries < 3)
    system = System(draws, max_tries=3).send([0]).run()
    assert system.over == {0: 330 * MS}
    assert (system.errands[0].service_us, system.errands[0].waiting_us) == (30 * MS, 300 * MS)
    assert not system.errands[0].failed


def test_calls_of_a_message_are_made_one_after_another():
    assert System(constant(10 * MS), calls=3).send([0]).run().over == {0: 30 * MS}


def test_retries_multiply_the_load_by_one_over_the_share_that_succeeds():
    """With ever so many tries: 1 / (1 - 30%) tries a call."""
    calls = 20_000
    system = System(failing(0.3), max_tries=50, backoff=(MS, MS, NONE)).send([0] * calls).run()
    tries = system.counted(Quantity.TRIES) / calls
    error = np.sqrt(0.3) / 0.7 / np.sqrt(calls)  # of a geometric number of tries
    assert abs(tries - 1 / 0.7) < 4 * error
    assert error < 0.01
    assert system.counted(Quantity.FAILED_CALLS) == 0


def test_three_tries_multiply_the_load_of_a_dead_downstream_by_three():
    system = System(failing(2.0), max_tries=3).send([0] * 100).run()
    assert system.counted(Quantity.TRIES) == 300
    assert system.counted(Quantity.FAILED_CALLS) == 100


def test_a_retry_budget_keeps_retries_to_its_share_of_the_calls():
    """10% of 1,000 calls and the reserve of ten."""
    system = System(failing(2.0), max_tries=3, budget=0.1).send([k * 20 * MS for k in range(1_000)]).run()
    assert system.counted(Quantity.TRIES) == pytest.approx(1_000 + 100 + 10, abs=1)


BREAKER = {"share": 0.5, "of_last": 4, "open_us": 2 * SECOND, "trials": 2}


def test_breaker_opens_at_its_share_stays_open_for_its_time_and_closes_after_its_trials():
    """Fails until 3 s. Four failures by 0.31 s open it; the trial at 2.4 s fails, that at 4.5 s succeeds."""
    system = System(
        Draws(lambda copy, tries: 10 * MS, lambda copy, tries: copy * 100 * MS < 3 * SECOND), breaker=BREAKER
    )
    system.send([k * 100 * MS for k in range(60)]).run()
    tried = [errand.owner for errand in system.errands if errand.service_us]
    assert tried[:4] == [0, 1, 2, 3]
    assert tried[4] == 24  # 0.31 s + 2 s: half-open from 2.31 s; the first trial fails at 2.41 s
    assert tried[5:] == list(range(45, 60))  # half-open from 4.41 s
    not_closed_s = system.counted(Quantity.OPEN_BREAKERS)
    assert not_closed_s == pytest.approx(4.61 - 0.31)  # until its second trial has succeeded


def test_half_open_breaker_lets_only_its_trials_through():
    system = System(
        Draws(lambda copy, tries: SECOND if copy >= 4 else 10 * MS, lambda copy, tries: copy < 4),
        breaker=BREAKER,
    )
    system.send([0, 0, 0, 0, *[2_100 * MS] * 5]).run()
    assert [errand.failed for errand in system.errands[4:]] == [False, False, True, True, True]


def test_a_trial_that_is_never_heard_of_is_given_back():
    system = System(
        Draws(lambda copy, tries: SECOND, lambda copy, tries: copy < 4), breaker=BREAKER | {"trials": 1}
    )
    system.send([0, 0, 0, 0, 3_100 * MS, 3_500 * MS])
    system.clock.at(3_200 * MS, 2, lambda _: system.errands[4].stop(), None)
    system.run()
    assert system.over[5] == 4_500 * MS


def test_failures_below_the_share_do_not_open_a_breaker():
    system = System(
        Draws(lambda copy, tries: 10 * MS, lambda copy, tries: copy % 4 == 0),
        breaker=BREAKER | {"of_last": 20},
    )
    system.send([k * 100 * MS for k in range(200)]).run()
    assert system.counted(Quantity.TRIES) == 200
