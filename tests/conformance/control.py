"""Cases of alarms, scaling policies and retries, by kind."""

from collections.abc import Callable
from typing import Final

from tests.conformance import control_scaling, control_sns, control_step_functions
from tests.conformance.running import Case, NotBuilt

_RUNNERS: Final[dict[str, Callable[[Case], list[str]]]] = {
    "target_tracking": control_scaling.target_tracking,
    "target_rounding": control_scaling.target_rounding,
    "sns_retry_schedule": control_sns.schedule,
    "sns_http_policy": control_sns.delivery_policy,
    "sfn_retry": control_step_functions.retries,
}


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``key: wanted ..., got ...``."""
    runner = _RUNNERS.get(case["kind"])
    if runner is None:
        raise NotBuilt(f"kind {case['kind']}")
    return runner(case)
