"""A run that ended stays ended: it is kept under all that its result depends on."""

from dataclasses import replace

from simulator.experiments.errands import Errand, digest_of
from simulator.experiments.executors import Local
from simulator.experiments.finished import Finished
from simulator.experiments.replications import replicate_all
from simulator.scenario import load
from tests.experiments.test_replications import SMALL


class Nobody:
    """An executor that must have nothing left to do."""

    shares_disk = True

    def carry_out(self, work, tasks, *, watch=None, keep=None):
        assert not tasks
        return []


def test_what_ended_is_not_carried_out_again_and_is_the_same(tmp_path):
    finished = Finished(tmp_path / "work")
    (first,) = replicate_all([load(SMALL)], replications=2, executor=Local(1), finished=finished)
    (again,) = replicate_all([load(SMALL)], replications=2, executor=Nobody(), finished=finished)
    assert again.runs == first.runs
    assert again.frame == first.frame


def test_a_run_that_is_missing_is_carried_out_beside_those_that_ended(tmp_path):
    finished = Finished(tmp_path / "work")
    replicate_all([load(SMALL)], replications=1, executor=Local(1), finished=finished)
    (grown,) = replicate_all([load(SMALL)], replications=3, executor=Local(1), finished=finished)
    (whole,) = replicate_all([load(SMALL)], replications=3, executor=Local(1))
    assert grown.runs == whole.runs


def test_what_is_kept_is_known_by_all_that_a_run_depends_on_and_by_nothing_else():
    digest = digest_of(load(SMALL))
    assert digest == digest_of(load(SMALL, sets=["replications=7"]))
    assert digest == digest_of(load(SMALL, sets=["thresholds=[]"]))
    others = [load(SMALL, sets=["duration=3m"]), load(SMALL, sets=["limits={sqs.model.partitions: 8}"])]
    errand = Errand(load(SMALL), 1, 0, None, digest)
    same = {errand.key, replace(errand, seed=2).key, replace(errand, replication=1).key}
    assert len(same | {replace(errand, digest=digest_of(other)).key for other in others}) == 5


def test_nothing_stays_when_the_report_is_written(tmp_path):
    finished = Finished(tmp_path / "work")
    replicate_all([load(SMALL)], replications=2, executor=Local(1), finished=finished)
    assert finished.count() == 2
    finished.clear()
    assert not (tmp_path / "work").exists()
    finished.clear()
