"""Timed calls on queues and topics, made through the product's own client under a virtual clock.

Nothing is decided here that the client does not decide: the words of a case become boto3's parameters, and
the answers become outcomes.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from simulator.aws.sqs.receipt import NEVER
from simulator.client import SNS, SQS, Account, ClientError
from simulator.client.attributes import queue_arn
from simulator.client.messages import Poll
from tests.conformance.running import Case, NotBuilt
from tests.conformance.sqs_expectations import Message, Outcome, differences

SECOND = 1_000_000
ATTRIBUTES = {
    "visibility_timeout": "VisibilityTimeout",
    "delay": "DelaySeconds",
    "retention": "MessageRetentionPeriod",
    "receive_wait": "ReceiveMessageWaitTimeSeconds",
    "max_message_size": "MaximumMessageSize",
    "content_dedup": "ContentBasedDeduplication",
    "dedup_scope": "DeduplicationScope",
    "throughput_limit": "FifoThroughputLimit",
}
SEND = {"group": "MessageGroupId", "dedup": "MessageDeduplicationId", "delay": "DelaySeconds"}
RECEIVE = {
    "max": "MaxNumberOfMessages",
    "wait": "WaitTimeSeconds",
    "visibility": "VisibilityTimeout",
    "attempt_id": "ReceiveRequestAttemptId",
}
Step = dict[str, Any]


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``step: key: wanted ..., got ...``."""
    world = World(case)
    outcomes = []
    for step in case["steps"]:
        world.sqs.now = step["t"]
        outcomes.append(world.do(step))
    world.account.advance(NEVER)
    world.collect()
    return [
        f"step {number} {step['op']} at {step['t']}: {difference}"
        for number, (step, outcome) in enumerate(zip(case["steps"], outcomes, strict=True))
        for difference in differences(step.get("expect", {}), outcome, world.saved)
    ]


def _text(body: Any) -> Any:
    return body["repeat"] * body["times"] if isinstance(body, dict) else body


