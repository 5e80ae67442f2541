"""The way into a queue: what several senders have under way, in the order of its arrival.

Producers work a window of time ahead, so what they send is known before it arrives. A standard queue takes
arrivals ahead of time and lets time alone reveal them: a send costs no event. A FIFO queue answers each call
(deduplicated, throttled), so each call is an event.
"""

import itertools
from collections import deque
from collections.abc import Iterator

import numpy as np

from simulator.aws.sqs.fifo import FifoQueue
from simulator.processes.clock import SENDS, Clock
from simulator.processes.queues import Dispatcher

NOWHERE = np.zeros(0, dtype=np.int64)


class Merge:
    """Messages under way, by instant of arrival; ties by message number."""

    def __init__(self) -> None:
        self._messages = [NOWHERE]
        self._arrive_at = [NOWHERE]

    def add(self, messages: np.ndarray, arrive_at: np.ndarray) -> None:
        """*messages* will arrive at *arrive_at* [us]; both shape (n,), in any order."""
        self._messages.append(messages)
        self._arrive_at.append(arrive_at)

    def release(self, horizon: int) -> tuple[np.ndarray, np.ndarray]:
        """What arrives before *horizon* [us]: messages and instants, in order of arrival."""
        messages = np.concatenate(self._messages)
        arrive_at = np.concatenate(self._arrive_at)
        order = np.lexsort((messages, arrive_at))
        messages, arrive_at = messages[order], arrive_at[order]
        due = int(np.searchsorted(arrive_at, horizon))
        self._messages, self._arrive_at = [messages[due:]], [arrive_at[due:]]
        return messages[:due], arrive_at[:due]

    def under_way(self) -> int:
        """Messages not released yet."""
        return sum(len(part) for part in self._messages)


class StandardInlet:
    """Hands arrivals to a standard queue ahead of time."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._merge = Merge()
        self._released_until = 0

    def add(self, messages: np.ndarray, arrive_at: np.ndarray) -> None:
        """*messages* will arrive at *arrive_at* [us]; what the run itself brings forth comes at any time."""
        late = arrive_at < self._released_until
        if late.any():
            for message, at in zip(messages[late].tolist(), arrive_at[late].tolist(), strict=True):
                self._dispatcher.send_alone(message, at)
            messages, arrive_at = messages[~late], arrive_at[~late]
        self._merge.add(messages, arrive_at)

    def release(self, horizon: int) -> None:
        """Give the queue what arrives before *horizon* [us]."""
        self._released_until = horizon
        messages, arrive_at = self._merge.release(horizon)
        if len(messages):
            self._dispatcher.send(messages, arrive_at)

    def under_way(self) -> int:
        """Messages the queue has not been given yet."""
        return self._merge.under_way()


class FifoInlet:
    """Delivers to a FIFO queue in order of arrival, up to *batch_size* messages a call.

    SNS retries a throttled call at once when there is a token: what is due meanwhile joins the call
    (batches of up to ten are our model of its deliveries).
    """

    def __init__(self, clock: Clock, dispatcher: Dispatcher, batch_size: int) -> None:
        assert isinstance(dispatcher.queue, FifoQueue)
        self._clock = clock
        self._dispatcher = dispatcher
        self._batch_size = batch_size
        self._tokens = dispatcher.queue.send_calls
        self._merge = Merge()
        self._due: deque[tuple[int, int]] = deque()
        self._armed = False
        self._released_until = 0
        self._armed_at = 0
        self.deduplicated = 0

    def add(self, messages: np.ndarray, arrive_at: np.ndarray) -> None:
        """*messages* will arrive at *arrive_at* [us]; what the run itself brings forth comes at any time."""
        late = arrive_at < self._released_until
        if late.any():
            coming = zip(arrive_at[late].tolist(), messages[late].tolist(), strict=True)
            self._due = deque(sorted([*self._due, *coming]))
            self._arm()
            messages, arrive_at = messages[~late], arrive_at[~late]
        self._merge.add(messages, arrive_at)

    def release(self, horizon: int) -> None:
        """Line up what arrives before *horizon* [us]."""
        self._released_until = horizon
        messages, arrive_at = self._merge.release(horizon)
        self._due.extend(zip(arrive_at.tolist(), messages.tolist(), strict=True))
        self._arm()

    def under_way(self) -> int:
        """Messages the queue has not been given yet."""
        return self._merge.under_way() + len(self._due)

    def _arm(self) -> None:
        if not self._due:
            return
        at = max(self._clock.now, self._due[0][0])
        if self._armed and at >= self._armed_at:
            return
        if self._tokens is not None:
            at = self._tokens.next_for(at, self._groups_due(at))
        if not self._armed or at < self._armed_at:
            self._armed, self._armed_at = True, at
            self._clock.at(at, SENDS, self._deliver)

    def _groups_due(self, now: int) -> Iterator[int]:
        """Groups of what the next call takes at *now* [us]."""
        batch = itertools.islice(self._due, self._batch_size)
        return (self._dispatcher.ledger.group[message] for at, message in batch if at <= now)

    def _deliver(self, _: object) -> None:
        now, due = self._clock.now, self._due
        if not self._armed or now < self._armed_at:
            return  # something earlier came in between, and has set another alarm
        self._armed = False
        if self._tokens is None or self._tokens.take_for(now, self._groups_due(now)):
            for _slot in range(self._batch_size):
                if not due or due[0][0] > now:
                    break
                self.deduplicated += not self._dispatcher.send_fifo(now, due.popleft()[1])
            self._dispatcher.stir()
        self._arm()
