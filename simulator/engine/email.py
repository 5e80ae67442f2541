"""Builds SES accounts that consumers send mails through."""

from typing import TYPE_CHECKING

from simulator.aws.ses import feedback
from simulator.aws.ses.reputation import Reputation
from simulator.aws.ses.sending import SendingQuota
from simulator.engine.taken import sampler
from simulator.processes.announcements import Announcer
from simulator.processes.downstream_figures import Figures
from simulator.processes.mailing import Chances, Delays, Keys, Ledgers, Mailing, Mails, Told
from simulator.scenario.email import Email
from simulator.scenario.filters import Said

if TYPE_CHECKING:
    from simulator.engine.parts import Parts

_DELAYS = {
    "hard_bounce": "ses.model.hard_bounce_delay",
    "soft_bounce": "ses.soft_bounce_delay",
    "complaint": "ses.model.complaint_delay",
    "delivery": "ses.model.delivery_delay",
}


def mailing(parts: "Parts", name: str, email: Email) -> Mailing:
    """The account *name* of a run."""
    rule, rules, path = parts.taken.rule, parts.scenario.rules, f"email.{name}"
    thing = parts.things[path]
    rate_per_s = email.rate_per_s(rules)
    burst = max(email.recipients, round(rate_per_s * rule("ses.burst") / 1e6))
    quota = SendingQuota(rate_per_s, burst, email.daily(rules), rule("ses.max_recipients"))
    reputation = Reputation(
        rule("ses.model.reputation_volume"),
        bounce_review=rule("ses.bounce_review"),
        bounce_pause=rule("ses.bounce_pause"),
        complaint_review=rule("ses.complaint_review"),
        complaint_pause=rule("ses.complaint_pause"),
    )
    _assume(parts, email)
    notify, stream = email.notify, parts.taken.stream
    told = Told(0, 1, 2, 3 if notify is not None and notify.deliveries else None)
    announcer = None
    if notify is not None:
        topic = parts.topics[notify.topic]
        announcer = Announcer(topic, path, thing, parts.ledger, parts.recorder)
    mails = Mails(
        parts.clock,
        reputation,
        Ledgers(parts.recorder, thing),
        Chances(email.bounces.hard, email.bounces.soft, email.deferred, email.complaints),
        _delays(email),
        Keys(stream(f"{path}/outcome"), stream(f"{path}/complaint"), stream(f"{path}/delay")),
        told,
        announcer,
    )
    return Mailing(parts.clock, Figures(parts.recorder, thing), quota, email.recipients, mails)


def _delays(email: Email) -> Delays:
    delay = email.delay
    return Delays(
        sampler(delay.hard_bounce),
        sampler(delay.soft_bounce),
        sampler(delay.complaint),
        sampler(delay.delivery),
        sampler(email.deferral),
    )


def _assume(parts: "Parts", email: Email) -> None:
    """Name the rules that settings were left to, for the list of assumptions."""
    given = {entry: getattr(email.delay, kind) for kind, entry in _DELAYS.items()}
    given["ses.model.send_latency"] = email.latency
    if email.deferred:
        given["ses.model.deferral"] = email.deferral
    for entry, value in given.items():
        if parts.scenario.rules.value(entry) == value:
            parts.taken.rule(entry)
    if email.account == "production":
        for entry, value in (("ses.rate", email.rate), ("ses.daily_quota", email.daily_quota)):
            if value is None:
                parts.taken.rule(entry)


def says() -> list[Said]:
    """What topics are told: hard bounce, soft bounce, complaint, delivery, by the numbers the lives know."""
    return [Said({}, feedback.body(kind)) for kind in feedback.KINDS]
