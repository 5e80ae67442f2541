"""EC2 Auto Scaling: scheduled actions.

Rule (EC2 Auto Scaling user guide, "Scheduled scaling"): an action sets minimum, maximum, desired capacity or
several of them at an instant; a desired capacity outside of the limits is brought to them.
"""

from typing import NamedTuple


class Size(NamedTuple):
    """Size limits of a group and its desired capacity."""

    minimum: int
    maximum: int
    desired: int


class ScheduledAction(NamedTuple):
    """What an action sets; None leaves it."""

    minimum: int | None = None
    maximum: int | None = None
    desired: int | None = None

    def on(self, size: Size) -> Size:
        """The sizes after the action."""
        minimum = size.minimum if self.minimum is None else self.minimum
        maximum = size.maximum if self.maximum is None else self.maximum
        desired = size.desired if self.desired is None else self.desired
        return Size(minimum, maximum, min(max(desired, minimum), maximum))
