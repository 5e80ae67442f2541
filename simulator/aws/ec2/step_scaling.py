"""EC2 Auto Scaling: step scaling, and how adjustments change a capacity.

Rules (EC2 Auto Scaling user guide, "Step and simple scaling policies"): at most 20 steps, their bounds
count from the alarm's threshold; above it the lower bound is inclusive and the upper one exclusive, below
it the other way round. Instances that warm up count to what a step has added, so a second breach adds the
difference, and nothing is removed meanwhile.
"""

import math
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from typing import Final, NamedTuple

MOST_STEPS: Final = 20


class Adjustment(Enum):
    """How a number changes a capacity, as AWS names it."""

    CHANGE = "ChangeInCapacity"
    EXACT = "ExactCapacity"
    PERCENT = "PercentChangeInCapacity"


def whole_change(exact: float) -> int:
    """Whole instances of a percentage: toward zero, but at least one where there is any.

    12.7 becomes 12, 0.67 becomes 1, -0.58 becomes -1, -6.67 becomes -6 (the guide's table).
    """
    exact = round(exact, 9)
    if 0 < exact < 1:
        return 1
    if -1 < exact < 0:
        return -1
    return math.trunc(exact)


def adjusted(capacity: int, adjustment: Adjustment, by: float, least: int = 0) -> int:
    """The capacity after an adjustment, before the group's limits.

    Parameters
    ----------
    capacity : int
        What it counts from.
    adjustment, by
        Its kind and number: instances, or per cent of *capacity*.
    least : int
        ``MinAdjustmentMagnitude``: a percentage changes at least so many instances.
    """
    if adjustment is Adjustment.EXACT:
        return round(by)
    if adjustment is Adjustment.CHANGE:
        return capacity + round(by)
    change = whole_change(capacity * by / 100)
    if change and abs(change) < least:
        change = least if change > 0 else -least
    return capacity + change


class Step(NamedTuple):
    """An adjustment for a part of the breach: bounds count from the threshold, None is without end."""

    lower: float | None
    upper: float | None
    by: float


class StepScaling:
    """A step scaling policy.

    Parameters
    ----------
    steps : sequence of Step
        Without gaps or overlaps.
    adjustment : Adjustment
        What the steps' numbers mean.
    minimum, maximum : int
        Size limits of the group.
    least : int
        ``MinAdjustmentMagnitude``.

    Raises
    ------
    ValueError
        More than 20 steps, or steps that overlap.
    """

    __slots__ = ("_adjustment", "_least", "_steps", "maximum", "minimum")

    def __init__(
        self, steps: Sequence[Step], adjustment: Adjustment, minimum: int, maximum: int, least: int = 0
    ) -> None:
        if len(steps) > MOST_STEPS:
            raise ValueError(f"{len(steps)} steps; AWS allows {MOST_STEPS}")
        if problem := overlap(steps):
            raise ValueError(problem)
        self._steps = tuple(steps)
        self._adjustment = adjustment
        self.minimum = minimum
        self.maximum = maximum
        self._least = least

    def step_for(self, breach: float) -> Step | None:
        """The step a metric is in that is *breach* above the threshold (negative: below it)."""
        spans = [
            (-math.inf if step.lower is None else step.lower, math.inf if step.upper is None else step.upper)
            for step in self._steps
        ]
        above = [lower <= breach < upper for lower, upper in spans]
        below = [lower < breach <= upper for lower, upper in spans]
        # At the threshold itself both sides may have a step: an alarm on "at least", or on "at most".
        found = above if breach > 0 else below if breach < 0 else above if any(above) else below
        return next((step for step, holds in zip(self._steps, found, strict=True) if holds), None)

    def desired(self, breach: float, current: int, warming: int) -> int:
        """Capacity to ask for while the alarm is in ALARM.

        Parameters
        ----------
        breach : float
            Newest published point of the metric minus the threshold.
        current, warming : int
            Desired capacity now, and how much of it boots or warms up.
        """
        step = self.step_for(breach)
        if step is None:
            return current
        if self._adjustment is Adjustment.EXACT:
            wanted = round(step.by)
        elif step.by >= 0:
            wanted = max(current, adjusted(current - warming, self._adjustment, step.by, self._least))
        else:
            wanted = adjusted(current, self._adjustment, step.by, self._least)
        if wanted < current and warming:
            return current
        return min(max(wanted, self.minimum), self.maximum)


def overlap(steps: Sequence[Step]) -> str:
    """Say what is wrong with the bounds of steps; "" where nothing is."""
    spans = sorted(
        (-math.inf if one.lower is None else one.lower, math.inf if one.upper is None else one.upper)
        for one in steps
    )
    for low, high in spans:
        if low >= high:
            return f"a step from {low:g} to {high:g} is empty"
    for (_, high), (low, _) in pairwise(spans):
        if low < high:
            return f"steps overlap between {low:g} and {high:g}"
    return ""
