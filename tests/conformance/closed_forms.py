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
    if p.get("interarrival", {}).get("dist") != "exponential":
        return {}
    return _more(kind, p, 1 / p["interarrival"]["mean"])


def _more(kind: str, p: Parameters, rate: float) -> dict[str, float]:
    """Networks, and systems that turn messages away or sleep; Poisson arrivals."""
    if kind == "loss":
        offered = theory.slots_needed(rate, lab.mean(p["service"]))
        blocked = theory.erlang_b(p["places"], offered)
        return {"blocking": blocked, "carried": offered * (1 - blocked)}
    if kind == "scale_to_zero":
        service, setup = lab.mean(p["service"]), lab.mean(p["setup"])
        load = theory.slots_needed(rate, service)
        wait = theory.setup_wait(load, service, lab.scv(p["service"]), setup, lab.scv(p["setup"]))
        return {"wq": wait, "w": wait + service, "p_cold": theory.setup_share(load, service, setup)}
    if kind == "tandem" and all(stage["service"]["dist"] == "exponential" for stage in p["stages"]):
        stages = [(stage["servers"], stage["service"]["mean"]) for stage in p["stages"]]
        times = theory.tandem_times(rate, stages)
        return {f"w{place}": time for place, time in enumerate(times, 1)} | {"w_total": sum(times)}
    if kind not in ("finite_buffer", "feedback") or p["service"]["dist"] != "exponential":
        return {}
    servers, service = p["servers"], p["service"]["mean"]
    if kind == "feedback":
        time = theory.feedback_time(rate, servers, service, p["p_fail"])
        load = theory.slots_needed(rate / (1 - p["p_fail"]), service) / servers
        return {"w": time, "l": theory.little(rate, time), "utilisation": load}
    full = theory.mmck(servers, p["places"], theory.slots_needed(rate, service))
    accepted = rate * (1 - full.blocking)
    return {
        "blocking": full.blocking,
        "l": full.present,
        "lq": full.waiting,
        "w": full.present / accepted,
        "wq": full.waiting / accepted,
        "throughput": accepted,
    }


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
