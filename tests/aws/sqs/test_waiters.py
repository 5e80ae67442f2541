"""Who is woken from a long poll."""

from collections import Counter

import numpy as np
import pytest

from simulator.aws.sqs.waiters import Waiters


def test_a_message_wakes_a_waiter_with_chance_by_open_polls() -> None:
    waiters = Waiters()
    waiters.wait(0, 3)
    waiters.wait(1, 1)
    picked = Counter(waiters.pick(float(u)) for u in (np.arange(1000) + 0.5) / 1000)
    assert picked == {0: 750, 1: 250}


def test_a_withdrawn_poll_is_not_woken() -> None:
    waiters = Waiters()
    waiters.wait(0, 2)
    waiters.wait(1, 2)
    waiters.withdraw(0, 2)
    assert {waiters.pick(u) for u in (0.0, 0.49, 0.999)} == {1}
    assert (waiters.total, waiters.waiting(0), waiters.waiting(1)) == (2, 0, 2)


def test_with_nobody_waiting_nobody_is_woken() -> None:
    waiters = Waiters()
    waiters.wait(0)
    waiters.wait(1)
    waiters.withdraw(0)
    waiters.withdraw(1)
    with pytest.raises(LookupError):
        waiters.pick(0.5)
