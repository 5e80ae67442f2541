"""Application Auto Scaling of ECS services: cooldowns.

Rules (Application Auto Scaling user guide, "How target tracking scaling works" and "How step scaling works"):
what a scale-out has added counts as part of the desired capacity for the next one until its cooldown is over,
so only a larger wish adds more; no scale-in starts until the cooldown of the last scale-in is over, and a
scale-out ends that cooldown. Both are 300 s by default for ECS services.
"""


class Cooldowns:
    """The cooldowns of one policy.

    Parameters
    ----------
    out_us, in_us : int
        ScaleOutCooldown and ScaleInCooldown [us].
    """

    __slots__ = ("_added", "_in_until", "_in_us", "_out_until", "_out_us")

    def __init__(self, out_us: int, in_us: int) -> None:
        self._out_us = out_us
        self._in_us = in_us
        self._out_until = 0
        self._in_until = 0
        self._added = 0

    def added(self, now: int) -> int:
        """Tasks of the last scale-out, which do not count in the metric yet at *now* [us]."""
        return self._added if now < self._out_until else 0

    def cooling(self, now: int) -> bool:
        """Whether a cooldown runs at *now* [us]."""
        return now < max(self._out_until, self._in_until)

    def allows(self, now: int, current: int, wanted: int) -> bool:
        """Whether the policy may go from *current* to *wanted* tasks at *now* [us]."""
        return wanted > current or (wanted < current and now >= self._in_until)

    def scaled(self, now: int, current: int, desired: int) -> None:
        """The service goes from *current* to *desired* tasks at *now* [us]."""
        if desired > current:
            self._added = self.added(now) + desired - current
            self._out_until = now + self._out_us
            self._in_until = 0
        else:
            self._in_until = now + self._in_us
