"""Mails that consumers send through SES: quotas, and what becomes of the mails."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from simulator.scenario.distributions import TimeDistribution
from simulator.scenario.downstreams import Downstream, callers
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.rules import Rules
from simulator.scenario.sources import Bounces, FeedbackDelays
from simulator.scenario.spec import Spec, option, setting
from simulator.scenario.units import Count, Name, Rate, Share, write_rate

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario


class Notify(Spec):
    """Which topic SES tells what became of mails."""

    topic: Name = option("the topic; SES publishes to standard ones only")
    deliveries: bool = option("whether mails that arrive are told as well", default=False)


class Email(Spec):
    """An SES account, as consumers call it by its name in `calls`: each call sends one mail.

    What is over a quota is refused with an error (ThrottlingException), not kept: the caller's `client` tries
    again. An account that is paused refuses everything.
    """

    account: Literal["production", "sandbox"] = option(
        "a sandbox account has the sandbox's quotas and sends to verified recipients only",
        default="production",
    )
    rate: Rate | None = option(
        "recipients a second; `ses.rate` or `ses.sandbox.rate` if left out", low="1/s", high="100k/s"
    )
    daily_quota: Count | None = option(
        "recipients in any 24 hours; `ses.daily_quota` or `ses.sandbox.daily_quota` if left out",
        low="1",
        high="1000M",
    )
    recipients: Count = option("recipients of each mail; quotas count them", default=1, low="1", high="50")
    latency: TimeDistribution = setting("ses.model.send_latency", "how long a call to SES takes")
    bounces: Bounces = option("recipients that a mail does not come to", default={})
    deferred: Share = option(
        "recipients that cannot be reached at first, and get the mail later by SES's own further tries",
        default="0%",
        low="0%",
        high="100%",
    )
    deferral: TimeDistribution = setting("ses.model.deferral", "until a deferred mail arrives after all")
    complaints: Share = option(
        "share of the mails that arrive and that their readers complain of",
        default="0%",
        low="0%",
        high="100%",
    )
    delay: FeedbackDelays = option("from a mail to what becomes of it", default={})
    notify: Notify | None = option("a topic that is told of bounces and complaints")

    @model_validator(mode="after")
    def _fits_together(self) -> "Email":
        if self.bounces.hard + self.bounces.soft + self.deferred > 1:
            raise refuse(Finding(("deferred",), "and bounces add up to more than 100%"))
        if self.rate is not None and not float(self.rate).is_integer():
            raise refuse(Finding(("rate",), f"is {write_rate(self.rate)}; a whole number a second is due"))
        return self

    def rate_per_s(self, rules: Rules) -> int:
        """Recipients a second."""
        entry = "ses.rate" if self.account == "production" else "ses.sandbox.rate"
        return int(rules.value(entry) if self.rate is None else self.rate)

    def daily(self, rules: Rules) -> int:
        """Recipients in any 24 hours."""
        entry = "ses.daily_quota" if self.account == "production" else "ses.sandbox.daily_quota"
        return int(rules.value(entry) if self.daily_quota is None else self.daily_quota)

    def as_called(self, rules: Rules) -> Downstream:
        """What its callers meet: a system with a latency and a rate of calls."""
        return Downstream.model_construct(
            latency=self.latency,
            connections=None,
            parallelism=None,
            rate=self.rate_per_s(rules) / self.recipients,
            burst=None,
            when_full="refuse",
            errors=0.0,
            abandoned="finish",
        )


def called(scenario: "Scenario") -> Mapping[str, Downstream]:
    """Everything that consumers can call, by the name they call it by."""
    mailing = {name: one.as_called(scenario.rules) for name, one in scenario.email.items()}
    return {**scenario.downstreams, **mailing}


def called_path(scenario: "Scenario", name: str) -> str:
    """Path of what consumers call *name*."""
    return f"{'email' if name in scenario.email else 'downstreams'}.{name}"


def email_findings(scenario: "Scenario", reference: Any) -> Iterator[Finding]:
    """Give what is wrong with the sending of mails; *reference* checks that a name is known."""
    used = {name for _, consumer in callers(scenario) for name in consumer.calls}
    for name, one in scenario.email.items():
        if name in scenario.downstreams:
            yield Finding(("email", name), f"is also a downstream; calls: {{{name}: 1}} could be either")
        if name not in used:
            message = f"is used by nobody; a consumer sends mails by calls: {{{name}: 1}}"
            yield Finding(("email", name), message)
        if one.notify is not None:
            path = ("email", name, "notify", "topic")
            yield from reference(path, one.notify.topic, "topics")
            topic = scenario.topics.get(one.notify.topic)
            if topic is not None and topic.type == "fifo":
                yield Finding(
                    path, f"is {one.notify.topic}, a FIFO topic; SES publishes to standard ones only"
                )
        yield from _over_the_sandbox(scenario, name, one)


def _over_the_sandbox(scenario: "Scenario", name: str, one: Email) -> Iterator[Finding]:
    if one.account == "sandbox":
        for key in ("rate", "daily_quota"):
            given, most = getattr(one, key), scenario.rules.value(f"ses.sandbox.{key}")
            if given is not None and given > most:
                yield Finding(("email", name, key), f"is {given:,g}; a sandbox account has {most:,} at most")
