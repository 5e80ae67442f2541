"""Tenants of a fair queue: what each has in flight, how much it was worked on lately, whether it is noisy.

Rules: SQS guide, how fair queues work. Three readings are ours, after measurements on AWS: a
share of processing time above the limit marks a tenant only where its messages also take longer than the
others' (with 20 slots and equal work the share was 100% for ten minutes and nobody was marked); a tenant
without sends stays marked while it still holds too many messages in flight (it stayed so for 12 minutes);
and a mark does not end by the small shares that giving way leaves (17 of 84 in flight did not end it).
"""

from collections import deque
from typing import Final, NamedTuple

from simulator.aws.sqs.receipt import NEVER
from simulator.aws.sqs.standard import StandardQueue

_UNKNOWN: Final = -NEVER


class Quiet(NamedTuple):
    """Messages of quiet tenants: how many, and when the oldest visible one was sent [us]."""

    visible: int
    delayed: int
    in_flight: int
    oldest_at: int


class Limits:
    """When a tenant is noisy.

    Parameters
    ----------
    share : float
        Share of the messages in flight above which a tenant may be noisy.
    min_in_flight : int
        Messages of its own that it must have in flight for that.
    processing_share : float
        Share of recent consumer processing time above which a tenant is noisy if it is slow.
    slower : float
        How many times longer than the others' its messages must take for that, with *min_in_flight* of
        theirs to compare it with; 0: never mind.
    window_us : int
        What recent means [us].
    quiet_after_us : int
        Without sends for this long [us] a mark does not outlive what caused it.
    reaction_us : int
        From the first sign to the mark [us]; 0: at once.
    """

    __slots__ = (
        "min_in_flight",
        "processing_share",
        "quiet_after_us",
        "reaction_us",
        "share",
        "slower",
        "window_us",
    )

    def __init__(
        self,
        *,
        share: float = 0.1,
        min_in_flight: int = 30,
        processing_share: float = 0.1,
        slower: float = 2.0,
        window_us: int = 60_000_000,
        quiet_after_us: int = 300_000_000,
        reaction_us: int = 200_000_000,
    ) -> None:
        self.share = share
        self.min_in_flight = min_in_flight
        self.processing_share = processing_share
        self.slower = slower
        self.window_us = window_us
        self.quiet_after_us = quiet_after_us
        self.reaction_us = reaction_us


class Work:
    """Consumer processing time of late: messages in flight times how long, in whole numbers.

    Over a sliding window, made of the running span of its length and the one before in proportion.
    """

    __slots__ = ("_at", "_before", "_before_ended", "_ended", "_now", "_span", "_window_us", "level")

    def __init__(self, window_us: int) -> None:
        self._window_us = window_us
        self._span = 0
        self._at = 0
        self._now = self._before = 0  # [message us] in the running span and the one before
        self._ended = self._before_ended = 0  # messages that left flight in them
        self.level = 0
        """Messages in flight."""

    def change(self, now: int, by: int) -> None:
        """*by* more messages are in flight from *now* [us] on."""
        self._advance(now)
        self.level += by
        if by < 0:
            self._ended -= by

    def recent(self, now: int) -> tuple[int, int]:
        """Processing time and messages that left flight of late, both times the window's length."""
        self._advance(now)
        window = self._window_us
        old = window - now % window
        ended = self._before_ended * old + self._ended * window
        return self._before * old + self._now * window, ended

    def _advance(self, now: int) -> None:
        window = self._window_us
        span = now // window
        if span != self._span:
            edge = (self._span + 1) * window
            self._now += self.level * (edge - self._at)
            if span == self._span + 1:
                self._before, self._before_ended = self._now, self._ended
            else:
                self._before, self._before_ended = self.level * window, 0
            self._now = self._ended = 0
            self._at = span * window
            self._span = span
        self._now += self.level * (now - self._at)
        self._at = now


class Tenant:
    """One message group of a fair queue.

    Attributes
    ----------
    queue : StandardQueue
        What it has in the queue; None while that is nothing.
    ready : bool
        A receive would find something of it; ``place`` [us] is where that stands in the queue.
    wake_at : int
        When time alone changes something here [us].
    noisy : bool
        Its messages are given out only when no quiet tenant has any.
    """

    __slots__ = (
        "_coming",
        "_last_sent_at",
        "_over_since",
        "noisy",
        "place",
        "queue",
        "ready",
        "wake_at",
        "work",
    )

    def __init__(self, window_us: int) -> None:
        self.queue: StandardQueue | None = None
        self.ready = False
        self.place = NEVER
        self.wake_at = NEVER
        self.noisy = False
        self.work = Work(window_us)
        self._over_since = NEVER
        self._coming: deque[int] = deque()
        self._last_sent_at = _UNKNOWN

    def sent(self, sent_at: list[int]) -> None:
        """Messages are sent at these ascending instants [us], which may lie ahead."""
        self._coming.extend(sent_at)

    def judge(self, now: int, total: Work, limits: Limits, gave_way_at: int) -> None:
        """Mark it as noisy, or not, as its shares of what all have, *total*, say.

        At *gave_way_at* [us] the message of a quiet tenant was last preferred to one of a noisy tenant.
        """
        if not self.ready:  # its backlog is gone
            self.noisy, self._over_since = False, NEVER
            return
        if not self._over(now, total, limits):
            if self._over_since < NEVER and self._calmed(now, total, limits, gave_way_at):
                self.noisy, self._over_since = False, NEVER
        elif self._over_since == NEVER:
            self._over_since = now
        if self._over_since + limits.reaction_us <= now:
            self.noisy = True

    def _over(self, now: int, total: Work, limits: Limits) -> bool:
        level = self.work.level
        if level >= limits.min_in_flight and level > limits.share * total.level:
            return True
        own, own_ended = self.work.recent(now)
        everyone, all_ended = total.recent(now)
        if own <= limits.processing_share * everyone:
            return False
        if not limits.slower:
            return True
        others, others_ended = everyone - own, all_ended - own_ended
        if others_ended < limits.min_in_flight * limits.window_us:
            return False  # too few to compare it with
        return own * others_ended > limits.slower * others * max(own_ended, level * limits.window_us)

    def _calmed(self, now: int, total: Work, limits: Limits, gave_way_at: int) -> bool:
        coming = self._coming
        while coming and coming[0] <= now:
            self._last_sent_at = coming.popleft()
        if now - self._last_sent_at >= limits.quiet_after_us:
            return True
        if now - gave_way_at < limits.window_us:
            return False
        return self.work.recent(now)[0] <= limits.processing_share * total.recent(now)[0]
