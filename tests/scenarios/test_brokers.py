"""Brokers of Amazon MQ in whole runs: prefetch, sends, redelivery, lost consumers, failover, functions."""

from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.measures import Measures
from simulator.recording.tables import NONE, Attempt, Cause, Fate, Outcome
from simulator.scenario import ScenarioError, load
from simulator.scenario.lint import lint
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import SECOND, Ran, written
from tests.scenarios.test_every_scenario import FILES, SHORTER

PREFETCH, OR_SQS = (
    next(path for path in FILES if path.stem == name) for name in ("mq_prefetch", "mq_or_sqs")
)

BROKER = """
scenario: mq
duration: 1m
after: stop
brokers: {main: {}}
producers:
  shop: {target: orders, arrivals: {interarrival: 100ms}}
queues:
  orders: {broker: main, redrive: {queue: dead, max_receive_count: 7}}
  dead: {broker: main}
auto_scaling_groups:
  workers:
    queue: orders
    instance_type: c6i.large
    boot: 1ms
    capacity: {min: 1, max: 1}
    work: 10ms
ideal: true
"""


def ran(folder: Path, **sets: str) -> Ran:
    """The run of BROKER with changes, its books kept again from the rows."""
    run = Ran(written(folder, BROKER, **sets))
    assert_rows_add_up(run)
    return run


def estimates(run: Ran) -> dict[str, float]:
    measures = Measures(run.frame, [run.partial])
    return {key: found.mean for key, found in measures.estimates.items()}


def of_queue(run: Ran, table: str, queue: str = "orders") -> dict[str, np.ndarray]:
    rows = run[table]
    chosen = rows["queue"] == run.things[f"queues.{queue}"]
    return {name: column[chosen] for name, column in rows.items()}


# -- sends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("connections", "per_s"), [(1, 80), (4, 320)])
def test_a_connection_sends_80_persistent_messages_a_second_on_efs(tmp_path, connections, per_s):
    """aws-facts, section 13: k producers about k x 80; the consumers are too slow to spare the store."""
    run = ran(
        tmp_path,
        duration="20s",
        producers__shop__arrivals="{interarrival: 1ms}",
        producers__shop__jms=f"{{connections: {connections}}}",
        auto_scaling_groups__workers__work="10s",
    )
    accepted = run["messages"]["outcome"] == Outcome.ACCEPTED
    assert accepted.sum() == pytest.approx(per_s * 20, abs=2 * connections)
    assert estimates(run)["brokers.main per_sync.mean"] == pytest.approx(connections, rel=0.01)


def test_ebs_is_bound_by_its_own_sync(tmp_path):
    run = ran(
        tmp_path,
        duration="20s",
        brokers__main="{deployment: single_instance, storage: ebs}",
        producers__shop__arrivals="{interarrival: 1ms}",
        auto_scaling_groups__workers__work="10s",
    )
    assert (run["messages"]["outcome"] == Outcome.ACCEPTED).sum() == pytest.approx(500 * 20, abs=1)


def test_messages_that_are_not_persistent_wait_for_no_disk(tmp_path):
    run = ran(tmp_path, producers__shop__jms="{delivery_mode: non_persistent}")
    messages = run["messages"]
    done = messages["accepted_at"] != NONE
    assert np.all((messages["accepted_at"] - messages["offered_at"])[done] == 200)


def test_a_consumer_that_acknowledges_before_the_sync_begins_spares_it(tmp_path):
    """With 1 ms of work half of the producers' sends end while another's sync lasts, and are not written."""
    fast = {
        "duration": "20s",
        "producers__shop__arrivals": "{interarrival: 5ms}",
        "producers__shop__jms": "{connections: 10}",
        "auto_scaling_groups__workers__work": "1ms",
    }
    spared = estimates(ran(tmp_path, **fast))
    written_all = estimates(ran(tmp_path, **fast, brokers__main__concurrent_store_and_dispatch="false"))
    assert written_all["brokers.main per_sync.mean"] > 2
    assert spared["brokers.main per_sync.mean"] == 1, (
        "those that came while a sync lasted are gone by its end"
    )


