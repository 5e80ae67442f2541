"""A title is a finding, and it is true of every pixel below it."""

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from simulator.analysis.answer import Certainty
from simulator.reporting import (
    backlog,
    capacity_titles,
    duplicates,
    findings,
    latency,
    style,
    throughput,
    words,
)
from simulator.reporting.frames import Frames, Stretch
from tests.reporting import synthetic
from tests.reporting.cases import CASES, burst
from tests.reporting.test_charts import drawn, frames_of, lines_by_colour


def numbers_in(text):
    return [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\.?\d*", text)]


def curve(chart, name, colour, panel=0):
    line = lines_by_colour(drawn(chart, name).axes[panel])[colour]
    return np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)


def titles(frames):
    found = [module.title(frames) for module in (throughput, latency, duplicates, backlog)]
    consumer = capacity_titles.consumer_of(frames)
    return [*found, capacity_titles.title(frames, consumer)] if consumer else found


@pytest.mark.parametrize("name", CASES)
def test_title_says_something_and_has_no_unfinished_number(name):
    for title in titles(frames_of(name)):
        assert len(title) > 12
        assert title[0] == "p" or title[0].isupper() or title[0].isdigit()
        assert not re.search(r"\bnan\b|\binf\b|None|\{|  ", title)


@pytest.mark.parametrize("name", ["burst", "one_run", "pause", "25_minutes", "24_hours", "overloaded"])
def test_broken_minutes_in_the_title_are_those_above_the_line(name):
    frames = frames_of(name)
    _, p99 = curve("latency", name, style.PERCENTILES["p99"])
    known = p99[np.isfinite(p99)]
    broken = int((known >= 2.0).sum())
    title = latency.title(frames)
    if frames.bin_s == 60:
        assert f"broken in {broken} of {known.size} minutes" in title
    else:
        part, whole = broken * frames.bin_s, known.size * frames.bin_s
        assert f"broken in {words.duration(part, 2)} of {words.duration(whole, 2)}" in title
    assert words.duration(known.max()) in title


def test_promise_that_holds_in_every_minute_is_said_to_hold():
    made = synthetic.make(peak=200.0, base=200.0, runs=3)
    kept = [replace(made.thresholds[0], bound=60.0, text="queues.billing end_to_end.p99 < 1m")]
    title = latency.title(Frames(replace(made, thresholds=kept)))
    assert title.startswith("p99 end-to-end stays under 1 min in all 120 minutes")


def test_throughput_never_passes_what_the_title_allows_while_the_backlog_grows():
    x, done = curve("throughput", "burst", style.PROCESSED)
    _, sent = curve("throughput", "burst", style.SENT)
    title = throughput.title(frames_of("burst"))
    need, _, gives, lasting = numbers_in(title)
    rising = (x > 1800) & (x < 2400)
    assert done[rising].max() <= gives * 1.005
    assert sent[rising].max() == pytest.approx(need, rel=0.005)
    assert "maximum concurrency 320" in title
    behind = findings.behind_s(frames_of("burst"), frames_of("burst").behind())
    assert lasting == pytest.approx(behind / 60, abs=0.06)


def test_titles_and_summary_say_the_same_number():
    frames = frames_of("burst")
    assert words.value(frames.estimate("backlog.max")) in backlog.title(frames)
    assert words.value(frames.estimate("drain")) in backlog.title(frames)
    assert words.value(words.in_millionths(frames.estimate("duplicate_delivery.share"))) in duplicates.title(
        frames
    )


def test_backlog_that_never_empties_says_what_is_missing():
    title = backlog.title(frames_of("never_drained"))
    assert "never empty" in title
    x, y = curve("backlog", "never_drained", style.VISIBLE)
    during = (x > 900) & (x <= 1800)
    growth = np.polyfit(x[during], y[during], 1)[0]
    assert numbers_in(title)[-1] == pytest.approx(growth, rel=0.02)


def test_last_message_is_told_apart_from_the_end_of_the_backlog():
    made = burst()
    late = {**made.estimates, f"{synthetic.BILLING} drain": synthetic.estimate([1500.0, 1510.0, 1490.0], "s")}
    title = backlog.title(Frames(replace(made, estimates=late)))
    assert "it is gone 6 min, and the last message done 25" in title


def test_cause_named_first_is_the_most_frequent():
    frames = frames_of("burst")
    causes = duplicates.shares(frames)
    assert next(iter(causes)) == max(causes, key=lambda cause: causes[cause].mean)
    assert "visibility timeout" in duplicates.title(frames)


def test_no_duplicate_seen_is_said_with_the_number_of_runs():
    made = burst()
    none = {key: e for key, e in made.estimates.items() if "duplicate_delivery" not in key}
    series = made.series[~made.series["quantity"].str.startswith("duplicates")]
    title = duplicates.title(Frames(replace(made, estimates=none, series=series)))
    assert title == "No message was delivered twice in 10 runs"


def test_parts_of_the_scaling_delay_add_up_to_it():
    frames = frames_of("burst")
    consumer = capacity_titles.consumer_of(frames)
    assert consumer is not None and capacity_titles.is_fleet(consumer)
    title = capacity_titles.title(frames, consumer)
    total, *parts = re.findall(r"([\d.]+) (min|s)", title)
    seconds = [float(n) * (60 if unit == "min" else 1) for n, unit in (total, *parts)]
    assert sum(seconds[1:]) == pytest.approx(seconds[0], abs=30)


def test_event_is_named_as_a_noun():
    events = burst().setting.events
    assert findings.event_name(events[0], events) == "the burst"
    assert findings.event_name(events[0], [*events, *events]) == "a burst"
    assert findings.event_name(replace(events[0], label="ramp to 2,000/s"), events) == "the peak"


def test_nothing_sent_is_said_and_not_drawn_as_a_finding():
    for title in titles(frames_of("no_messages"))[:4]:
        assert "othing was sent" in title


def test_censored_headline_is_never_given_as_a_plain_number():
    made = burst()
    key = f"{synthetic.BILLING} end_to_end.p99"
    shut = replace(made.estimates[key], certainty=Certainty.AT_LEAST)
    assert words.value(shut).startswith("> ")


def test_a_backlog_is_not_over_when_only_the_messages_of_before_are():
    """Drained after 4 min, but what came meanwhile waits until 4.5 min: the curve's end is the moment."""

    def caught_up_s(until_s: float) -> float:
        told = SimpleNamespace(
            setting=SimpleNamespace(drain_from_s=0.0),
            estimate=lambda *_: SimpleNamespace(mean=240.0),
            bin_s=10.0,
        )
        return findings.caught_up_at(cast(Frames, told), Stretch(0.0, until_s, 40_000.0, 0.0, True))

    assert caught_up_s(270.0) == 270.0
    assert caught_up_s(250.0) == 240.0  # to a bin it is the same moment, and the drain knows it better
    assert caught_up_s(215.0) == 240.0  # the last one came back when nothing was visible any more
    assert caught_up_s(200.0) == 200.0
