"""The faults of a scenario in words, for charts and summaries."""

from simulator.analysis.answer import FaultSpan
from simulator.experiments.traffic import amount, span
from simulator.scenario.faults import Fault
from simulator.scenario.schema import Scenario


def faults_of(scenario: Scenario) -> tuple[FaultSpan, ...]:
    """Return every fault in the order of their beginnings."""
    found = [
        FaultSpan(name, words_of(fault), fault.at / 1e6, fault.until / 1e6, fault.path)
        for name, fault in scenario.faults.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.from_s, one.name)))


def words_of(fault: Fault) -> str:
    """Say what a fault does, without when: ``fraud down``, ``database x10 slower, 5% errors``."""
    if fault.kind == "metrics":
        return "no metrics published"
    return f"{fault.target} {', '.join(_effect(fault, effect) for effect in fault.effects)}"


def _effect(fault: Fault, effect: str) -> str:
    given = getattr(fault, effect)
    match effect:
        case "down":
            return "hangs" if fault.hang else "down"
        case "slow":
            return f"×{given:g} slower" if given > 1 else f"×{1 / given:g} faster"
        case "errors":
            return f"{given * 100:.4g}% errors"
        case "crash":
            return f"loses {given * 100:.4g}% of its instances"
        case "zone_loss":
            return f"loses a zone, {given * 100:.4g}% of its instances"
        case "spot":
            return f"loses {given * 100:.4g}% of its instances to Spot"
        case "deploy":
            drained = "" if given.drain else ", without drain"
            pause = f", pause {span(given.pause)}" if given.pause else ""
            return f"deployed, {given.batch * 100:.4g}% at a time{pause}{drained}"
        case "throttle":
            return f"{fault.call} throttled to {amount(given)}/s"
        case "failover":
            return "rebooted" if given == "planned" else "fails"
        case "denied":
            return f"{given} denied"
        case _:
            return f"{given * 100:.4g}% poison"
