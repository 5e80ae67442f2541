"""What Amazon SQS refuses of a call before a queue sees it.

Rules: ranges, sizes and batches as in the API model and the SQS guide; which code
names which fault, and what fails a batch as a whole, as observed on AWS (conformance, error codes).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTRY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_IDENTIFIER: Final = re.compile(r"[!-~]+")
_TYPE: Final = re.compile(r"(String|Number|Binary)(\.\S+)?")
_SECOND: Final = 1_000_000


def _bytes(text: str) -> int:
    """Length in UTF-8; half characters count, they are refused elsewhere."""
    return len(text.encode(errors="surrogatepass"))


class Attribute(NamedTuple):
    """A message attribute: its type as sent, such as ``String`` or ``Number.int``, and its value."""

    type: str
    value: str | bytes


class Send(NamedTuple):
    """What a SendMessage, or an entry of a batch, asks for; None is what was not sent."""

    body: str | None
    attributes: Mapping[str, Attribute] = {}
    delay_us: int | None = None
    group: str | None = None
    deduplication_id: str | None = None

    @property
    def size(self) -> int:
        """Bytes that count: the body in UTF-8, and names, types and values of the attributes."""
        total = _bytes(self.body or "")
        for name, (kind, value) in self.attributes.items():
            total += _bytes(name) + _bytes(kind)
            total += len(value) if isinstance(value, bytes) else _bytes(value)
        return total

    @property
    def has_forbidden_letters(self) -> bool:
        """Whether body or attributes have letters that XML 1.0 does not allow."""
        texts = [self.body or "", *self.attributes]
        texts += [value for _, value in self.attributes.values() if isinstance(value, str)]
        return any(_FORBIDDEN.search(text) for text in texts)


class Requests:
    """The checks of SQS, one for each action; each answers why a call is refused, None: it is not.

    A reason begins with the name of AWS's error: ``InvalidParameterValue: ...``.

    Parameters
    ----------
    max_batch_entries, max_batch_bytes : int
        Entries of a batch, and what their messages may weigh together [bytes].
    max_attributes : int
        Attributes of a message.
    max_messages : int
        Largest MaxNumberOfMessages.
    max_wait_us, max_delay_us, max_visibility_timeout_us : int
        Largest WaitTimeSeconds, DelaySeconds and VisibilityTimeout [us].
    max_hold_us : int
        How long a message may be held from its receive, whatever extends it [us].
    max_id_length : int
        Characters of MessageGroupId, MessageDeduplicationId and ReceiveRequestAttemptId.
    purge_cooldown_us : int
        Between two purges of a queue [us].
    max_moves_per_s : int
        Largest MaxNumberOfMessagesPerSecond of a message move task.
    """

    def __init__(
        self,
        *,
        max_batch_entries: int,
        max_batch_bytes: int,
        max_attributes: int,
        max_messages: int,
        max_wait_us: int,
        max_delay_us: int,
        max_visibility_timeout_us: int,
        max_hold_us: int,
        max_id_length: int,
        purge_cooldown_us: int,
        max_moves_per_s: int,
    ) -> None:
        self.max_batch_entries = max_batch_entries
        self.max_batch_bytes = max_batch_bytes
        self.max_attributes = max_attributes
        self.max_messages = max_messages
        self.max_wait_us = max_wait_us
        self.max_delay_us = max_delay_us
        self.max_visibility_timeout_us = max_visibility_timeout_us
        self.max_hold_us = max_hold_us
        self.max_id_length = max_id_length
        self.purge_cooldown_us = purge_cooldown_us
        self.max_moves_per_s = max_moves_per_s

    # -- sending ---------------------------------------------------------------------------------

    def send(
        self, send: Send, *, fifo: bool, content_deduplication: bool, max_message_bytes: int
    ) -> str | None:
        """Check a SendMessage to a queue that takes messages of *max_message_bytes*."""
        if not send.body:
            return "MissingParameter: the request must contain the parameter MessageBody"
        if send.has_forbidden_letters:
            return "InvalidMessageContents: the message has letters that SQS does not take"
        return (
            self._attributes(send.attributes)
            or self._too_long(send, max_message_bytes)
            or self._range("DelaySeconds", send.delay_us, 0, self.max_delay_us)
            or self._ids(send)
            or self._order(send, fifo, content_deduplication)
        )

    def send_batch(
        self, ids: Sequence[str], sends: Sequence[Send], *, fifo: bool, content_deduplication: bool
    ) -> str | None:
        """Check a SendMessageBatch as a whole; its entries are checked by ``send``, each for itself."""
        if refused := self.batch(ids):
            return refused
        if sum(send.size for send in sends) > self.max_batch_bytes:
            return f"BatchRequestTooLong: a batch may weigh {self.max_batch_bytes} bytes"
        for name, send in zip(ids, sends, strict=True):
            if fifo and not send.group:
                return f"InvalidParameterValue: entry {name} has no MessageGroupId"
            if fifo and not send.deduplication_id and not content_deduplication:
                return f"InvalidParameterValue: entry {name} has no MessageDeduplicationId"
        return None

    def batch(self, ids: Sequence[str]) -> str | None:
        """Check the entries of any batch by their ids."""
        if not ids:
            return "EmptyBatchRequest: there are no entries"
        if len(ids) > self.max_batch_entries:
            most = self.max_batch_entries
            return f"TooManyEntriesInBatchRequest: {len(ids)} entries; at most {most} are allowed"
        for name in ids:
            if not _ENTRY_ID.fullmatch(name):
                return "InvalidBatchEntryId: an id has 1 to 80 letters, digits, _ or -"
        if len(set(ids)) < len(ids):
            return "BatchEntryIdsNotDistinct: two entries have the same id"
        return None

    def _attributes(self, attributes: Mapping[str, Attribute]) -> str | None:
        if len(attributes) > self.max_attributes:
            return f"InvalidParameterValue: {len(attributes)} attributes; at most {self.max_attributes}"
        for name, (kind, value) in attributes.items():
            if not name or not value:
                return f"InvalidParameterValue: the attribute {name} needs a name and a value"
            if not _TYPE.fullmatch(kind):
                return f"InvalidParameterValue: the attribute {name} has no type that SQS knows"
        return None

    def _too_long(self, send: Send, max_message_bytes: int) -> str | None:
        if send.size > max_message_bytes:
            return f"InvalidParameterValue: {send.size} bytes; at most {max_message_bytes} are allowed"
        return None

    def _ids(self, send: Send) -> str | None:
        for name, value in (
            ("MessageGroupId", send.group),
            ("MessageDeduplicationId", send.deduplication_id),
        ):
            if value and not self._is_identifier(value):
                return f"InvalidParameterValue: {name} has 1 to {self.max_id_length} letters, digits or signs"
        return None

    def _is_identifier(self, text: str) -> bool:
        return len(text) <= self.max_id_length and _IDENTIFIER.fullmatch(text) is not None

    def _order(self, send: Send, fifo: bool, content_deduplication: bool) -> str | None:
        """Check what a FIFO queue must have, and what either kind must not."""
        if not fifo:
            if send.deduplication_id:
                return "InvalidParameterValue: MessageDeduplicationId is of FIFO queues only"
            return None
        if not send.group:
            return "MissingParameter: the request must contain the parameter MessageGroupId"
        if not send.deduplication_id and not content_deduplication:
            return "InvalidParameterValue: the queue has no ContentBasedDeduplication and the message no id"
        if send.delay_us:
            return "InvalidParameterValue: DelaySeconds of a message is of standard queues only"
        return None

    # -- receiving, holding ------------------------------------------------------------------------

    def receive(
        self,
        max_number_of_messages: int,
        wait_time_us: int | None,
        visibility_timeout_us: int | None,
        receive_request_attempt_id: str | None,
        *,
        fifo: bool,
    ) -> str | None:
        """Check a ReceiveMessage."""
        if not 1 <= max_number_of_messages <= self.max_messages:
            said = f"MaxNumberOfMessages is {max_number_of_messages}; allowed: 1 to {self.max_messages}"
            return f"InvalidParameterValue: {said}"
        attempt = receive_request_attempt_id
        if attempt is not None and not (fifo and self._is_identifier(attempt)):
            return "InvalidParameterValue: ReceiveRequestAttemptId is not valid for this queue"
        return self._range("WaitTimeSeconds", wait_time_us, 0, self.max_wait_us) or self._range(
            "VisibilityTimeout", visibility_timeout_us, 0, self.max_visibility_timeout_us
        )

    def visibility_timeout(self, timeout_us: int) -> str | None:
        """Check the timeout of a ChangeMessageVisibility, whatever its handle."""
        return self._range("VisibilityTimeout", timeout_us, 0, self.max_visibility_timeout_us)

    def hold(self, now: int, received_at: int, timeout_us: int) -> str | None:
        """Check the timeout of a message that was received at *received_at* [us].

        The hold counts from the receive; what extends it does not restart it (SQS guide).
        """
        if now - received_at + timeout_us > self.max_hold_us:
            hold_s = self.max_hold_us // _SECOND
            return f"InvalidParameterValue: a message is held {hold_s} s from its receive at most"
        return None

    # -- queues ------------------------------------------------------------------------------------

    def purge(self, now: int, purged_at: int | None) -> str | None:
        """Check a PurgeQueue, when the last was at *purged_at* [us]."""
        if purged_at is not None and now - purged_at < self.purge_cooldown_us:
            cooldown_s = self.purge_cooldown_us // _SECOND
            return f"PurgeQueueInProgress: only one purge is allowed every {cooldown_s} s"
        return None

    def move_task(self, per_s: int | None, *, is_dead_letter_queue: bool, running: bool) -> str | None:
        """Check a StartMessageMoveTask."""
        if per_s is not None and not 1 <= per_s <= self.max_moves_per_s:
            most = self.max_moves_per_s
            return f"InvalidParameterValue: MaxNumberOfMessagesPerSecond is {per_s}; allowed: 1 to {most}"
        if not is_dead_letter_queue:
            return "InvalidParameterValue: the source queue must be configured as a dead-letter queue"
        if running:
            return "InvalidParameterValue: there is already a task running for the source queue"
        return None

    def _range(self, name: str, value_us: int | None, low_us: int, high_us: int) -> str | None:
        if value_us is None or low_us <= value_us <= high_us:
            return None
        span = f"{low_us // _SECOND} to {high_us // _SECOND}"
        return f"InvalidParameterValue: {name} is {value_us / _SECOND:g}; allowed: {span}"
