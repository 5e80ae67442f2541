"""Functions that are invoked without a queue, in whole runs: events, callers, and the account they share.

Sources: AWS Lambda developer guide ("Asynchronous invocation", "Configuring reserved concurrency"); the
arithmetic of its rules.
"""

from pathlib import Path

import numpy as np

from simulator.recording.tables import NONE, Attempt, Cause, Fate, Outcome
from simulator.scenario import load
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import MINUTE, SECOND, Ran, written

EVENTS = """
scenario: events
ideal: true
duration: 10s
producers:
  web:
    target: orders
    arrivals: {rate: 20/s, process: even}
    message: {attributes: {kind: {a: 50%, b: rest}}}
topics:
  orders:
    subscriptions:
      bill: {queue: billing}
      mail: {function: mail, filter_policy: {kind: [a]}}
queues:
  billing: {visibility_timeout: 30s}
  failed: {retention: 14d}
  done: {}
functions:
  charge: {runtime: rust, timeout: 5s, work: 100ms, event_sources: {billing: {}}}
  mail:
    runtime: rust
    timeout: 5s
    work: 100ms
    asynchronous: {retries: 0, dead_letter: {queue: failed}, on_success: {queue: done}}
"""
ACCOUNT = """
scenario: account
ideal: true
duration: 10m
after: stop
producers:
  import: {target: jobs, arrivals: {rate: 10/s, process: even}}
  web: {target: api, invocation: request_response, arrivals: {rate: 20/s, process: even}}
queues:
  jobs: {visibility_timeout: 3m}
functions:
  work: {runtime: rust, timeout: 30s, work: 30s, event_sources: {jobs: {batch_size: 1}}}
  api: {runtime: rust, timeout: 3s, work: 100ms}
limits: {lambda.account_concurrency: 100, lambda.rps_per_concurrency: 1000}
"""


def of(run: Ran, table: str, column: str, path: str) -> dict[str, np.ndarray]:
    """Rows of *table* whose *column* is the thing at *path*."""
    rows = run[table]
    return {name: values[rows[column] == run.things[path]] for name, values in rows.items()}


def test_a_topic_fans_out_to_a_queue_and_a_function_and_the_books_balance(tmp_path: Path):
    run = Ran(written(tmp_path, EVENTS))
    assert_rows_add_up(run)
    messages = run["messages"]
    assert len(messages["message"]) == 200
    passed = int((messages["attributes"] == 0).sum())
    events = of(run, "copies", "queue", "functions.mail.async")
    assert 70 < passed < 130
    assert len(events["copy"]) == passed
    assert len(of(run, "copies", "queue", "queues.billing")["copy"]) == 200
    assert len(of(run, "copies", "queue", "queues.done")["copy"]) == passed
    assert (events["succeeded_at"] - events["sent_at"] == 100_000).all()  # ideal: at once, 100 ms of work
    records = of(run, "copies", "queue", "queues.done")
    assert np.array_equal(np.sort(records["sent_at"]), np.sort(events["ended_at"]))


def test_events_that_fail_for_good_arrive_in_the_dead_letter_queue_when_they_are_given_up(tmp_path: Path):
    run = Ran(written(tmp_path, EVENTS, functions__mail__failures__transient="100%"))
    assert_rows_add_up(run)
    events = of(run, "copies", "queue", "functions.mail.async")
    dead = of(run, "copies", "queue", "queues.failed")
    assert len(dead["copy"]) == len(events["copy"]) > 70
    assert (events["fate"] == Fate.DEAD_LETTERED).all()
    assert (dead["sent_at"] == events["ended_at"]).all()
    assert run.frame.dead_letter_queues == {"queues.failed"}


def test_a_function_with_reserved_concurrency_0_drops_its_events_untried(tmp_path: Path):
    sets = {"functions__mail__reserved_concurrency": "0", "functions__mail__asynchronous": "{}"}
    run = Ran(written(tmp_path, EVENTS, **sets))
    assert_rows_add_up(run)
    events = of(run, "copies", "queue", "functions.mail.async")
    assert (events["fate"] == Fate.DROPPED).all()
    assert (events["cause"] == Cause.THROTTLE).all()
    assert len(of(run, "invocations", "consumer", "functions.mail.async")["attempt"]) == 0


