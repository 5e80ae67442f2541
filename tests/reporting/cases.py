"""Answers of every shape that a report must cope with, made once."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from simulator.analysis.answer import Answer, Event, ThresholdResult, Verdict
from tests.reporting import synthetic

MANY_EVENTS = [
    *(Event("burst ×10", 60.0 * (5 + 10 * k), 60.0 * (7 + 10 * k)) for k in range(11)),
    Event("database 20× slower", 4500, 4800),
    Event("producer paused", 4800, 5100),
    Event("DLQ redrive", 5000, 5000),
]


@cache
def burst() -> Answer:
    """Two hours, a burst of ten times the traffic, two queues, ten replications."""
    made: Answer = synthetic.make()
    return made


def nothing_recorded() -> Answer:
    made = burst()
    return replace(
        made, series=made.series.iloc[:0], tails=made.tails.iloc[:0], limits=made.limits.iloc[:0],
        estimates={},
        thresholds=(), closed_forms=(), sentence="No data",
    )  # fmt: skip


def no_consumer() -> Answer:
    made = burst()
    setting = replace(made.setting, consumers=[], events=[])
    return replace(made, setting=setting, thresholds=(), limits=made.limits.iloc[:0], assumptions=())


def crowded() -> Answer:
    """Events next to each other, long names, more thresholds and assumptions than there is room for."""
    made = burst()
    estimate = made.thresholds[0].estimate
    key = f"queues.{'a' * 60} end_to_end.p99"
    many = [
        ThresholdResult(f"{key} < {k}s", key, float(k), estimate, list(Verdict)[k % 3]) for k in range(20)
    ]
    setting = replace(made.setting, events=MANY_EVENTS, name="n" * 80, variant="v" * 80, traffic="t" * 200)
    assumptions = tuple(f"some.rather.long.name.of.a.rule.{k} = 1 (model: so)" for k in range(30))
    return replace(
        made, setting=setting, thresholds=[*made.thresholds, *many], assumptions=assumptions,
        sentence="Fails 2 of 24 thresholds: the burst ×10 outruns maximum concurrency 320 " * 3,
    )  # fmt: skip


CASES: dict[str, Callable[[], Answer]] = {
    "burst": burst,
    "one_run": lambda: synthetic.make(runs=1),
    "constant": lambda: synthetic.make(runs=4, peak=200.0, base=200.0),
    "overloaded": lambda: synthetic.make(runs=4, peak=2000.0, base=1600.0),
    "never_drained": lambda: synthetic.make(runs=4, peak=3000.0, base=2900.0, duration_s=1800.0, bin_s=10.0),
    "pause": lambda: synthetic.make(runs=4, pause=(4800.0, 5400.0)),
    "function_only": lambda: synthetic.make(runs=4, both=False),
    "25_minutes": lambda: synthetic.make(runs=4, duration_s=1500.0, bin_s=10.0, from_s=300.0, until_s=600.0),
    "24_hours": lambda: synthetic.make(
        duration_s=86400.0, bin_s=600.0, from_s=36000.0, until_s=43200.0, runs=3
    ),
    "one_bin": lambda: synthetic.make(runs=4, duration_s=60.0, bin_s=60.0, from_s=0.0, until_s=30.0),
    "no_messages": lambda: synthetic.make(runs=4, peak=0.0, base=0.0),
    "no_thresholds": lambda: synthetic.make(runs=4, thresholds=False),
    "no_consumer": no_consumer,
    "nothing_recorded": nothing_recorded,
    "crowded": crowded,
}


@cache
def case(name: str) -> Answer:
    """The answer of a case."""
    return CASES[name]()
