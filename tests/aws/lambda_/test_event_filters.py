"""Event filters of queues (Lambda guide, "Using event filtering with an Amazon SQS event source")."""

import json
from typing import Any

import pytest

from simulator.aws.lambda_.event_filters import EventFilters, pattern_refusal


def test_a_record_reaches_the_function_if_it_fits_one_of_the_patterns():
    filters = EventFilters(
        [{"body": {"code": ["BBBB"]}}, {"body": {"temperature": [{"numeric": [">", 80]}]}}]
    )
    assert filters.accept('{"code": "BBBB", "temperature": 20}')
    assert filters.accept('{"code": "AAAA", "temperature": 81}')
    assert not filters.accept('{"code": "AAAA", "temperature": 80}')


@pytest.mark.parametrize(
    ("body", "pattern", "reaches"),
    [
        ("Result: 7", {"body": ["Result: 7"]}, True),  # text and text
        ("Result: 7", {"body": ["Result: 8"]}, False),
        ("Result: 7", {"body": {"result": [7]}}, False),  # a pattern for JSON drops plain text
        ('{"result": 7}', {"body": {"result": [7]}}, True),
        ('{"result": 7}', {"body": ['{"result": 7}']}, False),  # a pattern for text drops JSON
        ("[7]", {"body": {"result": [7]}}, False),
    ],
)
def test_body_and_pattern_are_both_text_or_both_json(body: str, pattern: Any, reaches: bool):
    assert EventFilters([pattern]).accept(body) is reaches


def test_without_filters_nothing_fits_so_a_mapping_without_them_has_none():
    assert not EventFilters([]).accept("{}")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ({"messageAttributes": {"kind": ["order"]}}, "only body"),
        ({"body": {"kind": "order"}}, "body.kind is"),
        ({}, "empty object"),
        (["body"], "no object"),
        ({"body": {"k": ["x" * 5000]}}, "4,096"),
    ],
)
def test_what_lambda_refuses_has_its_reason(pattern: Any, words: str):
    assert words in str(pattern_refusal(pattern, 4096))


def test_patterns_have_event_bridges_operators_and_no_limit_on_keys():
    many = {name: [{"anything-but": {"suffix": ["x", "y"]}}] for name in "abcdefgh"}
    assert pattern_refusal({"body": many}, 4096) is None
    assert EventFilters([{"body": many}]).accept(json.dumps(dict.fromkeys("abcdefgh", "z")))
