"""A partitioned queue with the chance of its run."""

from collections.abc import Callable
from typing import Any

from simulator.aws.sqs.partitions import PartitionedQueue, PartitionedReceipt


class QueueByChance(PartitionedQueue):
    """A partitioned queue that draws for itself.

    Parameters
    ----------
    place, ask : callable
        The next number in [0, 1) that decides which partition a message goes to, and which one a poll asks
        first.
    """

    def __init__(self, *, place: Callable[[], float], ask: Callable[[], float], **rules: Any) -> None:
        super().__init__(**rules)
        self._place = place
        self._ask = ask

    def send_messages(self, sent_at: list[int], copies: list[int]) -> None:
        """Accept copies at *sent_at* [us], each in a partition by chance."""
        self.send_to_partitions(sent_at, copies, [self._place() for _ in copies])

    def receive_message(
        self, now: int, max_number_of_messages: int = 1, visibility_timeout_us: int | None = None
    ) -> PartitionedReceipt | None:
        """Answer a long poll."""
        return self.long_poll(now, max_number_of_messages, visibility_timeout_us, self._ask())

    def receive_short(
        self, now: int, max_number_of_messages: int, visibility_timeout_us: int | None
    ) -> PartitionedReceipt | None:
        """Answer a short poll."""
        return self.short_poll(now, max_number_of_messages, visibility_timeout_us, self._ask())
