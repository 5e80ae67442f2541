"""Answers of every shape that a report must cope with, made once."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from simulator.analysis.answer import Answer, Event, FaultSpan, ThresholdResult, Verdict
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


def troubled() -> Answer:
    """Faults of every length, alarms that go off and off again, instances that drain, limits of new kinds."""
    made: Answer = synthetic.make(runs=4)
    faults = (
        FaultSpan("brown-out", "database ×10 slower, 5% errors", 2700.0, 3000.0, "downstreams.database"),
        FaultSpan("friday", "fraud down", 4200.0, 4800.0, synthetic.FLEET),
        FaultSpan("zone", "fraud loses a zone, 33% of its instances", 5400.0, 5400.0, synthetic.FLEET),
    )
    spans = {
        synthetic.FLEET: [(1980.0, 2700.0), (4320.0, 5000.0)],
        "alarms.deep": [(2040.0, 2700.0)],
        "alarms.old": [(0.0, 600.0), (1860.0, 7200.0)],
        "alarms.never": [],
    }
    at = np.arange(0.0, 7200.0, 60.0)
    in_alarm = {
        scope: np.any([(at >= a) & (at < b) for a, b in found], axis=0) if found else np.zeros(len(at))
        for scope, found in spans.items()
    }
    parts = [made.series]
    for scope, share in in_alarm.items():
        parts.append(synthetic.long(scope, "alarm", np.repeat(share[:, None].astype(float), 4, 1), 60.0))
    leaving = np.where((at > 3000) & (at < 3600), 6.0, 0.0)
    parts.append(synthetic.long(synthetic.FLEET, "draining", np.repeat(leaving[:, None], 4, 1), 60.0))
    limits = made.limits.copy()
    down = (limits["at_s"] >= 4200.0) & (limits["at_s"] < 4800.0)
    limits.loc[down, "limit"] = "consumer_down"
    slow = (limits["at_s"] >= 2700.0) & (limits["at_s"] < 3000.0)
    limits.loc[slow, "limit"] = "downstream"
    return replace(
        made, series=pd.concat(parts, ignore_index=True), limits=limits,
        setting=replace(made.setting, faults=faults),
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
    "troubled": troubled,
}


@cache
def case(name: str) -> Answer:
    """The answer of a case."""
    return CASES[name]()
