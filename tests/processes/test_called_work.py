"""Work with calls: message after message, each with its calls first, in functions and in groups."""

from typing import Any

import numpy as np
import pytest

from simulator.recording.tables import Attempt, Cause, Fate, Limit, Quantity
from tests.processes.loops import Ran, S, run, standing

MS = 1_000
DB: dict[str, Any] = {"db": {"latency": "100ms"}}
FUNCTION = {"runtime": "python3.13", "memory": "512MB", "timeout": "10s", "work": "50ms", "calls": {"db": 2}}
PAIR = {"calls": {"db": 2}, "receive": {"max_messages": 2, "delete": "each"}, "work": "50ms"}


def group(messages: int, duration_s: float, downstreams: dict[str, Any] | None = None, **about: Any) -> Ran:
    """One worker and a standing backlog."""
    downstreams = DB if downstreams is None else downstreams
    queue = about.pop("queue_settings", {})
    queues = {"q": {"visibility_timeout": "12h"} | queue | {"backlog": {"messages": messages}}}
    if "redrive" in queue:
        queues["dead"] = {"retention": "14d", "type": queue.get("type", "standard")}
    about = {"queue": "q", "instance_type": "x", "capacity": {"min": 1, "max": 1}} | PAIR | about
    return run(
        duration_s=duration_s,
        after="stop",
        queues=queues,
        auto_scaling_groups={"g": about},
        downstreams=downstreams,
    )


def function(
    messages: int,
    duration_s: float,
    downstreams: dict[str, Any] | None = None,
    source: Any = None,
    **about: Any,
) -> Ran:
    """A function and a standing backlog."""
    return run(
        duration_s=duration_s,
        after="stop",
        queues={
            "q": {"backlog": {"messages": messages}, "redrive": {"queue": "dead", "max_receive_count": 2}},
            "dead": {"retention": "14d"},
        },
        functions={"f": FUNCTION | {"event_sources": {"q": source or {"batch_size": 2}}} | about},
        downstreams=DB if downstreams is None else downstreams,
    )


def test_calls_come_before_the_own_work_message_after_message():
    """Two calls of 100 ms and 50 ms of work: 250 ms a message, on a group and in a function alike."""
    for ran in (group(4, 2), function(2, 2)):
        deliveries = ran["deliveries"]
        assert (deliveries["ended_at"][:2].max() - deliveries["started_at"][:2].min()) == 500 * MS
        invocations = ran["invocations"]
        assert invocations["downstream_us"][0] == 400 * MS
        assert invocations["waiting_us"][0] == 0
    assert group(4, 2)["deliveries"]["started_at"].tolist() == [0, 250 * MS, 500 * MS, 750 * MS]


def test_an_invocation_without_calls_spends_nothing_on_downstreams():
    ran = standing(3, 10)
    assert not ran["invocations"]["downstream_us"].any()
    assert not ran["invocations"]["waiting_us"].any()


@pytest.mark.parametrize("fifo", [False, True])
@pytest.mark.parametrize("delete", ["each", "batch"])
def test_messages_are_deleted_each_or_by_batch(fifo, delete):
    queue = {"type": "fifo"} if fifo else {}
    about: dict[str, Any] = {"receive": {"max_messages": 2, "delete": delete}}
    ran = run(
        duration_s=5,
        after="stop",
        queues={
            "q": queue
            | {
                "visibility_timeout": "12h",
                "backlog": {"messages": 4, **({"group": {"count": 1}} if fifo else {})},
            }
        },
        auto_scaling_groups={
            "g": {"queue": "q", "instance_type": "x", "capacity": {"min": 1, "max": 1}} | PAIR | about
        },
        downstreams=DB,
    )
    left = sorted(ran["deliveries"]["left_at"].tolist())
    each, batch = [250, 500, 750, 1_000], [500, 500, 1_000, 1_000]
    assert left == [at * MS for at in (each if delete == "each" else batch)]
    assert (ran["copies"]["fate"] == Fate.DELETED).all()


