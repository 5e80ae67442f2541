"""What faults must leave as it is: all before their start, the messages, the books, the seed."""

import textwrap
from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import Attempt, Quantity
from tests.engine.drills import S, drill
from tests.engine.running import Rows, read, run
from tests.engine.scenarios import CHAIN, FIFO
from tests.engine.test_simulate import same
from tests.scenario.test_faults import BLOCKS, SYSTEM


def early(rows: Rows, table: str, instant: str, until_at: int, *names: str) -> np.ndarray:
    """Rows of a table of before *until_at* [us], sorted."""
    columns = rows[table]
    before = columns[instant] < until_at
    if "quantity" in names:  # totals of the whole run stand from its start on
        before &= ~np.isin(columns["quantity"], TOTALS)
    chosen = np.array([columns[name][before] for name in (instant, *names)])
    return chosen[:, np.lexsort(chosen[::-1])]


TOTALS = [quantity for quantity in Quantity if 70 <= quantity < 80]

ALL = (
    "{at: 40s, for: 20s, function: charge, slow: 3x, errors: 30%}",
    "{at: 40s, for: 10s, auto_scaling_group: fraud, down: true}",
    "{at: 55s, auto_scaling_group: fraud, crash: 50%}",
    "{at: 60s, auto_scaling_group: fraud, deploy: {drain: false}}",
    "{at: 70s, auto_scaling_group: fraud, spot: 50%}",
    "{at: 75s, function: charge, deploy: {}}",
    "{at: 45s, for: 10s, queue: billing, throttle: 5/s, call: receive}",
    "{at: 60s, for: 10s, queue: billing, denied: delete}",
    "{at: 80s, for: 10s, queue: fraud, denied: receive}",
    "{at: 40s, for: 20s, producer: shop, poison: 5%}",
    "{at: 40s, for: 60s, metrics: blackout}",
    "{at: 100s, for: 10s, function: charge, down: true}",
)


@pytest.fixture(scope="module", params=[(), FIFO], ids=["standard", "fifo"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Rows]:
    """Rows with all faults and without any, of one kind of queue."""
    folder = tmp_path_factory.mktemp("both")
    return drill(folder, CHAIN, *ALL, sets=request.param), run(read(folder, CHAIN, request.param))


def test_nothing_of_a_fault_is_there_before_its_start(both: tuple[Rows, Rows]) -> None:
    with_faults, without = both
    received = ("deliveries", "received_at", 40 * S, "copy", "consumer", "started_at")
    changed = ("changes", "from_at", 40 * S, "thing", "quantity", "value")
    for what, least in ((received, 500), (changed, 10)):
        assert np.array_equal(early(with_faults, *what), early(without, *what))
        assert early(without, *what).shape[1] > least


def in_order(rows: Rows) -> dict[str, np.ndarray]:
    """Messages by producer and serial."""
    messages = rows["messages"]
    order = np.lexsort((messages["serial"], messages["producer"]))
    return {name: values[order] for name, values in messages.items()}


def test_faults_leave_every_message_as_it_is_but_for_poison(both: tuple[Rows, Rows]) -> None:
    with_faults, without = (in_order(rows) for rows in both)
    for name in ("offered_at", "size_bytes", "group", "attributes"):
        assert np.array_equal(with_faults[name], without[name])
    assert (with_faults["poison"] >= without["poison"]).all()


@pytest.mark.parametrize("sets", [(), FIFO], ids=["standard", "fifo"])
def test_faults_belong_to_the_seed(tmp_path: Path, sets: tuple[str, ...]) -> None:
    """Books are checked at the end of each run."""
    one = drill(tmp_path, CHAIN, *ALL, sets=sets)
    assert same(one, drill(tmp_path, CHAIN, *ALL, sets=sets))
    assert (one["deliveries"]["attempt"] == Attempt.CRASHED).any()


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.startswith("variants")])
def test_every_drill_of_the_library_runs_and_the_books_balance(tmp_path: Path, block: str) -> None:
    text = f"{SYSTEM}faults:\n{textwrap.indent(block, '  ')}"
    sets = ["producers.shop.arrivals=[{rate: 1/s}]"]
    fans_out = " denied: send" not in block  # of which a topic's deliveries are no part
    if fans_out:
        queues = ("orders", "letters", "parcels", "goods")
        subscriptions = ", ".join(f"{queue}: {{queue: {queue}}}" for queue in queues)
        sets += [f"topics={{all: {{subscriptions: {{{subscriptions}}}}}}}", "producers.shop.target=all"]
    rows = run(read(tmp_path, text, sets))
    assert len(rows["deliveries"]["copy"]) >= (12_000 if fans_out else 3_000)
