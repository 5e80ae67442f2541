"""Expected arrivals of a scenario over time, in stretches whose rate changes evenly."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from simulator.scenario.distributions import mean_of
from simulator.scenario.filters import share_passed
from simulator.scenario.producers import Producer
from simulator.scenario.schema import Scenario
from simulator.scenario.send_flows import children_of
from simulator.scenario.sources import Transcoding

_US: Final = 1_000_000
_STEPS: Final = 200


class Stretch(NamedTuple):
    """Arrivals whose rate changes evenly [us, 1/s]."""

    from_at: int
    until_at: int
    start_per_s: float
    end_per_s: float

    @property
    def messages(self) -> float:
        """Expected number in it."""
        return self.mean_per_s * (self.until_at - self.from_at) / _US

    @property
    def mean_per_s(self) -> float:
        """Mean rate over it [1/s]."""
        return (self.start_per_s + self.end_per_s) / 2

    def rate_at(self, at: int) -> float:
        """Rate at an instant within it [1/s]."""
        share = (at - self.from_at) / (self.until_at - self.from_at)
        return self.start_per_s + share * (self.end_per_s - self.start_per_s)


def arrivals(scenario: Scenario, queue: str | None = None) -> list[Stretch]:
    """Expected copies sent to *queue* (None: messages of all producers); bursts at their phase's mean.

    The stretches follow each other from 0 on and cover the duration.
    """
    each = [
        (share * producer.each, _told(producer, stretches_of(producer, scenario.duration)))
        for name, producer in scenario.producers.items()
        if (share := 1.0 if queue is None else _share(scenario, name, producer, queue)) > 0
    ]
    edges = sorted({edge for _, stretches in each for s in stretches for edge in (s.from_at, s.until_at)})
    return [
        Stretch(
            start,
            until,
            math.fsum(share * _rate(stretches, start, start) for share, stretches in each),
            math.fsum(share * _rate(stretches, start, until) for share, stretches in each),
        )
        for start, until in pairwise(edges)
    ]


def stretches_of(producer: Producer, duration_us: int) -> list[Stretch]:
    """Stretches of one producer's arrivals, one after another from 0 on."""
    if producer.trace is not None:
        width = producer.trace.interval_us
        rates = [count * _US / width for count in producer.trace.counts]
        return [Stretch(k * width, (k + 1) * width, rate, rate) for k, rate in enumerate(rates)]
    if producer.phases is None:
        rate = producer.arrivals_expected(duration_us) * _US / duration_us
        return [Stretch(0, duration_us, rate, rate)]
    found, at = [], 0
    for phase in producer.phases:
        end = phase.rate if phase.ramp_to is None else phase.ramp_to
        found.append(Stretch(at, at + phase.for_us, phase.rate, end))
        at += phase.for_us
    return found


def _told(producer: Producer, stretches: list[Stretch]) -> list[Stretch]:
    """When the arrivals of one producer are told of: no faster than job slots let them, on average."""
    source = producer.source
    if not isinstance(source, Transcoding):
        return stretches
    most_per_s = source.concurrent_jobs * _US / mean_of(source.job)
    if all(max(s.start_per_s, s.end_per_s) <= most_per_s for s in stretches):
        return stretches
    width, waiting, found = max(1, stretches[-1].until_at // _STEPS), 0.0, []
    for stretch in stretches:
        edges = [*range(stretch.from_at, stretch.until_at, width), stretch.until_at]
        for start, until in pairwise(edges):
            lasts_s = (until - start) / _US
            per_s = (stretch.rate_at(start) + stretch.rate_at(until)) / 2
            told_per_s = min(per_s + waiting / lasts_s, most_per_s)
            waiting += (per_s - told_per_s) * lasts_s
            found.append(Stretch(start, until, told_per_s, told_per_s))
    return found


def _rate(stretches: Sequence[Stretch], start: int, at: int) -> float:
    """Rate at *at* in the stretch that holds *start*."""
    stretch = stretches[bisect_right(stretches, start, key=lambda s: s.from_at) - 1]
    return stretch.rate_at(at) if start < stretch.until_at else 0.0


def _share(scenario: Scenario, name: str, producer: Producer, queue: str) -> float:
    """Copies in *queue* for each message of a producer: its own, and what consumers send on for it."""
    sent_on = children_of(scenario, name).get(("queues", queue), 0.0)
    if producer.target == queue:
        return 1.0 + sent_on
    topic = scenario.topics.get(producer.target)
    if topic is None:
        return sent_on
    return sent_on + math.fsum(
        share_passed(subscription, producer.said)
        for subscription in topic.subscriptions.values()
        if subscription.queue == queue
    )
