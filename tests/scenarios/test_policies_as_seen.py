"""Scaling policies see what CloudWatch shows: one point a minute, a minute late, and nothing else."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from simulator.aws.sqs.standard import StandardQueue
from simulator.engine.taken import Taken
from simulator.recording.tables import Quantity
from tests.scenarios.running import MINUTE, SECOND, Ran, written

BURST = """
scenario: burst
duration: 40m
after: stop
producers:
  source:
    target: queue
    arrivals:
      - {for: 5m, rate: 10/s, process: even}
      - {for: 10m, rate: 200/s, process: even}
      - {rate: 1/s, process: even}
queues:
  queue: {visibility_timeout: 60s}
auto_scaling_groups:
  fleet:
    queue: queue
    instance_type: c6i.large
    workers_per_instance: 1
    receive: {max_messages: 10}
    boot: 40s
    work: 50ms
    instance_warmup: 60s
    capacity: {min: 1, max: 12}
    policies:
      backlog: {target_tracking: {target: 100}}
"""
STEP = {
    "duration": "11m",
    "producers__source__arrivals": "[{for: 5m, rate: 10/s, process: even}, {rate: 200/s, process: even}]",
}
STEP_AT = 5 * MINUTE
REACT = 13 * SECOND
BOOT = 40 * SECOND


def changes(run: Ran, quantity: Quantity) -> list[tuple[int, int]]:
    """From when on which value: (instant [us], value), the first one aside."""
    rows = run["changes"]
    chosen = rows["quantity"] == quantity
    pairs = sorted(zip(rows["from_at"][chosen].tolist(), rows["value"][chosen].tolist(), strict=True))
    return [pair for before, pair in pairwise(pairs) if before[1] != pair[1]]


def test_launches_start_between_the_earliest_and_the_latest_instant_of_the_arithmetic(tmp_path: Path):
    """Three points above the target, each published a minute later.

    A step at u: the first point above comes up to a minute later, two more after it, a minute until the
    third is published: u + 3 min to u + 4 min. Then 13 s to the launch, and the boot.
    """
    scenario = written(tmp_path, BURST, **STEP)
    decided = []
    for replication in range(8):
        run = Ran(scenario, replication=replication)
        at, _ = next((at, value) for at, value in changes(run, Quantity.DESIRED) if at > STEP_AT)
        assert STEP_AT + 3 * MINUTE <= at <= STEP_AT + 4 * MINUTE + SECOND
        served, _ = next((at, value) for at, value in changes(run, Quantity.IN_SERVICE) if at > STEP_AT)
        assert served == at + REACT + BOOT
        decided.append(at)
    # The phase of the minute is drawn in each replication: they are spread over it.
    assert max(decided) - min(decided) > 20 * SECOND


def test_scale_in_comes_no_sooner_than_15_low_points_after_the_backlog_is_gone(tmp_path: Path):
    run = Ran(written(tmp_path, BURST, duration="60m"))
    desired = changes(run, Quantity.DESIRED)
    shrink_at = next(at for (_, before), (at, after) in pairwise(desired) if after < before)
    copies = run["copies"]
    edges = np.arange(STEP_AT, shrink_at, SECOND)
    backlog = np.searchsorted(np.sort(copies["arrived_at"]), edges, side="right") - np.searchsorted(
        np.sort(copies["first_received_at"]), edges, side="right"
    )
    size = max(value for _, value in desired)
    low_from = edges[np.flatnonzero(backlog >= 70 * size)[-1]]
    assert low_from + 15 * MINUTE <= shrink_at <= low_from + 17 * MINUTE + SECOND


def test_poisoning_the_true_series_between_samples_changes_no_scaling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A queue that says nan to whoever asks at any other instant than a sample's, or after the end."""
    scenario = written(tmp_path, BURST)
    plain = Ran(scenario)
    asked: list[int] = []
    visible = StandardQueue.visible
    taken = Taken(scenario.rules, 1, 0)
    phase = int(taken.calls("cloudwatch/phase").next() * MINUTE)

    def only_at_samples(queue: StandardQueue, now: int) -> float:
        asked.append(now)
        sampled = (now - phase) % MINUTE == 0 or now == scenario.duration
        return visible(queue, now) if sampled else float("nan")

    monkeypatch.setattr(StandardQueue, "visible", only_at_samples)
    poisoned = Ran(scenario)
    sampled = {now for now in asked if (now - phase) % MINUTE == 0}
    assert len(sampled) == 40
    assert len(set(asked)) > 100  # whoever says why messages wait asked too, and was told nan
    for quantity in (Quantity.DESIRED, Quantity.IN_SERVICE, Quantity.ALARM):
        assert changes(poisoned, quantity) == changes(plain, quantity)
    assert len(changes(plain, Quantity.DESIRED)) >= 2


def test_a_policy_that_sees_nothing_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Insufficient data freezes the group, however deep the queue is."""
    monkeypatch.setattr("simulator.engine.groups.backlog_per_instance", lambda *_: float("nan"))
    run = Ran(written(tmp_path, BURST, **STEP))
    assert changes(run, Quantity.DESIRED) == []
    assert changes(run, Quantity.ALARM) != []
