"""Mails through SES in whole runs: quotas, what becomes of mails, how the account stands, who is told."""

from pathlib import Path

import numpy as np
import pytest

from simulator.analysis.email import OVER_QUOTA
from simulator.analysis.measures import Measures
from simulator.recording.tables import Fate, Quantity
from simulator.scenario import ScenarioError
from tests.scenarios.books import assert_rows_add_up
from tests.scenarios.running import MINUTE, SECOND, Ran, written
from tests.scenarios.test_every_scenario import FILES, SHORTER, short

SCENARIOS = {path.stem: path for path in FILES}

MAILS = """
scenario: mails
duration: 10m
producers: {shop: {target: mails, arrivals: {interarrival: 66667us}}}
topics:
  told:
    subscriptions:
      complaints:
        queue: complaints
        filter_policy: {notificationType: [Complaint]}
        filter_policy_scope: MessageBody
queues:
  mails: {visibility_timeout: 60s, redrive: {queue: dead, max_receive_count: 2}}
  dead: {}
  complaints: {}
functions:
  send:
    runtime: python3.13
    timeout: 10s
    work: 1ms
    calls: {news: 1}
    client: {timeout: 5s, max_attempts: 1}
    event_sources: {mails: {batch_size: 1}}
email:
  news: {latency: 10ms, daily_quota: 1M, notify: {topic: told}}
ideal: true
"""


def estimates(run: Ran) -> dict[str, float]:
    measures = Measures(run.frame, [run.partial])
    return {
        key.removeprefix("email.news "): found.mean
        for key, found in measures.estimates.items()
        if key.startswith("email.news ")
    }


def test_fifteen_a_second_at_fourteen_a_second_throttle_one_a_second(tmp_path: Path):
    """SES keeps nothing for later; whoever is refused is dead-lettered here, so that each is tried once."""
    run = Ran(written(tmp_path, MAILS, queues__mails__redrive="{queue: dead, max_receive_count: 1}"))
    numbers = estimates(run)
    assert numbers["tries.count"] == pytest.approx(15 * 600, abs=1)
    assert numbers["recipients.count"] == pytest.approx(14 * 600 + 14, abs=2), "the burst, then the rate"
    assert numbers["over_quota{quota=rate}.count"] == pytest.approx(600 - 14, abs=2)


def test_the_day_is_a_window_of_24_hours_and_not_a_calendar_day(tmp_path: Path):
    """600 of 1,000 fit; the others are refused until 24 hours after the first."""
    scenario = written(
        tmp_path,
        MAILS,
        duration="25h",
        after="stop",
        producers__shop__arrivals="{interarrival: 90s}",
        email__news__daily_quota="600",
    )
    run = Ran(scenario)
    numbers = estimates(run)
    assert numbers["daily_used.max"] == 600
    # One every 90 s: the 601st comes after 15 h, and is refused in two receives. From 24 h on one leaves the
    # window, at the end of its second, as one comes: that is refused once, and taken a minute later.
    day, hour = 24 * 3600 / 90, 3600 / 90
    refused = numbers["over_quota{quota=daily}.count"]
    assert refused == pytest.approx((day - 600) * 2 + hour, rel=0.01)
    assert numbers["recipients.count"] == pytest.approx(600 + hour, abs=2)


def test_quotas_count_recipients(tmp_path: Path):
    run = Ran(written(tmp_path, MAILS, email__news__recipients="7", email__news__rate="1000/s"))
    sent = int((run["copies"]["fate"] == Fate.DELETED).sum())
    assert estimates(run)["recipients.count"] == 7 * sent
    assert estimates(run)["over_quota.count"] == 0


def test_shares_of_what_becomes_of_mails_are_those_asked_for(tmp_path: Path):
    shares = {"hard_bounce": 0.05, "soft_bounce": 0.03}
    run = Ran(
        written(
            tmp_path,
            MAILS,
            email__news__rate="1000/s",
            email__news__bounces="{hard: 5%, soft: 3%}",
            email__news__delay="{soft_bounce: 1m, complaint: 1m}",
            email__news__complaints="2%",
        )
    )
    numbers = estimates(run)
    n = numbers["recipients.count"]
    for name, share in shares.items():
        assert abs(numbers[f"{name}.share"] - share) < 4 * np.sqrt(share / n)
    arrived = numbers["arrived.count"]
    # The run is over when the last mail is sent: what would come within the last minute is not seen.
    assert abs(numbers["complaint.count"] - 0.02 * 0.9 * arrived) < 4 * np.sqrt(0.02 * arrived)


def test_a_topic_is_told_and_its_filters_see_what_it_is_about(tmp_path: Path):
    run = Ran(
        written(
            tmp_path,
            MAILS,
            email__news__rate="1000/s",
            email__news__bounces="{hard: 5%}",
            email__news__complaints="3%",
            email__news__delay="{complaint: 1s}",
        )
    )
    assert_rows_add_up(run)
    numbers = estimates(run)
    assert 0 < numbers["complaint.count"] < numbers["hard_bounce.count"]
    told = run["copies"]["queue"] == run.things["queues.complaints"]
    assert int(told.sum()) == numbers["complaint.count"]
    said = run["messages"]["producer"] == run.things["email.news"]
    assert int(said.sum()) == numbers["complaint.count"] + numbers["hard_bounce.count"]


