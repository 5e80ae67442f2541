import math

import pytest

from simulator.analysis import intervals
from simulator.analysis.answer import (
    Certainty,
    Consumer,
    Estimate,
    Event,
    FaultSpan,
    Setting,
    ThresholdResult,
    Verdict,
)
from simulator.analysis.sentence import duration, in_words, name_of, quantity, sentence, significant

CHARGE = "functions.charge.event_sources.billing"
ORDERS = "queues.billing"
NAN = math.nan


def setting(**more):
    consumer = Consumer(
        CHARGE,
        "function",
        ORDERS,
        "",
        400.0,
        "",
        100.0,
        limit_words={"maximum_concurrency": "maximum concurrency 100"},
    )
    given = {
        "name": "checkout",
        "question": "",
        "duration_s": 3_600.0,
        "seed": 1,
        "replications": 3,
        "rules": "2026",
        "version": "0.1.0",
        "traffic": "",
        "consumers": [consumer],
        "queues": [ORDERS],
        "dead_letter_queues": [],
        "events": [Event("burst ×10", 600.0, 1_200.0)],
        "headline": "end_to_end.p99",
        "drain_from_s": 1_200.0,
    }
    return Setting(**{**given, **more})


def exactly(value, unit="s"):
    return intervals.of_means([value * 0.99, value, value * 1.01], unit)


ESTIMATES = {
    "end_to_end.p99": exactly(277.0),
    "drain": exactly(331.0),
    f"{ORDERS} backlog.max": exactly(90_000.0, "1"),
    f"{ORDERS} sent.count": exactly(400_000.0, "1"),
    f"{CHARGE} limit{{limit=maximum_concurrency}}.share": exactly(0.2, "share"),
    f"{CHARGE} limit{{limit=arrivals}}.share": exactly(0.8, "share"),
    "lost.count": intervals.of_counts([0, 0, 0], [1.0] * 3, "1"),
    "dead_lettered.count": exactly(667.0, "1"),
}


def result(key, verdict):
    return ThresholdResult(key, key, 0.0, ESTIMATES[key], verdict)


def test_the_first_line_is_verdict_cause_headline_and_drain():
    verdicts = [
        result("end_to_end.p99", Verdict.CROSSED),
        result("lost.count", Verdict.HOLDS),
        result("drain", Verdict.HOLDS),
    ]
    assert sentence(setting(), verdicts, ESTIMATES, []) == (
        "Fails 1 of 3 thresholds: the burst ×10 outruns maximum concurrency 100; "
        "p99 end-to-end 4.62 min, drained 5.52 min after it"
    )


def test_the_drain_names_the_limit_that_held_it_longest():
    held = {
        f"{CHARGE} drain_limit{{limit=ramp}}.share": exactly(0.68, "share"),
        f"{CHARGE} drain_limit{{limit=maximum_concurrency}}.share": exactly(0.3, "share"),
        f"{CHARGE} drain_limit{{limit=arrivals}}.share": exactly(0.02, "share"),
    }
    line = sentence(setting(), [], ESTIMATES | held, [])
    assert line.endswith("drained 5.52 min after it, 68% of that held by the polling ramp")
    held[f"{CHARGE} drain_limit{{limit=ramp}}.share"] = exactly(0.2, "share")
    assert sentence(setting(), [], ESTIMATES | held, []).endswith("after it, 30% of that at that limit")
    held[f"{CHARGE} drain_limit{{limit=ramp}}.share"] = exactly(0.09, "share")
    held[f"{CHARGE} drain_limit{{limit=maximum_concurrency}}.share"] = exactly(0.05, "share")
    assert sentence(setting(), [], ESTIMATES | held, []).endswith("drained 5.52 min after it")


def test_a_fault_is_named_where_the_drain_counts_from_its_end():
    fault = FaultSpan("friday", "charge down", 600.0, 1_200.0, "functions.charge")
    line = sentence(setting(events=[], faults=[fault]), [], ESTIMATES, [])
    assert line.startswith("Charge down for 10 min, then maximum concurrency 100 holds back; ")
    assert line.endswith("drained 5.52 min after it")
    down = {f"{CHARGE} limit{{limit=consumer_down}}.share": exactly(0.5, "share")}
    line = sentence(setting(events=[], faults=[fault]), [], ESTIMATES | down, [])
    assert line.startswith("Charge down for 10 min; ")


