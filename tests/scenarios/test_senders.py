"""How producers send: batches, lost answers, closed loops, and what becomes of it in the queues."""

from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.measures import Measures
from simulator.experiments.setting import setting_of
from simulator.experiments.traffic import traffic
from simulator.recording.tables import NONE, Arrival, Cause, Outcome
from simulator.scenario.problems import ScenarioError
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import SECOND, Ran, written

PLAIN = """
scenario: senders
duration: 60s
producers:
  source:
    target: one
    arrivals: {rate: 100/s}
    message:
      size: {uniform: {low: 1KiB, high: 3KiB}}
      group: {count: 50}
      attributes: {kind: {a: 80%, b: rest}}
topics:
  topic:
    subscriptions: {first: {queue: one}, second: {queue: two, filter_policy: {kind: [a]}}}
queues:
  one: {visibility_timeout: 60s}
  two: {visibility_timeout: 60s}
functions:
  work:
    runtime: python3.13
    timeout: 10s
    work: 1ms
    event_sources: {one: {batch_size: 10}, two: {batch_size: 10}}
"""
FIFO = {"topics__topic__type": "fifo", "queues__one__type": "fifo", "queues__two__type": "fifo"}
CLIENT = {"producers__source__client": "{timeout: 1s, max_attempts: 3, lost_answers: 1%}"}
TO_TOPIC = {"producers__source__target": "topic"}


def ran(tmp_path: Path, *sets: dict[str, str]) -> Ran:
    """PLAIN with these settings; a closed loop stands instead of the arrivals."""
    merged: dict[str, str] = {}
    for some in sets:
        merged |= some
    closed = "producers__source__closed_loop" in merged
    text = PLAIN.replace("    arrivals: {rate: 100/s}\n", "") if closed else PLAIN
    return Ran(written(tmp_path, text, **merged))


def loop(clients: int, think: str) -> dict[str, str]:
    """A closed loop."""
    return {"producers__source__closed_loop": f"{{clients: {clients}, think: {think}}}"}


# -- senders that hear nothing say it again ----------------------------------------------------------------


def test_one_message_said_twice_is_exactly_one_sender_retry(tmp_path: Path):
    only = {
        "producers__source__arrivals": "{rate: 1/s, process: even}",
        "producers__source__client": "{timeout: 1s, max_attempts: 2, lost_answers: 100%}",
        "duration": "1s",
    }
    run = ran(tmp_path, only, TO_TOPIC, {"producers__source__message__attributes__kind": "{a: 100%}"})
    messages, copies, deliveries = run["messages"], run["copies"], run["deliveries"]
    assert messages["outcome"].tolist() == [Outcome.ACCEPTED]
    assert messages["tries"].tolist() == [2]
    assert messages["copies"].tolist() == [4]
    assert messages["accepted_at"].tolist() == messages["offered_at"].tolist()
    for queue in ("queues.one", "queues.two"):  # said twice, so two copies in each of the two queues
        here = copies["queue"] == run.things[queue]
        assert here.sum() == 2
        first, second = np.sort(copies["copy"][here])
        assert copies["parent"][here & (copies["copy"] == first)].tolist() == [NONE]
        assert copies["parent"][here & (copies["copy"] == second)].tolist() == [first]
        given = deliveries["queue"] == run.things[queue]
        assert sorted(deliveries["cause"][given].tolist()) == [Cause.NOTHING, Cause.SENDER_RETRY]
        assert deliveries["copy"][given & (deliveries["cause"] == Cause.SENDER_RETRY)].tolist() == [second]
    assert not deliveries["repeated"].any()
    estimates = Measures(run.frame, [run.partial]).estimates
    assert estimates["queues.one duplicate_delivery{cause=sender_retry}.count"].mean == 1
    assert estimates["queues.one duplicate_delivery.count"].mean == 1
    assert estimates["duplicate_processing.count"].mean == 0  # of the same copy: there is none


