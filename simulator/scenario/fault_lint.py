"""What people regret in an outage: a queue that keeps messages for less time than its consumers are away."""

from collections.abc import Iterator

from simulator.scenario.faults import Fault
from simulator.scenario.problems import Finding
from simulator.scenario.schema import Scenario
from simulator.scenario.units import write_duration


def outlasted(scenario: Scenario) -> Iterator[Finding]:
    """Find queues whose retention is shorter than a fault in which nobody receives from them."""
    for name, fault in scenario.faults.items():
        for queue_name in _without_receives(scenario, fault):
            queue = scenario.queues.get(queue_name)
            if queue is None or queue.broker is not None:
                continue  # an error of its own, or nothing expires
            if fault.for_us is not None and queue.retention < fault.for_us:
                kept, away = write_duration(queue.retention), write_duration(fault.for_us)
                message = f"is {kept}; faults.{name} lasts {away}: what is older than {kept} by then is lost"
                yield Finding(("queues", queue_name, "retention"), message)


def _without_receives(scenario: Scenario, fault: Fault) -> tuple[str, ...]:
    """Queues that a fault leaves without receives, as far as whom it meets polls them."""
    if fault.kind == "queue":
        return (fault.target,) if fault.denied == "receive" else ()
    if not fault.down or fault.kind == "downstream":
        return ()
    consumer = getattr(scenario, fault.path.partition(".")[0]).get(fault.target)
    if consumer is None:
        return ()
    return tuple(consumer.event_sources if fault.kind == "function" else consumer.queues)
