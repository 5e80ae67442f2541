"""How fast producers publish at most, against the quotas of SNS: who may be throttled."""

import math
from typing import Final

from simulator.scenario.distributions import mean_of
from simulator.scenario.producers import Producer
from simulator.scenario.schema import Scenario

#: above its highest rate a Poisson process goes that many standard deviations in a second, if ever
_DEVIATIONS: Final = 6
_FIFO: Final = "sns.fifo.publish_tps"
_STANDARD: Final = "sns.publish_tps"


def peak_per_s(producer: Producer) -> float:
    """Give the highest rate at which a producer offers messages, bursts in [1/s]."""
    if producer.interarrival is not None:
        return 1e6 / mean_of(producer.interarrival)
    if producer.trace is not None:
        return max(producer.trace.counts) * 1e6 / producer.trace.interval_us
    if producer.closed_loop is not None:
        return producer.closed_loop.per_s
    rates = [
        max(phase.rate, phase.ramp_to or 0) * (phase.bursts.factor if phase.bursts else 1)
        for phase in producer.phases or ()
    ]
    return max(rates)


def quota_of(scenario: Scenario, topic: str) -> str:
    """Give the name of the rule with the quota of publishes in the scenario's region, for a topic's type."""
    stem = _FIFO if scenario.topics[topic].type == "fifo" else _STANDARD
    own = f"{stem}.{scenario.region}"
    return own if own in scenario.rules.names() else f"{stem}.other"


def throttled(scenario: Scenario) -> frozenset[str]:
    """Give the producers whose publishes may go beyond a quota, alone or with the others.

    What a service of AWS publishes by itself is not among them.
    """
    asked = {
        name: one
        for name, one in scenario.producers.items()
        if one.target in scenario.topics and one.source is None
    }
    return frozenset(name for name in asked if _goes_beyond(scenario, name, asked))


def _goes_beyond(scenario: Scenario, name: str, asked: dict[str, Producer]) -> bool:
    target = asked[name].target
    topic, value = scenario.topics[target], scenario.rules.value
    quota = quota_of(scenario, target)
    account = [
        one
        for one in asked.values()
        if scenario.topics[one.target].account == topic.account and quota_of(scenario, one.target) == quota
    ]
    mine = [one for one in asked.values() if one.target == target]
    if _above(sum(map(peak_per_s, account)), value(quota)):
        return True
    if topic.type == "standard":
        return False
    if _above(max(map(_group_per_s, mine)), value("sns.fifo.group_tps")):
        return True
    if topic.fifo_throughput_scope == "message_group":
        return False
    bytes_per_s = sum(peak_per_s(one) * mean_of(one.message.size) for one in mine)
    most_bytes = value("sns.fifo.topic_bytes")
    all_per_s = sum(map(peak_per_s, mine))
    return _above(all_per_s, value("sns.fifo.topic_tps")) or bool(most_bytes and bytes_per_s > most_bytes)


def _group_per_s(producer: Producer) -> float:
    """Give the highest rate of a producer's busiest message group [1/s]."""
    group = producer.message.group
    return peak_per_s(producer) * (max(group.shares) if group is not None else 1.0)


def _above(per_s: float, quota: float | None) -> bool:
    return quota is not None and per_s + _DEVIATIONS * math.sqrt(per_s) > quota
