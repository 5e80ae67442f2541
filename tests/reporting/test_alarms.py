"""The table and the chart of rehearsed alarms say who told in time."""

import math
from collections.abc import Sequence
from dataclasses import replace

from simulator.analysis.answer import Answer, Rehearsal, Spell
from simulator.analysis.intervals import no_data, of_counts, of_means
from simulator.reporting import alarms, style
from simulator.reporting.frames import Frames
from tests.reporting.cases import burst

RUNS = 10


def rehearsal(name: str, leads_s: Sequence[float], false_alarms: int = 0) -> Rehearsal:
    """An alarm that rang so long before the first harm in each run; without any it never rang."""
    rang = bool(leads_s)
    return Rehearsal(
        name=name,
        metric="queues.billing.visible",
        condition="> 100 for 3 min",
        threshold=100,
        fired=of_counts([int(rang)] * RUNS, [1.0] * RUNS, "share", most=1.0),
        delay=of_means([600 - lead for lead in leads_s], "s") if rang else no_data("s", RUNS),
        lead=of_means(list(leads_s), "s", floor=-math.inf) if rang else no_data("s", RUNS),
        false_alarms=of_counts([false_alarms] * RUNS, [1.0] * RUNS, "1"),
        missed=of_counts([int(not rang)] * RUNS, [1.0] * RUNS, "share", most=1.0),
        fitting=(120.0, 150.5) if rang else None,
        spells=[Spell(600, 900)] if rang else [],
        seen_s=[60.0 * minute for minute in range(60)],
        seen=[100.0 + minute for minute in range(60)],
        trouble_s=300.0,
        harm_s=900.0,
    )


def answer(*rehearsed: Rehearsal) -> Answer:
    return replace(burst(), alarms=rehearsed)


EARLY = rehearsal("done", [240.0, 360.0] * 5)
LATE = rehearsal("dead", [-120.0, -60.0] * 5)
JUMPY = rehearsal("jumpy", [420.0, 480.0] * 5, false_alarms=4)
SILENT = rehearsal("deep", [])


def test_the_title_names_the_earliest_alarm_that_is_not_false_and_the_latest():
    title = alarms.title(answer(JUMPY, EARLY, LATE, SILENT))
    assert title == "Alarm done rings 5 min before the first harm, dead 1.5 min after the first harm"
    assert alarms.title(answer(SILENT)) == "No alarm rings"


def test_the_table_has_a_row_for_each_alarm_with_the_runs_it_rang_in():
    lines = alarms.table(answer(JUMPY, EARLY, LATE, SILENT))
    rows = {line.split(" | ")[0].strip("| "): line for line in lines if line.startswith("| ")}
    assert "| 10 of 10 |" in rows["done"]
    assert "5 min before the first harm ± 45 s" in rows["done"]  # t(9) 63.2 / sqrt(10) = 45.2
    assert "1.5 min after the first harm" in rows["dead"]
    assert "| 0 of 10 |" in rows["deep"]
    assert rows["deep"].endswith("| 10 of 10 | none |")
    assert rows["done"].endswith("| 0 of 10 | 120 to 150 |")
    assert "| 4 " in rows["jumpy"]


def test_a_report_without_alarms_has_neither_table_nor_chart():
    assert alarms.table(burst()) == []
    assert alarms.figure(Frames(burst())) is None


def test_the_chart_draws_each_alarm_and_more_than_six_are_left_to_the_table():
    many = [replace(EARLY, name=f"done-{number}") for number in range(8)]
    with style.context():
        figure = alarms.figure(Frames(answer(*many)))
        assert figure is not None
        assert len(figure.axes) == alarms.MOST_ALARMS
        again = alarms.figure(Frames(answer(*many)))
        assert again is not None
        assert style.png(figure) == style.png(again)
    said = [text.get_text() for text in figure.texts]
    assert any("2 more in summary.md" in text for text in said)
    assert said.count("rings 5 min after the fault, 5 min before the first harm") == alarms.MOST_ALARMS
