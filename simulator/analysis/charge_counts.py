"""What a bill counts: totals of runs by the paths of their things, and the charge that each becomes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from simulator.analysis.consumers import fleets
from simulator.analysis.partial import QUANTITY, Field
from simulator.analysis.replication import Replication
from simulator.recording.tables import Quantity
from simulator.scenario.payloads import heavy, sizes_said
from simulator.scenario.rules import Rules
from simulator.scenario.schema import Scenario

MILLION: Final = 1e6
HOURS_A_MONTH: Final = 730
"""As AWS's own calculator counts: 8,760 hours a year by twelve."""

HOUR_US: Final = 3_600_000_000
GIB: Final = 1 << 30


@dataclass(frozen=True)
class Charge:
    """One thing that is charged for.

    ``rule`` is its entry in the price list ("": no price is known), ``price`` that of ``per`` units [USD].
    ``run`` and ``window`` have its quantity in each replication, of the whole run and as long as a month is
    extrapolated from; ``idle`` is the share of the latter that paid for waiting. ``free`` names the entry
    with what is free of it a month, ``tiers`` those of a lower price from some quantity a month on.
    """

    service: str
    what: str
    unit: str
    rule: str
    price: float
    per: float
    run: Sequence[float]
    window: Sequence[float]
    idle: Sequence[float]
    free: str = ""
    tiers: Sequence[str] = ()
    note: str = ""
    monthly: bool = False
    """its window is a month already"""


def deletes_at_once(scenario: Scenario) -> dict[str, int]:
    """How many messages a call deletes at most, by the path of each consumer of a queue."""
    most: int = scenario.rules.value("sqs.batch_max_entries")
    found = {
        f"functions.{name}.event_sources.{queue}": most
        for name, function in scenario.functions.items()
        for queue in function.event_sources
    }
    return found | {
        fleet.path: most if fleet.workers.receive.delete == "batch" else 1 for fleet in fleets(scenario)
    }


def chunk_bytes(scenario: Scenario) -> int:
    """Payload that is one request on the bill [bytes]; 0 where no payload is asked for."""
    chunk: int = scenario.rules.value("price.chunk")
    weighed = any(heavy(size, 1, chunk) for size in sizes_said(scenario))
    return chunk if weighed or any(_bodies(scenario)) else 0


def _bodies(scenario: Scenario) -> Iterator[str]:
    """Topics whose payload is charged by the GB: FIFO topics, and filters that look at bodies."""
    for name, topic in scenario.topics.items():
        scanned = any(
            one.filter_policy and one.filter_policy_scope == "MessageBody"
            for one in topic.subscriptions.values()
        )
        if scanned or topic.type == "fifo":
            yield name


class Counts:
    """Totals of all runs, by the paths of their things."""

    def __init__(self, scenario: Scenario, things: Sequence[str], runs: Sequence[Replication]) -> None:
        self.scenario = scenario
        self.rules: Rules = scenario.rules
        self.runs = runs
        self.things = things
        self._number = {thing: number for number, thing in enumerate(things)}

    def of(self, what: Field, path: str, buckets: Sequence[int] | None = None) -> list[float]:
        """Sums of a field over the whole of each run."""
        thing = [self._number[path]] if path in self._number else []
        return [float(run.total(what, thing, buckets=buckets)) for run in self.runs]

    def total(self, quantity: Quantity, path: str) -> list[float]:
        """A total that was written down at the end of each run."""
        return self.of(Field.START, path, [QUANTITY + quantity])

    def level(self, level: int, path: str) -> tuple[list[float], list[float]]:
        """A level times time [us]: of each whole run, and while messages arrived."""
        whole, window = [], []
        for run in self.runs:
            found = run.steps(level, [self._number[path]] if path in self._number else []).integrals
            last = -(-run.frame.duration_us // run.frame.bin_us)
            whole.append(float(found.sum()))
            window.append(float(found[:last].sum()))
        return whole, window

    def none(self) -> list[float]:
        """Nothing in any run."""
        return [0.0] * len(self.runs)

    def charge(
        self,
        service: str,
        what: str,
        unit: str,
        rule: str,
        run: Sequence[float],
        *,
        per: float = MILLION,
        window: Sequence[float] | None = None,
        idle: Sequence[float] | None = None,
        price: float | None = None,
        free: str = "",
        tiers: Sequence[str] = (),
        note: str = "",
        monthly: bool = False,
    ) -> Charge:
        """A charge at an entry of the price list."""
        given = self.rules.value(rule) if price is None else price
        return Charge(
            service, what, unit, rule, given, per, run, run if window is None else window,
            self.none() if idle is None else idle, free, tiers, note, monthly,
        )  # fmt: skip


def plus(*lists: Sequence[float]) -> list[float]:
    """Sum, run by run."""
    return [sum(values) for values in zip(*lists, strict=True)]


def minus(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Difference, run by run, never below zero."""
    return [max(0.0, a - b) for a, b in zip(one, other, strict=True)]


def times(one: Sequence[float], by: float) -> list[float]:
    """Product, run by run."""
    return [value * by for value in one]
