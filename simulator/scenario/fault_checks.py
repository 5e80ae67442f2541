"""Checks of faults against the rest of a scenario: who is there to be met, and when."""

from collections.abc import Iterator
from itertools import combinations

from simulator.scenario.faults import AT_ONCE, CONDITIONS, Fault
from simulator.scenario.problems import Finding
from simulator.scenario.schema import Scenario
from simulator.scenario.units import write_duration


def fault_findings(scenario: Scenario) -> Iterator[Finding]:
    """Give what is wrong with the times of a scenario's faults, and with those that meet each other."""
    for name, fault in scenario.faults.items():
        if fault.at >= scenario.duration:
            span = f"0s to below the duration, {write_duration(scenario.duration)}"
            yield Finding(("faults", name, "at"), f"is {write_duration(fault.at)}; allowed: {span}")
    if scenario.faults and scenario.discard is not None:
        yield Finding(("discard",), "is for a steady system; it cannot stand beside faults")
    for (one, first), (other, second) in combinations(scenario.faults.items(), 2):
        if problem := _clash(first, second):
            yield Finding(("faults", other), problem.format(other=f"faults.{one}"))


def _clash(first: Fault, second: Fault) -> str:
    """Say why two faults cannot be at once; "" where they can, or are not."""
    if first.path != second.path or not _overlap(first, second):
        return ""
    one, other = set(first.effects), set(second.effects)
    if ("down" in one and other & AT_ONCE) or ("down" in other and one & AT_ONCE):
        return "overlaps with {other}: while all are down there is nothing to take away or to replace"
    both = one & other - CONDITIONS - AT_ONCE - {"poison"}
    if both and first.call == second.call and first.denied == second.denied:
        return f"overlaps with {{other}}, which is {both.pop()} as well; make them one"
    return ""


def _overlap(first: Fault, second: Fault) -> bool:
    return first.at < max(second.until, second.at + 1) and second.at < max(first.until, first.at + 1)
