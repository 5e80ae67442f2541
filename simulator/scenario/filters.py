"""Filters in a scenario: their words, and which of a producer's messages they let through.

The rules themselves are in `simulator.aws.sns` and `simulator.aws.lambda_.event_filters`. A message is one
of a few combinations of attribute values and bodies; a filter judges each of these once.
"""

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, Protocol

from pydantic import BeforeValidator, WithJsonSchema

from simulator.aws.lambda_.event_filters import EventFilters, pattern_refusal
from simulator.aws.sns.filter_policy import FilterPolicy, Verdict
from simulator.aws.sns.filter_validity import Limits, refusal
from simulator.scenario.bodies import bodies_of, choices_of, is_number
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.rules import Rules
from simulator.scenario.sources import Announced
from simulator.scenario.units import kind_of

ATTRIBUTES: Final = "MessageAttributes"
BODY: Final = "MessageBody"

PolicyScope = Literal["MessageAttributes", "MessageBody"]


class Sayable(Protocol):
    """What a producer's messages, or a standing backlog, say: attributes and perhaps a body."""

    @property
    def attributes(self) -> Mapping[str, Mapping[str, float]]:
        """Values of each attribute with their shares."""


class Filtering(Protocol):
    """A subscription, as far as its filter goes."""

    filter_policy: dict[str, Any]
    filter_policy_scope: PolicyScope


class Said(NamedTuple):
    """One thing that a message may say: typed attributes, and its body; None: no JSON."""

    attributes: dict[str, dict[str, str]]
    body: Any

    @property
    def text(self) -> str:
        """The body as it is sent; one that the scenario does not tell is some text."""
        return "text" if self.body is None else json.dumps(self.body)


def _policy(value: object) -> object:
    if not isinstance(value, dict):
        raise refuse(
            f"is {kind_of(value)}; a map of keys to lists of values is due, such as {{kind: [order]}}"
        )
    return value


Policy = Annotated[dict[str, Any], BeforeValidator(_policy), WithJsonSchema({"type": "object"})]


def _patterns(value: object) -> object:
    if not isinstance(value, list) or not value:
        what = "an empty list" if value == [] else kind_of(value)
        raise refuse(f"is {what}; a list of patterns is due, such as [{{body: {{kind: [order]}}}}]")
    return tuple(value)


Patterns = Annotated[
    tuple[Any, ...],
    BeforeValidator(_patterns),
    WithJsonSchema({"type": "array", "items": {"type": "object"}, "minItems": 1}),
]


# -- what may be written -----------------------------------------------------------------------------


def policy_finding(subscription: Filtering, rules: Rules) -> Finding | None:
    """Find why SNS would refuse the policy of a subscription; the path starts at the subscription."""
    policy = subscription.filter_policy
    limits = Limits(
        rules.value("sns.filter.max_keys"),
        rules.value("sns.filter.max_combinations"),
        rules.value("sns.filter.max_bytes"),
    )
    refused = refusal(policy, subscription.filter_policy_scope, limits, len(json.dumps(policy).encode()))
    return None if refused is None else Finding(("filter_policy", *refused.path), refused.message)


def pattern_findings(patterns: Iterable[Any], rules: Rules) -> Iterator[Finding]:
    """Find why Lambda would refuse the filters of an event source; paths start at the event source."""
    given = list(patterns)
    if len(given) > (most := rules.value("esm.filter.max")):
        yield Finding(("filters",), f"has {len(given)} patterns; Lambda allows {most}")
    longest = rules.value("esm.filter.max_bytes")
    for place, pattern in enumerate(given):
        if refused := pattern_refusal(pattern, longest):
            yield Finding(("filters", place, *refused.path), refused.message)


# -- what messages say -------------------------------------------------------------------------------


def typed_attribute(values: Iterable[str]) -> dict[str, dict[str, str]]:
    """Give the values of an attribute with its type.

    It is a ``Number`` where all of them are numbers, a ``String.Array`` where all are JSON arrays, else a
    ``String``.
    """
    words = list(values)
    kind = "String"
    if all(map(is_number, words)):
        kind = "Number"
    elif all(map(_is_array, words)):
        kind = "String.Array"
    return {word: {"type": kind, "value": word} for word in words}


