"""Histograms of durations in logarithmic buckets, in whole numbers only.

A bucket is the first eight binary digits of a duration: 128 buckets an octave, each at most 0.8% wide,
and exact below 256 us.
"""

from functools import cached_property
from typing import Final

import numpy as np

_DIGITS: Final = 7
_SHIFT: Final = 52 - _DIGITS
_FIRST: Final = (1023 << _DIGITS) - 1


class Buckets:
    """Counts by bucket, ascending; both of shape (n,), int64."""

    def __init__(self, buckets: np.ndarray, counts: np.ndarray) -> None:
        self.buckets = buckets
        self.counts = counts

    @cached_property
    def ends(self) -> np.ndarray:
        """Rank of the longest duration of each bucket; shape (n,)."""
        return np.cumsum(self.counts)

    @property
    def total(self) -> int:
        """How many durations there are."""
        return int(self.ends[-1]) if len(self.counts) else 0


def bucket_of(durations: np.ndarray) -> np.ndarray:
    """Bucket of whole durations >= 0 [us]; int64, shape as *durations*.

    The bits of a float64 are exponent and mantissa, and whole numbers below 2**53 are exact in it: its
    leading bits, read as a whole number, are the logarithmic bucket on every machine.
    """
    bits: np.ndarray = durations.astype(np.float64).view(np.int64)
    bucket = (bits >> _SHIFT) - _FIRST
    np.maximum(bucket, 0, out=bucket)
    return bucket


def lowest(bucket: np.ndarray) -> np.ndarray:
    """Shortest duration [us] of each bucket (exact); float64, shape as *bucket*."""
    bits = (np.asarray(bucket, dtype=np.int64) + _FIRST) << _SHIFT
    return np.where(bucket == 0, 0.0, np.ceil(bits.view(np.float64)))


def within(bucket: np.ndarray, position: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The *position*-th (from 1) of *count* durations of each bucket, as if spread evenly over it [us]."""
    low = lowest(bucket)
    longest = np.maximum(lowest(np.asarray(bucket) + 1) - 1, low)
    durations: np.ndarray = low + (longest - low) * (position - 0.5) / count
    return durations


def joined(*parts: Buckets) -> Buckets:
    """One histogram of several (or of one with buckets in any order)."""
    bucket = np.concatenate([part.buckets for part in parts])
    sums = np.zeros(int(bucket.max(initial=0)) + 1, dtype=np.int64)
    np.add.at(sums, bucket, np.concatenate([part.counts for part in parts]))
    seen = np.flatnonzero(sums)
    return Buckets(seen, sums[seen])


def at_rank(found: Buckets, rank: int) -> float:
    """The *rank*-th shortest duration, counted from 1 [us]."""
    place = int(np.searchsorted(found.ends, rank))
    position = rank - int(found.ends[place]) + int(found.counts[place])
    return float(within(found.buckets[place], np.array(position), found.counts[place]))


def floor_of_rank(found: Buckets, rank: int) -> float:
    """What the *rank*-th shortest duration is at least [us]."""
    return float(lowest(found.buckets[np.searchsorted(found.ends, rank)]))
