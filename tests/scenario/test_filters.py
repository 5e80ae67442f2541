"""Bodies and filters of a scenario: what messages say, and who lets them through."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from simulator.scenario.bodies import bodies_of, choices_of, shares_of
from simulator.scenario.filters import bodies_each, passes, said_by, share_passed, shares_of_said, worked
from tests.scenarios.running import written


def message(attributes: dict[str, dict[str, float]] | None = None, body: Any = None) -> Any:
    return SimpleNamespace(attributes=attributes or {}, body=body)


BODY = {"v": 1, "kind": {"order": "80%", "7": "15%", "true": "rest"}, "at": {"n": {"one_of": [1, [2]]}}}


def test_a_body_has_a_combination_for_each_choice_the_last_varying_fastest():
    assert bodies_of(BODY) == [
        {"v": 1, "kind": kind, "at": {"n": n}} for kind in ("order", 7, True) for n in (1, [2])
    ]
    shares = {path: [share for _, share in choice] for path, choice in choices_of(BODY).items()}
    assert shares == {("kind",): [0.8, 0.15, pytest.approx(0.05)], ("at", "n"): [0.5, 0.5]}


def test_bodies_vary_faster_than_attributes():
    both = message({"kind": {"a": 0.25, "b": 0.75}}, {"n": {"one_of": [1, 2]}})
    said = [(one.attributes["kind"]["value"], one.body["n"]) for one in said_by(both)]
    assert said == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert bodies_each(both) == 2
    assert shares_of_said(both) == [0.125, 0.125, 0.375, 0.375]


def test_an_attribute_is_a_number_or_an_array_where_all_its_values_are():
    words = message(
        {"n": {"100": 0.5, "2.5": 0.5}, "s": {"100": 0.5, "x": 0.5}, "a": {'["x"]': 0.5, "[]": 0.5}}
    )
    kinds = {name: one["type"] for name, one in said_by(words)[0].attributes.items()}
    assert kinds == {"n": "Number", "s": "String", "a": "String.Array"}


@pytest.mark.parametrize(
    ("policy", "scope", "share"),
    [
        ({"kind": ["order"]}, "MessageAttributes", 0.8),
        ({"price": [{"numeric": [">", 100]}]}, "MessageAttributes", 0.5),
        ({"kind": ["order"], "price": [250]}, "MessageAttributes", 0.4),
        ({"$or": [{"kind": ["refund"]}, {"price": [250]}]}, "MessageAttributes", 0.6),  # 1 - 0.8 x 0.5
        ({"other": [{"exists": False}]}, "MessageAttributes", 1.0),
        ({"shop": {"country": ["de"]}}, "MessageBody", 0.3),
        ({"kind": ["order"]}, "MessageBody", 0.0),
    ],
)
def test_the_share_that_passes_is_that_of_the_combinations_that_do(policy: Any, scope: Any, share: float):
    said = message(
        {"kind": {"order": 0.8, "refund": 0.2}, "price": {"100": 0.5, "250": 0.5}},
        {"shop": {"country": {"de": "30%", "fr": "rest"}}},
    )
    subscription: Any = SimpleNamespace(filter_policy=policy, filter_policy_scope=scope)
    assert share_passed(subscription, said) == pytest.approx(share, abs=1e-12)
    each = [
        one for one, passed in zip(shares_of_said(said), passes(policy, scope, said), strict=True) if passed
    ]
    assert sum(each) == pytest.approx(share, abs=1e-12)


def test_a_queue_gets_the_body_in_an_envelope_unless_delivery_is_raw():
    said = message({"kind": {"order": 1.0}}, {"kind": "order"})
    by_body, by_attribute = (
        [{"body": {"kind": ["order"]}}],
        [{"body": {"MessageAttributes.kind.Value": ["order"]}}],
    )
    assert worked(by_body, said, raw=True) == [True] and worked(by_body, said, raw=False) == [False]
    assert worked(by_attribute, said, raw=True) == [False] and worked(by_attribute, said, raw=False) == [True]


def test_a_message_without_a_body_is_no_json():
    assert worked([{"body": {"kind": ["order"]}}], message({"kind": {"order": 1.0}})) == [False]


@pytest.mark.parametrize(
    "shares", [{}, {"a": "50%"}, {"a": "60%", "b": "60%"}, {"a": "rest", "b": "rest"}, {"a": "x"}]
)
def test_shares_that_are_no_whole_are_refused(shares: Any):
    with pytest.raises(PydanticCustomError):
        shares_of(shares)


def test_attributes_are_drawn_the_same_whether_there_is_a_body_or_not(tmp_path: Path):
    from tests.scenarios.running import Ran

    text = """\
scenario: bodies
duration: 20s
producers:
  web: {target: q, arrivals: {rate: 50/s}, message: {attributes: {kind: {a: 30%, b: rest}}}}
queues: {q: {}}
functions: {f: {runtime: python3.13, work: 1ms, event_sources: {q: {}}}}
"""
    plain = Ran(written(tmp_path, text))["messages"]
    body = "{n: {one_of: [1, 2, 3]}, s: {x: 10%, y: rest}}"
    bodied = Ran(written(tmp_path, text, producers__web__message__body=body))["messages"]
    assert (bodied["attributes"] // 6 == plain["attributes"]).all()
    assert (bodied["offered_at"] == plain["offered_at"]).all()
    n, s = bodied["attributes"] % 6 // 2, bodied["attributes"] % 2
    # 1,000 messages: a third each within 5 standard errors of 1.5%, a tenth of 0.95%
    assert all(abs((n == k).mean() - 1 / 3) < 0.075 for k in range(3))
    assert abs((s == 0).mean() - 0.1) < 0.048
