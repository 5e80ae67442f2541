"""Counts of messages as others see them (SQS guide; one lab of July 2026)."""

from simulator.aws.cloudwatch.counters import approximate

CHANCES = [0.1, 0.5, 0.9]


def test_after_a_burst_a_count_reads_zero_or_stale_or_right():
    assert [approximate(5_200, 5_000, chance, burst=100) for chance in CHANCES] == [0, 200, 5_200]


def test_a_count_without_a_burst_is_right():
    assert {approximate(90, 90, chance, burst=100) for chance in CHANCES} == {90}
    assert {approximate(5_000, 2_000, chance, burst=100) for chance in CHANCES} == {5_000}
