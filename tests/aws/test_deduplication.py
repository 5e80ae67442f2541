"""Deduplication by id (SQS guide, exactly-once processing)."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.aws.deduplication import Deduplication

WINDOW = 300_000_000


def test_first_message_under_an_id_is_no_duplicate():
    deduplication = Deduplication(WINDOW)
    assert deduplication.original(0, "id", 1) is None
    assert deduplication.original(0, "other", 2) is None


def test_duplicate_is_answered_with_the_original():
    deduplication = Deduplication(WINDOW)  # FIFO-DUP-11
    deduplication.original(0, "id", 1)
    assert deduplication.original(0, "id", 2) == 1
    assert deduplication.original(1, "id", 3) == 1


def test_the_same_number_again_is_a_duplicate_too():
    deduplication = Deduplication(WINDOW)
    deduplication.original(0, "id", 0)
    assert deduplication.original(1, "id", 0) == 0


def test_id_is_new_again_at_exactly_the_end_of_its_window():
    deduplication = Deduplication(WINDOW)  # FIFO-DUP-10
    deduplication.original(0, "id", 1)
    assert deduplication.original(WINDOW - 1, "id", 2) == 1
    assert deduplication.original(WINDOW, "id", 3) is None


def test_duplicates_do_not_restart_the_window():
    deduplication = Deduplication(WINDOW)
    deduplication.original(0, "id", 1)
    for at in range(0, WINDOW, WINDOW // 10):
        deduplication.original(at, "id", 2)
    assert deduplication.original(WINDOW, "id", 3) is None
    assert deduplication.original(2 * WINDOW - 1, "id", 4) == 3


sends = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=60)


@given(sends, st.integers(1, 60))
def test_it_is_a_search_through_the_accepted_of_the_last_window(steps: list[tuple[int, int]], window: int):
    deduplication = Deduplication(window)
    accepted: list[tuple[int, int, int]] = []
    now = 0
    for number, (passed, name) in enumerate(steps):
        now += passed
        found = [n for at, other, n in accepted if other == name and now - at < window]
        assert deduplication.original(now, name, number) == (found[0] if found else None)
        if not found:
            accepted.append((now, name, number))
