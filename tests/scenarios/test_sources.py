"""Services that publish, in whole runs: what arrives where, when, how often, and what is counted."""

import json
from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.arrivals import arrivals
from simulator.experiments.traffic import traffic
from simulator.recording.tables import NONE, Cause, Fate, Outcome
from simulator.scenario import load
from simulator.scenario.lint import lint
from simulator.scenario.problems import ScenarioError
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import MINUTE, SECOND, Ran, written

UPLOADS = """
scenario: uploads
duration: 80s
producers:
  uploads:
    target: uploaded
    arrivals: {rate: 40/s}
    message: {group: {count: 20}}
    s3:
      prefix: {images/: 70%, tmp/: rest}
      suffix: {.jpg: 90%, .png: rest}
      filter: {prefix: [images/]}
      duplicates: 5%
      delay: {uniform: {low: 1s, high: 15s}}
      duplicate_after: 10s
topics:
  uploaded:
    subscriptions:
      all: {queue: all}
      png:
        queue: png
        filter_policy_scope: MessageBody
        filter_policy: {Records: {s3: {object: {key: [{suffix: .png}]}}}}
queues:
  all: {visibility_timeout: 60s}
  png: {visibility_timeout: 60s}
functions:
  work:
    runtime: python3.13
    timeout: 10s
    work: {per_message: {by: {attribute: suffix, values: {.png: 50ms}, rest: 1ms}}}
    event_sources: {all: {batch_size: 10}, png: {batch_size: 10}}
"""
TRANSCODING = """
scenario: transcoding
duration: 10m
producers:
  videos:
    target: finished
    arrivals: {rate: 2/s}
    media_convert: {job: {exponential: {mean: 9s}}, concurrent_jobs: 20, errors: 5%, delay: 1s}
topics:
  finished:
    subscriptions:
      all: {queue: all}
      failed: {queue: failed, filter_policy_scope: MessageBody, filter_policy: {detail: {status: [ERROR]}}}
queues:
  all: {visibility_timeout: 60s}
  failed: {visibility_timeout: 60s}
functions:
  work:
    runtime: python3.13
    timeout: 10s
    work: 1ms
    event_sources: {all: {batch_size: 10}, failed: {batch_size: 10}}
"""
MAILS = """
scenario: mails
duration: 2h
producers:
  shop:
    target: feedback
    arrivals: {rate: 2/s}
    ses_feedback:
      bounces: {hard: 2%, soft: 3%}
      complaints: 1%
      delay: {complaint: 1h, soft_bounce: 90m}
topics:
  feedback: {subscriptions: {all: {queue: all}}}
queues:
  all: {visibility_timeout: 60s}
functions:
  work: {runtime: python3.13, timeout: 10s, work: 1ms, event_sources: {all: {batch_size: 10}}}
"""


def in_queue(run: Ran, queue: str) -> np.ndarray:
    """Which stays are in *queue*."""
    here: np.ndarray = run["copies"]["queue"] == run.things[f"queues.{queue}"]
    return here


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(written(tmp_path_factory.mktemp("uploads"), UPLOADS))


# -- S3 ----------------------------------------------------------------------------------------------


def test_events_of_uploads_reach_the_queues_their_bodies_pass_to(uploads: Ran):
    run = uploads
    messages, copies = run["messages"], run["copies"]
    assert_rows_add_up(run)
    n = len(messages["message"])
    expected = 40 * 80 * 0.7
    assert abs(n - expected) < 4 * np.sqrt(expected)
    pngs = int((messages["attributes"] == 1).sum())  # .jpg, .png of the only prefix that is told
    assert abs(pngs - 0.1 * n) < 4 * np.sqrt(0.09 * n)
    assert len(np.unique(copies["message"][in_queue(run, "all")])) == n
    first_pngs = np.unique(copies["message"][in_queue(run, "png")])
    assert np.array_equal(first_pngs, np.sort(messages["message"][messages["attributes"] == 1]))


def test_end_to_end_counts_from_the_upload_and_the_send_delay_is_s3s(tmp_path: Path):
    run = Ran(written(tmp_path, UPLOADS, producers__uploads__s3__delay="5s"))
    messages, copies = run["messages"], run["copies"]
    assert set((messages["accepted_at"] - messages["offered_at"]).tolist()) == {5 * SECOND}
    first = copies["parent"] == NONE
    assert np.all(copies["sent_at"][first] - copies["offered_at"][first] >= 5 * SECOND)
    assert np.all(copies["succeeded_at"] - copies["offered_at"] > 5 * SECOND)


