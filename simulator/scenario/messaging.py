"""Topics and queues."""

from typing import Literal

from pydantic import StrictBool, ValidationInfo, model_validator

from simulator.scenario import rules as dated_rules
from simulator.scenario.filters import Policy, PolicyScope, policy_finding
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.producers import Group, Shares
from simulator.scenario.redrive import RedriveAllow
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name

Kind = Literal["standard", "fifo"]


class Subscription(Spec):
    """A queue's or a function's subscription to a topic."""

    queue: Name | None = option("the queue it delivers to")
    function: Name | None = option("the function it invokes, asynchronously, instead of `queue`")
    raw_message_delivery: StrictBool = option(
        "deliver the message as it is, without SNS's envelope", default=False
    )
    filter_policy: Policy = option(
        "what is let through, in the language of SNS's filter policies: all keys must match, of each one of "
        'the listed values or operators, such as `{prefix: eu-}` or `{numeric: [">", 100]}`',
        default={},
        what="map of keys to lists",
    )
    filter_policy_scope: PolicyScope = option(
        "what the policy looks at: attributes or the body, which has nested keys", default="MessageAttributes"
    )

    @model_validator(mode="after")
    def _taken_by_sns(self, info: ValidationInfo) -> "Subscription":
        rules = info.context.rules if info.context else dated_rules.dated()
        if found := policy_finding(self, rules):
            raise refuse(found)
        return self

    @model_validator(mode="after")
    def _one_end(self) -> "Subscription":
        if self.queue is None and self.function is None:
            raise refuse("has neither queue nor function; say where it delivers to")
        if self.queue is not None and self.function is not None:
            raise refuse(Finding(("function",), "cannot stand beside queue; use two subscriptions"))
        return self


class Topic(Spec):
    """An SNS topic."""

    type: Kind = option("`standard` or `fifo`", default="standard")
    subscriptions: dict[Name, Subscription] = required("who gets a copy of each message")

    @model_validator(mode="after")
    def _each_queue_once(self) -> "Topic":
        seen: dict[str, str] = {}
        for name, subscription in self.subscriptions.items():
            kind = "queue" if subscription.queue is not None else "function"
            end = f"{kind} {getattr(subscription, kind)}"
            if earlier := seen.get(end):
                message = f"is {getattr(subscription, kind)}, which {earlier} delivers to already"
                raise refuse(
                    Finding(("subscriptions", name, kind), f"{message}; SNS subscribes a {kind} once")
                )
            seen[end] = name
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
