"""A broker with everything at once keeps its books, also with ties in another order."""

from pathlib import Path

import pytest

from simulator.engine.conservation import check
from simulator.engine.simulate import Simulation
from simulator.scenario import load
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import Columns, Ran

SYSTEM = """
scenario: everything
duration: 60s
after: {after}
brokers: {{main: {{concurrent_store_and_dispatch: {concurrent}, memory: {memory}}}}}
producers:
  shop:
    target: orders
    arrivals: {{rate: 20/s}}
    jms: {{connections: 4, delivery_mode: {mode}, priority: 2}}
  clients:
    target: orders
    closed_loop: {{clients: 5, think: {{exponential: {{mean: 500ms}}}}}}
    jms: {{connections: 5, priority: 8}}
    message: {{poison: 1%}}
queues:
  orders:
    broker:
      name: main
      prefetch: {prefetch}
      acknowledge: {acknowledge}
      prioritized: true
      virtual_topic: [audit]
    redrive: {{queue: dead, max_receive_count: 3}}
  audit: {{broker: {{name: main, prefetch: 20}}, backlog: {{messages: 50}}}}
  dead: {{broker: main}}
  out: {{}}
auto_scaling_groups:
  pack:
    queue: orders
    instance_type: c6i.large
    workers_per_instance: 3
    boot: 5s
    drain: {drain}
    capacity: {{min: 2, max: 6}}
    work: {{exponential: {{mean: 200ms}}}}
    failures: {{transient: 10%}}
    calls: {{database: 1}}
    sends: {{next: {{to: out}}}}
    policies: {{up: {{scheduled: {{at: 10s, desired: 5}}}}, down: {{scheduled: {{at: 40s, desired: 2}}}}}}
functions:
  audit:
    runtime: python3.13
    timeout: 20s
    work: {{exponential: {{mean: 100ms}}}}
    failures: {{transient: 3%}}
    reserved_concurrency: 1
    event_sources: {{audit: {{batch_size: 7, maximum_batching_window: 1s}}}}
  last: {{runtime: python3.13, timeout: 5s, work: 10ms, event_sources: {{out: {{}}}}}}
downstreams: {{database: {{latency: 20ms, connections: 4}}}}
faults:
  reboot: {{at: 20s, broker: main, failover: planned}}
  crash: {{at: 32s, auto_scaling_group: pack, crash: 50%}}
  away: {{at: 34s, for: 4s, function: audit, down: true}}
  again: {{at: 45s, broker: main, failover: planned}}
"""
CASES = [
    {"acknowledge": "auto", "mode": "persistent", "prefetch": 1000, "concurrent": "true", "drain": "0s"},
    {
        "acknowledge": "transacted",
        "mode": "non_persistent",
        "prefetch": 10,
        "concurrent": "true",
        "drain": "5s",
    },
    {
        "acknowledge": "client",
        "mode": "non_persistent",
        "prefetch": 1000,
        "concurrent": "false",
        "drain": "1m",
    },
    {"acknowledge": "dups_ok", "mode": "persistent", "prefetch": 2, "concurrent": "false", "drain": "5s"},
]


class Nowhere:
    def chunk(self, table: str, columns: Columns) -> None:
        """Rows are not looked at."""


@pytest.mark.parametrize(("case", "after"), [*zip(CASES, ("drain", "stop", "drain", "stop"), strict=True)])
def test_everything_at_once_keeps_the_books(tmp_path: Path, case: dict[str, object], after: str):
    memory = "30KiB" if after == "stop" else "1MiB"
    path = tmp_path / "everything.yaml"
    path.write_text(SYSTEM.format(after=after, memory=memory, **case))
    scenario = load(path)
    assert_rows_add_up(Ran(scenario))
    simulation = Simulation(scenario, seed=1, replication=0, sink=Nowhere(), reverse_ties=True)
    simulation.run()
    check(simulation.messaging, simulation.consumers)