def test_without_concurrent_dispatch_a_message_is_pushed_when_it_is_stored(tmp_path):
    run = ran(tmp_path, brokers__main__concurrent_store_and_dispatch="false")
    copies, messages = of_queue(run, "copies"), run["messages"]
    assert np.all(copies["sent_at"] - copies["offered_at"] == 12_500)
    assert np.all(messages["accepted_at"][messages["accepted_at"] != NONE] >= 12_500)


def test_producers_wait_while_memory_is_full(tmp_path):
    """100 messages of 1 KiB fit; then the producer gets on at the pace of the consumer, 1 a second."""
    run = ran(
        tmp_path,
        brokers__main__memory="100KiB",
        producers__shop__jms="{delivery_mode: non_persistent}",
        auto_scaling_groups__workers__work="1s",
    )
    accepted = (run["messages"]["outcome"] == Outcome.ACCEPTED).sum()
    assert accepted == pytest.approx(100 + 60, abs=2)
    assert estimates(run)["brokers.main memory.max"] == pytest.approx(100 / 1024, rel=0.02)


def test_a_full_store_blocks_persistent_sends(tmp_path):
    run = ran(tmp_path, brokers__main__store="50KiB", auto_scaling_groups__workers__work="10m")
    assert (run["messages"]["outcome"] == Outcome.ACCEPTED).sum() == 50


def test_a_virtual_topic_gives_each_of_its_queues_a_copy_and_makes_no_duplicates(tmp_path):
    run = ran(
        tmp_path,
        queues__orders__broker="{name: main, virtual_topic: [audit]}",
        queues__audit="{broker: main}",
        producers__shop__jms="{connections: 4}",
    )
    messages, accepted = run["messages"], run["messages"]["outcome"] == Outcome.ACCEPTED
    assert np.all(messages["copies"][accepted] == 2)
    assert len(of_queue(run, "copies", "audit")["copy"]) == len(of_queue(run, "copies")["copy"])
    assert estimates(run)["duplicate_delivery.count"] == 0
    # one write for all copies of a message
    assert estimates(run)["brokers.main per_sync.mean"] == 1


# -- prefetch ------------------------------------------------------------------------------------------

LATE = {
    "duration": "2m",
    "producers__shop__arrivals": "[{rate: 0/s}]",
    "queues__orders__backlog": "{messages: 600, age: 1m}",
    "auto_scaling_groups__workers__capacity": "{min: 1, max: 2}",
    "auto_scaling_groups__workers__policies": "{clock: {scheduled: {at: 10s, min: 2}}}",
    "auto_scaling_groups__workers__work": "100ms",
}


@pytest.mark.parametrize(("prefetch", "seconds"), [(1000, 60.0), (1, 35.0)])
def test_a_late_consumer_gets_nothing_of_what_was_pushed_to_others(tmp_path, prefetch, seconds):
    """600 messages of 100 ms: 60 s for the one that has all, 10 s alone and 25 s for both if each has one."""
    run = ran(tmp_path, queues__orders__broker=f"{{name: main, prefetch: {prefetch}}}", **LATE)
    deliveries = of_queue(run, "deliveries")
    assert deliveries["ended_at"].max() / SECOND == pytest.approx(seconds, abs=1.0)
    held = estimates(run)["auto_scaling_groups.workers limit{limit=prefetched}.share"]
    assert held == (pytest.approx(50 / 120, abs=0.02) if prefetch == 1000 else 0)


def test_the_broker_pushes_in_turn(tmp_path):
    run = ran(
        tmp_path,
        queues__orders__broker="{name: main, prefetch: 100}",
        auto_scaling_groups__workers__workers_per_instance="4",
        auto_scaling_groups__workers__work="150ms",
        duration="10s",
    )
    deliveries = of_queue(run, "deliveries")
    started = deliveries["started_at"] - deliveries["received_at"]
    assert started[deliveries["started_at"] != NONE].max() == 0, "nobody waits behind another"


# -- redelivery ----------------------------------------------------------------------------------------


