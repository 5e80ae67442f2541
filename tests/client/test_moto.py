"""The same calls on moto, a fake that others trust, under a frozen clock, where moto is right.

Where the two differ is named in docs/validation.md with the source that decides, and held here so that a
change on either side is seen. Random calls come at instants whose differences are no whole seconds, since
moto makes a message visible again just after its timeout, AWS at its end.
"""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.client import SQS, Account, ClientError
from simulator.scenario.rules import dated

boto3 = pytest.importorskip("boto3", reason="moto is of the dev extra")
moto = pytest.importorskip("moto", reason="moto is of the dev extra")

TIMEOUT_S = 20
CHANGE = "change_message_visibility"


class Both:
    """One client of each, with one clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, theirs: Any) -> None:
        from moto.sqs import models

        self.now = 0.0
        epoch_s = 1_000_000_000
        monkeypatch.setattr(models, "unix_time", lambda: epoch_s + self.now)
        monkeypatch.setattr(models, "unix_time_millis", lambda: (epoch_s + self.now) * 1000)
        rules = dated().overridden({"sqs.requeue_back_after": 1000})
        self.ours: Any = SQS(Account(rules=rules))
        self.theirs = theirs
        self.urls: dict[str, tuple[str, str]] = {}

    def create(self, name: str, **attributes: str) -> None:
        pair = [
            client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
            for client in (self.ours, self.theirs)
        ]
        self.urls[name] = (pair[0], pair[1])

    def call(self, action: str, queue: str, **parameters: Any) -> tuple[Any, Any]:
        """The answers of both, or the names of their errors; parameters may be pairs, one for each."""
        self.ours.now = self.now
        answers = []
        for place, client in enumerate((self.ours, self.theirs)):
            own = {key: value[place] if type(value) is tuple else value for key, value in parameters.items()}
            try:
                answers.append(getattr(client, action)(QueueUrl=self.urls[queue][place], **own))
            except ClientError as error:
                answers.append(error.code)
            except self.theirs.exceptions.ClientError as error:
                answers.append(error.response["Error"]["Code"].rpartition(".")[2])
        return answers[0], answers[1]

    def receive(self, queue: str, **parameters: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Messages in pairs by body; what is not in pairs fails."""
        ours, theirs = self.call("receive_message", queue, AttributeNames=["All"], **parameters)
        messages = [{one["Body"]: one for one in answer.get("Messages", [])} for answer in (ours, theirs)]
        assert list(messages[0]) == list(messages[1]), f"at {self.now}"
        return [(one, messages[1][body]) for body, one in messages[0].items()]

    def counts(self, queue: str) -> tuple[dict[str, str], dict[str, str]]:
        ours, theirs = self.call("get_queue_attributes", queue, AttributeNames=["All"])
        names = [name for name in ours["Attributes"] if name.startswith("ApproximateNumber")]
        return tuple({name: answer["Attributes"][name] for name in names} for answer in (ours, theirs))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def client() -> Any:
    """Made once, as it takes boto3 a second."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patched.setenv(name, "testing")
        return boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch, client: Any) -> Iterator[Both]:
    with moto.mock_aws():
        yield Both(monkeypatch, client)


def random_calls(both: Both, chance: random.Random, calls: int, fifo: bool) -> Counter[str]:
    """Calls in any order, and after each the counters; on FIFO one group, one at a time, no ended handle."""
    queue = next(iter(both.urls))
    handles: list[tuple[float, tuple[str, str]]] = []
    made: Counter[str] = Counter()
    group = {"MessageGroupId": "g"} if fifo else {}
    for number in range(calls):
        both.now = round(both.now + chance.choice([0, 1, 3, 9]) + 0.001, 3)
        handles = [one for one in handles if not fifo or one[0] > both.now]
        action = chance.choice(["send", "send", "batch", "receive", "receive", "delete", "visibility"])
        if action == "send":
            delay = {} if fifo else chance.choice([{}, {}, {"DelaySeconds": 5}])
            pair = both.call("send_message", queue, MessageBody=f"m{number}", **group, **delay)
            assert pair[0]["MD5OfMessageBody"] == pair[1]["MD5OfMessageBody"]
        elif action == "batch":
            entries = [{"Id": str(k), "MessageBody": f"m{number}.{k}", **group} for k in range(3)]
            pair = both.call("send_message_batch", queue, Entries=entries)
            assert [one["Id"] for one in pair[0]["Successful"]] == [
                one["Id"] for one in pair[1]["Successful"]
            ]
        elif action == "receive":
            for mine, other in both.receive(queue, MaxNumberOfMessages=1 if fifo else chance.randint(1, 5)):
                count = "ApproximateReceiveCount"
                assert mine["Attributes"][count] == other["Attributes"][count]
                handles.append((both.now + TIMEOUT_S, (mine["ReceiptHandle"], other["ReceiptHandle"])))
        elif handles:
            handle = handles.pop()[1]
            if action == "delete":
                pair = both.call("delete_message", queue, ReceiptHandle=handle)
            else:
                timeout = chance.choice([7, 60])
                pair = both.call(CHANGE, queue, ReceiptHandle=handle, VisibilityTimeout=timeout)
            assert not any(isinstance(answer, str) for answer in pair), pair
            made[action] += 1
        ours, theirs = both.counts(queue)
        assert ours == theirs, f"after {action} at {both.now}"
    return made


@pytest.mark.parametrize("fifo", [False, True], ids=["standard", "fifo"])
@pytest.mark.parametrize("seed", range(4))
def test_random_calls_have_the_same_answers(both: Both, seed: int, fifo: bool):
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}
    both.create("q.fifo" if fifo else "q", VisibilityTimeout=str(TIMEOUT_S), **attributes)
    made = random_calls(both, random.Random(seed), 60, fifo)
    assert made["delete"] + made["visibility"] > 0


MESSAGE = {"MessageBody": "a"}
FIFO = {"MessageBody": "a", "MessageGroupId": "g"}


def entries(count: int, body: str = "a") -> dict[str, Any]:
    return {"Entries": [{"Id": str(number), "MessageBody": body} for number in range(count)]}


@pytest.mark.parametrize(
    ("action", "queue", "parameters", "code"),
    [
        ("send_message", "q", MESSAGE | {"DelaySeconds": 901}, "InvalidParameterValue"),
        ("send_message", "q.fifo", MESSAGE, "MissingParameter"),
        ("send_message", "q.fifo", FIFO, "InvalidParameterValue"),
        ("send_message", "small", {"MessageBody": "a" * 1025}, "InvalidParameterValue"),
        ("send_message_batch", "q", {"Entries": []}, "EmptyBatchRequest"),
        ("send_message_batch", "q", entries(11), "TooManyEntriesInBatchRequest"),
        ("send_message_batch", "q", {"Entries": entries(1)["Entries"] * 2}, "BatchEntryIdsNotDistinct"),
        ("send_message_batch", "q", {"Entries": [{"Id": "a b", **MESSAGE}]}, "InvalidBatchEntryId"),
        ("send_message_batch", "q", entries(2, "a" * 600_000), "BatchRequestTooLong"),
        ("receive_message", "q", {"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
        ("receive_message", "q", {"MaxNumberOfMessages": 0}, "InvalidParameterValue"),
        ("receive_message", "q", {"WaitTimeSeconds": 21}, "InvalidParameterValue"),
        ("receive_message", "q", {"VisibilityTimeout": 43_201}, "InvalidParameterValue"),
        ("delete_message", "q", {"ReceiptHandle": "x"}, "ReceiptHandleIsInvalid"),
        ("delete_message_batch", "q", {"Entries": []}, "EmptyBatchRequest"),
        (CHANGE, "q", {"ReceiptHandle": "x", "VisibilityTimeout": 3}, "ReceiptHandleIsInvalid"),
        (CHANGE, "q", {"ReceiptHandle": "x", "VisibilityTimeout": 43_201}, "InvalidParameterValue"),
        ("get_queue_attributes", "q", {"AttributeNames": ["Foo"]}, "InvalidAttributeName"),
    ],
)
def test_both_refuse_with_the_same_error(both: Both, action, queue, parameters, code):
    create_all(both)
    assert both.call(action, queue, **parameters) == (code, code)


def create_all(both: Both) -> None:
    both.create("q")
    both.create("q.fifo", FifoQueue="true")
    both.create("small", MaximumMessageSize="1024")


ATTRIBUTE = {"MessageAttributes": {"k": {"DataType": "String", "StringValue": "x"}}}


@pytest.mark.parametrize(
    ("action", "queue", "parameters", "ours", "theirs"),
    [
        ("send_message", "q", {"MessageBody": ""}, "MissingParameter", None),
        ("send_message", "q", MESSAGE | {"MessageDeduplicationId": "x"}, "InvalidParameterValue", None),
        (
            "send_message",
            "q.fifo",
            FIFO | {"MessageDeduplicationId": "x" * 129},
            "InvalidParameterValue",
            None,
        ),
        ("send_message", "small", {"MessageBody": "a" * 1017} | ATTRIBUTE, "InvalidParameterValue", None),
        ("send_message", "q", {"MessageBody": "a\x00b"}, "InvalidMessageContents", None),
        ("send_message_batch", "q.fifo", entries(1), "InvalidParameterValue", "MissingParameter"),
        (
            "set_queue_attributes",
            "q",
            {"Attributes": {"VisibilityTimeout": "50000"}},
            "InvalidAttributeValue",
            None,
        ),
        ("set_queue_attributes", "q", {"Attributes": {"Foo": "1"}}, "InvalidAttributeName", None),
    ],
)
def test_where_moto_takes_what_aws_refuses_the_difference_is_known(
    both: Both, action, queue, parameters, ours, theirs
):
    create_all(both)
    mine, other = both.call(action, queue, **parameters)
    assert mine == ours
    assert (other if isinstance(other, str) else None) == theirs


def test_moto_makes_a_message_visible_just_after_its_timeout_and_aws_at_its_end(both: Both):
    both.create("q")
    both.call("send_message", "q", **MESSAGE)
    both.receive("q")
    both.now = 30.0
    mine, other = both.call("receive_message", "q")
    assert len(mine["Messages"]) == 1 and "Messages" not in other


def test_moto_deletes_by_an_ended_handle_of_a_fifo_queue_and_aws_refuses(both: Both):
    both.create("q.fifo", FifoQueue="true", ContentBasedDeduplication="true", VisibilityTimeout="5")
    both.call("send_message", "q.fifo", **FIFO)
    [(mine, other)] = both.receive("q.fifo")
    both.now = 6.5
    ours, theirs = both.call(
        "delete_message", "q.fifo", ReceiptHandle=(mine["ReceiptHandle"], other["ReceiptHandle"])
    )
    assert ours == "InvalidParameterValue" and not isinstance(theirs, str)


def test_moto_fills_a_receive_in_the_order_of_the_queue_and_aws_from_one_group_first(both: Both):
    both.create("q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for body, group in (("a1", "a"), ("b1", "b"), ("a2", "a")):
        both.call("send_message", "q.fifo", MessageBody=body, MessageGroupId=group)
    answers = both.call("receive_message", "q.fifo", MaxNumberOfMessages=2)
    bodies = [[one["Body"] for one in answer["Messages"]] for answer in answers]
    assert bodies == [["a1", "a2"], ["a1", "b1"]]


def test_moto_keeps_the_place_of_what_was_received_three_times_and_aws_sends_it_to_the_back(both: Both):
    both.ours = SQS()
    both.create("q", VisibilityTimeout="1")
    for body in ("a", "b"):
        both.call("send_message", "q", MessageBody=body)
    for both.now in (0.0, 1.5, 3.0):
        both.receive("q", MaxNumberOfMessages=1)
    both.now = 4.5
    answers = both.call("receive_message", "q", MaxNumberOfMessages=1)
    assert [answer["Messages"][0]["Body"] for answer in answers] == ["b", "a"]
