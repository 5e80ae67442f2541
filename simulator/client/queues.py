"""The part of the SQS client that is about whole queues: life, attributes, purges and move tasks."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from simulator.client import attributes as words
from simulator.client.account import SECOND, Account
from simulator.client.attributes import ACCOUNT, REGION, Attributes, name_of, queue_arn
from simulator.client.errors import ClientError, refuse
from simulator.client.messages import Answer
from simulator.client.queue import Queue


def url_of(name: str) -> str:
    """The URL of a queue by its name."""
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


class QueueCalls:
    """Calls on queues as a whole, in boto3's names."""

    account: Account

    # -- life --------------------------------------------------------------------------------------

    def create_queue(self, *, QueueName: str, Attributes: Mapping[str, Any] | None = None) -> Answer:
        """Create a queue, or answer with the one that has this name and these attributes."""
        account, given = self.account, dict(Attributes or {})
        fifo = str(given.pop("FifoQueue", "false")).lower() == "true"
        if fifo != QueueName.endswith(".fifo"):
            raise ClientError("InvalidParameterValue", "The name of a FIFO queue, only, ends with .fifo")
        if not 1 <= len(QueueName) <= 80 or not _is_name(QueueName.removesuffix(".fifo")):
            raise ClientError("InvalidParameterValue", "A name has 1 to 80 letters, digits, _ or -")
        values = words.read(account.rules, given, fifo)
        if (existing := account.queues.get(QueueName)) is not None:
            if any(getattr(existing.attributes, field) != value for field, value in values.items()):
                raise ClientError("QueueNameExists", "A queue of this name exists with other attributes.")
            return self._answer({"QueueUrl": url_of(QueueName)})
        deleted_at = account.deleted_at.get(QueueName)
        cooldown_us = account.rules.value("sqs.delete_cooldown")
        if deleted_at is not None and account.now - deleted_at < cooldown_us:
            message = f"You must wait {cooldown_us // SECOND} seconds after deleting a queue."
            raise ClientError("QueueDeletedRecently", message)
        attributes = words.defaults(account.rules, fifo)
        for field, value in values.items():
            setattr(attributes, field, value)
        self._check_redrive(QueueName, attributes)
        account.queues[QueueName] = Queue(QueueName, attributes, account.rules, account.chance, account.now)
        return self._answer({"QueueUrl": url_of(QueueName)})

    def get_queue_url(self, *, QueueName: str) -> Answer:
        """The URL of a queue."""
        return self._answer({"QueueUrl": url_of(self.account.queue(QueueName).name)})

    def delete_queue(self, *, QueueUrl: str) -> Answer:
        """Delete a queue with all its messages; long polls at it are refused from now on."""
        account = self.account
        queue = account.queue(QueueUrl)
        for poll in queue.polls.values():
            poll.error = ClientError("QueueDoesNotExist", "The specified queue does not exist.")
            poll.answered_at = account.now
        for source in account.sources(queue):
            source.model.max_receive_count = None  # there is nowhere to move to: model, AWS does not say
        for number, _ in queue.model.contents(account.now):
            account.messages[number].queue = None
        del account.queues[queue.name]
        account.deleted_at[queue.name] = account.now
        account.moves.stop(queue.name, "The queue was deleted.")
        return self._answer({})

    def purge_queue(self, *, QueueUrl: str) -> Answer:
        """Remove every message, in whatever state it is."""
        account = self.account
        queue = account.queue(QueueUrl)
        refuse(account.requests.purge(account.now, queue.purged_at))
        for number, _ in queue.model.contents(account.now):
            account.messages[number].queue = None
        queue.model.purge(account.now)
        queue.purged_at = account.now
        return self._answer({})

    # -- attributes --------------------------------------------------------------------------------

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str] = ()) -> Answer:
        """Attributes of a queue, as texts; ``All`` stands for all."""
        account = self.account
        queue = account.queue(QueueUrl)
        values = {
            "QueueArn": queue_arn(queue.name),
            "CreatedTimestamp": str(queue.created_at // SECOND),
            "LastModifiedTimestamp": str(queue.modified_at // SECOND),
            **words.written(queue.attributes),
            "ApproximateNumberOfMessages": str(queue.visible(account.now)),
            "ApproximateNumberOfMessagesNotVisible": str(queue.model.in_flight(account.now)),
            "ApproximateNumberOfMessagesDelayed": str(queue.model.delayed(account.now)),
        }
        for name in AttributeNames:
            if name != "All" and name not in values and name not in words.NAMES:
                raise ClientError("InvalidAttributeName", f"Unknown Attribute {name}.")
        wanted = {name: value for name, value in values.items() if {"All", name} & set(AttributeNames)}
        return self._answer({"Attributes": wanted} if wanted else {})

    def set_queue_attributes(self, *, QueueUrl: str, Attributes: Mapping[str, Any]) -> Answer:
        """Change attributes: the answer comes at once, and the change acts when AWS has spread it."""
        account = self.account
        queue = account.queue(QueueUrl)
        if "FifoQueue" in Attributes:
            raise ClientError("InvalidAttributeName", "FifoQueue cannot be changed.")
        values = words.read(account.rules, Attributes, queue.attributes.fifo)
        changed = words.changed(queue.attributes, values)
        if "redrive" in values:
            self._check_redrive(queue.name, changed)
        for delay, fields in _by_delay(values).items():
            part = {field: values[field] for field in fields}
            account.at(account.now + account.rules.value(delay), partial(self._change, queue, part))
        return self._answer({})

    def _change(self, queue: Queue, values: dict[str, Any]) -> None:
        for field, value in values.items():
            setattr(queue.attributes, field, value)
        queue.modified_at = self.account.now
        queue.change(self.account.now, values)

    def _check_redrive(self, name: str, attributes: Attributes) -> None:
        """Refuse a RedrivePolicy whose dead-letter queue is not there, of another kind, or unwilling."""
        redrive = attributes.redrive
        if redrive is None:
            return
        target = self.account.queues.get(redrive.queue)
        if target is None:
            raise ClientError("InvalidParameterValue", "The dead-letter queue does not exist.")
        if target.attributes.fifo != attributes.fifo:
            raise ClientError("InvalidParameterValue", "The dead-letter queue must be of the same type.")
        if not words.allows(target.attributes.redrive_allow, name):
            raise ClientError("InvalidParameterValue", "The dead-letter queue does not allow this source.")

    # -- message move tasks ------------------------------------------------------------------------

    def start_message_move_task(
        self,
        *,
        SourceArn: str,
        DestinationArn: str | None = None,
        MaxNumberOfMessagesPerSecond: int | None = None,
    ) -> Answer:
        """Move the messages of a dead-letter queue back to where each came from, or to another queue."""
        account = self.account
        source = self._resource(SourceArn)
        destination = None if DestinationArn is None else self._resource(DestinationArn)
        refuse(
            account.requests.move_task(
                MaxNumberOfMessagesPerSecond,
                is_dead_letter_queue=bool(account.sources(source)),
                running=account.moves.running(source.name),
            )
        )
        if destination is not None and destination.attributes.fifo != source.attributes.fifo:
            raise ClientError("InvalidParameterValue", "The destination must be of the source's type.")
        per_s = MaxNumberOfMessagesPerSecond
        handle = account.moves.start(source, destination, per_s or account.requests.max_moves_per_s)
        return self._answer({"TaskHandle": handle})

    def cancel_message_move_task(self, *, TaskHandle: str) -> Answer:
        """Stop a task that runs; what it has moved stays moved."""
        moved = self.account.moves.cancel(TaskHandle)
        return self._answer({"ApproximateNumberOfMessagesMoved": moved})

    def list_message_move_tasks(self, *, SourceArn: str, MaxResults: int = 1) -> Answer:
        """The latest tasks of a source queue, the newest first."""
        source = self._resource(SourceArn)
        return self._answer({"Results": self.account.moves.listed(source.name, MaxResults)})

    def _resource(self, arn: str) -> Queue:
        found = self.account.queues.get(name_of(arn))
        if found is None:
            raise ClientError("ResourceNotFoundException", "The resource does not exist.")
        return found

    def _answer(self, answer: Answer) -> Answer:
        self.account.look()
        return self.account.respond("lat.sqs_send", answer)


def _is_name(text: str) -> bool:
    return bool(text) and text.isascii() and text.replace("_", "a").replace("-", "a").isalnum()


def _by_delay(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Fields of changed attributes by the rule that says how long their change takes."""
    found: dict[str, list[str]] = {}
    for field in values:
        rule = "sqs.retention_change_delay" if field == "retention_us" else "sqs.attribute_change_delay"
        found.setdefault(rule, []).append(field)
    return found
