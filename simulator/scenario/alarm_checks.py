"""Checks of alarms against the rest of a scenario."""

from collections.abc import Iterator

from simulator.scenario.alarms import EXAMPLES, METRICS, unit_of
from simulator.scenario.problems import Finding, nearest_or_known, shown
from simulator.scenario.schema import Scenario
from simulator.scenario.units import write_duration


def metric_paths(scenario: Scenario) -> list[str]:
    """Give every metric that CloudWatch has of a scenario's things."""
    return [
        f"{section}.{name}.{metric}"
        for section, metrics in METRICS.items()
        for name in getattr(scenario, section, ())
        for metric in metrics
    ]


def metric_problem(path: str, scenario: Scenario) -> str:
    """Say what is wrong with the path of a metric; "" if nothing is."""
    known = metric_paths(scenario)
    if path in known:
        return ""
    return f"is {shown(path)}; there is no such metric, {nearest_or_known(path, known)}"


def alarm_findings(scenario: Scenario) -> Iterator[Finding]:
    """Find alarms about no metric, with periods CloudWatch has no points for, or telling a FIFO topic."""
    minute = scenario.rules.value("cw.period")
    for name, alarm in scenario.alarms.items():
        path = ("alarms", name)
        if message := metric_problem(alarm.metric, scenario):
            yield Finding((*path, "metric"), message)
        elif alarm.level.unit != (due := unit_of(alarm.metric)):
            message = f"is {alarm.level.text}; {alarm.metric} is {due}: write such as {EXAMPLES[due]}"
            yield Finding((*path, alarm.comparison), message)
        if alarm.period % minute or not alarm.period:
            due = f"a multiple of {write_duration(minute)} is due, the time between points"
            yield Finding((*path, "period"), f"is {write_duration(alarm.period)}; {due}")
        topic = scenario.topics.get(alarm.notify or "")
        if topic is not None and topic.type == "fifo":
            message = f"is {alarm.notify}, a FIFO topic; alarms tell standard topics only"
            yield Finding((*path, "notify"), message)