def test_a_crossed_threshold_that_is_no_headline_brings_its_number():
    verdicts = [result("end_to_end.p99", Verdict.HOLDS), result("dead_lettered.count", Verdict.CROSSED)]
    line = sentence(setting(), verdicts, ESTIMATES, [])
    assert "p99 end-to-end 4.62 min, dead-lettered 667, drained" in line


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ([Verdict.HOLDS], "Holds its threshold"),
        ([Verdict.HOLDS] * 3, "Holds all 3 thresholds"),
        ([Verdict.CROSSED], "Fails its threshold"),
        ([Verdict.UNDECIDED, Verdict.HOLDS], "Undecided on 1 of 2 thresholds"),
        ([Verdict.CROSSED, Verdict.UNDECIDED], "Fails 1 of 2 thresholds, 1 undecided"),
    ],
)
def test_verdicts_are_counted(verdicts, words):
    results = [result("lost.count", verdict) for verdict in verdicts]
    link = ", though" if words.startswith("Holds") else ":"
    assert sentence(setting(), results, ESTIMATES, []).startswith(f"{words}{link} the burst")


def test_without_thresholds_the_line_begins_with_the_cause_or_the_number():
    assert sentence(setting(), [], ESTIMATES, []).startswith("The burst ×10 outruns")
    calm = {**ESTIMATES, f"{ORDERS} backlog.max": exactly(20.0, "1")}
    assert sentence(setting(), [], calm, []) == "P99 end-to-end 4.62 min, drained 5.52 min after it"
    assert sentence(setting(), [], {}, []) == "No data"


def test_a_backlog_of_less_than_five_seconds_of_traffic_has_no_cause():
    calm = {**ESTIMATES, f"{ORDERS} backlog.max": exactly(500.0, "1")}
    assert "outruns" not in sentence(setting(), [], calm, [])


def test_overload_is_for_good_and_a_drain_that_does_not_come_is_never():
    estimates = {
        **ESTIMATES,
        "drain": Estimate(NAN, NAN, NAN, "s", Certainty.NEVER, 3, "empty in 0 of 3 runs"),
    }
    line = sentence(setting(events=[]), [], estimates, [ORDERS])
    assert line == "Traffic outruns maximum concurrency 100 for good; p99 end-to-end 4.62 min, never drained"


def test_a_drain_that_comes_in_some_runs_says_in_how_many():
    some = Estimate(300.0, NAN, NAN, "s", Certainty.AT_LEAST, 3, "empty in 2 of 3 runs, median 5 min")
    assert sentence(setting(), [], {**ESTIMATES, "drain": some}, []).endswith("empty in 2 of 3 runs")


@pytest.mark.parametrize(
    ("from_s", "words"), [(0.0, "the start"), (3_600.0, "arrivals end"), (1_800.0, "30 min")]
)
def test_without_an_event_the_drain_says_from_when_it_counts(from_s, words):
    line = sentence(setting(events=[], drain_from_s=from_s), [], ESTIMATES, [])
    assert line.endswith(f"drained 5.52 min after {words}")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 ms"),
        (0.0123, "12.3 ms"),
        (0.9996, "1 s"),
        (43.21, "43.2 s"),
        (59.97, "1 min"),
        (277.0, "4.62 min"),
        (5_400.0, "90 min"),
        (9_000.0, "2.5 h"),
        (259_200.0, "3 d"),
    ],
)
def test_durations_are_in_the_unit_people_use(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0"), (667.0, "667"), (12_345.0, "12,300"), (0.012345, "0.0123"), (9.999, "10"), (-4.0, "-4")],
)
def test_numbers_have_three_significant_figures(value, words):
    assert significant(value) == words


def test_numbers_carry_their_unit_and_what_is_known_of_them():
    assert quantity(0.0107, "share") == "1.07%"
    assert quantity(1_422.2, "1/s") == "1,420/s"
    assert in_words(Estimate(60.0, NAN, NAN, "s", Certainty.AT_LEAST, 3)) == "> 1 min"
    assert in_words(Estimate(NAN, NAN, NAN, "s", Certainty.NEVER, 3)) == "never"
    assert in_words(intervals.no_data("s", 3)) == "no data"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("wait.p95", "p95 wait"),
        ("queues.billing end_to_end.p99.9", "billing p99.9 end-to-end"),
        ("dead_lettered{cause=visibility_timeout}.count", "dead-lettered (visibility timeout)"),
        ("drain", "drain"),
    ],
)
def test_keys_have_names(key, words):
    assert name_of(key) == words
