"""Lambda functions and their event sources."""

from pydantic import StrictBool, ValidationInfo, field_validator, model_validator

from simulator.scenario import rules as dated_rules
from simulator.scenario.problems import Finding, nearest_or_known, refuse
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name, Size, Text
from simulator.scenario.work import Failures, Work

_INIT = "lambda.init."


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
