"""The part of the client itself: clock, long polls, batches, attributes; the rules of queues: tests/aws."""

import json
from typing import Any

import pytest

from simulator.client import SQS, Account, ClientError
from simulator.client.attributes import queue_arn
from simulator.scenario.rules import dated


@pytest.fixture
def sqs() -> SQS:
    return SQS()


def create(sqs: SQS, name: str = "q", **attributes: Any) -> str:
    return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def code(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value.code


def bodies(answer: dict[str, Any]) -> list[str]:
    return [message["Body"] for message in answer.get("Messages", [])]


def counts(sqs: SQS, url: str) -> tuple[int, int, int]:
    texts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = ("", "NotVisible", "Delayed")
    visible, in_flight, delayed = (int(texts[f"ApproximateNumberOfMessages{name}"]) for name in names)
    return visible, in_flight, delayed


def test_the_clock_does_not_go_back(sqs: SQS):
    sqs.now = 5
    with pytest.raises(ValueError, match="time does not go back: from 5 to 4 s"):
        sqs.now = 4


def test_a_long_poll_lets_the_clock_run_on_until_it_is_answered(sqs: SQS):
    url = create(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a", DelaySeconds=3)
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)) == ["a"]
    assert sqs.now == 3
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10).get("Messages") is None
    assert sqs.now == 13


def test_an_open_poll_is_answered_when_a_message_comes(sqs: SQS):
    url = create(sqs)
    poll = sqs.open_receive(QueueUrl=url, WaitTimeSeconds=20)
    assert not poll.answer
    sqs.now = 7
    sqs.send_message(QueueUrl=url, MessageBody="a")
    assert poll.answer is not None and bodies(poll.answer) == ["a"]
    assert poll.answered_at == 7_000_000


def test_one_message_wakes_one_poll_and_the_others_wait_on(sqs: SQS):
    url = create(sqs)
    polls = [sqs.open_receive(QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=10) for _ in range(3)]
    sqs.now = 1
    sqs.send_message(QueueUrl=url, MessageBody="a")
    assert sum(poll.answer is not None for poll in polls) == 1
    sqs.now = 20
    assert sorted(poll.answered_at or 0 for poll in polls) == [1_000_000, 20_000_000, 20_000_000]


def test_a_poll_of_a_deleted_queue_is_refused_when_it_goes(sqs: SQS):
    url = create(sqs)
    poll = sqs.open_receive(QueueUrl=url, WaitTimeSeconds=20)
    sqs.now = 2
    sqs.delete_queue(QueueUrl=url)
    assert isinstance(poll.error, ClientError) and poll.error.code == "QueueDoesNotExist"
    assert poll.answered_at == 2_000_000


def test_a_wait_of_0_and_none_at_all_differ(sqs: SQS):
    url = create(sqs, ReceiveMessageWaitTimeSeconds="4")
    sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
    assert sqs.now == 0
    sqs.receive_message(QueueUrl=url)
    assert sqs.now == 4


def test_attributes_of_messages_come_when_they_are_asked_for(sqs: SQS):
    url = create(sqs)
    attributes = {name: {"DataType": "String", "StringValue": "x"} for name in ("a.b", "c")}
    sqs.send_message(QueueUrl=url, MessageBody="a", MessageAttributes=attributes)

    def receive(**asked: Any) -> dict[str, Any]:
        [message] = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, **asked)["Messages"]
        return dict(message)

    assert set(receive()) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    assert list(receive(MessageAttributeNames=["a.*"])["MessageAttributes"]) == ["a.b"]
    assert list(receive(MessageAttributeNames=["All"])["MessageAttributes"]) == ["a.b", "c"]
    assert list(receive(AttributeNames=["SentTimestamp"])["Attributes"]) == ["SentTimestamp"]


def test_entries_of_a_batch_succeed_or_fail_one_by_one(sqs: SQS):
    url = create(sqs, MaximumMessageSize="1024")
    entries: list[dict[str, Any]] = [
        {"Id": "good", "MessageBody": "a"},
        {"Id": "long", "MessageBody": "a" * 1025},
        {"Id": "late", "MessageBody": "a", "DelaySeconds": 901},
        {"Id": "empty", "MessageBody": ""},
    ]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [
        ("long", "InvalidParameterValue"),
        ("late", "InvalidParameterValue"),
        ("empty", "MissingParameter"),
    ]
    assert counts(sqs, url) == (1, 0, 0)


