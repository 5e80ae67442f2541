"""SES's developer guide on sending quotas: recipients a second, and recipients in any 24 hours."""

from simulator.aws.ses.sending import DAY_US, Refusal, SendingQuota

S = 1_000_000


def test_fifteen_a_second_at_a_rate_of_fourteen_are_throttled_one_a_second():
    """aws-facts, section 13."""
    quota = SendingQuota(14, 14, 10**9, 50)
    answers = [quota.send(number * S // 15, 1) for number in range(15 * 600)]
    # The burst of a second is used up at first; from then on one in fifteen is refused.
    last = answers[-15 * 100 :]
    assert last.count(Refusal.RATE) == 100
    assert answers.count(Refusal.RATE) == 15 * 600 - (14 + 14 * 600 - 1)


def test_quotas_count_recipients_and_not_mails():
    quota = SendingQuota(14, 14, 100, 50)
    assert quota.send(0, 14) is None
    assert quota.send(0, 1) is Refusal.RATE
    assert quota.used(0) == 14


def test_the_daily_quota_is_a_rolling_window_and_not_a_calendar_day():
    quota = SendingQuota(200, 200, 200, 50)
    evening = 20 * 3600 * S
    for _ in range(200):
        assert quota.send(evening, 1) is None
    assert quota.send(DAY_US + S, 1) is Refusal.DAILY, "the next calendar day"
    assert quota.send(evening + DAY_US - 1, 1) is Refusal.DAILY
    assert quota.send(evening + DAY_US + S, 1) is None


def test_a_mail_that_does_not_fit_uses_up_nothing():
    quota = SendingQuota(100, 100, 60, 50)
    assert quota.send(0, 50) is None
    assert quota.send(0, 11) is Refusal.DAILY
    assert quota.send(0, 51) is Refusal.RECIPIENTS
    assert quota.send(0, 10) is None


def test_memory_is_a_second_and_not_a_mail():
    quota = SendingQuota(1000, 1000, 10**9, 50)
    for number in range(3000):
        quota.send(number * 1000, 1)
    assert len(quota._sent) == 3
    assert quota.used(3 * S) == 3000