def test_a_message_whose_call_fails_for_good_is_not_worked_on_and_comes_back():
    """Three tries of 100 ms each fail; the message ends there, and after its second time it is dead."""
    dead = {"db": {"latency": "100ms", "errors": "100%"}}
    client = {"max_attempts": 3, "backoff": "0s"}
    ran = function(1, 120, dead, client=client)
    deliveries = ran["deliveries"]
    assert deliveries["attempt"].tolist() == [Attempt.FAILED] * 2
    assert deliveries["cause"].tolist() == [Cause.NOTHING, Cause.FAILURE]
    assert (deliveries["ended_at"] - deliveries["started_at"]).tolist() == [300 * MS] * 2
    assert Fate.DEAD_LETTERED in ran["copies"]["fate"].tolist()


def test_a_failed_call_fails_its_message_alone_in_a_group_and_its_batch_in_a_function():
    """The rate lets one message's call through: the other of the batch is refused."""
    one = {"db": {"latency": "100ms", "rate": "1/s", "burst": 1}}
    client = {"max_attempts": 1}
    about: dict[str, Any] = {"calls": {"db": 1}, "client": client}
    attempts = group(2, 0.4, one, **about)["deliveries"]["attempt"].tolist()
    assert attempts == [Attempt.SUCCEEDED, Attempt.FAILED]
    attempts = function(2, 0.4, one, **about)["deliveries"]["attempt"].tolist()
    assert attempts == [Attempt.BATCH_MATE, Attempt.FAILED]
    source = {"batch_size": 2, "report_batch_item_failures": True}
    attempts = function(2, 0.4, one, source, **about)["deliveries"]["attempt"].tolist()
    assert attempts == [Attempt.SUCCEEDED, Attempt.FAILED]


def test_the_time_out_of_a_function_kills_it_in_the_middle_of_a_call():
    """10 s for a call of 1 min: the call goes on at the downstream for its minute."""
    ran = function(
        1, 11, {"db": {"latency": "1m", "connections": 5}}, calls={"db": 1}, client={"timeout": "5m"}
    )
    invocations = ran["invocations"]
    assert invocations["attempt"][0] == Attempt.CRASHED
    assert invocations["ended_at"][0] == 10 * S
    assert invocations["downstream_us"][0] == 10 * S
    changes = ran["changes"]
    served = changes["quantity"] == Quantity.SERVED_TRIES
    assert changes["until_at"][served].max() == 11 * S


def test_what_ends_at_the_very_time_out_is_in_time():
    ran = function(1, 11, {"db": {"latency": "10s"}}, calls={"db": 1}, work="0s", client={"timeout": "5m"})
    assert ran["invocations"]["attempt"][0] == Attempt.SUCCEEDED


def test_a_visibility_timeout_that_ends_in_the_middle_gives_the_message_out_again():
    """1 s of calls each; two messages, 1.5 s: the second is out again at 1.5 s while it is worked on."""
    ran = group(
        2, 1.9, {"db": {"latency": "500ms"}}, work="0s", queue_settings={"visibility_timeout": "1.5s"},
        workers_per_instance=2,
    )  # fmt: skip
    deliveries = ran["deliveries"]
    again = deliveries["cause"] != Cause.NOTHING
    assert deliveries["cause"][again].tolist() == [Cause.VISIBILITY_TIMEOUT]
    assert deliveries["received_at"][again].tolist() == [1_500 * MS]


def test_at_the_end_of_the_run_what_is_in_hand_is_unfinished():
    deliveries = group(2, 0.3)["deliveries"]
    assert deliveries["attempt"].tolist() == [Attempt.SUCCEEDED, Attempt.UNFINISHED]
    assert deliveries["started_at"].tolist() == [0, 250 * MS]


