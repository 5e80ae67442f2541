"""Messages, their handles and the receives that wait for them, as the client knows them."""

import hashlib
from collections.abc import Mapping
from typing import Any

from simulator.aws.sqs.requests import Attribute

Answer = dict[str, Any]


class Message:
    """A message in a queue: what SQS gives a MessageId.

    Attributes
    ----------
    number : int
        The copy by which the queue's state machine knows it.
    queue : str or None
        Name of the queue it is in; None when it is gone.
    source : str or None
        Name of the queue of which it became a dead letter.
    newest : Handle or None
        Of its last receive.
    """

    def __init__(
        self,
        number: int,
        message_id: str,
        body: str,
        attributes: Mapping[str, Attribute],
        sent_at: int,
        queue: str,
        group: str | None = None,
        deduplication_id: str | None = None,
        sequence_number: str | None = None,
    ) -> None:
        self.number = number
        self.message_id = message_id
        self.body = body
        self.attributes = dict(attributes)
        self.sent_at = sent_at
        self.queue: str | None = queue
        self.group = group
        self.deduplication_id = deduplication_id
        self.sequence_number = sequence_number
        self.source: str | None = None
        self.receive_count = 0
        self.first_received_at: int | None = None
        self.newest: Handle | None = None


class Handle:
    """A receipt handle: the message it was given out with, and the receipt that holds it by now."""

    def __init__(self, text: str, message: Message, receipt: Any, received_at: int) -> None:
        self.text = text
        self.message = message
        self.receipt = receipt
        self.received_at = received_at


class Poll:
    """A ReceiveMessage; its answer may come later.

    Attributes
    ----------
    answer : dict or None
        What boto3 returns; None as long as the poll is open.
    answered_at : int or None
        When the answer is at the caller's [us].
    """

    def __init__(
        self,
        queue: str,
        max_number_of_messages: int,
        visibility_timeout_us: int | None,
        until: int,
        attempt_id: str | None,
        names: frozenset[str],
        attribute_names: frozenset[str],
        *,
        short: bool,
    ) -> None:
        self.queue = queue
        self.short = short
        self.max_number_of_messages = max_number_of_messages
        self.visibility_timeout_us = visibility_timeout_us
        self.until = until
        self.attempt_id = attempt_id
        self.names = names
        self.attribute_names = attribute_names
        self.answer: Answer | None = None
        self.answered_at: int | None = None
        self.error: Exception | None = None


def md5(text: str) -> str:
    """MD5 as SQS answers it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Mapping[str, Attribute]) -> str:
    """MD5 of message attributes: lengths and texts by name (SQS guide, calculating the digest)."""
    digest = hashlib.md5(usedforsecurity=False)
    for name, (kind, value) in sorted(attributes.items()):
        data = value if isinstance(value, bytes) else value.encode()
        for part in (name.encode(), kind.encode()):
            digest.update(len(part).to_bytes(4, "big") + part)
        digest.update(b"\2" if kind.startswith("Binary") else b"\1")
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.hexdigest()


def system_attributes(message: Message, sender: str) -> dict[str, str]:
    """The attributes SQS keeps of a message, in its names; instants in milliseconds."""
    assert message.first_received_at is not None
    values = {
        "SenderId": sender,
        "SentTimestamp": str(message.sent_at // 1000),
        "ApproximateReceiveCount": str(message.receive_count),
        "ApproximateFirstReceiveTimestamp": str(message.first_received_at // 1000),
    }
    if message.group is not None:
        values["MessageGroupId"] = message.group
    if message.deduplication_id is not None:
        values["MessageDeduplicationId"] = message.deduplication_id
    if message.sequence_number is not None:
        values["SequenceNumber"] = message.sequence_number
    if message.source is not None:
        values["DeadLetterQueueSourceArn"] = message.source
    return values


def answered(message: Message, handle: Handle, poll: Poll, sender: str) -> Answer:
    """A message as ReceiveMessage answers it, with the attributes that *poll* asked for."""
    answer: Answer = {
        "MessageId": message.message_id,
        "ReceiptHandle": handle.text,
        "MD5OfBody": md5(message.body),
        "Body": message.body,
    }
    wanted = poll.names
    system = system_attributes(message, sender)
    if chosen := {name: value for name, value in system.items() if "All" in wanted or name in wanted}:
        answer["Attributes"] = chosen
    if given := {name: value for name, value in message.attributes.items() if _asked(name, poll)}:
        answer["MessageAttributes"] = {name: _shape(attribute) for name, attribute in given.items()}
        answer["MD5OfMessageAttributes"] = md5_of_attributes(given)
    return answer


def _asked(name: str, poll: Poll) -> bool:
    wanted = poll.attribute_names
    if not wanted:
        return False
    prefixes = tuple(one.removesuffix("*") for one in wanted if one.endswith(".*"))
    return "All" in wanted or name in wanted or bool(prefixes and name.startswith(prefixes))


def _shape(attribute: Attribute) -> Answer:
    key = "BinaryValue" if isinstance(attribute.value, bytes) else "StringValue"
    return {key: attribute.value, "DataType": attribute.type}