def test_records_go_through_a_topic_to_whom_no_filter_keeps(tmp_path: Path):
    some = "{queue: done, filter_policy: {kind: [a]}}"
    topics = f"""{{orders: {{subscriptions: {{mail: {{function: mail}}}}}},
                   failures: {{subscriptions: {{all: {{queue: failed}}, some: {some}}}}}}}"""
    sets = {
        "topics": topics,
        "functions__mail__asynchronous": "{retries: 1, on_failure: {topic: failures}}",
        "functions__mail__failures__transient": "100%",
        "functions__charge__event_sources": "{billing: {}}",
        "duration": "2m",
        "producers__web__arrivals": "[{for: 10s, rate: 5/s, process: even}, {rate: 0/s}]",
    }
    run = Ran(written(tmp_path, EVENTS, **sets))
    assert_rows_add_up(run)
    events = of(run, "copies", "queue", "functions.mail.async")
    records = of(run, "copies", "queue", "queues.failed")
    assert len(events["copy"]) == len(records["copy"]) == 50
    # two runs of 100 ms with a minute between them
    assert (events["ended_at"] - events["sent_at"] == MINUTE + 200_000).all()
    assert np.array_equal(np.sort(records["parent"]), np.sort(events["copy"]))
    assert len(of(run, "copies", "queue", "queues.done")["copy"]) == 0


def test_100_unreserved_at_30_s_each_work_3_33_a_second_and_the_rest_is_throttled(tmp_path: Path):
    run = Ran(written(tmp_path, ACCOUNT, producers__web__arrivals="{rate: 0.01/s, process: even}"))
    assert_rows_add_up(run)
    path = "functions.work.event_sources.jobs"
    invocations = of(run, "invocations", "consumer", path)
    worked = invocations["attempt"] == Attempt.SUCCEEDED
    ended = invocations["ended_at"][worked]
    steady = (ended >= 2 * MINUTE) & (ended < 8 * MINUTE)
    # 100 / 30 s; a slot that was throttled comes back up to 30 s later (the mapping's longest pause)
    assert 0.9 * 100 / 30 <= steady.sum() / 360 <= 100 / 30
    assert (invocations["attempt"] == Attempt.THROTTLED).sum() > 0


def test_a_queue_that_takes_the_whole_account_leaves_the_api_its_throttles(tmp_path: Path):
    run = Ran(written(tmp_path, ACCOUNT, producers__web__arrivals="{rate: 20/s}"))
    assert_rows_add_up(run)
    calls = run["messages"]
    calls = {name: values[calls["producer"] == run.things["producers.web"]] for name, values in calls.items()}
    late = calls["offered_at"] >= 2 * MINUTE
    refused = calls["outcome"] == Outcome.REFUSED
    assert refused[late].mean() > 0.9
    assert not refused[calls["offered_at"] < 5 * SECOND].any()
    throttled = of(run, "invocations", "consumer", "functions.api.invoke")["attempt"] == Attempt.THROTTLED
    assert throttled.sum() == refused.sum()  # a caller without a client calls once


def test_reserved_or_maximum_concurrency_keeps_the_api_free(tmp_path: Path):
    small = {"limits": "{lambda.account_concurrency: 120, lambda.rps_per_concurrency: 1000}"}
    for sets in (
        {"functions__api__reserved_concurrency": "20", **small},
        {"functions__work__reserved_concurrency": "20", **small},
        {"functions__work__event_sources__jobs__maximum_concurrency": "80"},
    ):
        run = Ran(written(tmp_path, ACCOUNT, **sets))
        calls = run["messages"]["producer"] == run.things["producers.web"]
        assert not (run["messages"]["outcome"][calls] == Outcome.REFUSED).any(), sets


def test_a_call_ends_with_its_answer_and_is_one_copy_with_one_delivery(tmp_path: Path):
    run = Ran(
        written(tmp_path, ACCOUNT, producers__import__arrivals="{rate: 0/s}", duration="20s", after="drain")
    )
    assert_rows_add_up(run)
    calls = run["messages"]
    assert (calls["accepted_at"] - calls["offered_at"] == 100_000).all()
    copies = of(run, "copies", "queue", "functions.api.invoke")
    assert (copies["receives"] == 1).all()
    assert (copies["sent_at"] == copies["offered_at"]).all()
    assert (copies["succeeded_at"] - copies["offered_at"] == 100_000).all()


