"""``simulator filter``: the verdict, the key that decided, and mistakes with their place."""

import json
from pathlib import Path

import pytest

from tests.cli.typed import typed

POLICY = '{\n  "kind": ["order"],\n  "price": [{"numeric": [">", 100]}]\n}\n'


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    policy, message = tmp_path / "policy.json", tmp_path / "message.json"
    policy.write_text(POLICY)
    message.write_text('{"kind": "order", "price": 90}')
    return policy, message


def test_the_verdict_names_the_key_that_decided(files):
    policy, message = files
    assert typed("filter", policy, message)[:2] == (
        0,
        'no match: price is 90, and must be {"numeric": [">", 100]}\n',
    )
    message.write_text('{"kind": "order", "price": 100.00001}')
    assert typed("filter", policy, message)[:2] == (0, 'match: kind is "order" and price is 100.00001\n')


def test_check_ends_with_99_where_nothing_matches(files):
    policy, message = files
    assert typed("filter", policy, message, "--check").status == 99
    message.write_text('{"kind": "order", "price": 101}')
    assert typed("filter", policy, message, "--check").status == 0


@pytest.mark.parametrize(
    "attributes",
    [
        {"kind": {"type": "String", "value": "order"}, "price": {"type": "Number", "value": "250"}},
        {"kind": {"DataType": "String", "StringValue": "order"}, "price": 250},
        {"MessageAttributes": {"kind": {"Type": "String.Array", "Value": '["order"]'}, "price": 250}},
        {"kind": ["x", "order"], "price": 250},
    ],
)
def test_attributes_are_taken_as_they_stand_in_calls_envelopes_and_short(files, attributes):
    policy, message = files
    message.write_text(json.dumps(attributes))
    assert typed("filter", policy, message).out.startswith("match")


def test_bodies_need_not_be_json_and_records_of_a_queue_are_looked_into(files):
    policy, message = files
    message.write_text("order 7")
    assert typed("filter", policy, message, "--scope", "body").out == "no match: the body is not JSON\n"
    policy.write_text('{"body": {"kind": [{"suffix": "er"}]}}')
    message.write_text(json.dumps({"messageId": "1", "body": '{"kind": "order"}'}))
    seen = typed("filter", policy, message, "--scope", "event", "-o", "json")
    assert json.loads(seen.out) == {"match": True, "key": "body.kind", "reason": 'body.kind is "order"'}


@pytest.mark.parametrize(
    ("policy", "message", "said"),
    [
        ('{"kind": ["order",\n]}', "{}", "policy.json:2: column 1: is not JSON"),
        (
            '{\n  "kind": ["a", {"prefix": 1}]}',
            "{}",
            "policy.json:2: column 18: kind.1.prefix is 1; one text",
        ),
        ('{"a": {"b": ["x"]}}', "{}", "policy.json:1: column 2: a is an object; nested keys need"),
        ("", "{}", "policy.json: is empty"),
        ("[1]", "{}", "policy.json:1: column 1: is a list; an object"),
        (POLICY, "{", "message.json:1: column 2: is not JSON"),
        (POLICY, "[]", "message.json:1: is no JSON object"),
        (POLICY, '{\n"kind": {"x": 1}}', "message.json:2: kind is an object"),
        (POLICY, '{"a": NaN}', "message.json: is not JSON"),
        ("[" * 100_000, "{}", "policy.json"),
    ],
)
def test_mistakes_end_with_2_and_their_place(files, policy: str, message: str, said: str):
    files[0].write_text(policy)
    files[1].write_text(message)
    seen = typed("filter", *files)
    assert (seen.status, seen.out) == (2, "")
    assert said in seen.err and "Traceback" not in seen.err


def test_a_file_that_is_not_there_is_a_mistake(files, tmp_path: Path):
    seen = typed("filter", tmp_path / "none.json", files[1])
    assert seen.status == 2 and "none.json: cannot be read" in seen.err
