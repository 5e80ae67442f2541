"""Timed SQS calls through the client, the ``extra`` ones among them."""

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.running import Case, cases_of, judge

CASES = cases_of("sqs", Path(__file__).parent / "sqs_timelines.json")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_queues_do_what_aws_was_seen_to_do(case: Case):
    verdict = judge("sqs", case)
    assert verdict.outcome == "passed", str(verdict)


def case(queues: dict[str, Any], steps: list[dict[str, Any]], **more: Any) -> Case:
    return {
        "id": "own",
        "queues": queues,
        "steps": [{"expect": {"ok": True}} | step for step in steps],
        **more,
    }


FIFO = {"type": "fifo", "content_dedup": True}
STANDARD = {"type": "standard"}
OWN = {
    "purge clears deduplication": case(
        {"q": FIFO},
        [
            {"t": 0, "op": "send", "queue": "q", "body": "a", "group": "g"},
            {"t": 1, "op": "purge", "queue": "q"},
            {"t": 2, "op": "send", "queue": "q", "body": "a", "group": "g"},
            {"t": 3, "op": "receive", "queue": "q", "expect": {"bodies": ["a"]}},
            {"t": 59, "op": "purge", "queue": "q", "expect": {"error": "PurgeQueueInProgress"}},
            {"t": 61, "op": "purge", "queue": "q"},
        ],
    ),
    "sequence numbers rise over groups": case(
        {"q": FIFO},
        [
            {"t": 0, "op": "send", "queue": "q", "body": "a", "group": "g", "save": "a"},
            {"t": 0, "op": "send", "queue": "q", "body": "b", "group": "h", "save": "b"},
            {"t": 0, "op": "check", "expect": {"sequence_increasing": ["a", "b"]}},
        ],
    ),
    "polls that wait are answered one by one": case(
        {"q": FIFO},
        [
            {
                "t": 0,
                "op": "receive_group",
                "queue": "q",
                "polls": [{"wait": 5}, {"wait": 5}, {"wait": 5}],
                "save_in_order": ["r1", "r2"],
                "expect": {
                    "total_bodies": ["a", "b"],
                    "nonempty_polls": 2,
                    "nonempty_polls_range": [1, 2],
                    "empty_polls": 1,
                    "empty_returned_at": 5,
                    "sequence": [{"body": "a", "returned_at": 1}, {"body": "b", "returned_at": 2}],
                },
            },
            {"t": 1, "op": "send", "queue": "q", "body": "a", "group": "g"},
            {"t": 1.5, "op": "send", "queue": "q", "body": "b", "group": "g"},
            {"t": 2, "op": "delete", "queue": "q", "receipt": "r1#0"},
        ],
    ),
    "a deleted queue knows no call": case(
        {"q": STANDARD},
        [
            {"t": 0, "op": "delete_queue", "queue": "q"},
            *(
                {"t": 1, "op": op, "queue": "q", "body": "a", "expect": {"error": "QueueDoesNotExist"}}
                for op in ("send", "receive", "counts", "purge")
            ),
        ],
    ),
    "batches of changes and deletes fail entry by entry": case(
        {"q": STANDARD},
        [
            {"t": 0, "op": "send", "queue": "q", "body": "a"},
            {"t": 0, "op": "receive", "queue": "q", "save": "r", "expect": {"count": 1}},
            {
                "t": 1,
                "op": "change_visibility_batch",
                "queue": "q",
                "entries": [
                    {"id": "a", "receipt": "r#0", "timeout": 60},
                    {"id": "b", "receipt": "literal:x", "timeout": 60},
                    {"id": "c", "receipt": "r#0", "timeout": 43_200},
                ],
                "expect": {"ok_ids": ["a"], "failed_ids": ["b", "c"]},
            },
            {
                "t": 40,
                "op": "delete_batch",
                "queue": "q",
                "entries": [{"id": "a", "receipt": "r#0"}, {"id": "b", "receipt": "literal:x"}],
                "expect": {"ok_ids": ["a"], "failed_ids": ["b"]},
            },
            {"t": 41, "op": "counts", "queue": "q", "expect": {"visible": 0, "in_flight": {"max": 0}}},
        ],
    ),
    "retention takes a message in flight and a later delete succeeds": case(
        {"q": STANDARD | {"retention": 60}},
        [
            {"t": 0, "op": "send", "queue": "q", "body": "a"},
            {"t": 59, "op": "receive", "queue": "q", "save": "r", "expect": {"count": 1}},
            {"t": 61, "op": "delete", "queue": "q", "receipt": "r#0"},
            {"t": 61, "op": "change_visibility", "queue": "q", "receipt": "r#0", "timeout": 1,
             "expect": {"error": "InvalidParameterValue"}},
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_operations_and_keys_that_no_open_case_shows_work_as_well(name: str):
    verdict = judge("sqs", OWN[name])
    assert verdict.outcome == "passed", str(verdict)
