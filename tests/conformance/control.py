"""Cases of alarms, scaling policies and retries, by kind."""

from collections.abc import Callable
from typing import Final

from tests.conformance import (
    control_alarms,
    control_async,
    control_scaling,
    control_sns,
    control_step_functions,
)
from tests.conformance.running import Case, NotBuilt


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``key: wanted ..., got ...``."""
    if case["kind"] not in _RUNNERS:
        raise NotBuilt(f"kind {case['kind']}")
    return _RUNNERS[case["kind"]](case)


_RUNNERS: Final[dict[str, Callable[[Case], list[str]]]] = {
    **control_scaling.RUNNERS,
    **control_alarms.RUNNERS,
    **dict.fromkeys(control_async.KINDS, control_async.run_case),
    "sns_retry_schedule": control_sns.schedule,
    "sns_http_policy": control_sns.delivery_policy,
    "sfn_retry": control_step_functions.retries,
}
