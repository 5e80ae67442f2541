"""Subscriptions: who gets what a topic publishes."""

from typing import Final, Literal

from pydantic import StrictBool, ValidationInfo, model_validator

from simulator.scenario import rules as dated_rules
from simulator.scenario.endpoints import LINES, Email, Http, Push, Sms
from simulator.scenario.filters import Policy, PolicyScope, policy_finding
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Spec, option
from simulator.scenario.units import Count, Duration, Name

ENDPOINTS: Final = ("queue", "function", *LINES, "count")
"""Keys that say where a subscription delivers to; it has exactly one of them."""


class Subscription(Spec):
    """A subscription to a topic: who gets its messages, and which of them."""

    queue: Name | None = option("the queue it delivers to")
    function: Name | None = option("the function it invokes, asynchronously, instead of `queue`")
    http: Http | None = option("the web server it calls, a downstream, instead of `queue`")
    email: Email | None = option("the mail address it sends to, instead of `queue`")
    sms: Sms | None = option("the phone it sends text messages to, instead of `queue`")
    push: Push | None = option("the app it sends push messages to, instead of `queue`")
    count: Count | None = option(
        "that many subscribers that nothing else is said of: their deliveries are only counted",
        low="1",
        high="12.5M",
    )
    dead_letter: Name | None = option(
        "the queue that gets what SNS gives up; it needs an Allow for SNS. Without it that is lost"
    )
    subscribed_by: Literal["endpoint_owner", "topic_owner"] = option(
        "who subscribed a queue of another account: its owner (no confirmation), or that of the topic",
        default="endpoint_owner",
    )
    confirmed_at: Duration | None = option(
        "when the owner of the queue confirmed what the owner of the topic subscribed; nothing flows before",
        low="0s",
        high="400d",
    )
    raw_message_delivery: StrictBool = option(
        "deliver the message as it is, without SNS's envelope", default=False
    )
    filter_policy: Policy = option(
        "what is let through, in the language of SNS's filter policies: all keys must match, of each one of "
        'the listed values or operators, such as `{prefix: eu-}` or `{numeric: [">", 100]}`',
        default={},
        what="map of keys to lists",
    )
    filter_policy_scope: PolicyScope = option(
        "what the policy looks at: attributes or the body, which has nested keys", default="MessageAttributes"
    )

    @property
    def kind(self) -> str:
        """The word for its endpoint: `queue`, `function`, ..."""
        return next(key for key in ENDPOINTS if getattr(self, key) is not None)

    @property
    def endpoint(self) -> str:
        """What it delivers to, in words that tell it from every other endpoint: ``queue billing``."""
        end = getattr(self, self.kind)
        if self.count is not None:
            return "count"
        return f"{self.kind} {end if isinstance(end, str) else end.end}"

    @model_validator(mode="after")
    def _taken_by_sns(self, info: ValidationInfo) -> "Subscription":
        rules = info.context.rules if info.context else dated_rules.dated()
        if found := policy_finding(self, rules):
            raise refuse(found)
        return self

    @model_validator(mode="after")
    def _one_end(self) -> "Subscription":
        given = [key for key in ENDPOINTS if getattr(self, key) is not None]
        if not given:
            raise refuse(f"has none of {', '.join(ENDPOINTS)}; say where it delivers to")
        if len(given) > 1:
            raise refuse(Finding((given[1],), f"cannot stand beside {given[0]}; use two subscriptions"))
        return self
