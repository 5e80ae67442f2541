"""The core cases of timed SQS calls; what they need that is not built yet is named, never passed over."""

from pathlib import Path

import pytest

from tests.conformance.running import Case, cases_of, judge

CASES = cases_of("sqs", Path(__file__).parent / "sqs_timelines.json", grade="core")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_queues_do_what_aws_was_seen_to_do(case: Case):
    verdict = judge("sqs", case)
    if verdict.outcome == "not built":
        pytest.skip(str(verdict))
    assert verdict.outcome == "passed", str(verdict)


def test_most_cases_are_about_what_is_built():
    outcomes = [judge("sqs", case).outcome for case in CASES]
    assert outcomes.count("passed") >= 55
