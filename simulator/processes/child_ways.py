"""Where children go: into a standard or a FIFO queue, to a topic, or straight to a function."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

import numpy as np

from simulator.aws.sqs.fifo import FifoQueue
from simulator.processes.async_invocations import Invoker
from simulator.processes.children import SOURCE, Child
from simulator.processes.clock import SENDS, Clock
from simulator.processes.queues import Dispatcher
from simulator.processes.topics import Topic


class QueueWay:
    """A standard queue takes everything at once.

    Parameters
    ----------
    ahead : bool
        Others tell the queue ahead of time what they send, so that a child does not come last in its line.
    """

    def __init__(self, dispatcher: Dispatcher, *, ahead: bool) -> None:
        self._dispatcher = dispatcher
        self._ahead = ahead

    def send(self, children: list[Child]) -> None:
        """Send *children*, now."""
        now = self._dispatcher.clock.now
        if self._ahead:
            for child in children:
                self._dispatcher.send_alone(child.message, now)
        else:
            messages = np.array([child.message for child in children], dtype=np.int64)
            self._dispatcher.send(messages, np.full(len(children), now, dtype=np.int64))
        for child in children:
            child.send.told(child, now, 1)


class FifoWay:
    """A FIFO queue takes a call of up to ten messages for a token; what waits for one keeps its order."""

    def __init__(self, clock: Clock, dispatcher: Dispatcher, batch_size: int) -> None:
        assert isinstance(dispatcher.queue, FifoQueue)
        self._clock = clock
        self._dispatcher = dispatcher
        self._batch_size = batch_size
        self._tokens = dispatcher.queue.send_calls
        self._due: deque[Child] = deque()
        self._armed = False

    def send(self, children: list[Child]) -> None:
        """Send *children*, now or as soon as there are tokens."""
        self._due.extend(children)
        self._arm()

    def release(self, horizon: int) -> None:
        """Nothing is known ahead."""

    def under_way(self) -> int:
        """Children the queue has not accepted yet."""
        return len(self._due)

    def _groups_due(self) -> Iterator[int]:
        return (child.group for child in islice(self._due, self._batch_size))

    def _arm(self) -> None:
        if self._due and not self._armed:
            self._armed = True
            now = self._clock.now
            at = now if self._tokens is None else self._tokens.next_for(now, self._groups_due())
            self._clock.at(at, SENDS, self._deliver)

    def _deliver(self, _: object) -> None:
        self._armed = False
        now = self._clock.now
        if self._tokens is None or self._tokens.take_for(now, self._groups_due()):
            for _slot in range(min(self._batch_size, len(self._due))):
                child = self._due.popleft()
                self._dispatcher.send_fifo(now, child.message)
                child.send.told(child, now, 1)
            self._dispatcher.stir()
        self._arm()


class TopicWay:
    """A topic publishes what its subscriptions let through."""

    def __init__(self, clock: Clock, topic: Topic) -> None:
        self._clock = clock
        self._topic = topic
        self._copies = topic.copies_of(SOURCE)

    def send(self, children: list[Child]) -> None:
        """Publish *children*, now."""
        now, n = self._clock.now, len(children)
        self._topic.publish_messages(
            SOURCE,
            np.array([child.message for child in children], dtype=np.int64),
            np.array([child.combination for child in children], dtype=np.int64),
            np.full(n, now, dtype=np.int64),
            np.array([child.group for child in children], dtype=np.int64),
            np.array([child.key for child in children], dtype=np.uint64),
        )
        for child in children:
            child.send.told(child, now, self._copies[child.combination])


class FunctionWay:
    """A function is invoked asynchronously with each child."""

    def __init__(self, clock: Clock, invoker: Invoker) -> None:
        self._clock = clock
        self._invoker = invoker

    def send(self, children: list[Child]) -> None:
        """Invoke the function, now."""
        now = self._clock.now
        messages = np.array([child.message for child in children], dtype=np.int64)
        self._invoker.add(messages, np.full(len(children), now, dtype=np.int64))
        for child in children:
            child.send.told(child, now, 1)
