"""boto3's SQS client over the rules of ``aws/``, with a clock that its user sets.

Parameters and answers have boto3's names and shapes; times in seconds. A call that waits, a long poll,
lets the clock run on until it is answered. ``open_receive`` does not wait.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.aws.sqs.requests import Attribute, Send
from simulator.client.account import SECOND, Account, us_of
from simulator.client.errors import ClientError, refuse
from simulator.client.messages import Answer, Handle, Poll, md5, md5_of_attributes
from simulator.client.queue import Queue
from simulator.client.queues import QueueCalls

Entries = Sequence[Mapping[str, Any]]


class SQS(QueueCalls):
    """An SQS client.

    Parameters
    ----------
    account : Account, optional
        Whose queues these are; a new account unless given.
    ideal : bool
        Of a new account: no latency, no chance, no call quotas.
    seed : int
        Of a new account: of everything left to chance.

    Attributes
    ----------
    now : float
        The clock [s]. Setting it lets everything happen that is due by then; it does not go back.
    """

    def __init__(self, account: Account | None = None, *, ideal: bool = True, seed: int = 42) -> None:
        self.account = account if account is not None else Account(ideal=ideal, seed=seed)

    @property
    def now(self) -> float:
        """The clock [s]."""
        return self.account.now / SECOND

    @now.setter
    def now(self, seconds: float) -> None:
        self.account.advance(us_of(seconds))

    # -- sending -----------------------------------------------------------------------------------

    def send_message(
        self,
        *,
        QueueUrl: str,
        MessageBody: str | None = None,
        DelaySeconds: float | None = None,
        MessageAttributes: Mapping[str, Any] | None = None,
        MessageGroupId: str | None = None,
        MessageDeduplicationId: str | None = None,
    ) -> Answer:
        """Send a message."""
        queue = self.account.queue(QueueUrl)
        send = Send(
            MessageBody,
            attributes_of(MessageAttributes),
            None if DelaySeconds is None else us_of(DelaySeconds),
            MessageGroupId,
            MessageDeduplicationId,
        )
        refuse(self._send_refusal(queue, send))
        refuse(queue.throttle("send", self.account.now, [MessageGroupId or ""]))
        return self._done("lat.sqs_send", self._send(queue, send))

    def _send_refusal(self, queue: Queue, send: Send) -> str | None:
        attributes = queue.attributes
        return self.account.requests.send(
            send,
            fifo=attributes.fifo,
            content_deduplication=attributes.content_deduplication,
            max_message_bytes=attributes.max_message_bytes,
        )

    def _send(self, queue: Queue, send: Send) -> Answer:
        message = self.account.send(queue, send)
        answer = {"MD5OfMessageBody": md5(send.body or ""), "MessageId": message.message_id}
        if send.attributes:
            answer["MD5OfMessageAttributes"] = md5_of_attributes(send.attributes)
        if message.sequence_number is not None:
            answer["SequenceNumber"] = message.sequence_number
        return answer

    def send_message_batch(self, *, QueueUrl: str, Entries: Entries) -> Answer:
        """Send up to ten messages, each of which succeeds or fails for itself."""
        queue = self.account.queue(QueueUrl)
        ids = [str(entry.get("Id", "")) for entry in Entries]
        sends = [_entry(entry) for entry in Entries]
        refuse(
            self.account.requests.send_batch(
                ids,
                sends,
                fifo=queue.attributes.fifo,
                content_deduplication=queue.attributes.content_deduplication,
            )
        )
        refuse(queue.throttle("send", self.account.now, [send.group or "" for send in sends]))

        def send_one(send: Send) -> Answer:
            refuse(self._send_refusal(queue, send))
            return self._send(queue, send)

        return self._each("lat.sqs_send", ids, sends, send_one)

    # -- receiving ---------------------------------------------------------------------------------

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int | None = None,
        WaitTimeSeconds: float | None = None,
        VisibilityTimeout: float | None = None,
        ReceiveRequestAttemptId: str | None = None,
        AttributeNames: Sequence[str] = (),
        MessageSystemAttributeNames: Sequence[str] = (),
        MessageAttributeNames: Sequence[str] = (),
    ) -> Answer:
        """Receive messages; a long poll lets the clock run on until it is answered."""
        poll = self.open_receive(
            QueueUrl=QueueUrl,
            MaxNumberOfMessages=MaxNumberOfMessages,
            WaitTimeSeconds=WaitTimeSeconds,
            VisibilityTimeout=VisibilityTimeout,
            ReceiveRequestAttemptId=ReceiveRequestAttemptId,
            AttributeNames=AttributeNames,
            MessageSystemAttributeNames=MessageSystemAttributeNames,
            MessageAttributeNames=MessageAttributeNames,
        )
        self.account.run_until_answered(poll)
        if poll.error is not None:
            raise poll.error
        assert poll.answer is not None
        return poll.answer

    def open_receive(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int | None = None,
        WaitTimeSeconds: float | None = None,
        VisibilityTimeout: float | None = None,
        ReceiveRequestAttemptId: str | None = None,
        AttributeNames: Sequence[str] = (),
        MessageSystemAttributeNames: Sequence[str] = (),
        MessageAttributeNames: Sequence[str] = (),
    ) -> Poll:
        """Receive messages without waiting for the answer: it stands in the poll when it has come."""
        account, now = self.account, self.account.now
        queue = account.queue(QueueUrl)
        most = MaxNumberOfMessages
        if most is None:
            most = account.rules.value("sqs.receive_max_messages")
        wait_us = None if WaitTimeSeconds is None else us_of(WaitTimeSeconds)
        timeout_us = None if VisibilityTimeout is None else us_of(VisibilityTimeout)
        attempt = ReceiveRequestAttemptId
        refuse(account.requests.receive(most, wait_us, timeout_us, attempt, fifo=queue.attributes.fifo))
        refuse(queue.throttle("receive", now, []))
        if wait_us is None:
            wait_us = queue.attributes.receive_wait_us
        if not wait_us:
            refuse(queue.short_poll_refusal(now))
        system = frozenset(AttributeNames) | frozenset(MessageSystemAttributeNames)
        names = frozenset(MessageAttributeNames)
        until = now + wait_us
        poll = Poll(queue.name, most, timeout_us, until, attempt, system, names, short=not wait_us)
        if not account.ask(queue, poll):
            if wait_us:
                queue.open(poll)
            else:
                account.finish(poll, {})
        return poll

    # -- handles -----------------------------------------------------------------------------------

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Answer:
        """Delete a message by the handle of its receive."""
        queue = self.account.queue(QueueUrl)
        handle = self._handle(queue, ReceiptHandle)
        refuse(queue.throttle("delete", self.account.now, [handle.message.group or ""]))
        self._delete(queue, handle)
        return self._done("lat.sqs_delete", {})

    def delete_message_batch(self, *, QueueUrl: str, Entries: Entries) -> Answer:
        """Delete up to ten messages, each of which succeeds or fails for itself."""

        def delete_one(queue: Queue, entry: Mapping[str, Any]) -> None:
            self._delete(queue, self._handle(queue, entry["ReceiptHandle"]))

        return self._each_handle(QueueUrl, Entries, delete_one, quota="delete")

    def _delete(self, queue: Queue, handle: Handle) -> None:
        """Delete a message; one that is gone, or in another queue by now, is no fault."""
        account, message = self.account, handle.message
        account.forget_expired(queue)
        if message.queue is None or (message.queue != queue.name and not queue.attributes.fifo):
            return
        if queue.attributes.fifo:
            refuse(queue.model.refusal(account.now, handle.receipt))
            gone = queue.model.delete_messages(account.now, handle.receipt, [message.number])
        else:
            chance = account.chance.next(f"{queue.name}/stale delete")
            gone = queue.model.delete_messages(account.now, handle.receipt, [message.number], chance)
        if gone:
            message.queue = None

    def change_message_visibility(
        self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: float
    ) -> Answer:
        """Let the timeout of a received message end that many seconds from now."""
        queue = self.account.queue(QueueUrl)
        self._change_visibility(queue, ReceiptHandle, us_of(VisibilityTimeout))
        return self._done("lat.sqs_delete", {})

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Entries) -> Answer:
        """Change the timeout of up to ten messages, each of which succeeds or fails for itself."""

        def change_one(queue: Queue, entry: Mapping[str, Any]) -> None:
            timeout_us = us_of(entry.get("VisibilityTimeout", 0))
            self._change_visibility(queue, entry["ReceiptHandle"], timeout_us)

        return self._each_handle(QueueUrl, Entries, change_one)

    def _change_visibility(self, queue: Queue, text: str, timeout_us: int) -> None:
        account, now = self.account, self.account.now
        refuse(account.requests.visibility_timeout(timeout_us))
        handle = self._handle(queue, text)
        message = handle.message
        refuse(account.requests.hold(now, handle.received_at, timeout_us))
        account.forget_expired(queue)
        if message.queue != queue.name:
            raise ClientError("InvalidParameterValue", "The message does not exist or is not available.")
        if queue.attributes.fifo:
            refuse(queue.model.refusal(now, handle.receipt))
        changed = queue.model.change_message_visibility(now, handle.receipt, [message.number], timeout_us)
        assert message.newest is not None
        message.newest.receipt = changed

    def _handle(self, queue: Queue, text: str) -> Handle:
        handle = queue.handles.get(text)
        if handle is None:
            raise ClientError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
        return handle

    # -- batches -----------------------------------------------------------------------------------

    def _each_handle(
        self,
        url: str,
        entries: Entries,
        act: Callable[[Queue, Mapping[str, Any]], None],
        quota: str | None = None,
    ) -> Answer:
        queue = self.account.queue(url)
        ids = [str(entry.get("Id", "")) for entry in entries]
        refuse(self.account.requests.batch(ids))
        handles = [queue.handles.get(entry["ReceiptHandle"]) for entry in entries]
        groups = [handle.message.group or "" for handle in handles if handle is not None]
        if quota is not None:
            refuse(queue.throttle(quota, self.account.now, groups))

        def act_on(entry: Mapping[str, Any]) -> Answer:
            act(queue, entry)
            return {}

        return self._each("lat.sqs_delete", ids, entries, act_on)

    def _each(
        self, latency: str, ids: Sequence[str], parts: Sequence[Any], act: Callable[[Any], Answer]
    ) -> Answer:
        """Do something with each part of a batch, and answer entry by entry."""
        successful: list[Answer] = []
        failed: list[Answer] = []
        for name, part in zip(ids, parts, strict=True):
            try:
                successful.append({"Id": name, **act(part)})
            except ClientError as error:
                failed.append({"Id": name, "SenderFault": True, **error.response["Error"]})
        return self._done(latency, {"Successful": successful} | ({"Failed": failed} if failed else {}))

    def _done(self, latency: str, answer: Answer) -> Answer:
        """Let waiting polls see what the call has done, and answer."""
        self.account.look()
        return self.account.respond(latency, answer)


def attributes_of(given: Mapping[str, Any] | None) -> dict[str, Attribute]:
    """Message attributes in boto3's shape."""
    return {
        name: Attribute(
            str(shape.get("DataType", "")), shape.get("BinaryValue") or str(shape.get("StringValue", ""))
        )
        for name, shape in (given or {}).items()
    }


def _entry(entry: Mapping[str, Any]) -> Send:
    delay = entry.get("DelaySeconds")
    return Send(
        entry.get("MessageBody"),
        attributes_of(entry.get("MessageAttributes")),
        None if delay is None else us_of(delay),
        entry.get("MessageGroupId"),
        entry.get("MessageDeduplicationId"),
    )
