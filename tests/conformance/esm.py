"""Cases of event source mappings."""

import re
from collections.abc import Callable

from simulator.aws.lambda_.event_source_mapping import (
    EventSourceMapping,
    effective_visibility_us,
    item_failures,
)
from simulator.scenario.event_source_settings import check_settings
from simulator.scenario.rules import dated, known
from tests.conformance.esm_runs import run
from tests.conformance.running import Case, NotBuilt

SECOND = 1_000_000


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``check or key: wanted ..., got ...``."""
    kind = case["kind"]
    if kind not in _KINDS:
        raise NotBuilt(f"kind {kind}")
    return _KINDS[kind](case)


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * SECOND)


def _settings(case: Case) -> list[str]:
    failures = []
    for number, check in enumerate(case["checks"]):
        mapping = check["mapping"]
        problems, batch_size = check_settings(
            check["queue_type"],
            mapping.get("batch_size"),
            _us(mapping.get("window", 0)) or 0,
            mapping.get("max_concurrency"),
            _us(check.get("visibility_timeout")),
            _us(check.get("function_timeout")),
        )
        if check["accepted"] != (not problems):
            wanted = "accepted" if check["accepted"] else "refused"
            failures.append(f"check {number}: wanted {wanted}, got {problems or 'accepted'}")
        elif check["accepted"] and check.get("batch_size", batch_size) != batch_size:
            failures.append(f"check {number}: wanted batch size {check['batch_size']}, got {batch_size}")
    return failures


def _responses(case: Case) -> list[str]:
    failures = []
    ids = {body: f"id-of-{body}" for body in case["batch"]}
    for number, check in enumerate(case["checks"]):
        response = check["response"]
        if response is not None:
            response = re.sub(r"@(\w+)", lambda found: ids.get(found[1], found[0]), response)
        returned = item_failures(response, list(ids.values()))
        got = [body for body in case["batch"] if ids[body] in returned]
        if got != sorted(check["returned"], key=case["batch"].index):
            failures.append(f"check {number}: wanted {check['returned']}, got {got}")
    return failures


def _ramp(case: Case) -> list[str]:
    """Every slot stays busy and messages wait: the mapping grows whenever it may."""
    name = str(case["rules"])
    if name not in known():
        raise NotBuilt(f"rules {name}")
    rules = dated(name)
    mapping = EventSourceMapping(
        start_concurrency=int(rules.value("esm.start_concurrency")),
        growth_per_minute=int(rules.value("esm.growth_per_minute")),
        cap=int(rules.value("esm.max_concurrency_cap")),
    )
    expect, failures, now = case["expect"], [], 0
    if mapping.concurrency != expect["at_start"]:
        failures.append(f"at_start: wanted {expect['at_start']}, got {mapping.concurrency}")
    while mapping.concurrency < expect["reaches"] and now < 2 * expect["at_s"] * SECOND:
        for _ in range(mapping.room()):
            mapping.begin(now)
        now += mapping.growth_interval_us
        mapping.grow(now)
    if mapping.concurrency < expect["reaches"] or abs(now / SECOND - expect["at_s"]) > expect["tolerance_s"]:
        got = f"{mapping.concurrency} at {now / SECOND:g} s"
        failures.append(f"reaches: wanted {expect['reaches']} at {expect['at_s']} s, got {got}")
    return failures


def _effective_visibility(case: Case) -> list[str]:
    failures = []
    for number, check in enumerate(case["checks"]):
        given = (round(check[key] * SECOND) for key in ("visibility_timeout", "window", "function_timeout"))
        got = effective_visibility_us(*given) / SECOND
        if abs(got - check["effective"]) > 1e-6:
            failures.append(f"check {number}: wanted {check['effective']}, got {got:g}")
    return failures


_KINDS: dict[str, Callable[[Case], list[str]]] = {
    "run": run,
    "settings": _settings,
    "responses": _responses,
    "ramp": _ramp,
    "effective_visibility": _effective_visibility,
}
