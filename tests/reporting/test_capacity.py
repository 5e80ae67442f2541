"""What the chart of capacity says of fleets, functions, alarms and faults."""

from dataclasses import replace

import pytest

from simulator.analysis.answer import FaultSpan
from simulator.reporting import (
    capacity,
    capacity_titles,
    findings,
    latency,
    reaction,
    style,
    summary,
    throughput,
    words,
)
from simulator.reporting.frames import Frames
from tests.reporting import synthetic
from tests.reporting.cases import burst, case


def fleet_of(frames):
    consumer = capacity_titles.consumer_of(frames)
    assert consumer is not None and consumer.path == synthetic.FLEET
    return consumer


def timed(made, decided, served):
    numbers = {
        f"{synthetic.FLEET} reaction{{stage=decided}}": synthetic.estimate([decided] * 3, "s"),
        f"{synthetic.FLEET} reaction{{stage=in_service}}": synthetic.estimate([served] * 3, "s"),
    }
    return Frames(replace(made, estimates={**made.estimates, **numbers}))


def test_parts_of_a_reaction_follow_each_other_from_the_burst_to_the_warm_ups_end():
    """The burst begins at 1,800 s; launch lasts 13 s each time, what is left of the start is the boot."""
    frames = timed(burst(), 222.0, 271.0)
    parts = reaction.parts(frames, fleet_of(frames))
    assert [(part.from_s, part.until_s) for part in parts] == [
        (1800.0, 2022.0),
        (2022.0, 2071.0),
        (2071.0, 2371.0),
    ]
    assert [part.label for part in parts] == [
        "metric + alarm 3.7 min",
        "launch 13 s, boot 36 s",
        "warm-up 5 min",
    ]
    assert [part.after for part in parts] == [False, False, True]


def test_stages_after_the_launch_share_what_is_left_as_they_are_expected_to_last():
    frames = timed(burst(), 200.0, 293.0)
    consumer = replace(fleet_of(frames), start_up={"launch": 13.0, "boot": 30.0, "bootstrap": 90.0})
    assert reaction.parts(frames, consumer)[1].label == "launch 13 s, boot 20 s, bootstrap 1 min"
    pods = replace(consumer, path="deployments.fraud", start_up={"start": 6.0}, warm_up_s=0.0)
    assert reaction.parts(frames, pods) == []  # its own reaction is not known


def test_no_scale_out_has_no_brackets():
    frames = timed(burst(), float("nan"), float("nan"))
    assert reaction.parts(frames, fleet_of(frames)) == []
    assert reaction.parts(Frames(case("constant")), fleet_of(Frames(case("constant")))) == []


@pytest.mark.parametrize(
    ("path", "unit", "what"),
    [
        ("auto_scaling_groups.fraud", "instances", "instances of group fraud"),
        ("ecs_services.fraud", "tasks", "tasks of service fraud"),
        ("deployments.fraud", "pods", "pods of deployment fraud"),
        ("functions.fraud", "concurrency", "concurrent invocations of function fraud"),
    ],
)
def test_consumers_of_every_kind_are_counted_in_their_own_units(path, unit, what):
    made = replace(fleet_of(Frames(burst())), path=path, queue="")
    assert capacity_titles.units(made) == unit
    assert capacity_titles.is_fleet(made) is (unit != "concurrency")
    with style.context():
        setting = replace(burst().setting, consumers=[made])
        figure = capacity.figure(Frames(replace(burst(), setting=setting)))
    assert figure is not None
    assert what in [text.get_text() for text in figure.texts]


def test_ceilings_far_above_are_named_together_and_not_drawn():
    frames = Frames(case("function_only"))
    with style.context():
        figure = capacity.figure(frames)
    assert figure is not None
    said = [text.get_text() for text in figure.texts]
    assert "maximum concurrency 320" in said
    assert "account concurrency 1,000, never near" in said


def test_alarms_are_spans_in_which_most_runs_are_in_alarm():
    frames = Frames(case("troubled"))
    alarms = {alarm.scope: alarm.spans for alarm in frames.alarms()}
    assert alarms[synthetic.FLEET] == [(1980.0, 2700.0), (4320.0, 5040.0)]
    assert alarms["alarms.deep"] == [(2040.0, 2700.0)]
    assert "alarms.never" not in alarms
    assert [alarm.scope for alarm in frames.alarms(frames.alarm_paths())] == ["alarms.old", "alarms.deep"]


def test_a_fault_is_marked_with_what_it_does_and_called_by_its_name():
    frames = Frames(case("troubled"))
    down = next(event for event in frames.events() if event.fault == "friday")
    assert (down.label, down.from_s, down.until_s) == ("fraud down", 4200.0, 4800.0)
    assert findings.event_name(down, frames.marked) == "fault friday"
    later = Frames(replace(frames.answer, setting=replace(frames.setting, drain_from_s=4800.0)))
    assert findings.since(later) == "after fault friday"


def test_things_have_names_by_their_kind():
    assert words.thing("functions.charge.event_sources.billing") == "function charge"
    assert words.thing("ecs_services.fraud") == "service fraud"
    assert words.thing("deployments.fraud") == "deployment fraud"


def test_a_fault_that_lasts_is_the_subject_of_what_it_left_behind():
    """Down from 1,500 s to 2,400 s, and the queue is behind until it is caught up after that."""
    made = burst()
    fault = FaultSpan("friday", "billing down", 1500.0, 2400.0, synthetic.CHARGE)
    consumers = [one for one in made.setting.consumers if one.path == synthetic.CHARGE]
    setting = replace(made.setting, events=[], faults=[fault], consumers=consumers)
    frames = Frames(replace(made, setting=setting))
    first, _, rest = throughput.title(frames).partition("; ")
    assert first == "Billing down for 15 min"
    stretch = frames.behind()
    assert stretch is not None
    after = words.duration(findings.caught_up_at(frames, stretch) - 2400.0, 2)
    assert rest.endswith(f"msg/s processing then stays behind for {after}")
    assert latency.title(frames).startswith("p99 end-to-end reaches ")
    assert "in fault friday" in latency.title(frames) or "of fault friday" in latency.title(frames)


def test_what_held_a_consumer_back_is_a_table_of_shares_of_run_and_drain():
    made = burst()
    shares = {
        f"{synthetic.CHARGE} limit{{limit=ramp}}.share": synthetic.estimate([0.01, 0.012, 0.014], "share"),
        f"{synthetic.CHARGE} drain_limit{{limit=ramp}}.share": synthetic.estimate([0.66, 0.68, 0.7], "share"),
        f"{synthetic.CHARGE} limit{{limit=cooldown}}.share": synthetic.estimate([0.0005] * 3, "share"),
    }
    page = summary.as_markdown([replace(made, estimates={**made.estimates, **shares})])
    table = page[page.index("## What held the consumers back") :].split("\n\n")[1].splitlines()
    assert table[0] == "| | limit | of the run | of the drain (after the burst) |"
    assert table[2].startswith("| function charge, queue billing | ramp +300/min | 1.2 % [")
    assert "| 68 % [" in table[2]
    assert len(table) == 3
    assert "held the consumers back" not in summary.as_markdown([made])
