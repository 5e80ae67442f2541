"""Acknowledgement modes of a JMS session: when the broker hears that messages are done with."""

from typing import Literal

Mode = Literal["auto", "individual", "client", "dups_ok", "transacted"]


class Acknowledgement:
    """How a session acknowledges.

    ``auto`` and ``individual`` acknowledge each message when its listener returns. ``client`` acknowledges
    everything so far in the session at once, ``transacted`` commits it, every *every* messages; ``dups_ok``
    acknowledges lazily, when half of the prefetch is done. What is done and not acknowledged comes again if
    the consumer or the broker is lost. A failure in a transaction rolls back all of it.

    Parameters
    ----------
    every : int
        Messages of an acknowledgement with ``client`` and ``transacted``.
    prefetch : int
        Of the consumer.
    """

    __slots__ = ("every", "rolls_back")

    def __init__(self, mode: Mode, every: int, prefetch: int) -> None:
        self.rolls_back = mode == "transacted"
        if mode in ("client", "transacted"):
            self.every = min(every, prefetch)  # a session that waited for more would get nothing more
        elif mode == "dups_ok":
            self.every = max(1, prefetch // 2)
        else:
            self.every = 1
