"""A bill: quantity times unit price, line by line, so that it can be added up again by hand."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from simulator.analysis import intervals
from simulator.analysis.answer import Bill, Estimate, Line
from simulator.analysis.charge_counts import HOURS_A_MONTH, Charge
from simulator.analysis.charges import charges
from simulator.analysis.partial import Field, Frame
from simulator.analysis.replication import Replication
from simulator.recording.tables import Outcome
from simulator.scenario.rules import Rules
from simulator.scenario.schema import Scenario
from simulator.scenario.thresholds import METRICS

USD: Final = "USD"
_HOUR_US: Final = 3_600_000_000
_MILLION: Final = 1e6


def bill(scenario: Scenario, frame: Frame, runs: Sequence[Replication]) -> Bill:
    """The bill of *scenario*, of a run at list prices and of a month at this load.

    A month is 730 hours. What grows with messages is taken of the whole run, what runs with the clock only
    while messages arrived. The free tier and lower prices of large quantities are by the month, so a run
    knows neither.
    """
    months = HOURS_A_MONTH * _HOUR_US / frame.duration_us
    owed = charges(scenario, frame.things, runs)
    lines = priced(scenario.rules, owed, months=months, free_tier=scenario.free_tier)
    messages = [
        run.total(Field.MESSAGES, _producers(frame), buckets=[Outcome.ACCEPTED, Outcome.DEDUPLICATED])
        for run in runs
    ]
    return Bill(lines, scenario.free_tier, tuple(float(number) for number in messages))


def priced(rules: Rules, owed: Sequence[Charge], *, months: float, free_tier: bool) -> tuple[Line, ...]:
    """The lines of a bill; what is charged for comes in a window of which a month has *months*."""
    runs = len(owed[0].run) if owed else 0
    found = [_split(rules, owed, run, months, free_tier) for run in range(runs)]
    lines = []
    for place, charge in enumerate(owed):
        parts = [of_run[place] for of_run in found]
        for tier in range(len(parts[0])):
            if not tier or any(part[tier][1] for part in parts):
                lines.append(_line(rules, charge, tier, [part[tier] for part in parts]))
    return tuple(lines)


def _producers(frame: Frame) -> list[int]:
    return [number for number, thing in enumerate(frame.things) if thing.startswith("producers.")]


def _split(
    rules: Rules, owed: Sequence[Charge], run: int, months: float, free_tier: bool
) -> list[list[tuple[float, float, float, float]]]:
    """Of each charge its lines in one replication: units a run, a month, free of these, and idle share.

    Free units go to the lines in their order; charges at the same entry fill its tiers together.
    """
    left: dict[str, float] = {}
    used: dict[str, float] = {}
    found = []
    for one in owed:
        units = one.window[run] * (1.0 if one.monthly else months)
        free = 0.0
        if free_tier and one.free:
            free = min(units, left.setdefault(one.free, float(rules.value(one.free))))
            left[one.free] -= free
        first = used.get(one.rule, 0.0)
        used[one.rule] = first + units - free
        edges = [0.0, *(float(rules.value(f"{tier}.from")) for tier in one.tiers), math.inf]
        parts = [max(0.0, min(used[one.rule], until) - max(first, since)) for since, until in pairwise(edges)]
        idle = one.idle[run]
        found.append(
            [
                (
                    one.run[run] if not tier else 0.0,
                    part + (free if not tier else 0.0),
                    free if not tier else 0.0,
                    idle,
                )
                for tier, part in enumerate(parts)
            ]
        )
    return found


def _line(
    rules: Rules, charge: Charge, tier: int, parts: Sequence[tuple[float, float, float, float]]
) -> Line:
    rule = charge.tiers[tier - 1] if tier else charge.rule
    price = float(rules.value(rule)) if tier else charge.price
    each = price / charge.per
    run, month, free, idle = (list(column) for column in zip(*parts, strict=True))
    paid = [units - given for units, given in zip(month, free, strict=True)]
    return Line(
        service=charge.service,
        what=f"{charge.what}, beyond {float(rules.value(f'{rule}.from')):,.0f}" if tier else charge.what,
        unit=charge.unit,
        price=price,
        per=charge.per,
        rule=rule,
        run=intervals.of_means(run, "1"),
        run_usd=intervals.of_means([units * each for units in run], USD),
        month=intervals.of_means(month, "1"),
        free=intervals.of_means(free, "1"),
        month_usd=intervals.of_means([units * each for units in paid], USD),
        idle_usd=intervals.of_means(
            [units * each * share for units, share in zip(paid, idle, strict=True)], USD
        ),
        note=charge.note,
    )


def estimates(made: Bill) -> Iterator[tuple[str, Estimate]]:
    """What thresholds can be about: the bill of a run, of a month, of a million messages, and of waiting."""
    messages = made.messages
    for label in ("", *(f"{{service={service}}}" for service in METRICS["cost"].values)):
        lines = [line for line in made.lines if not label or _label(line.service) == label]
        run = _sum([line.run_usd for line in lines], len(messages))
        each = [
            usd / number * _MILLION if number else math.nan for usd, number in zip(run, messages, strict=True)
        ]
        month = _sum([line.month_usd for line in lines], len(messages))
        yield f"cost{label}.run", intervals.of_means(run, USD)
        yield f"cost{label}.per_million", intervals.of_means(each, USD)
        yield f"cost{label}.month", intervals.of_means(month, USD)
    idle = _sum([line.idle_usd for line in made.lines], len(messages))
    yield "idle_cost.month", intervals.of_means(idle, USD)
    all_ = _sum([line.month_usd for line in made.lines], len(messages))
    shares = [part / whole if whole else math.nan for part, whole in zip(idle, all_, strict=True)]
    yield "idle_cost.share", intervals.of_means(shares, "share")


def _label(service: str) -> str:
    return f"{{service={service.lower().replace(' ', '_')}}}"


def _sum(amounts: Sequence[Estimate], runs: int) -> list[float]:
    return [math.fsum(amount.values[run] for amount in amounts) for run in range(runs)]


def assumptions(made: Bill, rules: Rules) -> Iterator[str]:
    """What the bill takes of prices that AWS itself does not state, or that nobody states."""
    for rule in dict.fromkeys(line.rule for line in made.lines):
        if rule in rules.names() and (words := rules.assumption(rule)):
            yield words


def warnings(made: Bill) -> Iterator[str]:
    """What is missing in the bill."""
    for line in made.lines:
        if not line.rule:
            yield f"cost leaves out {line.what}: {line.note}"
