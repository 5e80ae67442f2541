"""Consumers: Lambda functions with their event sources, and Auto Scaling groups of pollers."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import StrictBool, ValidationInfo, field_validator, model_validator

from simulator.scenario import rules as dated_rules
from simulator.scenario.distributions import SHAPES, TimeDistribution
from simulator.scenario.loops import Denied, Heartbeat, Loop, Priority
from simulator.scenario.problems import Finding, nearest_or_known, refuse
from simulator.scenario.spec import Context, Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name, Number, Share, Size, Text

_INIT = "lambda.init."


class Work(Spec):
    """How long work takes: a batch takes ``per_invocation`` and the sum of its messages' ``per_message``."""

    shorthand = "a duration or a distribution of durations: the work per message"

    per_message: TimeDistribution = required("work of one message")
    per_invocation: TimeDistribution = option("what a batch costs beside its messages", default="0s")

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Take a duration or a distribution for the work per message."""
        if isinstance(data, str | int | float) or (
            isinstance(data, Mapping) and any(key in SHAPES for key in data)
        ):
            return {"per_message": data}
        return data


class Failures(Spec):
    """How work fails."""

    transient: Share = option(
        "share of attempts that fail, drawn per message and attempt", default="0%", low="0%", high="100%"
    )


class EventSource(Spec):
    """A Lambda event source mapping: what polls a queue for a function. Its name is the queue's."""

    batch_size: Count = setting("esm.batch_size", "messages in a batch, at most")
    maximum_batching_window: Duration = setting("esm.window", "how long to gather messages for a batch")
    maximum_concurrency: Count | None = setting("esm.maximum_concurrency", "batches worked at once, at most")
    report_batch_item_failures: StrictBool = option(
        "only the messages that failed come back, not their whole batch", default=False
    )
    slot_turnaround: Duration = option(
        "how long a slot is lost after each invocation; 0.39 to 0.42 s at 2 s of work in one lab",
        default="0s",
        low="0s",
        high="1m",
    )


class Function(Spec):
    """A Lambda function that works messages of queues."""

    runtime: Text = required("its runtime, such as `python3.13`: decides how long a cold start takes")
    memory: Size = setting("lambda.memory", "its memory")
    timeout: Duration = setting("lambda.timeout", "after this long an invocation is killed")
    reserved_concurrency: Count | None = setting(
        "lambda.reserved_concurrency", "invocations at once, kept for it and at most"
    )
    work: Work = required("how long its work takes")
    failures: Failures = option("how its work fails", default={})
    init_extra: Duration = option(
        "its own time at a cold start (imports), beside the runtime's", default="0s", low="0s", high="10s"
    )
    event_sources: dict[Name, EventSource] = required("the queues it works, each with its settings")

    @field_validator("runtime", mode="after")
    @classmethod
    def _known_runtime(cls, value: str, info: ValidationInfo) -> str:
        rules = info.context.rules if info.context else dated_rules.dated()
        runtimes = [name.removeprefix(_INIT) for name in rules.names() if name.startswith(_INIT)]
        if value not in runtimes:
            raise refuse(
                f"is {value}, not a runtime of rules {rules.name}; {nearest_or_known(value, runtimes)}"
            )
        return value

    @model_validator(mode="after")
    def _works_something(self) -> "Function":
        if not self.event_sources:
            raise refuse(Finding(("event_sources",), "is an empty map; name at least one queue"))
        return self


class Receive(Spec):
    """How a worker receives and deletes."""

    max_messages: Count = setting("poller.max_messages", "messages in one receive, at most")
    wait_time: Duration = setting(
        "poller.wait_time", "how long a receive waits for messages; with 0s it is a short poll"
    )
    poll_pause: Duration = option(
        "with short polls: pause after a receive that found nothing", default="1s", low="10ms", high="1h"
    )
    delete: Literal["each", "batch"] = option(
        "delete `each` message when it is done, or all of a receive at its end (`batch`)", default="each"
    )
    lost_answers: Share = option(
        "share of receives and deletes whose answer is lost: a receive counts as received and is made again "
        "after the client's time-out, a delete has deleted and is made again",
        default="0%",
        low="0%",
        high="90%",
    )
    error_pause: Duration = setting("client.error_pause", "pause after a receive that was denied")