def test_a_message_that_always_fails_is_tried_seven_times_a_second_apart_and_blocks_its_consumer(tmp_path):
    run = ran(
        tmp_path,
        producers__shop__arrivals="[{for: 100ms, rate: 0/s}, {rate: 0/s}]",
        queues__orders__backlog="{messages: 1}",
        auto_scaling_groups__workers__failures="{transient: 100%}",
    )
    deliveries, copies = of_queue(run, "deliveries"), of_queue(run, "copies")
    assert np.array_equal(deliveries["receive_count"], np.arange(1, 8))
    assert np.all(np.diff(deliveries["started_at"]) == SECOND + 10_000)
    assert copies["fate"].tolist() == [Fate.DEAD_LETTERED]
    assert copies["cause"].tolist() == [Cause.FAILURE]
    assert of_queue(run, "copies", "dead")["fate"].tolist() == [Fate.VISIBLE]


def test_a_transaction_that_fails_takes_its_other_messages_back(tmp_path):
    run = ran(
        tmp_path,
        queues__orders__broker="{name: main, acknowledge: transacted, acknowledge_every: 5}",
        queues__orders__backlog="{messages: 200}",
        producers__shop__arrivals="[{rate: 0/s}]",
        auto_scaling_groups__workers__failures="{transient: 5%}",
    )
    numbers = estimates(run)
    assert numbers["queues.orders duplicate_delivery{cause=failure}.count"] > 0
    assert numbers["queues.orders duplicate_delivery{cause=rollback}.count"] > 0
    assert numbers["queues.orders duplicate_processing.count"] > 0


# -- consumers and the broker are lost -----------------------------------------------------------------


def test_a_lost_consumer_gives_all_it_had_back_at_once(tmp_path):
    """At 3.05 s a worker has one in hand and 69 pushed: the other works all these after its own."""
    run = ran(
        tmp_path,
        producers__shop__arrivals="[{rate: 0/s}]",
        queues__orders__backlog="{messages: 200}",
        auto_scaling_groups__workers__capacity="{min: 2, max: 2}",
        auto_scaling_groups__workers__boot="10m",
        auto_scaling_groups__workers__work="100ms",
        faults="{one: {at: 3050ms, auto_scaling_group: workers, crash: 50%}}",
    )
    deliveries = of_queue(run, "deliveries")
    crashed = deliveries["attempt"] == Attempt.CRASHED
    assert np.all(deliveries["left_at"][crashed] == 3_050_000)
    assert crashed.sum() == 1, "what was pushed and not begun was never delivered to a listener"
    # 60 are done by then, and one is in each worker's hands: 139 and the one of the dead for the other
    assert deliveries["ended_at"].max() == 3_100_000 + 139 * 100_000
    assert set(deliveries["cause"][deliveries["receive_count"] > 1].tolist()) == {Cause.CRASH}
    assert (of_queue(run, "copies")["fate"] == Fate.DELETED).all()


FAILOVER = {
    "duration": "3m",
    "after": "drain",
    "auto_scaling_groups__workers__work": "450ms",
    "producers__shop__arrivals": "{interarrival: 500ms}",
    "faults": "{night: {at: 60200ms, broker: main, failover: crash}}",
    "limits": "{mq.failover.crash: 50s}",
}


def test_a_failover_stops_everything_and_replays_what_was_not_acknowledged(tmp_path):
    """The message that is being worked on at the failure is worked twice; nothing persistent is lost."""
    run = ran(tmp_path, **FAILOVER)
    deliveries, copies = of_queue(run, "deliveries"), of_queue(run, "copies")
    down, up = 60_200_000, 110_200_000
    inside = (deliveries["started_at"] > down) & (deliveries["started_at"] < up)
    assert not inside.any()
    again = deliveries["receive_count"] > 1
    assert again.sum() == 1
    assert deliveries["cause"][again].tolist() == [Cause.FAILOVER]
    assert deliveries["repeated"][again].all(), "its listener had finished it meanwhile, for nothing"
    assert (copies["fate"] == Fate.DELETED).all()
    accepted_at = run["messages"]["accepted_at"]
    assert not ((accepted_at > down) & (accepted_at < up)).any()
    assert estimates(run)["brokers.main failing_over.share"] == pytest.approx(50e6 / run.run.end_at, abs=1e-3)


