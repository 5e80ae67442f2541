"""Scenarios with the things of made-up rows."""

from pathlib import Path

from simulator.scenario import load
from simulator.scenario.schema import Scenario

TEXT = """
scenario: shop
duration: 1h
replications: 3
{drain_from}
producers: {{shop: {{target: orders, arrivals: {arrivals}}}}}
queues:
  orders: {queue}
  orders-dlq: {{retention: 14d}}
  mail: {{visibility_timeout: 60s}}
functions:
  charge:
    runtime: python3.13
    memory: 512MB
    timeout: 5s
    work: 100ms
    event_sources: {{orders: {{batch_size: 10, maximum_concurrency: {maximum_concurrency}}}}}
auto_scaling_groups:
  post:
    queue: mail
    instance_type: c6i.large
    workers_per_instance: 4
    receive: {{max_messages: 10, wait_time: 20s, delete: each}}
    boot: 60s
    work: 80ms
    capacity: {{min: 2, max: 2}}
thresholds: {thresholds}
"""


def scenario(
    folder: Path,
    *,
    arrivals: str = "{rate: 100/s}",
    queue: str = "{}",
    drain_from: str = "",
    maximum_concurrency: int = 5,
    thresholds: str = "[wait.p95 < 2m, lost.count == 0]",
) -> Scenario:
    """A scenario as a user would load it."""
    path = folder / "shop.yaml"
    path.write_text(
        TEXT.format(
            arrivals=arrivals,
            queue=queue,
            drain_from=drain_from,
            maximum_concurrency=maximum_concurrency,
            thresholds=thresholds,
        )
    )
    return load(path)
