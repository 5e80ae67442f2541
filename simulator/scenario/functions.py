"""Lambda functions and their event sources."""

from typing import Literal

from pydantic import StrictBool, ValidationInfo, field_validator, model_validator

from simulator.scenario import rules as dated_rules
from simulator.scenario.asynchronous import Asynchronous
from simulator.scenario.downstreams import Calls
from simulator.scenario.filters import Patterns, pattern_findings
from simulator.scenario.problems import nearest_or_known, refuse
from simulator.scenario.sends import Send
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name, Size, Text
from simulator.scenario.work import Failures, Work

_INIT = "lambda.init."


class Provisioned(Spec):
    """Provisioned mode of an event source mapping: event pollers that are kept for it."""

    minimum: Count = setting("esm.provisioned.minimum", "event pollers that are always there")
    maximum: Count = setting("esm.provisioned.maximum", "event pollers at most")


class EventSource(Spec):
    """A Lambda event source mapping: what polls a queue for a function. Its name is the queue's."""

    batch_size: Count = setting("esm.batch_size", "messages in a batch, at most")
    maximum_batching_window: Duration = setting("esm.window", "how long to gather messages for a batch")
    maximum_concurrency: Count | None = setting("esm.maximum_concurrency", "batches worked at once, at most")
    provisioned: Provisioned | None = option("event pollers of its own, instead of AWS's scaling")
    report_batch_item_failures: StrictBool = option(
        "only the messages that failed come back, not their whole batch", default=False
    )
    filters: Patterns | None = option(
        "up to five patterns `{body: {...}}` in the language of filter policies; a message that fits none "
        "is deleted at the receive, without an invocation",
        what="list of patterns",
    )
    slot_turnaround: Duration = option(
        "how long a slot is lost after each invocation; 0.39 to 0.42 s at 2 s of work in one lab",
        default="0s",
        low="0s",
        high="1m",
    )

    @model_validator(mode="after")
    def _filters_are_taken(self, info: ValidationInfo) -> "EventSource":
        rules = info.context.rules if info.context else dated_rules.dated()
        if found := list(pattern_findings(self.filters or (), rules)):
            raise refuse(*found)
        return self

    @field_validator("provisioned", mode="before")
    @classmethod
    def _there_is_such_a_mode(cls, value: object, info: ValidationInfo) -> object:
        rules = info.context.rules if info.context else dated_rules.dated()
        if value is not None and rules.value("esm.provisioned.maximum") is None:
            raise refuse(f"cannot be: by rules {rules.name} there is no provisioned mode (it came in 2025)")
        return value


class Function(Calls):
    """A Lambda function: it works messages of queues, or is invoked by topics and producers."""

    runtime: Text = required("its runtime, such as `python3.13`: decides how long a cold start takes")
    memory: Size = setting("lambda.memory", "its memory")
    architecture: Literal["x86_64", "arm64"] = option(
        "of its processors: decides the price of its duration", default="x86_64"
    )
    timeout: Duration = setting("lambda.timeout", "after this long an invocation is killed")
    reserved_concurrency: Count | None = setting(
        "lambda.reserved_concurrency", "invocations at once, kept for it and at most"
    )
    provisioned_concurrency: Count | None = setting(
        "lambda.provisioned_concurrency", "environments that are always warm"
    )
    work: Work = required("how long its work takes")
    failures: Failures = option("how its work fails", default={})
    init_extra: Duration = option(
        "its own time at a cold start (imports), beside the runtime's", default="0s", low="0s", high="10s"
    )
    event_sources: dict[Name, EventSource] = option(
        "the queues it works, each with its settings; none where something else invokes it",
        default={},
        what="map of names",
    )
    asynchronous: Asynchronous = option(
        "what becomes of events it is invoked with asynchronously", default={}
    )
    sends: dict[Name, Send] = option(
        "what it sends at the end of its handler for each message it has worked",
        default={},
        what="map of names",
    )
    recursive_loop: Literal["terminate", "allow"] = option(
        "whether Lambda stops it when one event has invoked it too often (`lambda.loop_limit`)",
        default="terminate",
    )

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
