"""boto3's SNS client for plain topics: publish and subscribe, over the rules of ``aws/sns``.

To a queue that is gone SNS does not retry: a client-side error sends the message to the dead-letter
queue of the subscription, or it is lost (SNS guide, delivery retries).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from simulator.aws.sns.topics import FifoTopic, StandardTopic
from simulator.aws.sqs.requests import Attribute, Send
from simulator.client.account import SECOND, Account, us_of
from simulator.client.attributes import ACCOUNT, REGION, name_of
from simulator.client.errors import ClientError, refuse
from simulator.client.messages import Answer
from simulator.client.sqs import attributes_of
from simulator.client.subscriptions import SUBSCRIPTION, dead_letters_of, is_true, subscription_of


class _Subscriber:
    """A queue of a topic: where the messages go, and where those that cannot be delivered."""

    def __init__(self, arn: str, queue: str, attributes: Mapping[str, Any]) -> None:
        self.arn = arn
        self.queue = queue
        self.delivered_at = 0
        self.set(attributes)

    def set(self, attributes: Mapping[str, Any]) -> None:
        """Take what the subscription is set to, in AWS's names."""
        self.attributes = dict(attributes)
        self.raw = is_true(attributes.get("RawMessageDelivery"))
        self.dead_letters = dead_letters_of(attributes.get("RedrivePolicy"))


class _Topic:
    def __init__(self, name: str, fifo: bool, content_deduplication: bool, window_us: int) -> None:
        self.name = name
        self.arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
        self.fifo = fifo
        self.content_deduplication = content_deduplication
        self.model: StandardTopic = FifoTopic(window_us) if fifo else StandardTopic()
        self.subscribers: list[_Subscriber] = []
        self.answers: list[Answer] = []


class SNS:
    """An SNS client: topics in an account whose queues an SQS client sees.

    Parameters
    ----------
    account : Account, optional
        Whose topics these are; a new account unless given.
    """

    def __init__(self, account: Account | None = None, *, ideal: bool = True, seed: int = 42) -> None:
        self.account = account if account is not None else Account(ideal=ideal, seed=seed)

    @property
    def now(self) -> float:
        """The clock [s]; setting it lets everything happen that is due by then."""
        return self.account.now / SECOND

    @now.setter
    def now(self, seconds: float) -> None:
        self.account.advance(us_of(seconds))

    def create_topic(self, *, Name: str, Attributes: Mapping[str, str] | None = None) -> Answer:
        """Create a topic, or answer with the one of this name."""
        given = {key: str(value).lower() == "true" for key, value in (Attributes or {}).items()}
        if unknown := set(given) - {"FifoTopic", "ContentBasedDeduplication"}:
            raise ClientError("InvalidParameter", f"Unknown attribute {min(unknown)}")
        fifo = given.get("FifoTopic", False)
        if fifo != Name.endswith(".fifo"):
            raise ClientError("InvalidParameter", "The name of a FIFO topic, and no other, ends with .fifo")
        topic = self.account.topics.get(Name)
        if topic is None:
            window_us = self.account.rules.value("sqs.fifo.dedup_window")
            topic = _Topic(Name, fifo, given.get("ContentBasedDeduplication", False), window_us)
            self.account.topics[Name] = topic
        return self._answer({"TopicArn": topic.arn})

    def subscribe(
        self,
        *,
        TopicArn: str,
        Protocol: str,
        Endpoint: str,
        Attributes: Mapping[str, Any] | None = None,
        ReturnSubscriptionArn: bool = False,
    ) -> Answer:
        """Subscribe a queue by its ARN; access is allowed everywhere."""
        topic, given = self._topic(TopicArn), dict(Attributes or {})
        if Protocol != "sqs":
            raise ClientError("InvalidParameter", "Only queues can be subscribed here: Protocol sqs")
        queue = self.account.queue(Endpoint)
        if unknown := set(given) - set(SUBSCRIPTION):
            raise ClientError("InvalidParameter", f"Unknown attribute {min(unknown)}")
        subscription = subscription_of(given, self.account.rules, fifo=queue.attributes.fifo)
        refuse(topic.model.subscribe(subscription))
        arn = f"{topic.arn}:{self.account.new_id(topic.name, len(topic.subscribers))}"
        topic.subscribers.append(_Subscriber(arn, queue.name, given))
        return self._answer({"SubscriptionArn": arn})

    def set_subscription_attributes(
        self, *, SubscriptionArn: str, AttributeName: str, AttributeValue: Any = None
    ) -> Answer:
        """Change an attribute of a subscription, at once (AWS takes up to 15 minutes for filters)."""
        topic = self._topic(SubscriptionArn.rpartition(":")[0])
        places = [place for place, one in enumerate(topic.subscribers) if one.arn == SubscriptionArn]
        if not places:
            raise ClientError("NotFound", "Subscription does not exist")
        if AttributeName not in SUBSCRIPTION:
            raise ClientError("InvalidParameter", f"Unknown attribute {AttributeName}")
        subscriber = topic.subscribers[places[0]]
        given = {**subscriber.attributes, AttributeName: AttributeValue}
        fifo = topic.model.subscriptions[places[0]].to_fifo
        topic.model.subscriptions[places[0]] = subscription_of(given, self.account.rules, fifo=fifo)
        subscriber.set(given)
        return self._answer({})

    def publish(
        self,
        *,
        TopicArn: str,
        Message: str,
        MessageAttributes: Mapping[str, Any] | None = None,
        MessageGroupId: str | None = None,
        MessageDeduplicationId: str | None = None,
    ) -> Answer:
        """Publish a message; each subscription whose filter lets it through gets a copy."""
        account, topic = self.account, self._topic(TopicArn)
        send = Send(Message, attributes_of(MessageAttributes), None, MessageGroupId, MessageDeduplicationId)
        refuse(_publish_refusal(topic, send, account.rules.value("sns.max_message_bytes")))
        number = len(topic.answers)
        answer: Answer = {"MessageId": account.new_id(topic.arn, number)}
        if isinstance(topic.model, FifoTopic):
            if not send.deduplication_id:
                send = send._replace(deduplication_id=hashlib.sha256(Message.encode()).hexdigest())
            original = topic.model.publish(account.now, number, send.deduplication_id)
            if original != number:
                return self._answer(topic.answers[original])
            answer["SequenceNumber"] = f"{10_000_000_000_000_000_000 + number}"
        topic.answers.append(answer)
        given = {name: _seen(one) for name, one in send.attributes.items()}
        for place in topic.model.receivers(given, Message):
            self._deliver(topic, topic.subscribers[place], send, answer["MessageId"])
        return self._answer(answer)

    def _deliver(self, topic: _Topic, subscriber: _Subscriber, send: Send, message_id: str) -> None:
        """Let a copy arrive after the way from topic to queue; one subscription keeps the order."""
        account = self.account
        at = account.now + account.chance.latency_us("lat.sns_to_sqs")
        subscriber.delivered_at = at = max(at, subscriber.delivered_at)
        copy = send
        if not subscriber.raw:
            envelope = _envelope(topic, subscriber, send, message_id, account.now)
            copy = send._replace(body=json.dumps(envelope, indent=2), attributes={})

        def arrive() -> None:
            most = account.rules.value("sqs.max_attributes")
            queue = account.queues.get(subscriber.queue)
            if queue is None or len(copy.attributes) > most:
                queue = account.queues.get(subscriber.dead_letters or "")
            if queue is not None:
                fifo = queue.attributes.fifo
                account.send(queue, copy if fifo else copy._replace(deduplication_id=None))

        account.at(at, arrive)

    def _topic(self, arn: str) -> _Topic:
        found: _Topic | None = self.account.topics.get(name_of(arn))
        if found is None:
            raise ClientError("NotFound", "Topic does not exist")
        return found

    def _answer(self, answer: Answer) -> Answer:
        self.account.look()
        return self.account.respond("lat.sqs_send", answer)


