"""A bill: published prices to the cent, tiers and free units, and a sum that can be added up again."""

import math

import pytest

from simulator.analysis.bill import priced
from simulator.analysis.charge_counts import Charge
from simulator.analysis.machine_charges import hourly
from simulator.scenario.rules import dated

RULES = dated()
GB_S = ("price.lambda.x86_64.tier_2", "price.lambda.x86_64.tier_3")


def charge(rule, *units, unit="request", per=1e6, idle=None, **more):
    price = RULES.value(rule)
    return Charge("x", rule, unit, rule, price, per, units, units, idle or [0.0] * len(units), **more)


def usd(*owed, months=1.0, free_tier=False):
    """What a month costs, added up from its lines by hand."""
    lines = priced(RULES, owed, months=months, free_tier=free_tier)
    by_hand = math.fsum((line.month.mean - line.free.mean) * line.price / line.per for line in lines)
    assert by_hand == pytest.approx(math.fsum(line.month_usd.mean for line in lines), rel=1e-12, abs=1e-12)
    return by_hand


@pytest.mark.parametrize(("seconds", "dollars"), [(0.1, 1.87), (0.2, 3.53), (1.0, 16.87)])
def test_a_million_invocations_with_one_gb_cost_what_is_published(seconds: float, dollars: float):
    calls = charge("price.lambda.request", 1e6)
    work = charge("price.lambda.x86_64", 1e6 * seconds, tiers=GB_S)
    assert round(usd(calls, work), 2) == dollars


def test_thirty_five_million_requests_to_a_fifo_queue_cost_17_dollars_50():
    assert usd(charge("price.sqs.fifo", 35e6)) == pytest.approx(17.50, abs=1e-9)


@pytest.mark.parametrize(("requests", "dollars"), [(30e6, 12.00), (3e6, 1.20)])
def test_ten_million_messages_one_by_one_or_by_ten(requests: float, dollars: float):
    assert usd(charge("price.sqs.standard", requests)) == pytest.approx(dollars, abs=1e-9)


def test_free_units_are_the_accounts_and_go_to_the_lines_in_their_order():
    first = charge("price.sqs.standard", 0.7e6, free="price.sqs.free")
    second = charge("price.sqs.fifo", 0.7e6, free="price.sqs.free")
    lines = priced(RULES, [first, second], months=1.0, free_tier=True)
    assert [line.free.mean for line in lines] == pytest.approx([700_000, 300_000])
    assert usd(first, second, free_tier=True) == pytest.approx(0.4 * 0.50, rel=1e-12)
    assert usd(first, second) == pytest.approx(0.7 * 0.40 + 0.7 * 0.50, rel=1e-12)


def test_large_quantities_are_cheaper_tier_by_tier_over_all_functions_together():
    expected = 6_000 * 16.6667 + 9_000 * 15 + 5_000 * 13.3334
    assert usd(charge("price.lambda.x86_64", 20e9, tiers=GB_S)) == pytest.approx(expected, rel=1e-12)
    halves = [charge("price.lambda.x86_64", 10e9, tiers=GB_S)] * 2
    assert usd(*halves) == pytest.approx(expected, rel=1e-12)


def test_a_month_scales_the_window_and_waiting_is_a_part_of_it():
    polls = charge("price.sqs.standard", 900.0, idle=[1.0])
    work = charge("price.sqs.standard", 100.0)
    lines = priced(RULES, [polls, work], months=720.0, free_tier=False)
    assert lines[0].month.mean == 648_000
    assert [line.idle_usd.mean for line in lines] == pytest.approx([0.648 * 0.40, 0.0])
    assert lines[0].run_usd.mean == pytest.approx(900 * 0.4e-6)


def test_lines_have_intervals_over_replications():
    (line,) = priced(RULES, [charge("price.sqs.standard", 1e6, 2e6, 3e6)], months=1.0, free_tier=False)
    assert line.month_usd.values == pytest.approx((0.4, 0.8, 1.2))
    assert line.month_usd.low < 0.8 < line.month_usd.high


@pytest.mark.parametrize(
    ("kind", "price"),
    [("c6i.large", 0.085), ("c6i.2xlarge", 0.34), ("t3.small", 0.0208), ("m5.24xlarge", 4.608)],
)
def test_each_size_of_an_instance_doubles_its_price(kind: str, price: float):
    rule, found = hourly(RULES, kind)
    assert found == pytest.approx(price, rel=1e-9)
    assert rule in RULES.names()


@pytest.mark.parametrize("kind", ["zz9.large", "c6i.metal", "large", ""])
def test_an_unknown_instance_type_has_no_price(kind: str):
    assert hourly(RULES, kind) == ("", 0.0)
