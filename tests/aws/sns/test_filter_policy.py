"""Filter policies, rule by rule, against a second evaluator, and against anything at all."""

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.aws.sns.filter_policy import FilterPolicy
from simulator.aws.sns.filter_validity import Limits, refusal
from tests.aws.sns.plain_filters import accepts


def passes(policy: Any, body: Any) -> bool:
    return FilterPolicy(policy).of_text(json.dumps(body)).accepted


def text(value: str) -> dict[str, str]:
    return {"type": "String", "value": value}


# What the public pages of AWS say, one line each: (policy, accepted, not accepted).
DOCUMENTED: list[tuple[Any, list[Any], list[Any]]] = [
    ({"sport": ["rugby"]}, [{"sport": "rugby"}], [{"sport": "Rugby"}, {"sport": "soccer"}, {}]),
    ({"sport": [{"anything-but": ["rugby", "tennis"]}]}, [{"sport": "golf"}], [{"sport": "rugby"}, {}]),
    ({"price": [{"anything-but": [100, 500]}]}, [{"price": 101}, {"price": 100.1}], [{"price": 100}]),
    ({"to": [{"anything-but": {"prefix": "x-"}}]}, [{"to": "y-1"}], [{"to": "x-1"}]),
    ({"sport": [{"equals-ignore-case": "tennis"}]}, [{"sport": "TENNIS"}], [{"sport": "tennis "}]),
    ({"sport": [{"prefix": "bas"}]}, [{"sport": "baseball"}], [{"sport": "rugby"}, {"sport": "a bas"}]),
    ({"sport": [{"suffix": "ball"}]}, [{"sport": "baseball"}], [{"sport": "ballet"}]),
    ({"file": [{"wildcard": "*/img/*.png"}]}, [{"file": "a/b/img/c.png"}], [{"file": "img/c.png"}]),
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, [{"ip": "10.0.0.255"}], [{"ip": "10.0.1.1"}, {"ip": "ten"}]),
    ({"price": [{"numeric": ["=", 301.5]}]}, [{"price": 301.5}, {"price": 3.015e2}], [{"price": "301.5"}]),
    ({"price": [{"numeric": [">", 0, "<=", 150]}]}, [{"price": 150}], [{"price": 0}, {"price": 150.01}]),
    ({"store": [{"exists": True}]}, [{"store": "x"}, {"store": None}], [{}, {"store": {"a": 1}}]),
    ({"store": [{"exists": False}]}, [{}, {"other": 1}, {"store": []}], [{"store": ""}]),
    ({"a": {"b": ["x"]}}, [{"a": {"b": "x"}}, {"a.b": "x"}], [{"a": "x"}, {"b": "x"}]),
    ({"a.b": ["x"]}, [{"a": {"b": "x"}}, {"a.b": "x"}], [{"a": {"b": "y"}}]),
    ({"$or": [{"a": [1]}, {"b": [2]}]}, [{"a": 1}, {"b": 2}], [{"a": 2, "b": 1}, {}]),
    ({"k": ["x", 1, True, None]}, [{"k": v} for v in ("x", 1.0, True, None)], [{"k": "1"}, {"k": "true"}]),
]


@pytest.mark.parametrize(("policy", "accepted", "refused"), DOCUMENTED)
def test_examples_of_the_guides(policy: Any, accepted: list[Any], refused: list[Any]):
    assert [body for body in accepted if not passes(policy, body)] == []
    assert [body for body in refused if passes(policy, body)] == []


def test_an_array_matches_with_any_element_and_nested_arrays_are_flattened():
    assert passes({"a": ["x"]}, {"a": ["y", ["x"]]})
    assert not passes({"a": ["x"]}, {"a": []})
    assert passes({"a": [{"anything-but": ["x"]}]}, {"a": ["x", "y"]})
    assert not passes({"a": [{"anything-but": ["x"]}]}, {"a": ["x", "x"]})


def test_conditions_on_objects_in_one_array_must_hold_in_one_element():
    policy = {"items": {"kind": ["book"], "price": [{"numeric": ["<", 10]}]}}
    assert passes(policy, {"items": [{"kind": "pen", "price": 50}, {"kind": "book", "price": 5}]})
    assert not passes(policy, {"items": [{"kind": "pen", "price": 5}, {"kind": "book", "price": 50}]})


def test_elements_are_chosen_for_each_array_apart():
    policy = {"a": {"x": [1]}, "b": {"x": [2]}}
    assert passes(policy, {"a": [{"x": 0}, {"x": 1}], "b": [{"x": 2}, {"x": 0}]})


def test_attributes_are_of_their_type_and_binary_ones_are_ignored():
    policy = FilterPolicy({"n": [100], "s": ["a"]})
    both = {"n": {"type": "Number", "value": "1e2"}, "s": {"type": "String.Array", "value": '["b", "a"]'}}
    assert policy.of_attributes(both).accepted
    assert not policy.of_attributes(both | {"n": text("100")}).accepted
    assert not policy.of_attributes(both | {"s": {"type": "Binary", "value": "YQ=="}}).accepted


