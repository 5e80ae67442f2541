"""Rehearsed alarms: what each would have told in an incident, how early, and how often for nothing.

Trouble begins with the scenario's first fault; without faults with the first harm. Harm is a stretch of time
(a bin of the report) in which messages were dead-lettered or lost, with faults more of them than in any
before, or in which more of the messages than a threshold allows had to wait longer than it allows.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from simulator.analysis import intervals
from simulator.analysis.answer import Estimate, Rehearsal, Spell
from simulator.analysis.histogram import bucket_of
from simulator.analysis.partial import BUCKET_BITS, Cells, Field, Frame, Partial
from simulator.analysis.replication import Replication
from simulator.scenario.alarms import Alarm
from simulator.scenario.schema import Scenario
from simulator.scenario.thresholds import Threshold
from simulator.scenario.units import write_duration

NEAR_S: Final = 900.0
"""An alarm is false that rings while no fault lasts, nor within so long of a fault's end or of harm [s]."""

_US: Final = 1e6
_LATE: Final = {"wait": Field.WAIT, "end_to_end": Field.END_TO_END}
_STATISTICS: Final[dict[str, Callable[[list[float]], float]]] = {
    "average": intervals.mean,
    "sum": math.fsum,
    "maximum": max,
    "minimum": min,
}
QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
"""What statistics of waits say of: the share of messages that does not wait longer."""


Seen = list[tuple[float, float]]
"""Instants [s] and values of the points that an alarm saw."""


class Incident(NamedTuple):
    """What a run had of trouble [s]: faults, its begin, the first harm after, and every harm's instant."""

    faults: tuple[Spell, ...]
    trouble_s: float
    harm_s: float
    harms_s: np.ndarray


class Rung(NamedTuple):
    """What an alarm did in one run: nan where there is nothing to say."""

    fired: bool
    delay_s: float
    lead_s: float
    false_alarms: int
    missed: bool


def rehearse(scenario: Scenario, frame: Frame, partials: Sequence[Partial]) -> list[Rehearsal]:
    """What every alarm of *scenario* did in its runs; one partial a replication."""
    if not scenario.alarms:
        return []
    runs = [Replication(frame, partial) for partial in partials]
    incidents = [incident(scenario, run) for run in runs]
    point_us = scenario.rules.value("cw.period")
    found = []
    for name, alarm in scenario.alarms.items():
        thing = frame.things.index(f"alarms.{name}")
        spells = [_spells(run, thing) for run in runs]
        rung = [told(one, where) for one, where in zip(spells, incidents, strict=True)]
        troubled = [
            one for one, where in zip(rung, incidents, strict=True) if not math.isnan(where.trouble_s)
        ]
        seen = [_seen(run, thing) for run in runs]
        found.append(
            Rehearsal(
                name=name,
                metric=alarm.metric,
                condition=condition(alarm),
                threshold=alarm.threshold,
                fired=_share([one.fired for one in rung]),
                delay=intervals.of_means([one.delay_s for one in rung], "s", floor=-math.inf),
                lead=intervals.of_means([one.lead_s for one in rung], "s", floor=-math.inf),
                false_alarms=intervals.of_counts([one.false_alarms for one in rung], [1.0] * len(rung), "1"),
                missed=_share([one.missed for one in troubled]),
                fitting=fitting(alarm, list(zip(seen, incidents, strict=True)), alarm.period // point_us),
                spells=spells[0],
                seen_s=[at_s for at_s, _ in seen[0]],
                seen=[value for _, value in seen[0]],
                trouble_s=incidents[0].trouble_s,
                harm_s=incidents[0].harm_s,
            )
        )
    return found


def estimates(rehearsals: Sequence[Rehearsal]) -> dict[str, Estimate]:
    """The numbers of rehearsed alarms under the keys of thresholds."""
    found: dict[str, Estimate] = {}
    for one in rehearsals:
        scope = f"alarms.{one.name}"
        found[f"{scope} fired.share"] = one.fired
        found[f"{scope} alarm_delay"] = one.delay
        found[f"{scope} alarm_lead"] = one.lead
        found[f"{scope} false_alarm.count"] = one.false_alarms
        found[f"{scope} missed.share"] = one.missed
    return found


def condition(alarm: Alarm) -> str:
    """The alarm's condition in words: ``> 5m for 3 of 5 min``, the threshold as it was written."""
    sign = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}[alarm.comparison]
    lasting = f"{alarm.needed} of {alarm.periods}" if alarm.needed != alarm.periods else str(alarm.periods)
    each = write_duration(alarm.period)
    span = f"{lasting} min" if each == "1m" else f"{lasting} periods of {each}"
    return f"{sign} {alarm.level.text} for {span}"


