"""Faults as they are written: the drill library's blocks load, wrong ones are told where."""

import re
import textwrap
from pathlib import Path

import pytest

from simulator.experiments.fault_words import faults_of
from simulator.scenario import ScenarioError, load
from simulator.scenario.faults import EFFECTS, TARGETS, troubled
from simulator.scenario.lint import lint
from simulator.scenario.schema import Scenario

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
SYSTEM = """
scenario: drills
duration: 1h
producers: {shop: {target: orders, arrivals: [{rate: 10/s}]}}
queues: {orders: {}, letters: {}, parcels: {}, goods: {}}
functions:
  charge: {runtime: python3.13, work: 100ms, calls: {database: 1}, timeout: 3s, event_sources: {orders: {}}}
auto_scaling_groups:
  ship: {queue: parcels, instance_type: c6i.large, work: 100ms, capacity: {min: 4, max: 4}}
ecs_services:
  mail: {queue: letters, work: 100ms, capacity: {min: 4, max: 4}}
deployments:
  stock: {queue: goods, work: 100ms, replicas: 4}
downstreams: {database: {latency: 5ms}}
brokers: {main: {}}
"""


def written(tmp_path: Path, faults: str) -> Scenario:
    """The system with these entries under `faults:`."""
    file = tmp_path / "drills.yaml"
    file.write_text(f"{SYSTEM}faults:\n{textwrap.indent(faults, '  ')}")
    return load(file)


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.startswith("variants")])
def test_a_block_of_the_drill_library_loads_and_reads_back_as_itself(tmp_path: Path, block: str) -> None:
    scenario = written(tmp_path, block)
    assert len(scenario.faults) == block.count("{at:")
    dumped = scenario.dump()
    assert Scenario.model_validate(dumped).dump() == dumped
    assert {mark.name for mark in faults_of(scenario)} == set(scenario.faults)


def test_a_variant_of_the_drill_library_adds_its_fault(tmp_path: Path) -> None:
    (block,) = [block for block in BLOCKS if block.startswith("variants")]
    file = tmp_path / "drills.yaml"
    file.write_text(SYSTEM + block)
    (name,) = load(file).variants
    assert load(file, variant=name).faults["zone"].zone_loss == 0.33


def test_the_drill_library_has_every_target_and_effect() -> None:
    text = "\n".join(BLOCKS)
    assert {target for target in TARGETS if f" {target}: " in text} == set(TARGETS)
    effects = {effect for known in EFFECTS.values() for effect in known}
    assert {effect for effect in effects if f" {effect}: " in text} == effects


def test_only_conditions_that_change_are_made(tmp_path: Path) -> None:
    scenario = written(
        tmp_path,
        "a: {at: 1m, for: 1m, function: charge, slow: 2x}\n"
        "b: {at: 1m, for: 1m, downstream: database, down: true}\n"
        "c: {at: 1m, for: 1m, auto_scaling_group: ship, down: true}\n",
    )
    assert troubled(scenario.faults) == {"functions.charge", "downstreams.database"}


