"""Step Functions: rules of a Choice."""

from typing import Any

import pytest

from simulator.aws.step_functions.conditions import (
    COMPARISONS,
    AllOf,
    AnyOf,
    Asked,
    Comparison,
    Not,
)
from simulator.aws.step_functions.expressions import ExpressionProblem, Path, Query
from simulator.aws.step_functions.states import Choice, Data, DataError

ORDER = {
    "total": 120,
    "vip": True,
    "note": None,
    "city": "Oslo",
    "limit": 100,
    "at": "2026-03-01T10:00:00Z",
    "lines": [{"sku": "a"}, {"sku": "b"}],
}


def holds(path: str, operator: str, value: Any, document: Any = ORDER) -> bool:
    value = Path(value) if operator.endswith("Path") else value
    return Comparison(Path(path), operator, value).holds(Data(document), document)


@pytest.mark.parametrize(
    ("path", "operator", "value", "said"),
    [
        ("$.total", "NumericEquals", 120, True),
        ("$.total", "NumericGreaterThan", 120, False),
        ("$.total", "NumericGreaterThanEquals", 120, True),
        ("$.total", "NumericLessThan", 120.5, True),
        ("$.total", "NumericGreaterThanPath", "$.limit", True),
        ("$.city", "StringEquals", "Oslo", True),
        ("$.city", "StringLessThan", "Paris", True),
        ("$.city", "StringMatches", "O*o", True),
        ("$.city", "StringMatches", "o*", False),
        ("$.vip", "BooleanEquals", True, True),
        ("$.at", "TimestampLessThan", "2026-03-01T12:00:00+01:00", True),
        ("$.at", "TimestampEquals", "2026-03-01T11:00:00+01:00", True),
        ("$.note", "IsNull", True, True),
        ("$.total", "IsNull", False, True),
        ("$.total", "IsNumeric", True, True),
        ("$.vip", "IsNumeric", True, False),
        ("$.vip", "IsBoolean", True, True),
        ("$.at", "IsTimestamp", True, True),
        ("$.city", "IsTimestamp", True, False),
        ("$.lines[1].sku", "StringEquals", "b", True),
        ("$['city']", "IsString", True, True),
        ("$.nothing", "IsPresent", False, True),
        ("$.note", "IsPresent", True, True),
    ],
)
def test_comparisons(path: str, operator: str, value: Any, said: bool) -> None:
    assert holds(path, operator, value) is said


def test_a_value_of_another_type_never_compares() -> None:
    assert not holds("$.city", "NumericEquals", 1)
    assert not holds("$.vip", "NumericEquals", 1)
    assert not holds("$.total", "StringEquals", "120")
    assert not holds("$.city", "TimestampEquals", "2026-03-01T10:00:00Z")


def test_a_star_that_is_escaped_is_a_star() -> None:
    assert holds("$.s", "StringMatches", r"a\*b", {"s": "a*b"})
    assert not holds("$.s", "StringMatches", r"a\*b", {"s": "axb"})
    assert holds("$.s", "StringMatches", r"a\\*", {"s": "a\\b"})


def test_a_variable_that_is_not_there_fails_the_execution() -> None:
    with pytest.raises(DataError) as raised:
        holds("$.nothing", "NumericEquals", 1)
    assert raised.value.error == "States.Runtime"


def test_the_language_has_39_comparisons() -> None:
    """Texts, numbers, timestamps by five orders, with a value or a path; booleans; a pattern; six tests."""
    assert len(COMPARISONS) == 3 * 5 * 2 + 2 + 1 + 6


def test_rules_are_put_together() -> None:
    dear = Comparison(Path("$.total"), "NumericGreaterThan", 100)
    vip = Comparison(Path("$.vip"), "BooleanEquals", True)
    data = Data(ORDER)
    assert AllOf((dear, vip)).holds(data, ORDER)
    assert not AllOf((dear, Not(vip))).holds(data, ORDER)
    assert AnyOf((Not(dear), vip)).holds(data, ORDER)


def test_a_query_sees_the_input_and_variables() -> None:
    data = Data(ORDER, {"most": 100})
    assert Asked(Query("$states.input.total > $most and $count($states.input.lines) = 2")).holds(data, ORDER)


def test_a_query_that_is_neither_true_nor_false_fails_the_execution() -> None:
    with pytest.raises(DataError) as raised:
        Asked(Query("$states.input.total")).holds(Data(ORDER), ORDER)
    assert raised.value.error == "States.QueryEvaluationError"


@pytest.mark.parametrize(
    "text", ["$now()", "$random() > 0.5", "$uuid()", "$hash('a', 'MD5')", "$states.context.Execution.Id"]
)
def test_what_is_not_the_same_twice_or_only_aws_has_is_refused(text: str) -> None:
    with pytest.raises(ExpressionProblem):
        Query(text)


def test_the_name_of_a_function_within_a_text_is_no_call() -> None:
    Query("$states.input.city = '$now()'")


@pytest.mark.parametrize("text", ["total", "$.a[", "$$.Execution.Id"])
def test_what_is_no_path_here_is_refused(text: str) -> None:
    with pytest.raises(ExpressionProblem):
        Path(text)


def test_the_first_rule_that_holds_decides() -> None:
    dear = Comparison(Path("$.total"), "NumericGreaterThan", 100)
    vip = Comparison(Path("$.vip"), "BooleanEquals", True)
    assert Choice("C", ((dear, "A"), (vip, "B")), "D").decided(Data(ORDER))[0] == "A"
    assert Choice("C", ((Not(dear), "A"), (Not(vip), "B")), "D").decided(Data(ORDER))[0] == "D"


def test_without_a_rule_that_holds_and_a_default_there_is_no_choice() -> None:
    vip = Comparison(Path("$.vip"), "BooleanEquals", False)
    with pytest.raises(DataError) as raised:
        Choice("C", ((vip, "A"),)).decided(Data(ORDER))
    assert raised.value.error == "States.NoChoiceMatched"


def test_stated_shares_are_cut_at_their_sums() -> None:
    choice = Choice("C", shares=(("A", 0.9), ("B", 0.1)))
    assert [choice.chosen(chance) for chance in (0.0, 0.899, 0.9, 0.999)] == ["A", "A", "B", "B"]