def incident(scenario: Scenario, run: Replication) -> Incident:
    """The trouble of one run."""
    faults = tuple(
        Spell(fault.at / _US, max(fault.at, fault.until) / _US) for fault in scenario.faults.values()
    )
    began = min((fault.from_s for fault in faults), default=0.0)
    bin_s = run.frame.bin_us / _US
    queues = [number for number, source in enumerate(run.frame.is_source.tolist()) if source]
    gone = run.by_bin(Field.DEAD_LETTERED, queues) + run.by_bin(Field.LOST, queues)
    usual = max(gone[: int(began // bin_s)].tolist(), default=0)
    harms = [np.flatnonzero(gone > usual) * bin_s]
    for threshold in scenario.thresholds:
        if threshold.metric in _LATE and threshold.statistic in QUANTILES and threshold.op in ("<", "<="):
            harms.append(_late_s(run, threshold))
    at_s = np.sort(np.concatenate(harms))
    after = at_s[at_s > began - bin_s].tolist()
    harm_s = max(began, after[0]) if after else math.nan
    return Incident(faults, began if faults else harm_s, harm_s, at_s)


def _late_s(run: Replication, threshold: Threshold) -> np.ndarray:
    """When messages offered in a bin had waited too long for a threshold [s]: its bound after the begin."""
    frame, what = run.frame, _LATE[threshold.metric]
    queues = [
        number
        for number, thing in enumerate(frame.things)
        if frame.is_source[number] and threshold.scope in ("", thing)
    ]
    longer = range(int(bucket_of(np.array([round(threshold.bound * _US)]))[0]) + 1, 1 << BUCKET_BITS)
    known, open_, never = what, Field(what + 1), Field(what + 2)
    late = run.by_bin(known, queues, longer) + run.by_bin(open_, queues, longer) + run.by_bin(never, queues)
    offered = run.by_bin(known, queues) + run.by_bin(open_, queues) + run.by_bin(never, queues)
    found = np.flatnonzero(late > (1 - QUANTILES[threshold.statistic]) * offered)
    return np.asarray(found * (frame.bin_us / _US) + threshold.bound)


def told(spells: Sequence[Spell], trouble: Incident) -> Rung:
    """What an alarm with these spells told of a run's trouble."""
    since = trouble.trouble_s
    if math.isnan(since):
        return Rung(bool(spells), math.nan, math.nan, len(spells), missed=False)
    asked_from = since if trouble.faults else since - NEAR_S
    rings = [max(spell.from_s, asked_from) for spell in spells if spell.until_s > asked_from]
    first = min(rings, default=math.nan)
    false = sum(not _wanted(spell.from_s, trouble) for spell in spells)
    delay_s = first - since if trouble.faults else math.nan
    return Rung(bool(spells), delay_s, trouble.harm_s - first, false, missed=not rings)


def _wanted(at_s: float, trouble: Incident) -> bool:
    """Whether an alarm that rings at *at_s* has a reason; what comes of a fault is none before the fault."""
    if any(fault.from_s <= at_s <= fault.until_s + NEAR_S for fault in trouble.faults):
        return True
    harms_s = trouble.harms_s
    if trouble.faults and at_s < trouble.trouble_s:
        harms_s = harms_s[harms_s < trouble.trouble_s]
    return bool((np.abs(harms_s - at_s) <= NEAR_S).any())


def fitting(
    alarm: Alarm, runs: Sequence[tuple[Seen, Incident]], points_a_period: int = 1
) -> tuple[float, float] | None:
    """Thresholds with which the alarm rings before the first harm of every run, and never falsely.

    They lie between the most that as many values as it needs reached in quiet times and the least that they
    reached in a run between trouble and harm; for an alarm below a threshold the other way round. None: no
    threshold does both, or the runs have no faults.
    """
    sign = -1.0 if alarm.comparison in ("below", "at_most") else 1.0
    quiet, reached = -math.inf, math.inf
    for seen, trouble in runs:
        if not trouble.faults:
            return None
        until_s = trouble.faults[0].until_s + NEAR_S if math.isnan(trouble.harm_s) else trouble.harm_s
        levels = _levels(alarm, seen, sign, points_a_period)
        quiet = max([quiet, *(level for at_s, level in levels if not _wanted(at_s, trouble))])
        in_time = [level for at_s, level in levels if trouble.trouble_s <= at_s < until_s]
        reached = min(reached, max(in_time, default=-math.inf))
    if not -math.inf < quiet < reached < math.inf:
        return None
    low, high = sorted((sign * quiet, sign * reached))
    return low, high


def _levels(alarm: Alarm, seen: Seen, sign: float, step: int) -> Seen:
    """At each point what as many as needed of the newest values reach; *sign* -1: fall to, negated."""
    made_into = _STATISTICS[alarm.made_into]
    values = [
        sign * made_into([value for _, value in seen[index - step : index]])
        for index in range(step, len(seen) + 1)
    ]
    found = []
    for index, (at_s, _) in enumerate(seen[step - 1 :]):
        newest = values[index::-step][: alarm.periods]
        if len(newest) >= alarm.needed:
            found.append((at_s, sorted(newest, reverse=True)[alarm.needed - 1]))
    return found


def _share(happened: Sequence[bool]) -> Estimate:
    """The share of runs in which something happened."""
    return intervals.of_counts([int(one) for one in happened], [1.0] * len(happened), "share", most=1.0)


def _spells(run: Replication, thing: int) -> list[Spell]:
    """Times in ALARM of one run, the first one first."""
    starts, lengths = run.cells(Field.IN_ALARM_FROM), run.cells(Field.IN_ALARM_US)
    mine, theirs = starts.thing == thing, lengths.thing == thing
    lasted = dict(zip(_places(lengths, theirs), lengths.value[theirs].tolist(), strict=True))
    return [
        Spell((began - 1) / _US, (began - 1 + lasted.get(place, 0)) / _US)
        for place, began in zip(_places(starts, mine), starts.value[mine].tolist(), strict=True)
    ]


def _places(found: Cells, rows: np.ndarray) -> list[tuple[int, int]]:
    at_bin, bucket = found.bin[rows], found.bucket[rows]
    return list(zip(at_bin.tolist(), bucket.tolist(), strict=True))


def _seen(run: Replication, thing: int) -> Seen:
    """The points an alarm saw in one run."""
    found = run.cells(Field.SEEN)
    rows = found.thing == thing
    at_s = found.bin[rows] * (run.frame.bin_us / _US) + found.bucket[rows]
    return list(zip(at_s.tolist(), ((found.value[rows] - 1) / 1e3).tolist(), strict=True))
