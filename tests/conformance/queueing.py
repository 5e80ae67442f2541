"""Systems with an exact answer, simulated through scenarios until the answer is narrow enough."""

from collections.abc import Callable

from tests.conformance import networks, priorities, single_queues, systems
from tests.conformance.closed_forms import disagreements
from tests.conformance.estimates import Replicate, differences, estimate
from tests.conformance.lab import Parameters
from tests.conformance.running import Case, NotBuilt


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``key: wanted ..., got ...``."""
    kind = case["kind"]
    if kind not in KINDS:
        raise NotBuilt(f"kind {kind}")
    got = estimate(case, KINDS[kind](case["parameters"]))
    return differences(case, got) + disagreements(case)


KINDS: dict[str, Callable[[Parameters], Replicate]] = {
    "queue": single_queues.queue,
    "priority": priorities.priority,
    "batch_arrivals": single_queues.batch_arrivals,
    "bulk_service": single_queues.bulk_service,
    "busy_ramp": systems.busy_ramp,
    "busy_wave": systems.busy_wave,
    "redelivery": systems.redelivery,
    "failures": systems.failures,
    "token_bucket_wait": systems.token_bucket_wait,
    "token_bucket_reject": systems.token_bucket_reject,
    "overload_drain": single_queues.overload_drain,
    "fifo_groups": systems.fifo_groups,
    "fan_out_join": systems.join,
    "fork_join": systems.join,
    "delay_queue": single_queues.delay_queue,
    "long_poll": single_queues.long_poll,
    "short_poll": single_queues.short_poll,
    "esm_ramp": systems.esm_ramp,
    "keep_alive": systems.keep_alive,
    "tandem": networks.tandem,
    "feedback": networks.feedback,
    "loss": networks.loss,
    "finite_buffer": networks.finite_buffer,
    "scale_to_zero": networks.scale_to_zero,
}
