"""Draws of calls belong to message, receive, call and try: whatever was drawn beside them."""

import numpy as np

from simulator.processes.call_draws import CallDraws
from simulator.processes.ledger import Ledger
from simulator.sampling.distributions import Exponential


def ledger(messages: int) -> Ledger:
    """One block of messages, a copy each."""
    made = Ledger()
    zeros = np.zeros(messages, dtype=np.int64)
    made.add_messages("p", 0, zeros, zeros, zeros.astype(np.int16), zeros.astype(bool))
    made.add_copies(np.arange(messages), zeros)
    return made


def draws(made: Ledger, number: int = 0) -> CallDraws:
    return CallDraws(made, Exponential(1e6), number, 11, 12, 13)


def test_the_order_of_calls_changes_nothing():
    made = ledger(1_000)
    wanted = [(copy, count, tries) for copy in (3, 999, 130, 4) for count in (1, 2) for tries in (1, 3)]
    forwards = draws(made)
    backwards = draws(made)
    assert [forwards.of(*one) for one in wanted] == [backwards.of(*one) for one in wanted[::-1]][::-1]


def test_copies_receives_calls_and_tries_meet_numbers_of_their_own():
    made = ledger(300)
    found = {
        draws(made, number).of(copy, count, tries)
        for number in (0, 1)
        for copy in (0, 127, 128, 299)
        for count in (1, 2)
        for tries in (1, 2)
    }
    assert len(found) == 32


def test_a_redriven_copy_meets_other_numbers():
    made = ledger(10)
    first = draws(made).of(5, 1, 1)
    made.redrives[5] = 1
    assert draws(made).of(5, 1, 1) != first
    del made.redrives[5]
    assert draws(made).of(5, 1, 1) == first


def test_what_is_drawn_alone_is_what_is_drawn_with_its_neighbours():
    """A redrive is drawn alone; by the key of none it is the number of the block."""
    made = ledger(10)
    together = draws(made).of(5, 2, 3)
    made.redrives[5] = 0
    assert draws(made).of(5, 2, 3) == together
