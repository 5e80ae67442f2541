"""A queue's dispatcher: it brings visible copies and idle consumers together.

Idle consumers are counts, and one alarm stands for all of them: events grow with batches worked, not with
consumers waiting.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import numpy as np

from simulator.aws.sqs.fair import FairQueue
from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.fifo_throughput import CallQuota
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.sqs.standard import StandardQueue
from simulator.aws.sqs.waiters import Waiters
from simulator.processes.at_least_once import Misses
from simulator.processes.clock import RECEIVES, SENDS, Clock
from simulator.processes.counters import Counters
from simulator.processes.gauges import Gauge
from simulator.processes.idle_polls import IdlePolls
from simulator.processes.ledger import Ledger
from simulator.processes.open_polls import OpenPolls
from simulator.processes.partitioned import QueueByChance
from simulator.processes.stories import Stories
from simulator.processes.throttles import Tightened
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Arrival, Cause, Fate, Limit

Queue = StandardQueue | QueueByChance | FairQueue | FifoQueue
_NOTICED_US: Final = 1_000_000  # until it shows that a message waits and nobody has room; pollers grow by it
_FATES: Final = {
    "in_transit": Fate.IN_TRANSIT,
    "delayed": Fate.DELAYED,
    "visible": Fate.VISIBLE,
    "in_flight": Fate.IN_FLIGHT,
}


class Consumer(Protocol):
    """What a dispatcher needs to know of a consumer of its queue."""

    thing: int
    max_messages: int
    visibility_timeout_us: int | None
    limit_gauge: Gauge

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Take up a receipt; *causes* says why each copy received before was given out again."""

    def limit(self) -> Limit:
        """Why there is no room for another receive."""

    def in_hand(self) -> int:
        """Batches being gathered or worked on."""

    def finish_run(self) -> None:
        """The run is over: write down what is still in hand."""