def test_a_failover_loses_what_is_not_persistent(tmp_path):
    """All but the one that is being worked on, of the 120 by then."""
    sets = FAILOVER | {"auto_scaling_groups__workers__work": "10m"}
    run = ran(tmp_path, **sets, producers__shop__jms="{delivery_mode: non_persistent}")
    copies = of_queue(run, "copies")
    lost = copies["cause"] == Cause.FAILOVER_LOSS
    assert lost.sum() == 119
    assert np.all(copies["fate"][lost] == Fate.DROPPED)
    assert np.all(copies["ended_at"][lost] == 60_200_000)


# -- the ready scenarios, and theory ---------------------------------------------------------------------


def test_with_a_prefetch_of_one_a_broker_is_the_queue_of_the_textbooks(tmp_path):
    """M/M/4 at load 0.75 (Erlang C): P(wait) = 0.5094, so a mean wait of 0.5094 / (4 x 10 - 30) s."""
    waits = []
    for replication in range(4):
        scenario = written(
            tmp_path,
            BROKER,
            duration="6m",
            producers__shop__arrivals="{rate: 30/s}",
            producers__shop__jms="{connections: 100}",
            queues__orders__broker="{name: main, prefetch: 1}",
            auto_scaling_groups__workers__workers_per_instance="4",
            auto_scaling_groups__workers__work="{exponential: {mean: 100ms}}",
        )
        copies = of_queue(Ran(scenario, replication=replication), "copies")
        begun = copies["first_started_at"] != NONE
        waits.append((copies["first_started_at"] - copies["sent_at"])[begun].mean() / SECOND)
    error = np.std(waits, ddof=1) / 2
    assert error < 0.008
    assert np.mean(waits) == pytest.approx(0.05094, abs=4 * error)


def test_the_prefetch_of_the_ready_scenario_starves_the_instances_that_are_added():
    base, one = (Ran(load(PREFETCH, variant=variant)) for variant in ("", "prefetch_1"))
    key = "auto_scaling_groups.render limit{limit=prefetched}.share"
    assert estimates(base)[key] > 0.3
    assert estimates(one)[key] == 0
    assert estimates(base)["wait.p99"] > 3 * estimates(one)["wait.p99"]


def test_the_ready_comparison_holds_producers_up_at_two_connections_only():
    shorter = SHORTER["mq_or_sqs"] | {
        "producers.shop.arrivals": "[{for: 1m, rate: 20/s}, {for: 20s, rate: 200/s}, {rate: 20/s}]"
    }
    sqs, two, twenty = (
        estimates(Ran(load(OR_SQS, sets=shorter, variant=variant)))
        for variant in ("", "mq", "mq_connections")
    )
    assert sqs["send_delay.max"] == 0
    # 40 a second more than the two connections send, for 20 s: 800 wait, 5 s at 160 a second
    assert two["end_to_end.p99"] == pytest.approx(5, abs=1)
    assert twenty["end_to_end.p99"] < 1


# -- functions -----------------------------------------------------------------------------------------

FUNCTION = BROKER.split("auto_scaling_groups")[0] + (
    """
functions:
  work:
    runtime: python3.13
    timeout: 1m
    work: {per_invocation: 100ms, per_message: 0s}
    event_sources: {orders: {batch_size: 10, maximum_batching_window: 1s}}
ideal: true
"""
)


def test_a_mapping_works_five_batches_at_once_and_gathers_for_its_window(tmp_path):
    run = Ran(written(tmp_path, FUNCTION, producers__shop__jms="{connections: 10}"))
    assert_rows_add_up(run)
    invocations = run["invocations"]
    # 10 a second in turn to five slots: two each in a window
    assert invocations["messages"].mean() == pytest.approx(2, abs=0.2)
    full = Ran(
        written(
            tmp_path,
            FUNCTION,
            producers__shop__arrivals="[{rate: 0/s}]",
            queues__orders__backlog="{messages: 1000}",
        )
    )
    assert_rows_add_up(full)
    deliveries = of_queue(full, "deliveries")
    # 100 batches of 10, five at once, 100 ms each
    assert deliveries["ended_at"].max() / SECOND == pytest.approx(2.0, abs=0.05)