def test_a_client_calls_again_after_a_throttle_until_its_calls_are_used_up(tmp_path: Path):
    sets = {
        "functions__api__reserved_concurrency": "0",
        "producers__import__arrivals": "{rate: 0/s}",
        "producers__web__client": "{max_attempts: 3}",
        "duration": "20s",
        "after": "drain",
    }
    run = Ran(written(tmp_path, ACCOUNT, **sets))
    assert_rows_add_up(run)
    calls = run["messages"]
    assert (calls["outcome"] == Outcome.REFUSED).all()
    assert (calls["tries"] == 3).all()
    assert (calls["accepted_at"] == NONE).all()
    attempts = of(run, "invocations", "consumer", "functions.api.invoke")["attempt"]
    assert (attempts == Attempt.THROTTLED).all()
    assert len(attempts) == 3 * len(calls["message"]) == 3 * 400
    assert len(run["copies"]["copy"]) == 0


def test_a_call_that_fails_at_first_is_delivered_again_by_its_client(tmp_path: Path):
    sets = {
        "functions__api__failures__transient": "50%",
        "producers__import__arrivals": "{rate: 0/s}",
        "producers__web__client": "{max_attempts: 2}",
        "duration": "60s",
        "after": "drain",
    }
    run = Ran(written(tmp_path, ACCOUNT, **sets))
    assert_rows_add_up(run)
    refused = run["messages"]["outcome"] == Outcome.REFUSED
    n = len(refused)
    assert n == 1200
    assert abs(refused.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / n) < 0.06
    copies = of(run, "copies", "queue", "functions.api.invoke")
    assert len(copies["copy"]) == n
    assert (copies["fate"] == Fate.DROPPED).sum() == refused.sum()
    assert (copies["cause"][copies["fate"] == Fate.DROPPED] == Cause.FAILURE).all()


def test_events_are_duplicated_by_lambda_as_often_as_the_rule_says(tmp_path: Path):
    limits = "{lambda.async.p_dup: 10%}"
    run = Ran(written(tmp_path, EVENTS.replace("ideal: true\n", ""), limits=limits, duration="60s"))
    assert_rows_add_up(run)
    events = of(run, "copies", "queue", "functions.mail.async")
    again = of(run, "deliveries", "consumer", "functions.mail.async")["cause"] == Cause.AT_LEAST_ONCE
    n = len(again)  # each success may be repeated, that of a repeat too
    assert abs(again.sum() / n - 0.1) < 4 * np.sqrt(0.1 * 0.9 / n) < 0.06
    assert (events["fate"] == Fate.DELETED).all()


def test_a_closed_loop_of_callers_waits_for_the_function(tmp_path: Path):
    """10 clients, 100 ms of work and 900 ms to think: ten calls a second."""
    sets = {
        "producers": "{web: {target: api, invocation: request_response,"
        " closed_loop: {clients: 10, think: 900ms}}}",
        "queues__jobs__backlog": "{messages: 1}",
        "duration": "60s",
    }
    run = Ran(written(tmp_path, ACCOUNT, **sets))
    assert_rows_add_up(run)
    calls = run["messages"]["producer"] == run.things["producers.web"]
    assert abs(calls.sum() - 600) <= 10


ACCOUNT_SCENARIO = Path(__file__).parents[2] / "scenarios" / "account_concurrency.yaml"
SHORT = {
    "duration": "3m",
    "producers.web.arrivals": "{rate: 20/s}",
    "producers.upload.arrivals": "[{for: 10s, rate: 0/s}, {for: 50s, rate: 40/s}, {rate: 0/s}]",
    "limits": "{lambda.account_concurrency: 120, lambda.unreserved_minimum: 20}",
    "functions.transcode.work": "{lognormal: {median: 5s, p99: 12s}}",
    "drain_from": "1m",
    "variants": "{}",
}
"""An account of 120: the queue's function alone could use 200."""


