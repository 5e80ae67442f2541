"""A standard queue whose messages lie on several servers, so that a short poll may miss some."""

from collections.abc import Callable
from typing import Any

from simulator.aws.sqs.partitions import PartitionedQueue, PartitionedReceipt


class QueueOnServers(PartitionedQueue):
    """`PartitionedQueue` with the calls of a `StandardQueue`.

    Parameters
    ----------
    servers : int
        How many there are; a short poll asks *short_poll_share* of them.
    chance : callable
        The next number in [0, 1): on which server a message is put, and which ones are asked first.
    settings
        Of a standard queue.
    """

    def __init__(
        self,
        *,
        servers: int,
        short_poll_share: float,
        max_in_flight: int,
        chance: Callable[[], float],
        settings: dict[str, Any],
    ) -> None:
        super().__init__(
            opened=servers,
            partitions=servers,
            burst=0,
            max_in_flight=max_in_flight,
            short_poll_share=short_poll_share,
            settings=settings,
        )
        self._chance = chance

    @property
    def max_receive_count(self) -> int | None:
        """Of the redrive policy."""
        return self._parts[0].max_receive_count

    @max_receive_count.setter
    def max_receive_count(self, count: int | None) -> None:
        for part in self._parts:
            part.max_receive_count = count

    def send_messages(self, sent_at: list[int], copies: list[int]) -> None:
        """Accept copies at *sent_at* [us], each on a server by chance."""
        self.send_to_partitions(sent_at, copies, [self._chance() for _ in copies])

    def send_delayed(self, now: int, copy: int, delay_us: int) -> None:
        """Accept a copy with a message timer."""
        self._parts[int(self._chance() * len(self._parts))].send_delayed(now, copy, delay_us)

    def receive_message(
        self,
        now: int,
        max_number_of_messages: int = 1,
        visibility_timeout_us: int | None = None,
        *,
        short: bool = False,
    ) -> PartitionedReceipt | None:
        """Give out what all servers have, or, by a *short* poll, what those asked have."""
        ask = self.short_poll if short else self.long_poll
        return ask(now, max_number_of_messages, visibility_timeout_us, self._chance())

    def set_attributes(self, now: int, **values: int) -> None:
        """Change attributes as of `StandardQueue`."""
        self.delay_us = values.get("delay_us", self.delay_us)
        for part in self._parts:
            part.set_attributes(now, **values)

    def purge(self, now: int) -> list[int]:
        """Remove every message, and return which."""
        return [copy for part in self._parts for copy in part.purge(now)]
