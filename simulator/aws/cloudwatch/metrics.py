"""CloudWatch metrics as others see them: one point a period, published later.

A point of one-minute metrics is visible about a minute after its period (our model; AWS publishes no
number). Policies and alarms are given ``PublishedPoints``, a type of its own, never the true series.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NewType

PublishedPoints = NewType("PublishedPoints", Sequence[float])
"""Values of successive periods that are published already, newest last; nan where a period had none."""


class PublishedSeries:
    """One metric, sampled once a period and visible some time later.

    Parameters
    ----------
    period_us : int
        Time between samples [us].
    publish_delay_us : int
        Time from the sample until others see it [us].
    """

    __slots__ = ("_sampled_at", "_values", "period_us", "publish_delay_us")

    def __init__(self, period_us: int, publish_delay_us: int) -> None:
        self.period_us = period_us
        self.publish_delay_us = publish_delay_us
        self._sampled_at: list[int] = []
        self._values: list[float] = []

    def add(self, sampled_at: int, value: float) -> None:
        """Take the sample of the period that ends at *sampled_at* [us]; nan when there is none to take.

        Samples come in the order of time. Whole periods left out in between count as nan.
        """
        if self._sampled_at:
            missing_at = self._sampled_at[-1] + self.period_us
            while missing_at < sampled_at:
                self._sampled_at.append(missing_at)
                self._values.append(float("nan"))
                missing_at += self.period_us
        self._sampled_at.append(sampled_at)
        self._values.append(value)

    def points(self, now: int, count: int) -> PublishedPoints:
        """Up to *count* points published by *now* [us] (half-open: visible at exactly its instant)."""
        end = bisect_right(self._sampled_at, now - self.publish_delay_us)
        return PublishedPoints(self._values[max(0, end - count) : end])
