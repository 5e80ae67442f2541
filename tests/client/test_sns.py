"""Plain topics: who gets a message, and what becomes of it when the queue is gone."""

import json
from typing import Any

import pytest

from simulator.client import SNS, SQS, Account, ClientError
from simulator.client.attributes import queue_arn


@pytest.fixture
def account() -> Account:
    return Account()


def queue(account: Account, name: str) -> str:
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    return str(SQS(account).create_queue(QueueName=name, Attributes=fifo)["QueueUrl"])


def topic(account: Account, name: str = "t", **attributes: str) -> str:
    return str(SNS(account).create_topic(Name=name, Attributes=attributes)["TopicArn"])


def subscribe(account: Account, arn: str, name: str, **attributes: Any) -> None:
    SNS(account).subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn(name), Attributes=attributes)


def received(account: Account, name: str, **parameters: Any) -> list[dict[str, Any]]:
    names: dict[str, Any] = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    answer = SQS(account).receive_message(QueueUrl=name, MaxNumberOfMessages=10, **names, **parameters)
    return list(answer.get("Messages", []))


def test_each_subscription_gets_a_copy_with_an_id_of_its_own(account: Account):
    arn = topic(account)
    for name in ("a", "b"):
        queue(account, name)
        subscribe(account, arn, name, RawMessageDelivery="true")
    published = SNS(account).publish(TopicArn=arn, Message="x")["MessageId"]
    [one], [other] = received(account, "a"), received(account, "b")
    assert one["Body"] == other["Body"] == "x"
    assert len({published, one["MessageId"], other["MessageId"]}) == 3


def test_without_raw_message_delivery_the_body_is_snss_envelope(account: Account):
    arn = topic(account)
    queue(account, "a")
    subscribe(account, arn, "a")
    attributes = {"k": {"DataType": "String", "StringValue": "v"}}
    message_id = SNS(account).publish(TopicArn=arn, Message="x", MessageAttributes=attributes)["MessageId"]
    [message] = received(account, "a")
    envelope = json.loads(message["Body"])
    assert (envelope["Type"], envelope["Message"], envelope["MessageId"]) == ("Notification", "x", message_id)
    assert envelope["MessageAttributes"] == {"k": {"Type": "String", "Value": "v"}}
    assert "MessageAttributes" not in message


