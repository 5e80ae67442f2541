"""Metrics and alarms of a run: against its rows, without a trace in them, and with what they tell a topic."""

from pathlib import Path

import numpy as np

from simulator.engine.simulate import Simulation
from simulator.engine.things import things_of
from simulator.recording.tables import Arrival, Fate, Outcome, Quantity
from simulator.scenario.alarm_checks import metric_paths
from tests.engine.running import Kept, read, run
from tests.engine.scenarios import CHAIN

MINUTE = 60_000_000
COUNTED = ("sent", "received", "deleted")

ALARMS = """
alarms:
  deep: {metric: queues.billing.visible, above: 50, for: 2 of 3}
  old: {metric: queues.billing.oldest, above: 20s}
  busy: {metric: queues.fraud.sent, above: 1000}
  dead: {metric: queues.billing-dlq.visible, above: 0}
  errors: {metric: functions.charge.errors, above: 5}
  idle: {metric: queues.fraud.empty_receives, above: 0}
"""

PAGER = """
scenario: pager
duration: 12m
producers:
  shop: {target: orders, arrivals: [{for: 5m, rate: 2/s}, {rate: 0/s}]}
topics:
  ops: {subscriptions: {mail: {queue: mail, filter_policy: {kind: [order]}}, log: {queue: log}}}
queues:
  orders: {}
  mail: {}
  log: {}
functions:
  writer:
    runtime: python3.13
    work: 50ms
    event_sources: {log: {}}
alarms:
  filling: {metric: queues.orders.sent, above: 60, for: 1, notify: ops, notify_ok: true}
"""


def test_candidate_alarms_leave_no_trace_in_a_run(tmp_path: Path):
    """So that several can be rehearsed in one run: what is asked of CloudWatch is not felt by the queues."""
    plain, watched = run(read(tmp_path, CHAIN)), run(read(tmp_path, CHAIN + ALARMS))
    for table in ("messages", "copies", "deliveries", "invocations"):
        for name, column in plain[table].items():
            assert np.array_equal(np.sort(column), np.sort(watched[table][name])), (table, name)


def test_points_of_counting_metrics_add_up_to_what_the_rows_say(tmp_path: Path):
    sets = ("after=stop", "auto_scaling_groups.fraud.receive.delete=batch")
    scenario = read(tmp_path, CHAIN + ALARMS, sets)
    simulation = Simulation(scenario, seed=3, replication=0, sink=Kept())
    series = {name: simulation.metrics.series(f"queues.fraud.{name}") for name in COUNTED}
    sampled: list[int] = []
    simulation.metrics.every_period(sampled.append)
    simulation.run()
    total = {name: sum(one.points(10 * MINUTE, 9)) for name, one in series.items()}
    rows, until_at = run(scenario, seed=3), sampled[-1]
    fraud = things_of(scenario).index("queues.fraud")
    copies = {name: column[rows["copies"]["queue"] == fraud] for name, column in rows["copies"].items()}
    deliveries = rows["deliveries"]
    assert MINUTE <= until_at < 2 * MINUTE
    sent = (copies["arrival"] == Arrival.SEND) & (copies["sent_at"] <= until_at)
    received = (deliveries["queue"] == fraud) & (deliveries["received_at"] <= until_at)
    deleted = (copies["fate"] == Fate.DELETED) & (copies["ended_at"] <= until_at)
    assert total == {"sent": sent.sum(), "received": received.sum(), "deleted": deleted.sum()}
    assert min(total.values()) > 1000


def test_an_alarm_tells_its_topic_once_a_change_and_the_books_balance(tmp_path: Path):
    rows = run(read(tmp_path, PAGER))
    alarm = rows["messages"]["producer"].max()  # alarms are the last things
    mine = {name: column[rows["messages"]["producer"] == alarm] for name, column in rows["messages"].items()}
    # the first minute has points of a part of a minute only; 120 a minute are above 60; then silence is OK
    states = rows["changes"]["value"][rows["changes"]["quantity"] == Quantity.ALARM]
    assert len(mine["message"]) == np.isin(states[1:], [0, 1]).sum() >= 2
    assert np.all(mine["outcome"] == Outcome.ACCEPTED)
    assert np.all(mine["copies"] == 1)  # its messages have no attributes: the filter of mail lets none pass
    came = np.isin(rows["copies"]["message"], mine["message"])
    assert came.sum() == len(mine["message"])
    hop_us = rows["copies"]["sent_at"][came] - rows["copies"]["offered_at"][came]
    assert np.all(hop_us > 0)
    assert np.all(rows["copies"]["fate"][came] == Fate.DELETED)