@pytest.mark.parametrize("to", [{}, TO_TOPIC], ids=["queue", "topic"])
def test_a_standard_queue_keeps_every_copy_of_what_is_said_again(tmp_path: Path, to: dict[str, str]):
    run = ran(tmp_path, CLIENT, to)
    messages, deliveries, copies = run["messages"], run["deliveries"], run["copies"]
    assert_rows_add_up(run)
    again = messages["tries"] > 1
    assert 0.5 < again.mean() / 0.01 < 2
    assert set(messages["outcome"].tolist()) == {Outcome.ACCEPTED}
    here = copies["queue"] == run.things["queues.one"]
    children = here & (copies["parent"] != NONE)
    assert children.sum() == (messages["tries"] - 1).sum()
    causes = deliveries["cause"][deliveries["queue"] == run.things["queues.one"]]
    assert (causes == Cause.SENDER_RETRY).sum() == children.sum()
    assert set(copies["arrival"].tolist()) == {Arrival.SEND}
    delay = copies["sent_at"][children] - copies["offered_at"][children]
    assert delay.min() >= SECOND  # not before the timeout has passed


@pytest.mark.parametrize("to", [{}, TO_TOPIC], ids=["queue", "topic"])
def test_fifo_catches_what_is_said_again_by_its_deduplication_id(tmp_path: Path, to: dict[str, str]):
    run = ran(tmp_path, CLIENT, to, FIFO)
    messages, deliveries = run["messages"], run["deliveries"]
    assert_rows_add_up(run)
    assert (messages["tries"] > 1).sum() > 20
    assert set(messages["outcome"].tolist()) == {Outcome.ACCEPTED}
    assert messages["copies"].max() == (2 if to else 1)
    assert set(deliveries["cause"].tolist()) == {Cause.NOTHING}


def test_fifo_stores_again_what_is_said_again_after_five_minutes(tmp_path: Path):
    run = ran(tmp_path, FIFO, {
        "duration": "11m", "producers__source__arrivals": "[{for: 1s, rate: 20/s}, {rate: 0/s}]",
        "producers__source__client": "{timeout: 5m, max_attempts: 2, lost_answers: 50%}",
    })  # fmt: skip
    messages, deliveries = run["messages"], run["deliveries"]
    twice = messages["tries"] == 2
    assert 0 < twice.sum() < len(twice)
    assert np.array_equal(messages["copies"], np.where(twice, 2, 1))
    assert (deliveries["cause"] == Cause.SENDER_RETRY).sum() == twice.sum()


# -- batches -------------------------------------------------------------------------------------------------