def test_a_delete_by_an_older_handle_answers_success_and_does_not_delete(sqs: SQS):
    url = create(sqs, VisibilityTimeout="1")
    sqs.send_message(QueueUrl=url, MessageBody="a")
    [first] = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.now = 2
    [second] = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert counts(sqs, url) == (0, 1, 0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert counts(sqs, url) == (0, 0, 0)


def test_a_newest_handle_still_deletes_after_an_older_one_changed_the_visibility(sqs: SQS):
    url = create(sqs, VisibilityTimeout="1")
    sqs.send_message(QueueUrl=url, MessageBody="a")
    [first] = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.now = 2
    [second] = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=60)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert counts(sqs, url) == (0, 0, 0)


def test_a_handle_is_good_for_its_own_queue(sqs: SQS):
    url, other = create(sqs), create(sqs, "other")
    sqs.send_message(QueueUrl=url, MessageBody="a")
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    handle = message["ReceiptHandle"]
    assert code(sqs.delete_message, QueueUrl=other, ReceiptHandle=handle) == "ReceiptHandleIsInvalid"


# -- queues ------------------------------------------------------------------------------------------------


def test_a_queue_is_found_by_its_name(sqs: SQS):
    url = create(sqs)
    assert sqs.get_queue_url(QueueName="q")["QueueUrl"] == url
    assert code(sqs.get_queue_url, QueueName="r") == "QueueDoesNotExist"


def test_creating_a_queue_again_answers_with_it_if_nothing_differs(sqs: SQS):
    url = create(sqs, VisibilityTimeout="5")
    assert create(sqs, VisibilityTimeout="5") == create(sqs) == url
    attributes = {"VisibilityTimeout": "6"}
    assert code(sqs.create_queue, QueueName="q", Attributes=attributes) == "QueueNameExists"


def test_the_name_of_a_deleted_queue_is_free_after_60_s(sqs: SQS):
    sqs.delete_queue(QueueUrl=create(sqs))
    sqs.now = 59.9
    assert code(sqs.create_queue, QueueName="q") == "QueueDeletedRecently"
    sqs.now = 60
    assert create(sqs)


@pytest.mark.parametrize(
    ("name", "attributes"),
    [("q", {"FifoQueue": "true"}), ("q.fifo", {}), ("a b", {}), ("x" * 81, {}), ("", {})],
)
def test_names_have_80_letters_at_most_and_those_of_fifo_queues_end_with_fifo(sqs: SQS, name, attributes):
    assert code(sqs.create_queue, QueueName=name, Attributes=attributes) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("attributes", "refused"),
    [
        ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ({"MessageRetentionPeriod": 59}, "InvalidAttributeValue"),
        ({"DelaySeconds": "901"}, "InvalidAttributeValue"),
        ({"ReceiveMessageWaitTimeSeconds": "21"}, "InvalidAttributeValue"),
        ({"MaximumMessageSize": "1023"}, "InvalidAttributeValue"),
        ({"VisibilityTimeout": "soon"}, "InvalidAttributeValue"),
        ({"VisibilityTimeout": "nan"}, "InvalidAttributeValue"),
        ({"Colour": "red"}, "InvalidAttributeName"),
        ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        ({"RedrivePolicy": "{"}, "InvalidParameterValue"),
        ({"RedrivePolicy": "{}"}, "InvalidParameterValue"),
        (
            {"RedrivePolicy": '{"deadLetterTargetArn": "a:nope", "maxReceiveCount": 3}'},
            "InvalidParameterValue",
        ),
        (
            {"RedrivePolicy": '{"deadLetterTargetArn": "a:q", "maxReceiveCount": 1001}'},
            "InvalidParameterValue",
        ),
        ({"RedriveAllowPolicy": '{"redrivePermission": "byQueue"}'}, "InvalidParameterValue"),
        ({"FifoQueue": "false"}, "InvalidAttributeName"),
    ],
)
def test_attributes_out_of_range_and_unknown_ones_are_refused(sqs: SQS, attributes, refused):
    url = create(sqs)
    assert code(sqs.set_queue_attributes, QueueUrl=url, Attributes=attributes) == refused


