"""What the ready scenarios about Lambda teach, in short versions of them."""

import numpy as np
import pytest

from simulator.recording.tables import Attempt, Cause, Fate, Limit, Quantity
from tests.scenarios.running import SECOND, Ran
from tests.scenarios.test_every_scenario import FILES, short

SCENARIOS = {path.stem: path for path in FILES}


def ran(name: str, variant: str = "") -> Ran:
    return short(SCENARIOS[name], variant)


def dead(run: Ran) -> np.ndarray:
    """Causes of what was dead-lettered."""
    copies = run["copies"]
    causes: np.ndarray = copies["cause"][copies["fate"] == Fate.DEAD_LETTERED]
    return causes


def spans_s(run: Ran) -> dict[Limit, float]:
    """How long each limit was the binding one [s]."""
    rows = run["changes"]
    mine = rows["quantity"] == Quantity.LIMIT
    spans = (rows["until_at"] - rows["from_at"])[mine] / SECOND
    return {limit: float(spans[rows["value"][mine] == limit].sum()) for limit in Limit}


def last_start_s(run: Ran, before_s: float) -> float:
    """When the last message sent before an instant was taken up [s]."""
    copies = run["copies"]
    return float(copies["first_started_at"][copies["sent_at"] < before_s * SECOND].max() / SECOND)


def test_a_burst_waits_for_the_ramp_and_less_for_pollers_of_ones_own():
    """6,000 messages of 2 s meet about 15 slots, and 5 more a second.

    So t after the burst began 7.5 t + 1.25 t^2 are done and 15 + 5 t under way: the last one starts at
    64 s; by the old rule, with 1 more a second, at 139 s.
    """
    base, old, own = (ran("lambda_burst", variant) for variant in ("", "rules_2022", "provisioned"))
    assert last_start_s(base, 50) == pytest.approx(30 + 64, abs=2)
    assert last_start_s(old, 50) == pytest.approx(30 + 139, abs=5)
    assert last_start_s(own, 50) < 75
    assert spans_s(base)[Limit.RAMP] > 40


def test_reserved_concurrency_kills_good_messages_and_maximum_concurrency_does_not():
    base = ran("reserved_vs_maximum_concurrency")
    assert len(dead(base)) > 10
    assert set(dead(base).tolist()) == {Cause.THROTTLE}
    for variant in ("maximum_concurrency", "five_receives"):
        other = ran("reserved_vs_maximum_concurrency", variant)
        assert len(dead(other)) == 0
        throttled = (other["invocations"]["attempt"] == Attempt.THROTTLED).any()
        assert throttled == (variant != "maximum_concurrency")


def test_a_drain_is_held_by_the_ramp_first_and_then_by_the_maximum():
    """10,000 x 2 s: the ramp to 400 takes 79 s and works 8,000 of them; the rest goes at 200 a second."""
    spans = spans_s(ran("backlog_drain"))
    assert spans[Limit.RAMP] == pytest.approx(79, abs=3)
    assert spans[Limit.MAXIMUM_CONCURRENCY] == pytest.approx((10_000 - 8_000 + 20 * 90) / 200, abs=4)
    own = spans_s(ran("backlog_drain", "provisioned"))
    assert own[Limit.RAMP] < 60
    assert own[Limit.MAXIMUM_CONCURRENCY] == 0


def test_a_partial_answer_returns_only_what_failed():
    shares = {}
    for variant in ("", "partial_responses", "batches_of_one"):
        deliveries = ran("partial_batch", variant)["deliveries"]
        shares[variant] = float((deliveries["receive_count"] > 1).mean())
        mates = deliveries["cause"] == Cause.BATCH_MATE
        assert mates.any() == (variant == "")
    assert shares["partial_responses"] == pytest.approx(0.02, abs=0.004)
    assert shares["batches_of_one"] == pytest.approx(shares["partial_responses"], abs=0.001)
    assert shares[""] > 2 * shares["partial_responses"]
