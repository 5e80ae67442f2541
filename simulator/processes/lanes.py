"""The queues of a group, and what their dispatchers see of it."""

from typing import Protocol

from simulator.aws.sqs.receipt import Receipt
from simulator.processes.children import Sends
from simulator.processes.draws import Work
from simulator.processes.gauges import Gauge
from simulator.processes.loops import Worker
from simulator.processes.queues import Dispatcher
from simulator.recording.tables import Limit


class Lane:
    """One queue that a group polls.

    Attributes
    ----------
    index : int
        The group's number among the consumers of the queue.
    most : int
        Messages in one receive, at most.
    idle : list of Worker
        Those with a receive open here; the last one gets the next answer.
    """

    def __init__(self, dispatcher: Dispatcher, work: Work, most: int) -> None:
        self.dispatcher = dispatcher
        self.index = len(dispatcher.consumers)
        self.work = work
        self.most = most
        self.idle: list[Worker] = []
        self.sends: Sends | None = None
        self.stepwise = dispatcher.stepwise
        self.delete_tokens = dispatcher.delete_tokens

    def visible(self, now: int) -> bool:
        """Whether a receive would find something."""
        return self.dispatcher.queue.next_visible_at(now) <= now


class Owner(Protocol):
    """The pool of workers behind a lane."""

    thing: int

    def begin(self, place: int, receipt: Receipt, causes: dict[int, int]) -> None:
        """A receive at the queue at *place* is answered."""

    def limit(self) -> Limit:
        """Why there is no room for another receive."""

    def in_hand(self, place: int) -> int:
        """Receives from the queue at *place* in hand."""

    def let_send(self, place: int, sends: Sends) -> None:
        """Send on for the messages of the queue at *place*."""

    def finish_run(self, place: int) -> None:
        """Write down what is in hand from the queue at *place* at the end of the run."""


class LaneConsumer:
    """The group at one of its queues: what the queue's dispatcher talks to."""

    def __init__(self, pool: Owner, place: int, limit_gauge: Gauge) -> None:
        self.thing = pool.thing
        self.max_messages = 1
        self.visibility_timeout_us: int | None = None
        self.limit_gauge = limit_gauge
        self._pool = pool
        self._place = place

    def let_send(self, sends: Sends) -> None:
        """Send on for the messages of this queue."""
        self._pool.let_send(self._place, sends)

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Give a receive to the worker whose it is."""
        self._pool.begin(self._place, receipt, causes)

    def limit(self) -> Limit:
        """Why there is no room for another receive."""
        return self._pool.limit()

    def in_hand(self) -> int:
        """Receives from this queue in hand."""
        return self._pool.in_hand(self._place)

    def finish_run(self) -> None:
        """Write down what is in hand from this queue at the end of the run."""
        self._pool.finish_run(self._place)


class MutedGauge(Gauge):
    """The limit that one queue of several would see: that of the group is noted by its pool."""

    def __init__(self) -> None:
        self.value = int(Limit.ARRIVALS)

    def set(self, now: int, value: int) -> None:
        """Say nothing."""

    def close(self, now: int) -> None:
        """Say nothing."""