def test_what_was_set_is_what_is_read(sqs: SQS):
    create(sqs, "dead.fifo", FifoQueue="true")
    policy = json.dumps({"deadLetterTargetArn": queue_arn("dead.fifo"), "maxReceiveCount": 3})
    given = {
        "VisibilityTimeout": "5",
        "MessageRetentionPeriod": "60",
        "DelaySeconds": "1",
        "ReceiveMessageWaitTimeSeconds": "2",
        "MaximumMessageSize": "2048",
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "RedrivePolicy": policy,
    }
    url = create(sqs, "q.fifo", FifoQueue="true", **given)
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(given))["Attributes"] == given


def test_a_changed_attribute_acts_after_60_s_and_retention_after_15_minutes():
    sqs = SQS(ideal=False)
    url = create(sqs)
    changed = {"VisibilityTimeout": "5", "MessageRetentionPeriod": "60"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=changed)

    def seen() -> list[str]:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(changed))["Attributes"]
        return [attributes[name] for name in changed]

    sqs.now = 59
    assert seen() == ["30", "345600"]
    sqs.now = 60
    assert seen() == ["5", "345600"]
    sqs.now = 900
    assert seen() == ["5", "60"]


def test_answers_come_a_latency_after_the_call_and_queues_act_at_the_call():
    sqs = SQS(ideal=False)
    url = create(sqs)
    sqs.now = 1
    sent = sqs.send_message(QueueUrl=url, MessageBody="a")
    assert 1 < sent["ResponseMetadata"]["AnsweredAt"] < 1.5
    answer = sqs.receive_message(QueueUrl=url, AttributeNames=["SentTimestamp"], WaitTimeSeconds=1)
    assert answer["Messages"][0]["Attributes"]["SentTimestamp"] == "1000"
    assert sqs.now == 1
    assert SQS().create_queue(QueueName="q")["ResponseMetadata"]["AnsweredAt"] == 0


def test_a_short_poll_may_miss_messages_that_a_long_poll_finds():
    sqs = SQS(ideal=False)
    url = create(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    short = [
        bodies(sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, WaitTimeSeconds=0)) for _ in range(200)
    ]
    assert 20 < short.count(["a"]) < 90  # a quarter of the servers is asked
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)) == ["a"]
    assert sqs.now == 0


@pytest.mark.parametrize("wait", [{}, {"WaitTimeSeconds": 1}])
def test_on_several_servers_all_calls_work_as_on_one(wait: dict[str, Any]):
    sqs = SQS(ideal=False)
    url, dead = with_dead_letters(sqs, 0)
    for number in range(30):
        sqs.send_message(QueueUrl=url, MessageBody=str(number), DelaySeconds=number % 3)
    sqs.now = 5
    seen: list[str] = []
    for _ in range(300):
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **wait).get("Messages", [])
        if wait and not messages:
            break
        for message in messages:
            seen.append(message["Body"])
            handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
            if int(message["Body"]) < 10:
                sqs.delete_message(**handle)
            elif int(message["Body"]) < 20:
                sqs.change_message_visibility(**handle, VisibilityTimeout=0)
    assert sorted(seen, key=int) == [str(number) for number in range(30)]
    assert counts(sqs, dead)[0] == 10
    sqs.purge_queue(QueueUrl=url)
    assert counts(sqs, url) == (0, 0, 0)
    sqs.now += 1
    sqs.start_message_move_task(SourceArn=queue_arn("dead"))
    sqs.now += 1
    assert counts(sqs, url)[0] == 10


def test_a_fifo_queue_throttles_the_301st_call_of_an_action_in_a_second():
    sqs = SQS(ideal=False)
    url = create(sqs, "q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for number in range(300):
        sqs.send_message(QueueUrl=url, MessageBody=str(number), MessageGroupId="g")
    assert code(sqs.send_message, QueueUrl=url, MessageBody="a", MessageGroupId="g") == "RequestThrottled"
    assert bodies(sqs.receive_message(QueueUrl=url)) == ["0"]


def test_above_the_limit_in_flight_a_short_poll_is_refused_and_a_long_one_finds_nothing():
    sqs = SQS(Account(rules=dated().overridden({"sqs.max_inflight": 1})))
    url = create(sqs)
    for body in ("a", "b"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.receive_message(QueueUrl=url)
    assert code(sqs.receive_message, QueueUrl=url) == "OverLimit"
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)) == []
    assert sqs.now == 20
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)) == ["a"]
    assert sqs.now == 30


