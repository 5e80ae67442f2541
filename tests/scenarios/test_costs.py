"""What a run is charged for: every call once, by its payload; instances from launch to end; nothing twice."""

import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from simulator.analysis.bill import bill as made_bill
from simulator.analysis.bill import estimates
from simulator.analysis.charges import charges
from simulator.scenario import Scenario
from simulator.scenario import load as load_scenario
from tests.scenarios.running import Ran, written

QUIET = """
scenario: quiet
duration: 1h
after: stop
limits: {esm.idle_concurrency: 5}
producers: {web: {target: other, arrivals: {rate: 60/h, process: even}}}
queues: {orders: {}, other: {}}
functions:
  ship: {runtime: python3.13, work: {per_message: 100ms}, event_sources: {orders: {}}}
"""
BY_TEN = """
scenario: by_ten
duration: 100s
ideal: true
producers:
  web: {target: orders, arrivals: {rate: 100/s, process: even}, message: {size: 1KiB}}
queues: {orders: {}}
auto_scaling_groups:
  ship:
    queue: orders
    instance_type: c6i.large
    workers_per_instance: 10
    work: {per_message: 1ms}
    receive: {max_messages: 1}
    capacity: {min: 1, max: 1}
"""
BATCHED = {
    "producers.web.batch": "{size: 10, linger: 1s}",
    "auto_scaling_groups.ship.receive": "{max_messages: 10, delete: batch}",
}
SENDS = """
scenario: stages
duration: 20s
ideal: true
producers: {web: {target: news, arrivals: {rate: 5/s}}}
topics: {news: {subscriptions: {first: {queue: first}}}, told: {subscriptions: {third: {queue: third}}}}
queues: {first: {}, second: {}, third: {}}
functions:
  one:
    runtime: python3.13
    work: {per_message: 10ms}
    event_sources: {first: {}}
    sends: {on: {to: second, count: 2}, told: {to: told}}
"""


def bill(scenario: Scenario) -> dict[str, float]:
    """Quantities of the whole run by what they are charged as."""
    ran = Ran(scenario)
    return {one.what: one.run[0] for one in charges(scenario, tuple(ran.things), [ran.read])}


def load(folder: Path, text: str, sets: dict[str, str] | None = None) -> Scenario:
    return written(folder, text, **(sets or {}))


def test_an_empty_queue_of_a_function_costs_648_000_polls_in_30_days(tmp_path: Path):
    found = bill(load(tmp_path, QUIET))
    assert found == {"empty receives from queue orders": 900.0, "sends to queue other": 60.0}
    assert found["empty receives from queue orders"] * 24 * 30 == 648_000


def test_one_by_one_a_message_is_three_requests_and_by_ten_three_tenths(tmp_path: Path):
    alone, batched = bill(load(tmp_path, BY_TEN)), bill(load(tmp_path, BY_TEN, BATCHED))
    calls = ("sends to queue orders", "receives with messages from queue orders", "deletes from queue orders")
    assert [alone[call] for call in calls] == [10_000] * 3
    assert [batched[call] for call in calls] == [1_000] * 3


def test_a_large_message_is_one_request_for_each_started_64_kib(tmp_path: Path):
    found = bill(load(tmp_path, BY_TEN, {"duration": "2s", "producers.web.message.size": "129KiB"}))
    assert found["sends to queue orders"] == 3 * 200
    assert found["receives with messages from queue orders"] == 3 * 200
    assert found["deletes from queue orders"] == 200
    sets = {"duration": "2s", "producers.web.message.size": "13KiB"}
    assert bill(load(tmp_path, BY_TEN, BATCHED | sets))["sends to queue orders"] == 3 * 20


def test_what_consumers_send_is_charged_where_it_goes_and_copies_of_a_topic_are_not(tmp_path: Path):
    found = bill(load(tmp_path, SENDS))
    worked = found["deletes from queue first"]
    assert worked > 50
    assert found["publishes to topic news"] == worked
    assert found["sends to queue second"] == 2 * worked
    assert found["publishes to topic told"] == worked
    assert "sends to queue first" not in found
    assert "sends to queue third" not in found


def test_an_instance_is_paid_for_a_minute_at_least(tmp_path: Path):
    sets = {
        "duration": "30s",
        "after": "stop",
        "auto_scaling_groups.ship.capacity": "{min: 2, max: 2}",
        "faults.crash": "{at: 10s, auto_scaling_group: ship, crash: 50%}",
    }
    found = bill(load(tmp_path, BY_TEN, sets))
    # one lived for 30 s and does still, one for 10 s, the one in its place for 20 s and does still
    assert found["c6i.large of group ship"] * 3_600 == pytest.approx(30 + 60 + 20)


def test_spot_instances_are_apart(tmp_path: Path):
    sets = {
        "duration": "30s",
        "after": "stop",
        "auto_scaling_groups.ship.capacity": "{min: 4, max: 4}",
        "auto_scaling_groups.ship.spot": "{share: 50%}",
    }
    found = bill(load(tmp_path, BY_TEN, sets))
    assert found["c6i.large of group ship"] * 3_600 == pytest.approx(60)
    assert found["c6i.large of group ship (spot)"] * 3_600 == pytest.approx(60)


# -- the ready scenarios ------------------------------------------------------------------------------

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def costs(name: str, variant: str = "", **sets: str) -> Mapping[str, float]:
    scenario = load_scenario(SCENARIOS / f"{name}.yaml", sets=sets, variant=variant)
    ran = Ran(scenario)
    made = made_bill(scenario, ran.frame, [ran.read])
    return {key: estimate.mean for key, estimate in estimates(made)}


def test_order_costs_a_quarter_more_a_request_and_batches_save_most_of_it():
    standard, fifo, batched = (costs("cost_of_fifo", variant) for variant in ("", "fifo", "fifo_batched"))
    # 266 messages a minute by three calls are 35 million requests a month; arrivals are random
    error = 1 / math.sqrt(266 * 20)
    assert fifo["cost{service=sqs}.month"] == pytest.approx(17.50, rel=4 * error)
    assert fifo["cost{service=sqs}.month"] / standard["cost{service=sqs}.month"] == pytest.approx(
        1.25, abs=0.02
    )
    assert batched["cost{service=sqs}.month"] < 0.2 * fifo["cost{service=sqs}.month"]


def test_instances_are_dearer_at_a_low_load_and_cheaper_at_a_high_one():
    found = {
        variant: costs("lambda_or_ec2", variant, duration="40s")
        for variant in ("", "ec2", "busy", "busy_ec2")
    }
    month = {variant: one["cost.month"] for variant, one in found.items()}
    assert 1.8 < month["ec2"] / month[""] < 4
    assert month["busy_ec2"] < 0.8 * month["busy"]
    assert found["ec2"]["cost{service=ec2}.month"] == pytest.approx(2 * 730 * 0.085)
    assert found["ec2"]["idle_cost.share"] > 0.6
