"""What bound a consumer during the drain."""

import pytest

from simulator.analysis import limits
from simulator.analysis.answer import Certainty
from simulator.analysis.measures import Measures
from simulator.analysis.partial import Frame
from simulator.recording.tables import Limit, Quantity
from tests.analysis.rows import THINGS, S, copies, processed, reduced, table

POST, MAIL = THINGS.index("auto_scaling_groups.post"), THINGS.index("queues.mail")
HOUR = 3_600 * S
FRAME = Frame(
    THINGS,
    HOUR,
    frozenset({"queues.orders-dlq"}),
    {"auto_scaling_groups.post": "queues.mail"},
    drain_from_us=600 * S,
)


def run(gone_at, spans, **columns):
    """A message sent before the drain counts and gone at an instant; what bound the group, in spans."""
    sent = 590 * S
    stay = (
        copies([sent], queue=MAIL, ended_at=HOUR, fate=5)
        if gone_at is None
        else processed([sent], gone_at - sent - S, S, queue=MAIL)
    )
    names, since, until = zip(*spans, strict=True)
    changes = table(
        "changes",
        thing=POST,
        quantity=Quantity.LIMIT,
        value=list(names),
        from_at=[at * S for at in since],
        until_at=[at * S for at in until],
    )
    return reduced(FRAME, {"copies": stay, "changes": changes}, **columns)


def shares(*partials):
    estimates = Measures(FRAME, partials).estimates
    return {
        limit: estimates[f"auto_scaling_groups.post drain_limit{{limit={limit.name.lower()}}}.share"]
        for limit in Limit
    }


def test_shares_of_the_drain_are_times_at_each_limit_between_its_start_and_the_last_message():
    """From 600 s on, gone at 803 s: 73 s of lag, 100 s of boot, 30 s at the maximum; then arrivals."""
    spans = [
        (Limit.ARRIVALS, 0, 500),
        (Limit.METRIC_LAG, 500, 673),
        (Limit.BOOTING, 673, 773),
        (Limit.MAXIMUM_SIZE, 773, 803),
        (Limit.ARRIVALS, 803, 3600),
    ]
    found = shares(run(803 * S, spans))
    assert found[Limit.METRIC_LAG].mean == pytest.approx(73 / 203)
    assert found[Limit.BOOTING].mean == pytest.approx(100 / 203)
    assert found[Limit.MAXIMUM_SIZE].mean == pytest.approx(30 / 203)
    assert found[Limit.ARRIVALS].mean == pytest.approx(0.0, abs=1e-12)
    assert sum(share.mean for share in found.values()) == pytest.approx(1.0)


def test_a_run_that_does_not_drain_counts_until_its_end():
    spans = [(Limit.ARRIVALS, 0, 600), (Limit.MAXIMUM_SIZE, 600, 3600)]
    assert shares(run(None, spans))[Limit.MAXIMUM_SIZE].mean == pytest.approx(1.0)


def test_shares_of_the_drain_have_intervals_over_runs():
    halves = [(Limit.ARRIVALS, 0, 600), (Limit.BOOTING, 600, 650), (Limit.METRIC_LAG, 650, 3600)]
    quarters = [(Limit.ARRIVALS, 0, 600), (Limit.BOOTING, 600, 625), (Limit.METRIC_LAG, 625, 3600)]
    found = shares(run(700 * S, halves), run(700 * S, quarters))[Limit.BOOTING]
    assert found.mean == pytest.approx(0.375)
    assert found.low == 0.0 and found.high == 1.0


def test_a_drain_shorter_than_a_bin_says_nothing():
    spans = [(Limit.BOOTING, 0, 3600)]
    assert shares(run(609 * S, spans))[Limit.BOOTING].certainty is Certainty.NO_DATA
    assert shares(run(611 * S, spans))[Limit.BOOTING].mean == pytest.approx(1.0)


def test_a_consumer_without_a_queue_has_no_drain():
    frame = Frame(THINGS, HOUR, queue_of={"auto_scaling_groups.post": ""}, drain_from_us=0)
    partial = reduced(frame, {"changes": table(
        "changes", thing=POST, quantity=Quantity.LIMIT, value=Limit.RAMP, from_at=0, until_at=HOUR
    )})  # fmt: skip
    estimates = Measures(frame, [partial]).estimates
    assert estimates["auto_scaling_groups.post limit{limit=ramp}.share"].mean == 1.0
    assert not any("drain_limit" in key for key in estimates)
    assert set(limits.by_bin(Measures(frame, [partial]), 1)["limit"]) == {"ramp"}
