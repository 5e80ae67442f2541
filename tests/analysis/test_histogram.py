import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.analysis.histogram import Buckets, at_rank, bucket_of, floor_of_rank, joined, lowest, within


@given(st.integers(0, 2**50))
def test_a_duration_lies_in_its_bucket(duration):
    bucket = bucket_of(np.array([duration]))
    assert lowest(bucket)[0] <= duration < lowest(bucket + 1)[0] or duration == lowest(bucket)[0]


def test_buckets_are_exact_below_256_us_and_then_at_most_0_8_percent_wide():
    small = np.arange(256)
    assert len(np.unique(bucket_of(small))) == 256
    assert (within(bucket_of(small), np.array(1), np.array(1)) == small).all()
    durations = np.unique(np.logspace(2.5, 14, 20_000).astype(np.int64))
    error = np.abs(within(bucket_of(durations), np.array(1), np.array(1)) / durations - 1)
    assert error.max() < 0.004
    assert (np.diff(bucket_of(durations)) >= 0).all()


def test_there_are_128_buckets_an_octave():
    assert bucket_of(np.array([2**21]))[0] - bucket_of(np.array([2**20]))[0] == 128


def test_a_rank_finds_that_duration_to_half_a_percent():
    durations = np.sort(np.random.default_rng(3).integers(1, 10**8, 5_001))
    found = joined(Buckets(bucket_of(durations), np.ones(len(durations), dtype=np.int64)))
    for rank in (1, 2_501, 5_001):
        assert abs(at_rank(found, rank) / durations[rank - 1] - 1) < 0.005
        assert floor_of_rank(found, rank) <= durations[rank - 1]


def test_durations_of_a_bucket_count_as_spread_evenly_over_it():
    low = float(lowest(np.array(2_000)))
    many = Buckets(np.array([2_000]), np.array([101]))
    ranks = [at_rank(many, rank) for rank in (1, 51, 101)]
    assert ranks == sorted(set(ranks))
    assert low < ranks[0]
    assert ranks[2] < float(lowest(np.array(2_001)))
