from pathlib import Path

import pytest

from simulator.scenario import Scenario, ScenarioError, load

TEXT = """\
scenario: web
duration: 10m
producers:
  web: {target: orders, ARRIVALS, message: {MESSAGE}}
queues:
  orders: {}
"""


def made(folder: Path, arrivals: str = "arrivals: {rate: 20/s}", message: str = "") -> Scenario:
    file = folder / "web.yaml"
    file.write_text(TEXT.replace("ARRIVALS", arrivals).replace("MESSAGE", message))
    return load(file)


def shares(folder: Path, group: str) -> tuple[float, ...]:
    group_of_web = made(folder, message=f"group: {group}").producers["web"].message.group
    assert group_of_web is not None
    return group_of_web.shares


def test_uniform_groups_have_equal_shares(tmp_path: Path) -> None:
    assert shares(tmp_path, "{count: 4}") == (0.25,) * 4


def test_zipf_groups_fall_with_their_rank(tmp_path: Path) -> None:
    found = shares(tmp_path, "{count: 3, popularity: {zipf: 1}}")
    assert found == pytest.approx((6 / 11, 3 / 11, 2 / 11))
    assert sum(found) == pytest.approx(1)


def test_the_first_groups_have_their_shares_and_the_others_the_rest(tmp_path: Path) -> None:
    assert shares(tmp_path, "{count: 4, popularity: {first: [40%, 20%]}}") == (0.4, 0.2, 0.2, 0.2)
    assert shares(tmp_path, "{count: 2, popularity: {first: [75%, 25%]}}") == (0.75, 0.25)


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("{count: 0}", "group.count is 0; allowed: 1 to 1M"),
        (
            "{count: 2, popularity: {first: [50%, 20%]}}",
            "gives every group's share; they must add up to 100%",
        ),
        ("{count: 1, popularity: {first: [50%, 20%]}}", "has 2 shares for 1 groups"),
        ("{count: 9, popularity: {first: [90%, 20%]}}", "adds up to more than 100%"),
        ("{count: 9, popularity: {first: []}}", "a list of shares is due"),
        ("{count: 9, popularity: {zipf: 11}}", "popularity.zipf is 11; allowed: 0 to 10"),
        (
            "{count: 9, popularity: pareto}",
            "popularity is pareto; write uniform, {zipf: 1.1} or {first: [20%]}",
        ),
    ],
)
def test_wrong_groups_are_refused(tmp_path: Path, group: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        shares(tmp_path, group)
    assert said in str(refused.value)


def test_rest_is_what_the_other_shares_leave(tmp_path: Path) -> None:
    message = "attributes: {kind: {a: 0.1%, b: 70%, c: rest}, one: {only: rest}}"
    attributes = made(tmp_path, message=message).producers["web"].message.attributes
    assert attributes == {"kind": {"a": 0.001, "b": 0.7, "c": 0.299}, "one": {"only": 1.0}}


def test_shares_add_up_exactly_though_floats_do_not(tmp_path: Path) -> None:
    message = "attributes: {kind: {a: 10%, b: 20%, c: 70%}}"
    assert 0.1 + 0.2 + 0.7 != 1.0 or made(tmp_path, message=message)
    assert made(tmp_path, message=message).producers["web"].message.attributes["kind"]["c"] == 0.7


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("attributes: {kind: {a: 101%}}", "adds up to 101%"),
        ("attributes: {kind: {}}", "is an empty map; values with shares are due"),
        ("attributes: {kind: order}", "is order; values with shares are due"),
        ("size: 2MiB", "goes to 2MiB; MaximumMessageSize allows 1B to 1MiB"),
        ("size: 0B", "goes to 0B; MaximumMessageSize allows 1B to 1MiB"),
        ("poison: 101%", "message.poison is 101%; allowed: 0% to 100%"),
        (
            "attributes: {" + ", ".join(f"a{n}: {{x: rest}}" for n in range(11)) + "}",
            "has 11 attributes; SQS allows 10",
        ),
        (
            "attributes: {" + ", ".join(f"a{n}: {{x: 50%, y: 20%, z: rest}}" for n in range(9)) + "}",
            "has 19,683 combinations of values; at most 10,000 are allowed",
        ),
    ],
)
def test_a_wrong_message_is_refused(tmp_path: Path, message: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        made(tmp_path, message=message)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("arrivals", "messages"),
    [
        ("arrivals: {rate: 20/s}", 12_000),
        ("arrivals: [{for: 1m, rate: 0/s, ramp_to: 10/s}, {rate: 10/s}]", 300 + 5_400),
        ("arrivals: {rate: 20/s, bursts: {factor: 5, lasting: 30s, every: 5m}}", 12_000),
        ("arrivals: {interarrival: 2s}", 300),
        ("arrivals: {interarrival: {exponential: {mean: 100ms}}}", 6_000),
    ],
)
def test_the_expected_number_of_messages_is_the_integral_of_the_rate(
    tmp_path: Path, arrivals: str, messages: float
) -> None:
    scenario = made(tmp_path, arrivals)
    assert scenario.producers["web"].expected(scenario.duration) == pytest.approx(messages)


@pytest.mark.parametrize(
    ("arrivals", "said"),
    [
        ("arrivals: []", "arrivals is an empty list; give at least one phase"),
        ("arrivals: 20/s", "arrivals is 20/s; a list of phases, one phase, or"),
        ("arrivals: [{for: 10m, rate: 1/s}, {rate: 2/s}]", "arrivals.1 has no time left"),
        ("arrivals: [{for: 5m, rate: 1/s}, {for: 1m, rate: 2/s}]", "lasts 6m in all, but duration is 10m"),
        ("arrivals: [{rate: 1/s}, {for: 1m, rate: 2/s}]", "arrivals.0.for is missing"),
        ("arrivals: [{rte: 1/s}]", "arrivals.0.rte is not a known key; nearest is rate"),
        ("arrivals: {rte: 1/s}", "arrivals.rte is not a known key; nearest is rate"),
        ("arrivals: {interarrival: 0s}", "arrivals.interarrival has a mean of 0s"),
        (
            "arrivals: {rate: 1/s, ramp_to: 2/s, bursts: {factor: 2, lasting: 1s, every: 9s}}",
            "beside ramp_to",
        ),
        ("trace: {file: x.csv}", "trace.within is missing"),
        (
            "arrivals: {rate: 1/s}, trace: {file: x.csv, within: even}",
            "trace.file is x.csv; there is no such file",
        ),
    ],
)
def test_wrong_arrivals_are_refused(tmp_path: Path, arrivals: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        made(tmp_path, arrivals)
    assert said in str(refused.value)
