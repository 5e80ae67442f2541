"""Loops of workers: what each shape does to throughput, order of receives, visibility and duplicates."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from simulator.processes.draws import Work
from simulator.recording.tables import NONE, Attempt, Cause, Fate, Limit, Quantity
from tests.processes.loops import S, run, standing, started

LOOPS: dict[str, dict[str, Any]] = {
    "barrier": {"loop": "barrier", "receive": {"max_messages": 10}},
    "permits": {"loop": {"permits": 8}, "receive": {"max_messages": 10}},
    "prefetch": {"loop": {"prefetch": 2}, "receive": {"max_messages": 5}},
    "prefetch, batch": {"loop": {"prefetch": 2}, "receive": {"max_messages": 5, "delete": "batch"}},
    "permits, batch": {"loop": {"permits": 8}, "receive": {"max_messages": 10, "delete": "batch"}},
    "heartbeat": {"heartbeat": {"every": "2s", "extend_to": "4s"}, "receive": {"max_messages": 5}},
    "lost": {"receive": {"lost_answers": "5%"}},
    "denied": {
        "denied": {
            "one": {"call": "receive", "at": "60s", "for": "20s"},
            "other": {"call": "delete", "at": "100s", "for": "20s"},
        }
    },
    "short": {"loop": "barrier", "receive": {"max_messages": 10, "wait_time": "0s"}},
    "strict": {"priority": {"strict": ["q", "r"]}},
    "weighted": {"priority": {"weighted": {"q": 3, "r": 1}, "wait": "0s", "ageing": "20s"}},
    "credits": {"priority": {"credits": {"q": 3, "r": 1}}, "receive": {"max_messages": 10}},
    "everything": {
        "priority": {"credits": {"q": 3, "r": 1}, "ageing": "30s"},
        "loop": {"permits": 4},
        "receive": {"max_messages": 3, "lost_answers": "2%"},
        "heartbeat": {"every": "1s", "extend_to": "3s"},
        "denied": {"one": {"call": "receive", "at": "60s", "for": "20s"}},
    },
}


@pytest.mark.parametrize("kind", ["standard", "fifo"])
@pytest.mark.parametrize("loop", LOOPS)
def test_nothing_is_lost_or_made_with_any_loop(loop: str, kind: str):
    """Failures, timeouts shorter than some work, scale-in, dead letters; on FIFO with ties run backwards."""
    where = {} if "priority" in LOOPS[loop] else {"queue": "q"}
    redrive = {"queue": "dead", "max_receive_count": 3}
    queue = {"type": kind, "visibility_timeout": "5s", "redrive": redrive}
    message = {"group": {"count": 30}, "poison": "1%"}
    arrivals = [{"for": "60s", "rate": "12/s"}, {"rate": "2/s"}]
    ran = run(
        duration_s=240,
        ideal=False,
        reverse_ties=kind == "fifo",
        limits={"asg.tt.in_points": 1, "client.timeout": "10s", "cw.publish_delay": "1s"},
        producers={name: {"target": name, "arrivals": arrivals, "message": message} for name in ("q", "r")},
        queues={"q": queue, "r": queue, "dead": {"type": kind, "retention": "14d"}},
        auto_scaling_groups={
            "g": {
                "instance_type": "x",
                "workers_per_instance": 2,
                "work": {"exponential": {"mean": "500ms"}},
                "failures": {"transient": "3%"},
                "boot": "5s",
                "drain": "1s",
                "capacity": {"min": 1, "max": 6, "desired": 6},
                "policies": {"p": {"target_tracking": {"target": 20}}},
                **where,
                **LOOPS[loop],
            }
        },
    )
    copies = ran["copies"]
    assert (copies["fate"] == Fate.DELETED).sum() > 500
    deliveries = ran["deliveries"]
    again = deliveries["receive_count"] > 1
    source = deliveries["queue"] != copies["queue"].max()
    assert (deliveries["cause"][again & source] != Cause.NOTHING).all()


# -- shapes of loops ---------------------------------------------------------------------------------


def test_a_thread_does_one_call_after_another():
    """Facts 13: 20 ms a call, no work, one message a call: 50 calls a second, receives and deletes."""
    for loop in ({}, {"loop": {"permits": 1}}, {"loop": "barrier"}):
        limits = {
            "lat.sqs_receive": {"p50": "20ms"},
            "lat.sqs_delete": {"p50": "20ms"},
        }
        ran = standing(1000, 10, ideal=False, limits=limits, work="0s", **loop)
        done = ran["deliveries"]["deleted"].sum()
        assert abs(2 * done - 50 * 10) <= 2


def test_a_barrier_loop_is_as_slow_as_its_slowest_message(monkeypatch):
    """V25: 10 per batch, one of them of 10 s, the others of 100 ms: 1 message a second."""

    def one_in_ten(_: Work, copies: list[int], again: dict[int, int]) -> tuple[list[int], list[int]]:
        return [S // 10 if copy % 10 else 10 * S for copy in copies], []

    monkeypatch.setattr(Work, "of", one_in_ten)
    ran = standing(10_000, 2000, loop="barrier", receive={"max_messages": 10})
    deleted = ran["copies"]["fate"] == Fate.DELETED
    assert deleted.sum() == 2000


def test_permits_do_not_wait_for_the_slowest_message():
    """Work uniform in 0 to 2 s: ten permits do ten messages a second, a barrier of ten 10 / (20/11 s)."""
    work = {"uniform": {"low": "0s", "high": "2s"}}
    about: dict[str, Any] = {"work": work, "receive": {"max_messages": 10}}
    permits = standing(20_000, 1000, loop={"permits": 10}, **about)
    barrier = standing(20_000, 1000, loop="barrier", **about)
    assert (permits["copies"]["fate"] == Fate.DELETED).sum() == pytest.approx(10_000, rel=0.02)
    assert (barrier["copies"]["fate"] == Fate.DELETED).sum() == pytest.approx(5_500, rel=0.02)


def test_no_more_messages_are_in_hand_than_there_are_permits():
    ran = standing(500, 60, loop={"permits": 7}, receive={"max_messages": 10}, work="700ms")
    deliveries = ran["deliveries"]
    edges = [(at, 1) for at in deliveries["received_at"]] + [
        (at if at != NONE else 60 * S, -1) for at in deliveries["ended_at"]
    ]
    in_hand = np.cumsum([step for _, step in sorted(edges)])
    assert in_hand.max() == 7


def test_a_prefetching_worker_holds_its_buffer_besides_what_it_works():
    ran = standing(100, 10, loop={"prefetch": 3}, receive={"max_messages": 10})
    assert (ran["deliveries"]["received_at"] == 0).sum() == 40
    starts = started(ran)
    assert (np.diff(starts) == S).all()  # one after another all the same


def test_prefetched_messages_expire_in_the_buffer():
    """Q23: 10 messages of 1 s a receive, two in the buffer, timeout 15 s: the third comes too late."""
    queue = {"visibility_timeout": "15s"}
    plain = standing(40, 200, queue=queue, receive={"max_messages": 10})
    prefetched = standing(40, 200, queue=queue, receive={"max_messages": 10}, loop={"prefetch": 2})
    assert (plain["deliveries"]["receive_count"] == 1).all()
    causes = prefetched["deliveries"]["cause"]
    assert (causes == Cause.VISIBILITY_TIMEOUT).sum() > 10


# -- heartbeats --------------------------------------------------------------------------------------


def test_heartbeats_keep_long_work_at_one_delivery():
    """Work of 10 min against a timeout of 30 s: with one heartbeat each 20 s nobody else gets the message."""
    about: dict[str, Any] = {"work": "10m", "workers_per_instance": 3, "queue": {"visibility_timeout": "30s"}}
    alone = standing(1, 1300, **about)
    kept = standing(1, 1300, heartbeat={"every": "20s", "extend_to": "30s"}, **about)
    assert len(alone["deliveries"]["copy"]) > 2
    assert kept["deliveries"]["receive_count"].tolist() == [1]
    assert kept["copies"]["ended_at"].tolist() == [600 * S]


def test_a_heartbeat_that_comes_too_late_does_not_help():
    ran = standing(
        1,
        200,
        work="60s",
        workers_per_instance=2,
        queue={"visibility_timeout": "30s"},
        heartbeat={"every": "31s", "extend_to": "1m"},
    )
    assert ran["deliveries"]["receive_count"].tolist().count(2) == 1


def test_heartbeats_end_twelve_hours_after_the_receive():
    """SQSDG: 12 h count from the receive; the extension that would go past them is refused."""
    hour = 3600 * S
    ran = standing(
        1,
        14 * 3600,
        work="13h",
        workers_per_instance=2,
        queue={"visibility_timeout": "1h"},
        heartbeat={"every": "30m", "extend_to": "1h"},
    )
    assert np.sort(ran["deliveries"]["received_at"]).tolist() == [0, 12 * hour]


# -- trouble -----------------------------------------------------------------------------------------


def test_denied_receives_fail_with_a_pause_until_access_is_back():
    about: dict[str, Any] = {"receive": {"error_pause": "7s"}}
    denied = {"policy": {"call": "receive", "at": "20s", "for": "30s"}}
    ran = standing(200, 100, denied=denied, **about)
    starts = started(ran)
    gap = np.diff(starts).argmax()
    assert starts[gap] == 19 * S
    assert starts[gap + 1] == (20 + 5 * 7) * S  # the first try after the end
    changes = ran["changes"]
    limit = (changes["quantity"] == Quantity.LIMIT) & (changes["value"] == Limit.ACCESS_DENIED)
    assert changes["from_at"][limit].tolist() == [20 * S]


def test_work_is_done_again_and_again_while_deletes_are_denied():
    """Facts 12: the message returns at its timeout's end, until the dead-letter queue has it."""
    ran = standing(
        1,
        100,
        queue={"visibility_timeout": "10s", "redrive": {"queue": "dead", "max_receive_count": 3}},
        denied={"policy": {"call": "delete", "at": "0s", "for": "100s"}},
    )
    deliveries = ran["deliveries"]
    assert deliveries["attempt"].tolist() == [Attempt.SUCCEEDED] * 3
    assert deliveries["cause"].tolist() == [Cause.NOTHING, Cause.ACCESS_DENIED, Cause.ACCESS_DENIED]
    assert deliveries["repeated"].tolist() == [0, 1, 1]
    dead = ran["copies"]["fate"] == Fate.DEAD_LETTERED
    assert ran["copies"]["cause"][dead].tolist() == [Cause.ACCESS_DENIED]


