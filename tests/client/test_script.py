"""Scripts: what they say, what comes of each call, and what is said of a file that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import typed

HEAD = "ideal: true\nqueues: {q: {}, f: {type: fifo}}\ntopics: {t: {}}\n"


def run(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    file = tmp_path / "calls.yaml"
    file.write_text(text, encoding="utf-8")
    seen = typed("script", file, "-o", "json")
    assert seen.status == 0, seen.err
    return list(json.loads(seen.out)["answers"])


def steps(tmp_path: Path, *calls: str) -> list[dict[str, Any]]:
    return run(tmp_path, HEAD + "script:\n" + "".join(f"  - {call}\n" for call in calls))


def test_a_long_poll_does_not_hold_up_the_calls_after_it(tmp_path: Path):
    first, _ = steps(
        tmp_path,
        "{at: 0s, receive_message: {queue: q, wait_time_seconds: 20}}",
        "{at: 3s, send_message: {queue: q, message_body: a}}",
    )
    assert first["answered_at"] == 3.0
    assert first["answer"]["Messages"][0]["Body"] == "a"


def test_a_poll_that_is_open_at_the_end_is_answered_when_its_wait_ends(tmp_path: Path):
    [poll] = steps(tmp_path, "{at: 1s, receive_message: {queue: q, wait_time_seconds: 20}}")
    assert poll["answered_at"] == 21.0 and poll["answer"] == {}


def test_errors_of_aws_are_answers_and_the_script_goes_on(tmp_path: Path):
    answers = steps(
        tmp_path,
        "{at: 0s, receive_message: {queue: q, max_number_of_messages: 11}}",
        "{at: 0s, delete_message: {queue: q, receipt_handle: garbage}}",
        "{at: 0s, send_message: {queue: f, message_body: a}}",
        "{at: 0s, delete_queue: {queue: q}}",
        "{at: 0s, purge_queue: {queue: q}}",
    )
    errors = [answer.get("error") for answer in answers]
    wanted = [
        "InvalidParameterValue",
        "ReceiptHandleIsInvalid",
        "MissingParameter",
        None,
        "QueueDoesNotExist",
    ]
    assert errors == wanted


def test_handles_are_references_to_saved_receives(tmp_path: Path):
    answers = steps(
        tmp_path,
        "{at: 0s, send_message: {queue: q, message_body: a}}",
        "{at: 0s, send_message_batch: {queue: q, entries: [{id: b, message_body: b}]}}",
        "{at: 1s, receive_message: {queue: q, max_number_of_messages: 10}, as: r}",
        '{at: 2s, delete_message_batch: {queue: q, entries: [{id: x, receipt_handle: "r[0]"}]}}',
        '{at: 2s, change_message_visibility: {queue: q, receipt_handle: "r[1]", visibility_timeout: 0}}',
        "{at: 2s, change_message_visibility_batch: {queue: q, entries: [{id: y, receipt_handle: 'r[1]', "
        "visibility_timeout: 5}]}}",
        '{at: 3s, delete_message: {queue: q, receipt_handle: "r[7]"}}',
        "{at: 3s, get_queue_attributes: {queue: q, attribute_names: [All]}}",
    )
    assert answers[3]["answer"]["Successful"] == [{"Id": "x"}]
    assert answers[6]["error"] == "ReceiptHandleIsInvalid"
    assert "r has 2 messages at 3 s" in answers[6]["message"]
    assert answers[7]["answer"]["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"


@pytest.mark.parametrize(
    ("attribute", "name", "value"),
    [
        ("visibility_timeout: 5s", "VisibilityTimeout", "5"),
        ("visibility_timeout: 5", "VisibilityTimeout", "5"),
        ("retention: 2m", "MessageRetentionPeriod", "120"),
        ("message_retention_period: 120", "MessageRetentionPeriod", "120"),
        ("delay: 1m", "DelaySeconds", "60"),
        ("DelaySeconds: '60'", "DelaySeconds", "60"),
        ("receive_wait: 20s", "ReceiveMessageWaitTimeSeconds", "20"),
        ("max_message_size: 64KiB", "MaximumMessageSize", "65536"),
        ("content_based_deduplication: true", "ContentBasedDeduplication", "true"),
        ("high_throughput: true", "FifoThroughputLimit", "perMessageGroupId"),
        ("deduplication_scope: messageGroup", "DeduplicationScope", "messageGroup"),
    ],
)
def test_queues_take_every_attribute_in_our_words_and_in_aws_names(tmp_path: Path, attribute, name, value):
    text = f"queues: {{x: {{type: fifo, {attribute}}}}}\n"
    text += "script: [{at: 0s, get_queue_attributes: {queue: x, attribute_names: [All]}}]\n"
    [answer] = run(tmp_path, text)
    assert answer["answer"]["Attributes"][name] == value


def test_set_queue_attributes_takes_them_as_well(tmp_path: Path):
    answers = steps(
        tmp_path,
        "{at: 0s, set_queue_attributes: {queue: q, attributes: {visibility_timeout: 7s, "
        "redrive: {queue: d, max_receive_count: 2}}}}".replace("queue: d", "queue: q"),
        "{at: 0s, get_queue_attributes: {queue: q, attribute_names: VisibilityTimeout}}",
    )
    assert answers[1]["answer"]["Attributes"] == {"VisibilityTimeout": "7"}


def test_dead_letter_queues_may_stand_after_their_sources(tmp_path: Path):
    text = "ideal: true\nqueues:\n  a: {redrive: {queue: b, max_receive_count: 1}}\n  b: {}\nscript:\n"
    text += "  - {at: 0s, send_message: {queue: a, message_body: x}}\n"
    text += "  - {at: 0s, receive_message: {queue: a, visibility_timeout: 0}}\n" * 2
    text += "  - {at: 0s, receive_message: {queue: b}}\n"
    source = run(tmp_path, text)[3]["answer"]["Messages"][0]["Attributes"]["DeadLetterQueueSourceArn"]
    assert source.endswith(":a")


def test_a_move_task_is_cancelled_by_the_name_of_its_start(tmp_path: Path):
    text = "ideal: true\nqueues: {d: {}, a: {redrive: {queue: d, max_receive_count: 1}}}\nscript:\n"
    text += (
        "  - {at: 0s, start_message_move_task: {source: d, max_number_of_messages_per_second: 1}, as: m}\n"
    )
    text += "  - {at: 0s, list_message_move_tasks: {source: d}}\n"
    text += "  - {at: 0s, cancel_message_move_task: {task_handle: m}}\n"
    answers = run(tmp_path, text)
    assert answers[1]["answer"]["Results"][0]["Status"] == "COMPLETED"
    assert answers[2]["error"] == "ResourceNotFoundException"


def test_topics_publish_to_their_subscriptions(tmp_path: Path):
    text = "ideal: true\nqueues: {q: {}, r: {}}\n"
    one = "{queue: q, raw_message_delivery: true, filter_policy: {k: [v]}}"
    text += f"topics: {{t: {{subscriptions: {{one: {one}}}}}}}\n"
    text += "script:\n  - {at: 0s, subscribe: {topic: t, queue: r, raw_message_delivery: true}}\n"
    text += "  - {at: 0s, publish: {topic: t, message: x, message_attributes: {k: w}}}\n"
    text += "  - {at: 0s, receive_message: {queue: q}}\n  - {at: 0s, receive_message: {queue: r}}\n"
    answers = run(tmp_path, text)
    assert answers[2]["answer"] == {}
    assert answers[3]["answer"]["Messages"][0]["MessageAttributes"]["k"]["StringValue"] == "w"


def test_a_queue_can_be_created_by_a_call(tmp_path: Path):
    _, _, answer = steps(
        tmp_path,
        "{at: 0s, create_queue: {queue_name: new, type: fifo, attributes: {high_throughput: true}}}",
        "{at: 0s, send_message: {queue: new, message_body: a, message_group_id: g, "
        "message_deduplication_id: d}}",
        "{at: 0s, receive_message: {queue: new}}",
    )
    assert answer["answer"]["Messages"][0]["Attributes"]["MessageGroupId"] == "g"


def test_texts_stay_as_they_are_written(tmp_path: Path):
    _, answer = steps(
        tmp_path,
        "{at: 0s, send_message: {queue: q, message_body: 010}}",
        "{at: 0s, receive_message: {queue: q}}",
    )
    assert answer["answer"]["Messages"][0]["Body"] == "010"


def test_the_same_seed_gives_the_same_bytes_and_another_one_other_latencies(tmp_path: Path):
    file = tmp_path / "calls.yaml"
    file.write_text("queues: {q: {}}\nscript: [{at: 0s, purge_queue: {queue: q}}]\n", encoding="utf-8")
    one, again, other = (typed("script", file, "--seed", seed).out for seed in (1, 1, 2))
    assert one == again != other


WRONG = [
    ("script: 3", "script is 3; a list of calls is due"),
    ("queues: {q: {}}", "script is missing"),
    ("script: [3]", ":4: script.0 is 3; a map is due"),
    ("script: [{at: 0s}]", "script.0 has no call; a step has an at and one call"),
    ("script: [{at: 0s, purge_queue: {queue: q}, delete_queue: {queue: q}}]", "script.0 has 2 calls"),
    ("script: [{purge_queue: {queue: q}}]", "script.0 has no at"),
    ("script: [{at: -1s, purge_queue: {queue: q}}]", "script.0.at is -1s; it must not be negative"),
    ("script: [{at: 401d, purge_queue: {queue: q}}]", "script.0.at is 3.46464e+07; allowed: 0s to 400d"),
    ("script: [{at: -1, purge_queue: {queue: q}}]", "script.0.at is -1; allowed: 0s to 400d"),
    ("script: [{at: 0s, purge_queue: {}}]", "script.0.purge_queue has no queue"),
    ("script: [{at: 0s, purge_queue: {queue: p}}]", "is p, which is no queue of this script; known: q, f"),
    ("script: [{at: 0s, publish: {topic: tt, message: a}}]", "is tt, which is no topic of this script"),
    ("script: [{at: 0s, recieve_message: {queue: q}}]", "is not a known key; nearest is receive_message"),
    (
        "script: [{at: 0s, receive_message: {queue: q, wait: 3}}]",
        "wait is not a known key; known: queue, max_",
    ),
    ("script: [{at: 0s, receive_message: {queue: q, wait_time_seconds: soon}}]", "is soon, which is not"),
    ("script: [{at: 0s, receive_message: {queue: q, max_number_of_messages: 1.5}}]", "a whole number is due"),
    ("script: [{at: 0s, send_message: [q]}]", "script.0.send_message is a list; a map is due"),
    ("script: [{at: 0s, send_message: {queue: q, message_body: [a]}}]", "message_body is a list; a text"),
    (
        "script: [{at: 0s, delete_message: {queue: q, receipt_handle: 'r[0]'}}]",
        "no earlier receive_message is",
    ),
    ("script: [{at: 0s, send_message_batch: {queue: q, entries: [a]}}]", "entries.0 is a; a map is due"),
    (
        "script: [{at: 1s, purge_queue: {queue: q}}, {at: 0s, purge_queue: {queue: q}}]",
        "script.1.at goes back",
    ),
    (
        "script: [{at: 0s, purge_queue: {queue: q}, as: a}, {at: 0s, purge_queue: {queue: q}, as: a}]",
        "script.1.as is a, as an earlier step is",
    ),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[text[:60] for text, _ in WRONG])
def test_what_is_wrong_with_a_step_is_said_with_its_line(tmp_path: Path, text: str, said: str):
    file = tmp_path / "calls.yaml"
    whole = text if "queues" in text else f"{HEAD}{text}\n"
    file.write_text(whole, encoding="utf-8")
    seen = typed("script", file)
    assert (seen.status, seen.out) == (2, "")
    assert said in seen.err and f"{file}" in seen.err


@pytest.mark.parametrize(
    ("queues", "said"),
    [
        (
            "{q: {visibility_timeout: 13h}}",
            "queues.q.visibility_timeout is 13h; VisibilityTimeout allows 0s to 12h",
        ),
        (
            "{q: {visibility_timeout: 50000}}",
            "queues.q.visibility_timeout is 50000; VisibilityTimeout allows",
        ),
        ("{q: {visibility: 1s}}", "queues.q.visibility is not a known key; nearest is visibility_timeout"),
        ("{q: {type: fast}}", "queues.q.type is fast; allowed: standard, fifo"),
        ("{q: 3}", "queues.q is 3; a map of attributes is due"),
        ("3", "queues is 3; a map of names is due"),
        ("{a b: {}}", "is no name; names have 1 to 80 letters"),
        ("{q: {redrive: {queue: d}}}", "queues.q.redrive.queue is d, which is no queue of this script"),
        ("{q: {redrive: {queue: d}}, d: {type: fifo}}", "a dead-letter queue is of its source's type"),
        ("{q: {redrive: {queue: q}}}", "has dead letters that go in a circle: q to q"),
        ("{q: {redrive: {queue: d, max_receive_count: 0}}, d: {}}", "is 0; maxReceiveCount allows 1 to 1000"),
        (
            "{q: {redrive: {queue: d}}, d: {redrive_allow: deny_all}}",
            "queues.q is refused by AWS: InvalidParameter",
        ),
        ("{q: {content_based_deduplication: true}}", "queues.q is refused by AWS: InvalidAttributeName"),
    ],
)
def test_what_is_wrong_with_a_queue_is_said_with_its_line(tmp_path: Path, queues: str, said: str):
    file = tmp_path / "calls.yaml"
    file.write_text(
        f"queues: {queues}\nscript: [{{at: 0s, create_queue: {{queue_name: z}}}}]\n", encoding="utf-8"
    )
    seen = typed("script", file)
    assert (seen.status, seen.out) == (2, "")
    assert f"{file}:1: " in seen.err and said in seen.err


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path):
    file = tmp_path / "calls.yaml"
    file.write_text(
        "queues: {q: {delay: 1h}}\ncolour: red\nscript: [{at: 0s, purge_queue: {}}]\n", encoding="utf-8"
    )
    assert len(typed("script", file).err.splitlines()) == 3


def test_a_file_that_is_not_there_or_no_yaml_is_bad_input(tmp_path: Path):
    assert typed("script", tmp_path / "none.yaml").status == 2
    for text in ("", "3", "[a", "a: !!python/object:os.system x"):
        file = tmp_path / "calls.yaml"
        file.write_text(text, encoding="utf-8")
        assert typed("script", file).status == 2, text
