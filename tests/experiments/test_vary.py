"""Ranges and lists of values, as they are typed."""

import pytest

from simulator.experiments.vary import Vary, grid, parse, scenarios
from simulator.scenario import ScenarioError
from tests.experiments.test_replications import SMALL


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=2..5", ("2", "3", "4", "5")),
        ("a.b=10..40:10", ("10", "20", "30", "40")),
        ("a.b=10..45:10", ("10", "20", "30", "40")),
        ("a.b=10s..30s:10s", ("10s", "20s", "30s")),
        ("a.b=0.1s..0.3s:0.1s", ("0.1s", "0.2s", "0.3s")),
        ("a.b=0%..1%:0.25%", ("0%", "0.25%", "0.5%", "0.75%", "1%")),
        ("a.b=7..7", ("7",)),
        ("a.b=fifo,standard", ("fifo", "standard")),
        ("a.b=1,10,100", ("1", "10", "100")),
        ("a.b={hard: 1%, soft: 2%},{hard: 2%}", ("{hard: 1%, soft: 2%}", "{hard: 2%}")),
        ("a.b=[1, 2],[3]", ("[1, 2]", "[3]")),
        ("a.b=100/s..300/s:100/s", ("100/s", "200/s", "300/s")),
    ],
)
def test_what_is_typed_is_read(text, values):
    assert parse(text) == Vary("a.b", values)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.b", "write PATH=2..16"),
        ("=1..2", "write PATH=2..16"),
        ("a.b=", "write PATH=2..16"),
        ("a.b=5..2", "has no value"),
        ("a.b=1..5:0", "has no value"),
        ("a.b=1..5001", "at most 1,000"),
        ("a.b=10s..1m:10s", "mixes units"),
        ("a.b=10s..60s", None),
        ("a.b=10s..60s:10", "mixes units"),
        ("a.b=a..c", "numbers with one unit"),
        ("a.b=1,2,1", "has 1 twice"),
        ("a.b=1,,2", "an empty value"),
    ],
)
def test_what_cannot_be_read_says_what_to_write(text, said):
    if said is None:
        assert len(parse(text).values) == 51, "a step of one of the unit"
        return
    with pytest.raises(ScenarioError, match=said):
        parse(text, "--find")


def test_of_two_settings_the_last_varies_fastest():
    assert grid([Vary("a", ("1", "2")), Vary("b", ("x", "y"))]) == [
        ("1", "x"), ("1", "y"), ("2", "x"), ("2", "y"),
    ]  # fmt: skip


def test_all_that_is_wrong_with_any_point_is_said_at_once():
    timeouts = parse("queues.billing.visibility_timeout=6s,13h,14h")
    with pytest.raises(ScenarioError) as refused:
        scenarios(SMALL, [timeouts])
    assert len(refused.value.problems) == 2
    assert "13h" in str(refused.value) and "14h" in str(refused.value)


def test_an_unknown_path_is_named_with_its_nearest():
    with pytest.raises(ScenarioError, match="visibility_timeout"):
        scenarios(SMALL, [parse("queues.billing.visibility_timout=6s,7s")])


def test_a_point_is_the_scenario_with_its_value_in_place():
    found = scenarios(SMALL, [parse("queues.billing.visibility_timeout=6s,7s")], ["seed=3"])
    assert [(values, one.queues["billing"].visibility_timeout, one.seed) for values, one in found] == [
        (("6s",), 6_000_000, 3),
        (("7s",), 7_000_000, 3),
    ]
