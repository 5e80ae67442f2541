"""The words of a script: attributes of queues as in a scenario, parameters as boto3's in snake case."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from simulator.client.attributes import NUMBERS
from simulator.client.sns import SNS
from simulator.client.sqs import SQS
from simulator.scenario.problems import refuse, shown
from simulator.scenario.rules import Rules
from simulator.scenario.units import DURATION, SIZE, Unit, kind_of

SECOND: Final = 1_000_000


class Reference(NamedTuple):
    """The handle of message number *place* of the receive saved as *name*; None: the task of that name."""

    name: str
    place: int | None


@dataclass(frozen=True)
class Step:
    """One call: when [us], which, with what, under what name its answer is kept, and what it is about."""

    at: int
    action: str
    parameters: Mapping[str, Any]
    name: str = ""
    about: Mapping[str, str] = field(default_factory=dict)


REFERENCE: Final = re.compile(r"([A-Za-z0-9_-]{1,80})\[(\d{1,4})\]")


def snake(name: str) -> str:
    """A name of boto3's as it is written here: ``MaxNumberOfMessages`` is ``max_number_of_messages``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


WORDS: Final = {
    "QueueUrl": "queue",
    "TopicArn": "topic",
    "SourceArn": "source",
    "DestinationArn": "destination",
}
"""Parameters that name a thing of the script, which is written instead of its URL or ARN."""


def _parameters(method: Callable[..., Any]) -> tuple[dict[str, str], frozenset[str]]:
    """boto3's name of each parameter by its word, and the words that must be given."""
    found = {name: one for name, one in inspect.signature(method).parameters.items() if name != "self"}
    named = {WORDS.get(name, snake(name)): name for name in found}
    needed = frozenset(word for word, name in named.items() if found[name].default is inspect.Parameter.empty)
    return named, needed


ACTIONS: Final = {
    name: (client, *_parameters(getattr(client, name)))
    for client, names in (
        (
            SQS,
            (
                "create_queue",
                "get_queue_url",
                "delete_queue",
                "purge_queue",
                "get_queue_attributes",
                "set_queue_attributes",
                "send_message",
                "send_message_batch",
                "receive_message",
                "delete_message",
                "delete_message_batch",
                "change_message_visibility",
                "change_message_visibility_batch",
                "start_message_move_task",
                "cancel_message_move_task",
                "list_message_move_tasks",
            ),
        ),
        (SNS, ("create_topic", "subscribe", "publish")),
    )
    for name in names
}
"""Each call of a script: its client, the parameters by their words, and the words that must be given."""

ENTRY: Final = {
    "send_message_batch": (
        "id",
        "message_body",
        "delay_seconds",
        "message_attributes",
        "message_group_id",
        "message_deduplication_id",
    ),
    "delete_message_batch": ("id", "receipt_handle"),
    "change_message_visibility_batch": ("id", "receipt_handle", "visibility_timeout"),
}
"""Words of an entry of each batch."""

SUBSCRIPTION: Final = ("queue", "raw_message_delivery", "filter_policy", "filter_policy_scope", "redrive")
"""Words of a subscription."""

_UNITS: Final[dict[str, Unit]] = dict.fromkeys(NUMBERS, DURATION) | {"MaximumMessageSize": SIZE}
QUEUE: Final = {
    "visibility_timeout": "VisibilityTimeout",
    "retention": "MessageRetentionPeriod",
    "delay": "DelaySeconds",
    "receive_wait": "ReceiveMessageWaitTimeSeconds",
    "max_message_size": "MaximumMessageSize",
    "content_based_deduplication": "ContentBasedDeduplication",
    "deduplication_scope": "DeduplicationScope",
    "fifo_throughput_limit": "FifoThroughputLimit",
    "high_throughput": "",
    "redrive": "RedrivePolicy",
    "redrive_allow": "RedriveAllowPolicy",
    "policy": "Policy",
}
"""Attributes of a queue in the words of a scenario; AWS's names, as they are or in snake case, do as well."""

_OTHER: Final = {snake(name): word for word, name in QUEUE.items() if name} | {
    name: word for word, name in QUEUE.items() if name
}


def attribute_word(word: str) -> str:
    """The word of a scenario for an attribute that is written in AWS's name."""
    return word if word in QUEUE else _OTHER.get(word, word)


def number(rules: Rules, word: str, value: Any) -> float:
    """Read an attribute that is a number, in AWS's unit, and hold it against AWS's range.

    A number without unit is in AWS's: seconds, bytes.
    """
    name = QUEUE[word]
    _, rule_name, scale = NUMBERS[name]
    rule = rules.rule(rule_name)
    plain = _plain(value)
    inside = round(plain * scale) if plain is not None else _UNITS[name].parse(value)
    if not rule.low <= inside <= rule.high:
        raise refuse(f"is {shown(str(value))}; {rule.range_words()}")
    return float(inside / scale) if inside % scale else inside // scale


def seconds(value: Any) -> float:
    """Read a time: a number of seconds, or a duration with its unit. Whether AWS takes it, AWS says."""
    plain = _plain(value)
    return plain if plain is not None else DURATION.parse(value) / SECOND


def _plain(value: Any) -> float | None:
    if isinstance(value, bool):
        raise refuse(f"is {kind_of(value)}; a number is due")
    if isinstance(value, int | float):
        return value
    text = re.fullmatch(r"-?\d{1,12}(\.\d{1,12})?", value) if isinstance(value, str) else None
    return None if text is None else float(value)


def whole(value: Any) -> int:
    """Read a whole number; whether AWS takes it, AWS says."""
    plain = _plain(value)
    if plain is None or not float(plain).is_integer():
        raise refuse(f"is {kind_of(value)}; a whole number is due")
    return int(plain)


def truth(value: Any) -> bool:
    """Read true or false."""
    text = str(value).lower()
    if isinstance(value, Mapping | list) or text not in ("true", "false"):
        raise refuse(f"is {kind_of(value)}; true or false is due")
    return text == "true"