def test_an_alarm_wakes_a_function_that_its_topic_invokes(tmp_path: Path):
    sets = ("topics.ops.subscriptions.log={function: writer}", "functions.writer.event_sources={}")
    rows = run(read(tmp_path, PAGER, sets))
    alarm = rows["messages"]["producer"].max()
    said_at = np.sort(rows["messages"]["offered_at"][rows["messages"]["producer"] == alarm])
    began_at = np.sort(rows["invocations"]["started_at"])
    assert len(said_at) == len(began_at) == 3
    assert np.all((began_at - said_at > 0) & (began_at - said_at < 5_000_000))


def test_every_metric_that_an_alarm_may_name_is_there(tmp_path: Path):
    scenario = read(tmp_path, CHAIN)
    simulation = Simulation(scenario, seed=1, replication=0, sink=Kept())
    assert set(metric_paths(scenario)) == set(simulation.metrics.paths())


def test_in_a_blackout_an_alarm_does_what_it_says_of_missing_points(tmp_path: Path):
    """Six points are never published; an alarm of three looks at five, and rings once all are missing."""
    blind = """
scenario: blind
duration: 14m
producers: {shop: {target: orders, arrivals: {rate: 2/s}}}
queues: {orders: {}}
functions: {ship: {runtime: python3.13, work: 50ms, event_sources: {orders: {}}}}
faults: {blind: {at: 4m, for: 6m, metrics: blackout}}
alarms:
  rings: {metric: queues.orders.sent, below: 1, for: 3, missing: breaching}
  stays: {metric: queues.orders.sent, below: 1, for: 3, missing: ignore}
  knows_not: {metric: queues.orders.sent, below: 1, for: 1}
"""
    scenario = read(tmp_path, blind)
    rows, things = run(scenario)["changes"], things_of(scenario)
    states: dict[str, list[int]] = {}
    for name in scenario.alarms:
        mine = (rows["thing"] == things.index(f"alarms.{name}")) & (rows["quantity"] == Quantity.ALARM)
        held = (rows["until_at"] > 2.5 * MINUTE) & mine
        order = np.argsort(rows["from_at"][held])
        states[name] = rows["value"][held][order].tolist()
    assert states == {"rings": [0, 1, 0], "stays": [0], "knows_not": [0, 3, 0]}


def test_books_balance_where_a_run_stops_with_an_alarm_under_way(tmp_path: Path):
    for cut in range(60, 130, 7):
        sets = (f"duration={cut}s", "after=stop", "producers.shop.arrivals={rate: 2/s}")
        rows = run(read(tmp_path, PAGER, sets))
        assert rows["messages"]["copies"].sum() == len(rows["copies"]["copy"])


def test_a_queue_idle_for_hours_reports_nothing_and_wakes_late(tmp_path: Path):
    """Nobody polls it: from 6 h on there are no points, and after the wake none for up to 15 minutes."""
    idle = """
scenario: idle
duration: 8h
after: stop
producers: {nightly: {target: jobs, arrivals: [{for: 7h, rate: 0/s}, {rate: 1/m}]}}
queues: {jobs: {}}
alarms: {any: {metric: queues.jobs.visible, at_least: 0}}
"""
    rows = run(read(tmp_path, idle))["changes"]
    seen = np.sort(rows["from_at"][rows["quantity"] == Quantity.AS_SEEN]) / (60 * MINUTE)
    asleep = (seen > 6.05) & (seen < 7.0)
    assert len(seen[seen < 6]) == 359
    assert not asleep.any()
    assert 7.0 < seen[seen > 6.05].min() < 7.32