def per_second(run: Ran, seconds: int) -> np.ndarray:
    """Messages accepted in each second, from the fifth on: at first a full bucket is used up."""
    at = run["messages"]["accepted_at"]
    return np.bincount(at[at != NONE] // SECOND)[5:seconds]


@pytest.mark.parametrize(
    ("arrivals", "batch", "passed"),
    [("400/s", "null", 300), ("4000/s", "{size: 10, linger: 1s}", 3000)],
    ids=["single", "batches of ten"],
)
def test_a_fifo_queue_takes_300_calls_a_second_whatever_is_in_them(
    tmp_path: Path, arrivals: str, batch: str, passed: int
):
    sets = {
        "duration": "20s",
        "producers__source__arrivals": f"{{rate: {arrivals}, process: even}}",
        "after": "stop",
    }
    if batch != "null":
        sets["producers__source__batch"] = batch
    run = ran(tmp_path, FIFO, sets)
    messages = run["messages"]
    accepted = per_second(run, 20)
    assert accepted.mean() == pytest.approx(passed, rel=0.02)
    refused = messages["outcome"] == Outcome.REFUSED
    assert refused.any()
    assert set(messages["tries"][refused].tolist()) == {3}
    assert set(messages["copies"][refused].tolist()) == {0}
    assert np.all(messages["accepted_at"][refused] == NONE)


@pytest.mark.parametrize("to", [{}, TO_TOPIC, FIFO], ids=["queue", "topic", "fifo"])
def test_the_send_delay_of_a_batch_is_the_time_to_its_last_message_or_the_linger(
    tmp_path: Path, to: dict[str, str]
):
    even = {"producers__source__arrivals": "{rate: 100/s, process: even}"}  # one each 10 ms
    full = ran(tmp_path, to, even, {"producers__source__batch": "{size: 10, linger: 1s}"})["messages"]
    delay_ms = (full["accepted_at"] - full["offered_at"]) // 1000
    assert set(delay_ms[:5990].tolist()) == set(range(0, 100, 10))  # the first of ten waits for nine others
    short = ran(tmp_path, to, even, {"producers__source__batch": "{size: 10, linger: 25ms}"})["messages"]
    delay_ms = (short["accepted_at"] - short["offered_at"]) // 1000
    assert set(delay_ms.tolist()) == {25, 15, 5}


def test_a_run_that_stops_leaves_what_is_still_gathered_unfinished(tmp_path: Path):
    run = ran(tmp_path, {"after": "stop", "producers__source__batch": "{size: 10, linger: 1h}"})
    messages = run["messages"]
    assert_rows_add_up(run)
    left = messages["outcome"] == Outcome.UNFINISHED
    assert left.sum() == len(left) % 10 > 0
    assert set(messages["tries"][left].tolist()) == {0}
    assert set(messages["accepted_at"][left].tolist()) == {NONE}


def test_a_run_that_drains_waits_for_the_last_linger(tmp_path: Path):
    run = ran(tmp_path, {"producers__source__batch": "{size: 10, linger: 30s}"})
    messages = run["messages"]
    assert_rows_add_up(run)
    assert set(messages["outcome"].tolist()) == {Outcome.ACCEPTED}
    assert messages["accepted_at"].max() > 60 * SECOND
    assert len(run["deliveries"]["copy"]) == len(messages["message"])


# -- the books -----------------------------------------------------------------------------------------------

BATCH = {"producers__source__batch": "{size: 10, linger: 300ms}"}
UNHEARD = {"producers__source__client": "{timeout: 300ms, max_attempts: 4, lost_answers: 20%}"}


@pytest.mark.parametrize(
    "to", [{}, TO_TOPIC, FIFO, TO_TOPIC | FIFO], ids=["queue", "topic", "fifo", "fifo topic"]
)
@pytest.mark.parametrize("how", [BATCH, UNHEARD, BATCH | UNHEARD, loop(30, "100ms") | UNHEARD],
                         ids=["batch", "client", "both", "closed loop"])  # fmt: skip
def test_books_balance_at_any_instant_the_run_is_cut(tmp_path: Path, to: dict[str, str], how: dict[str, str]):
    """The check at the end of a run raises; here rows are added up, where none is in transit."""
    for cut in np.random.default_rng(7).integers(1_000, 6_000, size=2).tolist():
        run = ran(tmp_path, to, how, {"duration": f"{cut}ms", "after": "stop"})
        if not to.keys() & TO_TOPIC.keys():
            assert_rows_add_up(run)
        messages = run["messages"]
        accepted = messages["accepted_at"] != NONE
        assert np.array_equal(accepted, messages["outcome"] == Outcome.ACCEPTED)
        assert messages["accepted_at"].max() <= cut * 1000


# -- closed loops --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [{}, TO_TOPIC, FIFO], ids=["queue", "topic", "fifo"])
@pytest.mark.parametrize(("clients", "think_s"), [(20, 1.0), (5, 0.1)])
def test_closed_loop_throughput_is_clients_over_think_and_answer_time(
    tmp_path: Path, to: dict[str, str], clients: int, think_s: float
):
    run = ran(tmp_path, to, loop(clients, f"{{exponential: {{mean: {think_s}s}}}}"))
    assert_rows_add_up(run)
    little = clients / (think_s + 0.0105) * 60  # N = X (Z + R); the answer takes 10.5 ms on average
    assert len(run["messages"]["message"]) == pytest.approx(little, abs=4 * little**0.5)


def test_senders_of_the_mqperf_benchmark_reach_what_was_measured(tmp_path: Path):
    """One sender without pauses: 528 to 592 msg/s in batches of 5.5, so 96 to 108 calls a second."""
    run = ran(tmp_path, loop(1, "0s"))
    assert 528 / 5.5 * 0.95 < len(run["messages"]["message"]) / 60 < 592 / 5.5


def test_a_client_of_a_closed_loop_has_one_message_on_its_way(tmp_path: Path):
    run = ran(tmp_path, CLIENT, FIFO, loop(2, "0s"))
    messages = run["messages"]
    client, own = messages["serial"] >> 32, messages["serial"] & 0xFFFFFFFF
    assert set(client.tolist()) == {0, 1}
    for number in (0, 1):
        mine = client == number
        order = np.argsort(messages["offered_at"][mine])
        assert np.array_equal(own[mine][order], np.arange(mine.sum()))
        late = messages["tries"][mine][order] > 1
        gaps = np.diff(messages["offered_at"][mine][order])
        assert gaps[late[:-1]].min() > SECOND  # it waited for the timeout before it went on
        assert np.median(gaps) < SECOND / 10


def test_a_closed_loop_sends_nothing_after_the_duration(tmp_path: Path):
    run = ran(tmp_path, loop(50, "1ms"), {"duration": "5s"})
    assert 4.9 * SECOND < run["messages"]["offered_at"].max() < 5 * SECOND


# -- common random numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sets",
    [CLIENT, {"producers__source__batch": "{size: 10, linger: 500ms}"}, CLIENT | FIFO, TO_TOPIC | CLIENT],
    ids=["client", "batch", "fifo client", "topic client"],
)
def test_how_it_is_sent_changes_nothing_of_what_is_said_and_when(tmp_path: Path, sets: dict[str, str]):
    plain, other = ran(tmp_path)["messages"], ran(tmp_path, sets)["messages"]
    other_order = np.argsort(other["message"])
    for column in ("serial", "offered_at", "size_bytes", "group", "attributes", "poison"):
        assert np.array_equal(plain[column], other[column][other_order]), column


