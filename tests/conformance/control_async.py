"""Cases of asynchronous invocations: one event at 0, a function that fails or is throttled."""

import itertools
from typing import Any

from simulator.recording.tables import Attempt
from tests.conformance.running import Case
from tests.processes.events import SECOND, Events, seconds

KINDS = ("lambda_async", "lambda_async_throttle")
_NO_LIMIT = 6 * 3600


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``key: wanted ..., got ...``."""
    got = _errors(case) if case["kind"] == "lambda_async" else _throttles(case)
    expected = case.get("expected", case)
    return [
        f"{key}: wanted {expected[key]}, got {value}"
        for key, value in got.items()
        if key in expected and not _same(key, value, expected[key])
    ]


def _same(key: str, value: Any, wanted: Any) -> bool:
    if key in ("max_delay_s", "give_up_after_s"):
        return bool(value <= wanted)
    return bool(value == wanted)


def _events(case: Case, **settings: Any) -> Events:
    return Events(
        retries=case.get("maximum_retry_attempts", 2),
        maximum_event_age_us=int(case.get("maximum_event_age_s", _NO_LIMIT) * SECOND),
        duration_us=int(case.get("duration", 0) * SECOND),
        **settings,
    )


def _errors(case: Case) -> dict[str, Any]:
    """Attempts of an event whose function fails always, or the first so many times, or never."""
    often = case.get("fails_attempts", 10**9 if "fails" in case else 0)
    events = _events(case, fails=lambda run: run <= often, reserved=case.get("reserved_concurrency"))
    events.send([0])
    attempts = seconds(events.rows()["deliveries"]["received_at"])
    return {"attempt_times_s": attempts, "attempts": len(attempts), "then": _then(events)}


def _throttles(case: Case) -> dict[str, Any]:
    """Attempts of an event for which the account never has any concurrency."""
    events = _events(case, account=0)
    events.send([0])
    invocations = events.rows()["invocations"]
    tried = seconds(invocations["started_at"][invocations["attempt"] == Attempt.THROTTLED])
    delays = [later - earlier for earlier, later in itertools.pairwise(tried)]
    return {
        "first_delay_s": delays[0],
        "max_delay_s": max(delays),
        "delays_never_shrink": delays == sorted(delays),
        "give_up_after_s": max(tried[-1], *seconds(events.failures.came_at)),
        "then": _then(events),
    }


def _then(events: Events) -> str:
    if events.failures.came_at:
        return "dead_letter"
    return "success" if events.successes.came_at else "nothing"
