"""Where Lambda sends what became of asynchronous events: destinations and dead-letter queues."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from simulator.processes.clock import SENDS, Clock
from simulator.processes.ledger import Ledger
from simulator.processes.queues import Dispatcher
from simulator.processes.topics import Topic
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import mix


class Destination(Protocol):
    """What takes a record of an event."""

    def send(self, parent: int) -> None:
        """A record of the event whose copy is *parent* comes, now."""

    def under_way(self) -> int:
        """Records that have not arrived yet."""


class QueueDestination:
    """A queue: it gets the record as a new message of its own."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def send(self, parent: int) -> None:
        """A record of the event whose copy is *parent* comes, now."""
        self._dispatcher.send_anew(parent)

    def under_way(self) -> int:
        """No record is under way: a queue has it at once."""
        return 0


class TopicDestination:
    """A topic: it publishes the record, which has none of the message's attributes, to whom no filter keeps.

    Parameters
    ----------
    ways : sequence
        Of each subscription: latency of its hop [us], its stream, and what takes the record there; None
        where a filter policy lets no record through.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        topic: Topic,
        ways: Sequence[tuple[Distribution, int, Callable[[int], None]] | None],
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._topic = topic
        self._ways = ways
        self._under_way = 0

    def send(self, parent: int) -> None:
        """A record of the event whose copy is *parent* is published, now."""
        now, ledger = self._clock.now, self._ledger
        message = ledger.message_of[parent]
        keys = np.array([mix(ledger.block_of(message).key_of(message), parent)], dtype=np.uint64)
        self._topic.published += 1
        for subscription, way in zip(self._topic.subscriptions, self._ways, strict=True):
            if not subscription.receives(now, passes=way is not None) or way is None:
                continue
            hop, stream_key, take = way
            arrive_at = now + int(draw(hop, stream_key, keys)[0])
            if subscription.attempts is not None:
                ended_at = subscription.try_one(message, now, arrive_at, int(keys[0]))
                if ended_at is None:
                    continue
                arrive_at = ended_at
            subscription.counts.delivered += subscription.settles
            self._under_way += 1
            self._clock.at(arrive_at, SENDS, self._arrive, (take, parent))

    def _arrive(self, record: tuple[Callable[[int], None], int]) -> None:
        take, parent = record
        self._under_way -= 1
        take(parent)

    def under_way(self) -> int:
        """Records that have not arrived yet."""
        return self._under_way
