"""Access: which calls policies deny, from when to when."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal

from pydantic import model_validator

from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Spec, option
from simulator.scenario.units import Duration, Name, write_duration

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

Action = Literal["sns:Publish", "sqs:SendMessage", "lambda:InvokeFunction"]

RESOURCES: Final[Mapping[str, str]] = {
    "sns:Publish": "topic",
    "sqs:SendMessage": "queue",
    "lambda:InvokeFunction": "function",
}
"""Of each action: the key that names what is called."""
_CALLERS: Final[Mapping[str, tuple[str, ...]]] = {
    "sns:Publish": ("producer",),
    "sqs:SendMessage": ("topic", "producer"),
    "lambda:InvokeFunction": ("topic",),
}
_TRIED_US: Final = 2_000_000_000_000
"""At least so long SNS tries to deliver to an unavailable queue [us]: a shorter outage loses nothing."""
_KEYS: Final = ("producer", "topic", "queue", "function")


class PolicyChange(Spec):
    """A policy denies an action, or does not allow it any more: what is called then answers AccessDenied."""

    deny: Action | None = option(
        "the action that an explicit Deny forbids; it wins over every Allow", what="an action"
    )
    revoke: Action | None = option(
        "the action that the resource's own policy does not allow: SNS needs that Allow always, a producer "
        "only across accounts",
        what="an action",
    )
    producer: Name | None = option("who calls: a producer")
    topic: Name | None = option("who calls: SNS for this topic; of `sns:Publish`, what is called")
    queue: Name | None = option("what is called: a queue, a dead-letter queue too")
    function: Name | None = option("what is called: a function")
    at: Duration = option(
        "when the policy changes; 0s: it was never right", default="0s", low="0s", high="400d"
    )
    for_us: Duration | None = option(
        "until it is right again; for the rest of the run if left out", low="1ms", high="400d", alias="for"
    )

    @property
    def action(self) -> str:
        """What is denied: ``sqs:SendMessage``."""
        return self.deny or self.revoke or ""

    @property
    def resource(self) -> str:
        """Name of what is called."""
        return str(getattr(self, RESOURCES[self.action]))

    def meets(self, action: str, resource: str, kind: str, caller: str) -> bool:
        """Whether it is about this call by this caller, which is a topic or a producer (*kind*)."""
        if self.action != action or self.resource != resource:
            return False
        named = [key for key in _CALLERS[action] if getattr(self, key) is not None]
        return not named or (named == [kind] and getattr(self, kind) == caller)

    @model_validator(mode="after")
    def _whole(self) -> "PolicyChange":
        if (self.deny is None) == (self.revoke is None):
            has = "has both deny and revoke" if self.deny else "has neither deny nor revoke"
            raise refuse(f"{has}; give exactly one, such as deny: sqs:SendMessage")
        needed = RESOURCES[self.action]
        known = {needed, *_CALLERS[self.action]}
        found = [
            Finding((key,), f"has no meaning for {self.action}; known: {', '.join(sorted(known))}")
            for key in _KEYS
            if getattr(self, key) is not None and key not in known
        ]
        if getattr(self, needed) is None:
            found.append(Finding((needed,), f"is missing; say which {needed} {self.action} is called on"))
        callers = [key for key in _CALLERS[self.action] if getattr(self, key) is not None]
        if len(callers) > 1:
            found.append(Finding(("producer",), "cannot stand beside topic; use two entries"))
        if found:
            raise refuse(*found)
        return self


def access_findings(scenario: "Scenario") -> Iterator[Finding]:
    """Give what is wrong with the policy changes: those that begin too late, or that change nothing."""
    for name, change in scenario.access.items():
        path = ("access", name)
        if change.at >= scenario.duration:
            span = f"0s to below the duration, {write_duration(scenario.duration)}"
            yield Finding((*path, "at"), f"is {write_duration(change.at)}; allowed: {span}")
        met = [call for call in calls(scenario) if change.meets(*call)]
        if not met and _known(scenario, change):
            yield Finding(path, f"changes nothing: nobody there calls {change.action} on {change.resource}")
        elif change.revoke and met and not any(needs_grant(scenario, *call) for call in met):
            message = "changes nothing: in one account the producer's own policy is enough; use deny"
            yield Finding((*path, "revoke"), f"is {change.revoke}, and {message}")


def _known(scenario: "Scenario", change: PolicyChange) -> bool:
    """Whether all it names is there; what is not is found elsewhere."""
    return all(
        getattr(change, key) is None or getattr(change, key) in getattr(scenario, f"{key}s") for key in _KEYS
    )


def calls(scenario: "Scenario") -> Iterator[tuple[str, str, str, str]]:
    """Give every call that policies are about: action, what is called, kind and name of the caller."""
    for name, topic in scenario.topics.items():
        for subscription in topic.subscriptions.values():
            if subscription.queue is not None:
                yield "sqs:SendMessage", subscription.queue, "topic", name
            if subscription.function is not None:
                yield "lambda:InvokeFunction", subscription.function, "topic", name
            if subscription.dead_letter is not None:
                yield "sqs:SendMessage", subscription.dead_letter, "topic", name
    for name, producer in scenario.producers.items():
        if producer.target in scenario.topics:
            yield "sns:Publish", producer.target, "producer", name
        elif producer.target in scenario.queues:
            yield "sqs:SendMessage", producer.target, "producer", name


def needs_grant(scenario: "Scenario", action: str, resource: str, kind: str, caller: str) -> bool:
    """Whether a call needs an Allow of the policy of what is called: SNS always, others across accounts."""
    if kind == "topic":
        return True
    called = scenario.topics[resource] if action == "sns:Publish" else scenario.queues[resource]
    return called.account != scenario.producers[caller].account


def failing(scenario: "Scenario") -> Iterator[str]:
    """Give the paths of the subscriptions of queues and functions whose deliveries may fail."""
    down: Counter[str] = Counter()
    for fault in scenario.faults.values():
        down[fault.target] += (fault.for_us or 0) if fault.unavailable else 0
    for name, topic in scenario.topics.items():
        for key, one in topic.subscriptions.items():
            if one.queue is not None:
                call = ("sqs:SendMessage", one.queue, "topic", name)
            elif one.function is not None:
                call = ("lambda:InvokeFunction", one.function, "topic", name)
            else:
                continue
            if down[one.queue or ""] > _TRIED_US or any(
                change.meets(*call) for change in scenario.access.values()
            ):
                yield f"topics.{name}.subscriptions.{key}"
