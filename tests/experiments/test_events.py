"""The life of an event of a function, told as that of a message in a queue."""

from pathlib import Path

from simulator.analysis.life import Ending
from simulator.analysis.remedies import avoidance
from simulator.experiments.setting import setting_of
from simulator.experiments.tracing import Tracer
from simulator.recording.tables import Cause, Fate, Limit
from simulator.reporting.life_findings import title
from simulator.reporting.life_words import LifeWords
from tests.scenarios.running import MINUTE, written

FAILING = """
scenario: failing
ideal: true
duration: 20s
producers: {web: {target: mail, arrivals: {rate: 2/s, process: even}, message: {poison: 100%}}}
queues: {dead: {retention: 14d}}
functions:
  mail: {runtime: rust, work: 1s, asynchronous: {retries: 1, dead_letter: {queue: dead}}}
"""
LIFE = {"duration": "2m", "producers__web__arrivals": "[{for: 20s, rate: 2/s, process: even}, {rate: 0/s}]"}


def test_an_event_that_failed_for_good_is_told_attempt_by_attempt(tmp_path: Path):
    scenario = written(tmp_path, FAILING, **LIFE)
    life = Tracer(scenario, seed=1, replication=0).find("dead_lettered")
    assert life.target == "functions.mail"
    assert life.ending is Ending.DEAD_LETTERED
    event, record = life.copies
    (stay,) = event.stays
    assert stay.queue == "functions.mail.async"
    assert [delivery.received_at - stay.arrived_at for delivery in stay.deliveries] == [0, MINUTE + 1_000_000]
    assert (stay.fate, stay.cause) == (Fate.DEAD_LETTERED, Cause.FAILURE)
    assert record.parent == event.number
    assert record.stays[0].arrived_at == stay.ended_at
    said = title(LifeWords(life, setting_of(scenario, seed=1, replications=1)))
    assert said == "Dead-lettered: given up after 2 attempts, its last attempt had failed"


def test_a_throttled_event_says_what_held_its_function_back(tmp_path: Path):
    sets = {"functions__mail__reserved_concurrency": "1", "producers__web__message__poison": "0%"}
    scenario = written(tmp_path, FAILING, **{**LIFE, **sets})
    life = Tracer(scenario, seed=1, replication=0).find("wait")
    (stay,) = life.copies[0].stays
    consumer, limit, held_us = stay.waits[0].binding or ("", Limit.ARRIVALS, 0)
    assert (consumer, limit) == ("functions.mail.async", Limit.RESERVED_CONCURRENCY)
    assert held_us == stay.waits[0].lasted_us > 10_000_000
    (remedy,) = avoidance(life, scenario).remedies
    assert (remedy.path, remedy.relation, remedy.value) == ("functions.mail.reserved_concurrency", ">", 1)
