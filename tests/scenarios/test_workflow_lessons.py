"""What the ready scenarios of workflows teach, against arithmetic."""

import math
from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import Fate
from simulator.scenario import load
from tests.cli.typed import typed
from tests.scenarios.running import SECOND, Ran

SCENARIOS = Path(__file__).parents[2] / "scenarios"
DAY = 86_400 * SECOND


def lost(run: Ran, path: str) -> tuple[int, int]:
    """Executions that failed, and all."""
    copies = run["copies"]
    mine = copies["queue"] == run.things[path]
    return int((copies["fate"][mine] == Fate.DROPPED).sum()), int(mine.sum())


@pytest.fixture(scope="module")
def approvals() -> Ran:
    """Three weeks instead of a year, with more requests a day."""
    sets = {"duration": "20d", "discard": "0s", "producers.staff.arrivals": "{rate: 200/d}"}
    return Ran(load(SCENARIOS / "human_approval.yaml", sets=sets))


def test_requests_that_nobody_decides_are_those_that_two_people_let_lie(approvals: Ran) -> None:
    """The reviewer: 5% never, the others exponential with 2 d, up to 10 d; the manager 20%, 1 d, 5 d."""
    reviewer = 0.05 + 0.95 * math.exp(-10 / 2)
    manager = 0.2 + 0.8 * math.exp(-5 / 1)
    failed, of = lost(approvals, "workflows.requests")
    due = of * reviewer * manager
    assert abs(failed - due) < 3.5 * math.sqrt(due)
    assert 3.5 * math.sqrt(due) < 0.6 * due, "the interval tells something"


def test_a_concurrency_of_8_loses_orders_that_20_would_not() -> None:
    """Fail anyway: 1% sold out; 1/4 large, of them 1/5 new, 1/10 of these suspect; 2% declined."""
    files = {}
    for variant in ("", "twenty"):
        run = Ran(load(SCENARIOS / "order_workflow.yaml", variant=variant or None))
        failed, of = lost(run, "workflows.order")
        files[variant] = failed / of
    always = 1 - 0.99 * (1 - 0.25 * 0.2 * 0.1) * 0.98
    assert files[""] > 4 * always
    assert abs(files["twenty"] - always) < 3 * math.sqrt(always / 1_700) + 0.005


def test_an_execution_that_waits_for_a_person_lasts_as_long_as_the_person_takes(approvals: Ran) -> None:
    """The median of all is where 0.5 / 0.95 of those who answer have: an exponential with 2 d."""
    rows = approvals["deliveries"]
    mine = rows["queue"] == approvals.things["workflows.requests"]
    days = (rows["ended_at"][mine] - rows["started_at"][mine]) / DAY
    share = 0.5 / 0.95
    due = -2 * math.log(1 - share)
    spread = math.sqrt(0.25 / len(days)) / (0.95 * math.exp(-due / 2) / 2)
    assert abs(float(np.median(days)) - due) < 4 * spread


@pytest.mark.parametrize(
    ("variant", "seconds"),
    [("", 500 / 100 + 2), ("express", 500 / 1000 + 2), ("fifty_at_once", 500 / 50 * 2), ("inline", 13 * 2)],
)
def test_a_map_takes_what_its_narrowest_limit_says(variant: str, seconds: float):
    """Latencies of starts and transitions come on top, once for each that a slot works after another."""
    sets = {"duration": "2m", "producers.nightly.arrivals": "{rate: 2/m}"}
    run = Ran(load(SCENARIOS / "map_state.yaml", sets=sets, variant=variant), seed=9)
    copies = run["copies"]
    here = copies["queue"] == run.things["workflows.export"]
    lasted = (copies["succeeded_at"] - copies["sent_at"])[here] / SECOND
    assert len(lasted) >= 1
    waves = seconds / 2
    assert (lasted >= seconds - 0.02).all() and (lasted <= seconds + 1 + 0.3 * waves).all(), lasted


def test_a_lost_order_is_told_with_its_reason():
    path = SCENARIOS / "order_workflow.yaml"
    sets = ("--set", "duration=40s", "--set", "producers.shop.arrivals=[{rate: 20/s}]")
    seen = typed("explain", path, "--lost", *sets)
    assert seen.status == 0, seen.err
    assert seen.out.startswith("Lost: given up after 1 attempt, execution failed.")
    assert "only Retry and Catch of its states help" in " ".join(seen.out.split())
