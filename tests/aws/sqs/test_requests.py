"""What SQS refuses of a call before a queue sees it (conformance, error codes)."""

from typing import Any

import pytest

from simulator.aws.sqs.requests import Attribute, Requests, Send

SECOND = 1_000_000
LIMITS: dict[str, Any] = {
    "max_batch_entries": 10,
    "max_batch_bytes": 1_048_576,
    "max_attributes": 10,
    "max_messages": 10,
    "max_wait_us": 20 * SECOND,
    "max_delay_us": 900 * SECOND,
    "max_visibility_timeout_us": 43_200 * SECOND,
    "max_hold_us": 43_200 * SECOND,
    "max_id_length": 128,
    "purge_cooldown_us": 60 * SECOND,
    "max_moves_per_s": 500,
}
REQUESTS = Requests(**LIMITS)


def code(refused: str | None) -> str:
    return "" if refused is None else refused.partition(":")[0]


def send(given: Send, *, fifo: bool = False, content: bool = False, most: int = 1024) -> str:
    return code(REQUESTS.send(given, fifo=fifo, content_deduplication=content, max_message_bytes=most))


def test_body_and_names_types_and_values_of_attributes_count_against_the_size():
    attribute = {"k": Attribute("String", "x")}  # 1 + 6 + 1 bytes
    assert send(Send("a" * 1016, attribute)) == ""
    assert send(Send("a" * 1017, attribute)) == "InvalidParameterValue"


def test_a_body_is_measured_in_utf_8():
    assert send(Send("é" * 512)) == ""
    assert send(Send("é" * 512 + "a")) == "InvalidParameterValue"
    assert Send("\U0001f600", {"k": Attribute("Binary", b"\0\1")}).size == 4 + 1 + 6 + 2


@pytest.mark.parametrize("body", [None, ""])
def test_an_empty_body_is_a_missing_parameter(body):
    assert send(Send(body)) == "MissingParameter"


@pytest.mark.parametrize("letter", ["\0", "\x0b", "\x1f", "\ufffe", "\ud800"])
def test_letters_that_xml_cannot_have_are_refused(letter: str):
    assert send(Send(f"a{letter}b")) == "InvalidMessageContents"


@pytest.mark.parametrize("letter", ["\t", "\n", "\r", " ", "\ue000", "\U0010ffff"])
def test_all_other_letters_are_taken(letter: str):
    assert send(Send(f"a{letter}b")) == ""


@pytest.mark.parametrize(
    "attributes",
    [
        {f"k{number}": Attribute("String", "x") for number in range(11)},
        {"": Attribute("String", "x")},
        {"k": Attribute("String", "")},
        {"k": Attribute("Text", "x")},
        {"k": Attribute("", "x")},
    ],
    ids=["eleven", "no name", "no value", "unknown type", "no type"],
)
def test_attributes_are_ten_at_most_with_name_type_and_value(attributes):
    assert send(Send("a", attributes)) == "InvalidParameterValue"


def test_types_of_attributes_may_have_a_label():
    assert send(Send("a", {"k": Attribute("Number.int", "1"), "b": Attribute("Binary.gif", b"1")})) == ""


@pytest.mark.parametrize(
    ("delay_s", "refused"),
    [(0, ""), (900, ""), (901, "InvalidParameterValue"), (-1, "InvalidParameterValue")],
)
def test_a_message_timer_is_0_to_900_s(delay_s: int, refused: str):
    assert send(Send("a", delay_us=delay_s * SECOND)) == refused


def test_a_fifo_queue_needs_group_and_id_and_no_timer():
    assert send(Send("a"), fifo=True) == "MissingParameter"
    assert send(Send("a", group="g"), fifo=True) == "InvalidParameterValue"
    assert send(Send("a", group="g"), fifo=True, content=True) == ""
    assert send(Send("a", group="g", deduplication_id="d"), fifo=True) == ""
    assert send(Send("a", None or {}, SECOND, "g", "d"), fifo=True) == "InvalidParameterValue"
    assert send(Send("a", {}, 0, "g", "d"), fifo=True) == ""


