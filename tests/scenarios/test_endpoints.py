"""Subscribers that are no queue and no function, in whole runs: what arrives when, and what is lost why.

Sources: SNS developer guide ("Message delivery retries", "Email notifications", "Mobile text messaging");
the arithmetic of its schedules.
"""

from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.measures import Measures
from simulator.recording.tables import NONE, Attempt, Cause, Fate, Quantity
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import SECOND, Ran, written

HOOK = "topics.orders.subscriptions.hook"
WEB = """
scenario: hooks
ideal: true
duration: 10m
producers:
  shop: {target: orders, arrivals: {rate: 1/s, process: even}}
topics:
  orders: {subscriptions: {hook: {http: partner}}}
queues:
  dead: {}
downstreams:
  partner: {latency: 50ms}
"""
PHONE = """
scenario: phones
ideal: true
duration: 2m
producers:
  shop: {target: orders, arrivals: {rate: 2/s, process: even}}
topics:
  orders: {subscriptions: {phone: {sms: oncall}}}
queues:
  dead: {}
"""


def of(run: Ran, table: str, column: str, path: str) -> dict[str, np.ndarray]:
    """Rows of *table* whose *column* is the thing at *path*."""
    rows = run[table]
    return {name: values[rows[column] == run.things[path]] for name, values in rows.items()}


def since_publish(run: Ran, path: str) -> np.ndarray:
    """Of every attempt: how long after its message's publish it began [us]."""
    attempts, copies = of(run, "deliveries", "queue", path), of(run, "copies", "queue", path)
    sent_at = dict(zip(copies["copy"].tolist(), copies["sent_at"].tolist(), strict=True))
    after: np.ndarray = attempts["received_at"] - np.array(
        [sent_at[copy] for copy in attempts["copy"].tolist()]
    )
    return after


# -- web servers -------------------------------------------------------------------------------------


def test_a_web_server_that_answers_gets_every_message_once_by_one_attempt(tmp_path: Path):
    run = Ran(written(tmp_path, WEB))
    assert_rows_add_up(run)
    copies = of(run, "copies", "queue", HOOK)
    assert len(copies["copy"]) == 600
    assert (copies["fate"] == Fate.DELETED).all()
    assert (copies["receives"] == 1).all()
    assert (copies["succeeded_at"] - copies["sent_at"] == 50_000).all()


def test_a_dead_web_server_is_tried_at_0_20_40_and_60_seconds_and_then_the_message_is_lost(tmp_path: Path):
    out = "{out: {downstream: partner, at: 0s, for: 10m, down: true}}"
    run = Ran(written(tmp_path, WEB, faults=out, duration="1m"))
    assert_rows_add_up(run)
    copies = of(run, "copies", "queue", HOOK)
    assert (copies["fate"] == Fate.DROPPED).all()
    assert (copies["cause"] == Cause.RETRIES_USED_UP).all()
    assert (copies["receives"] == 4).all()
    assert (copies["ended_at"] - copies["sent_at"] == 60 * SECOND).all()
    assert set(since_publish(run, HOOK).tolist()) == {0, 20 * SECOND, 40 * SECOND, 60 * SECOND}
    assert (of(run, "deliveries", "queue", HOOK)["attempt"] == Attempt.FAILED).all()


def test_a_web_server_that_does_not_answer_is_given_up_after_four_times_15_and_three_times_20_seconds(
    tmp_path: Path,
):
    run = Ran(written(tmp_path, WEB, downstreams__partner__latency="16s", duration="2m"))
    copies = of(run, "copies", "queue", HOOK)
    first = copies["sent_at"] < 30 * SECOND
    assert first.sum() == 30
    assert (copies["ended_at"] - copies["sent_at"])[first].tolist() == [(4 * 15 + 3 * 20) * SECOND] * 30