def test_numbers_are_compared_exactly_and_listed_ones_to_five_places():
    assert not passes({"a": [{"numeric": ["<", 0.3]}]}, {"a": 0.3})
    assert FilterPolicy({"a": [{"numeric": ["=", 0.1]}]}).of_text('{"a": 0.10000000000000000000}').accepted
    assert (
        not FilterPolicy({"a": [{"numeric": ["=", 0.1]}]}).of_text('{"a": 0.10000000000000000001}').accepted
    )
    assert FilterPolicy({"a": [0.1]}).of_text('{"a": 0.1000001}').accepted
    assert not FilterPolicy({"a": [0.1]}, decimals=None).of_text('{"a": 0.1000001}').accepted
    assert FilterPolicy({"a": [{"numeric": [">", 1]}]}).of_text('{"a": 1e99999999999999999999}').accepted


def test_a_verdict_names_the_key_that_decided():
    policy = FilterPolicy({"kind": ["order"], "shop": {"country": ["de", "at"]}})
    assert policy.of_body({"kind": "order", "shop": {"country": "fr"}}) == (
        False,
        "shop.country",
        'is "fr", and must be "de" or "at"',
    )
    assert policy.of_body({"shop": {"country": "de"}})[1:] == ("kind", 'is not there, and must be "order"')
    assert policy.of_body({"kind": "order", "shop": {"country": "at"}}) == (
        True,
        "kind, shop.country",
        'kind is "order" and shop.country is "at"',
    )
    assert policy.of_text("order 7").reason == "the body is not JSON"
    assert FilterPolicy({}).of_text("order 7").accepted


def test_a_wildcard_of_many_stars_costs_no_more_than_a_look_through():
    policy = FilterPolicy({"a": [{"wildcard": "*a" * 40 + "b"}]})
    before = time.perf_counter()
    assert not policy.of_body({"a": "a" * 200_000}).accepted
    assert time.perf_counter() - before < 0.5


def test_arrays_side_by_side_are_not_tried_in_all_combinations():
    policy = {name: {"x": [1], "y": [2]} for name in "abcdefgh"}
    wrong = [{"x": 1, "y": 0}] * 50 + [{"x": 0, "y": 2}] * 50
    body = {name: [*wrong, {"x": 1, "y": 2}] for name in "abcdefg"} | {"h": wrong}
    before = time.perf_counter()
    verdict = FilterPolicy(policy).of_body(body)
    assert not verdict.accepted and "one element" in verdict.reason
    assert time.perf_counter() - before < 1.0


# -- a second evaluator ------------------------------------------------------------------------------

