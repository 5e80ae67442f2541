"""The bill as it is printed: it can be added up again, and its picture says what it shows."""

from dataclasses import replace

import pytest

from simulator.analysis.answer import Answer, Bill
from simulator.analysis.bill import estimates, priced
from simulator.analysis.charge_counts import Charge
from simulator.reporting import cost, style
from simulator.reporting.frames import Frames
from simulator.scenario.rules import dated
from tests.reporting.cases import burst


def charge(what: str, rule: str, units: float, *, per: float = 1e6, idle: float = 0.0) -> Charge:
    price = dated().value(rule) if rule else 0.0
    return Charge("SQS", what, "request", rule, price, per, [units, units], [units, units], [idle, idle])


def billed(*owed: Charge) -> Answer:
    bill = Bill(priced(dated(), owed, months=1_000.0, free_tier=False), False, (50_000.0, 50_000.0))
    answer = burst()
    return replace(answer, bill=bill, estimates={**answer.estimates, **dict(estimates(bill))})


SENDS = charge("sends to queue orders", "price.sqs.standard", 50_000.0)
POLLS = charge("empty receives from queue orders", "price.sqs.standard", 10_000.0, idle=1.0)


def test_the_printed_lines_add_up_to_the_printed_sum():
    page = cost.table(billed(SENDS, POLLS))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page if line.startswith("| ")]
    by_hand = [float(row[3].replace(",", "")) * float(row[5].split()[0]) / 1e6 for row in rows[1:-1]]
    assert by_hand == pytest.approx([20.0, 4.0])
    assert rows[-1][-2:] == ["**24.00**", "**4.00**"]


def test_the_title_says_what_is_dearest_and_what_waiting_costs():
    assert cost.title(billed(SENDS, POLLS)) == (
        "24.0 USD a month: 83 % is sends to queue orders; 4.00 USD pay for waiting"
    )
    assert cost.title(billed(SENDS)) == (
        "20.0 USD a month: 100 % is sends to queue orders; waiting costs nothing"
    )


def test_what_has_no_price_is_said_on_the_page_and_not_drawn():
    answer = billed(charge("zz9.large of group ship", "", 3.0, per=1.0))
    assert any("not known" in line for line in cost.table(answer))
    with style.context():
        assert cost.figure(Frames(answer)) is None
        assert cost.figure(Frames(billed(SENDS, POLLS))) is not None


def test_an_answer_without_a_bill_says_nothing_of_it():
    answer = replace(burst(), bill=Bill())
    assert not any((cost.table(answer), cost.in_short(answer), cost.as_json(answer)))