def test_of_an_outage_the_last_minute_is_late_and_everything_before_it_is_lost(tmp_path: Path):
    """Down from 120 s for 150 s: who is published in its first 90 s finds it down four times."""
    out = "{out: {downstream: partner, at: 2m, for: 150s, down: true}}"
    run = Ran(written(tmp_path, WEB, faults=out))
    assert_rows_add_up(run)
    copies = of(run, "copies", "queue", HOOK)
    at = copies["sent_at"] - 120 * SECOND
    lost = copies["fate"] == Fate.DROPPED
    assert np.array_equal(lost, (at >= 0) & (at < 90 * SECOND))
    assert lost.sum() == 90
    late = (at >= 90 * SECOND) & (at < 150 * SECOND)
    retries = -((at[late] - 150 * SECOND) // (20 * SECOND))  # the first one at or after the outage's end
    assert np.array_equal((copies["succeeded_at"] - copies["sent_at"])[late], retries * 20 * SECOND + 50_000)
    assert (copies["receives"][late] == retries + 1).all()


def test_a_delivery_policy_that_lasts_longer_than_the_outage_loses_nothing(tmp_path: Path):
    patient = "{retries: 10, min_delay_target: 20s, max_delay_target: 20s}"
    subscription = f"{{downstream: partner, delivery_policy: {patient}}}"
    out = "{out: {downstream: partner, at: 2m, for: 150s, down: true}}"
    run = Ran(written(tmp_path, WEB, faults=out, topics__orders__subscriptions__hook__http=subscription))
    copies = of(run, "copies", "queue", HOOK)
    assert (copies["fate"] == Fate.DELETED).all()
    assert (copies["receives"] > 4).sum() == 90  # those that four attempts would have lost


def test_what_is_tried_in_vain_comes_to_the_dead_letter_queue_as_a_new_message(tmp_path: Path):
    hook = "{http: partner, dead_letter: dead}"
    out = "{out: {downstream: partner, at: 0s, for: 10m, down: true}}"
    sets = {"topics__orders__subscriptions__hook": hook, "faults": out, "duration": "1m"}
    run = Ran(written(tmp_path, WEB, **sets))
    assert_rows_add_up(run)
    copies, dead = of(run, "copies", "queue", HOOK), of(run, "copies", "queue", "queues.dead")
    assert (copies["fate"] == Fate.DEAD_LETTERED).all()
    assert len(dead["copy"]) == len(copies["copy"]) == 60
    assert sorted(dead["parent"].tolist()) == sorted(copies["copy"].tolist())
    assert np.array_equal(np.sort(dead["sent_at"]), np.sort(copies["ended_at"]))
    assert run.frame.dead_letter_queues == {"queues.dead"}


def test_a_dead_letter_queue_that_does_not_allow_sns_gets_nothing_and_the_message_is_lost(tmp_path: Path):
    """Facts, section 12: the dead-letter queue's own policy must allow SNS; else FailedToRedriveToDlq."""
    sets = {
        "topics__orders__subscriptions__hook": "{http: partner, dead_letter: dead}",
        "faults": "{out: {downstream: partner, at: 0s, for: 10m, down: true}}",
        "access": "{shut: {revoke: 'sqs:SendMessage', topic: orders, queue: dead}}",
        "duration": "1m",
    }
    run = Ran(written(tmp_path, WEB, **sets))
    assert_rows_add_up(run)
    copies = of(run, "copies", "queue", HOOK)
    assert len(copies["copy"]) == 60
    assert (copies["fate"] == Fate.DROPPED).all()
    assert len(of(run, "copies", "queue", "queues.dead")["copy"]) == 0
    numbers = Measures(run.frame, [run.partial]).estimates
    assert numbers[f"{HOOK} dead_letter_failed.count"].mean == 60
    assert numbers[f"{HOOK} lost.count"].mean == 60


def test_a_permanent_4xx_is_never_tried_again(tmp_path: Path):
    refused = "{downstream: partner, client_errors: 20%}"
    run = Ran(written(tmp_path, WEB, topics__orders__subscriptions__hook__http=refused))
    assert_rows_add_up(run)
    copies = of(run, "copies", "queue", HOOK)
    lost = copies["fate"] == Fate.DROPPED
    assert (copies["cause"][lost] == Cause.CLIENT_ERROR).all()
    assert (copies["receives"] == 1).all()
    assert abs(lost.mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 600)  # four standard errors: 0.065
    assert (copies["ended_at"] - copies["sent_at"])[lost].tolist() == [50_000] * int(lost.sum())


def test_a_message_beyond_the_rate_of_a_web_server_is_tried_again_20_seconds_later(tmp_path: Path):
    """429 is retried: of three at a token a second one gets it, of the two 20 s later one, then the last."""
    sets = {
        "downstreams__partner": "{latency: 50ms, rate: 1/s, burst: 1}",
        "producers__shop__arrivals": "[{for: 1s, rate: 3/s, process: even}, {rate: 0/s}]",
    }
    run = Ran(written(tmp_path, WEB, **sets))
    copies = of(run, "copies", "queue", HOOK)
    assert len(copies["copy"]) == 3
    assert sorted(copies["receives"].tolist()) == [1, 2, 3]


def test_beyond_max_receives_per_second_each_message_waits_longer_than_the_one_before(tmp_path: Path):
    """Offered 2 a second and let through 1 a second: message n waits n / 1 - n / 2 seconds."""
    sets = {
        "topics__orders__subscriptions__hook__http": "{downstream: partner, max_receives_per_second: 1/s}",
        "producers__shop__arrivals": "{rate: 2/s, process: even}",
        "duration": "2m",
    }
    run = Ran(written(tmp_path, WEB, **sets))
    assert_rows_add_up(run)
    copies = of(run, "copies", "queue", HOOK)
    order = np.argsort(copies["sent_at"])
    began = copies["first_received_at"][order]
    got = began != NONE
    wait = (began - copies["sent_at"][order])[got]
    expected = np.arange(len(wait)) * SECOND // 2
    assert got.sum() > 200
    assert abs(wait - expected).max() <= 1
    assert (np.diff(began[got]) == SECOND).all()


def test_jitter_draws_half_of_each_delay(tmp_path: Path):
    out = "{out: {downstream: partner, at: 0s, for: 1h, down: true}}"
    sets = {"faults": out, "limits": "{sns.retry.jitter: 50%}", "duration": "10m"}
    run = Ran(written(tmp_path, WEB, **sets))
    took = since_publish(run, HOOK)
    copies = of(run, "copies", "queue", HOOK)
    lasted = (copies["ended_at"] - copies["sent_at"])[copies["fate"] == Fate.DROPPED] / SECOND
    assert lasted.min() >= 30 and lasted.max() <= 60
    assert took.max() <= 60 * SECOND
    error = np.sqrt(3 * 10**2 / 12 / len(lasted))  # three delays, each even over ten seconds
    assert error < 0.3
    assert abs(lasted.mean() - 45) < 4 * error


# -- email, SMS, push ----------------------------------------------------------------------------------


def test_the_eleventh_mail_within_a_second_disables_the_subscription_and_all_later_ones_are_lost(
    tmp_path: Path,
):
    peak = "[{for: 10s, rate: 5/s, process: even}, {for: 10s, rate: 20/s, process: even}, {rate: 5/s}]"
    sets = {
        "topics__orders__subscriptions": "{mail: {email: oncall@example.com, dead_letter: dead}}",
        "producers__shop__arrivals": peak,
        "duration": "1m",
    }
    run = Ran(written(tmp_path, WEB, **sets))
    assert_rows_add_up(run)
    copies = of(run, "copies", "queue", "topics.orders.subscriptions.mail")
    sent_at, lost = copies["sent_at"], copies["fate"] == Fate.DROPPED
    order = np.sort(sent_at)
    first = next(n for n in range(10, len(order)) if order[n] - order[n - 10] < SECOND)
    assert 10 * SECOND < order[first] < 11 * SECOND
    assert np.array_equal(lost, sent_at >= order[first])
    assert (copies["cause"][lost] == Cause.SUBSCRIPTION_DISABLED).all()
    assert len(of(run, "copies", "queue", "queues.dead")["copy"]) == 0  # a pending subscription gets nothing


def test_a_filter_keeps_a_mail_subscription_below_its_limit(tmp_path: Path):
    sets = {
        "topics__orders__subscriptions": "{mail: {email: a@example.com, filter_policy: {kind: [failed]}}}",
        "producers__shop__arrivals": "{rate: 30/s, process: even}",
        "producers__shop__message": "{attributes: {kind: {failed: 5%, done: rest}}}",
        "duration": "1m",
    }
    copies = of(Ran(written(tmp_path, WEB, **sets)), "copies", "queue", "topics.orders.subscriptions.mail")
    assert 40 < len(copies["copy"]) < 140
    assert (copies["fate"] == Fate.DELETED).all()


def test_text_messages_stop_when_the_months_spending_is_used_up(tmp_path: Path):
    """Three parts of 0.01 dollars: a dollar pays for 33 messages."""
    sms = "{to: oncall, size: 300B, sender: short_code, price: 0.01, monthly_spend: 1}"
    run = Ran(written(tmp_path, PHONE, topics__orders__subscriptions__phone__sms=sms))
    assert_rows_add_up(run)
    copies = of(run, "copies", "queue", "topics.orders.subscriptions.phone")
    sent = np.sort(copies["sent_at"])[:33]
    assert len(copies["copy"]) == 240
    assert np.array_equal(copies["fate"] == Fate.DELETED, np.isin(copies["sent_at"], sent))
    lost = copies["fate"] == Fate.DROPPED
    assert (copies["cause"][lost] == Cause.SPENDING_LIMIT).all()


def test_a_toll_free_number_sends_three_parts_a_second(tmp_path: Path):
    """Two messages of three parts a second are offered, one goes out: half of them wait at the end."""
    sms = "{to: oncall, size: 420B, sender: toll_free, monthly_spend: 1000}"
    run = Ran(written(tmp_path, PHONE, topics__orders__subscriptions__phone__sms=sms, after="stop"))
    assert_rows_add_up(run)
    attempts = of(run, "deliveries", "queue", "topics.orders.subscriptions.phone")["received_at"]
    assert (np.diff(np.sort(attempts)) == SECOND).all()
    assert len(attempts) == pytest.approx(120, abs=1)
    copies = of(run, "copies", "queue", "topics.orders.subscriptions.phone")
    assert (copies["fate"] == Fate.VISIBLE).sum() == 240 - len(attempts)


def test_a_carrier_that_fails_is_tried_again_by_the_schedule_of_six_hours(tmp_path: Path):
    """After 10 s, 10 s, and then with growing delays: customer-managed endpoints."""
    sms = "{to: oncall, sender: short_code, monthly_spend: 1000, fails: 100%}"
    run = Ran(written(tmp_path, PHONE, topics__orders__subscriptions__phone__sms=sms))
    took = sorted(set(since_publish(run, "topics.orders.subscriptions.phone").tolist()))
    assert took[:4] == [0, 10 * SECOND, 20 * SECOND, 30 * SECOND]
    assert 10 * SECOND < took[4] - took[3] < 20 * SECOND  # 10 s x 60^(1/9) = 15.8 s


def test_a_push_message_is_dropped_when_it_has_waited_longer_than_its_time_to_live(tmp_path: Path):
    push = "{phone: {push: {to: app, ttl: 25s, fails: 100%}, dead_letter: dead}}"
    run = Ran(written(tmp_path, PHONE, topics__orders__subscriptions=push))
    assert_rows_add_up(run)
    copies = of(run, "copies", "queue", "topics.orders.subscriptions.phone")
    assert (copies["fate"] == Fate.DROPPED).all()
    assert (copies["cause"] == Cause.TIME_TO_LIVE).all()
    assert (copies["receives"] == 3).all()  # at 0, 10 and 20 s; at 30 s it is too old
    assert (copies["ended_at"] - copies["sent_at"] == 30 * SECOND).all()


def test_dead_tokens_are_client_errors(tmp_path: Path):
    push = "{phone: {push: {to: app, disabled: 30%}, dead_letter: dead}}"
    run = Ran(written(tmp_path, PHONE, topics__orders__subscriptions=push))
    copies = of(run, "copies", "queue", "topics.orders.subscriptions.phone")
    dead = copies["fate"] == Fate.DEAD_LETTERED
    assert abs(dead.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 240)
    assert (copies["cause"][dead] == Cause.CLIENT_ERROR).all()
    assert (copies["receives"] == 1).all()


# -- who publishes, and the books ------------------------------------------------------------------------


def test_the_counts_of_a_subscription_are_those_of_its_rows(tmp_path: Path):
    hook = "{http: {downstream: partner, client_errors: 5%}, dead_letter: dead}"
    out = "{out: {downstream: partner, at: 2m, for: 150s, down: true}}"
    run = Ran(written(tmp_path, WEB, topics__orders__subscriptions__hook=hook, faults=out))
    copies, attempts = of(run, "copies", "queue", HOOK), of(run, "deliveries", "queue", HOOK)
    changes = of(run, "changes", "thing", HOOK)
    counts = {
        Quantity(quantity): int(changes["value"][changes["quantity"] == quantity].sum())
        for quantity in np.unique(changes["quantity"]).tolist()
        if 90 <= quantity <= 97
    }
    failed = int((attempts["attempt"] == Attempt.FAILED).sum())
    assert failed > 300
    assert sorted(count for count in counts.values() if count)[-1] == 600  # published
    assert {
        int((copies["fate"] == Fate.DELETED).sum()),
        int((copies["fate"] == Fate.DEAD_LETTERED).sum()),
        failed,
        int((attempts["receive_count"] > 1).sum()),
    } <= set(counts.values())
