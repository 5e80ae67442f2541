"""Topics and queues."""

from typing import Literal

from pydantic import StrictBool, model_validator

from simulator.scenario.bodies import Shares
from simulator.scenario.brokers import Destination
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.producers import Group
from simulator.scenario.redrive import RedriveAllow
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.subscriptions import Subscription
from simulator.scenario.units import Count, Duration, Name, Size

Kind = Literal["standard", "fifo"]


class Topic(Spec):
    """An SNS topic."""

    type: Kind = option("`standard` or `fifo`", default="standard")
    account: Name | None = option("the AWS account it is in, if not that of the scenario")
    max_message_size: Size | None = option(
        "the largest message it takes (MaximumMessageSize), if not `sns.max_message_bytes`: above that only "
        "for queues and functions, up to 100 subscriptions",
        low="1KiB",
        high="1MiB",
    )
    fifo_throughput_scope: Literal["topic", "message_group"] = option(
        "FIFO only: whether the quota of publishes is the topic's or each group's; a message's deduplication "
        "id is its own, so the scope of deduplication changes nothing here",
        default="topic",
    )
    subscriptions: dict[Name, Subscription] = required("who gets a copy of each message")

    @model_validator(mode="after")
    def _each_queue_once(self) -> "Topic":
        seen: dict[str, str] = {}
        for name, subscription in self.subscriptions.items():
            if subscription.count is not None:
                continue
            kind, end = subscription.kind, subscription.endpoint
            if earlier := seen.get(end):
                message = f"is {end.removeprefix(kind).strip()}, which {earlier} delivers to already"
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
    account: Name | None = option("the AWS account it is in, if not that of the scenario")
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
    broker: Destination | None = option(
        "it is no queue of SQS but one of this broker of Amazon MQ: then what only SQS has (visibility "
        "timeout, retention, delay, long polls) has no meaning for it"
    )
    backlog: Backlog | None = option("a standing backlog: counted in drain, not in percentiles")

    @model_validator(mode="after")
    def _fair_is_standard(self) -> "Queue":
        if self.fair and self.type == "fifo":
            message = "is true on a FIFO queue; only standard queues are fair, FIFO queues lock their groups"
            raise refuse(Finding(("fair",), message))
        if self.broker is not None and (self.type == "fifo" or self.fair):
            key = "fair" if self.fair else "type"
            raise refuse(Finding((key,), "has no meaning for a queue of a broker: that is one of SQS"))
        return self