def test_an_event_said_twice_is_one_message_and_a_second_copy_with_its_cause(uploads: Ran):
    run = uploads
    messages, copies, deliveries = run["messages"], run["copies"], run["deliveries"]
    twice = messages["tries"] == 2
    n = len(twice)
    assert abs(twice.sum() - 0.05 * n) < 4 * np.sqrt(0.05 * 0.95 * n)
    assert np.array_equal(messages["copies"], messages["tries"] * (1 + messages["attributes"]))
    again = (copies["parent"] != NONE) & in_queue(run, "all")
    assert np.array_equal(np.sort(copies["message"][again]), np.sort(messages["message"][twice]))
    repeated = np.isin(deliveries["copy"], copies["copy"][copies["parent"] != NONE])
    assert set(deliveries["cause"][repeated].tolist()) == {Cause.SENDER_RETRY}
    assert (deliveries["cause"] == Cause.SENDER_RETRY).sum() == (messages["copies"][twice] // 2).sum()


def test_work_depends_on_what_is_told(tmp_path: Path):
    run = Ran(written(tmp_path, UPLOADS, producers__uploads__s3__duplicates="0%"))
    deliveries, copies, messages = run["deliveries"], run["copies"], run["messages"]
    kind = dict(zip(messages["message"].tolist(), messages["attributes"].tolist(), strict=True))
    message = dict(zip(copies["copy"].tolist(), copies["message"].tolist(), strict=True))
    lasted = deliveries["ended_at"] - deliveries["started_at"]
    alone = np.bincount(deliveries["invocation"])[deliveries["invocation"]] == 1
    assert {kind[message[copy]] for copy in deliveries["copy"][alone & (lasted < 50_000)].tolist()} == {0}
    assert {kind[message[copy]] for copy in deliveries["copy"][alone & (lasted >= 50_000)].tolist()} == {1}


@pytest.mark.parametrize("target", ["all", "work"])
def test_a_bucket_tells_a_queue_or_a_function_without_a_topic(tmp_path: Path, target: str):
    run = Ran(written(tmp_path, UPLOADS, producers__uploads__target=target, topics="{}"))
    messages, copies = run["messages"], run["copies"]
    assert_rows_add_up(run)
    assert np.array_equal(messages["copies"], messages["tries"])
    assert (copies["parent"] != NONE).sum() == (messages["tries"] == 2).sum() > 0
    assert np.all(copies["fate"] == Fate.DELETED)


def test_the_same_upload_is_the_same_message_whatever_it_is_told_to(tmp_path: Path, uploads: Ran):
    base = uploads["messages"]
    for sets in (
        {"producers__uploads__target": "all", "topics": "{}"},
        {"producers__uploads__target": "work", "topics": "{}"},
    ):
        other = Ran(written(tmp_path, UPLOADS, **sets))["messages"]
        for column in ("serial", "offered_at", "accepted_at", "size_bytes", "group", "attributes", "tries"):
            assert np.array_equal(base[column], other[column]), column


def test_without_a_filter_the_other_uploads_come_to_it_and_none_changes(tmp_path: Path, uploads: Ran):
    some = uploads["messages"]
    every = Ran(written(tmp_path, UPLOADS, producers__uploads__s3__filter="{}"))["messages"]
    place = {serial: k for k, serial in enumerate(every["serial"].tolist())}
    at = np.array([place[serial] for serial in some["serial"].tolist()])
    assert len(some["serial"]) < len(every["serial"])
    for column in ("offered_at", "accepted_at", "size_bytes", "group", "tries"):
        assert np.array_equal(every[column][at], some[column]), column


def test_uploads_are_the_arrivals_of_a_producer_of_the_same_name(tmp_path: Path):
    told = Ran(written(tmp_path, UPLOADS, producers__uploads__s3__filter="{}"))["messages"]
    text = UPLOADS[: UPLOADS.index("    s3:")] + UPLOADS[UPLOADS.index("topics:") :]
    filtered = text[text.index("        filter_policy_scope") : text.index("queues:")]
    text = text.replace(filtered, "")
    text = text.replace("{per_message: {by: {attribute: suffix, values: {.png: 50ms}, rest: 1ms}}}", "1ms")
    said = Ran(written(tmp_path, text))["messages"]
    order = np.argsort(told["serial"])
    for column in ("serial", "offered_at", "size_bytes", "group"):
        assert np.array_equal(told[column][order], said[column]), column


# -- transcoding -------------------------------------------------------------------------------------


def test_every_job_is_told_once_and_its_error_reaches_who_asked_for_errors(tmp_path: Path):
    run = Ran(written(tmp_path, TRANSCODING))
    messages = run["messages"]
    assert_rows_add_up(run)
    errors = messages["attributes"] == 1
    n = len(errors)
    assert abs(n - 1200) < 4 * np.sqrt(1200)
    assert abs(errors.sum() - 0.05 * n) < 4 * np.sqrt(0.05 * 0.95 * n)
    assert in_queue(run, "failed").sum() == errors.sum()
    assert in_queue(run, "all").sum() == n


def test_no_more_jobs_end_in_a_minute_than_the_slots_allow(tmp_path: Path):
    crowd = {"producers__videos__arrivals": "[{for: 1m, rate: 20/s}, {rate: 0/s}]"}
    even = {"producers__videos__media_convert__job": "30s", "producers__videos__media_convert__delay": "0s"}
    run = Ran(written(tmp_path, TRANSCODING, **crowd, **even))
    messages = run["messages"]
    told = messages["outcome"] == Outcome.ACCEPTED
    per_minute = np.bincount((messages["accepted_at"][told] // MINUTE).astype(int))
    assert per_minute.max() <= 40  # 20 slots, two rounds a minute
    assert per_minute[2:9].tolist() == [40] * 7
    waited = (messages["accepted_at"] - messages["offered_at"])[told] - 30 * SECOND
    assert waited.max() > 5 * MINUTE


def test_jobs_that_are_not_done_at_the_end_are_unfinished_and_not_forgotten(tmp_path: Path):
    crowd = {"producers__videos__arrivals": "[{for: 1m, rate: 20/s}, {rate: 0/s}]", "after": "stop"}
    run = Ran(written(tmp_path, TRANSCODING, producers__videos__media_convert__job="30s", **crowd))
    messages, copies = run["messages"], run["copies"]
    waiting = messages["outcome"] == Outcome.UNFINISHED
    assert np.array_equal(np.sort(messages["serial"] // 4), np.arange(len(waiting)))
    assert 0.5 * len(waiting) < waiting.sum() < len(waiting)
    left = in_queue(run, "all") & (copies["fate"] == Fate.IN_TRANSIT)
    assert np.isin(messages["message"][waiting], copies["message"][left]).all()


def test_more_slots_change_when_jobs_are_told_and_nothing_else(tmp_path: Path):
    few = Ran(written(tmp_path, TRANSCODING))["messages"]
    many = Ran(written(tmp_path, TRANSCODING, producers__videos__media_convert__concurrent_jobs="500"))[
        "messages"
    ]
    one, two = np.argsort(few["serial"]), np.argsort(many["serial"])
    for column in ("serial", "offered_at", "attributes", "size_bytes"):
        assert np.array_equal(few[column][one], many[column][two]), column
    assert np.all(few["accepted_at"][one] >= many["accepted_at"][two])
    assert (few["accepted_at"][one] > many["accepted_at"][two]).any()


def test_a_pipeline_tells_of_starts_warnings_and_ends(tmp_path: Path):
    transcoder = "{job: 9s, warnings: 50%, delay: 0s, notify: [PROGRESSING, WARNING, COMPLETED, ERROR]}"
    text = TRANSCODING.replace("{detail: {status: [ERROR]}}", "{state: [WARNING]}").replace(
        "media_convert: {job: {exponential: {mean: 9s}}, concurrent_jobs: 20, errors: 5%, delay: 1s}",
        f"elastic_transcoder: {transcoder}",
    )
    run = Ran(written(tmp_path, text, producers__videos__arrivals="{rate: 1/s}"))
    messages = run["messages"]
    jobs = len(np.unique(messages["serial"] // 4))
    counts = np.bincount(messages["attributes"], minlength=4)
    assert counts[[0, 2, 3]].tolist() == [jobs, jobs, 0]
    assert abs(counts[1] - jobs / 2) < 2 * np.sqrt(jobs)
    assert in_queue(run, "failed").sum() == counts[1]
    assert run.scenario.producers["videos"].expected(10 * MINUTE) == pytest.approx(600 * 2.5)


# -- mails -------------------------------------------------------------------------------------------


def test_bounces_and_complaints_come_hours_after_the_mails(tmp_path: Path):
    run = Ran(written(tmp_path, MAILS))
    messages = run["messages"]
    assert_rows_add_up(run)
    mails, kinds = 2 * 7200, np.bincount(messages["attributes"], minlength=3)
    for found, share in zip(kinds, (0.02, 0.03, 0.95 * 0.01), strict=True):
        assert abs(found - mails * share) < 4 * np.sqrt(mails * share)
    late = messages["accepted_at"] - messages["offered_at"]
    assert set(late[messages["attributes"] == 1].tolist()) == {90 * MINUTE}
    assert set(late[messages["attributes"] == 2].tolist()) == {60 * MINUTE}
    assert np.median(late[messages["attributes"] == 0]) < 10 * SECOND


# -- what holds of all -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [UPLOADS, TRANSCODING, MAILS])
def test_a_scenario_with_a_service_reads_back_as_itself(tmp_path: Path, text: str):
    scenario = written(tmp_path, text)
    file = tmp_path / "again.yaml"
    file.write_text(json.dumps(scenario.dump()))
    assert load(file).dump() == scenario.dump()


def test_the_same_seed_gives_the_same_rows_and_another_one_others(tmp_path: Path, uploads: Ran):
    first, same = uploads, Ran(written(tmp_path, UPLOADS))
    for table in ("messages", "copies", "deliveries"):
        for column, values in first[table].items():
            assert np.array_equal(values, same[table][column]), (table, column)
    other = Ran(written(tmp_path, UPLOADS), seed=2)
    assert not np.array_equal(first["messages"]["offered_at"], other["messages"]["offered_at"])


def test_traffic_is_told_in_the_services_words(tmp_path: Path):
    assert traffic(written(tmp_path, UPLOADS)) == "40 uploads/s, told by S3"
    assert traffic(written(tmp_path, TRANSCODING)) == "2 jobs/s, told by MediaConvert"


def test_attributes_cannot_be_filtered_on_as_services_send_none(tmp_path: Path):
    with pytest.raises(ScenarioError, match="is an attribute that no producer of uploaded sends"):
        written(tmp_path, UPLOADS, topics__uploaded__subscriptions__all__filter_policy="{suffix: [.png]}")


def test_mails_that_bounce_too_often_and_a_service_that_is_no_more_are_warned_of(tmp_path: Path):
    mails = written(tmp_path, MAILS, producers__shop__ses_feedback__bounces__hard="6%")
    said = [note.message for note in lint(mails)]
    assert "is 6%; SES puts an account under review from 5%" in said
    assert "is 1%; SES puts an account under review from 0.1%" in said
    text = TRANSCODING.replace("media_convert:", "elastic_transcoder:")
    videos = written(tmp_path, text.replace("{detail: {status: [ERROR]}}", "{state: [ERROR]}"))
    assert any("AWS ended on 2025-11-13" in note.message for note in lint(videos))


def test_what_is_expected_of_jobs_comes_no_faster_than_their_slots_let_it(tmp_path: Path):
    crowd = {"producers__videos__arrivals": "[{for: 1m, rate: 10/s}, {rate: 0/s}]"}
    scenario = written(tmp_path, TRANSCODING, producers__videos__media_convert__job="6s", **crowd)
    expected = arrivals(scenario, "all")
    assert max(stretch.mean_per_s for stretch in expected) == pytest.approx(20 / 6)
    assert sum(stretch.messages for stretch in expected) == pytest.approx(600)
    over_at = max(stretch.until_at for stretch in expected if stretch.mean_per_s > 0)
    assert abs(over_at - 3 * MINUTE) <= 3 * SECOND  # 600 jobs at 20 in 6 s
    errors = arrivals(scenario, "failed")
    assert sum(stretch.messages for stretch in errors) == pytest.approx(30)
