"""Priorities as users build them: one loop over several queues, and what that does to each class.

SQS knows no priority (SQS guide): a worker asks its queues in an order of its own at every
turn, and what it has received it works to the end, whatever comes meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from simulator.aws.sqs.receipt import Receipt
from simulator.processes.lanes import Lane
from simulator.processes.queues import Dispatcher
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Quantity

_DUST: Final = 1e-9
"""What sums of weights may lack of a whole credit."""


class Turns(Protocol):
    """In which order a worker asks its queues; each worker has its own."""

    def order(self) -> Iterator[int]:
        """The queues to ask at this turn, by their places; it ends at the first that gives something."""

    def most(self, place: int, room: int) -> int:
        """How many of *room* messages the receive at *place* may ask for."""

    def served(self, place: int, messages: int) -> None:
        """The queue at *place* gave that many."""


class Strict:
    """A lower queue is asked only when the higher ones gave nothing."""

    def __init__(self, queues: int) -> None:
        self._queues = queues

    def order(self) -> Iterator[int]:
        """From the highest down."""
        return iter(range(self._queues))

    def most(self, place: int, room: int) -> int:
        """All there is room for."""
        return room

    def served(self, place: int, messages: int) -> None:
        """Nothing follows."""


class Weighted:
    """Each turn draws the queue that is asked first, by the weights; then the others, highest first."""

    def __init__(self, weights: Sequence[float], chance: Callable[[], float]) -> None:
        self._weights = weights
        self._total = sum(weights)
        self._chance = chance

    def order(self) -> Iterator[int]:
        """The one drawn, then the others."""
        left = self._chance() * self._total
        first = 0
        while first < len(self._weights) - 1 and left >= self._weights[first]:
            left -= self._weights[first]
            first += 1
        yield first
        yield from (place for place in range(len(self._weights)) if place != first)

    def most(self, place: int, room: int) -> int:
        """All there is room for."""
        return room

    def served(self, place: int, messages: int) -> None:
        """Nothing follows."""


class Credits:
    """Deficit round robin: each visit of a queue earns it credits, each message costs one.

    The weights are scaled so that the smallest earns one credit a visit. A queue that is found empty
    keeps nothing (Shreedhar and Varghese 1995).
    """

    def __init__(self, weights: Sequence[float]) -> None:
        least = min(weights)
        self._earned = [weight / least for weight in weights]
        self._credits = [0.0] * len(weights)
        self._credits[0] = self._earned[0]
        self._at = 0

    def order(self) -> Iterator[int]:
        """The queue whose turn it is as long as it has credits, then the next."""
        for _ in range(len(self._credits) + 1):
            if self._whole(self._at):
                yield self._at
                self._credits[self._at] = 0.0
            self._at = (self._at + 1) % len(self._credits)
            self._credits[self._at] += self._earned[self._at]

    def most(self, place: int, room: int) -> int:
        """What its credits pay for."""
        return min(room, self._whole(place))

    def _whole(self, place: int) -> int:
        return int(self._credits[place] + _DUST)

    def served(self, place: int, messages: int) -> None:
        """Each message costs a credit."""
        self._credits[place] -= messages


def overdue(looked_at: Sequence[int], now: int, ageing_us: int | None) -> list[int]:
    """Places a worker has not asked for *ageing_us* [us], the longest first: they come first."""
    if ageing_us is None:
        return []
    due = [place for place, at in enumerate(looked_at) if now - at >= ageing_us]
    return sorted(due, key=lambda place: looked_at[place])


class Classes:
    """Counts what an order of queues does to its classes: inversions, and the longest starvation of each.

    An inversion is a message received while one of a higher class was visible. A class starves while
    messages of it are visible and none is received.
    """

    def __init__(self, recorder: Recorder, lanes: Sequence[Lane]) -> None:
        self._recorder = recorder
        self._lanes = lanes
        self._served_at = [0] * len(lanes)
        self._starved = [(0, 0)] * len(lanes)

    def received(self, now: int, place: int, receipt: Receipt) -> None:
        """The queue at *place* has answered a receive."""
        dispatcher = self._lanes[place].dispatcher
        sent_at, delay_us = dispatcher.ledger.sent_at, dispatcher.queue.delay_us
        fresh = (sent_at[copy] + delay_us for copy in receipt.received if copy not in receipt.again)
        since = max(0, min(fresh, default=receipt.available_at))
        self._note(place, max(since, self._served_at[place]), now)
        self._served_at[place] = now
        if any(lane.visible(now) for lane in self._lanes[:place]):
            messages = len(receipt.received)
            self._recorder.change(dispatcher.thing, int(Quantity.INVERTED), messages, now, now + 1)

    def _note(self, place: int, since: int, until: int) -> None:
        longest = self._starved[place]
        if until - since > longest[1] - longest[0]:
            self._starved[place] = (since, until)

    def finish_run(self, now: int) -> None:
        """Write down the longest starvation of each class; one that lasts to the end counts until then."""
        for place, lane in enumerate(self._lanes):
            since = _visible_since(lane.dispatcher, now)
            if since != NONE:
                self._note(place, max(since, self._served_at[place]), now)
            from_at, until_at = self._starved[place]
            self._recorder.change(lane.dispatcher.thing, int(Quantity.STARVED), 1, from_at, until_at)


def _visible_since(dispatcher: Dispatcher, now: int) -> int:
    """Since when the oldest visible copy of a queue can have been received [us]; NONE without any."""
    sent_at, delay_us = dispatcher.ledger.sent_at, dispatcher.queue.delay_us
    visible = (copy for copy, state in dispatcher.queue.contents(now) if state == "visible")
    return min((max(0, sent_at[copy] + delay_us) for copy in visible), default=NONE)
