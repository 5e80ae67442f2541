"""Whatever a script says, the answer is answers or a report: never a traceback, never half of both."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import typed

SCRIPT: dict[str, Any] = {
    "ideal": True,
    "seed": 3,
    "limits": {"sqs.max_inflight": 10},
    "queues": {
        "q": {"type": "fifo", "visibility_timeout": "3s", "redrive": {"queue": "d", "max_receive_count": 2}},
        "d": {"type": "fifo", "redrive_allow": ["q"]},
        "s": {"max_message_size": "2KiB"},
    },
    "topics": {
        "t": {
            "type": "fifo",
            "content_based_deduplication": True,
            "subscriptions": {
                "a": {"queue": "q", "filter_policy": {"k": ["v"]}, "redrive": {"queue": "d"}},
            },
        }
    },
    "script": [
        {
            "at": "0s",
            "as": "s1",
            "send_message": {
                "queue": "q",
                "message_body": "a",
                "message_group_id": "g",
                "message_deduplication_id": "d",
                "message_attributes": {"k": {"data_type": "String", "string_value": "v"}},
            },
        },
        {"at": "0s", "send_message_batch": {"queue": "s", "entries": [{"id": "1", "message_body": "x"}]}},
        {"at": "1s", "receive_message": {"queue": "q", "wait_time_seconds": 2}, "as": "r"},
        {
            "at": "2s",
            "delete_message_batch": {"queue": "q", "entries": [{"id": "a", "receipt_handle": "r[0]"}]},
        },
        {"at": "3s", "set_queue_attributes": {"queue": "q", "attributes": {"redrive": {"queue": "d"}}}},
        {"at": "3s", "subscribe": {"topic": "t", "queue": "s"}},
        {"at": "3s", "create_queue": {"queue_name": "n", "type": "fifo", "attributes": {"delay": "3s"}}},
        {"at": "3s", "start_message_move_task": {"source": "d", "destination": "q"}, "as": "m"},
        {"at": "4s", "cancel_message_move_task": {"task_handle": "m"}},
    ],
}
ODD: list[Any] = [
    None,
    True,
    -1,
    1.5,
    1e30,
    "",
    "x",
    "r[0]",
    "3s",
    "-3s",
    [],
    {},
    [[]],
    {"a": {}},
    [{}],
    "\U0001f642",
    "nan",
]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from paths(value[key], (*path, key))


def test_the_script_that_is_broken_here_is_whole(tmp_path: Path):
    file = tmp_path / "calls.yaml"
    file.write_text(json.dumps(SCRIPT), encoding="utf-8")
    assert typed("script", file).status == 0


@pytest.mark.parametrize("seed", range(4))
def test_odd_values_anywhere_give_answers_or_a_report(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    file = tmp_path / "calls.yaml"
    for path in chance.sample(list(paths(SCRIPT)), 40):
        broken = copy.deepcopy(SCRIPT)
        around: Any = broken
        for key in path[:-1]:
            around = around[key]
        if chance.random() < 0.2:
            del around[path[-1]]
        else:
            around[path[-1]] = chance.choice(ODD)
        file.write_text(json.dumps(broken), encoding="utf-8")
        seen = typed("script", file)
        assert (seen.status, bool(seen.out), bool(seen.err)) in [(0, True, False), (2, False, True)], path