def test_a_batch_that_fails_is_kept_and_tried_until_it_succeeds(tmp_path):
    run = Ran(
        written(
            tmp_path,
            FUNCTION,
            producers__shop__arrivals="[{rate: 0/s}]",
            producers__shop__message="{poison: 0%}",
            queues__orders__backlog="{messages: 10}",
            functions__work__failures="{transient: 100%}",
        )
    )
    assert_rows_add_up(run)
    deliveries = of_queue(run, "deliveries")
    # a second after the first failure, then 2, 4, 8, 16 s: begun at 0, 1.1, 3.2, 7.3, 15.4, 31.5 s
    begun = (
        np.unique(deliveries["started_at"][deliveries["started_at"] != NONE]) - deliveries["started_at"].min()
    )
    assert np.allclose(begun / SECOND, [0, 1.1, 3.2, 7.3, 15.4, 31.5])
    assert (of_queue(run, "copies")["fate"] == Fate.IN_FLIGHT).all(), "never dead-lettered"


def test_a_failover_replays_a_functions_batches(tmp_path):
    run = Ran(
        written(
            tmp_path,
            FUNCTION,
            after="drain",
            duration="2m",
            producers__shop__jms="{connections: 10}",
            faults="{night: {at: 1m, broker: main, failover: planned}}",
            functions__work__work="{per_message: 400ms}",
        )
    )
    assert_rows_add_up(run)
    deliveries = of_queue(run, "deliveries")
    assert (of_queue(run, "copies")["fate"] == Fate.DELETED).all()
    again = deliveries["receive_count"] > 1
    assert again.sum() > 0
    assert set(deliveries["cause"][again].tolist()) == {Cause.FAILOVER}


# -- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sets", "where", "what"),
    [
        ({"queues__orders__broker": "mian"}, "queues.orders.broker", "main"),
        ({"brokers__main__storage": "ebs"}, "brokers.main.storage", "single instance"),
        ({"queues__dead__broker": "null"}, "queues.orders.redrive.queue", "brokers.main"),
        ({"producers__shop__batch": "{size: 10}"}, "producers.shop.batch", "jms"),
        ({"queues__orders__type": "fifo"}, "queues.orders.type", "SQS"),
        ({"producers__shop__jms": "{connections: 3000}"}, "brokers.main.instance", "2,000 connections"),
        ({"auto_scaling_groups__workers__loop": "barrier"}, "auto_scaling_groups.workers.loop", "pushes"),
        (
            {"topics": "{news: {subscriptions: {a: {queue: orders}}}}"},
            "topics.news.subscriptions.a.queue",
            "SNS cannot",
        ),
    ],
)
def test_what_a_broker_cannot_do_is_one_clear_finding(tmp_path, sets, where, what):
    with pytest.raises(ScenarioError) as raised:
        written(tmp_path, BROKER, **sets)
    assert [problem.path for problem in raised.value.problems] == [where]
    assert what in str(raised.value)


def test_jms_is_for_queues_of_brokers(tmp_path):
    with pytest.raises(ScenarioError, match="is for queues of brokers"):
        written(
            tmp_path,
            BROKER,
            producers__shop__jms="{connections: 2}",
            queues__orders__broker="null",
            queues__dead__broker="null",
        )


def test_a_large_prefetch_of_a_group_that_grows_is_warned_of(tmp_path):
    assert any("prefetch" in note.path for note in lint(written(tmp_path, BROKER, **LATE)))
    small = LATE | {"queues__orders__broker": "{name: main, prefetch: 1}"}
    assert not any("prefetch" in note.path for note in lint(written(tmp_path, BROKER, **small)))
