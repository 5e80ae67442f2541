from pathlib import Path

import pytest

from simulator.experiments.errands import Errand
from simulator.experiments.replications import carry_out_one
from simulator.scenario import load
from tests.cli.typed import typed
from tests.scenario.cases import BROKEN, REPAIRED, SAID


@pytest.mark.parametrize("name", SAID)
def test_a_broken_scenario_exits_2_names_the_place_and_writes_nothing(name: str, tmp_path: Path):
    path = BROKEN / f"{name}.yaml"
    seen = typed("run", path, "--out", tmp_path / "out")
    assert (seen.status, seen.out) == (2, "")
    assert str(path) in seen.err and "Traceback" not in seen.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", SAID)
def test_its_repaired_twin_is_valid_and_runs(name: str):
    path = REPAIRED / f"{name}.yaml"
    seen = typed("validate", path)
    assert (seen.status, seen.err) == (0, "")
    _, run = carry_out_one(Errand(load(path), 1, 0, None), lambda at, messages: None)
    assert run.end_at >= 5_000_000


@pytest.mark.parametrize("command", ["run", "validate", "compare"])
@pytest.mark.parametrize("path", ["nowhere.yaml", "."], ids=["missing", "folder"])
def test_a_file_that_cannot_be_read_exits_2(command: str, path: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = typed(command, path)
    assert (seen.status, seen.out) == (2, "")
    assert path in seen.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given", ["queues.orders.delay", "queues.nowhere.delay=5s", "=", "queues.orders.delay=soon"]
)
def test_a_wrong_set_exits_2_and_is_named(given: str, tmp_path: Path):
    twin = sorted(REPAIRED.glob("*.yaml"))[0]
    seen = typed("run", twin, "--set", given, "--out", tmp_path / "out")
    assert (seen.status, seen.out) == (2, "")
    assert "--set" in seen.err
    assert list(tmp_path.iterdir()) == []


def test_validate_checks_all_files_and_exits_2_if_any_is_wrong():
    names = sorted(SAID)
    seen = typed(
        "validate", REPAIRED / f"{names[0]}.yaml", BROKEN / f"{names[1]}.yaml", BROKEN / f"{names[2]}.yaml"
    )
    assert seen.status == 2
    assert f"{names[0]}.yaml: can be run" in seen.out
    assert f"{names[1]}.yaml" in seen.err and f"{names[2]}.yaml" in seen.err
