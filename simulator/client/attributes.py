"""Attributes of queues: AWS's names and texts outside, numbers inside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from simulator.client.errors import ClientError
from simulator.scenario.rules import Rules

_SECOND: Final = 1_000_000
REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"


@dataclass(frozen=True)
class Redrive:
    """RedrivePolicy of a queue: where its dead letters go, and after how many receives."""

    queue: str
    max_receive_count: int


@dataclass
class Attributes:
    """What a queue is set to; durations [us], sizes [bytes]."""

    fifo: bool
    visibility_timeout_us: int
    retention_us: int
    delay_us: int
    receive_wait_us: int
    max_message_bytes: int
    content_deduplication: bool = False
    deduplication_scope: str = "queue"
    throughput_limit: str = "perQueue"
    redrive: Redrive | None = None
    redrive_allow: Mapping[str, Any] | None = None
    policy: str | None = None


NUMBERS: Final = {
    "VisibilityTimeout": ("visibility_timeout_us", "sqs.queue.visibility_timeout", _SECOND),
    "MessageRetentionPeriod": ("retention_us", "sqs.queue.retention", _SECOND),
    "DelaySeconds": ("delay_us", "sqs.queue.delay", _SECOND),
    "ReceiveMessageWaitTimeSeconds": ("receive_wait_us", "sqs.queue.receive_wait", _SECOND),
    "MaximumMessageSize": ("max_message_bytes", "sqs.queue.max_message_bytes", 1),
}
"""Attributes that are numbers: the field, the rule with range and default, and its unit."""

_WORDS: Final = {
    "DeduplicationScope": ("deduplication_scope", ("queue", "messageGroup")),
    "FifoThroughputLimit": ("throughput_limit", ("perQueue", "perMessageGroupId")),
}
OF_FIFO: Final = ("FifoQueue", "ContentBasedDeduplication", *_WORDS)
NAMES: Final = (*NUMBERS, *OF_FIFO, "RedrivePolicy", "RedriveAllowPolicy", "Policy")
"""Every attribute that can be given."""


def queue_arn(name: str) -> str:
    """The ARN of a queue by its name."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def name_of(arn_or_url: str) -> str:
    """The name at the end of an ARN or a URL."""
    return arn_or_url.replace("/", ":").rpartition(":")[2]


def defaults(rules: Rules, fifo: bool) -> Attributes:
    """What AWS sets a new queue to."""
    numbers = {field: rules.value(rule) for field, rule, _ in NUMBERS.values()}
    return Attributes(fifo=fifo, **numbers)


def read(rules: Rules, given: Mapping[str, Any], fifo: bool) -> dict[str, Any]:
    """Values by field of the attributes *given* in AWS's names; raise what AWS refuses.

    Numbers may be numbers or texts, policies maps or JSON.
    """
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in NAMES or (name in OF_FIFO and not fifo and str(value).lower() != "false"):
            raise ClientError("InvalidAttributeName", f"Unknown Attribute {name}.")
        if name in NUMBERS:
            field, rule, unit = NUMBERS[name]
            values[field] = _number(rules, name, value, rule, unit)
        elif name in _WORDS:
            field, allowed = _WORDS[name]
            if value not in allowed:
                raise _wrong(name, value, " or ".join(allowed))
            values[field] = value
        elif name == "ContentBasedDeduplication":
            values["content_deduplication"] = _truth(name, value)
        elif name == "RedrivePolicy":
            values["redrive"] = _redrive(rules, value)
        elif name == "RedriveAllowPolicy":
            values["redrive_allow"] = _redrive_allow(value)
        elif name == "Policy":
            values["policy"] = str(value) or None
    high_throughput = values.get("throughput_limit") == "perMessageGroupId"
    if high_throughput and values.get("deduplication_scope", "messageGroup") != "messageGroup":
        raise _wrong("FifoThroughputLimit", "perMessageGroupId", "DeduplicationScope messageGroup beside it")
    return values


def _wrong(name: str, value: Any, allowed: str) -> ClientError:
    return ClientError("InvalidAttributeValue", f"{name} is {value}; allowed: {allowed}")


def _number(rules: Rules, name: str, value: Any, rule: str, unit: int) -> int:
    low, high = rules.rule(rule).low, rules.rule(rule).high
    span = f"{low // unit} to {high // unit}"
    try:
        number = round(float(value) * unit)
    except (TypeError, ValueError, OverflowError):
        raise _wrong(name, value, span) from None
    if not low <= number <= high:
        raise _wrong(name, value, span)
    return number


def _truth(name: str, value: Any) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise _wrong(name, value, "true or false")
    return text == "true"


def _policy(name: str, value: Any) -> Mapping[str, Any]:
    try:
        policy = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        policy = None
    if not isinstance(policy, Mapping):
        raise ClientError("InvalidParameterValue", f"Value {value} for parameter {name} is invalid.")
    return policy


def _redrive(rules: Rules, value: Any) -> Redrive | None:
    if not value:
        return None
    policy = _policy("RedrivePolicy", value)
    rule = rules.rule("sqs.queue.max_receive_count")
    try:
        count = int(policy.get("maxReceiveCount", rule.value))
        target = name_of(policy["deadLetterTargetArn"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ClientError("InvalidParameterValue", "RedrivePolicy needs a deadLetterTargetArn") from None
    if not rule.low <= count <= rule.high:
        span = f"{rule.low} to {rule.high}"
        raise ClientError("InvalidParameterValue", f"maxReceiveCount is {count}; allowed: {span}")
    return Redrive(target, count)


def _redrive_allow(value: Any) -> Mapping[str, Any] | None:
    if not value:
        return None
    policy = _policy("RedriveAllowPolicy", value)
    permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns", [])
    if permission not in ("allowAll", "denyAll", "byQueue") or (permission == "byQueue") != bool(sources):
        message = "RedriveAllowPolicy is allowAll, denyAll, or byQueue with sourceQueueArns"
        raise ClientError("InvalidParameterValue", message)
    return policy


def allows(redrive_allow: Mapping[str, Any] | None, source: str) -> bool:
    """Whether a dead-letter queue with this RedriveAllowPolicy takes messages of the queue *source*."""
    permission = "allowAll" if redrive_allow is None else redrive_allow["redrivePermission"]
    if redrive_allow is None or permission != "byQueue":
        return bool(permission == "allowAll")
    return queue_arn(source) in redrive_allow["sourceQueueArns"]


def changed(attributes: Attributes, values: Mapping[str, Any]) -> Attributes:
    """What a queue is set to once *values* by field are in place."""
    return replace(attributes, **values)


def written(attributes: Attributes) -> dict[str, str]:
    """Give what a queue is set to in AWS's names and texts."""
    texts = {name: f"{getattr(attributes, field) / unit:.15g}" for name, (field, _, unit) in NUMBERS.items()}
    texts["SqsManagedSseEnabled"] = "true"
    if attributes.redrive is not None:
        arn = queue_arn(attributes.redrive.queue)
        policy = {"deadLetterTargetArn": arn, "maxReceiveCount": attributes.redrive.max_receive_count}
        texts["RedrivePolicy"] = json.dumps(policy)
    if attributes.redrive_allow is not None:
        texts["RedriveAllowPolicy"] = json.dumps(dict(attributes.redrive_allow))
    if attributes.policy is not None:
        texts["Policy"] = attributes.policy
    if attributes.fifo:
        texts["FifoQueue"] = "true"
        texts["ContentBasedDeduplication"] = str(attributes.content_deduplication).lower()
        for name, (field, _) in _WORDS.items():
            texts[name] = getattr(attributes, field)
    return texts
