"""Alarms: evaluated once a period on what is published; they tell policies and topics."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from simulator.aws.cloudwatch.alarms import Alarm, AlarmState, Change
from simulator.aws.cloudwatch.metrics import PublishedSeries
from simulator.processes.announcements import Announcer
from simulator.processes.clock import Clock
from simulator.processes.cloudwatch import Metrics
from simulator.processes.gauges import Gauge
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Quantity

Act = Callable[[AlarmState, int], None]
"""Told the state of an alarm and the instant [us]."""

THOUSANDTHS: Final = 1_000


class Notice:
    """What an alarm says to a topic: a message for each change to one of the *states* it tells of."""

    def __init__(self, announcer: Announcer, states: set[AlarmState]) -> None:
        self._announcer = announcer
        self._states = states

    def tell(self, state: AlarmState, now: int) -> None:
        """Publish that the alarm is in *state* since *now* [us], if anybody is told."""
        if state in self._states:
            self._announcer.say(now)


class _Watched(NamedTuple):
    """An alarm with its metric, and who is told of its changes, or once a period while it is in ALARM."""

    rule: Alarm
    metric: str
    thing: int
    gauge: Gauge
    told: list[Act]
    told_again: list[Act]


class Alarms:
    """The alarms of a run by name.

    Attributes
    ----------
    changes : list
        Every change of state: instant [us], name, and the change with its reason.
    """

    def __init__(self, clock: Clock, metrics: Metrics, recorder: Recorder) -> None:
        self.changes: list[tuple[int, str, Change]] = []
        self._clock = clock
        self._metrics = metrics
        self._recorder = recorder
        self._watched: dict[str, _Watched] = {}
        self._series: dict[str, PublishedSeries] = {}

    def add(self, name: str, thing: int, metric: str, rule: Alarm) -> None:
        """There is an alarm *name* on *metric*."""
        gauge = Gauge(self._recorder, thing, Quantity.ALARM, int(rule.state))
        self._watched[name] = _Watched(rule, metric, thing, gauge, [], [])

    def rule(self, name: str) -> Alarm:
        """The alarm's rule, for policies that count from its threshold."""
        return self._watched[name].rule

    def metric(self, name: str) -> str:
        """Path of the alarm's metric."""
        return self._watched[name].metric

    def on(self, name: str, act: Act, *, repeat: bool = False) -> None:
        """Call ``act(state, at)`` when the alarm changes; with *repeat* also once a period while in ALARM."""
        alarm = self._watched[name]
        (alarm.told_again if repeat else alarm.told).append(act)

    def start(self) -> None:
        """All metrics are declared: evaluate every alarm once a period from now on."""
        for name, alarm in self._watched.items():
            self._series[name] = self._metrics.series(alarm.metric)
        if self._watched:
            self._metrics.every_period(self._evaluate)

    def _evaluate(self, at: int) -> None:
        for name, alarm in self._watched.items():
            points = self._series[name].points(at, alarm.rule.points_needed)
            change = alarm.rule.evaluate(points)
            self._see(alarm.thing, points[-1] if points else np.nan, at, self._series[name].period_us)
            if changed := change.state is not change.before:
                self.changes.append((at, name, change))
                alarm.gauge.set(at, int(change.state))
                for act in alarm.told:
                    act(change.state, at)
            if changed or change.state is AlarmState.ALARM:
                for act in alarm.told_again:
                    act(change.state, at)

    def _see(self, thing: int, value: float, at: int, period_us: int) -> None:
        """Write down the newest point there is at *at* [us]: what the alarm sees."""
        if value == value:  # not missing
            seen = round(value * THOUSANDTHS)
            self._recorder.change(thing, int(Quantity.AS_SEEN), seen, at, at + period_us)

    def finish_run(self) -> None:
        """Write down the states held at the end of the run."""
        for alarm in self._watched.values():
            alarm.gauge.close(self._clock.now)