# -- dead letters --------------------------------------------------------------------------------------------


def with_dead_letters(sqs: SQS, count: int) -> tuple[str, str]:
    """A queue, and a dead-letter queue with that many messages of it."""
    dead = create(sqs, "dead")
    url = create(sqs, RedrivePolicy={"deadLetterTargetArn": queue_arn("dead"), "maxReceiveCount": 1})
    for number in range(count):
        sqs.send_message(QueueUrl=url, MessageBody=f"m{number}")
    for _ in range(2):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return url, dead


def test_a_moved_message_is_a_new_one_where_it_arrives(sqs: SQS):
    url, dead = with_dead_letters(sqs, 1)
    [old] = sqs.receive_message(QueueUrl=dead, VisibilityTimeout=0)["Messages"]
    sqs.now = 9
    sqs.start_message_move_task(SourceArn=queue_arn("dead"))
    [new] = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert new["Body"] == old["Body"] and new["MessageId"] != old["MessageId"]
    assert new["Attributes"]["SentTimestamp"] == "9000"
    assert new["Attributes"]["ApproximateReceiveCount"] == "1"
    assert "DeadLetterQueueSourceArn" not in new["Attributes"]


def test_a_task_moves_one_message_each_1_over_its_rate_until_it_is_cancelled(sqs: SQS):
    url, dead = with_dead_letters(sqs, 5)
    arn = queue_arn("dead")
    task = sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=2)["TaskHandle"]
    sqs.now = 0.6
    assert counts(sqs, url) == (2, 0, 0)
    assert code(sqs.start_message_move_task, SourceArn=arn) == "InvalidParameterValue"
    assert sqs.cancel_message_move_task(TaskHandle=task)["ApproximateNumberOfMessagesMoved"] == 2
    sqs.now = 10
    assert counts(sqs, dead) == (3, 0, 0)
    [told] = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert told["Status"] == "CANCELLED" and told["ApproximateNumberOfMessagesToMove"] == 5
    assert code(sqs.cancel_message_move_task, TaskHandle=task) == "ResourceNotFoundException"


def test_a_message_that_came_from_no_queue_stays_and_its_task_fails(sqs: SQS):
    _, dead = with_dead_letters(sqs, 0)
    sqs.send_message(QueueUrl=dead, MessageBody="a")
    sqs.start_message_move_task(SourceArn=queue_arn("dead"))
    [told] = sqs.list_message_move_tasks(SourceArn=queue_arn("dead"))["Results"]
    assert (told["Status"], told["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert bodies(sqs.receive_message(QueueUrl=dead)) == ["a"]


def test_a_task_needs_a_dead_letter_queue_that_there_is(sqs: SQS):
    url, _ = with_dead_letters(sqs, 0)
    assert url and code(sqs.start_message_move_task, SourceArn=queue_arn("q")) == "InvalidParameterValue"
    assert code(sqs.start_message_move_task, SourceArn=queue_arn("r")) == "ResourceNotFoundException"


def test_a_dead_letter_queue_takes_what_its_redrive_allow_policy_allows(sqs: SQS):
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn("q")]}
    create(sqs, "dead", RedriveAllowPolicy=allow)
    policy = {"deadLetterTargetArn": queue_arn("dead"), "maxReceiveCount": 1}
    assert create(sqs, RedrivePolicy=policy)
    attributes = {"RedrivePolicy": policy}
    assert code(sqs.create_queue, QueueName="r", Attributes=attributes) == "InvalidParameterValue"


def test_without_its_dead_letter_queue_a_message_comes_back_again_and_again(sqs: SQS):
    url, dead = with_dead_letters(sqs, 0)
    sqs.delete_queue(QueueUrl=dead)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    for _ in range(3):
        assert bodies(sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)) == ["a"]
