"""Rehearsed alarms: when each rang against the trouble and the harm of its run, and when for nothing."""

import math

import numpy as np
import pytest

from simulator.analysis.alarms import NEAR_S, Incident, condition, fitting, told
from simulator.analysis.answer import Spell
from simulator.scenario.alarms import Alarm

FAULT = Spell(2_400.0, 3_600.0)
NONE = np.zeros(0)


def incident(*harms_s: float, faults: tuple[Spell, ...] = (FAULT,)) -> Incident:
    """A run with these faults and harms."""
    began = faults[0].from_s if faults else math.nan
    after = [at for at in harms_s if not faults or at >= began]
    harm_s = min(after, default=math.nan)
    return Incident(faults, began if faults else harm_s, harm_s, np.array(harms_s))


def test_delay_counts_from_the_fault_and_lead_until_the_first_harm():
    rung = told([Spell(2_640, 3_700)], incident(3_000))
    assert (rung.delay_s, rung.lead_s) == (240, 360)
    assert (rung.fired, rung.missed, rung.false_alarms) == (True, False, 0)


def test_an_alarm_after_the_harm_has_a_negative_lead():
    assert told([Spell(3_060, 9_000)], incident(3_000)).lead_s == -60


def test_one_that_rings_already_when_the_fault_begins_tells_at_once():
    rung = told([Spell(2_000, 9_000)], incident(3_000))
    assert (rung.delay_s, rung.lead_s) == (0, 600)


def test_an_alarm_that_was_over_before_the_fault_has_missed_it_and_was_false():
    rung = told([Spell(600, 700)], incident(3_000))
    assert (rung.fired, rung.missed, rung.false_alarms) == (True, True, 1)
    assert math.isnan(rung.delay_s)


def test_a_silent_alarm_misses_trouble_and_nothing_else():
    assert told([], incident(3_000)).missed
    assert not told([], incident(faults=())).missed


@pytest.mark.parametrize(
    ("rings_s", "false"),
    [(FAULT.until_s + NEAR_S, 0), (FAULT.until_s + NEAR_S + 1, 1), (FAULT.from_s - 1, 1), (FAULT.from_s, 0)],
)
def test_ringing_is_false_outside_a_fault_and_a_quarter_of_an_hour_after_it(rings_s: float, false: int):
    assert told([Spell(rings_s, rings_s + 60)], incident()).false_alarms == false


def test_ringing_shortly_before_the_fault_is_false_although_harm_comes_of_it():
    assert told([Spell(FAULT.from_s - 60, FAULT.from_s - 1)], incident(FAULT.from_s + 180)).false_alarms == 1


def test_without_faults_the_first_harm_is_the_trouble_and_may_be_told_before():
    rung = told([Spell(2_000, 4_000)], incident(2_600, faults=()))
    assert math.isnan(rung.delay_s)
    assert (rung.lead_s, rung.false_alarms, rung.missed) == (600, 0, False)
    early = told([Spell(1_000, 1_060)], incident(2_600, faults=()))
    assert (early.missed, early.false_alarms) == (True, 1)


def test_a_run_without_trouble_counts_every_ringing_as_false():
    assert told([Spell(60, 120), Spell(600, 660)], incident(faults=())).false_alarms == 2


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"above": "1k", "for": "3 of 5"}, "> 1k for 3 of 5 min"),
        ({"at_least": "5m", "for": 3}, ">= 5m for 3 min"),
        ({"below": "80%", "for": 2, "period": "5m"}, "< 80% for 2 periods of 5m"),
    ],
)
def test_a_condition_in_words(written: dict[str, object], said: str):
    assert condition(Alarm.model_validate({"metric": "queues.a.visible", **written})) == said


def alarm(**written: object) -> Alarm:
    return Alarm.model_validate({"metric": "queues.a.visible", **written})


def seen(*values: float) -> list[tuple[float, float]]:
    """A point a minute, from two minutes before the fault on."""
    return [(FAULT.from_s - 120 + 60 * minute, value) for minute, value in enumerate(values)]


def test_thresholds_that_fit_are_above_quiet_times_and_reached_before_the_harm():
    harm = incident(FAULT.from_s + 180)
    assert fitting(alarm(above=1), [(seen(5, 9, 4, 30, 20, 99), harm)]) == (9, 30)
    # two in a row: 5 in quiet times, and 20 from two of the three points before the harm
    assert fitting(alarm(above=1, **{"for": 2}), [(seen(5, 9, 4, 30, 20, 99), harm)]) == (5, 20)
    assert fitting(alarm(above=1), [(seen(5, 40, 4, 30, 20, 99), harm)]) is None


def test_they_fit_every_run():
    harm = incident(FAULT.from_s + 120)
    runs = [(seen(5, 9, 40, 50), harm), (seen(12, 3, 20, 25), harm)]
    assert fitting(alarm(above=1), runs) == (12, 25)


def test_below_a_threshold_it_is_the_other_way_round():
    harm = incident(FAULT.from_s + 180)
    assert fitting(alarm(below=1), [(seen(100, 80, 90, 7, 9, 0), harm)]) == (7, 80)


def test_of_longer_periods_it_is_their_values_that_reach():
    harm = incident(FAULT.from_s + 180)
    points = [(seen(2, 4, 6, 10, 12, 99), harm)]
    assert fitting(alarm(above=1, period="2m"), points, 2) == (3, 11)  # averages 3 | 5 8 11


def test_without_faults_no_time_is_known_to_be_quiet():
    assert fitting(alarm(above=1), [(seen(5, 9), incident(2_600, faults=()))]) is None
