"""The answer in words and tables."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from simulator.analysis.answer import Certainty, Estimate, Verdict
from simulator.reporting import comparison, summary, words
from tests.reporting import synthetic
from tests.reporting.cases import burst, case


def compared():
    other = synthetic.make(maximum=230.0, variant="fifo", seed=43)
    return burst(), synthetic.against(burst(), other)


def test_first_line_is_the_verdict_in_words():
    assert summary.as_text([burst()]).splitlines()[0] == burst().sentence + "."


def test_at_most_fifteen_numbers_and_each_has_its_interval():
    for name in ("burst", "crowded"):
        text = summary.as_text([case(name)])
        rows = [line for line in text.split("\n\n")[1].splitlines() if line.strip()]
        assert 5 <= len(rows) <= 15
        for row in rows:
            assert re.search(r"\[.+, .+\]|exact|at least|never|–", row), row


def test_no_number_is_said_twice():
    lines = summary.as_text([burst()]).splitlines()
    assert sum("p99" in line and "4.49 min" in line for line in lines[1:]) == 1


def test_what_fails_comes_first_where_thresholds_do_not_all_fit():
    shown = summary.as_text([case("crowded")]).split("\n\n")[1].splitlines()
    assert all(line[0] in "✗?" for line in shown)


def test_files_come_last_pictures_among_them():
    written = [
        Path("reports/x") / name
        for name in ("summary.md", "overview.png", "metrics.json", "fifo/overview.png")
    ]
    assert summary.as_text([burst()], written).rstrip().splitlines()[-2:] == [
        "reports/x/summary.md", "reports/x/overview.png",
    ]  # fmt: skip


def test_json_keys_are_stable_and_numbers_that_are_none_are_null():
    made = burst()
    gone = {
        **made.estimates,
        "drain": Estimate(float("inf"), float("nan"), float("nan"), "s", Certainty.NEVER, 10),
    }
    read = json.loads(summary.as_json([replace(made, estimates=gone)]))
    assert list(read) == [
        "scenario", "variant", "question", "duration_s", "seed", "replications", "rules", "verdict",
        "headline", "thresholds", "numbers", "bill", "assumptions", "warnings", "sentence",
    ]  # fmt: skip
    assert list(read["numbers"]) == sorted(gone)
    assert read["numbers"]["drain"] == {
        "mean": None, "low": None, "high": None, "unit": "s", "certainty": "never", "replications": 10,
        "note": "",
    }  # fmt: skip
    assert read["verdict"] == "crossed"


def test_verdict_is_the_worst_of_the_thresholds():
    made = burst()
    for verdicts, worst in (
        ((), "holds"),
        ((Verdict.HOLDS,), "holds"),
        ((Verdict.HOLDS, Verdict.UNDECIDED), "undecided"),
        ((Verdict.UNDECIDED, Verdict.CROSSED), "crossed"),
    ):
        thresholds = [replace(made.thresholds[0], verdict=verdict) for verdict in verdicts]
        assert json.loads(summary.as_json([replace(made, thresholds=thresholds)]))["verdict"] == worst


def test_json_has_twelve_figures_so_that_the_last_bit_of_a_sum_does_not_show():
    made = burst()
    third = replace(made, estimates={"x": Estimate(1 / 3, 1 / 3, 1 / 3 + 1e-16, "1", Certainty.EXACT, 1)})
    assert json.loads(summary.as_json([third]))["numbers"]["x"]["mean"] == 0.333333333333


def test_csv_has_a_line_for_every_number():
    rows = list(csv.DictReader(io.StringIO(summary.as_csv(list(compared())))))
    assert len(rows) == sum(len(answer.estimates) for answer in compared())
    assert {row["variant"] for row in rows} == {"", "fifo"}


def test_markdown_shows_charts_thresholds_and_assumptions():
    text = summary.as_markdown([burst()], ["overview.png"])
    assert "![overview](overview.png)" in text
    assert all(result.text in text for result in burst().thresholds)
    assert all(line in text for line in burst().assumptions)


def test_metrics_have_the_shape_of_get_metric_data():
    points = pd.DataFrame(
        {
            "namespace": "AWS/SQS", "metric": "NumberOfMessagesSent", "dimension": "QueueName",
            "name": "billing", "statistic": "Sum", "at_s": [0.0, 60.0, 120.0, 86_400.0 * 40],
            "value": [1.0, float("nan"), 2.5, 4.0],
        }
    )  # fmt: skip
    read = json.loads(summary.metrics_json(replace(burst(), points=points)))
    assert read["MetricDataResults"] == [
        {
            "Id": "m0",
            "Label": "AWS/SQS NumberOfMessagesSent QueueName=billing Sum",
            "Timestamps": [
                "1970-01-01T00:00:00+00:00",
                "1970-01-01T00:02:00+00:00",
                "1970-02-10T00:00:00+00:00",
            ],
            "Values": [1, 2.5, 4],
            "StatusCode": "Complete",
        }
    ]
    assert json.loads(summary.metrics_json(burst()))["MetricDataResults"] == []


def test_variants_get_names_of_their_own():
    same = replace(burst(), setting=replace(burst().setting, variant=""))
    assert comparison.folder_names([same, same]) == ["checkout", "checkout-2"]


def test_the_sides_of_a_comparison_have_one_name_each_in_every_place():
    base, other = compared()
    same = replace(base, setting=replace(base.setting, variant=""))
    assert comparison.pairs([same, same, other]) == [("base", "checkout"), ("base", other.setting.variant)]
    apart = replace(other, setting=replace(other.setting, name="shop", variant=""))
    assert comparison.pairs([same, apart]) == [("checkout", "shop")]
    text = summary.as_text([same, same])
    assert text.startswith("checkout: no difference seen in p99 end-to-end")
    assert "base: Fails" in text and "checkout: Fails" in text


def test_comparison_starts_with_the_headline_and_judges_by_what_is_good():
    rows = comparison.table(*compared())
    assert rows[0].key == burst().setting.headline
    assert rows[0].better is False
    seen = {row.key.split(" ")[-1]: row for row in rows}
    assert seen["dead_lettered.count"].better is None
    assert comparison.difference_words(seen["dead_lettered.count"])[0] == "no difference"
    base, other = compared()
    faster = replace(other, differences={k: replace(d, mean=-d.mean, low=-d.high, high=-d.low)
                                         for k, d in other.differences.items()})  # fmt: skip
    assert comparison.table(base, faster)[0].better is True


def test_higher_throughput_is_better_and_higher_latency_is_worse():
    base, other = compared()
    keys = [row.key for row in comparison.table(base, other)]
    up = {key: Estimate(1.0, 0.5, 1.5, "1", Certainty.INTERVAL, 10) for key in other.estimates}
    rows = comparison.table(base, replace(other, differences=up))
    assert len(rows) == len(keys)
    assert all(row.better is ("throughput" in row.key) for row in rows)


def test_bound_beyond_the_other_sides_interval_decides_a_censored_comparison():
    base, other = compared()
    key = base.setting.headline
    nothing = Estimate(float("nan"), float("nan"), float("nan"), "s", Certainty.NO_DATA, 0)
    for mean, better in ((9e5, False), (1.0, None)):
        bound = Estimate(mean, float("nan"), float("nan"), "s", Certainty.AT_LEAST, 10)
        shut = replace(
            other, estimates={**other.estimates, key: bound}, differences={key: nothing}, changes={}
        )
        row = comparison.table(base, shut)[0]
        assert row.better is better
        title = comparison.title(comparison.table(base, shut), ("base", "fifo"))
        assert ("no difference seen" in title) == (better is None)
        assert (words.value(bound) in title) == (better is False)


def test_never_is_an_answer_of_a_comparison():
    base, other = compared()
    key = base.setting.headline
    never = Estimate(float("inf"), float("nan"), float("nan"), "s", Certainty.NEVER, 10)
    shut = replace(other, estimates={**other.estimates, key: never}, differences={}, changes={})
    assert "to never" in comparison.title(comparison.table(base, shut), ("base", "fifo"))
    assert comparison.difference_words(comparison.table(base, shut)[0])[0] == "now never"


def test_comparison_table_has_a_row_a_metric():
    base, other = compared()
    page = summary.as_markdown([base, other]).splitlines()
    first = page.index("| queue billing | base | fifo | difference | |")
    lines = page[first : page.index("", first)]
    assert len(lines) == 2 + len(comparison.table(base, other))


def test_comparison_text_gives_every_sides_verdict():
    text = summary.as_text(list(compared()))
    assert text.startswith("fifo: p99 end-to-end +5.10 min [4.99, 5.21]")
    assert "base: Fails 2 of 4 thresholds" in text and "fifo: Fails 2 of 4 thresholds" in text