def test_more_attempts_lose_the_same_answers(tmp_path: Path):
    two, four = (
        ran(tmp_path, {"producers__source__client": f"{{timeout: 1s, max_attempts: {n}, lost_answers: 10%}}"})
        for n in (2, 4)
    )
    said = [run["messages"]["tries"][np.argsort(run["messages"]["message"])] for run in (two, four)]
    assert np.array_equal(said[0], np.minimum(said[1], 2))


def test_what_a_client_says_belongs_to_the_client_and_its_own_serial(tmp_path: Path):
    few, many = (ran(tmp_path, loop(clients, "1s"))["messages"] for clients in (5, 10))
    _, mine, other = np.intersect1d(few["serial"], many["serial"], return_indices=True)
    assert len(mine) > 200
    for column in ("size_bytes", "group", "attributes", "offered_at"):
        assert np.array_equal(few[column][mine], many[column][other]), column


# -- the language --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (loop(2, "1s"), "both arrivals and closed_loop"),
        ({"producers__source__batch": "{size: 11}"}, "allowed: 1 to 10"),
        ({"producers__source__client": "{max_attempts: 0}"}, "allowed: 1 to 100"),
    ],
)
def test_what_makes_no_sender_is_refused(tmp_path: Path, sets: dict[str, str], said: str):
    with pytest.raises(ScenarioError, match=said):
        written(tmp_path, PLAIN, **sets)


def test_a_closed_loop_that_takes_no_time_is_refused(tmp_path: Path):
    text = PLAIN.replace("arrivals: {rate: 100/s}", "closed_loop: {clients: 2, think: 0s}")
    with pytest.raises(ScenarioError, match="would never end"):
        written(tmp_path, "ideal: true\n" + text)
    with pytest.raises(ScenarioError, match="cannot stand beside closed_loop"):
        written(tmp_path, text, producers__source__batch="{size: 10}")


# -- the report ----------------------------------------------------------------------------------------------


def test_a_report_names_a_closed_loop_and_shows_send_delay_only_where_senders_can_be_held_up(tmp_path: Path):
    text = PLAIN.replace("arrivals: {rate: 100/s}", "closed_loop: {clients: 20, think: 1s}")
    assert traffic(written(tmp_path, text)) == "20 clients in a closed loop, 1 s from answer to next message"
    asked = {"plain": {}, "topic": TO_TOPIC, "fifo": FIFO, "batch": BATCH, "client": CLIENT}
    held_up = {
        name: setting_of(written(tmp_path, PLAIN, **sets), seed=1, replications=1).held_up
        for name, sets in asked.items()
    }
    assert held_up == {"plain": False, "topic": False, "fifo": True, "batch": True, "client": True}
