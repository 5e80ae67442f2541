"""The way into a queue: what several senders have under way, in the order of its arrival.

Producers work a window of time ahead, so what they send is known before it arrives. A standard queue takes
arrivals ahead of time and lets time alone reveal them: a send costs no event. A FIFO queue answers each call
(deduplicated, throttled), so each call is an event.
"""

from collections import deque
from collections.abc import Callable

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
        self.add = self._merge.add

    def release(self, horizon: int) -> None:
        """Give the queue what arrives before *horizon* [us]."""
        messages, arrive_at = self._merge.release(horizon)
        if len(messages):
            self._dispatcher.send(messages, arrive_at)

    def under_way(self) -> int:
        """Messages the queue has not been given yet."""
        return self._merge.under_way()


class FifoInlet:
    """Delivers to a FIFO queue in order of arrival, up to *batch_size* messages a call.

    SNS retries a throttled call at once when there is a token: what is due meanwhile joins the call
    (facts 3.1; batches of up to ten are our model of its deliveries).
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
        self.deduplicated = 0
        self.add = self._merge.add

    def release(self, horizon: int) -> None:
        """Line up what arrives before *horizon* [us]."""
        messages, arrive_at = self._merge.release(horizon)
        self._due.extend(zip(arrive_at.tolist(), messages.tolist(), strict=True))
        self._arm()

    def under_way(self) -> int:
        """Messages the queue has not been given yet."""
        return self._merge.under_way() + len(self._due)

    def _arm(self) -> None:
        if self._due and not self._armed:
            self._armed = True
            now = self._clock.now
            at = max(now, self._due[0][0])
            self._clock.at(at if self._tokens is None else self._tokens.next_at(at), SENDS, self._deliver)

    def _deliver(self, _: object) -> None:
        self._armed = False
        now = self._clock.now
        due = self._due
        if self._tokens is None or self._tokens.take(now):
            for _slot in range(self._batch_size):
                if not due or due[0][0] > now:
                    break
                self.deduplicated += not self._dispatcher.send_fifo(now, due.popleft()[1])
            self._dispatcher.stir()
        self._arm()


class FifoClient:
    """A producer that sends to a FIFO queue one message a call and retries throttled calls.

    A call refused for lack of a token is tried again after U(0, 1) x min(2^n, cap) seconds (botocore,
    standard mode), up to *max_attempts* calls; then the message is refused.

    Parameters
    ----------
    chance : callable
        The next number in [0, 1) for a pause.
    fate : callable
        Told of each message whose fate is known: message, accepted at (or None), calls, deduplicated.
    """

    def __init__(
        self,
        clock: Clock,
        dispatcher: Dispatcher,
        max_attempts: int,
        backoff_cap_us: int,
        chance: Callable[[], float],
        fate: Callable[[int, int | None, int, bool], None],
    ) -> None:
        assert isinstance(dispatcher.queue, FifoQueue)
        self._clock = clock
        self._dispatcher = dispatcher
        self._tokens = dispatcher.queue.send_calls
        self._max_attempts = max_attempts
        self._backoff_cap_us = backoff_cap_us
        self._chance = chance
        self._fate = fate
        self._due: deque[tuple[int, int]] = deque()
        self._armed = False
        self.trying: set[int] = set()

    def add(self, messages: np.ndarray, offered_at: np.ndarray) -> None:
        """Send *messages* at *offered_at* [us], ascending."""
        self._due.extend(zip(offered_at.tolist(), messages.tolist(), strict=True))
        self.trying.update(messages.tolist())
        self._arm()

    def _arm(self) -> None:
        if self._due and not self._armed:
            self._armed = True
            self._clock.at(self._due[0][0], SENDS, self._send_due)

    def _send_due(self, _: object) -> None:
        self._armed = False
        while self._due and self._due[0][0] <= self._clock.now:
            self._try((self._due.popleft()[1], 1))
        self._arm()
        self._dispatcher.stir()

    def _try(self, call: tuple[int, int]) -> None:
        message, attempt = call
        now = self._clock.now
        if self._tokens is None or self._tokens.take(now):
            stored = self._dispatcher.send_fifo(now, message)
            self._end(message, now, attempt, not stored)
        elif attempt < self._max_attempts:
            pause_us = int(self._chance() * min(1_000_000 << (attempt - 1), self._backoff_cap_us))
            self._clock.at(now + pause_us, SENDS, self._retry, (message, attempt + 1))
        else:
            self._end(message, None, attempt, False)

    def _retry(self, call: tuple[int, int]) -> None:
        self._try(call)
        self._dispatcher.stir()

    def _end(self, message: int, accepted_at: int | None, calls: int, deduplicated: bool) -> None:
        self.trying.discard(message)
        self._fate(message, accepted_at, calls, deduplicated)

    def under_way(self) -> int:
        """Messages not accepted, deduplicated or refused yet."""
        return len(self.trying)
