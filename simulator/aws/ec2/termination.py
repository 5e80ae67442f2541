"""EC2 Auto Scaling: which instance leaves at scale-in.

Rules (EC2 Auto Scaling user guide, "Termination policies" and "Instance scale-in protection"): instances
with scale-in protection are never picked; zones come first, the one with most instances loses one; then the
policies in their order, each leaving those it cannot tell apart to the next. The default policy prefers the
oldest launch template and then the instance closest to its next instance hour; all of a group have one
template here.
"""

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import Final, Protocol, TypeVar

_HOUR_US: Final = 3_600_000_000


class Termination(Enum):
    """A termination policy, as AWS names it."""

    DEFAULT = "Default"
    OLDEST = "OldestInstance"
    NEWEST = "NewestInstance"
    CLOSEST_TO_HOUR = "ClosestToNextInstanceHour"


class Candidate(Protocol):
    """What the choice knows of an instance: its zone, its launch [us], whether it is protected."""

    @property
    def zone(self) -> int:
        """Number of its Availability Zone."""

    @property
    def launched_at(self) -> int:
        """When it was launched [us]."""


SomeCandidate = TypeVar("SomeCandidate", bound=Candidate)


def zone_to_shrink(zones: Sequence[int], may_leave: Sequence[int]) -> int:
    """The zone that loses an instance: of those in *may_leave* the one with most in *zones*."""
    counts = Counter(zones)
    return max(sorted(set(may_leave)), key=lambda zone: counts[zone])


def zone_to_grow(zones: Sequence[int], usable: Sequence[int]) -> int:
    """The zone that gets the next instance: the one of *usable* with fewest in *zones*."""
    counts = Counter(zones)
    return min(usable, key=lambda zone: counts[zone])


def pick(
    policies: Sequence[Termination], unprotected: Sequence[SomeCandidate], zones: Sequence[int], now: int
) -> SomeCandidate | None:
    """The instance to terminate next; None when all are protected.

    Parameters
    ----------
    policies : sequence of Termination
        In the order of the group.
    unprotected : sequence of Candidate
        Those that may be picked, oldest first; a tie goes to the first.
    zones : sequence of int
        Zones of all instances in service.
    now : int
        [us]
    """
    if not unprotected:
        return None
    zone = zone_to_shrink(zones, [one.zone for one in unprotected])
    left = [one for one in unprotected if one.zone == zone]
    for policy in policies:
        ranks = [_rank(policy, one, now) for one in left]
        least = min(ranks)
        left = [one for one, rank in zip(left, ranks, strict=True) if rank == least]
    return left[0]


def _rank(policy: Termination, one: Candidate, now: int) -> int:
    if policy is Termination.OLDEST:
        return one.launched_at
    if policy is Termination.NEWEST:
        return -one.launched_at
    return _HOUR_US - (now - one.launched_at) % _HOUR_US
