"""Deliveries of a subscription to an endpoint that is no queue and no function: attempts, retries, the end.

In the rows such a subscription is a line: it takes the part of a queue, where a message is from its publish
on, and of the queue's consumer; each attempt is a delivery of the copy.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

import numpy as np

from simulator.aws.quotas import TokenBucket
from simulator.aws.sns.retries import RetryPolicy
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.processes.clock import RECEIVES, Clock
from simulator.processes.destinations import Destination
from simulator.processes.fed_lines import FedLine
from simulator.processes.ledger import Ledger
from simulator.processes.lines import Event, Run
from simulator.processes.reach import OPEN, Reach
from simulator.processes.subscription_counts import SubscriptionCounts
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Cause, Fate, Limit
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import mix, uniform_one


class Answer(Enum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """by a server-side error: tried again"""
    REFUSED = "refused"
    """by a client-side error: never tried again"""


class Delivery(Event):
    """One message on its way to the endpoint.

    ``key`` is that of its draws, ``refused`` says that an attempt ended with a client-side error.
    """

    __slots__ = ("key", "refused")

    def __init__(self, copy: int, published_at: int, key: int) -> None:
        super().__init__(copy, published_at)
        self.key = key
        self.refused = False


class Endpoint(Protocol):
    """Where a subscription delivers to."""

    def turns_off(self, now: int) -> Cause:
        """Why a message that comes at *now* [us] is never sent; NOTHING if it is."""

    def turns_away(self, published_at: int, now: int) -> Cause:
        """Why a message is not tried at *now* [us], nor ever again; NOTHING if it is."""

    def take(self, run: Run, answered: Callable[[Run, Answer], None]) -> None:
        """Begin an attempt; *answered* is told how it ended, now or later."""


class Way(NamedTuple):
    """How a subscription sends, but for where to.

    Attributes
    ----------
    policy : RetryPolicy
        When a failed delivery is tried again.
    jitter, jitter_key : float, int
        Part of its delays that is drawn, and its stream.
    hop, hop_key : Distribution, int
        Latency from the publish to the first attempt [us], and its stream.
    bucket : TokenBucket, optional
        Deliveries a second; who finds no tokens waits in line.
    weight : int
        Tokens a message takes.
    """

    policy: RetryPolicy
    jitter: float
    jitter_key: int
    hop: Distribution
    hop_key: int
    bucket: TokenBucket | None = None
    weight: int = 1


class Deliveries(FedLine):
    """Messages of one subscription on their way to its endpoint.

    A message costs a step at its publish and one or two an attempt, however many wait.

    Parameters
    ----------
    way : Way
        How it sends, but for where to.
    """

    counts: SubscriptionCounts
    _endpoint: Endpoint
    _dead_letter: Destination | None
    _redrives: Reach

    def __init__(self, clock: Clock, ledger: Ledger, recorder: Recorder, thing: int, way: Way) -> None:
        super().__init__(clock, ledger, recorder, thing)
        self._way = way
        self._held: deque[Delivery] = deque()  # they wait for tokens
        self._turn_at = NEVER
        self._pausing = 0

    def deliver_to(
        self, endpoint: Endpoint, dead_letter: Destination | None, redrives: Reach, counts: SubscriptionCounts
    ) -> None:
        """Say where messages go, once, before the run.

        *dead_letter* gets what was tried in vain, while *redrives* lets SNS send to it. What SNS does not
        send at all (a disabled subscription, a passed time to live, a used-up spending limit) is lost.
        """
        self._endpoint = endpoint
        self._dead_letter = dead_letter
        self._redrives = redrives
        self.counts = counts

    def _begin(self, copy: int, now: int) -> None:
        message = self._ledger.message_of[copy]
        key = self._ledger.block_of(message).key_of(message)
        delivery = self._open[copy] = Delivery(copy, now, key)
        cause = self._endpoint.turns_off(now)
        if cause is not Cause.NOTHING:
            self._lose(delivery, cause)
            return
        hop_us = int(draw(self._way.hop, self._way.hop_key, np.array([key], dtype=np.uint64))[0])
        self._clock.at(now + hop_us, RECEIVES, self._due_now, delivery)

    # -- attempts ----------------------------------------------------------------------------------

    def _again(self, delivery: Delivery) -> None:
        self._pausing -= 1
        self._due_now(delivery)

    def _due_now(self, delivery: Delivery) -> None:
        """An attempt is due; it waits behind those that wait for tokens."""
        self._held.append(delivery)
        if len(self._held) == 1:
            self._let_pass()

    def _turn(self, _: object) -> None:
        self._turn_at = NEVER
        self._let_pass()

    def _let_pass(self) -> None:
        """Begin the attempts that there are tokens for."""
        held, bucket = self._held, self._way.bucket
        while held:
            now, delivery = self._clock.now, held[0]
            cause = self._endpoint.turns_away(delivery.accepted_at, now)
            if cause is Cause.NOTHING and bucket is not None and not bucket.take(now, self._way.weight):
                self._wait_for_turn(bucket.next_at(now, self._way.weight))
                break
            held.popleft()
            if cause is Cause.NOTHING:
                self._send(delivery)
            else:
                self._lose(delivery, cause)
        self._tell_limit()

    def _wait_for_turn(self, at: int) -> None:
        if at != self._turn_at:
            self._turn_at = at
            self._clock.at(at, RECEIVES, self._turn, None)

    def _tell_limit(self) -> None:
        """Write down what keeps messages from being delivered: the rate, or the endpoint's failures."""
        waits = Limit.DOWNSTREAM if self._pausing else Limit.ARRIVALS
        self._limit_gauge.set(self._clock.now, Limit.CALL_TOKENS if self._held else waits)

    def _send(self, delivery: Delivery) -> None:
        now, copy = self._clock.now, delivery.copy
        again = {copy: delivery.runs + 1} if delivery.runs else {}
        receipt = Receipt([copy], now, NEVER, now, [delivery.accepted_at], again, [])
        run = Run(receipt, delivery)
        if again or self._stories.following:
            run.causes = self._stories.given_again(receipt)
        run.began_at = now
        delivery.runs += 1
        self._running[copy] = run
        self._endpoint.take(run, self._answered)

    def _answered(self, run: Run, answer: Answer) -> None:
        run.over_at = self._clock.now
        if answer is not Answer.DELIVERED:
            run.failed = run.copies
            self.counts.failed_attempts += 1
            assert isinstance(run.event, Delivery)
            run.event.refused = answer is Answer.REFUSED
        self._end(run)

    def _succeeded(self, batch: Run) -> None:
        self._delete(batch)
        self.counts.delivered += 1

    def _failed(self, event: Event, cause: Cause) -> None:
        assert isinstance(event, Delivery)
        if event.refused:
            self._give_up(event, Cause.CLIENT_ERROR)
            return
        way = self._way
        chance = uniform_one(way.jitter_key, mix(event.key, event.errors)) if way.jitter else None
        pause_us = way.policy.delay_us(event.errors, chance, way.jitter)
        if pause_us is None:
            self._give_up(event, Cause.RETRIES_USED_UP)
            return
        self.counts.retried += 1
        self._pausing += 1
        self._clock.at(self._clock.now + pause_us, RECEIVES, self._again, event)
        self._tell_limit()

    # -- in vain -----------------------------------------------------------------------------------

    def _give_up(self, delivery: Delivery, cause: Cause) -> None:
        """A message was tried in vain."""
        if self._dead_letter is None:
            self._lose(delivery, cause)
            return
        if self._redrives.at_one(self._clock.now)[0] != OPEN:
            self.counts.dead_letter_failed += 1
            self._lose(delivery, cause)
            return
        self._close(delivery, Fate.DEAD_LETTERED, cause)
        self.counts.dead_lettered += 1
        self._dead_letter.send(delivery.copy)

    def _lose(self, delivery: Delivery, cause: Cause) -> None:
        self._close(delivery, Fate.DROPPED, cause)
        self.counts.lost[cause] = self.counts.lost.get(cause, 0) + 1
