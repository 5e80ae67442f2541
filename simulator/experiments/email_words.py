"""What a report must know of SES accounts."""

from collections.abc import Iterator

from simulator.analysis.answer import EmailAccount
from simulator.experiments.traffic import amount, span
from simulator.scenario.distributions import mean_of
from simulator.scenario.email import Email
from simulator.scenario.rules import Rules
from simulator.scenario.schema import Scenario
from simulator.scenario.units import write_share


def accounts_of(scenario: Scenario) -> tuple[EmailAccount, ...]:
    """Every SES account of a scenario."""
    rules = scenario.rules
    return tuple(
        EmailAccount(
            path=f"email.{name}",
            settings=", ".join(_words(one, rules)),
            rate_per_s=float(one.rate_per_s(rules)),
            daily=float(one.daily(rules)),
            volume=rules.value("ses.model.reputation_volume"),
            bounce_review=rules.value("ses.bounce_review"),
            bounce_pause=rules.value("ses.bounce_pause"),
            complaint_review=rules.value("ses.complaint_review"),
            complaint_pause=rules.value("ses.complaint_pause"),
        )
        for name, one in scenario.email.items()
    )


def _words(one: Email, rules: Rules) -> Iterator[str]:
    yield f"{one.account} account"
    yield f"{amount(one.rate_per_s(rules))} recipients/s, {amount(one.daily(rules))} in 24 h"
    yield f"{span(mean_of(one.latency))} a call"
    if one.bounces.hard:
        yield f"{write_share(one.bounces.hard)} dead addresses"