def test_the_same_message_meets_the_same_latency_whoever_calls():
    """Batch size, consumer and load are different; what the database needs for a message is not."""
    downstreams = {"db": {"latency": {"exponential": {"mean": "100ms"}}}}
    one = group(40, 60, downstreams, work="0s", receive={"max_messages": 1})["invocations"]
    ten = function(40, 60, downstreams, {"batch_size": 10}, work="0s")["invocations"]
    assert len(one["downstream_us"]) == 40
    assert np.isclose(one["downstream_us"].sum(), ten["downstream_us"].sum(), atol=0)


def test_a_full_pool_binds_as_downstream():
    """Ten workers, two connections of 100 ms: 20 messages a second, and the downstream is what holds back."""
    ran = group(
        200, 5, {"db": {"latency": "100ms", "connections": 2}}, calls={"db": 1}, work="0s",
        workers_per_instance=10, receive={"max_messages": 1},
    )  # fmt: skip
    assert (ran["copies"]["fate"] == Fate.DELETED).sum() == pytest.approx(100, abs=2)
    changes = ran["changes"]
    bound = (changes["quantity"] == Quantity.LIMIT) & (changes["value"] == Limit.DOWNSTREAM)
    assert (changes["until_at"] - changes["from_at"])[bound].sum() > 4.5 * S


def test_a_downstream_with_room_does_not_bind():
    ran = group(
        200, 5, {"db": {"latency": "100ms", "connections": 50}}, calls={"db": 1}, work="0s",
        workers_per_instance=2, receive={"max_messages": 1},
    )  # fmt: skip
    changes = ran["changes"]
    bound = (changes["quantity"] == Quantity.LIMIT) & (changes["value"] == Limit.DOWNSTREAM)
    assert not bound.any()


def test_ties_and_calls_do_not_decide_what_is_done():
    def rows(reverse: bool) -> list[int]:
        ran = run(
            duration_s=20,
            reverse_ties=reverse,
            after="stop",
            queues={"q": {"visibility_timeout": "12h", "backlog": {"messages": 100}}},
            auto_scaling_groups={
                "g": {"queue": "q", "instance_type": "x", "capacity": {"min": 3, "max": 3}} | PAIR
            },
            downstreams={"db": {"latency": {"exponential": {"mean": "100ms"}}, "connections": 2}},
        )
        return sorted(ran["deliveries"]["ended_at"].tolist())

    assert rows(False)[-1] == pytest.approx(rows(True)[-1], rel=0.02)


def test_a_worker_that_dies_in_the_middle_of_a_call_loses_its_message_and_the_call_goes_on():
    """Its second message is in its first call at 300 ms; the database works on that to 350 ms."""
    ran = run(
        duration_s=2,
        after="stop",
        queues={"q": {"visibility_timeout": "12h", "backlog": {"messages": 2}}},
        auto_scaling_groups={
            "g": {"queue": "q", "instance_type": "x", "capacity": {"min": 1, "max": 1}} | PAIR
        },
        downstreams=DB,
        faults={"gone": {"at": "300ms", "for": "1s", "auto_scaling_group": "g", "down": True}},
    )
    deliveries = ran["deliveries"]
    assert deliveries["attempt"].tolist() == [Attempt.SUCCEEDED, Attempt.CRASHED]
    assert deliveries["ended_at"].tolist() == [250 * MS, 300 * MS]
    assert ran["invocations"]["downstream_us"].tolist() == [250 * MS]
    changes = ran["changes"]
    served = changes["quantity"] == Quantity.SERVED_TRIES
    area = (changes["value"] * (changes["until_at"] - changes["from_at"]))[served].sum()
    assert area / 1e9 == pytest.approx(0.3)  # three calls of 100 ms, the last for nobody


def test_workers_that_poll_short_call_as_others_do():
    ran = group(4, 2, receive={"max_messages": 2, "wait_time": "0s", "poll_pause": "100ms"})
    assert ran["deliveries"]["started_at"].tolist() == [0, 250 * MS, 500 * MS, 750 * MS]
