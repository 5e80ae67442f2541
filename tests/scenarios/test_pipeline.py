"""What the scenario about a pipeline teaches: the stage that fan-out loads is the limit, not the first."""

import numpy as np

from simulator.engine.things import things_of
from simulator.recording.tables import NONE, Attempt
from simulator.scenario.loading import load
from simulator.scenario.schema import Scenario
from tests.engine.running import Rows, run
from tests.scenarios.test_every_scenario import FILES, SHORTER

FILE = next(path for path in FILES if path.stem == "pipeline")


def stage(variant: str = "") -> tuple[Scenario, Rows]:
    scenario = load(FILE, sets=SHORTER["pipeline"], variant=variant)
    return scenario, run(scenario)


def waits_s(scenario: Scenario, rows: Rows, queue: str) -> np.ndarray:
    copies = rows["copies"]
    here = (copies["queue"] == things_of(scenario).index(f"queues.{queue}")) & (
        copies["first_started_at"] != NONE
    )
    waits: np.ndarray = (copies["first_started_at"] - copies["sent_at"])[here] / 1e6
    return waits


def test_records_wait_for_the_workers_and_nowhere_else():
    scenario, rows = stage()
    assert np.percentile(waits_s(scenario, rows, "records"), 99) > 20
    for queue in ("files", "store", "audit"):
        assert np.percentile(waits_s(scenario, rows, queue), 99) < 1


def test_a_second_pair_of_instances_ends_it_and_a_faster_first_stage_does_not():
    twice, slow = stage("twice_enrich"), stage("faster_cut")
    assert np.percentile(waits_s(*twice, "records"), 99) < 10
    assert np.percentile(waits_s(*slow, "records"), 99) > 20


def test_every_stage_gets_what_the_one_before_it_sends():
    scenario, rows = stage()
    copies, deliveries, things = rows["copies"], rows["deliveries"], things_of(scenario)
    records = things.index("queues.records")
    done = (deliveries["queue"] == records) & (deliveries["attempt"] == Attempt.SUCCEEDED)
    sent_on = (copies["queue"] == things.index("queues.store")).sum()
    assert sent_on == done.sum()
    files = (copies["queue"] == things.index("queues.files")).sum()
    share = (copies["queue"] == records).sum() / files  # of 1, 3 and 10: 4 on average
    assert abs(share - 4) < 4 * np.sqrt((0.2 * 1 + 0.6 * 9 + 0.2 * 100 - 16) / files)
