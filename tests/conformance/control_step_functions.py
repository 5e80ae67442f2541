"""Cases of Step Functions retries."""

from typing import Any

from simulator.aws.step_functions.retries import Retrier, Retries
from tests.conformance.running import Case

_SECOND_US = 1_000_000
_ANY = "Boom"


def retries(case: Case) -> list[str]:
    """Waits between the attempts of a state whose errors keep coming."""
    state = Retries([_retrier(given) for given in case.get("retriers", [case])])
    errors = case.get("error_sequence") or [_ANY] * (len(case["waits"]) + 1)
    waits: list[float] = []
    ended = None
    for error in errors:
        wait = state.wait_us(error)
        if wait is None:
            ended = "catch"
            break
        waits.append(wait / _SECOND_US)
    problems = [] if waits == case["waits"] else [f"waits: wanted {case['waits']}, got {waits}"]
    if "then" in case and ended != case["then"]:
        problems.append(f"then: wanted {case['then']}, got {ended}")
    return problems


def _retrier(given: dict[str, Any]) -> Retrier:
    settings: dict[str, Any] = {}
    for key, name, scale in (
        ("interval", "interval_us", _SECOND_US),
        ("max_delay", "max_delay_us", _SECOND_US),
        ("backoff", "backoff_rate", 1),
        ("max_attempts", "max_attempts", 1),
    ):
        if given.get(key) is not None:
            settings[name] = given[key] * scale if scale == 1 else round(given[key] * scale)
    return Retrier(given.get("errors", (_ANY,)), **settings)
