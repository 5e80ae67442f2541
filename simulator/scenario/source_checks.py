"""Checks of services that publish: where they can publish to, and what AWS does about mails that bounce."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from simulator.scenario.distributions import largest
from simulator.scenario.problems import Finding
from simulator.scenario.sources import ElasticTranscoder, MediaConvert, SesFeedback, SesReceipt, Source
from simulator.scenario.units import write_share, write_size

if TYPE_CHECKING:
    from simulator.scenario.producers import Producer
    from simulator.scenario.schema import Scenario

_ONE: Final = {"topics": "a topic", "queues": "a queue", "functions": "a function"}


def source_findings(scenario: "Scenario") -> Iterator[Finding]:
    """Find services that cannot publish to their target."""
    for name, producer in scenario.producers.items():
        if producer.source and (why := _refusal(scenario, producer, producer.source)):
            yield Finding(("producers", name, "target"), f"is {producer.target}, {why}")
        if isinstance(producer.source, SesReceipt) and producer.target in scenario.topics:
            most, size = scenario.rules.value("ses.receipt.max_sns_bytes"), largest(producer.message.size)
            if size > most:
                message = f"goes to {write_size(size)}; SES bounces mails above {write_size(most)} to a topic"
                yield Finding(("producers", name, "message", "size"), message)


def _refusal(scenario: "Scenario", producer: "Producer", source: Source) -> str:
    """Say why a service does not publish to its target; "" where it does, or there is none."""
    found = [section for section in _ONE if producer.target in getattr(scenario, section)]
    if not found:
        return ""
    section = found[0]
    if section not in source.ends:
        known = " and ".join(source.ends)
        return f"{_ONE[section]}; {source.service} tells {known} only"
    if section == "functions" or getattr(scenario, section)[producer.target].type != "fifo":
        return ""
    kind = f"a FIFO {section.removesuffix('s')}"
    if isinstance(source, MediaConvert):
        return f"{kind}; events of MediaConvert are modelled for standard topics and queues only"
    return f"{kind}; {source.service} publishes to standard {' and '.join(source.ends[:2])} only"


def source_warnings(scenario: "Scenario") -> Iterator[Finding]:
    """Give what hurts: a service that is no more, and mails that cost the account its standing."""
    rules = scenario.rules
    for name, producer in scenario.producers.items():
        path = ("producers", name)
        if isinstance(producer.source, ElasticTranscoder) and rules.name >= "2026":
            yield Finding(
                (*path, "elastic_transcoder"),
                "is a service that AWS ended on 2025-11-13; media_convert is its heir",
            )
        if not isinstance(mails := producer.source, SesFeedback):
            continue
        for key, share, least in (
            (("bounces", "hard"), mails.bounces.hard, rules.value("ses.bounce_review")),
            (("complaints",), mails.complaints, rules.value("ses.complaint_review")),
        ):
            if share >= least:
                message = (
                    f"is {write_share(share)}; SES puts an account under review from {write_share(least)}"
                )
                yield Finding((*path, "ses_feedback", *key), message)
