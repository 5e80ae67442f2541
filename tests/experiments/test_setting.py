from pathlib import Path

import pytest

from simulator.analysis.answer import Consumer, Event
from simulator.experiments.setting import setting_of
from simulator.experiments.traffic import events, traffic
from simulator.scenario import Scenario, load

BASE = """
scenario: base
duration: 1h
producers: {{shop: {{target: orders, arrivals: {arrivals}, message: {{group: {{count: 50}}}}}}}}
queues:
  orders: {{type: {kind}, visibility_timeout: 60s, redrive: {{queue: orders-dlq}}}}
  orders-dlq: {{type: {kind}, retention: 14d}}
{consumer}
{more}
"""
FUNCTION = """
functions:
  ship:
    runtime: rust
    timeout: 10s
    work: {{per_message: 100ms, per_invocation: 20ms}}
    {function}
    event_sources: {{orders: {{batch_size: 10, {source}}}}}
"""
GROUP = """
auto_scaling_groups:
  ship:
    queue: orders
    instance_type: c6i.large
    workers_per_instance: 8
    receive: {max_messages: 10}
    work: 90ms
    capacity: {min: 2, max: 5}
limits: {lat.sqs_receive: 10ms, lat.sqs_delete: 10ms}
"""


@pytest.fixture
def scenario(tmp_path: Path):
    def write(
        arrivals: str = "{rate: 200/s}",
        kind: str = "standard",
        function: str = "",
        source: str = "",
        consumer: str = "",
        more: str = "",
    ) -> Scenario:
        body = consumer or FUNCTION.format(function=function, source=source)
        path = tmp_path / "base.yaml"
        path.write_text(BASE.format(arrivals=arrivals, kind=kind, consumer=body, more=more))
        return load(path)

    return write


def consumer_of(scenario: Scenario) -> Consumer:
    return setting_of(scenario, seed=1, replications=2).consumers[0]


@pytest.mark.parametrize(
    ("kind", "function", "source", "per_s", "words"),
    [
        ("standard", "", "maximum_concurrency: 51", 500, "51 slots x 10 messages / 1.02 s"),
        ("standard", "reserved_concurrency: 102", "", 1000, "102 slots x 10 messages / 1.02 s"),
        ("standard", "", "", 1000 / 0.102, "1,000 slots x 10 messages / 1.02 s"),
        ("fifo", "", "", 50 / 0.102, "50 groups x 10 messages / 1.02 s"),
    ],
    ids=["maximum", "reserved", "account", "groups"],
)
def test_a_mappings_ceiling_is_its_smallest_limit_times_its_batch(
    scenario, kind, function, source, per_s, words
):
    consumer = consumer_of(scenario(kind=kind, function=function, source=source))
    assert consumer.ceiling_per_s == pytest.approx(per_s)
    assert consumer.ceiling == words


def test_a_groups_ceiling_counts_its_calls_between_the_work(scenario):
    """10 ms of receive, then ten times 90 ms of work and 10 ms of delete."""
    consumer = consumer_of(scenario(consumer=GROUP))
    assert consumer.ceiling == "40 workers x 10 messages / 1.01 s"
    assert consumer.ceiling_per_s == pytest.approx(400 / 1.01)
    assert consumer.settings == "2 to 5 x c6i.large, 8 workers each, visibility timeout 1 min"
    assert (consumer.maximum, consumer.workers_per_instance) == (5, 8)


def test_calls_of_a_fifo_queue_can_be_the_ceiling(scenario):
    fast = GROUP.replace("work: 90ms", "work: 0s").replace(
        "10ms, lat.sqs_delete: 10ms", "1ms, lat.sqs_delete: 1ms"
    )
    assert consumer_of(scenario(kind="fifo", consumer=fast)).ceiling == "300 delete calls/s"


def test_headline_is_the_first_threshold_or_else_the_end_to_end_p99(scenario):
    assert setting_of(scenario(), seed=1, replications=2).headline == "end_to_end.p99"
    some = scenario(more="thresholds: [queues.orders wait.p95 < 2m, drain < 1h]")
    assert setting_of(some, seed=1, replications=2).headline == "queues.orders wait.p95"


def test_dead_letter_queues_stand_apart(scenario):
    setting = setting_of(scenario(), seed=5, replications=2)
    assert (setting.queues, setting.dead_letter_queues) == (["queues.orders"], ["queues.orders-dlq"])
    assert (setting.seed, setting.replications, setting.duration_s) == (5, 2, 3600)
    assert setting.visibility_timeouts_s == {"queues.orders": 60}


@pytest.mark.parametrize(
    ("arrivals", "words", "marked"),
    [
        ("{rate: 200/s}", "200 msg/s", []),
        (
            "[{for: 20m, rate: 200/s}, {for: 10m, rate: 2000/s}, {rate: 200/s}]",
            "200 msg/s with 10 min of 2,000 msg/s",
            [Event("burst ×10", 1200, 1800)],
        ),
        (
            "[{for: 50m, rate: 100/s}, {rate: 100/s, ramp_to: 900/s}]",
            "100 to 900 msg/s",
            [Event("ramp to 900/s", 3000, 3600)],
        ),
        (
            "{rate: 60/s, bursts: {factor: 5, lasting: 30s, every: 30m}}",
            "60 msg/s, in bursts of x5 for 30 s every 30 min",
            [Event("burst ×5", 0, 30), Event("burst ×5", 1800, 1830)],
        ),
        ("{rate: 60/s, bursts: {factor: 5, lasting: 30s, every: 3m}}", None, []),
        ("{interarrival: {exponential: {mean: 5ms}}}", "200 msg/s on average", []),
    ],
)
def test_traffic_is_said_in_a_line_and_what_stands_out_is_marked(scenario, arrivals, words, marked):
    loaded = scenario(arrivals=arrivals)
    assert words is None or traffic(loaded) == words
    assert list(events(loaded)) == marked


def test_a_trace_is_told_by_its_counts_and_its_mean():
    real = load(Path(__file__).parents[2] / "scenarios" / "real_traffic.yaml")
    assert traffic(real) == "48 counts of 30 min from nyc_taxi.csv, 11.42 msg/s on average"
