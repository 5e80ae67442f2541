"""Deduplication by id, as FIFO queues and FIFO topics do it."""

from collections import deque
from collections.abc import Hashable


class Deduplication:
    """Remembers what was accepted under each deduplication id, for a window from that instant.

    Duplicates do not restart the window, and neither receiving nor deleting the original ends it
    (SQS guide, exactly-once processing; conformance FIFO-DUP-02b, FIFO-DUP-10).

    Parameters
    ----------
    window_us : int
        How long an id is remembered [us]; at exactly its end the id is new again.
    """

    __slots__ = ("_accepted_at", "_ids", "_originals", "window_us")

    def __init__(self, window_us: int) -> None:
        self.window_us = window_us
        self._originals: dict[Hashable, int] = {}
        self._ids: deque[Hashable] = deque()  # in order of acceptance, and when that was
        self._accepted_at: deque[int] = deque()

    def original(self, now: int, deduplication_id: Hashable, number: int) -> int | None:
        """What was accepted under the id within the window before *now* [us].

        None when there is nothing: then *number* is accepted, and is the original from now on.
        *now* does not go back from call to call.
        """
        accepted_at = self._accepted_at
        forgotten_at = now - self.window_us
        while accepted_at and accepted_at[0] <= forgotten_at:
            accepted_at.popleft()
            del self._originals[self._ids.popleft()]
        original = self._originals.get(deduplication_id)
        if original is None:
            self._originals[deduplication_id] = number
            self._ids.append(deduplication_id)
            accepted_at.append(now)
        return original

    def clear(self) -> None:
        """Forget all ids."""
        self._originals.clear()
        self._ids.clear()
        self._accepted_at.clear()
