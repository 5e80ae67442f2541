"""Event filters of a mapping in a run: what they sort out costs a receive, and no invocation."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.measures import Measures
from simulator.recording.tables import NONE, Attempt, Fate
from simulator.scenario import load
from tests.scenarios.running import MINUTE, Ran, written

TEXT = """\
scenario: filters
duration: 1m
producers:
  web:
    target: orders
    arrivals: {rate: 50/s}
    message: {group: {count: 20}, body: {kind: {order: 20%, refund: rest}}}
queues:
  orders: {}
functions:
  ship:
    runtime: python3.13
    work: 20ms
    event_sources: {orders: {filters: [{body: {kind: [order]}}]}}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    yield Ran(written(tmp_path_factory.mktemp("filters"), TEXT))


def test_what_fits_is_processed_and_all_else_is_deleted_unprocessed(ran: Ran):
    copies, orders = ran["copies"], ran["messages"]["attributes"] == 0
    wanted = orders[np.argsort(ran["messages"]["message"])][copies["message"]]
    assert (copies["fate"] == np.where(wanted, int(Fate.DELETED), int(Fate.FILTERED_OUT))).all()
    assert ((copies["succeeded_at"] != NONE) == wanted).all()
    # 3,000 messages, four of five filtered out: 2,400 within 5 standard errors of 22
    assert abs((~wanted).sum() - 0.8 * len(wanted)) < 110


def test_the_function_is_not_invoked_for_what_is_filtered_out(ran: Ran):
    deliveries, invocations = ran["deliveries"], ran["invocations"]
    out = deliveries["attempt"] == Attempt.FILTERED_OUT
    assert (deliveries["started_at"][out] == NONE).all() and deliveries["deleted"][out].all()
    run = invocations[("attempt")] != Attempt.FILTERED_OUT
    assert invocations["messages"][run].sum() == (~out).sum()
    measures = Measures(ran.frame, [ran.partial]).estimates
    assert measures["functions.ship.event_sources.orders invocation.count"].mean == run.sum()


def test_it_is_counted_apart_from_processed_and_lost_and_left_out_of_percentiles(ran: Ran):
    measures, copies = Measures(ran.frame, [ran.partial]).estimates, ran["copies"]
    out = (copies["fate"] == Fate.FILTERED_OUT).sum()
    assert measures["queues.orders filtered_out.count"].mean == out > 0
    assert measures["queues.orders throughput.count"].mean == len(copies["copy"]) - out
    assert measures["queues.orders lost.count"].mean == 0
    done = copies["succeeded_at"] != NONE
    taken = (copies["succeeded_at"] - copies["offered_at"])[done]
    assert measures["queues.orders end_to_end.p50"].mean == pytest.approx(np.median(taken) / 1e6, rel=0.02)


def test_a_mapping_without_filters_works_the_same_messages_and_more(ran: Ran, tmp_path: Path):
    source = "functions__ship__event_sources__orders"
    plain = Ran(written(tmp_path, TEXT, **{source: "{}"}))
    assert (plain["messages"]["attributes"] == ran["messages"]["attributes"]).all()
    assert (plain["copies"]["fate"] == Fate.DELETED).all()


@pytest.mark.parametrize(
    ("more", "each"),
    [
        ({"queues__orders__type": "fifo"}, 1),
        ({"functions__ship__event_sources__orders__maximum_batching_window": "1s"}, 1),
        ({"queues__orders__fair": "true"}, 1),
        ({"faults": "{deny: {at: 10s, for: 20s, queue: orders, denied: delete}}"}, 1),
        ({"functions__ship__event_sources__orders__provisioned": "{minimum: 2, maximum: 10}"}, 1),
        ({"queues__orders__redrive": "{queue: dead, max_receive_count: 1}", "queues__dead": "{}",
          "functions__ship__failures": "{transient: 50%}"}, 2),
    ],
    ids=["fifo", "window", "fair", "denied", "provisioned", "failures"],
)  # fmt: skip
def test_books_balance_with_every_kind_of_queue(more: dict[str, str], each: int, tmp_path: Path):
    other = Ran(written(tmp_path, TEXT, **more))  # the run itself checks that nothing is lost or made
    copies = other["copies"]
    first = copies["queue"] == other.things["queues.orders"]
    assert set(copies["fate"][first]) <= {Fate.DELETED, Fate.FILTERED_OUT, Fate.DEAD_LETTERED, Fate.IN_FLIGHT}
    assert (copies["fate"][first] == Fate.FILTERED_OUT).sum() > 2000
    assert len(set(copies["fate"])) >= each
    assert other.run.end_at <= 2 * MINUTE


def test_a_filter_on_a_dead_letter_queue_judges_what_came_from_its_source(tmp_path: Path):
    text = TEXT.replace("orders: {filters", "dead: {filters").replace(
        "orders: {}",
        "orders: {redrive: {queue: dead, max_receive_count: 1}, visibility_timeout: 30s}\n  dead: {}",
    )
    lose = "{runtime: python3.13, work: 1ms, failures: {transient: 100%}, event_sources: {orders: {}}}"
    ran = Ran(written(tmp_path, f"{text}  lose: {lose}\n"))
    copies = ran["copies"]
    dead = copies["queue"] == ran.things["queues.dead"]
    assert {Fate.FILTERED_OUT, Fate.DELETED} <= set(copies["fate"][dead])


def test_a_mapping_saves_invocations_and_a_topic_saves_the_receives_too():
    """The scenario `event_filters`: one event in ten is an order, 200 a second for a minute."""
    path = Path(__file__).parents[2] / "scenarios" / "event_filters.yaml"
    sides = {side: Ran(load(path, variant=side)) for side in ("", "mapping", "topic")}
    received = {side: len(ran["deliveries"]["copy"]) for side, ran in sides.items()}
    runs = {
        side: (ran["invocations"]["attempt"] != Attempt.FILTERED_OUT).sum() for side, ran in sides.items()
    }
    orders = {side: (ran["messages"]["attributes"] == 0).sum() for side, ran in sides.items()}
    assert len(set(orders.values())) == 1 and orders[""] > 1000
    assert received["mapping"] == received[""] > 9 * received["topic"]
    assert received["topic"] == orders[""]
    assert runs[""] > 5 * runs["mapping"] and runs["mapping"] <= orders[""]
    assert runs["topic"] <= orders[""]
