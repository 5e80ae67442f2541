"""How many workers keep the wait short: M/M/c at an offered load of two (Erlang C), by fixed groups.

Two workers are never enough; three, four and five wait 0.444, 0.087 and 0.020 of the mean work.
"""

import numpy as np
import pytest

from simulator.analysis import theory
from tests.conformance import lab
from tests.conformance.lab import SECOND

MESSAGES = 8_000
REPLICATIONS = 10
WORK = {"exponential": {"mean": "1s"}}


def waits(servers: int, messages: int = MESSAGES, replications: int = REPLICATIONS) -> list[float]:
    """Mean wait [s] of each replication, the first tenth left out."""
    duration_s = messages / 2
    window = (round(duration_s / 10 * SECOND), round(duration_s * SECOND))
    asked = lab.scenario(
        duration_s,
        producers={"p": {"target": "q", "arrivals": {"rate": lab.rate(2)}}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", WORK, servers)},
    )
    return [lab.sojourns(lab.run(asked, r).table("copies"), window)["wq"] for r in range(replications)]


@pytest.mark.parametrize(("servers", "published"), [(3, 0.444), (4, 0.087), (5, 0.020)])
def test_mean_wait_of_three_four_and_five_workers_is_the_published_one(servers: int, published: float):
    expected = theory.mmc_mean_wait(servers, 2 / servers)
    assert expected == pytest.approx(published, abs=5e-4)
    found = waits(servers)
    error = float(np.std(found, ddof=1) / np.sqrt(len(found)))
    assert error < 0.12 * expected
    assert abs(float(np.mean(found)) - expected) < 4 * error


def test_two_workers_are_never_enough():
    """At full load the mean wait grows like the square root of time: four times the time, twice the wait."""
    short, long = np.mean(waits(2, 500)), np.mean(waits(2, 8_000))
    assert short > 5 * theory.mmc_mean_wait(3, 2 / 3)
    assert long > 2 * short