def _shapes(attributes: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {name: {"DataType": one["type"], "StringValue": one["value"]} for name, one in attributes.items()}


def _named(step: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {boto: step[key] for key, boto in names.items() if key in step}


class World:
    """The account of a case, and the outcomes it has saved."""

    def __init__(self, case: Case) -> None:
        self.account = Account(ideal=True)
        self.sqs = SQS(self.account)
        self.sns = SNS(self.account)
        self.saved: dict[str, Outcome] = {}
        self.full_names: dict[str, str] = {}
        self._polls: list[tuple[Poll, Outcome, list[str]]] = []
        self._topics: dict[str, str] = {}
        self._calls: dict[str, Callable[[Step], Outcome]] = {
            "send": self._send,
            "send_batch": self._send_batch,
            "receive": self._receive,
            "receive_group": self._receive_group,
            "delete": self._delete,
            "delete_batch": self._delete_batch,
            "change_visibility": self._change_visibility,
            "change_visibility_batch": self._change_visibility_batch,
            "counts": self._counts,
            "purge": self._purge,
            "delete_queue": self._delete_queue,
            "set_attributes": self._set_attributes,
            "start_redrive": self._start_redrive,
            "publish": self._publish,
            "subscribe": self._subscribe,
            "check": lambda step: Outcome(),
        }
        self._create(case)

    def _create(self, case: Case) -> None:
        """Queues first without their dead-letter queues, which may come later in the case."""
        for name, given in case["queues"].items():
            self.full_names[name] = f"{name}.fifo" if given["type"] == "fifo" else name
            attributes = self._attributes({key: given[key] for key in given if key not in ("type", "dlq")})
            attributes |= {"FifoQueue": "true"} if given["type"] == "fifo" else {}
            self.sqs.create_queue(QueueName=self.full_names[name], Attributes=attributes)
        for name, given in case["queues"].items():
            if "dlq" in given:
                self._set_attributes({"queue": name, "attributes": {"dlq": given["dlq"]}})
        for name, given in case.get("topics", {}).items():
            fifo = given["type"] == "fifo"
            attributes = {"ContentBasedDeduplication": given.get("content_dedup", False)} if fifo else {}
            attributes |= {"FifoTopic": "true"} if fifo else {}
            answer = self.sns.create_topic(Name=f"{name}.fifo" if fifo else name, Attributes=attributes)
            self._topics[name] = answer["TopicArn"]
        for subscription in case.get("subscriptions", []):
            self._subscribe(subscription)

    def _url(self, name: str) -> str:
        return self.full_names[name]

    def _arn(self, name: str) -> str:
        return queue_arn(self.full_names[name])

    def _attributes(self, given: Mapping[str, Any]) -> dict[str, Any]:
        attributes = {ATTRIBUTES[key]: value for key, value in given.items() if key != "dlq"}
        if "dlq" in given:
            redrive = given["dlq"]
            policy = redrive and {
                "deadLetterTargetArn": self._arn(redrive["queue"]),
                "maxReceiveCount": redrive["max_receive_count"],
            }
            attributes["RedrivePolicy"] = json.dumps(policy) if policy else ""
        return attributes

    # -- steps -------------------------------------------------------------------------------------

    def do(self, step: Step) -> Outcome:
        """Make the call of a step; a long poll's outcome is filled in when it answers."""
        self.collect()
        if step["op"] not in self._calls:
            raise NotBuilt(step["op"])
        try:
            outcome = self._calls[step["op"]](step)
        except ClientError as error:
            outcome = Outcome(error=str(error))
        if "save" in step:
            self.saved[step["save"]] = outcome
        self.collect()
        return outcome

    def _message(self, step: Mapping[str, Any]) -> dict[str, Any]:
        parameters = {"MessageBody": _text(step.get("body"))} | _named(step, SEND)
        if "attributes" in step:
            parameters["MessageAttributes"] = _shapes(step["attributes"])
        return parameters

    def _send(self, step: Step) -> Outcome:
        answer = self.sqs.send_message(QueueUrl=self._url(step["queue"]), **self._message(step))
        return Outcome(message_id=answer["MessageId"], sequence_number=answer.get("SequenceNumber"))

    def _send_batch(self, step: Step) -> Outcome:
        entries = [{"Id": entry["id"], **self._message(entry)} for entry in step["entries"]]
        return _entries(self.sqs.send_message_batch(QueueUrl=self._url(step["queue"]), Entries=entries))

    def _receive(self, step: Step) -> Outcome:
        return self._poll(step["queue"], step, [])

    def _receive_group(self, step: Step) -> Outcome:
        names = list(step.get("save_in_order", []))
        return Outcome(polls=[self._poll(step["queue"], poll, names) for poll in step["polls"]])

    def _poll(self, queue: str, call: Step, names: list[str]) -> Outcome:
        poll = self.sqs.open_receive(
            QueueUrl=self._url(queue),
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
            **_named(call, RECEIVE),
        )
        outcome = Outcome()
        self._polls.append((poll, outcome, names))
        self.collect()
        return outcome

    def collect(self) -> None:
        """Fill in the outcomes of polls that have been answered since, in the order of their answers."""
        done = [entry for entry in self._polls if entry[0].answered_at is not None]
        self._polls = [entry for entry in self._polls if entry[0].answered_at is None]
        for poll, outcome, names in sorted(done, key=lambda entry: entry[0].answered_at or 0):
            assert poll.answered_at is not None
            outcome.returned_at = poll.answered_at / SECOND
            outcome.error = str(poll.error) if poll.error else None
            outcome.messages = [_received(one) for one in (poll.answer or {}).get("Messages", [])]
            if outcome.messages and names:
                self.saved[names.pop(0)] = outcome

    def _handle(self, receipt: str) -> str:
        if receipt.startswith("literal:"):
            return receipt.removeprefix("literal:")
        name, _, index = receipt.partition("#")
        return self.saved[name].messages[int(index)].handle

    def _delete(self, step: Step) -> Outcome:
        handle = self._handle(step["receipt"])
        self.sqs.delete_message(QueueUrl=self._url(step["queue"]), ReceiptHandle=handle)
        return Outcome()

    def _delete_batch(self, step: Step) -> Outcome:
        entries = [
            {"Id": one["id"], "ReceiptHandle": self._handle(one["receipt"])} for one in step["entries"]
        ]
        return _entries(self.sqs.delete_message_batch(QueueUrl=self._url(step["queue"]), Entries=entries))

    def _change_visibility(self, step: Step) -> Outcome:
        self.sqs.change_message_visibility(
            QueueUrl=self._url(step["queue"]),
            ReceiptHandle=self._handle(step["receipt"]),
            VisibilityTimeout=step["timeout"],
        )
        return Outcome()

    def _change_visibility_batch(self, step: Step) -> Outcome:
        entries = [
            {
                "Id": one["id"],
                "ReceiptHandle": self._handle(one["receipt"]),
                "VisibilityTimeout": one["timeout"],
            }
            for one in step["entries"]
        ]
        url = self._url(step["queue"])
        return _entries(self.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries))

    # -- queues and topics -------------------------------------------------------------------------

    def _counts(self, step: Step) -> Outcome:
        answer = self.sqs.get_queue_attributes(QueueUrl=self._url(step["queue"]), AttributeNames=["All"])
        texts = answer["Attributes"]
        names = {"visible": "", "in_flight": "NotVisible", "delayed": "Delayed"}
        counts = {key: int(texts[f"ApproximateNumberOfMessages{end}"]) for key, end in names.items()}
        return Outcome(counts=counts)

    def _purge(self, step: Step) -> Outcome:
        self.sqs.purge_queue(QueueUrl=self._url(step["queue"]))
        return Outcome()

    def _delete_queue(self, step: Step) -> Outcome:
        self.sqs.delete_queue(QueueUrl=self._url(step["queue"]))
        return Outcome()

    def _set_attributes(self, step: Step) -> Outcome:
        attributes = self._attributes(step["attributes"])
        self.sqs.set_queue_attributes(QueueUrl=self._url(step["queue"]), Attributes=attributes)
        return Outcome()

    def _start_redrive(self, step: Step) -> Outcome:
        parameters: dict[str, Any] = {"SourceArn": self._arn(step["source"])}
        if "destination" in step:
            parameters["DestinationArn"] = self._arn(step["destination"])
        if "max_per_second" in step:
            parameters["MaxNumberOfMessagesPerSecond"] = step["max_per_second"]
        self.sqs.start_message_move_task(**parameters)
        return Outcome()

    def _subscribe(self, step: Step) -> Outcome:
        attributes: dict[str, Any] = {"RawMessageDelivery": step.get("raw", False)}
        policy = step.get("filter_policy")
        if policy:
            attributes["FilterPolicy"] = policy
            attributes["FilterPolicyScope"] = step.get("filter_scope", "MessageAttributes")
        if "dlq" in step:
            attributes["RedrivePolicy"] = {"deadLetterTargetArn": self._arn(step["dlq"])}
        self.sns.subscribe(
            TopicArn=self._topics[step["topic"]],
            Protocol="sqs",
            Endpoint=self._arn(step["queue"]),
            Attributes=attributes,
        )
        return Outcome()

    def _publish(self, step: Step) -> Outcome:
        parameters = {"Message": _text(step.get("body"))} | _named(step, SEND)
        if "attributes" in step:
            parameters["MessageAttributes"] = _shapes(step["attributes"])
        answer = self.sns.publish(TopicArn=self._topics[step["topic"]], **parameters)
        return Outcome(message_id=answer["MessageId"], sequence_number=answer.get("SequenceNumber"))


def _entries(answer: dict[str, Any]) -> Outcome:
    return Outcome(
        ok_ids=[entry["Id"] for entry in answer["Successful"]],
        failed_ids=[entry["Id"] for entry in answer.get("Failed", [])],
    )


def _received(message: dict[str, Any]) -> Message:
    attributes = message["Attributes"]
    source = attributes.get("DeadLetterQueueSourceArn")
    return Message(
        message_id=message["MessageId"],
        body=message["Body"],
        group=attributes.get("MessageGroupId"),
        deduplication_id=attributes.get("MessageDeduplicationId"),
        receive_count=int(attributes["ApproximateReceiveCount"]),
        sent_at=int(attributes["SentTimestamp"]) / 1000,
        first_received_at=int(attributes["ApproximateFirstReceiveTimestamp"]) / 1000,
        dlq_source=source and source.rpartition(":")[2].removesuffix(".fifo"),
        handle=message["ReceiptHandle"],
    )
