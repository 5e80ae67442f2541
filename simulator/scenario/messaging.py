"""Topics and queues."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, StrictBool, WithJsonSchema, model_validator

from simulator.scenario.problems import Finding, refuse
from simulator.scenario.producers import Group, Shares
from simulator.scenario.redrive import RedriveAllow
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name, kind_of

Kind = Literal["standard", "fifo"]


def _accepted(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        what = "an empty list" if value == [] else kind_of(value)
        raise refuse(f"is {what}; a list of values is due, such as [order]")
    found = [Finding((place,), f"is {kind_of(word)}; a value is due") for place, word in enumerate(value)
             if isinstance(word, dict | list | bool) or word is None]  # fmt: skip
    if found:
        raise refuse(*found)
    return tuple(str(word) for word in value)


Accepted = Annotated[
    tuple[str, ...],
    BeforeValidator(_accepted),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1}),
]


class Subscription(Spec):
    """A queue's subscription to a topic."""

    queue: Name = required("the queue it delivers to")
    raw_message_delivery: StrictBool = option(
        "deliver the message as it is, without SNS's envelope", default=False
    )
    filter_policy: dict[Name, Accepted] = option(
        "values that are let through, by attribute; all attributes must match",
        default={},
        what="map of attributes to lists of values",
    )


class Topic(Spec):
    """An SNS topic."""

    type: Kind = option("`standard` or `fifo`", default="standard")
    subscriptions: dict[Name, Subscription] = required("who gets a copy of each message")

    @model_validator(mode="after")
    def _each_queue_once(self) -> "Topic":
        seen: dict[str, str] = {}
        for name, subscription in self.subscriptions.items():
            if earlier := seen.get(subscription.queue):
                message = f"is {subscription.queue}, which {earlier} delivers to already"
                raise refuse(
                    Finding(("subscriptions", name, "queue"), f"{message}; SNS subscribes a queue once")
                )
            seen[subscription.queue] = name
        if not self.subscriptions:
            raise refuse(
                Finding(("subscriptions",), "is an empty map; a topic without subscriptions loses everything")
            )
        return self


class Redrive(Spec):
    """Where messages go that were received too often."""

    queue: Name = required("the dead-letter queue")
    max_receive_count: Count = setting(
        "sqs.queue.max_receive_count", "receives after which a message is moved instead of received again"
    )


class Backlog(Spec):
    """Messages that are in the queue when the run starts."""

    messages: Count = required("how many", low="1", high="100M")
    age: Duration = option(
        "they were sent evenly over this long before the start", default="0s", low="0s", high="14d"
    )
    group: Group | None = option("their groups; needed on FIFO queues")
    attributes: dict[Name, Shares] = option(
        "their attributes", default={}, what="map of names to values with shares"
    )


class Queue(Spec):
    """An SQS queue."""

    type: Kind = option("`standard` or `fifo`", default="standard")
    visibility_timeout: Duration = setting(
        "sqs.queue.visibility_timeout", "how long a received message stays hidden from other receives"
    )
    retention: Duration = setting("sqs.queue.retention", "how long a message is kept if nobody deletes it")
    delay: Duration = setting("sqs.queue.delay", "how long a sent message is hidden at first")
    redrive: Redrive | None = option("the dead-letter queue and when messages go there")
    redrive_allow: RedriveAllow = option(
        "whose dead-letter queue it may be: `allow_all`, `deny_all` or a list of queues",
        default="allow_all",
        what="`allow_all`, `deny_all` or a list of queues",
    )
    high_throughput: StrictBool = option(
        "FIFO only: quotas of calls by partition, deduplication by message group", default=False
    )
    fair: StrictBool = option(
        "standard only: groups are sent as MessageGroupId, and those of a noisy one give way to the others",
        default=False,
    )
    backlog: Backlog | None = option("a standing backlog: counted in drain, not in percentiles")

    @model_validator(mode="after")
    def _fair_is_standard(self) -> "Queue":
        if self.fair and self.type == "fifo":
            message = "is true on a FIFO queue; only standard queues are fair, FIFO queues lock their groups"
            raise refuse(Finding(("fair",), message))
        return self
