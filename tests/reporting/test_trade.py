from dataclasses import replace

import pytest

from simulator.analysis import intervals
from simulator.analysis.answer import Answer, Certainty, Estimate
from simulator.analysis.paired import compared
from simulator.analysis.trade import better, terms
from simulator.reporting import trade
from tests.reporting.cases import burst

RUNS = 5
HEADLINE = "queues.billing end_to_end.p99"
LUCK = (-2.0, -1.0, 0.0, 1.0, 2.0)


def answer(runs: int = RUNS, **means: float) -> Answer:
    """An answer with these means; luck moves all runs of either side alike, a tenth of a percent apart."""
    found = {
        key: intervals.of_means([mean * (1 + luck / 1000) for luck in LUCK[:runs]], unit)
        for key, unit, mean in (
            (HEADLINE, "s", means.get("p99", 4.0)),
            ("duplicate_delivery.share", "share", means.get("duplicates", 412e-6)),
            ("out_of_order.share", "share", means.get("order", 0.0)),
            ("dead_lettered.count", "1", means.get("dead", 12.0)),
            ("lost.count", "1", means.get("lost", 0.0)),
            ("cost.month", "USD", means.get("cost", 100.0)),
        )
    }
    for key in ("out_of_order.share", "lost.count"):
        if found[key].mean == 0:
            found[key] = replace(found[key], certainty=Certainty.NONE_SEEN)
    base = burst()
    setting = replace(base.setting, headline=HEADLINE, replications=runs, queues=["queues.billing"])
    return replace(base, setting=setting, estimates=found)


def said(base: Answer, variant: Answer) -> str:
    return trade.sentence(base, compared(base, variant), "FIFO")


def test_the_sentence_names_the_trade_and_then_what_did_not_move():
    """5.8 - 4 = 1.8 s, ± 1.8 x 0.1% x sd(-2..2) x t(97.5%, 4) / sqrt(5) = 0.0035; (123 - 100) / 100 = 23%."""
    assert said(answer(), answer(p99=5.8, duplicates=0.0, cost=123.0)) == (
        "FIFO: p99 end-to-end +1.80 s [1.796, 1.804], duplicates 412 to 0 per million, cost +23%; "
        "no difference seen in dead letters"
    )


def test_what_neither_side_has_is_not_said():
    assert "lost" not in said(answer(), answer(p99=5.0))
    assert "lost 0 to 3" in said(answer(), answer(lost=3.0))


def test_equal_sides_have_no_difference_in_anything():
    words = said(answer(), answer())
    assert words == "FIFO: no difference seen in p99 end-to-end, duplicates, dead letters and cost"


def test_an_interval_that_holds_zero_is_no_difference_however_large_its_mean():
    noisy = intervals.of_means([4.0 + luck * 3 for luck in (-1, 3, -2, 5, 0)], "s")
    base, variant = answer(), answer(p99=5.0)
    variant = replace(variant, estimates={**variant.estimates, HEADLINE: noisy})
    assert "no difference seen in p99 end-to-end" in said(base, variant)


def test_one_run_is_told_as_it_is_and_is_sure_of_nothing():
    words = said(answer(runs=1), answer(runs=1, p99=5.8))
    assert words.startswith("FIFO: p99 end-to-end ") and "dead letters" not in words
    assert words.endswith("; one run each, so no difference is sure")


def test_a_headline_that_becomes_never_is_worse_than_any_number():
    nan = float("nan")
    never = Estimate(nan, nan, nan, "s", Certainty.NEVER, RUNS, values=(float("inf"),) * RUNS)
    shut = answer()
    shut = replace(shut, estimates={**shut.estimates, HEADLINE: never})
    assert "p99 end-to-end 4 s to never" in said(answer(), shut)
    assert terms(answer(), compared(answer(), shut))[0].better is False
    assert terms(shut, compared(shut, answer()))[0].better is True


@pytest.mark.parametrize(("low", "high", "greater", "good"), [
    (1.0, 2.0, False, False), (-2.0, -1.0, False, True), (1.0, 2.0, True, True), (-1.0, 1.0, False, None),
])  # fmt: skip
def test_a_difference_is_good_by_the_sign_of_all_its_interval(
    low: float, high: float, greater: bool, good: bool | None
):
    side = Estimate(5.0, 4.0, 6.0, "s", Certainty.INTERVAL, RUNS)
    difference = Estimate((low + high) / 2, low, high, "s", Certainty.INTERVAL, RUNS)
    assert better(side, side, difference, greater=greater) is good


def test_a_pull_request_has_the_verdict_one_small_table_and_folds_the_rest():
    base = answer()
    variants = [
        replace(one, setting=replace(one.setting, variant=name))
        for name, one in (("fifo", answer(p99=5.8, cost=123.0)), ("wide", answer(dead=0.0)))
    ]
    page = trade.pull_request([base, *(compared(base, one) for one in variants)])
    shown, _, folded = page.partition("<details>")
    assert (
        "- **fifo: p99 end-to-end +1.80 s [1.796, 1.804]" in shown
        and "- **wide: dead letters 12 to 0" in shown
    )
    table = [line for line in shown.splitlines() if line.startswith("|")]
    assert table[0] == "| | base | fifo | wide |"
    assert {line.count("|") for line in table} == {5}
    assert any(line.startswith("| cost a month USD | 100 | 123 (+23") for line in table)
    assert "5 runs of each, 95 % intervals" in folded
    assert page.endswith("</details>\n")