def test_faults_in_words(tmp_path: Path) -> None:
    marks = faults_of(
        written(
            tmp_path,
            "b: {at: 2m, for: 1m, downstream: database, slow: 2.5x, errors: 5%}\n"
            "a: {at: 2m, ecs_service: mail, deploy: {pause: 30s, drain: false}}\n"
            "c: {at: 1m, for: 1m, queue: orders, throttle: 5/s, call: delete}\n",
        )
    )
    assert [(mark.name, mark.words, mark.from_s, mark.until_s) for mark in marks] == [
        ("c", "orders delete throttled to 5/s", 60, 120),
        ("a", "mail deployed, 25% at a time, pause 30 s, without drain", 120, 120),
        ("b", "database ×2.5 slower, 5% errors", 120, 180),
    ]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("{at: 1m, for: 1m, down: true}", "meets nothing; give exactly one of function, auto_scaling_group"),
        ("{at: 1m, for: 1m, function: charge, queue: orders, down: true}", "meets function and queue; give"),
        ("{at: 1m, for: 1m, function: charge, down: true, slow: 2x}", "has down and slow; give exactly one"),
        (
            "{at: 1m, for: 1m, queue: orders, slow: 2x}",
            "slow has no meaning for a queue; known: throttle, denied",
        ),
        ("{at: 1m, for: 1m, metrics: blackout, slow: 2x}", "slow has no meaning for metrics"),
        ("{at: 1m, for: 1m, auto_scaling_group: ship, crash: 50%}", "for has no meaning for crash"),
        ("{at: 1m, for: 1m, function: charge, down: false}", "down is false; leave it out"),
        ("{at: 1m, for: 1m, function: charge, down: true, hang: true}", "hang has no meaning without `down"),
        ("{at: 1m, for: 1m, function: charge, slow: 2x, call: receive}", "call has no meaning without"),
        ("{at: 1m, for: 1m, queue: orders, throttle: 1.5/s, call: receive}", "throttle is a fraction"),
        ("{at: 1m, for: 1m, function: charge, errors: 130%}", "errors is 130%; allowed: 0% to 100%"),
        ("{at: 1m, for: 1m, function: charge, slow: 5000x}", "slow is 5000x; allowed: 0.1x to 1000x"),
        ("{at: 1m, for: 1m, function: charge, slwo: 3x}", "slwo is not a known key; nearest is slow"),
        ("{at: 1h, for: 1m, function: charge, slow: 3x}", "at is 1h; allowed: 0s to below the duration, 1h"),
        ("{at: 1m, auto_scaling_group: shpi, crash: 5%}", "is shpi; there is no such auto_scaling_group"),
    ],
)
def test_a_wrong_fault_is_told_why(tmp_path: Path, fault: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        written(tmp_path, f"drill: {fault}\n")
    (problem,) = refused.value.problems
    assert said in str(problem)
    assert "faults.drill" in str(problem)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (
            "{at: 1m, for: 5m, auto_scaling_group: ship, down: true}",
            "{at: 2m, auto_scaling_group: ship, crash: 5%}",
            "overlaps with faults.first: while all are down",
        ),
        (
            "{at: 1m, for: 5m, metrics: blackout}",
            "{at: 5m, for: 5m, metrics: blackout}",
            "overlaps with faults.first, which is metrics as well; make them one",
        ),
        (
            "{at: 1m, for: 5m, queue: orders, throttle: 5/s, call: receive}",
            "{at: 5m, for: 5m, queue: orders, throttle: 9/s, call: receive}",
            "overlaps with faults.first, which is throttle as well",
        ),
    ],
)
def test_faults_that_cannot_be_at_once_are_told(tmp_path: Path, first: str, second: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        written(tmp_path, f"first: {first}\nsecond: {second}\n")
    assert said in str(refused.value)


def test_faults_that_follow_each_other_or_add_up_are_fine(tmp_path: Path) -> None:
    written(
        tmp_path,
        "a: {at: 1m, for: 1m, auto_scaling_group: ship, down: true}\n"
        "b: {at: 2m, auto_scaling_group: ship, crash: 10%}\n"
        "c: {at: 1m, for: 5m, function: charge, slow: 2x}\n"
        "d: {at: 1m, for: 5m, function: charge, slow: 2x}\n"
        "e: {at: 1m, for: 5m, queue: orders, denied: receive}\n"
        "f: {at: 1m, for: 5m, queue: orders, denied: delete}\n"
        "g: {at: 1m, for: 5m, queue: orders, throttle: 5/s, call: receive}\n",
    )


def test_a_steady_question_has_no_faults(tmp_path: Path) -> None:
    file = tmp_path / "drills.yaml"
    file.write_text(f"{SYSTEM}discard: auto\nfaults: {{a: {{at: 1m, for: 1m, metrics: blackout}}}}\n")
    with pytest.raises(ScenarioError, match="discard is for a steady system"):
        load(file)


@pytest.mark.parametrize(
    ("fault", "queue"),
    [
        ("{at: 1m, for: 10m, auto_scaling_group: ship, down: true}", "parcels"),
        ("{at: 1m, for: 10m, function: charge, down: true}", "orders"),
        ("{at: 1m, for: 10m, queue: goods, denied: receive}", "goods"),
    ],
)
def test_a_retention_shorter_than_an_outage_is_told(tmp_path: Path, fault: str, queue: str) -> None:
    text = SYSTEM.replace(f"{queue}: {{}}", f"{queue}: {{retention: 5m}}", 1)
    file = tmp_path / "drills.yaml"
    file.write_text(f"{text}faults: {{away: {fault}}}\n")
    (note,) = [note for note in lint(load(file)) if "retention" in note.path]
    assert f"queues.{queue}.retention is 5m; faults.away lasts 10m: what is older than 5m" in str(note)
    assert not [note for note in lint(written(tmp_path, f"away: {fault}\n")) if "retention" in note.path]
