"""Alarms as people write them."""

from typing import Any

import pytest
from pydantic import ValidationError

from simulator.scenario.alarms import COUNTED, METRICS, Alarm


def alarm(metric: str = "queues.orders.oldest", /, **written: Any) -> Alarm:
    return Alarm.model_validate({"metric": metric, **written})


@pytest.mark.parametrize(
    ("written", "read"),
    [("5m", 300.0), (300, 300.0), ("1.5k", 1500.0), ("80%", 0.8), ("250ms", 0.25), (0, 0.0)],
)
def test_a_threshold_is_a_number_a_duration_in_seconds_or_a_share(written: object, read: float):
    assert alarm(above=written).threshold == read


@pytest.mark.parametrize("written", ["-1", "soon", "5 m", True, None, {}])
def test_anything_else_is_refused(written: object):
    with pytest.raises(ValidationError):
        alarm(above=written)


@pytest.mark.parametrize(
    ("written", "needed", "periods"), [("3 of 5", 3, 5), (3, 3, 3), ("3", 3, 3), ("1 of 1440", 1, 1440)]
)
def test_so_many_points_of_so_many(written: object, needed: int, periods: int):
    one = alarm(above=1, **{"for": written})
    assert (one.needed, one.periods) == (needed, periods)


@pytest.mark.parametrize("written", ["5 of 3", 0, "0 of 3", "3 in 5", "3m", 1441, True])
def test_points_that_cannot_be_are_refused(written: object):
    with pytest.raises(ValidationError):
        alarm(above=1, **{"for": written})


def test_longer_periods_add_counts_up_and_average_levels_unless_told():
    assert alarm("functions.charge.errors", above=1).made_into == "sum"
    assert alarm("queues.orders.visible", above=1).made_into == "average"
    assert alarm("functions.charge.errors", above=1, statistic="maximum").made_into == "maximum"
    assert {metric for metrics in METRICS.values() for metric in metrics} >= COUNTED


def test_who_is_told_when_it_is_over_must_be_there():
    with pytest.raises(ValidationError):
        alarm(above=1, notify_ok=True)
    assert alarm(above=1, notify="ops", notify_ok=True).notify == "ops"


def test_an_alarm_has_one_threshold():
    with pytest.raises(ValidationError):
        alarm(above=1, below=2)
    assert alarm(below=2).comparison == "below"


def test_a_threshold_is_in_the_unit_of_its_metric():
    """CloudWatch gives Duration in milliseconds, ages in seconds, shares as shares."""
    assert alarm("functions.charge.duration", above="250ms").threshold == 250
    assert alarm("queues.orders.oldest", above="250ms").threshold == 0.25
    assert alarm("auto_scaling_groups.ship.busy_share", above="80%").threshold == 0.8
    assert alarm("queues.orders.visible", above="1.5k").threshold == 1500