def test_a_receive_whose_answer_is_lost_counts_as_received():
    """Facts 1.2: so a maxReceiveCount of 1 dead-letters messages nobody saw."""
    redrive = {"queue": "dead", "max_receive_count": 1}
    ran = standing(
        400,
        2000,
        work="100ms",
        workers_per_instance=20,
        limits={"client.timeout": "5s"},
        queue={"visibility_timeout": "30s", "redrive": redrive},
        receive={"lost_answers": "10%"},
    )
    copies, deliveries = ran["copies"], ran["deliveries"]
    unseen = deliveries["attempt"] == Attempt.UNANSWERED
    assert (deliveries["started_at"][unseen] == NONE).all()
    dead = copies["fate"] == Fate.DEAD_LETTERED
    assert dead.sum() == unseen.sum() > 20
    assert set(copies["cause"][dead]) == {Cause.LOST_ANSWER}


def test_a_delete_whose_answer_is_lost_has_deleted_and_costs_time():
    """A fifth of the deletes is answered only by a second try, a client's time-out later."""
    receive, limits = {"lost_answers": "20%", "delete": "each"}, {"client.timeout": "10s"}
    ran = standing(2000, 10_000, queue={"visibility_timeout": "30s"}, receive=receive, limits=limits)
    deliveries = ran["deliveries"]
    worked = deliveries["attempt"] == Attempt.SUCCEEDED
    assert deliveries["deleted"][worked].all()
    invocations = ran["invocations"]
    lasted = (invocations["ended_at"] - invocations["started_at"])[invocations["started_at"] != NONE]
    slow = lasted > S
    assert slow.mean() == pytest.approx(0.2, abs=0.04)
    assert lasted[slow].min() == 11 * S


