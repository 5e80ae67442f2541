"""What AWS refuses about dead-letter queues, redrive tasks and high throughput, in a scenario's words."""

from pathlib import Path

import pytest

from simulator.scenario import ScenarioError, load

BASE = """
scenario: dead
duration: 1h
producers:
  shop: {target: orders, arrivals: {rate: 1/s}, message: {group: {count: 10}}}
queues:
  orders: {redrive: {queue: dlq}}
  dlq: {retention: 14d}
  other: {}
  line: {type: fifo}
redrive_tasks:
  back: {from: dlq, at: 30m}
"""


def problems(tmp_path: Path, **sets: str) -> str:
    path = tmp_path / "scenario.yaml"
    path.write_text(BASE)
    try:
        load(path, sets={name.replace("__", "."): value for name, value in sets.items()})
    except ScenarioError as error:
        return str(error)
    return ""


def test_a_redrive_task_moves_500_a_second_where_nothing_else_is_said(tmp_path: Path):
    path = tmp_path / "scenario.yaml"
    path.write_text(BASE)
    task = load(path).redrive_tasks["back"]
    assert (task.source, task.destination, task.at, task.rate) == ("dlq", None, 1_800_000_000, 500)


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (
            {"queues__dlq__redrive_allow": "deny_all"},
            "orders.redrive.queue is dlq, whose redrive_allow allows none",
        ),
        ({"queues__dlq__redrive_allow": "[other]"}, "redrive_allow allows other"),
        ({"queues__dlq__redrive_allow": "some"}, "is some; allow_all, deny_all or a list of queues is due"),
        (
            {"redrive_tasks__back__from": "nobody"},
            "redrive_tasks.back.from is nobody; there is no such queue",
        ),
        ({"redrive_tasks__back__to": "nobody"}, "redrive_tasks.back.to is nobody; there is no such queue"),
        ({"redrive_tasks__back__from": "other"}, "is other, the dead-letter queue of no queue"),
        ({"redrive_tasks__back__to": "dlq"}, "back.to is dlq, where the messages are"),
        ({"redrive_tasks__back__to": "line"}, "is line, a fifo queue; dlq is standard, so must it be"),
        ({"redrive_tasks__back__rate": "501/s"}, "MaxNumberOfMessagesPerSecond allows 1/s to 500/s"),
        ({"redrive_tasks__back__rate": "90/m"}, "is 1.5/s; a whole number a second is due"),
        ({"redrive_tasks__back__at": "1h"}, "is 1h; allowed: below the duration, 1h"),
        ({"redrive_tasks__more": "{from: dlq, at: 40m}"}, "as in redrive_tasks.back; one task a queue"),
        ({"queues__dlq__backlog": "{messages: 5}"}, "to which its backlog sends itself"),
        ({"producers__shop__target": "dlq"}, "to which producers.shop sends itself"),
        ({"queues__orders__high_throughput": "true"}, "is true; orders is standard, and only FIFO"),
    ],
)
def test_what_aws_refuses_is_said_with_its_reason(tmp_path: Path, sets: dict[str, str], said: str):
    assert said in problems(tmp_path, **sets)


@pytest.mark.parametrize(
    "sets",
    [
        {"queues__dlq__redrive_allow": "[orders, other]"},
        {"queues__dlq__redrive_allow": "allow_all"},
        {"queues__other__redrive_allow": "deny_all"},
        {"queues__dlq__backlog": "{messages: 5}", "redrive_tasks__back__to": "other"},
        {"queues__line__high_throughput": "true"},
    ],
)
def test_what_aws_allows_is_loaded(tmp_path: Path, sets: dict[str, str]):
    assert problems(tmp_path, **sets) == ""
