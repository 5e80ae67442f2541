"""What the first scale-out of a fleet took."""

import math
from dataclasses import replace

import pytest

from simulator.analysis import reaction
from simulator.analysis.answer import Certainty, Consumer, Event
from simulator.analysis.measures import Measures
from simulator.analysis.partial import Frame
from simulator.recording.tables import Quantity
from tests.analysis.rows import POST, THINGS, S, reduced, table
from tests.analysis.scenarios import scenario
from tests.analysis.test_sentence import setting

HOUR = 3_600 * S
GROUP = "auto_scaling_groups.post"
FRAME = Frame(THINGS, HOUR, queue_of={GROUP: "queues.mail"})
FLEET = Consumer(GROUP, "auto_scaling_group", "queues.mail", "", math.nan, "", 12.0)


def run(decided_us, served_us):
    """Two instances, one more early on; ten more are asked for at an instant and are there at another."""
    levels = [
        (Quantity.DESIRED, [(2, 0, 60 * S), (3, 60 * S, decided_us), (12, decided_us, HOUR)]),
        (Quantity.IN_SERVICE, [(2, 0, 99 * S), (3, 99 * S, served_us), (4, served_us, HOUR)]),
    ]
    rows = [(quantity, *row) for quantity, held in levels for row in held]
    quantity, value, since, until = zip(*rows, strict=True)
    changes = table(
        "changes",
        thing=POST,
        quantity=list(quantity),
        value=list(value),
        from_at=list(since),
        until_at=list(until),
    )
    return reduced(FRAME, {"changes": changes})


def reactions(*partials, since=900.0):
    found = reaction.estimates(Measures(FRAME, partials), setting(consumers=[FLEET]), since)
    return found[f"{GROUP} reaction{{stage=decided}}"], found[f"{GROUP} reaction{{stage=in_service}}"]


def test_decision_and_service_are_timed_to_the_microsecond_from_the_bursts_start():
    """Changes in the middle of a bin of ten seconds; what was added before the burst does not count."""
    decided, served = reactions(run(1_113_250_001, 1_157_499_999))
    assert decided.mean == pytest.approx(213.250001, abs=1e-9)
    assert served.mean == pytest.approx(257.499999, abs=1e-9)


def test_runs_that_never_scaled_out_are_left_out_and_counted():
    decided, _ = reactions(run(1_100 * S, 1_150 * S), run(1_120 * S, 1_170 * S), run(899 * S, 899 * S))
    assert decided.mean == pytest.approx(210.0)
    assert decided.note == "in 2 of 3 runs"
    assert decided.low == pytest.approx(210 - 12.7062 * 10, rel=1e-4)


def test_without_a_burst_there_is_nothing_to_say():
    assert reactions(run(1_100 * S, 1_150 * S), since=math.nan)[0].certainty is Certainty.NO_DATA


def test_the_burst_or_a_standing_backlog_begins_it(tmp_path):
    plain, standing = scenario(tmp_path), scenario(tmp_path, queue="{backlog: {messages: 1000}}")
    burst = setting(events=[Event("burst ×2", 1_800.0, 2_400.0), Event("burst ×10", 600.0, 1_200.0)])
    quiet = replace(burst, events=[])
    assert reaction.since_s(plain, burst) == reaction.since_s(standing, burst) == 600.0
    assert math.isnan(reaction.since_s(plain, quiet))
    assert reaction.since_s(standing, quiet) == 0.0