# -- stops -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drain", ["0s", "10m"])
def test_a_graceful_stop_works_off_the_buffer_and_a_hard_one_loses_it(drain: str):
    """Scale-in from three instances: what they hold is finished, or comes again at its timeout's end."""
    ran = run(
        duration_s=1200,
        after="stop",
        limits={"asg.tt.in_points": 1, "cw.publish_delay": "1s"},
        queues={"q": {"visibility_timeout": "5m", "backlog": {"messages": 120}}},
        auto_scaling_groups={
            "g": {
                "queue": "q",
                "instance_type": "x",
                "work": "10s",
                "loop": {"prefetch": 3},
                "receive": {"max_messages": 10},
                "drain": drain,
                "capacity": {"min": 1, "max": 3, "desired": 3},
                "policies": {"p": {"target_tracking": {"target": 1000}}},
            }
        },
    )
    causes = set(ran["deliveries"]["cause"].tolist())
    assert (Cause.CRASH in causes) == (drain == "0s")


# -- what they cost ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loop", "most"),
    [
        ({"loop": "barrier"}, 0.4),
        ({"loop": {"prefetch": 2}}, 0.5),
        ({"loop": {"permits": 20}}, 2.5),
        ({"heartbeat": {"every": "1m", "extend_to": "2m"}}, 0.4),
    ],
)
def test_events_grow_with_receives_not_with_messages(loop: dict[str, Any], most: float):
    """A saturated queue in receives of ten; threads that fall free one by one pay for each message."""
    work = {"exponential": {"mean": "100ms"}}
    ran = standing(20_000, 1000, work=work, receive={"max_messages": 10}, workers_per_instance=5, **loop)
    assert (ran["copies"]["fate"] == Fate.DELETED).sum() == 20_000
    assert ran.per_copy() <= most


def test_first_work_of_a_message_is_the_same_with_every_loop():
    """Common random numbers: only when and how often it is worked differs."""
    work = {"exponential": {"mean": "300ms"}}
    found = []
    for loop in ("barrier", "permits", "prefetch"):
        ran = standing(300, 300, work=work, **LOOPS[loop])
        deliveries = ran["deliveries"]
        order = np.argsort(deliveries["copy"])
        found.append((deliveries["ended_at"] - deliveries["started_at"])[order])
    assert all(np.array_equal(one, other) for one, other in pairwise(found))
