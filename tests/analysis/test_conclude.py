import math

import pytest

from simulator.analysis.answer import Certainty, Consumer, Verdict
from simulator.analysis.arrivals import arrivals
from simulator.analysis.conclude import answer
from simulator.analysis.fluid import closed_forms
from simulator.analysis.paired import compared
from simulator.analysis.window import frame_of
from simulator.scenario.thresholds import GROUP, MAPPING, METRICS, QUEUE, RUN, SOURCE
from tests.analysis.rows import THINGS, a_run, reduced
from tests.analysis.scenarios import scenario
from tests.analysis.test_sentence import setting

ORDERS, CHARGE = "queues.orders", "functions.charge.event_sources.orders"


def settings(**more):
    consumer = Consumer(CHARGE, "function", ORDERS, "", 50.0, "5 slots / 100 ms", 5.0)
    return setting(consumers=[consumer], queues=[ORDERS, "queues.mail"], **more)


def concluded(folder, *seeds, **more):
    asked = scenario(folder, queue="{redrive: {queue: orders-dlq, max_receive_count: 5}}", **more)
    frame = frame_of(asked, THINGS)
    return answer(settings(), asked, frame, [reduced(frame, a_run(900, seed=seed)) for seed in seeds])


ONLY_WHERE_USED = (
    *("inversion", "starvation", "noisy_tenants"),
    *("own_work", "downstream", "waiting"),
    *("draining", "reaction"),
)
"""Numbers of queues polled by priority, of fair queues, of callers of downstreams, of fleets that scale."""


def test_an_answer_has_every_number_a_threshold_may_ask_for(tmp_path):
    found = concluded(tmp_path, 1, 2)
    scopes = {
        RUN: [""],
        QUEUE: ["queues.orders-dlq "],
        SOURCE: [f"{ORDERS} ", "queues.mail "],
        MAPPING: [f"{CHARGE} "],
        GROUP: ["auto_scaling_groups.post "],
    }
    wanted = {
        f"{scope}{name}{label}{'.' if statistic else ''}{statistic}"
        for name, metric in METRICS.items()
        if name not in ONLY_WHERE_USED
        for kind in metric.scopes
        for scope in scopes.get(kind, [])
        for label in (
            *([] if metric.label in ("limit", "stage") else [""]),
            *(f"{{{metric.label}={value}}}" for value in metric.values),
        )
        if "{tenants=" not in label
        for statistic in metric.statistics
    }
    assert wanted - found.estimates.keys() == set()


def test_thresholds_are_judged_in_their_order(tmp_path):
    found = concluded(
        tmp_path, 1, 2, 3, thresholds="[end_to_end.p50 < 1h, lost.count == 0, queues.mail wait.p50 > 1us]"
    )
    assert [result.verdict for result in found.thresholds] == [Verdict.HOLDS, Verdict.CROSSED, Verdict.HOLDS]
    assert found.sentence.startswith("Fails 1 of 3 thresholds: ")


def test_no_number_is_without_its_interval_but_what_is_censored_or_missing(tmp_path):
    found = concluded(tmp_path, 1, 2, 3)
    assert len(found.estimates) > 300
    for key, estimate in found.estimates.items():
        if estimate.certainty in (Certainty.INTERVAL, Certainty.EXACT, Certainty.NONE_SEEN):
            assert estimate.low <= estimate.mean * (1 + 1e-12), key
            assert estimate.mean <= estimate.high * (1 + 1e-12), key
        elif estimate.certainty is Certainty.AT_LEAST:
            assert math.isfinite(estimate.mean), key
        assert len(estimate.values) == 3, key


def test_a_label_never_adds_up_to_more_than_all(tmp_path):
    found = concluded(tmp_path, 1, 2).estimates
    causes = [
        e.mean for key, e in found.items() if key.startswith("duplicate_delivery{") and key.endswith(".count")
    ]
    assert sum(causes) == pytest.approx(found["duplicate_delivery.count"].mean)


def test_the_frame_says_how_wide_its_bins_are(tmp_path):
    found = concluded(tmp_path, 1)
    assert found.bin_s == 30.0
    assert set(found.series["at_s"] % 30.0) == {0.0}


def test_a_variant_is_compared_with_its_base_number_by_number(tmp_path):
    base, variant = concluded(tmp_path, 1, 2, 3), concluded(tmp_path, 4, 5, 6)
    found = compared(base, variant)
    assert found.differences.keys() == found.changes.keys() == base.estimates.keys()
    same = compared(base, base)
    assert same.differences["sent.count"].mean == 0.0
    assert found.series is variant.series


def test_arrivals_at_a_queue_are_what_filters_let_through(tmp_path):
    asked = scenario(tmp_path, arrivals="[{for: 20m, rate: 0/s, ramp_to: 100/s}, {rate: 50/s}]")
    first, second = arrivals(asked, "orders")
    assert first.messages == pytest.approx(60_000)
    assert second.messages == pytest.approx(120_000)
    assert arrivals(asked, "mail") == []
    assert sum(stretch.messages for stretch in arrivals(asked)) == pytest.approx(180_000)


def test_the_closed_form_of_a_backlog_stands_where_one_consumer_has_a_fixed_ceiling(tmp_path):
    phases = "[{for: 10m, rate: 20/s}, {for: 10m, rate: 200/s}, {for: 40m, rate: 10/s}]"
    (form,) = closed_forms(scenario(tmp_path, arrivals=phases), settings())
    assert (form.scope, form.quantity, form.at_s) == (ORDERS, "backlog", 1_200.0)
    assert form.value == pytest.approx(150 * 600)


def test_a_ceiling_that_must_be_ramped_up_to_has_no_closed_form(tmp_path):
    phases = "[{for: 10m, rate: 20/s}, {for: 10m, rate: 200/s}, {for: 40m, rate: 10/s}]"
    consumer = Consumer(CHARGE, "function", ORDERS, "", 150.0, "", 15.0)
    asked = scenario(tmp_path, arrivals=phases, maximum_concurrency=15)
    assert closed_forms(asked, setting(consumers=[consumer], queues=[ORDERS])) == []


def test_traffic_below_the_ceiling_has_no_peak_to_speak_of(tmp_path):
    assert closed_forms(scenario(tmp_path, arrivals="{rate: 20/s}"), settings()) == []
