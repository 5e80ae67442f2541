"""Which instance leaves (EC2 Auto Scaling user guide, "Termination policies")."""

from typing import NamedTuple

import pytest

from simulator.aws.ec2.termination import Termination, pick, zone_to_grow

MINUTE = 60_000_000


class Machine(NamedTuple):
    name: str
    launched_at: int
    zone: int = 0


FLEET = [Machine("old", 0), Machine("middle", 25 * MINUTE), Machine("new", 50 * MINUTE)]
NOW = 80 * MINUTE


def picked(policies: list[Termination], machines: list[Machine], now: int = NOW) -> str:
    found = pick(policies, machines, [machine.zone for machine in machines], now)
    return found.name if found else ""


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (Termination.OLDEST, "old"),
        (Termination.NEWEST, "new"),
        (Termination.CLOSEST_TO_HOUR, "middle"),  # ages of 80, 55 and 30 minutes
        (Termination.DEFAULT, "middle"),
    ],
)
def test_a_policy_picks(policy: Termination, name: str):
    assert picked([policy], FLEET) == name


def test_the_zone_with_most_instances_comes_before_every_policy():
    machines = [Machine("old", 0, 0), Machine("a", 10, 1), Machine("b", 20, 1)]
    assert picked([Termination.OLDEST], machines) == "a"
    assert picked([Termination.NEWEST], machines) == "b"


def test_what_one_policy_cannot_tell_apart_the_next_decides():
    machines = [Machine("a", 0), Machine("b", 60 * MINUTE), Machine("c", 90 * MINUTE)]
    assert picked([Termination.CLOSEST_TO_HOUR, Termination.NEWEST], machines, 100 * MINUTE) == "b"
    assert picked([Termination.CLOSEST_TO_HOUR], machines, 100 * MINUTE) == "a"  # a tie goes to the oldest


def test_an_instance_that_was_just_launched_has_a_whole_hour_to_go():
    assert (
        picked([Termination.CLOSEST_TO_HOUR], [Machine("now", NOW), Machine("before", NOW - 1)]) == "before"
    )


def test_protected_instances_are_never_picked():
    zones = [0, 0, 1]
    assert pick([Termination.OLDEST], [], zones, NOW) is None
    only = Machine("only", 5, 1)
    assert pick([Termination.OLDEST], [only], zones, NOW) is only


def test_a_new_instance_goes_to_the_zone_with_fewest():
    assert zone_to_grow([0, 1, 1, 0, 2], [0, 1, 2]) == 2
    assert zone_to_grow([], [0, 1, 2]) == 0
    assert zone_to_grow([0, 1], [1, 2]) == 2