def test_the_ready_scenario_shows_what_each_setting_changes():
    """The API is throttled in the base only; only the reservation of the queue's function throttles that."""
    settings = {
        "base": {},
        "reserved for the API": {"functions.api.reserved_concurrency": "20"},
        "reserved for the queue": {"functions.transcode.reserved_concurrency": "90"},
        "maximum": {"functions.transcode.event_sources.videos.maximum_concurrency": "90"},
    }
    refused, throttled = {}, {}
    for name, values in settings.items():
        run = Ran(load(ACCOUNT_SCENARIO, sets={**SHORT, **values}))
        refused[name] = int((run["messages"]["outcome"] == Outcome.REFUSED).sum())
        mapping = "functions.transcode.event_sources.videos"
        attempts = of(run, "invocations", "consumer", mapping)["attempt"]
        throttled[name] = int((attempts == Attempt.THROTTLED).sum())
    assert refused.pop("base") > 100
    assert set(refused.values()) == {0}
    assert throttled["reserved for the queue"] > 0
    assert throttled["maximum"] == 0


def test_a_caller_that_does_not_wait_calls_again_while_the_function_works_on(tmp_path: Path):
    """5 s of work, 2 s of patience, two calls: both are worked, and the message is refused all the same."""
    sets = {
        "functions__api__work": "5s",
        "functions__api__timeout": "10s",
        "producers__import__arrivals": "{rate: 0/s}",
        "producers__web__arrivals": "{rate: 1/s, process: even}",
        "producers__web__client": "{timeout: 2s, max_attempts: 2}",
        "duration": "30s",
        "after": "drain",
    }
    run = Ran(written(tmp_path, ACCOUNT, **sets))
    assert_rows_add_up(run)
    calls = run["messages"]
    assert len(calls["message"]) == 30
    assert (calls["outcome"] == Outcome.REFUSED).all()
    assert (calls["copies"] == 2).all() and (calls["tries"] == 2).all()
    copies = of(run, "copies", "queue", "functions.api.invoke")
    assert len(copies["copy"]) == 60
    assert (copies["fate"] == Fate.DELETED).all()
    second = copies["parent"] != NONE
    pause = copies["sent_at"][second] - copies["offered_at"][second] - 2 * SECOND
    assert second.sum() == 30 and (pause >= 0).all() and (pause < SECOND).all()  # U(0, 1) x 1 s
    causes = of(run, "deliveries", "consumer", "functions.api.invoke")["cause"]
    assert (causes == Cause.SENDER_RETRY).sum() == 30


def test_a_sender_that_hears_nothing_makes_another_event(tmp_path: Path):
    producers = """{web: {target: mail, arrivals: {rate: 20/s, process: even},
                          client: {timeout: 1s, max_attempts: 2, lost_answers: 20%}}}"""
    run = Ran(written(tmp_path, EVENTS, producers=producers, topics="{}", duration="30s"))
    assert_rows_add_up(run)
    events = of(run, "copies", "queue", "functions.mail.async")
    n, again = len(run["messages"]["message"]), events["parent"] != NONE
    assert n == 600
    assert len(events["copy"]) == n + again.sum()
    assert abs(again.sum() / n - 0.2) < 4 * np.sqrt(0.2 * 0.8 / n) < 0.07
    causes = of(run, "deliveries", "consumer", "functions.mail.async")["cause"]
    assert (causes == Cause.SENDER_RETRY).sum() == again.sum()


def test_one_function_hands_on_to_another_through_a_topic(tmp_path: Path):
    sets = {
        "producers": "{web: {target: mail, arrivals: {rate: 20/s, process: even}}}",
        "topics": "{sent: {subscriptions: {log: {function: log}}}}",
        "functions": """{mail: {runtime: rust, work: 100ms, asynchronous: {on_success: {topic: sent}}},
                         log: {runtime: rust, work: 50ms}}""",
    }
    run = Ran(written(tmp_path, EVENTS, **sets))
    assert_rows_add_up(run)
    first = of(run, "copies", "queue", "functions.mail.async")
    second = of(run, "copies", "queue", "functions.log.async")
    assert len(first["copy"]) == len(second["copy"]) == 200
    assert np.array_equal(np.sort(second["parent"]), np.sort(first["copy"]))
    assert (second["succeeded_at"] - second["offered_at"] == 150_000).all()  # ideal: hops take no time
    assert (of(run, "deliveries", "consumer", "functions.log.async")["cause"] == Cause.NOTHING).all()
