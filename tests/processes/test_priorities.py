"""Priorities over several queues: who is asked when, what that does to each class, and what is counted."""

from typing import Any

import numpy as np
import pytest

from simulator.analysis.measures import Measures
from simulator.analysis.partial import Frame
from simulator.analysis.reduce import Reducer
from simulator.analysis.window import frame_of
from simulator.engine.things import things_of
from simulator.processes.priorities import Credits, Strict, Weighted, overdue
from simulator.recording.tables import Fate, Quantity
from tests.conformance import lab
from tests.processes.loops import TABLES, Ran, S, run

HIGH, LOW = 0, 1


def polled(
    priority: dict[str, Any],
    duration_s: float,
    *,
    high: dict[str, Any] | None = None,
    low: dict[str, Any] | None = None,
    backlog: tuple[int, int] = (0, 0),
    replication: int = 0,
    **group: Any,
) -> Ran:
    """One worker with two queues and work of 1 s, unless told otherwise."""
    queues = {
        name: {"visibility_timeout": "12h"} | ({"backlog": {"messages": messages}} if messages else {})
        for name, messages in zip(("high", "low"), backlog, strict=True)
    }
    arrivals = {name: given for name, given in (("high", high), ("low", low)) if given is not None}
    return run(
        replication,
        duration_s=duration_s,
        after="stop",
        producers={name: {"target": name, "arrivals": given} for name, given in arrivals.items()},
        queues=queues,
        auto_scaling_groups={
            "g": {
                "instance_type": "x",
                "work": "1s",
                "capacity": {"min": 1, "max": 1},
                "priority": priority,
                **group,
            }
        },
    )


def of(ran: Ran, place: int, table: str = "copies") -> lab.Columns:
    """Rows of one class."""
    queues = list(ran.simulation.messaging.dispatchers)
    thing = ran.simulation.messaging.dispatchers[queues[place]].thing
    rows = ran[table]
    return {column: values[rows["queue"] == thing] for column, values in rows.items()}


def done(ran: Ran, place: int) -> int:
    """Messages of a class that were worked."""
    return int((of(ran, place)["fate"] == Fate.DELETED).sum())


# -- orders ------------------------------------------------------------------------------------------


def test_strict_turns_ask_from_the_highest_down():
    assert list(Strict(3).order()) == [0, 1, 2]


def test_weighted_turns_draw_the_first_by_the_weights_and_fall_to_the_others():
    turns = Weighted([3, 1], iter([0.0, 0.74, 0.76]).__next__)
    assert [list(turns.order()) for _ in range(3)] == [[0, 1], [0, 1], [1, 0]]


def test_credits_are_spent_by_messages_and_earned_by_visits():
    turns = Credits([3, 1])
    asked = []
    for _ in range(8):
        place = next(turns.order())
        asked.append(place)
        turns.served(place, 1)
    assert asked == [0, 0, 0, 1, 0, 0, 0, 1]


def test_credits_are_what_a_receive_may_ask_for():
    turns = Credits([0.3, 0.1])
    assert turns.most(next(turns.order()), 10) == 3


def test_a_queue_found_empty_keeps_no_credits():
    turns = Credits([5, 1])
    assert list(turns.order()) == [0, 1, 0]
    assert turns.most(next(turns.order()), 10) <= 5


def test_what_was_not_asked_for_long_comes_first():
    assert overdue([100, 20, 60], 120, 60) == [1, 2]
    assert overdue([100, 20, 60], 120, None) == []


# -- what they do ------------------------------------------------------------------------------------


def test_a_low_message_waits_until_no_high_one_is_left():
    ran = polled({"strict": ["high", "low"]}, 100, backlog=(30, 30))
    assert of(ran, HIGH)["ended_at"].max() <= of(ran, LOW, "deliveries")["received_at"].min()


def test_work_that_was_begun_is_never_interrupted():
    """A high message that comes during low work waits for its end: at most one piece of work."""
    ran = polled({"strict": ["high", "low"], "wait": "0s"}, 500, high={"rate": "0.2/s"}, backlog=(0, 600))
    wait = of(ran, HIGH)["first_received_at"] - of(ran, HIGH)["sent_at"]
    assert wait.max() > S // 2
    low = of(ran, LOW, "deliveries")
    finished = low["ended_at"] >= 0
    assert (low["ended_at"] - low["started_at"])[finished].tolist() == [S] * finished.sum()


@pytest.mark.parametrize("order", ["weighted", "credits"])
def test_weights_are_the_shares_of_a_backlog(order: str):
    ran = polled({order: {"high": 3, "low": 1}}, 4000, backlog=(4000, 4000))
    assert done(ran, HIGH) / done(ran, LOW) == pytest.approx(3, rel=0.1)


