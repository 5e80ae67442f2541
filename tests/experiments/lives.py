"""Small scenarios in which a message has each kind of life, and those lives, followed once."""

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from simulator.analysis.life import Life
from simulator.analysis.remedies import Avoidance, avoidance
from simulator.experiments.setting import setting_of
from simulator.experiments.tracing import Tracer
from simulator.reporting.life_words import LifeWords
from simulator.scenario import load
from simulator.scenario.schema import Scenario
from tests.engine.running import Rows, run

FLEET = """
auto_scaling_groups:
  fleet:
    queue: orders
    instance_type: c6i.large
    workers_per_instance: 2
    receive: {max_messages: 10, delete: batch}
    work: {lognormal: {median: 2s, p99: 15s}}
    capacity: {min: 2, max: 2}
"""

FUNCTION = """
functions:
  charge:
    runtime: python3.13
    timeout: 5s
    work: 100ms
    %s
    event_sources: {orders: {batch_size: 10, %s}}
"""

SHOP = "producers: {shop: {target: orders, arrivals: {rate: %s}%s}}\n"

FAN_OUT = """
producers:
  shop: {target: sales, arrivals: {rate: 5/s}, message: {attributes: {kind: {order: 80%, refund: rest}}}}
topics:
  sales:
    type: standard
    subscriptions:
      orders: {queue: orders, filter_policy: {kind: [order]}}
      audit: {queue: audit}
queues: {orders: {}, audit: {}}
"""

TEXTS = {
    "clean": SHOP % ("5/s", "") + "queues: {orders: {}}" + FUNCTION % ("", "maximum_concurrency: 5"),
    "overdue": SHOP % ("3/s", "") + "queues: {orders: {visibility_timeout: 30s}}" + FLEET,
    "failed": SHOP % ("5/s", "")
    + "queues: {orders: {visibility_timeout: 30s}}"
    + FUNCTION % ("failures: {transient: 10%}", "report_batch_item_failures: true"),
    "batch_mate": SHOP % ("50/s", "")
    + "queues: {orders: {visibility_timeout: 30s}}"
    + FUNCTION % ("failures: {transient: 5%}", "maximum_concurrency: 2"),
    "poison": SHOP % ("5/s", ", message: {poison: 5%}")
    + "queues: {orders: {visibility_timeout: 10s, redrive: {queue: dlq, max_receive_count: 4}}, dlq: {}}"
    + FUNCTION % ("", "report_batch_item_failures: true"),
    "fan_out": FAN_OUT + FUNCTION % ("", "maximum_concurrency: 5"),
    "fifo": SHOP % ("20/s", ", message: {group: {count: 3}}")
    + "queues: {orders: {type: fifo}}"
    + FUNCTION % ("", "maximum_concurrency: 5"),
    "throttled": SHOP % ("200/s", "")
    + "queues: {orders: {visibility_timeout: 6s, redrive: {queue: dlq, max_receive_count: 2}}, dlq: {}}"
    + FUNCTION % ("reserved_concurrency: 2", "maximum_concurrency: 20"),
    "expired": SHOP % ("40/s", "")
    + "queues: {orders: {retention: 60s}}"
    + FUNCTION % ("", "maximum_concurrency: 2"),
    "retried": SHOP % ("5/s", ", client: {timeout: 1s, lost_answers: 10%}")
    + "queues: {orders: {}}"
    + FUNCTION % ("", "maximum_concurrency: 5"),
    "unanswered": SHOP % ("5/s", "")
    + "queues: {orders: {visibility_timeout: 10s}}"
    + FLEET.replace("delete: batch}", "delete: batch, lost_answers: 10%}").replace(
        "{lognormal: {median: 2s, p99: 15s}}", "100ms"
    ),
    "unconsumed": SHOP % ("1/s", "") + "queues: {orders: {delay: 5s}}",
}
"""The scenarios, without name and duration."""

LATE = ("expired",)
ASKED: dict[str, tuple[str, str | None]] = {
    "clean": ("17", None),
    "overdue": ("duplicate", None),
    "failed": ("duplicate", None),
    "batch_mate": ("duplicate", None),
    "poison": ("dead_lettered", None),
    "fan_out": ("refund", None),
    "fifo": ("wait", None),
    "throttled": ("dead_lettered", None),
    "expired": ("lost", None),
    "retried": ("duplicate", None),
    "unanswered": ("duplicate", None),
    "unconsumed": ("wait", None),
    "waited": ("end_to_end", "orders"),
}
"""What to look for in each; ``waited`` is in the scenario of ``overdue``."""


@dataclass(frozen=True)
class Told:
    """A life with everything that words and pictures are made of."""

    scenario: Scenario
    life: Life
    said: LifeWords
    avoidance: Avoidance


@cache
def scenario(name: str, *sets: str) -> Scenario:
    """One of the scenarios, with *sets* in place."""
    text = TEXTS["overdue" if name == "waited" else name]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.yaml"
        duration = "3m" if name in LATE else "1m"
        file.write_text(f"scenario: {name}\nduration: {duration}\nseed: 42\n{text}")
        return load(file, sets=list(sets))


@cache
def rows(name: str) -> Rows:
    """All rows of the run in which a life is looked for."""
    return run(scenario(name), seed=42)


@cache
def told(name: str) -> Told:
    """The life of a scenario's message, followed through its run."""
    made = scenario(name)
    tracer = Tracer(made, seed=42, replication=0)
    wanted, queue = ASKED[name]
    if wanted == "refund":
        attributes = rows(name)["messages"]["attributes"]
        life = tracer.follow(int((attributes == 1).argmax()))
    else:
        life = tracer.follow(int(wanted)) if wanted.isdigit() else tracer.find(wanted, queue)  # type: ignore[arg-type]
    setting = setting_of(made, seed=42, replications=1)
    return Told(made, life, LifeWords(life, setting), avoidance(life, made))
