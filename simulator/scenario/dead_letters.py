"""What AWS refuses about dead-letter queues: who may use one, and which redrive tasks can be started."""

from collections.abc import Iterator

from simulator.scenario.problems import Finding
from simulator.scenario.redrive import RedriveTask
from simulator.scenario.schema import Scenario
from simulator.scenario.units import write_duration


def dead_letter_findings(scenario: Scenario) -> Iterator[Finding]:
    """Give what is wrong with redrive allow policies, redrive tasks and high throughput."""
    for name, queue in scenario.queues.items():
        if queue.high_throughput and queue.type != "fifo":
            message = f"is true; {name} is standard, and only FIFO queues have it"
            yield Finding(("queues", name, "high_throughput"), message)
        dead = scenario.queues.get(queue.redrive.queue) if queue.redrive else None
        if queue.redrive is None or dead is None or dead.redrive_allow == "allow_all":
            continue
        if dead.redrive_allow == "deny_all" or name not in dead.redrive_allow:
            allowed = "none" if dead.redrive_allow == "deny_all" else ", ".join(dead.redrive_allow)
            message = f"is {queue.redrive.queue}, whose redrive_allow allows {allowed}"
            yield Finding(("queues", name, "redrive", "queue"), message)
    used: dict[str, str] = {}
    for name, task in scenario.redrive_tasks.items():
        for key, message in _task(scenario, task, used):
            yield Finding(("redrive_tasks", name, key), message)
        used.setdefault(task.source, name)


def _task(scenario: Scenario, task: RedriveTask, used: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Give the keys of a task and what is wrong with their values."""
    source = scenario.queues.get(task.source)
    target = scenario.queues.get(task.destination) if task.destination else None
    sources = {queue.redrive.queue for queue in scenario.queues.values() if queue.redrive}
    if source and task.source not in sources:
        yield "from", f"is {task.source}, the dead-letter queue of no queue; SQS redrives from these only"
    elif source and task.destination is None and (sender := _sender(scenario, task.source)):
        reason = "SQS knows no way back for what no queue dead-lettered; give `to`"
        yield "from", f"is {task.source}, to which {sender} sends itself: {reason}"
    if task.source in used:
        yield (
            "from",
            f"is {task.source}, as in redrive_tasks.{used[task.source]}; one task a queue is allowed",
        )
    if task.destination == task.source:
        yield "to", f"is {task.destination}, where the messages are"
    elif source and target and source.type != target.type:
        message = f"is {task.destination}, a {target.type} queue"
        yield "to", f"{message}; {task.source} is {source.type}, so must it be"
    if not float(task.rate).is_integer():
        yield "rate", f"is {task.rate:g}/s; a whole number a second is due"
    if task.at >= scenario.duration:
        span = f"below the duration, {write_duration(scenario.duration)}"
        yield "at", f"is {write_duration(task.at)}; allowed: {span}"


def _sender(scenario: Scenario, queue: str) -> str:
    """Find what sends to a queue besides queues that dead-letter."""
    if scenario.queues[queue].backlog:
        return "its backlog"
    for name, producer in scenario.producers.items():
        if producer.target == queue:
            return f"producers.{name}"
    for name, topic in scenario.topics.items():
        if any(subscription.queue == queue for subscription in topic.subscriptions.values()):
            return f"topics.{name}"
    return ""
