"""Builds the CloudWatch metrics of a run and those of its queues."""

from collections.abc import Callable, Mapping

from simulator.aws.cloudwatch.activity import Activity
from simulator.aws.sqs.standard import StandardQueue
from simulator.engine.standard_queues import counters
from simulator.engine.taken import Taken
from simulator.processes.clock import Clock
from simulator.processes.cloudwatch import Metrics, Timing
from simulator.processes.function_metrics import FunctionMetrics
from simulator.processes.functions import Function
from simulator.processes.partitioned import QueueByChance
from simulator.processes.queue_metrics import QueueMetrics
from simulator.processes.queues import Dispatcher
from simulator.scenario.alarms import QUEUE_METRICS


def metrics(taken: Taken, clock: Clock, dispatchers: Mapping[str, Dispatcher]) -> Metrics:
    """The metrics of a run, those of its queues declared; consumers declare theirs when they are built."""

    def timing() -> Timing:
        period_us = taken.rule("cw.period")
        first_at = int(taken.calls("cloudwatch/phase").next() * period_us)
        return Timing(period_us, taken.rule("cw.publish_delay"), first_at)

    made = Metrics(clock, timing)
    for name in dispatchers:
        _declare_queue(made, name, dispatchers, taken)
    return made


def declare_function(made: Metrics, name: str, function: Function) -> None:
    """Declare the metrics of a function."""
    for metric, read in FunctionMetrics(function).reads.items():
        made.declare(f"functions.{name}.{metric}", read)


def _declare_queue(made: Metrics, name: str, dispatchers: Mapping[str, Dispatcher], taken: Taken) -> None:
    """Declare the metrics of a queue; what they need is built when the first of them is read."""
    dispatcher = dispatchers[name]
    standing = dispatcher.arrived
    built: QueueMetrics | None = None

    def reads() -> QueueMetrics:
        nonlocal built
        if built is None:
            if isinstance(dispatcher.queue, StandardQueue | QueueByChance):
                dispatcher.counters = counters(name, dispatcher.queue, taken)
            sources = [other for other in dispatchers.values() if other.dead_letters is dispatcher]
            wakeup = taken.calls(f"{name}/wakeup")
            built = QueueMetrics(
                dispatcher,
                sources,
                Activity(taken.rule("sqs.metric_idle_after")),
                lambda: int(wakeup.next() * taken.rule("sqs.metric_wakeup")),
                standing,
            )
        return built

    def read(metric: str) -> Callable[[int], float]:
        return lambda at: reads().reads[metric](at)

    for metric in QUEUE_METRICS:
        made.declare(f"queues.{name}.{metric}", read(metric))
