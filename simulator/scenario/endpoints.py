"""Endpoints of subscriptions that are no queue and no function: HTTP/S, email, SMS, mobile push."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import ValidationInfo, model_validator

from simulator.aws.sns.endpoints import parts_of
from simulator.aws.sns.retries import Growth, RetryPolicy, http, http_problem
from simulator.scenario import rules as dated_rules
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.spec import Context, Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name, Number, Rate, Share, Size, Text

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

Sender = Literal["short_code", "toll_free", "ten_dlc"]

_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: kinds of endpoint that are lines: SNS sends to them, and nothing takes over from there
LINES: Final = ("http", "email", "sms", "push")


class DeliveryPolicy(Spec):
    """When SNS tries a failed delivery to a web server again."""

    retries: Count = setting("sns.http.retries", "tries after the first one, in all phases")
    no_delay: Count = setting("sns.http.no_delay", "of these: at once")
    min_delay: Count = setting("sns.http.min_delay", "then: each after `min_delay_target`")
    max_delay: Count = setting(
        "sns.http.max_delay", "at last: each after `max_delay_target`; those in no other phase grow"
    )
    min_delay_target: Duration = setting("sns.http.min_delay_target", "the least delay")
    max_delay_target: Duration = setting("sns.http.max_delay_target", "the greatest delay")
    backoff: Growth = option("how delays grow from the least to the greatest", default="linear")

    def policy(self) -> RetryPolicy:
        """Give the rule that it stands for."""
        return http(
            retries=self.retries,
            no_delay=self.no_delay,
            min_delay=self.min_delay,
            max_delay=self.max_delay,
            min_delay_us=self.min_delay_target,
            max_delay_us=self.max_delay_target,
            growth=self.backoff,
        )

    @model_validator(mode="after")
    def _taken_by_sns(self, info: ValidationInfo) -> "DeliveryPolicy":
        rules = info.context.rules if info.context else dated_rules.dated()
        if problem := http_problem(self.policy(), rules.value("sns.http.policy_longest")):
            raise refuse(f"is refused by SNS: {problem}")
        return self


class Http(Spec):
    """A web server; its connections, rate, latency, errors and faults are those of a downstream."""

    shorthand = "the name of a downstream"

    downstream: Name = required("the system of `downstreams:` that is called")
    delivery_policy: DeliveryPolicy = option("when a failed delivery is tried again", default={})
    max_receives_per_second: Rate | None = option(
        "deliveries a second on average; what is more waits at SNS. Any number if left out",
        low="1/s",
        high="100k/s",
    )
    client_errors: Share = option(
        "share of messages it refuses for good (4xx but 429): never tried again",
        default="0%",
        low="0%",
        high="100%",
    )

    @property
    def end(self) -> str:
        """Who it is, in words."""
        return self.downstream

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Turn the name of a downstream into the whole form."""
        return {"downstream": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _whole_rate(self) -> "Http":
        rate = self.max_receives_per_second
        if rate is not None and not rate.is_integer():
            message = f"is {rate:g}/s; a whole number a second is due"
            raise refuse(Finding(("max_receives_per_second",), message))
        return self


class Email(Spec):
    """A mail address."""

    shorthand = "an address"

    address: Text = required("the address", what="such as oncall@example.com")
    fails: Share = option(
        "share of attempts that the mail system fails, tried again for six hours",
        default="0%",
        low="0%",
        high="100%",
    )

    @property
    def end(self) -> str:
        """Who it is, in words."""
        return self.address

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Turn an address into the whole form."""
        return {"address": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _looks_like_one(self) -> "Email":
        if not _ADDRESS.fullmatch(self.address):
            message = f"is {self.address}; an address such as oncall@example.com is due"
            raise refuse(Finding(("address",), message))
        return self


class Sms(Spec):
    """A phone that gets text messages."""

    shorthand = "a name for whose phone it is"

    to: Name = required("whose phone: a name")
    size: Size = setting(
        "sns.sms.size", "of the text, whatever the topic got; sent, counted and billed in parts of 140 bytes"
    )
    sender: Sender = option(
        "who sends: it decides on the parts a second, and what is more waits at SNS", default="toll_free"
    )
    price: Number = setting("sns.sms.price", "of a part, in US dollars")
    monthly_spend: Number = setting(
        "sns.sms.monthly_spend", "spending limit of a month, in US dollars; what is above is not sent"
    )
    fails: Share = option(
        "share of attempts that the carrier fails, tried again for six hours",
        default="0%",
        low="0%",
        high="100%",
    )

    def parts(self, part_bytes: int) -> int:
        """How many parts a text takes."""
        return parts_of(self.size, part_bytes)

    @property
    def end(self) -> str:
        """Who it is, in words."""
        return self.to

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Turn a name into the whole form."""
        return {"to": data} if isinstance(data, str) else data


class Push(Spec):
    """An app on a phone that gets push messages."""

    to: Name = required("whose app: a name")
    platform: Literal["apns", "fcm", "adm", "baidu", "wns"] = option("who brings them", default="fcm")
    ttl: Duration = setting("sns.push.ttl", "time to live: a message that has waited longer is dropped")
    disabled: Share = option(
        "share of messages whose device token is dead: a client-side error, never tried again",
        default="0%",
        low="0%",
        high="100%",
    )
    fails: Share = option(
        "share of attempts that the platform fails, tried again for six hours",
        default="0%",
        low="0%",
        high="100%",
    )

    @property
    def end(self) -> str:
        """Who it is, in words."""
        return self.to


def endpoint_lines(scenario: "Scenario") -> Iterator[tuple[str, str, str]]:
    """Give path, topic and name of every subscription that is a line: no queue and no function takes over.

    In rows and keys the path stands for the queue its messages wait in, and for who consumes them.
    """
    for topic, given in scenario.topics.items():
        for name, subscription in given.subscriptions.items():
            if subscription.kind in LINES:
                yield f"topics.{topic}.subscriptions.{name}", topic, name


def endpoint_findings(scenario: "Scenario", reference: Any) -> Iterator[Finding]:
    """Give what SNS refuses about such subscriptions; *reference* checks that a name is known."""
    for _, topic, name in endpoint_lines(scenario):
        subscription = scenario.topics[topic].subscriptions[name]
        place: tuple[str, ...] = ("topics", topic, "subscriptions", name)
        kind = subscription.kind
        if scenario.topics[topic].type == "fifo":
            message = f"cannot stand here: {topic} is a FIFO topic, and those deliver to queues only"
            yield Finding((*place, kind), message)
        if subscription.http is not None:
            yield from reference((*place, "http", "downstream"), subscription.http.downstream, "downstreams")
        elif subscription.raw_message_delivery:
            message = f"is true; SNS delivers raw messages to queues and web servers, not by {kind}"
            yield Finding((*place, "raw_message_delivery"), message)


def called_by(scenario: "Scenario") -> Mapping[str, list[str]]:
    """Give the downstreams that are endpoints, with the paths of their subscriptions."""
    found: dict[str, list[str]] = {}
    for path, topic, name in endpoint_lines(scenario):
        if (given := scenario.topics[topic].subscriptions[name].http) is not None:
            found.setdefault(given.downstream, []).append(path)
    return found
