"""Cases of SNS delivery retries: schedules by protocol, and delivery policies of HTTP/S endpoints."""

from typing import Any, Final

from simulator.aws.sns.retries import SECOND_US, RetryPolicy, aws_managed, customer_managed, http
from tests.conformance.running import Case

_HTTP_KEYS: Final = {
    "numRetries": "retries",
    "numNoDelayRetries": "no_delay",
    "numMinDelayRetries": "min_delay",
    "numMaxDelayRetries": "max_delay",
    "backoffFunction": "growth",
}


def schedule(case: Case) -> list[str]:
    """An endpoint that always fails on the server side."""
    policy = aws_managed() if case["endpoint"] in ("sqs", "lambda") else customer_managed()
    problems = [] if policy.retries == case["retries"] else [f"retries: got {policy.retries}"]
    if (got := _phases(policy)) != case["phases"]:
        problems.append(f"phases: wanted {case['phases']}, got {got}")
    low, high = case["duration_bounds_s"]
    total_s = policy.total_us() / SECOND_US
    if not low <= total_s <= high:
        problems.append(f"duration_bounds_s: wanted {low} to {high}, got {total_s}")
    return problems


def _phases(policy: RetryPolicy) -> dict[str, Any]:
    low_s, high_s = policy.min_delay_us / SECOND_US, policy.max_delay_us / SECOND_US
    return {
        "immediate": policy.no_delay,
        "pre_backoff": {"retries": policy.min_delay, "delay": low_s},
        "backoff": {
            "retries": policy.backoff,
            "min_delay": low_s,
            "max_delay": high_s,
            "function": policy.growth,
        },
        "post_backoff": {"retries": policy.max_delay, "delay": high_s},
    }


def delivery_policy(case: Case) -> list[str]:
    """The retries that a delivery policy of an HTTP/S endpoint makes."""
    given = case["policy"]
    policy = http(
        **{_HTTP_KEYS[key]: value for key, value in given.items() if key in _HTTP_KEYS},
        **{
            name: round(given[key] * SECOND_US)
            for key, name in (("minDelayTarget", "min_delay_us"), ("maxDelayTarget", "max_delay_us"))
            if key in given
        },
    )
    delays = [policy.delay_us(retry) or 0 for retry in range(1, policy.retries + 1)]
    times = [sum(delays[:count]) / SECOND_US for count in range(policy.retries + 1)]
    got = {"backoff_retries": policy.backoff, "attempts": 1 + policy.retries, "attempt_times_s": times}
    return [
        f"{key}: wanted {wanted}, got {got[key]}"
        for key, wanted in case["expected"].items()
        if got[key] != wanted
    ]
