"""What mails, brokers and workflows cost, from runs: quantities that can be counted, prices of the list."""

from pathlib import Path

import pytest

from simulator.analysis.bill import bill
from tests.scenarios.running import Ran, written

HOUR = 3_600_000_000


def billed(run: Ran) -> dict[str, tuple[float, float]]:
    """Units and amount [USD] of a run, by what is charged for."""
    made = bill(run.scenario, run.frame, [run.read])
    return {line.what: (line.run.mean, line.run_usd.mean) for line in made.lines}


MAILS = """
scenario: mails
ideal: true
duration: 5m
producers: {shop: {target: mails, arrivals: {interarrival: 1s}}}
queues: {mails: {visibility_timeout: 60s}}
functions:
  send: {runtime: python3.13, timeout: 10s, work: 1ms, calls: {news: 1}, event_sources: {mails: {}}}
email: {news: {recipients: 5, latency: 1ms}}
"""


def test_mails_cost_ten_cents_a_thousand_recipients(tmp_path: Path):
    units, usd = billed(Ran(written(tmp_path, MAILS)))["mails of account news"]
    assert units == pytest.approx(5 * 299, abs=5)
    assert usd == pytest.approx(units * 0.10 / 1000)


BROKER = """
scenario: broker
ideal: true
duration: 1h
after: stop
producers: {shop: {target: orders, arrivals: {interarrival: 10s}}}
brokers: {main: {instance: mq.m5.xlarge}}
queues: {orders: {broker: main}}
auto_scaling_groups:
  ship:
    {queue: orders, instance_type: c6i.large, workers_per_instance: 1, work: 1ms, capacity: {min: 1, max: 1}}
"""


def test_a_pair_of_brokers_is_paid_by_the_hour_and_its_queues_are_no_requests_of_sqs(tmp_path: Path):
    """mq.m5.large as a pair is 0.576 USD an hour; a size up doubles it."""
    lines = billed(Ran(written(tmp_path, BROKER)))
    assert lines["mq.m5.xlarge of broker main"] == pytest.approx((2.0, 2 * 0.576))
    assert not [what for what in lines if "queue orders" in what]


def test_a_single_instance_is_half_of_it(tmp_path: Path):
    lines = billed(Ran(written(tmp_path, BROKER, brokers__main__deployment="single_instance")))
    assert lines["mq.m5.xlarge of broker main"] == pytest.approx((1.0, 0.576))


WORKFLOW = """
scenario: flow
ideal: true
duration: 5m
producers: {shop: {target: flow, arrivals: {interarrival: 1s}}}
queues: {}
workflows: {flow: {kind: standard, states: {a: {wait: 1s}, b: {wait: 2s}}}}
"""


def test_standard_workflows_are_paid_by_the_transition(tmp_path: Path):
    run = Ran(written(tmp_path, WORKFLOW))
    started = int((run["copies"]["queue"] == run.things["workflows.flow"]).sum())
    units, usd = billed(run)["transitions of workflow flow"]
    assert units % started == 0 and units >= 2 * started
    assert usd == pytest.approx(units * 0.025 / 1000)


def test_express_workflows_are_paid_by_the_execution_and_its_time(tmp_path: Path):
    """Three seconds each, rounded up by 50 ms on average, of 64 MB."""
    run = Ran(written(tmp_path, WORKFLOW, workflows__flow__kind="express"))
    started = int((run["copies"]["queue"] == run.things["workflows.flow"]).sum())
    lines = billed(run)
    assert lines["executions of workflow flow"] == pytest.approx((started, started / 1e6))
    gb_hours = started * 3.05 / 3600 * 64 / 1024
    assert lines["duration of workflow flow"][0] == pytest.approx(gb_hours, rel=0.01)
    assert lines["duration of workflow flow"][1] == pytest.approx(gb_hours * 0.060012, rel=0.01)


def test_express_children_of_a_standard_map_are_paid_as_executions_and_not_by_transitions(tmp_path: Path):
    """One transition of the export itself; ten children of two seconds each."""
    each = "{branch: b, items: 10, mode: distributed, children: express}"
    states = "{each: {map: EACH}}, branches: {b: {states: {one: {wait: 2s}}}}".replace("EACH", each)
    mapped = WORKFLOW.replace("{a: {wait: 1s}, b: {wait: 2s}}", states)
    run = Ran(written(tmp_path, mapped))
    started = int((run["copies"]["queue"] == run.things["workflows.flow"]).sum())
    lines = billed(run)
    assert lines["executions of children of workflow flow"][0] == 10 * started
    assert lines["transitions of workflow flow"][0] % started == 0
    assert lines["transitions of workflow flow"][0] <= 3 * started
    gb_hours = 10 * started * 2.05 / 3600 * 64 / 1024
    assert lines["duration of children of workflow flow"][0] == pytest.approx(gb_hours, rel=0.01)
