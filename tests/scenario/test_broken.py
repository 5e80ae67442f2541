"""Sixty broken scenarios, each with what is said of it, and a repaired twin that loads."""

from pathlib import Path

import pytest

from simulator.scenario import ScenarioError, load
from tests.scenario.cases import BROKEN, REPAIRED, SAID


@pytest.mark.parametrize("name", SAID)
def test_broken_scenario_is_refused_and_the_place_named(name: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        load(BROKEN / f"{name}.yaml")
    said = [str(problem).removeprefix(f"{BROKEN}/{name}.yaml:").strip() for problem in refused.value.problems]
    assert any(line.startswith(SAID[name]) or SAID[name] in line for line in said), said


@pytest.mark.parametrize("name", SAID)
def test_repaired_twin_loads(name: str) -> None:
    scenario = load(REPAIRED / f"{name}.yaml")
    assert scenario.duration == 5_000_000
    assert sum(one.expected(scenario.duration) for one in scenario.producers.values()) < 1_000


def test_every_file_has_its_case_and_its_twin() -> None:
    assert {path.stem for path in BROKEN.glob("*.yaml")} == set(SAID)
    assert {path.stem for path in REPAIRED.glob("*.yaml")} == set(SAID)


def test_problems_of_all_kinds_are_found_at_once(tmp_path: Path) -> None:
    file = tmp_path / "many.yaml"
    file.write_text("""\
scenario: many
duration: 5
rules: 2051
producers:
  web: {target: ordres, arrivals: {rate: 20}}
  app: {target: ordres, arrivals: {rate: 20/s}}
queues:
  orders: {delay: 16m, retention: 5s, redrive: {queue: orders-dql}}
  returns: {redrive: {queue: order}}
functions:
  ship: {wrok: 5ms, work: {lognormal: {median: 5, p99: -1s}}, event_sources: {orders: {}}, runtime: rust}
thresholds: [wait.p95 < 2m, wait.p94 < 2m]
""")
    with pytest.raises(ScenarioError) as refused:
        load(file)
    found = [f"{problem.line}: {problem.path}" for problem in refused.value.problems]
    assert found == [
        "2: duration",
        "3: rules",
        "5: producers.web.arrivals.rate",
        "6: producers.app.target",
        "8: queues.orders.retention",
        "8: queues.orders.delay",
        "9: queues.returns.redrive.queue",
        "11: functions.ship.work.lognormal.median",
        "11: functions.ship.work.lognormal.p99",
        "11: functions.ship.wrok",
        "12: thresholds.1",
    ]


def test_what_a_broken_part_would_have_held_is_not_reported_as_missing(tmp_path: Path) -> None:
    file = tmp_path / "part.yaml"
    file.write_text("""\
scenario: part
duration: 5s
producers: {web: {target: orders, arrivals: {rate: 20/s}}}
queues: {orders: {delay: 16m}}
""")
    with pytest.raises(ScenarioError) as refused:
        load(file)
    assert [problem.path for problem in refused.value.problems] == ["queues.orders.delay"]


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    file.write_bytes(b"# x\n" * 200_000)
    with pytest.raises(ScenarioError, match="is longer than 256KiB"):
        load(file)


@pytest.mark.parametrize("name", ["no-such-file.yaml", ".", "no\0name.yaml"])
def test_a_file_that_cannot_be_read_is_said_to_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(tmp_path / name)


@pytest.mark.parametrize(("section", "most"), [("variants", 100), ("queues", 1_000)])
def test_there_are_not_endlessly_many_of_anything(tmp_path: Path, section: str, most: int) -> None:
    file = tmp_path / "many.yaml"
    text = "scenario: many\nduration: 5s\nqueues: {q: {backlog: {messages: 5}}}\n"
    many = ", ".join(f"n{number}: {{}}" for number in range(most + 1))
    text += f"variants: {{{many}}}\n" if section == "variants" else ""
    file.write_text(text if section == "variants" else text.replace("{q: ", f"{{{many}, q: "))
    with pytest.raises(ScenarioError, match=f"{section} has .* entries; at most {most:,} are allowed"):
        load(file)
