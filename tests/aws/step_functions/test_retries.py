"""Step Functions retries: waits, counters of their own, error names."""

import pytest

from simulator.aws.step_functions.retries import Retrier, Retries, matches

SECOND_US = 1_000_000


def waits_s(retries: Retries, *errors: str) -> list[float | None]:
    waits = [retries.wait_us(error) for error in errors]
    return [None if wait is None else wait / SECOND_US for wait in waits]


def test_by_default_a_state_waits_1_2_4_seconds_and_then_gives_up() -> None:
    assert waits_s(Retries([Retrier()]), "Boom", "Boom", "Boom", "Boom") == [1, 2, 4, None]


def test_no_wait_is_longer_than_the_greatest_delay() -> None:
    retrier = Retrier(interval_us=3 * SECOND_US, backoff_rate=3, max_attempts=4, max_delay_us=20 * SECOND_US)
    assert waits_s(Retries([retrier]), *["Boom"] * 5) == [3, 9, 20, 20, None]


def test_max_attempts_of_zero_is_never() -> None:
    assert waits_s(Retries([Retrier(max_attempts=0)]), "Boom") == [None]


def test_each_retrier_counts_on_its_own() -> None:
    retries = Retries([Retrier(("A", "B"), max_attempts=2), Retrier(("C",), interval_us=5 * SECOND_US)])
    assert waits_s(retries, "A", "C", "B", "C", "A") == [1, 5, 2, 10, None]


def test_a_spent_retrier_hides_those_after_it() -> None:
    retries = Retries([Retrier(("A",), max_attempts=1), Retrier()])
    assert waits_s(retries, "A", "A") == [1, None]


def test_full_jitter_leaves_a_drawn_share_of_the_wait() -> None:
    retrier = Retrier(interval_us=10 * SECOND_US, jitter="FULL")
    assert retrier.wait_us(1, chance=0.25) == 5 * SECOND_US
    assert Retrier(interval_us=10 * SECOND_US).wait_us(1, chance=0.25) == 20 * SECOND_US


@pytest.mark.parametrize(
    ("names", "error", "covered"),
    [
        (["States.ALL"], "Boom", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.Runtime", False),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.TaskFailed"], "Boom", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.Timeout"], "States.Timeout", True),
        (["Boom"], "Bang", False),
    ],
)
def test_names_cover_errors(names: list[str], error: str, covered: bool) -> None:
    assert matches(names, error) is covered
