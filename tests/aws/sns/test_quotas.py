"""Quotas of publishes: what passes a second, and what a refused call uses up."""

from simulator.aws.sns.quotas import PublishQuota, bucket

S = 1_000_000


def test_each_entry_of_a_batch_counts_and_a_refused_call_takes_nothing():
    quota = PublishQuota(bucket(30, S))
    assert quota.take(0, [0] * 10, 100) and quota.take(0, [0] * 10, 100)
    assert quota.take(0, [0] * 9, 100)
    assert not quota.take(0, [0] * 2, 100)
    assert quota.take(0, [0], 100)


def test_the_account_is_shared_and_a_group_is_its_own():
    account = bucket(1_000, S)
    one = PublishQuota(account, group_per_s=300, burst_us=S)
    other = PublishQuota(account, group_per_s=300, burst_us=S)
    passed = [sum(one.take(0, [group], 1) for _ in range(400)) for group in (1, 2)]
    assert passed == [300, 300]
    assert sum(other.take(0, [group], 1) for group in (1, 2) for _ in range(400)) == 400


def test_a_topic_takes_messages_and_bytes():
    quota = PublishQuota(None, topic=bucket(3_000, S), topic_bytes=bucket(20 * 1024**2, S))
    big = 256 * 1024
    assert sum(quota.take(0, [0], big) for _ in range(3_000)) == 20 * 1024**2 // big


def test_offered_above_the_quota_passes_at_the_quota():
    quota = PublishQuota(bucket(300, S))
    passed = sum(quota.take(i * S // 400, [0], 1) for i in range(400 * 60))
    assert passed == 300 + 300 * 60 - 1 or passed == 300 + 300 * 60  # a full bucket, then the rate
