"""Token buckets: every AWS request quota (SQS guide: 300 calls a second; conformance TOKEN cases)."""

from simulator.aws.quotas import TokenBucket

S = 1_000_000


def test_a_bucket_is_full_at_the_start_and_refuses_when_it_is_empty() -> None:
    bucket = TokenBucket(300, 300)
    assert sum(bucket.take(0) for _ in range(400)) == 300


def test_calls_evenly_spaced_above_the_rate_pass_at_depth_and_rate() -> None:
    """500 a second for 10 s against 300/s with depth 300: 300 + 9.998 s x 300/s pass."""
    bucket = TokenBucket(300, 300)
    assert sum(bucket.take(call * S // 500) for call in range(5000)) == 3299


def test_calls_at_exactly_the_refill_rate_are_never_refused() -> None:
    bucket = TokenBucket(300, 2)
    assert all(bucket.take(-(-call * S // 300)) for call in range(100_000))


def test_unused_tokens_above_the_depth_are_lost() -> None:
    bucket = TokenBucket(10, 2)
    assert bucket.take(0, 2)
    assert [bucket.take(3600 * S) for _ in range(3)] == [True, True, False]


def test_the_next_token_is_there_at_the_instant_told_and_not_before() -> None:
    bucket = TokenBucket(3, 1)
    assert bucket.take(0)
    at = bucket.next_at(0)
    assert at == 333_334
    assert not bucket.take(at - 1)
    assert bucket.take(at)
    assert bucket.next_at(at + S) == at + S


def test_a_refused_call_takes_nothing() -> None:
    bucket = TokenBucket(1, 10)
    assert bucket.take(0, 8)
    assert not bucket.take(0, 3)
    assert bucket.take(0, 2)
