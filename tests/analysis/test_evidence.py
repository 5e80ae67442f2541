"""Too short and too rare is said."""

from types import SimpleNamespace

from simulator.analysis import intervals
from simulator.analysis.answer import Certainty, Estimate
from simulator.analysis.evidence import warnings

NAN = float("nan")


def said(key: str, estimates: dict[str, Estimate]) -> list[str]:
    return list(warnings(SimpleNamespace(headline=key), [], estimates))  # type: ignore[arg-type]


def test_a_quantile_beyond_the_messages_of_a_run_is_their_maximum():
    wait = intervals.of_means([1.0, 1.2], "s")
    for messages, told in ((300, 1), (3_000, 0)):
        sent = intervals.of_means([float(messages), float(messages)], "1")
        found = said("queues.a wait.p99.9", {"queues.a wait.p99.9": wait, "queues.a sent.count": sent})
        assert len(found) == told
    assert len(said("wait.p99", {"wait.p99": wait, "sent.count": intervals.of_means([90.0, 90.0], "1")})) == 1


def test_a_cause_seen_three_times_says_little():
    key = "duplicate_delivery{cause=failure}.count"
    assert len(said(key, {key: intervals.of_counts([1, 2], [1, 1], "1")})) == 1
    assert not said(key, {key: intervals.of_counts([10, 12], [1, 1], "1")})


def test_a_drain_that_is_cut_off_needs_a_longer_run():
    cut = Estimate(60.0, NAN, NAN, "s", Certainty.AT_LEAST, 10, "empty in 7 of 10 runs")
    assert "a longer duration is needed" in said("drain", {"drain": cut})[0]
