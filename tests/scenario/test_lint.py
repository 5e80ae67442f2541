from pathlib import Path

import pytest

from simulator.scenario import ScenarioError, load
from simulator.scenario.lint import lint
from tests.scenario.cases import REPAIRED

TINY = REPAIRED / "01-bare-number.yaml"
FIFO = REPAIRED / "30-fifo-without-group.yaml"


def linted(path: Path, *sets: str) -> list[str]:
    return [
        f"{note.line}: {note.severity}: {note.path} {note.message}" for note in lint(load(path, sets=sets))
    ]


def test_a_sound_scenario_has_nothing_to_say() -> None:
    assert linted(TINY) == []


def test_a_function_timeout_above_the_visibility_timeout_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"below the timeout of functions\.ship, 31s; AWS refuses"):
        load(TINY, sets=["functions.ship.timeout=31s"])
    assert load(TINY, sets=["functions.ship.timeout=30s"])


def test_a_visibility_timeout_below_six_times_the_function_timeout_is_warned_of() -> None:
    (said,) = linted(TINY, "functions.ship.timeout=6s")
    assert said.startswith("13: warning: queues.orders.visibility_timeout is 30s; AWS advises 36s: 6 times")


def test_the_batching_window_counts_too() -> None:
    (said,) = linted(TINY, "functions.ship.event_sources.orders.maximum_batching_window=1s")
    assert "AWS advises 31s" in said
    assert "and the batching window" in said


def test_a_dead_letter_queue_of_another_type_is_refused() -> None:
    with pytest.raises(ScenarioError, match="orders-dlq, a fifo queue; orders is standard, so must it be"):
        load(TINY, sets=["queues.orders-dlq.type=fifo"])


def test_a_dead_letter_queue_that_keeps_no_longer_than_its_source_is_warned_of() -> None:
    (said,) = linted(TINY, "queues.orders-dlq.retention=4d")
    assert "warning: queues.orders-dlq.retention is 4d, not above that of orders" in said
    assert linted(TINY, "queues.orders-dlq.retention=97h") == []


def test_a_fifo_dead_letter_queue_may_keep_no_longer_as_its_clock_starts_at_the_move() -> None:
    assert linted(FIFO, "queues.orders-dlq.retention=4d") == []


def test_a_maximum_receive_count_of_one_is_warned_of() -> None:
    (said,) = linted(TINY, "queues.orders.redrive.max_receive_count=1")
    assert said.startswith("0: warning: queues.orders.redrive.max_receive_count is 1")


def test_a_fifo_queue_with_one_group_is_warned_of() -> None:
    (said,) = linted(FIFO, "producers.web.message.group.count=1")
    assert "warning: producers.web.message.group.count is 1: a FIFO queue, and orders is one" in said
    assert linted(TINY, "producers.web.message={group: {count: 1}}") == []


def test_a_note_says_that_it_is_a_warning() -> None:
    (note,) = lint(load(TINY, sets=["queues.orders-dlq.retention=1d"]))
    assert str(note).startswith("--set queues.orders-dlq.retention=1d: queues.orders-dlq.retention is 1d")
    assert str(note).endswith("(warning)")


def test_a_fair_queue_whose_consumers_have_too_little_in_flight_to_make_a_tenant_noisy_is_warned_of() -> None:
    slots = "functions.ship.event_sources.orders.maximum_concurrency"
    size = "functions.ship.event_sources.orders.batch_size=1"
    (said,) = linted(TINY, "queues.orders.fair=true", f"{slots}=29", size)
    assert "queues.orders.fair is true, but its consumers have at most 29 messages in flight at once" in said
    assert linted(TINY, "queues.orders.fair=true", f"{slots}=30", size) == []
    assert linted(TINY, "queues.orders.fair=true", size) == []


def test_a_fifo_queue_cannot_be_fair() -> None:
    with pytest.raises(ScenarioError, match="only standard queues are fair"):
        load(TINY, sets=["queues.orders.fair=true", "queues.orders.type=fifo"])
