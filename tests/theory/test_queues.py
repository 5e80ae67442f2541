"""The engine against queueing theory: one queue, consumers that poll it, nothing but waiting.

Each test runs fixed replications. With fresh seeds a correct simulator would miss four standard errors
once in 1,300 times (more often for the skewed means of few replications); that the standard error is
small keeps the first assertion from being empty.
"""

import functools
from typing import Any

import numpy as np
import pytest

from simulator.analysis import theory
from tests.conformance import lab
from tests.conformance.lab import SECOND

MESSAGES = 25_000
REPLICATIONS = 20
WORK: dict[str, tuple[Any, float]] = {
    "constant": ("1s", 0.0),
    "exponential": ({"exponential": {"mean": "1s"}}, 1.0),
    "uneven": ({"gamma": {"mean": "1s", "shape": 0.5}}, 2.0),
}
"""Work with a mean of 1 s, and its squared coefficient of variation."""


@functools.cache
def replications(servers: int, load: float, work: str) -> list[dict[str, float]]:
    """Waits and numbers waiting of each replication, the first tenth left out."""
    duration_s = MESSAGES / (servers * load)
    window = (round(duration_s / 10 * SECOND), round(duration_s * SECOND))
    asked = lab.scenario(
        duration_s,
        producers={"p": {"target": "q", "arrivals": {"rate": lab.rate(servers * load)}}},
        queues={"q": {"visibility_timeout": "12h"}},
        auto_scaling_groups={"g": lab.workers("q", WORK[work][0], servers)},
    )
    return [lab.sojourns(lab.run(asked, r).table("copies"), window) for r in range(REPLICATIONS)]


def meets(values: list[float], expected: float, narrow: float) -> bool:
    """Whether the mean is within four standard errors of *expected*, and those are *narrow* (a share)."""
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    assert error < narrow * expected
    return abs(float(np.mean(values)) - expected) < 4 * error


def test_wait_of_ten_consumers_is_erlang_c():
    runs = replications(10, 0.8, "exponential")
    assert meets([run["p_wait"] for run in runs], theory.erlang_c(10, 0.8), narrow=0.05)
    assert meets([run["wq"] for run in runs], theory.mmc_mean_wait(10, 0.8), narrow=0.05)


@pytest.mark.parametrize("percent", [50, 95, 99])
def test_percentiles_of_the_wait_are_those_of_erlang_c(percent):
    found = [run[f"wq_p{percent}"] for run in replications(10, 0.8, "exponential")]
    expected = theory.mmc_wait_quantile(percent / 100, 10, 0.8)
    if expected:
        assert meets(found, expected, narrow=0.05)
    else:
        assert set(found) == {0.0}


@pytest.mark.parametrize("work", ["constant", "uneven"])
def test_wait_at_load_90_percent_is_pollaczek_khinchine(work):
    """M/D/1 and M/G/1: streams that knew each other (arrivals and work above all) would show here."""
    expected = theory.pollaczek_khinchine_wait(0.9, 1.0, WORK[work][1])
    assert meets([run["wq"] for run in replications(1, 0.9, work)], expected, narrow=0.1)


LITTLE: dict[str, dict[str, Any]] = {
    "workers": {
        "auto_scaling_groups": {"g": lab.workers("q", WORK["exponential"][0], 5)},
        "queues": {"q": {"visibility_timeout": "12h"}},
        "ideal": True,
    },
    "workers, FIFO": {
        "auto_scaling_groups": {"g": lab.workers("q", WORK["exponential"][0], 8)},
        "queues": {"q": {"type": "fifo", "visibility_timeout": "12h"}},
        "ideal": True,
    },
    "function, real latencies, failures": {
        "functions": {
            "f": {
                "runtime": "python3.13",
                "timeout": "30s",
                "work": WORK["exponential"][0],
                "failures": {"transient": "5%"},
                "event_sources": {"q": {"batch_size": 2, "maximum_concurrency": 5}},
            }
        },
        "queues": {"q": {"visibility_timeout": "3m", "delay": "2s"}},
        "ideal": False,
    },
}


@pytest.mark.parametrize("system", LITTLE)
def test_number_in_a_queue_is_rate_times_time_in_it(system):
    """Little's law: what an onlooker counts against what the rows say of each copy."""
    duration_s, rate = 2_000.0, 3.5
    window = (200 * SECOND, round(duration_s * SECOND))
    message = {"group": {"count": 40}}
    producers = {"p": {"target": "q", "arrivals": {"rate": lab.rate(rate)}, "message": message}}
    asked = lab.scenario(duration_s, producers=producers, **LITTLE[system])
    differences, seen_means = [], []
    replications = 10
    for replication in range(replications):
        seen = lab.Watch("q", lambda q, now: q.visible(now) + q.in_flight(now) + q.delayed(now), window)
        copies = lab.run(asked, replication, beside=seen).table("copies")
        sent = copies["sent_at"]
        counted = (sent >= window[0]) & (sent < window[1])
        time_s = float((copies["ended_at"] - sent)[counted].mean()) / SECOND
        arrivals_per_s = counted.sum() / (window[1] - window[0]) * SECOND
        seen_means.append(seen.mean())
        differences.append(seen.mean() - theory.little(arrivals_per_s, time_s))
    error = np.std(differences, ddof=1) / np.sqrt(replications)
    assert abs(np.mean(differences)) < 4 * error
    assert error < 0.01 * np.mean(seen_means)
