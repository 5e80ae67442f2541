"""Whole runs of fleets: what scale-in and spot do to work in hand, and how policies change sizes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from simulator.recording.tables import Attempt, Cause, Fate, Limit, Quantity
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import MINUTE, SECOND, Ran, written

GROUP = """
scenario: group
ideal: true
duration: 20m
after: stop
producers:
  source: {target: queue, arrivals: {rate: 2/s, process: even}}
queues:
  queue: {visibility_timeout: 5m}
auto_scaling_groups:
  fleet:
    queue: queue
    instance_type: c6i.large
    boot: 40s
    work: 8s
    capacity: {min: 0, max: 50, desired: 20}
"""
FLEET = "auto_scaling_groups__fleet__"
SERVICE = """
scenario: service
ideal: true
duration: 40m
after: stop
producers:
  source:
    target: queue
    arrivals:
      - {for: 5m, rate: 1/s, process: even}
      - {for: 9m, rate: 10/s, process: even}
      - {rate: 1/s, process: even}
queues:
  queue: {visibility_timeout: 5m}
ecs_services:
  fleet:
    queue: queue
    start: 35s
    work: 1s
    capacity: {min: 2, max: 20}
    policies: {backlog: {target_tracking: {target: 30}}}
"""
PODS = """
scenario: pods
ideal: true
duration: 40m
after: stop
producers:
  source: {target: queue, arrivals: [{for: 10m, rate: 0/s}, {for: 5m, rate: 2/s, process: even}, {rate: 0/s}]}
queues:
  queue: {visibility_timeout: 10m}
deployments:
  fleet:
    queue: queue
    receive: {max_messages: 1}
    start: 5s
    work: 20s
    keda: {}
