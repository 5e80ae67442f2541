"""Step Functions: batches, starts and tolerated failures of a distributed Map."""

import pytest

from simulator.aws.step_functions.distributed_map import MapRun, at_once, batches
from simulator.aws.step_functions.states import Batching, Machine, Map

SECOND_US = 1_000_000


def started_at(run: MapRun) -> list[int]:
    """Instants of all starts of children that never end [us]."""
    now, starts = 0, []
    while (at := run.next_at(now)) is not None:
        now = at
        run.start(now)
        starts.append(now)
    return starts


def test_a_batch_is_closed_by_its_items_or_its_bytes_whichever_comes_first() -> None:
    assert batches([10] * 7, Batching(items=3)) == [3, 3, 1]
    assert batches([10] * 7, Batching(input_bytes=25)) == [2, 2, 2, 1]
    assert batches([10, 10, 10, 30, 1, 1, 1, 1], Batching(items=3, input_bytes=35)) == [3, 3, 2]


def test_an_item_that_is_larger_than_a_batch_is_one_of_its_own() -> None:
    assert batches([1, 100, 1], Batching(input_bytes=10)) == [1, 1, 1]


def test_without_batching_each_item_is_a_child() -> None:
    assert batches([5, 5], None) == [1, 1]


def test_ten_thousand_standard_children_take_a_hundred_seconds_to_start() -> None:
    """At 100/s the last of n starts (n - 1)/100 s after the first."""
    starts = started_at(MapRun([1] * 10_000, rate_per_s=100, concurrency=10_000))
    assert starts == [k * 10_000 for k in range(10_000)]
    assert starts[-1] == 99_990_000


def test_no_more_children_run_than_may() -> None:
    run = MapRun([1] * 5, rate_per_s=1_000, concurrency=2)
    first = run.start(0)
    run.start(1_000)
    assert run.next_at(5_000) is None
    run.ended(first, failed=False)
    assert run.next_at(5_000) == 5_000


def test_by_default_the_first_failed_item_fails_the_run() -> None:
    run = MapRun([1, 1], rate_per_s=1_000, concurrency=10)
    run.ended(run.start(0), failed=True)
    assert run.failed
    assert run.over
    assert run.next_at(SECOND_US) is None


@pytest.mark.parametrize(
    ("tolerated", "most"),
    [
        ({"tolerated_items": 10}, 2),
        ({"tolerated_share": 0.05}, 1),
        ({"tolerated_items": 100, "tolerated_share": 0.05}, 1),
    ],
)
def test_failed_children_count_with_the_items_of_their_batch(tolerated: dict[str, float], most: int) -> None:
    """20 batches of 5 items: 10 items are two batches, 5% of 100 items one; the stricter of two counts."""
    run = MapRun([5] * 20, rate_per_s=1_000, concurrency=20, **tolerated)  # type: ignore[arg-type]
    children = [run.start(1_000 * k) for k in range(20)]
    for child in children[:most]:
        run.ended(child, failed=True)
    held = run.failed
    run.ended(children[most], failed=True)
    assert (held, run.failed, run.failed_items) == (False, True, 5 * (most + 1))


def test_a_run_is_over_when_all_its_children_have_ended() -> None:
    run = MapRun([1], rate_per_s=1, concurrency=1)
    over = [run.over]
    child = run.start(0)
    over.append(run.over)
    run.ended(child, failed=False)
    over.append(run.over)
    assert over == [False, False, True]
    assert not run.failed


def test_max_concurrency_is_bound_by_the_service() -> None:
    inside = Machine("", {})
    assert at_once(Map("M", None, inside), 40) == 40
    assert at_once(Map("M", None, inside, max_concurrency=5), 40) == 5
    assert at_once(Map("M", None, inside, max_concurrency=1_000), 40) == 40