def _is_array(word: str) -> bool:
    try:
        return isinstance(json.loads(word), list)
    except (ValueError, RecursionError):
        return False


def said_by(message: Sayable) -> list[Said]:
    """Give all that *message* may say, by the number of its combination.

    The last attribute varies faster than the others, and the body's choices faster than attributes.
    """
    if isinstance(message, Announced):
        return [Said({}, body) for body in message.bodies]
    attributes = {name: typed_attribute(values) for name, values in message.attributes.items()}
    bodies = bodies_of(getattr(message, "body", None))
    return [
        Said(dict(zip(attributes, chosen, strict=True)), body)
        for chosen in itertools.product(*(values.values() for values in attributes.values()))
        for body in bodies
    ]


def bodies_each(message: Sayable) -> int:
    """Give how many bodies there are to each combination of attribute values."""
    if isinstance(message, Announced):
        return len(message.bodies)
    return math.prod(len(choice) for choice in choices_of(getattr(message, "body", None)).values())


def shares_of_said(message: Sayable) -> list[float]:
    """Give the share of each combination, in the order of `said_by`."""
    if isinstance(message, Announced):
        return list(message.shares)
    choices = choices_of(getattr(message, "body", None)).values()
    values = [list(shares.values()) for shares in message.attributes.values()]
    values += [[share for _, share in choice] for choice in choices]
    return [math.prod(shares) for shares in itertools.product(*values)]


# -- judging -----------------------------------------------------------------------------------------


def judge(policy: Any, scope: PolicyScope, said: Said) -> Verdict:
    """Judge one thing that a message may say by a filter policy of SNS."""
    made = FilterPolicy(policy)
    return made.of_attributes(said.attributes) if scope == ATTRIBUTES else made.of_text(said.text)


def passes(policy: Any, scope: PolicyScope, message: Sayable) -> list[bool]:
    """Say of each combination whether a filter policy lets it through."""
    made = FilterPolicy(policy)
    if scope == ATTRIBUTES:
        return [made.of_attributes(said.attributes).accepted for said in said_by(message)]
    return [made.of_text(said.text).accepted for said in said_by(message)]


def share_passed(subscription: Filtering, message: Sayable) -> float:
    """Give the share of a producer's messages that a subscription gets."""
    policy, scope = subscription.filter_policy, subscription.filter_policy_scope
    if scope == ATTRIBUTES and "$or" not in policy:
        passed = 1.0
        for key, conditions in policy.items():
            made = FilterPolicy({key: conditions})
            shares = message.attributes.get(key, {})
            if not shares:
                passed *= made.of_attributes({}).accepted
                continue
            values = typed_attribute(shares)
            passed *= math.fsum(
                share for word, share in shares.items() if made.of_attributes({key: values[word]}).accepted
            )
        return passed
    shares_each = shares_of_said(message)
    return math.fsum(itertools.compress(shares_each, passes(policy, scope, message)))


def queued(said: Said, *, raw: bool) -> str:
    """Give the body that a queue gets of a published message: SNS's envelope unless delivery is raw."""
    if raw:
        return said.text
    given = {name: {"Type": one["type"], "Value": one["value"]} for name, one in said.attributes.items()}
    envelope: dict[str, Any] = {"Type": "Notification", "Message": said.text}
    return json.dumps(envelope | ({"MessageAttributes": given} if given else {}))


def worked(patterns: Iterable[Any], message: Sayable, *, raw: bool = True) -> list[bool]:
    """Say of each combination whether an event source's filters let it through to the function."""
    return fitting(patterns, said_by(message), raw=raw)


def fitting(patterns: Iterable[Any], said: Iterable[Said], *, raw: bool = True) -> list[bool]:
    """Say of each thing said whether an event source's filters let it through to the function."""
    filters = EventFilters(patterns)
    return [filters.accept(queued(one, raw=raw)) for one in said]