"""


def sizes(run: Ran, quantity: Quantity = Quantity.DESIRED) -> list[tuple[int, int]]:
    """From when on which value: (instant [us], value)."""
    rows = run["changes"]
    chosen = rows["quantity"] == quantity
    pairs = sorted(zip(rows["from_at"][chosen].tolist(), rows["value"][chosen].tolist(), strict=True))
    return [pairs[0], *(after for before, after in pairwise(pairs) if before[1] != after[1])]


def crashed(run: Ran) -> np.ndarray:
    return np.flatnonzero(run["deliveries"]["attempt"] == Attempt.CRASHED)


def test_ten_percent_of_the_maximum_every_five_minutes_takes_fifty_minutes_to_full(tmp_path: Path):
    """By step scaling and by simple scaling: ten steps of 5, each with the five minutes after it."""
    simple = "{simple_scaling: {metric: queues.queue.visible, above: 0, add: 5, cooldown: 5m}}"
    step = "{step_scaling: {metric: queues.queue.visible, above: 0, steps: [{from: 0, add: 5}]}}"
    sets = {
        "duration": "70m",
        "producers__source__arrivals": "{rate: 20/s, process: even}",
        FLEET + "capacity": "{min: 0, max: 50}",
        FLEET + "work": "10m",
        FLEET + "boot": "0s",
        FLEET + "instance_warmup": "299s",  # the policy looks once a minute
    }
    for policy in (simple, step):
        run = Ran(written(tmp_path, GROUP, **sets, **{FLEET + "policies": f"{{p: {policy}}}"}))
        changes = sizes(run)[1:]
        assert [size for _, size in changes] == list(range(5, 51, 5))
        steps = [after - before for (before, _), (after, _) in pairwise(changes)]
        if policy is step:
            assert set(steps) == {5 * MINUTE}
            assert changes[-1][0] - changes[0][0] + 5 * MINUTE == 50 * MINUTE
        else:  # the cooldown begins when the instances serve, a microsecond later: a look comes too early
            assert set(steps) == {6 * MINUTE}


def test_scale_in_that_kills_gives_the_work_back_after_the_timeout_with_cause_crash(tmp_path: Path):
    policies = "{night: {scheduled: {at: 10m, desired: 2}}}"
    run = Ran(written(tmp_path, GROUP, **{FLEET + "policies": policies}))
    assert_rows_add_up(run)
    deliveries, killed = run["deliveries"], crashed(run)
    assert len(killed) == pytest.approx(14.4, abs=2)  # of 16 that work, the 18 of 20 that go have nine tenths
    assert np.all(deliveries["ended_at"][killed] == 10 * MINUTE)
    assert np.all(deliveries["left_at"][killed] == deliveries["received_at"][killed] + 5 * MINUTE)
    again = deliveries["receive_count"] > 1
    assert set(deliveries["cause"][again].tolist()) <= {Cause.CRASH}


@pytest.mark.parametrize("how", ["protect", "drain"])
def test_protection_and_a_lifecycle_hook_let_work_end(tmp_path: Path, how: str):
    setting = {"protect": {FLEET + "protect": "busy"}, "drain": {FLEET + "drain": "10s"}}[how]
    policies = "{night: {scheduled: {at: 10m, desired: 2}}}"
    run = Ran(written(tmp_path, GROUP, **{FLEET + "policies": policies}, **setting))
    assert not len(crashed(run))
    reached = {size: at for at, size in sizes(run, Quantity.IN_SERVICE)}
    assert (reached.get(2) == 10 * MINUTE) is (how == "drain")
    if how == "protect":  # two a second keep sixteen busy: only the four idle ones can go
        assert sizes(run)[-1] == (10 * MINUTE, 2)
        assert min(size for _, size in sizes(run, Quantity.IN_SERVICE) if size) == 16


def test_spot_work_that_ends_in_the_notice_is_saved_only_by_workers_that_listen(tmp_path: Path):
    """Work of 150 s: at the notice a worker is as likely at any of its seconds, 120 of 150 make it."""
    sets = {
        "producers__source__arrivals": "{rate: 20/m, process: even}",
        FLEET + "work": "150s",
        FLEET + "capacity": "{min: 50, max: 50}",
        "limits": "{asg.spot.monthly_rate: 0%}",
        "faults": "{wave: {at: 10m, auto_scaling_group: fleet, spot: 100%}}",
    }
    ignoring = Ran(written(tmp_path, GROUP, **sets, **{FLEET + "spot": "{share: 100%}"}))
    busy = 20 / 60 * 150
    assert len(crashed(ignoring)) == pytest.approx(busy, abs=2)
    lost_at = ignoring["deliveries"]["ended_at"][crashed(ignoring)]
    assert set(lost_at.tolist()) == {12 * MINUTE}
    listening = Ran(
        written(tmp_path, GROUP, **sets, **{FLEET + "spot": "{share: 100%, on_interruption: drain}"})
    )
    assert len(crashed(listening)) == pytest.approx(busy * 30 / 150, abs=2)
    for run in (ignoring, listening):
        assert_rows_add_up(run)
        assert max(size for at, size in sizes(run, Quantity.IN_SERVICE) if at > 12 * MINUTE) == 50


def test_spot_instances_are_taken_back_at_the_monthly_rate(tmp_path: Path):
    """7% a month: 10,000 instances for an hour lose 10,000 x -ln(0.93) / 720 in expectation, 1.008."""
    sets = {
        "duration": "10h",
        "producers__source__arrivals": "{rate: 1/h}",
        FLEET + "capacity": "{min: 3000, max: 3000}",
        FLEET + "spot": "{share: 100%, interruptions: 50%}",
    }
    run = Ran(written(tmp_path, GROUP, **sets))
    rows = run["changes"]
    launched = (rows["quantity"] == Quantity.BOOTING) & (rows["value"] > 0)
    expected = 3000 * np.log(2) / 72
    assert abs(int(rows["value"][launched].sum()) - expected) < 4 * np.sqrt(expected)


def test_a_service_scales_out_with_its_tasks_start_and_in_one_cooldown_after_another(tmp_path: Path):
    run = Ran(written(tmp_path, SERVICE, duration="70m", limits="{asg.tt.in_step: 10%}"))
    assert_rows_add_up(run)
    changes = sizes(run)
    first_at = changes[1][0]
    assert 8 * MINUTE <= first_at <= 9 * MINUTE + SECOND  # three points, each a minute late
    served_at = next(at for at, size in sizes(run, Quantity.IN_SERVICE) if size > 2)
    assert served_at == first_at + 35 * SECOND
    shrinks = [at for (_, before), (at, after) in pairwise(changes) if after < before]
    assert len(shrinks) >= 2
    assert all(after - before >= 5 * MINUTE for before, after in pairwise(shrinks))


def test_a_task_may_finish_for_its_stop_timeout_and_no_longer(tmp_path: Path):
    for timeout, work, dies in (("30s", "20s", False), ("30s", "45s", True), ("120s", "45s", False)):
        sets = {
            "ecs_services__fleet__policies": "{night: {scheduled: {at: 10m, min: 0, desired: 0}}}",
            "ecs_services__fleet__work": work,
            "ecs_services__fleet__stop_timeout": timeout,
            "duration": "15m",
        }
        run = Ran(written(tmp_path, SERVICE, **sets))
        assert bool(len(crashed(run))) is dies
        if dies:
            assert set(run["deliveries"]["ended_at"][crashed(run)].tolist()) == {10 * MINUTE + 30 * SECOND}


def test_keda_starts_the_first_pod_within_a_polling_interval_and_goes_back_to_zero(tmp_path: Path):
    for replication in range(3):
        run = Ran(written(tmp_path, PODS), replication=replication)
        changes = sizes(run)
        assert changes[0] == (0, 0)
        assert changes[1][1] == 1
        assert 10 * MINUTE <= changes[1][0] <= 10 * MINUTE + 31 * SECOND
        grown = [pair for pair in pairwise(changes[1:]) if pair[1][1] > pair[0][1]]
        assert all(after <= max(2 * before, before + 4) for (_, before), (_, after) in grown)
        assert {after - before for (before, _), (after, _) in grown[1:4]} == {15 * SECOND}
        assert max(size for _, size in changes) >= 38  # 2 a second for 20 s each
        assert changes[-1][1] == 0
        empty_at = int(run["copies"]["ended_at"].max())
        assert abs(changes[-1][0] - empty_at - 5 * MINUTE) < 31 * SECOND  # and a poll sooner or later
        assert set(run["copies"]["fate"].tolist()) == {Fate.DELETED}


def test_keda_that_does_not_count_messages_in_flight_takes_pods_from_their_work(tmp_path: Path):
    """Work of 8 min: five minutes after the queue is empty nothing is seen, though every pod works."""
    sets = {"deployments__fleet__work": "8m", "duration": "60m", "queues__queue__visibility_timeout": "12h"}
    sets["deployments__fleet__keda"] = "{queue_length: 1, max_replicas: 1000}"
    assert not len(crashed(Ran(written(tmp_path, PODS, **sets))))
    sets["deployments__fleet__keda"] = "{queue_length: 1, max_replicas: 1000, scale_on_in_flight: false}"
    assert len(crashed(Ran(written(tmp_path, PODS, **sets)))) > 100


def test_the_binding_limit_tells_cooldown_lag_and_a_policy_that_asks_for_no_more(tmp_path: Path):
    sets = {
        "duration": "30m",
        "producers__source__arrivals": "[{for: 5m, rate: 1/s, process: even}, {rate: 10/s, process: even}]",
    }
    sets[FLEET + "capacity"] = "{min: 0, max: 50, desired: 10}"
    simple = "{metric: queues.queue.visible, above: 100, add: 1, cooldown: 10m}"
    policies = {
        Limit.COOLDOWN: f"{{p: {{simple_scaling: {simple}}}}}",
        Limit.METRIC_LAG: "{p: {target_tracking: {target: 10}}}",
        Limit.POLICY: "{p: {target_tracking: {target: 10000}}}",
    }
    for limit, policy in policies.items():
        run = Ran(written(tmp_path, GROUP, **sets, **{FLEET + "policies": policy}))
        rows = run["changes"]
        bound = rows["quantity"] == Quantity.LIMIT
        lasted = {
            Limit(value): int((rows["until_at"] - rows["from_at"])[bound & (rows["value"] == value)].sum())
            for value in set(rows["value"][bound].tolist())
        }
        assert lasted.get(limit, 0) > 2 * MINUTE


def test_a_backlog_of_the_target_is_worked_off_in_the_acceptable_wait(tmp_path: Path):
    """The target is the acceptable wait over the work: 10 min / 250 ms is 2,400 for each instance."""
    sets = {
        "duration": "20m",
        "producers__source": "null",
        "queues__queue__backlog": "{messages: 9600}",
        FLEET + "work": "250ms",
        FLEET + "capacity": "{min: 4, max: 4}",
    }
    run = Ran(written(tmp_path, GROUP, **sets))
    assert int(run["copies"]["ended_at"].max()) == pytest.approx(10 * MINUTE, abs=SECOND)


@pytest.mark.parametrize(
    "shape",
    [
        {"loop": "barrier"},
        {"loop": "{permits: 10}", "receive": "{max_messages: 5}"},
        {"loop": "{prefetch: 2}"},
        {"heartbeat": "{every: 60s, extend_to: 3m}"},
        {"receive": "{wait_time: 0s}"},
    ],
)
def test_whatever_workers_do_books_balance_when_fleets_crash_stop_and_are_replaced(
    tmp_path: Path, shape: dict[str, str]
):
    faults = {
        "off": "{at: 3m, for: 2m, auto_scaling_group: fleet, down: true}",
        "half": "{at: 7m, auto_scaling_group: fleet, crash: 50%}",
        "zone": "{at: 9m, auto_scaling_group: fleet, zone_loss: 33%}",
        "wave": "{at: 11m, auto_scaling_group: fleet, spot: 50%}",
    }
    sets = {
        "faults": f"{{{', '.join(f'{name}: {fault}' for name, fault in faults.items())}}}",
        FLEET + "zones": "3",
        FLEET + "spot": "{share: 50%, on_interruption: drain}",
        **{FLEET + key: value for key, value in shape.items()},
    }
    run = Ran(written(tmp_path, GROUP, **sets))
    assert_rows_add_up(run)
    deliveries = run["deliveries"]
    down = (deliveries["received_at"] > 3 * MINUTE) & (deliveries["received_at"] < 5 * MINUTE)
    assert not down.any()
    assert np.sum(deliveries["ended_at"][crashed(run)] == 3 * MINUTE) >= 10
    assert sizes(run, Quantity.IN_SERVICE)[-1][1] == 20
