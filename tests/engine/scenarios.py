"""Small scenarios that put the engine under stress."""

CHAIN = """
scenario: chain
duration: 2m
producers:
  shop:
    target: orders
    arrivals: [{for: 40s, rate: 20/s}, {for: 20s, rate: 200/s}, {rate: 20/s}]
    message:
      size: {lognormal: {median: 2KiB, p99: 60KiB}}
      group: {count: 20, popularity: {zipf: 1.1}}
      attributes: {kind: {order: 80%, refund: rest}}
      poison: 0.5%
topics:
  orders:
    type: standard
    subscriptions:
      billing: {queue: billing, filter_policy: {kind: [order]}}
      fraud: {queue: fraud}
queues:
  billing: {visibility_timeout: 12s, redrive: {queue: billing-dlq, max_receive_count: 3}}
  billing-dlq: {retention: 14d}
  fraud:
    visibility_timeout: 3s
    backlog: {messages: 300, age: 10m, group: {count: 20}}
    redrive: {queue: fraud-dlq, max_receive_count: 4}
  fraud-dlq: {retention: 14d}
functions:
  charge:
    runtime: python3.13
    timeout: 5s
    work: {per_message: {lognormal: {median: 120ms, p99: 1.5s}}, per_invocation: 15ms}
    failures: {transient: 3%}
    event_sources: {billing: {batch_size: 10, maximum_concurrency: 20, report_batch_item_failures: true}}
auto_scaling_groups:
  fraud:
    queue: fraud
    instance_type: c6i.large
    workers_per_instance: 4
    receive: {max_messages: 10, delete: each}
    boot: 15s
    instance_warmup: 10s
    work: {exponential: {mean: 150ms}}
    failures: {transient: 2%}
    capacity: {min: 2, max: 12}
    policies: {backlog: {target_tracking: {target: 50}}}
"""

FIFO = (
    "topics.orders.type=fifo",
    "queues.billing.type=fifo",
    "queues.billing-dlq.type=fifo",
    "queues.fraud.type=fifo",
    "queues.fraud-dlq.type=fifo",
)
"""Settings that make every part of CHAIN a FIFO one."""