def test_a_filter_policy_lets_listed_values_through(account: Account):
    arn = topic(account)
    queue(account, "a")
    subscribe(account, arn, "a", RawMessageDelivery="true", FilterPolicy={"kind": ["order"]})
    for kind in ("order", "refund"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        SNS(account).publish(TopicArn=arn, Message=kind, MessageAttributes=attributes)
    assert [message["Body"] for message in received(account, "a")] == ["order"]


def test_a_queue_that_is_gone_sends_messages_to_the_subscriptions_dead_letter_queue_or_nowhere(
    account: Account,
):
    arn = topic(account)
    for name in ("a", "b", "dead"):
        queue(account, name)
    redrive = {"deadLetterTargetArn": queue_arn("dead")}
    subscribe(account, arn, "a", RawMessageDelivery="true", RedrivePolicy=redrive)
    subscribe(account, arn, "b", RawMessageDelivery="true")
    for name in ("a", "b"):
        SQS(account).delete_queue(QueueUrl=name)
    SNS(account).publish(TopicArn=arn, Message="x")
    assert [message["Body"] for message in received(account, "dead")] == ["x"]


def test_a_fifo_topic_deduplicates_over_all_groups_and_answers_with_the_original(account: Account):
    arn = topic(account, "t.fifo", FifoTopic="true", ContentBasedDeduplication="true")
    queue(account, "a")
    subscribe(account, arn, "a", RawMessageDelivery="true")
    answers = [SNS(account).publish(TopicArn=arn, Message="x", MessageGroupId=group) for group in "gh"]
    assert answers[0]["MessageId"] == answers[1]["MessageId"]
    assert answers[0]["SequenceNumber"] == answers[1]["SequenceNumber"]
    assert len(received(account, "a")) == 1


def test_group_and_content_id_go_on_to_a_fifo_queue(account: Account):
    arn = topic(account, "t.fifo", FifoTopic="true", ContentBasedDeduplication="true")
    queue(account, "a.fifo")
    subscribe(account, arn, "a.fifo", RawMessageDelivery="true")
    SNS(account).publish(TopicArn=arn, Message="x", MessageGroupId="g")
    [message] = received(account, "a.fifo")
    assert message["Attributes"]["MessageGroupId"] == "g"
    assert len(message["Attributes"]["MessageDeduplicationId"]) == 64


@pytest.mark.parametrize(
    ("fifo", "parameters"),
    [
        (False, {"Message": ""}),
        (False, {"Message": "x" * 262_145}),
        (False, {"Message": "x", "MessageDeduplicationId": "d"}),
        (True, {"Message": "x"}),
        (True, {"Message": "x", "MessageGroupId": "g"}),
    ],
)
def test_sns_refuses_with_invalid_parameter(account: Account, fifo: bool, parameters):
    arn = topic(account, "t.fifo", FifoTopic="true") if fifo else topic(account)
    with pytest.raises(ClientError) as refused:
        SNS(account).publish(TopicArn=arn, **parameters)
    assert refused.value.code == "InvalidParameter"


def test_a_standard_topic_takes_no_fifo_queue(account: Account):
    arn = topic(account)
    queue(account, "a.fifo")
    with pytest.raises(ClientError, match="InvalidParameter"):
        subscribe(account, arn, "a.fifo")


def test_a_copy_arrives_after_the_way_from_topic_to_queue_and_one_subscription_keeps_the_order():
    account = Account(ideal=False)
    arn = topic(account)
    queue(account, "a")
    subscribe(account, arn, "a", RawMessageDelivery="true")
    for number in range(20):
        SNS(account).publish(TopicArn=arn, Message=str(number))
    assert received(account, "a") == []
    SQS(account).now = 2.0
    messages = [message for _ in range(20) for message in received(account, "a", WaitTimeSeconds=1)]
    sent_at = {int(message["Body"]): int(message["Attributes"]["SentTimestamp"]) for message in messages}
    assert sorted(sent_at) == list(range(20))
    assert [sent_at[number] for number in range(20)] == sorted(sent_at.values())
    assert all(0 < at < 2000 for at in sent_at.values())


def test_filter_policies_are_the_whole_language_of_attributes_and_bodies(account: Account):
    arn = topic(account)
    for name in ("dear", "near"):
        queue(account, name)
    subscribe(account, arn, "dear", RawMessageDelivery="true", FilterPolicy={"n": [{"numeric": [">", 1]}]})
    body = {"FilterPolicy": '{"shop": {"country": [{"prefix": "d"}]}}', "FilterPolicyScope": "MessageBody"}
    subscribe(account, arn, "near", RawMessageDelivery="true", **body)
    for number, text in ((1, '{"shop": {"country": "de"}}'), (2, '{"shop": {"country": "fr"}}'), (3, "de")):
        attributes = {"n": {"DataType": "Number", "StringValue": str(number)}}
        SNS(account).publish(TopicArn=arn, Message=text, MessageAttributes=attributes)
    assert [message["Body"] for message in received(account, "dear")] == ['{"shop": {"country": "fr"}}', "de"]
    assert [message["Body"] for message in received(account, "near")] == ['{"shop": {"country": "de"}}']


@pytest.mark.parametrize(
    "attributes",
    [
        {"FilterPolicy": '{"k": "x"}'},
        {"FilterPolicy": "{"},
        {"FilterPolicy": {"k": {"inner": ["x"]}}},
        {"FilterPolicy": {name: ["x"] for name in "abcdef"}},
        {"FilterPolicy": {"k": ["x"]}, "FilterPolicyScope": "Body"},
        {"Filter": {"k": ["x"]}},
        {"RedrivePolicy": "dead"},
    ],
)
def test_sns_refuses_a_subscription_with_such_attributes(account: Account, attributes):
    arn = topic(account)
    queue(account, "a")
    with pytest.raises(ClientError) as refused:
        subscribe(account, arn, "a", **attributes)
    assert refused.value.code == "InvalidParameter"


def test_a_filter_is_changed_and_refused_by_set_subscription_attributes(account: Account):
    sns, arn = SNS(account), topic(account)
    queue(account, "a")
    one = sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn("a"))["SubscriptionArn"]
    change: dict[str, Any] = {"SubscriptionArn": one, "AttributeName": "FilterPolicy"}
    sns.set_subscription_attributes(**change, AttributeValue='{"k": [{"exists": true}]}')
    sns.publish(TopicArn=arn, Message="x")
    assert received(account, "a") == []
    with pytest.raises(ClientError, match="InvalidParameter"):
        sns.set_subscription_attributes(**change, AttributeValue='{"k": {"exists": true}}')
    sns.set_subscription_attributes(**change, AttributeValue="")
    sns.publish(TopicArn=arn, Message="y")
    assert len(received(account, "a")) == 1
    with pytest.raises(ClientError, match="NotFound"):
        sns.set_subscription_attributes(SubscriptionArn=f"{arn}:none", AttributeName="FilterPolicy")