def test_a_weight_is_no_reservation():
    """Of an empty class the others take what it leaves."""
    ran = polled({"weighted": {"high": 3, "low": 1}, "wait": "0s"}, 200, backlog=(0, 400))
    assert done(ran, LOW) >= 199


def test_an_aged_class_gets_one_receive_each_time_it_is_due():
    """High work without end: low is starved for ever, or served once every 20 s."""
    strict = polled({"strict": ["high", "low"]}, 400, backlog=(1000, 100))
    ageing = polled({"strict": ["high", "low"], "ageing": "20s"}, 400, backlog=(1000, 100))
    assert done(strict, LOW) == 0
    assert done(ageing, LOW) == pytest.approx(400 / 20, abs=1)


def test_a_long_receive_of_the_low_queue_keeps_a_high_message_waiting():
    """Facts 11: up to the wait; uniform over it when messages are rare."""
    waits = {}
    for wait in ("0s", "2s", "20s"):
        ran = polled({"strict": ["high", "low"], "wait": wait}, 40_000, high={"rate": "0.01/s"})
        copies = of(ran, HIGH)
        received = copies["first_received_at"] >= 0
        waits[wait] = (copies["first_received_at"] - copies["sent_at"])[received] / S
    assert waits["0s"].mean() < 0.1
    assert waits["2s"].max() <= 2 + 1
    assert waits["20s"].mean() == pytest.approx(10, rel=0.15)


def test_two_workers_ask_in_turns_of_their_own():
    ran = polled({"credits": {"high": 1, "low": 1}}, 100, backlog=(300, 300), workers_per_instance=2)
    assert done(ran, HIGH) == pytest.approx(done(ran, LOW), abs=3)


# -- what is counted ---------------------------------------------------------------------------------


def measured(priority: dict[str, Any], **about: Any) -> Measures:
    """Numbers of one run of two minutes."""
    ran = polled(priority, 120, **about)
    scenario = ran.simulation.scenario
    frame: Frame = frame_of(scenario, things_of(scenario))
    reducer = Reducer(frame)
    for table in TABLES:
        rows = ran[table]
        half = len(next(iter(rows.values()))) // 2
        for part in (slice(None, half), slice(half, None)):
            reducer.chunk(table, {column: values[part] for column, values in rows.items()})
    return Measures(frame, [reducer.partial()])


def test_a_message_received_before_a_visible_higher_one_is_an_inversion():
    strict = measured({"strict": ["high", "low"]}, backlog=(60, 200))
    even = measured({"credits": {"high": 1, "low": 1}}, backlog=(60, 200))
    assert strict.estimates["inversion.count"].mean == 0
    assert even.estimates["inversion.count"].mean == pytest.approx(60, abs=2)
    assert even.estimates["queues.low inversion.count"].mean == even.estimates["inversion.count"].mean
    assert even.estimates["queues.high inversion.count"].mean == 0


def test_starvation_is_the_longest_time_a_class_waits_without_being_served():
    found = measured({"strict": ["high", "low"]}, backlog=(60, 200)).estimates
    assert found["queues.low starvation"].mean == 60
    assert found["queues.high starvation"].mean == 1
    assert found["starvation"].mean == 60


def test_a_class_that_is_never_served_starves_to_the_end():
    found = measured({"strict": ["high", "low"]}, backlog=(500, 1)).estimates
    assert found["queues.low starvation"].mean == 120


def test_a_class_without_messages_does_not_starve():
    found = measured({"strict": ["high", "low"]}, backlog=(0, 100)).estimates
    assert found["queues.high starvation"].mean == 0


def test_invocations_of_a_group_are_not_said_to_be_those_of_one_of_its_queues():
    found = measured({"strict": ["high", "low"]}, backlog=(60, 200)).estimates
    assert found["auto_scaling_groups.g invocation.count"].mean == 120
    assert "queues.low invocation.count" not in found


def test_events_a_message_are_few_also_with_several_queues():
    ran = polled({"strict": ["high", "low"]}, 8_000, backlog=(4000, 4000), receive={"max_messages": 10})
    assert ran.per_copy() <= 0.4
    alone = polled({"strict": ["high", "low"]}, 20_000, high={"rate": "0.4/s"}, low={"rate": "0.4/s"})
    assert alone.per_copy() <= 6


def test_one_inversion_is_one_row_and_the_longest_starvation_another():
    changes = polled({"weighted": {"high": 1, "low": 1}}, 50, backlog=(100, 100))["changes"]
    inverted = changes["quantity"] == Quantity.INVERTED
    assert (changes["until_at"] - changes["from_at"])[inverted].tolist() == [1] * inverted.sum()
    assert np.count_nonzero(changes["quantity"] == Quantity.STARVED) == 2