class Capacity(Spec):
    """How many instances a group has."""

    min: Count = required("instances, at least", low="0", high="10000")
    max: Count = required("instances, at most", low="1", high="10000")
    desired: Count | None = option("instances at the start; `min` if left out", low="0", high="10000")

    @model_validator(mode="after")
    def _in_order(self) -> "Capacity":
        if self.min > self.max:
            raise refuse(Finding(("min",), f"is {self.min}, above max, which is {self.max}"))
        if self.desired is not None and not self.min <= self.desired <= self.max:
            raise refuse(
                Finding(("desired",), f"is {self.desired}; allowed: {self.min} to {self.max} (min to max)")
            )
        return self


class TargetTracking(Spec):
    """Keeps a metric near a target."""

    metric: Literal["backlog_per_instance"] = option(
        "what is kept near the target", default="backlog_per_instance"
    )
    target: Number = required("visible messages per instance in service", low="0.001", high="1000000000")
    disable_scale_in: StrictBool = option("only add instances, never remove any", default=False)


class Policy(Spec):
    """A scaling policy."""

    target_tracking: TargetTracking = required("target tracking")


class AutoScalingGroup(Spec):
    """An EC2 Auto Scaling group whose instances poll a queue, or several by priority."""

    queue: Name | None = option("the queue its workers poll; left out with `priority`")
    priority: Priority | None = option("several queues its workers poll, and how they choose among them")
    instance_type: Text = required("what its instances are, such as `c6i.large`")
    workers_per_instance: Count = option(
        "workers on an instance, each receiving on its own", default=1, low="1", high="1000"
    )
    receive: Receive = option("how a worker receives and deletes", default={})
    loop: Loop = option("the shape of a worker's loop", default="sequential")
    heartbeat: Heartbeat | None = option("workers extend the visibility timeout while they work")
    denied: dict[Name, Denied] = option("times in which its role lacks a permission", default={})
    boot: TimeDistribution = setting("ec2.boot", "from launch until the instance is in service")
    bootstrap: TimeDistribution = option("own start-up after the boot (user data, image pull)", default="0s")
    instance_warmup: Duration = setting(
        "asg.default_warmup",
        "how long a new instance counts as warming: it works, but policies do not count on it yet",
    )
    drain: Duration = option(
        "how long an instance that is scaled in may finish its work in hand (lifecycle hook); with 0s the "
        "work is lost and its messages come back after their visibility timeout",
        default="0s",
        low="0s",
        high="48h",
    )
    work: Work = required("how long its work takes")
    work_by_queue: dict[Name, Work] = option(
        "with `priority`: how long the work of a queue's messages takes, where it is not `work`", default={}
    )
    failures: Failures = option("how its work fails", default={})
    capacity: Capacity = required("how many instances")
    declared: dict[Name, Policy] = option(
        "scaling policies; none keeps the size", default={}, alias="policies"
    )

    @model_validator(mode="after")
    def _polls_something(self) -> "AutoScalingGroup":
        if (self.queue is None) == (self.priority is None):
            has = "neither queue nor priority" if self.queue is None else "both queue and priority"
            raise refuse(f"has {has}; give exactly one")
        return self

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues its workers poll, the highest class first."""
        return (self.queue,) if self.queue is not None else self.priority.queues if self.priority else ()

    def work_of(self, queue: str) -> Work:
        """How long the messages of one of its queues take."""
        return self.work_by_queue.get(queue, self.work)

    @property
    def policies(self) -> dict[str, TargetTracking]:
        """The target-tracking policies by name."""
        return {name: policy.target_tracking for name, policy in self.declared.items()}
