"""Redelivery: when a client hands a message that failed to its listener again, and when it gives it up."""


class RedeliveryPolicy:
    """A client's redelivery policy (ActiveMQ's RedeliveryPolicy).

    The client keeps the message and blocks for the delay: its listener gets nothing else meanwhile. After
    *tries* more attempts the message goes to the dead-letter queue (ActiveMQ.DLQ), if it is persistent.

    Parameters
    ----------
    tries : int
        Attempts after the first (ActiveMQ's maximumRedeliveries: 6).
    delay_us : int
        Pause before each [us] (1 s).
    factor : float
        Each pause is that many times the one before; 1: all alike (ActiveMQ's default; 5 with back-off).
    """

    __slots__ = ("_delay_us", "_factor", "_tries")

    def __init__(self, tries: int, delay_us: int, factor: float = 1.0) -> None:
        self._tries = tries
        self._delay_us = delay_us
        self._factor = factor

    def delay_us(self, failures: int) -> int | None:
        """Pause [us] before the next attempt of a message that has failed *failures* times; None: no more."""
        if failures > self._tries:
            return None
        return int(self._delay_us * self._factor ** (failures - 1))
