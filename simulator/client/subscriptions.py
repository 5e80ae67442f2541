"""Attributes of SNS subscriptions: AWS's names and texts outside, the rules of ``aws/sns`` inside."""

import json
from collections.abc import Mapping
from typing import Any, Final

from simulator.aws.sns.filter_message import MISSING_BODY, parsed
from simulator.aws.sns.filter_policy import Scope
from simulator.aws.sns.filter_validity import Limits, refusal
from simulator.aws.sns.topics import Subscription
from simulator.client.attributes import name_of
from simulator.client.errors import ClientError
from simulator.scenario.rules import Rules

SCOPES: Final = ("MessageAttributes", "MessageBody")
SUBSCRIPTION: Final = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
"""Every attribute of a subscription that can be given."""


def is_true(value: Any) -> bool:
    """Whether an attribute says yes."""
    return str(value).lower() == "true"


def dead_letters_of(value: Any) -> str | None:
    """The queue that a RedrivePolicy, a map or its JSON, names."""
    try:
        policy = json.loads(value) if isinstance(value, str) and value else value
        return name_of(policy["deadLetterTargetArn"]) if policy else None
    except (ValueError, KeyError, TypeError):
        raise ClientError("InvalidParameter", "RedrivePolicy: a deadLetterTargetArn is due") from None


def subscription_of(given: Mapping[str, Any], rules: Rules, *, fifo: bool) -> Subscription:
    """A subscription with the attributes *given*; raise what SNS refuses."""
    scope = _scope(given.get("FilterPolicyScope") or SCOPES[0])
    policy, size = _policy(given.get("FilterPolicy"))
    limits = Limits(
        rules.value("sns.filter.max_keys"),
        rules.value("sns.filter.max_combinations"),
        rules.value("sns.filter.max_bytes"),
    )
    refused = None if policy is None else refusal(policy, scope, limits, size)
    if refused is not None:
        raise ClientError("InvalidParameter", f"FilterPolicy: {refused}")
    return Subscription(
        to_fifo=fifo,
        filter_policy=policy,
        filter_policy_scope=scope,
        raw_message_delivery=is_true(given.get("RawMessageDelivery")),
    )


def _scope(value: Any) -> Scope:
    if value == "MessageAttributes" or value == "MessageBody":
        found: Scope = value
        return found
    raise ClientError("InvalidParameter", f"FilterPolicyScope is {value}; allowed: {' or '.join(SCOPES)}")


def _policy(value: Any) -> tuple[Any, int]:
    """A filter policy, given as a map or as its JSON, and the length of that [bytes]."""
    if value is None or value == "":
        return None, 0
    if not isinstance(value, str):
        return value, len(json.dumps(value, default=str).encode())
    policy = parsed(value)
    if policy is MISSING_BODY:
        raise ClientError("InvalidParameter", "FilterPolicy: failed to parse JSON")
    return policy, len(value.encode("utf-8", "surrogatepass"))
