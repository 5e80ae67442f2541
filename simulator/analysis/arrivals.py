"""Expected arrivals of a scenario over time, in stretches whose rate changes evenly."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from simulator.scenario.filters import share_passed
from simulator.scenario.producers import Producer
from simulator.scenario.schema import Scenario

_US: Final = 1_000_000


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
        (share, stretches_of(producer, scenario.duration))
        for producer in scenario.producers.values()
        if (share := 1.0 if queue is None else _share(scenario, producer, queue)) > 0
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
    """One producer's stretches, one after another from 0 on."""
    if producer.trace is not None:
        width = producer.trace.interval_us
        rates = [count * _US / width for count in producer.trace.counts]
        return [Stretch(k * width, (k + 1) * width, rate, rate) for k, rate in enumerate(rates)]
    if producer.phases is None:
        rate = producer.expected(duration_us) * _US / duration_us
        return [Stretch(0, duration_us, rate, rate)]
    found, at = [], 0
    for phase in producer.phases:
        end = phase.rate if phase.ramp_to is None else phase.ramp_to
        found.append(Stretch(at, at + phase.for_us, phase.rate, end))
        at += phase.for_us
    return found


def _rate(stretches: Sequence[Stretch], start: int, at: int) -> float:
    """Rate at *at* in the stretch that holds *start*."""
    stretch = stretches[bisect_right(stretches, start, key=lambda s: s.from_at) - 1]
    return stretch.rate_at(at) if start < stretch.until_at else 0.0


def _share(scenario: Scenario, producer: Producer, queue: str) -> float:
    """Copies in *queue* for each message of a producer: 1, or what a filter lets through."""
    if producer.target == queue:
        return 1.0
    topic = scenario.topics.get(producer.target)
    if topic is None:
        return 0.0
    return math.fsum(
        share_passed(subscription, producer.message)
        for subscription in topic.subscriptions.values()
        if subscription.queue == queue
    )