def _publish_refusal(topic: _Topic, send: Send, max_bytes: int) -> str | None:
    """Why a publish is refused (SNS API; conformance, error codes); None: it is not."""
    if not send.body:
        return "InvalidParameter: Empty message"
    if send.has_forbidden_letters:
        return "InvalidParameter: the message has letters that SNS does not take"
    if send.size > max_bytes:
        return f"InvalidParameter: Message too long: at most {max_bytes} bytes"
    if not topic.fifo:
        if send.deduplication_id:
            return "InvalidParameter: MessageDeduplicationId is of FIFO topics only"
        return None
    if not send.group:
        return "InvalidParameter: MessageGroupId is required for FIFO topics"
    if not send.deduplication_id and not topic.content_deduplication:
        return "InvalidParameter: the topic has no ContentBasedDeduplication and the message no id"
    return None


def _envelope(
    topic: _Topic, subscriber: _Subscriber, send: Send, message_id: str, now: int
) -> dict[str, Any]:
    """What a queue gets without raw message delivery (SNS guide, message formats)."""
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic.arn,
        "Message": send.body,
        "Timestamp": f"{now / SECOND:.3f}",
        "SignatureVersion": "1",
        "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?SubscriptionArn={subscriber.arn}",
    }
    if send.attributes:
        envelope["MessageAttributes"] = {name: _typed(one) for name, one in send.attributes.items()}
    return envelope


def _seen(attribute: Attribute) -> dict[str, str]:
    """An attribute as filters see it."""
    value = attribute.value
    return {"type": attribute.type, "value": value if isinstance(value, str) else ""}


def _typed(attribute: Attribute) -> dict[str, str]:
    value = attribute.value
    return {"Type": attribute.type, "Value": value if isinstance(value, str) else value.hex()}
