"""What Lambda bills: init and run of each invocation, by the started millisecond, times memory."""

from pathlib import Path

import pytest

from simulator.analysis.measures import Measures
from tests.scenarios.running import Ran, written

TEXT = """
scenario: billed
duration: 100s
replications: 1
limits: {lambda.environment_creation: 100ms, lambda.init.python3.13: 80ms, esm.start_concurrency: 1}
producers: {p: {target: q, arrivals: {interarrival: 1s}}}
queues: {q: {visibility_timeout: 1m}}
functions:
  f:
    runtime: python3.13
    memory: 512MB
    work: 10.2ms
    event_sources: {q: {batch_size: 1}}
"""


def test_each_invocation_is_billed_by_the_started_millisecond_and_its_init_but_not_its_environment(
    tmp_path: Path,
) -> None:
    ran = Ran(written(tmp_path, TEXT))
    numbers = Measures(ran.frame, [ran.partial]).estimates
    path = "functions.f.event_sources.q"
    invocations = numbers[f"{path} invocation.count"].mean
    cold = numbers[f"{path} cold_start.count"].mean
    assert invocations == 99
    assert cold == 1
    billed_s = (99 * 11 + 80) / 1000  # 10.2 ms is 11; with an init of 80 ms 90.2 ms is 91
    assert numbers[f"{path} billed.mean"].mean == pytest.approx(billed_s / 99)
    assert numbers[f"{path} billed_gb_s.count"].mean == pytest.approx(billed_s / 2)
