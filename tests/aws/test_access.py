"""Policies: an explicit deny wins, and across accounts both sides must allow."""

import pytest

from simulator.aws.access import Effect, allowed, service_allowed

ALLOW, DENY, NOTHING = Effect.ALLOW, Effect.DENY, Effect.NOTHING


@pytest.mark.parametrize(
    ("identity", "resource", "in_one_account", "across"),
    [
        (ALLOW, ALLOW, True, True),
        (ALLOW, NOTHING, True, False),
        (NOTHING, ALLOW, True, False),
        (NOTHING, NOTHING, False, False),
        (ALLOW, DENY, False, False),
        (DENY, ALLOW, False, False),
    ],
)
def test_who_is_allowed(identity: Effect, resource: Effect, in_one_account: bool, across: bool):
    assert allowed(identity, resource, same_account=True) is in_one_account
    assert allowed(identity, resource, same_account=False) is across


def test_a_service_needs_the_policy_of_what_it_calls():
    assert [service_allowed(effect) for effect in (ALLOW, NOTHING, DENY)] == [True, False, False]
