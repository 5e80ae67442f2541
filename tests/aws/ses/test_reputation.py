"""SES's developer guide on reputation: 5% of hard bounces is a review, 10% a pause."""

import pytest

from simulator.aws.ses.reputation import Reputation, Standing


def reputation(volume=1000):
    return Reputation(
        volume, bounce_review=0.05, bounce_pause=0.10, complaint_review=0.001, complaint_pause=0.005
    )


@pytest.mark.parametrize(
    ("bounces", "complaints", "standing"),
    [
        (49, 0, Standing.GOOD),
        (50, 0, Standing.UNDER_REVIEW),
        (99, 0, Standing.UNDER_REVIEW),
        (100, 0, Standing.PAUSED),
        (0, 1, Standing.UNDER_REVIEW),
        (0, 4, Standing.UNDER_REVIEW),
        (0, 5, Standing.PAUSED),
        (50, 5, Standing.PAUSED),
    ],
)
def test_shares_of_the_last_recipients_decide(bounces, complaints, standing):
    sender = reputation()
    numbers = [sender.send() for _ in range(1000)]
    for number in numbers[:bounces]:
        sender.bounce(number)
    for number in numbers[-complaints:] if complaints else ():
        sender.complain(number)
    assert sender.standing is standing


def test_nobody_is_judged_before_a_representative_volume():
    sender = reputation()
    for _ in range(999):
        sender.bounce(sender.send())
    before = sender.standing
    sender.send()
    assert (before, sender.standing) == (Standing.GOOD, Standing.PAUSED)


def test_what_is_older_than_the_volume_no_longer_counts_and_a_review_ends():
    sender = reputation(100)
    for number in [sender.send() for _ in range(100)][:5]:
        sender.bounce(number)
    assert sender.standing is Standing.UNDER_REVIEW
    sender.send()
    assert (sender.bounce_share, sender.standing) == (0.04, Standing.GOOD)


def test_a_late_bounce_of_a_recipient_that_is_too_old_counts_for_nothing():
    sender = reputation(100)
    first = sender.send()
    for _ in range(100):
        sender.send()
    sender.bounce(first)
    assert sender.bounce_share == 0


def test_a_recipient_counts_once():
    sender = reputation(100)
    number = sender.send()
    sender.bounce(number)
    sender.bounce(number)
    assert sender.bounce_share == 0.01


def test_a_pause_does_not_end_of_itself():
    sender = reputation(100)
    for number in [sender.send() for _ in range(100)][:10]:
        sender.bounce(number)
    for _ in range(500):
        sender.send()
    assert sender.standing is Standing.PAUSED