WORDS = ["", "x", "y", "xy", "Xy", "yx"]
SCALARS = st.sampled_from([*WORDS, 0, 1, 1.5, -2, True, False, None])
OPERATORS = st.one_of(
    st.builds(
        lambda name, word: {name: word},
        st.sampled_from(["prefix", "suffix", "equals-ignore-case"]),
        st.sampled_from(WORDS),
    ),
    st.builds(lambda word: {"wildcard": word}, st.sampled_from(["*", "x*", "*x", "*x*y", "x*y*", "xy"])),
    st.builds(lambda value: {"anything-but": value}, st.sampled_from(["x", 1, ["x", "y"], [0, 1.5]])),
    st.just({"anything-but": {"prefix": "x"}}),
    st.builds(lambda yes: {"exists": yes}, st.booleans()),
    st.sampled_from([{"numeric": ["<", 1]}, {"numeric": [">=", 0, "<", 1.5]}, {"numeric": ["=", 1]}]),
)
NAMES = st.sampled_from(["a", "b", "c", "a.b"])
ENTRIES = st.lists(SCALARS | OPERATORS, min_size=1, max_size=3)
POLICIES = st.recursive(
    st.dictionaries(NAMES, ENTRIES, min_size=1, max_size=2),
    lambda inner: st.builds(
        lambda keys, more, ors: {**keys, **more, **({"$or": ors} if ors else {})},
        st.dictionaries(NAMES, ENTRIES, max_size=2),
        st.dictionaries(NAMES, inner, min_size=1, max_size=2),
        st.none() | st.lists(inner, min_size=2, max_size=2),
    ),
    max_leaves=4,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(POLICIES, st.dictionaries(NAMES, VALUES, max_size=3))
def test_a_plain_evaluator_says_the_same(policy: dict[str, Any], body: dict[str, Any]):
    assert FilterPolicy(policy).of_body(body).accepted == accepts(policy, body)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "a",
                    "$or",
                    "a.b",
                    "",
                    "prefix",
                    "numeric",
                    "anything-but",
                    "exists",
                    "cidr",
                    "wildcard",
                    "suffix",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(ANYTHING, ANYTHING, st.text(max_size=20))
def test_nothing_raises_whatever_policy_and_message_are(policy: Any, message: Any, words: str):
    made = FilterPolicy(policy)
    for verdict in (made.of_body(message), made.of_text(words), made.of_body({"a": message})):
        assert verdict.accepted in (True, False)
    if isinstance(message, dict):
        made.of_attributes(message)
        made.of_attributes({name: {"type": "String.Array", "value": words} for name in message})
    for scope in ("MessageAttributes", "MessageBody", "event-pattern"):
        found = refusal(policy, scope, Limits())
        assert found is None or str(found)


def test_nesting_without_end_is_no_json_and_matches_nothing():
    deep: Any = ["x"]
    for _ in range(3000):
        deep = {"a": deep}
    assert not FilterPolicy(deep).of_body({"a": 1}).accepted
    assert not FilterPolicy({"a": ["x"]}).of_body(deep).accepted
    assert not FilterPolicy({"a": ["x"]}).of_text('{"a":' * 50_000).accepted
    assert refusal(deep, "MessageBody", Limits()) is not None


# -- validity ----------------------------------------------------------------------------------------

REFUSED: list[tuple[str, Any, str]] = [
    ("MessageAttributes", {"k": "x"}, 'k is "x"; a list of values is due'),
    ("MessageAttributes", {"k": []}, "k is an empty list"),
    ("MessageAttributes", {"k": [["x"]]}, "k.0 is a list in a list"),
    ("MessageAttributes", {"k": {"a": ["x"]}}, "needs? the scope MessageBody"),
    ("MessageAttributes", {"k": [{"Prefix": "x"}]}, "k.0.Prefix is no operator"),
    ("MessageAttributes", {"k": [{"prefix": "x", "suffix": "y"}]}, "k.0 has 2 operators"),
    ("MessageAttributes", {"k": [{"prefix": ["x"]}]}, "k.0.prefix is a list; one text"),
    ("MessageAttributes", {"k": [{"exists": "true"}]}, "true or false is due"),
    ("MessageAttributes", {"k": [{"cidr": "10.0.0.0/33"}]}, "one block of addresses"),
    ("MessageAttributes", {"k": [{"numeric": [">", 5, "<", 5]}]}, "goes from 5 to 5"),
    ("MessageAttributes", {"k": [{"numeric": ["<", 5, ">", 1]}]}, "other bounds"),
    ("MessageAttributes", {"k": [{"numeric": ["=", True]}]}, "a number is due"),
    ("MessageAttributes", {"k": [{"anything-but": [None]}]}, "has null"),
    ("MessageAttributes", {"k": [{"anything-but": {"suffix": "x"}}]}, "one of prefix"),
    ("MessageAttributes", {"$or": [{"a": ["x"]}]}, "at least two objects"),
    ("MessageBody", {"k": {}}, "k is an empty object"),
    ("event-pattern", {"k": [{"wildcard": "a**b"}]}, "two \\*"),
    ("event-pattern", {"k": [{"wildcard": "*a*b*c*d*e*"}]}, "too complex"),
    ("event-pattern", {"k": [{"anything-but": {"suffix": ""}}]}, "empty text"),
]


@pytest.mark.parametrize(("scope", "policy", "words"), REFUSED)
def test_what_aws_refuses_is_refused_with_its_place(scope: Any, policy: Any, words: str):
    found = refusal(policy, scope, Limits())
    assert found is not None
    assert re.search(words, str(found)), str(found)


def test_combinations_are_multiplied_over_keys_and_added_over_alternatives():
    def wide(values: int, key: str = "k") -> dict[str, Any]:
        return {key: [str(n) for n in range(values)]}

    assert refusal(wide(150), "MessageAttributes", Limits()) is None
    assert refusal(wide(151), "MessageAttributes", Limits()) is not None
    # depth 3: 3 times the values; 50 x 3 = 150
    assert refusal({"a": {"b": wide(50)}}, "MessageBody", Limits()) is None
    assert refusal({"a": {"b": wide(51)}}, "MessageBody", Limits()) is not None
    assert refusal({"a": {"b": wide(51)}}, "event-pattern", Limits()) is None
    # 3 x (20 + 30) = 150
    either = {"$or": [wide(20, "a"), wide(30, "b")]}
    assert refusal(wide(3) | either, "MessageAttributes", Limits()) is None
    assert refusal(wide(4) | either, "MessageAttributes", Limits()) is not None


def test_five_keys_are_counted_as_leaves_of_all_alternatives():
    five = {"a": {"b": ["x"], "c": ["x"]}, "$or": [{"d": ["x"]}, {"e": ["x"]}], "f": ["x"]}
    assert refusal(five, "MessageBody", Limits()) is None
    found = refusal(five | {"g": ["x"]}, "MessageBody", Limits())
    assert found is not None and "6 keys; SNS allows 5" in found.message
    assert refusal(five | {"g": ["x"]}, "MessageBody", Limits(keys=6)) is None
    assert refusal(five, "MessageBody", Limits(size_bytes=100), size_bytes=101) is not None
