"""Metrics are read once a period, published later, and alarms are told of nothing else."""

import math
from collections.abc import Callable

import pytest

from simulator.aws.cloudwatch.alarms import Alarm, AlarmState, Comparison
from simulator.processes.alarms import Alarms
from simulator.processes.clock import Clock
from simulator.processes.cloudwatch import Metrics, Timing
from simulator.processes.ledger import Ledger
from simulator.recording.recorder import Recorder
from tests.engine.running import Kept

MINUTE = 60_000_000
FIRST = 7_000_000


def metrics(clock: Clock) -> Metrics:
    return Metrics(clock, lambda: Timing(MINUTE, MINUTE, FIRST))


def minutes(clock: Clock) -> Callable[[int], float]:
    """A metric that counts the minutes begun."""
    return lambda at: float(at // MINUTE)


def reading(instants: list[int]) -> Callable[[int], float]:
    """A metric that counts its readings, and keeps their instants."""

    def read(at: int) -> float:
        instants.append(at)
        return float(len(instants))

    return read


def test_a_metric_is_read_once_a_period_and_seen_a_period_later():
    clock = Clock()
    made = metrics(clock)
    made.declare("a", minutes(clock))
    series = made.series("a")
    seen: list[tuple[int, list[float]]] = []
    made.every_period(lambda at: seen.append((at, list(series.points(at, 9)))))
    clock.run_until(3 * MINUTE)
    assert seen == [(FIRST, []), (FIRST + MINUTE, [0.0]), (FIRST + 2 * MINUTE, [0.0, 1.0])]


def test_a_metric_that_nobody_asks_for_is_not_read_and_a_run_without_any_has_no_events():
    clock = Clock()
    made = metrics(clock)
    read: list[int] = []
    made.declare("a", reading(read))
    assert clock.next_at() == math.inf
    made.declare("b", minutes(clock))
    made.series("b")
    clock.run_until(5 * MINUTE)
    assert not read


def test_a_metric_made_of_another_meets_the_same_reading():
    clock = Clock()
    made = metrics(clock)
    read: list[int] = []
    made.declare("a", reading(read))
    made.declare("double", lambda at: 2 * made.read("a", at))
    of_a, doubled = made.series("a"), made.series("double")
    clock.run_until(4 * MINUTE)
    assert list(of_a.points(clock.now, 9)) == [1.0, 2.0, 3.0]
    assert list(doubled.points(clock.now, 9)) == [2.0, 4.0, 6.0]


def test_points_of_a_blackout_are_missing_for_good():
    clock = Clock()
    made = metrics(clock)
    made.declare("a", minutes(clock))
    series = made.series("a")
    clock.run_until(MINUTE)
    made.blackout = True
    clock.run_until(3 * MINUTE)
    made.blackout = False
    clock.run_until(9 * MINUTE)
    points = list(series.points(clock.now, 9))
    assert [math.isnan(point) for point in points[:4]] == [False, True, True, False]
    assert points[3:] == [3.0, 4.0, 5.0, 6.0, 7.0]


def test_an_unknown_metric_is_refused():
    made = metrics(Clock())
    made.declare("queues.orders.visible", lambda _: 0.0)
    assert made.knows("queues.orders.visible")
    assert not made.knows("queues.order.visible")
    with pytest.raises(ValueError, match=r"queues\.order\.visible"):
        made.series("queues.order.visible")


def watched(clock: Clock, *values: float) -> Alarms:
    """An alarm above 10 for 2 minutes on these points, a minute each."""
    made = metrics(clock)
    made.declare("a", lambda at: values[at // MINUTE])
    alarms = Alarms(clock, made, Recorder(Ledger(), Kept()))
    alarms.add("deep", 0, "a", Alarm(Comparison.ABOVE, 10, 2, 2))
    alarms.start()
    return alarms


def test_an_alarm_rings_on_published_points_only_and_says_so_once():
    clock = Clock()
    alarms = watched(clock, 0, 11, 12, 13, 0, 0, 0, 0)
    told: list[tuple[AlarmState, int]] = []
    alarms.on("deep", lambda state, at: told.append((state, at)))
    clock.run_until(8 * MINUTE)
    # the points of minutes 1 and 2 breach; the second is seen at minute 3, that of minute 4 at minute 5
    assert told == [
        (AlarmState.OK, FIRST + MINUTE),
        (AlarmState.ALARM, FIRST + 3 * MINUTE),
        (AlarmState.OK, FIRST + 5 * MINUTE),
    ]
    assert [(at, name) for at, name, _ in alarms.changes] == [(at, "deep") for _, at in told]


def test_who_asks_for_it_is_told_again_each_minute_while_it_rings():
    clock = Clock()
    alarms = watched(clock, 0, 11, 12, 13, 14, 0, 0, 0)
    told: list[int] = []
    alarms.on("deep", lambda state, at: told.append(at) if state is AlarmState.ALARM else None, repeat=True)
    clock.run_until(8 * MINUTE)
    assert told == [FIRST + minute * MINUTE for minute in (3, 4, 5)]
