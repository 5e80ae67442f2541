"""Downstreams: the systems that consumers call, with a pool of connections, a rate and a capacity."""

from collections import deque
from enum import Enum
from heapq import heappop, heappush
from math import ceil
from typing import TYPE_CHECKING, Final

from simulator.aws.quotas import TokenBucket
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.conditions import Conditions
from simulator.processes.downstream_figures import Figures
from simulator.recording.tables import NONE

if TYPE_CHECKING:
    from simulator.processes.errands import Errand

_SLACK_US: Final = 0.01  # of sums of shares of time, which are no whole numbers


class Ending(Enum):
    """How one try of a call ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    """answered with an error, or the downstream is down"""
    REFUSED = "refused"
    """beyond the rate: 429"""
    TIMED_OUT = "timed out"


class Try:
    """One try of a call at a downstream.

    ``sent_at`` and ``began_at`` are when it was sent and when it got its connection [us] (NONE: not yet),
    ``over_at`` when it will be answered, where that is known; ``gone`` says that nobody waits for it.
    """

    __slots__ = (
        "began_at", "errand", "fails", "gone", "in_line", "is_over", "over_at", "sent_at", "service_us",
    )  # fmt: skip

    def __init__(self, errand: "Errand", sent_at: int, service_us: int, fails: bool) -> None:
        self.errand = errand
        self.sent_at = sent_at
        self.service_us = service_us
        self.fails = fails
        self.began_at = NONE
        self.over_at = NONE
        self.gone = False
        self.in_line = False
        self.is_over = False


class Downstream:
    """One system that consumers call.

    A try passes the rate, gets a connection, and is served. With *parallelism* the system is a processor
    that all tries in service share: up to that many run at full speed, more run slower by the same factor
    all together, so that what it does in a second never passes ``parallelism / latency``. A try whose
    caller has given up leaves the line, but once it is served it goes on to its end, and takes its share,
    unless *cancels*.

    Parameters
    ----------
    conditions : Conditions
        Slower, failing or down by faults; a try meets what is when it begins.
    connections : int, optional
        Tries served at once at most; others wait in line, first come first served. None: any number.
    parallelism : int, optional
        Tries served at full speed. None: any number.
    bucket : TokenBucket, optional
        The rate: a try takes a token.
    waits : bool
        A try without a token waits for one; else it is refused at once.
    cancels : bool
        A try whose caller has given up ends.
    """

    def __init__(
        self,
        clock: Clock,
        figures: Figures,
        conditions: Conditions,
        *,
        connections: int | None = None,
        parallelism: int | None = None,
        bucket: TokenBucket | None = None,
        waits: bool = False,
        cancels: bool = False,
    ) -> None:
        self.figures = figures
        self.conditions = conditions
        self.in_use = 0
        self._clock = clock
        self._connections = connections
        self._parallelism = parallelism
        self._bucket = bucket
        self._waits = waits
        self._cancels = cancels
        self._for_rate: deque[Try] = deque()
        self._line: deque[Try] = deque()
        self._in_line = 0
        self._rate_alarm_at = NONE
        self._shared: list[tuple[float, int, Try]] = []  # by the service that all will have had at its end
        self._serial = 0
        self._had = 0.0  # service that a try in service all the time has had [us]
        self._had_at = 0
        self._alarm_at = NONE

    @property
    def strained(self) -> bool:
        """Whether one more call at once would not get more done."""
        conditions = self.conditions
        return (
            bool(self._in_line)
            or (self._connections is not None and self.in_use >= self._connections)
            or (self._parallelism is not None and self.in_use >= self._parallelism)
            or conditions.slow > 1.0
            or conditions.down
            or conditions.hang
        )

    # -- a try comes ---------------------------------------------------------------------------------

    def take(self, one: Try) -> Ending | None:
        """Take a try: how it ended, if at once; else its errand is told later."""
        now = self._clock.now
        self.figures.tries.add(now)
        if self.conditions.hang:
            return None
        if self.conditions.down:
            return Ending.FAILED
        bucket = self._bucket
        if bucket is not None and (self._for_rate or not bucket.take(now)):
            if not self._waits:
                return Ending.REFUSED
            self._for_rate.append(one)
            self._line_up(one, True)
            self._wait_for_rate(bucket)
            return None
        self._connect(one)
        return None

    def _wait_for_rate(self, bucket: TokenBucket) -> None:
        at = bucket.next_at(self._clock.now)
        if at != self._rate_alarm_at:
            self._rate_alarm_at = at
            self._clock.at(at, COMPLETIONS, self._pass_rate, None)

    def _pass_rate(self, _: object) -> None:
        """Let through whom there is a token for."""
        self._rate_alarm_at = NONE
        bucket, line = self._bucket, self._for_rate
        assert bucket is not None
        while line:
            if line[0].gone:
                line.popleft()
            elif bucket.take(self._clock.now):
                self._line_up(line[0], False)
                self._connect(line.popleft())
            else:
                self._wait_for_rate(bucket)
                return

    def _connect(self, one: Try) -> None:
        if self._connections is not None and self.in_use >= self._connections:
            self._line.append(one)
            self._line_up(one, True)
        else:
            self._serve(one)

    def _line_up(self, one: Try, comes: bool) -> None:
        one.in_line = comes
        self._in_line += 1 if comes else -1
        self.figures.in_line.set(self._clock.now, self._in_line)

    # -- service -------------------------------------------------------------------------------------

    def _serve(self, one: Try) -> None:
        now = self._clock.now
        self._catch_up(now)
        self.in_use += 1
        self.figures.in_use.set(now, self.in_use)
        one.began_at = now
        slow = self.conditions.slow
        service_us = one.service_us if slow == 1.0 else round(one.service_us * slow)
        if self._parallelism is None:
            one.over_at = now + service_us
            self._clock.at(one.over_at, COMPLETIONS, self._served, one)
            return
        self._serial += 1
        heappush(self._shared, (self._had + service_us, self._serial, one))
        self._set_alarm(now)

    def _speed(self) -> float:
        """Service that each try in service gets in a second [s]."""
        assert self._parallelism is not None
        return min(1.0, self._parallelism / self.in_use) if self.in_use else 1.0

    def _catch_up(self, now: int) -> None:
        if self._parallelism is not None and now > self._had_at:
            self._had += (now - self._had_at) * self._speed()
            self._had_at = now

    def _set_alarm(self, now: int) -> None:
        """Ring when the next try is through, if nobody comes; one that rings early is set anew."""
        shared = self._shared
        while shared and shared[0][2].is_over:
            heappop(shared)
        if not shared:
            return
        at = now + max(0, ceil((shared[0][0] - self._had - _SLACK_US) / self._speed()))
        if self._alarm_at == NONE or at < self._alarm_at:
            self._alarm_at = at
            self._clock.at(at, COMPLETIONS, self._ring, at)

    def _ring(self, set_for: int) -> None:
        if set_for != self._alarm_at:
            return
        now = self._clock.now
        self._alarm_at = NONE
        self._catch_up(now)
        shared = self._shared
        while shared and (shared[0][2].is_over or shared[0][0] <= self._had + _SLACK_US):
            self._served(heappop(shared)[2])
        self._set_alarm(now)

    def _served(self, one: Try) -> None:
        """A try is through: its connection goes to the next in line."""
        if one.is_over:
            return
        self._release(one)
        if not one.gone:
            one.errand.ended(one, Ending.FAILED if one.fails else Ending.ANSWERED)

    def _release(self, one: Try) -> None:
        now = self._clock.now
        self._catch_up(now)
        one.is_over = True
        self.in_use -= 1
        line = self._line
        while line and line[0].gone:
            line.popleft()
        if line:
            self._line_up(line[0], False)
            self._serve(line.popleft())
        self.figures.in_use.set(now, self.in_use)

    def give_up(self, one: Try) -> None:
        """The caller of a try no longer waits for it."""
        one.gone = True
        if one.began_at != NONE:
            if self._cancels and not one.is_over:
                self._release(one)
                if self._parallelism is not None:
                    self._set_alarm(self._clock.now)
        elif one.in_line:
            self._line_up(one, False)
