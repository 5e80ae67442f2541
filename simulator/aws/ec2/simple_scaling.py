"""EC2 Auto Scaling: simple scaling.

Rule (EC2 Auto Scaling user guide, "Scaling cooldowns"): while an activity is in progress and until the
cooldown is over, further alarms do nothing; the cooldown (300 s by default) counts from the end of the last
activity.
"""

from simulator.aws.ec2.step_scaling import Adjustment, adjusted


class SimpleScaling:
    """A simple scaling policy: one adjustment, then a cooldown.

    Parameters
    ----------
    adjustment, by, least
        As of `adjusted`.
    minimum, maximum : int
        Size limits of the group.
    cooldown_us : int
        How long after the end of an activity no other starts [us].
    """

    __slots__ = ("_adjustment", "_by", "_least", "cooldown_us", "maximum", "minimum")

    def __init__(
        self, adjustment: Adjustment, by: float, minimum: int, maximum: int, cooldown_us: int, least: int = 0
    ) -> None:
        self._adjustment = adjustment
        self._by = by
        self._least = least
        self.minimum = minimum
        self.maximum = maximum
        self.cooldown_us = cooldown_us

    def cooling(self, now: int, activity_ended_at: int | None) -> bool:
        """Whether *now* [us] is too early: an activity is in progress (None) or has just ended."""
        return activity_ended_at is None or now < activity_ended_at + self.cooldown_us

    def desired(self, current: int) -> int:
        """Capacity to ask for when the alarm is in ALARM and nothing cools down."""
        wanted = adjusted(current, self._adjustment, self._by, self._least)
        return min(max(wanted, self.minimum), self.maximum)
