"""What a scenario sends, in words: the traffic line of a report and the spans worth marking."""

from collections.abc import Iterator, Sequence
from typing import Final

from simulator.analysis.answer import Event
from simulator.scenario.distributions import mean_of
from simulator.scenario.producers import Phase, Producer
from simulator.scenario.schema import Scenario

WORTH_MARKING: Final = 1.5
"""A phase is marked from this multiple of the mean rate."""
MOST_SPANS: Final = 12
"""More bursts than this are left to the line itself."""


def span(us: float) -> str:
    """Write a duration [us] as people say it: ``350 ms``, ``30 s``, ``10 min``, ``1.5 h``, ``7 d``."""
    for unit_us, name in ((86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s")):
        if us >= unit_us:
            return f"{us / unit_us:.4g} {name}"
    return f"{us / 1e3:.4g} ms"


def amount(value: float) -> str:
    """Write a count or a rate with at most four significant figures, grouped by thousands."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def traffic(scenario: Scenario) -> str:
    """Say what arrives, in one line."""
    lines = [_producer(producer) for producer in scenario.producers.values()]
    if len(lines) == 1:
        return lines[0]
    named = [f"{name} {line}" for name, line in zip(scenario.producers, lines, strict=True)]
    return "; ".join(named) if len(named) <= 2 else f"{len(named)} producers: {'; '.join(named[:2])}; ..."


def _producer(producer: Producer) -> str:
    line, source = _arrivals(producer), producer.source
    if source is None:
        return line
    return f"{line.replace('msg/s', f'{source.happening}/s')}, told by {source.service}"


def _arrivals(producer: Producer) -> str:
    if producer.trace is not None:
        trace = producer.trace
        times = f" x {trace.scale:g}" if trace.scale != 1 else ""
        per_s = sum(trace.counts) / (len(trace.counts) * trace.interval_us / 1e6)
        file = trace.file.rpartition("/")[2]
        counts = f"{len(trace.counts):,} counts of {span(trace.interval_us)} from {file}{times}"
        return f"{counts}, {amount(per_s)} msg/s on average"
    if producer.phases is not None:
        return _phases(producer.phases)
    if (loop := producer.closed_loop) is not None:
        think = span(mean_of(loop.think))
        return f"{amount(loop.clients)} clients in a closed loop, {think} from answer to next message"
    return f"{amount(1e6 / mean_of(producer.interarrival))} msg/s on average"


def _phases(phases: Sequence[Phase]) -> str:
    rates = [rate for phase in phases for rate in (phase.rate, phase.ramp_to) if rate is not None]
    low, high = min(rates), max(rates)
    if low == high:
        line = f"{amount(high)} msg/s"
    else:
        tops = [phase for phase in phases if high in (phase.rate, phase.ramp_to)]
        base = max(phases, key=lambda phase: phase.for_us).rate
        if len(tops) == 1 and tops[0].ramp_to is None and base < high:
            line = f"{amount(base)} msg/s with {span(tops[0].for_us)} of {amount(high)} msg/s"
        else:
            line = f"{amount(low)} to {amount(high)} msg/s"
    bursts = next((phase.bursts for phase in phases if phase.bursts is not None), None)
    if bursts is not None:
        line += f", in bursts of x{bursts.factor:g} for {span(bursts.lasting)} every {span(bursts.every)}"
    return line


def _placed(phases: Sequence[Phase]) -> Iterator[tuple[Phase, int, int]]:
    """Give each phase with its start and its end [us]."""
    at = 0
    for phase in phases:
        yield phase, at, at + phase.for_us
        at += phase.for_us


def _mean_per_s(phases: Sequence[Phase]) -> float:
    return sum(phase.for_us * _middle(phase) for phase in phases) / sum(phase.for_us for phase in phases)


def events(scenario: Scenario) -> tuple[Event, ...]:
    """Return the phases and bursts that stand out of the mean rate."""
    found: dict[Event, None] = {}
    for producer in scenario.producers.values():
        for phase, at, until in _placed(producer.phases or ()):
            if _middle(phase) >= WORTH_MARKING * _mean_per_s(producer.phases or ()):
                found[Event(_label(phase, producer.phases or ()), at / 1e6, until / 1e6)] = None
            elif phase.bursts is not None:
                found.update(dict.fromkeys(_bursts(phase, at, until)))
    return tuple(sorted(found, key=lambda event: event.from_s)) if len(found) <= MOST_SPANS else ()


def _middle(phase: Phase) -> float:
    return phase.rate if phase.ramp_to is None else (phase.rate + phase.ramp_to) / 2


def _label(phase: Phase, phases: Sequence[Phase]) -> str:
    if phase.ramp_to is not None:
        return f"ramp to {amount(phase.ramp_to)}/s"
    others = [other for other in phases if other is not phase]
    usual = max(others, key=lambda other: other.for_us, default=phase).rate
    return f"burst ×{phase.rate / usual:.3g}" if 0 < usual < phase.rate else f"{amount(phase.rate)}/s"


def _bursts(phase: Phase, at: int, until: int) -> list[Event]:
    bursts = phase.bursts
    assert bursts is not None
    if (until - at) // bursts.every > MOST_SPANS:
        return []
    starts = range(at, until, bursts.every)
    return [
        Event(f"burst ×{bursts.factor:g}", start / 1e6, min(start + bursts.lasting, until) / 1e6)
        for start in starts
    ]
