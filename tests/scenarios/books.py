"""The books of a run, kept again from its rows alone: what the engine's own counters say is not asked."""

import numpy as np

from simulator.recording.tables import NONE, Arrival, Attempt, Fate
from tests.scenarios.running import Columns, Ran


def assert_rows_add_up(run: Ran) -> None:
    """Messages, copies, deliveries and invocations tell one story."""
    messages, copies, deliveries, invocations = (
        run[table] for table in ("messages", "copies", "deliveries", "invocations")
    )
    assert np.array_equal(np.sort(messages["message"]), np.arange(len(messages["message"])))

    # every copy a message became is in exactly one queue at first, and there once
    redriven = copies["arrival"] == Arrival.REDRIVE
    record = copies["arrival"] == Arrival.DESTINATION
    given_up = given_up_by_sns(run, copies)
    first_stays = (copies["arrival"] != Arrival.MOVE) & ~redriven & ~record & ~given_up
    assert messages["copies"].sum() == first_stays.sum()  # a call may have run and failed, and be refused
    assert len(np.unique(copies["copy"][first_stays])) == first_stays.sum()

    # what leaves for a dead-letter queue arrives there at that very instant
    queues = [number for path, number in run.things.items() if path.startswith("queues.")]
    moved = (copies["fate"] == Fate.DEAD_LETTERED) & np.isin(copies["queue"], queues)
    came = copies["arrival"] == Arrival.MOVE
    for column, other in (("copy", "copy"), ("ended_at", "arrived_at")):
        assert np.array_equal(np.sort(copies[column][moved]), np.sort(copies[other][came]))

    # a record of an event comes when that is over, from a function
    at = dict(zip(copies["copy"].tolist(), copies["ended_at"].tolist(), strict=True))
    parents, came_at = copies["parent"][record].tolist(), copies["arrived_at"][record].tolist()
    assert all(at[parent] <= came for parent, came in zip(parents, came_at, strict=True))
    assert not np.isin(copies["queue"][np.isin(copies["copy"], parents)], queues).any()

    # what a redrive task takes out is sent anew at that instant
    left = copies["fate"] == Fate.REDRIVEN
    assert np.array_equal(np.sort(copies["copy"][left]), np.sort(copies["parent"][redriven]))
    assert np.array_equal(np.sort(copies["ended_at"][left]), np.sort(copies["sent_at"][redriven]))

    # a copy was given out as often as there are deliveries of it
    assert copies["receives"].sum() == len(deliveries["copy"])
    gone = np.isin(copies["fate"], [Fate.DELETED, Fate.FILTERED_OUT])
    assert gone.sum() == deliveries["deleted"].sum()
    never = copies["receives"] == 0
    assert np.all(copies["first_received_at"][never] == NONE)

    # instants of a stay and of a delivery are in order
    done = copies["succeeded_at"] != NONE
    assert np.all(copies["offered_at"] <= copies["sent_at"])
    assert np.all(copies["sent_at"] <= copies["arrived_at"])
    assert np.all(copies["arrived_at"] <= copies["ended_at"])
    assert np.all(copies["first_received_at"][~never] >= copies["arrived_at"][~never])
    assert np.all(copies["first_started_at"][done] <= copies["succeeded_at"][done])
    worked = deliveries["ended_at"] != NONE
    assert np.all(deliveries["received_at"][worked] <= deliveries["started_at"][worked])
    assert np.all(deliveries["started_at"][worked] <= deliveries["ended_at"][worked])

    # a batch is what was delivered in it
    sizes = np.bincount(deliveries["invocation"], minlength=len(invocations["invocation"]))
    assert np.array_equal(sizes[invocations["invocation"]], invocations["messages"])
    assert (deliveries["attempt"] == Attempt.SUCCEEDED).sum() >= done.sum()


def given_up_by_sns(run: Ran, copies: Columns) -> np.ndarray:
    """Copies in dead-letter queues of queues' and functions' subscriptions: each was given up there first."""
    found = np.zeros(len(copies["copy"]), dtype=bool)
    for topic, one in run.scenario.topics.items():
        for name, subscription in one.subscriptions.items():
            if subscription.dead_letter is None or subscription.kind not in ("queue", "function"):
                continue
            line = copies["queue"] == run.things[f"topics.{topic}.subscriptions.{name}"]
            lost = copies["message"][line & (copies["fate"] == Fate.DEAD_LETTERED)]
            came = copies["queue"] == run.things[f"queues.{subscription.dead_letter}"]
            came &= copies["arrival"] == Arrival.SEND
            assert np.array_equal(np.sort(copies["message"][came]), np.sort(lost))
            found |= came
    return found
