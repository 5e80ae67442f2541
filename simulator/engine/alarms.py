"""Builds alarms."""

from collections.abc import Mapping

from simulator.aws.cloudwatch.alarms import Alarm, AlarmState, Comparison, Missing, Statistic
from simulator.engine.taken import Taken
from simulator.processes.alarms import Alarms, Notice
from simulator.processes.announcements import Announcer
from simulator.processes.clock import Clock
from simulator.processes.cloudwatch import Metrics
from simulator.processes.ledger import Ledger
from simulator.processes.topics import Topic
from simulator.recording.recorder import Recorder
from simulator.scenario import alarms as spec
from simulator.scenario.schema import Scenario


def alarms(
    scenario: Scenario,
    things: Mapping[str, int],
    taken: Taken,
    clock: Clock,
    ledger: Ledger,
    recorder: Recorder,
    metrics: Metrics,
    topics: Mapping[str, Topic],
) -> Alarms:
    """The alarms of a run; they start once all consumers have declared their metrics."""
    made = Alarms(clock, metrics, recorder)
    for name, alarm in scenario.alarms.items():
        path = f"alarms.{name}"
        made.add(name, things[path], alarm.metric, alarm_rule(alarm, taken))
        if alarm.notify is not None:
            states = {AlarmState.ALARM, AlarmState.OK} if alarm.notify_ok else {AlarmState.ALARM}
            announcer = Announcer(topics[alarm.notify], path, things[path], ledger, recorder)
            made.on(name, Notice(announcer, states).tell)
    return made


def alarm_rule(alarm: spec.Alarm, taken: Taken) -> Alarm:
    """An alarm as the scenario declares it."""
    return Alarm(
        Comparison(alarm.comparison),
        alarm.threshold,
        alarm.periods,
        alarm.needed,
        points_a_period=alarm.period // taken.rule("cw.period"),
        statistic=Statistic(alarm.made_into),
        missing=Missing(alarm.missing),
    )
