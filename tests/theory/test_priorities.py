"""Strict polling of several queues against Cobham's formula: non-pre-emptive priorities, ideal polls."""

import functools

import numpy as np
import pytest

from simulator.analysis import theory
from tests.conformance import lab
from tests.conformance.lab import SECOND

CLASSES = {"high": 0.3, "mid": 0.25, "low": 0.25}
"""Load by each class; work has a mean of 1 s."""
REPLICATIONS = 12
MESSAGES = 12_000


@functools.cache
def waits(servers: int) -> list[dict[str, float]]:
    """Mean wait of each class in each replication [s], the first tenth left out."""
    duration_s = MESSAGES / (servers * sum(CLASSES.values()))
    window = (round(duration_s / 10 * SECOND), round(duration_s * SECOND))
    asked = lab.scenario(
        duration_s,
        producers={
            name: {"target": name, "arrivals": {"rate": lab.rate(servers * load)}}
            for name, load in CLASSES.items()
        },
        queues={name: {"visibility_timeout": "12h"} for name in CLASSES},
        auto_scaling_groups={
            "g": {
                "instance_type": "ideal",
                "priority": {"strict": list(CLASSES), "wait": "0s"},
                "work": {"exponential": {"mean": "1s"}},
                "workers_per_instance": servers,
                "capacity": {"min": 1, "max": 1},
            }
        },
    )
    runs = []
    for replication in range(REPLICATIONS):
        copies = lab.run(asked, replication).table("copies")
        counted = (copies["sent_at"] >= window[0]) & (copies["sent_at"] < window[1])
        wait = (copies["first_received_at"] - copies["sent_at"]) / SECOND
        place = copies["queue"] - copies["queue"].min()
        runs.append(
            {name: float(wait[counted & (place == index)].mean()) for index, name in enumerate(CLASSES)}
        )
    return runs


@pytest.mark.parametrize("servers", [1, 4])
@pytest.mark.parametrize("name", CLASSES)
def test_wait_of_each_class_under_strict_polling_is_cobhams(servers: int, name: str):
    """M/M/c within four standard errors; that these are small keeps the first assertion from being empty."""
    found = [run[name] for run in waits(servers)]
    residual = theory.erlang_c(servers, sum(CLASSES.values())) / servers
    expected = theory.cobham_waits(list(CLASSES.values()), residual)[list(CLASSES).index(name)]
    error = float(np.std(found, ddof=1) / np.sqrt(len(found)))
    assert abs(np.mean(found) - expected) < 4 * error
    assert error < 0.06 * expected


def test_priorities_change_who_waits_and_not_how_much_is_waited():
    """Kleinrock's conservation law: waits weighted by load are those of first come first served."""
    loads = list(CLASSES.values())
    for servers in (1, 4):
        residual = theory.erlang_c(servers, sum(loads)) / servers
        by_class = theory.cobham_waits(loads, residual)
        mean = sum(load * wait for load, wait in zip(loads, by_class, strict=True)) / sum(loads)
        assert mean == pytest.approx(theory.mmc_mean_wait(servers, sum(loads)))


def test_a_class_beyond_capacity_waits_for_ever_and_those_above_do_not():
    assert theory.cobham_waits([0.5, 0.6], 1.0) == [2.0, float("inf")]
