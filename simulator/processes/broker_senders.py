"""Producers of a broker's queue: connections that send a message, wait for the answer, and send the next."""

from collections import deque
from collections.abc import Callable

from simulator.processes.broker_queues import BrokerDispatcher
from simulator.processes.brokers import Send
from simulator.processes.clock import Clock
from simulator.processes.ledger import Ledger
from simulator.processes.senders import Answers, Outgoing, Sender


class Connections(Sender):
    """The connections of one producer; what none of them is free for waits at the producer.

    Parameters
    ----------
    connections : int
        Threads that send, each with a session of its own.
    persistent : bool
        The delivery mode.
    priority : int
        JMSPriority, 0 to 9.
    """

    def __init__(
        self,
        clock: Clock,
        queue: BrokerDispatcher,
        ledger: Ledger,
        *,
        answers: Answers,
        connections: int,
        persistent: bool,
        priority: int,
        ended: Callable[[Outgoing, int], None],
    ) -> None:
        super().__init__(
            clock,
            _Nobody(),
            ledger,
            ahead=False,
            answers=answers,
            max_attempts=1,
            backoff_cap_us=0,
            batch_size=1,
            batch_bytes=0,
            linger_us=0,
            chance=lambda: 0.0,
            ended=ended,
        )
        self._queue = queue
        self._broker = queue.broker
        self._free = connections
        self._persistent = persistent
        self._priority = priority
        self._waiting: deque[Outgoing] = deque()
        self._broker.connections += connections

    def _call(self, call: tuple[list[Outgoing], int]) -> None:
        (one,), _ = call
        self._waiting.append(one)
        self._broker.sends_waiting += 1
        self._go()

    def _go(self) -> None:
        """Let free connections send."""
        while self._free and self._waiting:
            one = self._waiting.popleft()
            self._broker.sends_waiting -= 1
            self._free -= 1
            one.calls = 1
            send = Send(
                one, self._queue, self._answered, persistent=self._persistent, priority=self._priority
            )
            self._broker.send(send)
        self._broker.tell()

    def _answered(self, send: Send) -> None:
        one = send.one
        one.accept(self.clock.now, 0, stored=True)  # the queue has counted its copy
        self._trying -= 1
        self._free += 1
        self._ended(one, self.clock.now)
        self._go()


class _Nobody:
    """What the calls of the plain sender would go to."""

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        """Nothing is taken here."""
        return []

    def hand_over(self) -> None:
        """Nobody waits for it."""