class Dispatcher:
    """One queue, its idle consumers and its one alarm.

    Parameters
    ----------
    thing : int
        The queue's number among the things of the run.
    chance : callable
        The next number in [0, 1) that decides whom a message wakes.
    stale_chance : callable, optional
        The next number in [0, 1) that decides whether a delete by an older handle works; None: never.
    """

    def __init__(
        self,
        clock: Clock,
        queue: Queue,
        thing: int,
        ledger: Ledger,
        recorder: Recorder,
        chance: Callable[[], float],
        stale_chance: Callable[[], float] | None = None,
    ) -> None:
        self.clock = clock
        self.queue = queue
        self.thing = thing
        self.ledger = ledger
        self.stories = Stories(thing, recorder)
        self.dead_letters: Dispatcher | None = None
        self.unlocked: Misses | None = None  # copies that a receive does not hide
        self.undeleted: Misses | None = None  # copies that come back after a delete
        self.waiters = Waiters()
        self.consumers: list[Consumer] = []
        self.counters = Counters(queue, 0, 0, chance)
        self.polls: dict[int, OpenPolls] = {}  # by consumer, where empty receives are counted
        self.arrived = self.received = self.deleted = self.moved_out = self.expired = self.redriven = 0
        self._chance = chance
        self._stale_chance = stale_chance
        self._alarm_at = NEVER
        self._look_at = NONE
        self._capped = False  # at the last look, too many copies were in flight
        self.receive_requests = self.visibility_requests = 0  # as they are billed
        self.requests_of: Callable[[list[int]], int] | None = None  # None: an answer is one request
        self.origins: dict[int, Dispatcher] | None = None  # where dead letters came from, if that matters
        self.idle_polls: IdlePolls | None = None  # where empty receives use up a quota
        self._coming: set[int] = set()  # copies that were sent alone and are in transit
        self._originals: dict[int, int] = {}  # first copies of messages that their sender says again
        self._fifo = queue if isinstance(queue, FifoQueue) else None
        self._standard: Any = None if isinstance(queue, FifoQueue) else queue
        self._receive_tokens: CallQuota | None = None if self._fifo is None else self._fifo.receive_calls
        self.delete_tokens: CallQuota | None = None if self._fifo is None else self._fifo.delete_calls
        self.stepwise = self._fifo is not None  # each delete is an instant of its own
        self.receives_denied = self.deletes_denied = False

    def tighten(self) -> tuple[Tightened, Tightened]:
        """Let faults refuse calls: what tightens receives and deletes. To be called before consumers come."""
        receives, deletes = Tightened(self._receive_tokens), Tightened(self.delete_tokens)
        self._receive_tokens, self.delete_tokens, self.stepwise = receives, deletes, True
        return receives, deletes

    # -- copies come in ----------------------------------------------------------------------------

    def send(self, messages: np.ndarray, sent_at: np.ndarray) -> None:
        """Copies of *messages* arrive at *sent_at* [us], ascending, maybe ahead of now (standard queues)."""
        first = self.ledger.add_copies(messages, sent_at)
        if self.ledger.said_again:
            self._tell_copies_apart(first, messages.tolist())
        self.arrived += len(messages)
        self._standard.send_messages(sent_at.tolist(), list(range(first, first + len(messages))))
        if self.consumers:
            soonest = self.clock.now + (0 if self.waiters.total else _NOTICED_US)
            self._set_alarm(max(self.queue.next_visible_at(self.clock.now), soonest))

    def send_alone(self, message: int, arrive_at: int) -> None:
        """One message that nobody knew of ahead will arrive at *arrive_at* [us] (standard queues)."""
        copy = self.ledger.add_copy(message, arrive_at)
        self.arrived += 1
        self._coming.add(copy)
        self.clock.at(arrive_at, SENDS, self._come, copy)

    def _come(self, copy: int) -> None:
        now = self.clock.now
        self._coming.discard(copy)
        if self.queue.delay_us and isinstance(self.queue, StandardQueue):
            self.queue.send_delayed(now, copy, self.queue.delay_us)
        else:
            self._standard.move_in(now, [copy], [now], [0])
        if self.waiters.total:
            self.stir()

    def send_fifo(self, now: int, message: int) -> bool:
        """One message reaches a FIFO queue; False when the queue knows its deduplication id.

        The deduplication id is the message's own, so a retry is caught and two messages never collide.
        """
        assert self._fifo is not None
        copy = self.ledger.copies
        if self._fifo.send_message(now, copy, self.ledger.group[message], message) != copy:
            return False
        self.ledger.add_copy(message, now)
        if self.ledger.said_again:
            self._tell_copies_apart(copy, [message])
        self.arrived += 1
        return True

    def _tell_copies_apart(self, first: int, messages: list[int]) -> None:
        """Find second copies among those from *first* on: their sender heard nothing and said it again."""
        ledger = self.ledger
        for copy, message in enumerate(messages, first):
            if message in ledger.said_again:
                original = self._originals.setdefault(message, copy)
                if original != copy:
                    ledger.parent_of[copy] = original
                    self.stories.follow(copy, Cause.SENDER_RETRY)

    def _move_in(self, now: int, copies: list[int], receive_counts: list[int]) -> None:
        """Copies come from a source queue whose dead-letter queue this is."""
        ledger = self.ledger
        sent_at = [ledger.sent_at[copy] for copy in copies]
        if self._standard is not None:
            self._standard.move_in(now, copies, sent_at, receive_counts)
        else:
            assert self._fifo is not None
            groups: list[int | str] = [ledger.group[ledger.message_of[copy]] for copy in copies]
            self._fifo.move_in(now, copies, sent_at, receive_counts, groups)
        for copy, count in zip(copies, receive_counts, strict=True):
            self.stories.moved_in(now, copy, count)
        self.arrived += len(copies)
        if self.waiters.total:
            self.stir()

    def redrive_in(self, parent: int) -> None:
        """A redrive task brings what was the copy *parent*: a new one, sent now."""
        copy, redrives = self._copy_of(parent), self.ledger.redrives
        redrives[copy] = redrives.get(parent, 0) + 1
        self._take_anew(copy, Cause.REDRIVE, Arrival.REDRIVE)

    def send_anew(self, parent: int) -> None:
        """Lambda sends a record of the event whose copy is *parent*: a new message, sent now."""
        self._take_anew(self._copy_of(parent), Cause.NOTHING, Arrival.DESTINATION)

    def _copy_of(self, parent: int) -> int:
        copy = self.ledger.add_copy(self.ledger.message_of[parent], self.clock.now)
        self.ledger.parent_of[copy] = parent
        return copy

    def _take_anew(self, copy: int, cause: Cause, arrival: Arrival) -> None:
        now, ledger = self.clock.now, self.ledger
        if self._standard is not None:
            self._standard.move_in(now, [copy], [now], [0])
        else:
            assert self._fifo is not None
            self._fifo.move_in(now, [copy], [now], [0], [ledger.group[ledger.message_of[copy]]])
        self.stories.follow(copy, cause, arrival)
        self.arrived += 1
        if self.waiters.total:
            self.stir()

    # -- consumers come and go ---------------------------------------------------------------------

    def open(self, consumer: int, polls: int) -> None:
        """Consumer number *consumer* of this queue has room for *polls* more receives.

        Where somebody waits already there is nothing to receive, and no need to look.
        """
        waited = self.waiters.total
        if self.idle_polls is not None:
            self.idle_polls.settle(self.clock.now, waited)
            self.idle_polls.settle(self.clock.now, waited + polls)
        self.waiters.wait(consumer, polls)
        if (open_polls := self.polls.get(consumer)) is not None:
            if polls == 1:
                open_polls.opened.append(self.clock.now)
            else:
                open_polls.opened.extend([self.clock.now] * polls)
        if not waited or self._capped:
            self.stir()

    def close(self, consumer: int, polls: int) -> None:
        """Consumer number *consumer* gives up *polls* receives that are open."""
        self.waiters.withdraw(consumer, polls)
        if (open_polls := self.polls.get(consumer)) is not None:
            open_polls.close(self.clock.now, polls)

    def stir(self) -> None:
        """Look once at this instant, after everything else that happens at it."""
        if self.clock.next_at() > self.clock.now:
            self.look()
        else:
            self._look_later()

    def _look_later(self) -> None:
        now = self.clock.now
        if self._look_at != now:
            self._look_at = now
            self.clock.at(now, RECEIVES, self.look)

    def look(self, _: object = None) -> None:
        """Hand out batches wherever room and a visible copy meet."""
        now = self.clock.now
        queue, waiters, consumers = self.queue, self.waiters, self.consumers
        self._look_at = NONE
        if self._alarm_at <= now:
            self._alarm_at = NEVER
        tokens = self._receive_tokens
        if self.idle_polls is not None:
            self.idle_polls.settle(now, waiters.total)
        while waiters.total:
            if tokens is not None and (token_at := tokens.next_at(now)) > now:
                next_at = queue.next_visible_at(now)
                waiting = next_at <= now
                self._set_alarm(token_at if waiting else next_at)
                self._note_limits(now, self._refused() if waiting else Limit.ARRIVALS)
                return
            index = waiters.pick(self._chance()) if len(consumers) > 1 else 0
            consumer = consumers[index]
            receipt = queue.receive_message(now, consumer.max_messages, consumer.visibility_timeout_us)
            if receipt is None:
                self._set_alarm(queue.next_visible_at(now))
                self._note_limits(now, self._idle_limit(now))
                return
            if tokens is not None:
                tokens.take(now)
            if receipt.moved:
                self._dead_letter(now, receipt.moved)
            if receipt.copies:
                waiters.withdraw(index)
                if (open_polls := self.polls.get(index)) is not None and open_polls.opened:
                    opened_at = open_polls.opened.popleft()
                    if now - opened_at > open_polls.wait_us:
                        open_polls.answered_late(now, opened_at)
                self._give(consumer, receipt)
                next_at = queue.next_visible_at(now)
                if next_at > now and waiters.total:  # spares a receive that would find nothing
                    self._set_alarm(next_at)
                    self._note_limits(now, self._idle_limit(now))
                    return
        next_at = queue.next_visible_at(now)
        for consumer in consumers:
            consumer.limit_gauge.set(now, consumer.limit() if next_at <= now else Limit.ARRIVALS)
        if next_at > now and consumers:
            self._set_alarm(max(next_at, now + _NOTICED_US))

    def _give(self, consumer: Consumer, receipt: Receipt) -> None:
        """Let *consumer* take up a receive."""
        self.received += len(receipt.received)
        self.receive_requests += 1 if self.requests_of is None else self.requests_of(receipt.received)
        told = receipt.again or self.stories.following
        consumer.begin(receipt, self.stories.given_again(receipt) if told else {})
        unlocked = self.unlocked
        if unlocked is not None:
            unlocked.left -= len(receipt.received)
            if unlocked.left < 0:
                missed = unlocked.among(receipt.received)
                self.stories.missed.update(missed)
                self._standard.change_message_visibility(self.clock.now, receipt, missed, 0)

    def short_poll(self, index: int) -> bool:
        """Consumer number *index* asks once, now; whether it got something.

        A short poll asks only some of the servers, and waits for nothing. Where too many messages are in
        flight it is refused (OverLimit).
        """
        now, queue, consumer = self.clock.now, self.queue, self.consumers[index]
        if queue.in_flight(now) >= queue.max_in_flight:
            consumer.limit_gauge.set(now, Limit.IN_FLIGHT_CAP)
            return False
        if isinstance(self._receive_tokens, Tightened) and not self._receive_tokens.take(now):
            consumer.limit_gauge.set(now, self._refused())
            return False
        receive = queue.receive_short if isinstance(queue, QueueByChance) else queue.receive_message
        receipt = receive(now, consumer.max_messages, consumer.visibility_timeout_us)
        if receipt is not None and receipt.moved:
            self._dead_letter(now, receipt.moved)
        if receipt is None or not receipt.copies:
            if (open_polls := self.polls.get(index)) is not None:
                open_polls.miss(now)
            consumer.limit_gauge.set(now, Limit.ARRIVALS)
            return False
        self._give(consumer, receipt)
        return True

    def _refused(self) -> Limit:
        return Limit.ACCESS_DENIED if self.receives_denied else Limit.CALL_TOKENS

    def _idle_limit(self, now: int) -> Limit:
        """Why a consumer with room got nothing; the queue has just been asked."""
        self._capped = self.queue.in_flight_count >= self.queue.max_in_flight
        if self._capped:
            return Limit.IN_FLIGHT_CAP
        if self._fifo is not None and self._fifo.visible(now):
            return Limit.GROUP_LOCKED
        return Limit.ARRIVALS

    def _note_limits(self, now: int, idle: Limit) -> None:
        if len(self.consumers) == 1:
            self.consumers[0].limit_gauge.set(now, idle)
            return
        waiting = idle is not Limit.ARRIVALS
        for index, consumer in enumerate(self.consumers):
            other = consumer.limit() if waiting else Limit.ARRIVALS
            consumer.limit_gauge.set(now, idle if self.waiters.waiting(index) else other)

    def _set_alarm(self, at: int) -> None:
        if at < self._alarm_at:
            self._alarm_at = at
            self.clock.at(at, RECEIVES, self.look)

    def groups_of(self, copies: list[int]) -> Iterator[int]:
        """The message group of each of *copies*."""
        ledger = self.ledger
        return (ledger.group[ledger.message_of[copy]] for copy in copies)

    # -- copies go out -----------------------------------------------------------------------------

    def delete(self, receipt: Receipt, copies: list[int]) -> list[int]:
        """Delete *copies* by *receipt*; those that are gone by it. A FIFO group may be free by that."""
        if self.deletes_denied:
            self.stories.denied.update(copies)
            return []
        if self._standard is not None:
            chance = 0.0 if self._stale_chance is None else self._stale_chance()
            undeleted = self.undeleted
            if undeleted is not None:
                undeleted.left -= len(copies)
                if undeleted.left < 0:
                    copies = self._missed_by_delete(undeleted, copies)
            gone: list[int] = self._standard.delete_messages(self.clock.now, receipt, copies, chance)
        else:
            fifo: Any = self._fifo  # a receipt comes back to the queue that gave it
            gone = fifo.delete_messages(self.clock.now, receipt, copies)
            if self.waiters.total:
                self._look_later()
        self.deleted += len(gone)
        return gone

    def _missed_by_delete(self, undeleted: Misses, copies: list[int]) -> list[int]:
        """Those of *copies* that a delete reaches; the others come back when their timeout ends."""
        missed = set(undeleted.among(copies))
        self.stories.missed.update(missed)
        return [copy for copy in copies if copy not in missed]

    def change_visibility(self, receipt: Receipt, copies: list[int], timeout_us: int) -> Receipt:
        """Let the timeout of *copies* end *timeout_us* from now; the receipt that holds them from now on."""
        self.visibility_requests += 1
        queue: Any = self.queue  # a receipt comes back to the queue that gave it
        changed: Receipt = queue.change_message_visibility(self.clock.now, receipt, copies, timeout_us)
        return changed

    def _dead_letter(self, now: int, copies: list[int]) -> None:
        """A receive moved *copies* to the dead-letter queue."""
        assert self.dead_letters is not None
        self.moved_out += len(copies)
        self.dead_letters._move_in(now, copies, [self.stories.dead_lettered(now, copy) for copy in copies])
        if self.dead_letters.origins is not None:
            self.dead_letters.origins.update(dict.fromkeys(copies, self))

    def redriven_out(self, copies: list[int]) -> None:
        """A redrive task took *copies* out of this dead-letter queue."""
        self.redriven += len(copies)
        self.stories.close_all(copies, [self.clock.now] * len(copies), Fate.REDRIVEN)

    def expire(self) -> None:
        """Write down what retention has removed up to now."""
        if expired := self.queue.expire(self.clock.now):
            self.expired += len(expired)
            copies, instants = map(list, zip(*expired, strict=True))
            self.stories.close_all(copies, instants, Fate.EXPIRED, Cause.RETENTION)

    def outstanding(self) -> int:
        """Copies in this queue that are not done with: visible, delayed, in flight, or on their way."""
        return self.arrived - self.deleted - self.moved_out - self.redriven - self.expired

    def finish_run(self) -> dict[Fate, int]:
        """Write down every copy that is still here at the end of the run; how many in which state."""
        self.expire()
        now = self.clock.now
        for consumer in self.consumers:
            consumer.finish_run()
        for open_polls in self.polls.values():
            open_polls.finish_run(now)
        left: dict[Fate, list[int]] = {fate: [] for fate in _FATES.values()}
        for copy, state in self.queue.contents(now):
            left[_FATES[state]].append(copy)
        left[Fate.IN_TRANSIT] += sorted(self._coming)
        for fate, copies in left.items():
            self.stories.close_all(copies, [now] * len(copies), fate)
        return {fate: len(copies) for fate, copies in left.items()}