def test_a_paused_account_sends_nothing_more(tmp_path: Path):
    """At 15 mails a second a hundred recipients are there after 7 s; one in five bounces at once."""
    run = Ran(
        written(
            tmp_path,
            MAILS,
            after="stop",
            email__news__bounces="{hard: 20%}",
            email__news__rate="1000/s",
            limits="{ses.model.reputation_volume: 100}",
        )
    )
    numbers = estimates(run)
    assert numbers["standing{as=paused}.share"] > 0.95
    changes = run["changes"]
    paused = (changes["quantity"] == Quantity.SENDING_PAUSED) & (changes["value"] == 1)
    (from_at,) = changes["from_at"][paused]
    assert numbers["recipients.count"] == pytest.approx(15 * from_at / SECOND, abs=3)
    assert numbers["over_quota{quota=paused}.count"] > 15 * 500
    dead = run["copies"]["queue"] == run.things["queues.dead"]
    assert dead.sum() > 15 * 400


def test_a_sandbox_account_takes_one_a_second_and_200_a_day(tmp_path: Path):
    run = Ran(written(tmp_path, MAILS, after="stop", email__news="{account: sandbox, latency: 10ms}"))
    numbers = estimates(run)
    assert numbers["recipients.count"] == 200
    assert numbers["over_quota{quota=daily}.count"] > 0
    assert set(OVER_QUOTA) == {"rate", "daily", "paused"}


def test_who_sends_changes_nothing_of_what_becomes_of_the_mails(tmp_path: Path):
    """Fates belong to messages: two ways of consuming bounce the same recipients."""
    sets = {"email__news__rate": "1000/s", "email__news__bounces": "{hard: 10%}"}
    one = Ran(written(tmp_path, MAILS, **sets))
    other = Ran(written(tmp_path, MAILS, **sets, functions__send__work="20ms"))
    assert estimates(one)["hard_bounce.count"] == estimates(other)["hard_bounce.count"] > 500


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("functions.send.calls", "{newz: 1}", "news"),
        ("email.news.notify.topic", "tell", "told"),
        ("email.news.recipients", "51", "1 to 50"),
        ("email.news.bounces", "{hard: 60%, soft: 50%}", "more than 100%"),
        ("email.news", "{account: sandbox, rate: 5/s}", "1 at most"),
        ("email.other", "{}", "used by nobody"),
        ("downstreams.news", "{latency: 1ms}", "also a downstream"),
        ("topics.told.type", "fifo", "standard ones only"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, path: str, value: str, said: str):
    with pytest.raises(ScenarioError) as refused:
        written(tmp_path, MAILS, **{path.replace(".", "__"): value})
    assert said in str(refused.value)


INBOX = """
scenario: inbox
duration: 5m
producers:
  inbox: {target: received, arrivals: {rate: 20/s}, ses_receipt: {dropped: 25%, delay: 3s}}
  direct: {target: read, arrivals: {rate: 2/s}, ses_receipt: {}}
topics: {received: {subscriptions: {mails: {queue: mails}}}}
queues: {mails: {visibility_timeout: 60s}}
functions: {read: {runtime: python3.13, timeout: 10s, work: 30ms, event_sources: {mails: {}}}}
"""


def test_a_receipt_rule_hands_mails_to_a_topic_or_a_function_and_drops_a_share(tmp_path: Path):
    run = Ran(written(tmp_path, INBOX))
    assert_rows_add_up(run)
    copies = run["copies"]
    mails = copies["queue"] == run.things["queues.mails"]
    assert abs(int(mails.sum()) - 0.75 * 6000) < 4 * np.sqrt(6000)
    direct = copies["queue"] == run.things["functions.read.async"]
    assert abs(int(direct.sum()) - 600) < 4 * np.sqrt(600)
    assert (copies["sent_at"][mails] - copies["offered_at"][mails] >= 0).all()


def test_a_mail_above_150_kib_does_not_go_to_a_topic(tmp_path: Path):
    with pytest.raises(ScenarioError, match="150KiB"):
        written(tmp_path, INBOX, producers__inbox__message="{size: 200KiB}")


def test_more_sends_at_once_than_the_rate_needs_gain_nothing_and_lose_mails():
    paced, hurried = short(SCENARIOS["email_campaign"], ""), short(SCENARIOS["email_campaign"], "hurried")
    dead = {
        run.scenario.variant: int((run["copies"]["queue"] == run.things["queues.mails-dlq"]).sum())
        for run in (paced, hurried)
    }
    assert dead[""] == 0
    assert dead["hurried"] > 50
    last = [int(run["copies"]["succeeded_at"].max()) for run in (paced, hurried)]
    assert abs(last[0] - last[1]) < 0.15 * last[0] + MINUTE


def test_a_campaign_that_bounces_stops_the_confirmations_of_the_same_account_only():
    assert "bounce_storm" in SHORTER
    shared, apart = short(SCENARIOS["bounce_storm"], ""), short(SCENARIOS["bounce_storm"], "own_account")
    for run, dies in ((shared, True), (apart, False)):
        dead = run["copies"]["queue"] == run.things["queues.confirmations-dlq"]
        assert bool(dead.sum()) is dies
