"""Loops, heartbeats, priorities and denied access: what may be written, and what is said of the rest."""

from pathlib import Path

import pytest

from simulator.scenario import ScenarioError, load
from simulator.scenario.lint import lint
from simulator.scenario.schema import Scenario

GROUP = """
scenario: loops
duration: 1m
producers: {p: {target: high, arrivals: {rate: 1/s}}}
queues: {high: {}, low: {}}
auto_scaling_groups:
  g: {instance_type: x, work: 1s, capacity: {min: 1, max: 1}, %s}
"""


def read(tmp_path: Path, settings: str) -> Scenario:
    file = tmp_path / "loops.yaml"
    file.write_text(GROUP % settings)
    return load(file)


def said(tmp_path: Path, settings: str) -> str:
    with pytest.raises(ScenarioError) as error:
        read(tmp_path, settings)
    return "\n".join(f"{problem.path} {problem.message}" for problem in error.value.problems)


def test_a_plain_group_has_the_plain_loop(tmp_path):
    group = read(tmp_path, "queue: high").auto_scaling_groups["g"]
    assert (group.loop.kind, group.heartbeat, group.priority, group.queues) == (
        "sequential",
        None,
        None,
        ("high",),
    )


@pytest.mark.parametrize(
    ("written", "kind", "size"),
    [("barrier", "barrier", None), ("{permits: 50}", "permits", 50), ("{prefetch: 4}", "prefetch", 4)],
)
def test_a_loop_is_named_by_its_kind_or_its_size(tmp_path, written, kind, size):
    loop = read(tmp_path, f"queue: high, loop: {written}").auto_scaling_groups["g"].loop
    assert (loop.kind, loop.permits or loop.prefetch) == (kind, size)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("work_by_queue: {}", "has neither queue nor priority; give exactly one"),
        ("queue: high, priority: {strict: [high, low]}", "has both queue and priority; give exactly one"),
        ("queue: high, loop: permits", "loop.permits is missing; write {permits: 10}"),
        ("queue: high, loop: {kind: barrier, permits: 5}", "loop.permits has no meaning for barrier"),
        ("queue: high, loop: {permits: 0}", "loop.permits is 0; allowed: 1 to 100000"),
        ("queue: high, loop: sequentiel", "sequentiel"),
        ("priority: {strict: [high]}", "names one queue; a priority needs at least two"),
        ("priority: {strict: [high, high]}", "names a queue twice"),
        ("priority: {strict: high}", "a list of queues is due, the highest class first"),
        ("priority: {wait: 1s}", "has none of strict, weighted, credits; give exactly one"),
        ("priority: {strict: [high, low], credits: {high: 1, low: 1}}", "has strict and credits"),
        ("priority: {weighted: {high: 1, low: 0}}", "weighted.low is 0; allowed: 0.001 to 1000"),
        ("priority: {strict: [high, lwo]}", "is lwo; there is no such queue"),
        ("priority: {strict: [high, low], wait: 30s}", "wait is 30s; allowed: 0s to 20s"),
        ("queue: high, work_by_queue: {low: 3s}", "is no queue that g polls"),
        ("queue: high, heartbeat: {every: 10s}", "heartbeat.extend_to"),
        ("queue: high, denied: {a: {call: send, at: 1s, for: 1s}}", "denied.a.call"),
        ("queue: high, receive: {lost_answers: 95%}", "lost_answers is 95%; allowed: 0% to 90%"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(tmp_path, settings, message):
    assert message in said(tmp_path, settings)


def test_a_priority_has_its_queues_from_the_highest_class_down(tmp_path):
    for order in ("strict: [low, high]", "weighted: {low: 3, high: 1}", "credits: {low: 2, high: 0.5}"):
        group = read(tmp_path, f"priority: {{{order}}}").auto_scaling_groups["g"]
        assert group.queues == ("low", "high")


def test_what_is_dumped_reads_back_as_itself(tmp_path):
    scenario = read(
        tmp_path,
        "priority: {credits: {high: 2, low: 0.5}, ageing: 5m}, loop: {permits: 3}, work_by_queue: {low: 3s}, "
        "heartbeat: {every: 10s, extend_to: 20s}, denied: {a: {call: delete, at: 1s, for: 2s}}",
    )
    dumped = scenario.dump()
    again = Scenario.model_validate(dumped)
    assert again.dump() == dumped


@pytest.mark.parametrize(
    ("heartbeat", "timeout", "words"),
    [
        ("{every: 40s, extend_to: 1m}", "30s", "of high has ended, 30s"),
        ("{every: 20s, extend_to: 10s}", "30s", "not below extend_to"),
        ("{every: 10s, extend_to: 30s}", "30s", ""),
    ],
)
def test_a_heartbeat_that_comes_too_late_is_pointed_out(tmp_path, heartbeat, timeout, words):
    notes = [str(note) for note in lint(read(tmp_path, f"queue: high, heartbeat: {heartbeat}"))]
    assert len(notes) == bool(words)
    assert all(words in note for note in notes)


def test_inversions_and_starvation_can_be_promised(tmp_path):
    promises = "queues.low starvation < 30s, inversion.count == 0, queues.low inversion.share < 1%"
    file = tmp_path / "loops.yaml"
    file.write_text(GROUP % "priority: {strict: [high, low]}" + f"thresholds: [{promises}]\n")
    assert [one.key for one in load(file).thresholds] == [
        "queues.low starvation",
        "inversion.count",
        "queues.low inversion.share",
    ]
