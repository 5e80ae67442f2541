"""AWS policy evaluation, as far as messages depend on it.

Rules (IAM guide, "Policy evaluation logic"): an explicit deny wins; without an allow everything is denied. In
one account an allow by either policy is enough, by the caller's own (identity policy) or by that of what is
called (resource policy); across accounts both must allow. A service that calls for somebody, as SNS delivers
for a topic, has no identity policy: the resource policy alone decides.
"""

from enum import Enum


class Effect(Enum):
    """What a policy says about a call."""

    ALLOW = "Allow"
    DENY = "Deny"
    NOTHING = "nothing"


def allowed(identity: Effect, resource: Effect, *, same_account: bool) -> bool:
    """Whether a call is allowed by the caller's policy and by that of what is called."""
    said = (identity, resource)
    if Effect.DENY in said:
        return False
    if same_account:
        return Effect.ALLOW in said
    return said == (Effect.ALLOW, Effect.ALLOW)


def service_allowed(resource: Effect) -> bool:
    """Whether a service's call, such as a delivery by SNS, is allowed by the policy of what is called."""
    return resource is Effect.ALLOW
