"""What the product's own formulas say of a case, where they have something to say."""

from collections.abc import Mapping
from typing import Any

from simulator.analysis import theory
from tests.conformance import lab
from tests.conformance.estimates import bounds
from tests.conformance.lab import Parameters

AGREEMENT = 1e-4
DIGITS = 1e-6
"""Cases give six decimals."""


def disagreements(case: Mapping[str, Any]) -> list[str]:
    """Where a closed form and the case differ by more than their digits."""
    failures = []
    for key, got in _numbers(case["kind"], case["parameters"]).items():
        if key in case["expected"]:
            low, high = bounds(case["expected"][key])
            slack = max(AGREEMENT * max(abs(low), abs(high)), DIGITS)
            if not low - slack <= got <= high + slack:
                failures.append(f"closed form of {key}: wanted {case['expected'][key]}, got {got:.7g}")
    return failures


def _numbers(kind: str, p: Parameters) -> dict[str, float]:
    if kind == "queue" and p["interarrival"]["dist"] == "exponential":
        return _queue(p)
    if kind == "priority" and p["servers"] == 1:
        return _priority(p)
    if kind == "esm_ramp":
        work = p["backlog"] / p["batch"] * p["batch_time"]
        drained = theory.ramp_drain_time(work, p["start"], p["growth_per_s"], p["cap"])
        return {
            "drain_time": drained,
            "concurrency_at_end": min(p["cap"], p["start"] + p["growth_per_s"] * drained),
        }
    if kind == "overload_drain":
        rate = p["arrivals_per_s"]
        fluid = theory.fluid_queue([(p["duration"], rate, rate)], p["servers"] / p["service"])
        return {"backlog_at_end": fluid.peak, "empty_at": fluid.empty_at_s}
    return {}


def _priority(p: Parameters) -> dict[str, float]:
    """M/G/1 with non-pre-emptive priorities."""
    classes = p["classes"]
    if any(one["interarrival"]["dist"] != "exponential" for one in classes):
        return {}
    loads, residual = [], 0.0
    for one in classes:
        rate, work = 1 / one["interarrival"]["mean"], lab.mean(one["service"])
        loads.append(theory.slots_needed(rate, work))
        residual += rate * work**2 * (1 + lab.scv(one["service"])) / 2
    waits = theory.cobham_waits(loads, residual)
    numbers = {f"wq_{one['name']}": wait for one, wait in zip(classes, waits, strict=True)}
    return numbers | {
        f"w_{one['name']}": numbers[f"wq_{one['name']}"] + lab.mean(one["service"]) for one in classes
    }


def _queue(p: Parameters) -> dict[str, float]:
    """M/M/c, or M/G/1."""
    servers, service, rate = p["servers"], lab.mean(p["service"]), 1 / p["interarrival"]["mean"]
    load = theory.slots_needed(rate, service) / servers
    numbers = {"utilisation": load}
    if p["service"]["dist"] == "exponential":
        numbers["wq"] = theory.mmc_mean_wait(servers, load, service)
        numbers["p_wait"] = theory.erlang_c(servers, load)
        for percent in (50, 95, 99):
            numbers[f"wq_p{percent}"] = theory.mmc_wait_quantile(percent / 100, servers, load, service)
    elif servers == 1:
        numbers["wq"] = theory.pollaczek_khinchine_wait(load, service, lab.scv(p["service"]))
    else:
        return numbers
    numbers["w"] = numbers["wq"] + service
    numbers["lq"] = theory.little(rate, numbers["wq"])
    numbers["l"] = theory.little(rate, numbers["w"])
    return numbers