def test_a_standard_queue_takes_a_group_and_no_deduplication_id():
    assert send(Send("a", group="g")) == ""
    assert send(Send("a", deduplication_id="d")) == "InvalidParameterValue"


@pytest.mark.parametrize("word", ["x" * 129, "a b", "é"])
def test_groups_and_ids_are_up_to_128_letters_digits_and_signs(word: str):
    assert send(Send("a", group=word)) == "InvalidParameterValue"
    assert send(Send("a", group="g", deduplication_id=word), fifo=True) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("ids", "refused"),
    [
        ([], "EmptyBatchRequest"),
        ([str(number) for number in range(11)], "TooManyEntriesInBatchRequest"),
        (["a", "a"], "BatchEntryIdsNotDistinct"),
        (["a b"], "InvalidBatchEntryId"),
        (["x" * 81], "InvalidBatchEntryId"),
        ([str(number) for number in range(10)], ""),
    ],
)
def test_a_batch_has_one_to_ten_entries_with_ids_of_their_own(ids, refused):
    assert code(REQUESTS.batch(ids)) == refused


def batch(sends: list[Send], *, fifo: bool = False, content: bool = False) -> str:
    ids = [str(number) for number in range(len(sends))]
    return code(REQUESTS.send_batch(ids, sends, fifo=fifo, content_deduplication=content))


def test_the_messages_of_a_batch_weigh_1_mib_together_at_most():
    half = 1_048_576 // 2
    assert batch([Send("a" * half), Send("b" * half)]) == ""
    assert batch([Send("a" * half), Send("b" * half), Send("c")]) == "BatchRequestTooLong"


def test_an_entry_without_group_or_id_fails_a_fifo_batch_as_a_whole():
    good = Send("a", group="g", deduplication_id="d")
    assert batch([good, Send("b")], fifo=True) == "InvalidParameterValue"
    assert batch([good, Send("b", group="g")], fifo=True) == "InvalidParameterValue"
    assert batch([good, Send("b", group="g")], fifo=True, content=True) == ""


@pytest.mark.parametrize(
    ("most", "wait_s", "timeout_s", "refused"),
    [
        (0, 0, 0, True),
        (1, 0, 0, False),
        (10, 20, 43_200, False),
        (11, 0, 0, True),
        (1, 21, 0, True),
        (1, -1, 0, True),
        (1, 0, 43_201, True),
    ],
)
def test_a_receive_asks_for_1_to_10_waits_0_to_20_s_and_hides_0_to_12_h(most, wait_s, timeout_s, refused):
    answer = REQUESTS.receive(most, wait_s * SECOND, timeout_s * SECOND, None, fifo=False)
    assert code(answer) == ("InvalidParameterValue" if refused else "")


def test_a_receive_attempt_id_is_of_fifo_queues():
    assert code(REQUESTS.receive(1, None, None, "a", fifo=True)) == ""
    assert code(REQUESTS.receive(1, None, None, "a", fifo=False)) == "InvalidParameterValue"
    assert code(REQUESTS.receive(1, None, None, "x" * 129, fifo=True)) == "InvalidParameterValue"


def test_twelve_hours_count_from_the_receive():
    assert REQUESTS.hold(0, 0, 43_200 * SECOND) is None
    assert code(REQUESTS.hold(1, 0, 43_200 * SECOND)) == "InvalidParameterValue"
    assert REQUESTS.hold(2 * SECOND, 0, 43_195 * SECOND) is None


def test_a_queue_is_purged_once_a_minute():
    assert REQUESTS.purge(0, None) is None
    assert code(REQUESTS.purge(60 * SECOND - 1, 0)) == "PurgeQueueInProgress"
    assert REQUESTS.purge(60 * SECOND, 0) is None


def test_a_move_task_needs_a_dead_letter_queue_without_one_and_a_rate_up_to_500():
    def refused(per_s: int | None, dead: bool = True, running: bool = False) -> str:
        return code(REQUESTS.move_task(per_s, is_dead_letter_queue=dead, running=running))

    assert refused(None) == refused(1) == refused(500) == ""
    assert refused(0) == refused(501) == "InvalidParameterValue"
    assert refused(None, dead=False) == refused(None, running=True) == "InvalidParameterValue"
