"""Kubernetes: the arithmetic of the Horizontal Pod Autoscaler (autoscaling/v2).

Rules (kubernetes.io, "Horizontal Pod Autoscaling": algorithm details, configurable scaling behavior):
replicas are the metric's total over the target for each pod, rounded up; within 10% of the target nothing
changes; up takes the lowest and down the highest recommendation of its stabilization window; policies then
limit how many pods are added or removed in a period, counted from the replicas at its start.
"""

import math
from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a policy's value counts."""

    PODS = "Pods"
    PERCENT = "Percent"


class Select(Enum):
    """Which of several policies counts: the one that changes most, least, or none may."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


class ScalingPolicy(NamedTuple):
    """How many pods, or per cent of them, may be added or removed in a period [us]."""

    kind: Kind
    value: float
    period_us: int


class ScalingRules(NamedTuple):
    """One direction of a `behavior`: its stabilization window [us], policies, and which of them counts."""

    window_us: int
    policies: tuple[ScalingPolicy, ...]
    select: Select = Select.MAX


class HorizontalPodAutoscaler:
    """An autoscaler on one external metric with a target for each pod (AverageValue).

    It remembers what it recommended and did; the caller asks it every sync period.

    Parameters
    ----------
    target : float
        The metric for each pod.
    minimum, maximum : int
        Replicas.
    up, down : ScalingRules
        Its behavior.
    tolerance : float
        Share of the target within which nothing changes.
    """

    def __init__(
        self,
        target: float,
        minimum: int,
        maximum: int,
        up: ScalingRules,
        down: ScalingRules,
        tolerance: float = 0.1,
    ) -> None:
        self.target = target
        self.minimum = minimum
        self.maximum = maximum
        self._up = up
        self._down = down
        self._tolerance = tolerance
        self._longest_us = max((one.period_us for one in (*up.policies, *down.policies)), default=0)
        self._recommended: list[tuple[int, int]] = []
        self._changes: list[tuple[int, int]] = []  # instants and pods added, or removed as negative numbers

    def raw(self, total: float, current: int) -> int:
        """Replicas that the metric asks for, before windows, policies and limits."""
        if current and abs(total / (self.target * current) - 1) <= self._tolerance + 1e-9:
            return current
        return math.ceil(round(total / self.target, 9))

    def replicas(self, now: int, total: float, current: int) -> int:
        """Replicas to set at *now* [us], by the metric's *total* and the *current* replicas."""
        asked = min(max(self.raw(total, current), self.minimum), self.maximum)
        stable = self._stabilized(now, asked, current)
        if stable > current:
            desired = min(stable, max(current, self._most(now, current)), self.maximum)
        else:
            desired = max(stable, min(current, self._least(now, current)), self.minimum)
        desired = min(max(desired, self.minimum), self.maximum)
        if desired != current:
            self._changes = [one for one in self._changes if one[0] > now - self._longest_us]
            self._changes.append((now, desired - current))
        return desired

    def _stabilized(self, now: int, asked: int, current: int) -> int:
        """What the windows leave of a recommendation."""
        longest_us = max(self._up.window_us, self._down.window_us)
        self._recommended = [one for one in self._recommended if one[0] > now - longest_us]
        self._recommended.append((now, asked))
        lowest = min(self._within(now, self._up.window_us), default=asked)
        highest = max(self._within(now, self._down.window_us), default=asked)
        return min(max(current, min(lowest, asked)), max(highest, asked))

    def _within(self, now: int, window_us: int) -> Iterable[int]:
        return [number for at, number in self._recommended if at > now - window_us]

    def _most(self, now: int, current: int) -> int:
        """The most replicas that the policies allow."""

        def after(policy: ScalingPolicy, start: int) -> int:
            if policy.kind is Kind.PODS:
                return start + round(policy.value)
            return math.ceil(round(start * (1 + policy.value / 100), 9))

        return self._limit(now, current, self._up, after, max, min)

    def _least(self, now: int, current: int) -> int:
        """The fewest replicas that the policies allow."""

        def after(policy: ScalingPolicy, start: int) -> int:
            if policy.kind is Kind.PODS:
                return start - round(policy.value)
            return math.floor(round(start * (1 - policy.value / 100), 9))

        return self._limit(now, current, self._down, after, min, max)

    def _limit(
        self,
        now: int,
        current: int,
        rules: ScalingRules,
        after: Callable[[ScalingPolicy, int], int],
        most_change: Callable[[list[int]], int],
        least_change: Callable[[list[int]], int],
    ) -> int:
        if rules.select is Select.DISABLED:
            return current
        limits = []
        for policy in rules.policies:
            changed = sum(change for at, change in self._changes if at > now - policy.period_us)
            limits.append(after(policy, current - changed))
        return most_change(limits) if rules.select is Select.MAX else least_change(limits)
