"""Email, SMS and mobile push of SNS.

Source: SNS developer guide ("Email notifications", "Mobile text messaging", "Mobile push notifications").
"""

import pytest

from simulator.aws.sns.endpoints import MailSubscription, Spending, has_expired, parts_of

SECOND = 1_000_000
DAY = 86_400 * SECOND


def test_the_eleventh_message_within_a_second_disables_a_mail_subscription_for_good():
    mail = MailSubscription(10)
    assert all(mail.take(now) for now in range(0, 10 * 90_000, 90_000))  # the tenth at 0.81 s
    assert not mail.take(999_999)
    assert mail.disabled
    assert not mail.take(3600 * SECOND)  # nobody confirms again


def test_ten_messages_a_second_for_an_hour_disable_nothing():
    mail = MailSubscription(10)
    assert all(mail.take(now) for now in range(0, 3600 * SECOND, 100_000))
    assert not mail.disabled


@pytest.mark.parametrize(
    ("size", "parts"), [(0, 1), (1, 1), (140, 1), (141, 2), (280, 2), (300, 3), (1600, 12)]
)
def test_a_text_is_sent_in_parts_of_140_bytes(size: int, parts: int):
    assert parts_of(size, 140) == parts


def test_spending_stops_below_the_limit_and_begins_anew_with_the_month():
    spending = Spending(1_000_000, 30 * DAY)  # one dollar
    price = 3 * 6_450  # three parts
    sent = 0
    while spending.allows(0, price):
        spending.spend(price)
        sent += 1
    assert sent == 51  # 51 x 0.01935 = 0.98685, 52 would be 1.0062
    assert spending.spent == 51 * price
    assert not spending.allows(30 * DAY - 1, price)
    assert spending.allows(30 * DAY, price)
    assert spending.spent == 0


def test_a_limit_of_exactly_the_price_allows_one_message():
    spending = Spending(6_450, DAY)
    assert spending.allows(0, 6_450)
    spending.spend(6_450)
    assert not spending.allows(0, 6_450)


def test_a_push_message_is_dropped_only_once_it_is_older_than_its_time_to_live():
    assert not has_expired(5 * SECOND, 35 * SECOND, 30 * SECOND)
    assert has_expired(5 * SECOND, 35 * SECOND + 1, 30 * SECOND)
