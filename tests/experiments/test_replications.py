from pathlib import Path

import pytest

from simulator.experiments.compare import sides
from simulator.experiments.executors import Local, Standing
from simulator.experiments.replications import replicate, replicate_all
from simulator.scenario import ScenarioError, load

SMALL = Path(__file__).parents[1] / "cli" / "small.yaml"


def test_partials_are_the_same_whatever_the_jobs():
    one, two = (replicate(load(SMALL), replications=3, seed=5, executor=Local(jobs)) for jobs in (1, 2))
    assert one.partials == two.partials
    assert one.runs == two.runs
    assert [run.replication for run in one.runs] == [0, 1, 2]


def test_replications_are_independent_and_more_of_them_change_none():
    few, many = (replicate(load(SMALL), replications=n, seed=5, executor=Local(1)).partials for n in (2, 3))
    assert few == many[:2]
    assert few[0] != few[1]


def test_replication_of_every_side_has_the_same_key():
    base, slow, narrow = replicate_all(
        sides([SMALL]), replications=2, seed=9, executor=Local(1), rows_folders=[None, None, None]
    )
    assert [one.scenario.variant for one in (base, slow, narrow)] == ["", "slow", "narrow"]
    for one in (slow, narrow):
        assert [(run.seed, run.replication) for run in one.runs] == [(9, 0), (9, 1)]
        assert [run.messages for run in one.runs] == [run.messages for run in base.runs]


def test_progress_ends_at_the_duration_with_every_run_done():
    standings: list[Standing] = []
    done = replicate(load(SMALL), replications=2, seed=5, executor=Local(1), progress=standings.append)
    assert standings[-1].finished == 2
    assert standings[-1].messages == sum(run.messages for run in done.runs)
    assert min(standings[-1].simulated_at) >= 20_000_000


def test_assumptions_are_the_values_taken_that_aws_does_not_state():
    small = load(SMALL)
    done = replicate(small, replications=1, seed=5, executor=Local(1))
    assert all(small.rules.status(line.split(" ")[0]) != "confirmed" for line in done.assumptions)
    assert any(line.startswith("lat.sns_to_sqs = ") for line in done.assumptions)
    assert len(done.assumptions) < len(done.taken)


def test_problems_of_all_files_are_told_at_once(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(SMALL.read_text().replace("20s", name))
    with pytest.raises(ScenarioError) as refused:
        sides([tmp_path / "one.yaml", tmp_path / "two.yaml"])
    assert "one.yaml" in str(refused.value) and "two.yaml" in str(refused.value)
