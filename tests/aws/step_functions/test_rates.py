"""Step Functions: transitions through the bucket, in order."""

from simulator.aws.step_functions.rates import TransitionBucket

SECOND_US = 1_000_000


def test_a_full_bucket_lets_its_depth_through_at_once_and_then_the_refill() -> None:
    """5,000 at once, then 5,000/s: transition number 5,000 + k comes k/5,000 s later (200 us each)."""
    bucket = TransitionBucket(5_000, 5_000)
    at = [bucket.enter(0) for _ in range(10_000)]
    assert at[:5_000] == [0] * 5_000
    assert at[5_000:] == [200 * k for k in range(1, 5_001)]
    assert (bucket.transitions, bucket.throttled) == (10_000, 5_000)


def test_who_comes_later_waits_behind_those_who_wait() -> None:
    bucket = TransitionBucket(1, 1)
    assert [bucket.enter(0), bucket.enter(0)] == [0, SECOND_US]
    assert bucket.enter(SECOND_US // 2) == 2 * SECOND_US
    assert bucket.waiting(SECOND_US // 2) == 2
    assert bucket.waiting(2 * SECOND_US) == 0


def test_tokens_are_kept_up_to_the_depth_only() -> None:
    bucket = TransitionBucket(10, 3)
    for _ in range(3):
        bucket.enter(0)
    assert bucket.tokens(SECOND_US // 10) == 1
    assert bucket.tokens(3600 * SECOND_US) == 3


def test_below_the_refill_nothing_ever_waits() -> None:
    """One every 1,250 us is 800/s exactly."""
    bucket = TransitionBucket(800, 1)
    assert all(bucket.enter(1_250 * k) == 1_250 * k for k in range(1_000))
    assert bucket.throttled == 0
