"""Prefetch: how many messages a broker pushes to one consumer before it hears of any."""


class Prefetch:
    """One consumer's window of unacknowledged messages.

    The broker pushes until *size* messages are unacknowledged. Then it stops, and goes on when the share
    *refill* of them is acknowledged (ActiveMQ: half): a prefetch of 1 is refilled at each acknowledgement.

    Parameters
    ----------
    size : int
        Messages unacknowledged at most, from 1 (ActiveMQ, queues: 1,000).
    refill : float
        Share of *size* that must be acknowledged before the broker pushes again, above 0 and up to 1.
    """

    __slots__ = ("_resumes_at", "_stopped", "size", "unacknowledged")

    def __init__(self, size: int, refill: float) -> None:
        self.size = size
        self.unacknowledged = 0
        self._resumes_at = int(size * (1.0 - refill))
        self._stopped = False

    @property
    def room(self) -> int:
        """Messages that the broker may push now."""
        return 0 if self._stopped else self.size - self.unacknowledged

    def push(self, messages: int = 1) -> None:
        """The broker pushes *messages*, at most as many as there is room for."""
        self.unacknowledged += messages
        if self.unacknowledged >= self.size:
            self._stopped = True

    def acknowledge(self, messages: int = 1) -> None:
        """*messages* are acknowledged, or given back."""
        self.unacknowledged -= messages
        if self.unacknowledged <= self._resumes_at:
            self._stopped = False
