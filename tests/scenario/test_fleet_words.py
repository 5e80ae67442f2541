"""How fleets are written: defaults of AWS and Kubernetes, what reads back, what is warned of."""

import json
from pathlib import Path

import pytest

from simulator.scenario import Scenario, load
from simulator.scenario.fleets import fleets
from simulator.scenario.lint import lint

TEXT = """
scenario: fleets
duration: 1h
producers:
  web: {target: orders, arrivals: {rate: 1/s}}
queues:
  orders: {visibility_timeout: 60s}
auto_scaling_groups:
  group:
    queue: orders
    instance_type: c6i.large
    work: 1s
    capacity: {min: 1, max: 4}
    zones: 3
    termination: [OldestInstance, Default]
    protect: busy
    spot: {share: 60%}
    warm_pool: {min: 1}
    policies:
      track: {target_tracking: {metric: busy_share, target: 0.7}}
      steps:
        step_scaling:
          metric: queues.orders.visible
          below: 10
          for: 5
          adjustment: percent
          steps: [{from: -5, to: 0, add: -10}, {to: -5, add: -30.5}]
      one: {simple_scaling: {alarm: deep, add: 2}}
      night: {scheduled: {at: 10m, every: 24h, min: 0, desired: 1}}
ecs_services:
  service:
    queue: orders
    work: 1s
    capacity: {min: 1, max: 4}
    policies: {track: {target_tracking: {target: 10, scale_in_cooldown: 1m}}}
deployments:
  pods:
    queue: orders
    work: 1s
    keda: {queue_length: 10}
    behavior: {scale_down: {policies: [{pods: 2, period: 60s}], select: Min}}
alarms:
  deep: {metric: queues.orders.visible, above: 100, for: 3}
"""


def read(folder: Path, text: str = TEXT, **sets: str) -> Scenario:
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, sets={name.replace("__", "."): value for name, value in sets.items()})


def test_fleets_read_back_as_themselves(tmp_path: Path):
    scenario = read(tmp_path)
    again = read(tmp_path, json.dumps(scenario.dump()))
    assert [fleet for _, _, fleet in fleets(again)] == [fleet for _, _, fleet in fleets(scenario)]
    assert [name for _, name, _ in fleets(again)] == ["group", "service", "pods"]


def test_steps_have_signs(tmp_path: Path):
    steps = read(tmp_path).auto_scaling_groups["group"].declared["steps"].step_scaling
    assert steps is not None
    assert [(step.lower, step.upper, step.add) for step in steps.steps] == [(-5, 0, -10), (None, -5, -30.5)]
    assert (steps.threshold, steps.points) == (10, 5)


def test_what_is_left_out_of_a_behavior_is_the_default_of_kubernetes(tmp_path: Path):
    pods = read(tmp_path).deployments["pods"]
    up, down = pods.behavior.scale_up, pods.behavior.scale_down
    assert (up.stabilization, up.select) == (0, "Max")
    assert [(one.percent, one.pods, one.period) for one in up.policies] == [
        (100, None, 15_000_000),
        (None, 4, 15_000_000),
    ]
    assert (down.stabilization, down.select) == (300_000_000, "Min")
    assert pods.keda is not None
    assert (pods.keda.min_replicas, pods.keda.max_replicas, pods.keda.scale_on_in_flight) == (0, 100, True)
    assert pods.drain == 30_000_000


def test_a_service_has_the_defaults_of_ecs(tmp_path: Path):
    service = read(tmp_path).ecs_services["service"]
    tracking = service.policies["track"]
    assert (tracking.scale_out_cooldown, tracking.scale_in_cooldown) == (300_000_000, 60_000_000)
    assert (service.drain, service.zones, service.cpu) == (30_000_000, 3, 0.25)


@pytest.mark.parametrize(
    ("metric", "warned"), [("queues.orders.visible", True), ("backlog_per_instance", False)]
)
def test_a_target_for_the_raw_depth_of_a_queue_is_warned_of(tmp_path: Path, metric: str, warned: bool):
    """EC2 Auto Scaling guide: the number of visible messages does not change with the size of the group."""
    policies = f"{{a: {{target_tracking: {{metric: {metric}, target: 100}}}}}}"
    notes = lint(read(tmp_path, auto_scaling_groups__group__policies=policies))
    assert any("take backlog_per_instance" in str(note) for note in notes) is warned
