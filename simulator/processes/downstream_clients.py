"""How a consumer calls a downstream: time-out, tries with back-off, circuit breaker, retry budget."""

from collections import deque
from typing import Final, Literal

from simulator.processes.clock import CHANGES, Clock
from simulator.processes.downstreams import Downstream
from simulator.processes.gauges import Gauge

_TOKEN: Final = 1_000_000
_RESERVE: Final = 10


class Backoff:
    """The pause before each further try.

    Without jitter it is ``base * 2**(tries - 1)``, ``cap`` at most; with ``full`` jitter any duration up to
    that; with ``decorrelated`` jitter any from ``base`` to three times the pause before, ``cap`` at most
    (AWS Architecture Blog, Exponential Backoff And Jitter, 2015).

    Parameters
    ----------
    base_us, cap_us : int
        [us].
    """

    def __init__(self, base_us: int, cap_us: int, jitter: Literal["none", "full", "decorrelated"]) -> None:
        self._base_us = base_us
        self._cap_us = cap_us
        self._jitter = jitter

    def pause_us(self, tries: int, before_us: int, chance: float) -> int:
        """The pause after so many tries [us]; *before_us* is the pause before, 0 at first."""
        if self._jitter == "decorrelated":
            most = max(self._base_us, 3 * (before_us or self._base_us))
            return min(self._cap_us, self._base_us + int(chance * (most - self._base_us)))
        pause_us = min(self._cap_us, self._base_us << min(tries - 1, 40))
        return pause_us if self._jitter == "none" else int(chance * pause_us)


class Breaker:
    """A circuit breaker: it counts how tries ended, and while it is open lets none through.

    *Closed*, it opens when at least *share* of the last *of_last* tries failed. *Open*, it refuses all calls
    for *open_us*. Then it is *half-open*: *trials* tries are let through, and no more. If one fails it is
    open again, if all succeed it is closed and has forgotten what was.

    Parameters
    ----------
    gauge : Gauge
        Breakers of the downstream that are not closed.
    """

    def __init__(
        self, clock: Clock, gauge: Gauge, *, share: float, of_last: int, open_us: int, trials: int
    ) -> None:
        self.term = 0
        """Goes up at each change of state: what belongs to an earlier one no longer counts."""
        self._clock = clock
        self._gauge = gauge
        self._share = share
        self._open_us = open_us
        self._trials = trials
        self._last: deque[bool] = deque(maxlen=of_last)
        self._failed = 0
        self._is_open = False
        self._trials_left = 0  # of a half-open one: tries that may still be let through
        self._trials_due = 0  # and how many must still succeed

    def lets_through(self) -> bool:
        """Whether a try may be made now; it is then taken to be made."""
        if self._is_open:
            return False
        if self._trials_due:
            if not self._trials_left:
                return False
            self._trials_left -= 1
        return True

    def note(self, term: int, ok: bool) -> None:
        """A try that was let through in *term* has ended."""
        if term != self.term:
            return
        if self._trials_due:
            if not ok:
                self._open()
                return
            self._trials_due -= 1
            if not self._trials_due:
                self.term += 1
                self._gauge.set(self._clock.now, self._gauge.value - 1)
            return
        last = self._last
        if len(last) == last.maxlen:
            self._failed -= not last[0]
        last.append(ok)
        self._failed += not ok
        if len(last) == last.maxlen and self._failed >= self._share * len(last):
            self._gauge.set(self._clock.now, self._gauge.value + 1)
            self._open()

    def forget(self, term: int) -> None:
        """A try that was let through in *term* will never be heard of."""
        if term == self.term and self._trials_due:
            self._trials_left += 1

    def _open(self) -> None:
        self.term += 1
        self._is_open = True
        self._trials_due = 0
        self._last.clear()
        self._failed = 0
        self._clock.at(self._clock.now + self._open_us, CHANGES, self._half_open, None)

    def _half_open(self, _: object) -> None:
        self.term += 1
        self._is_open = False
        self._trials_due = self._trials_left = self._trials


class RetryBudget:
    """Retries as a share of calls: each call saves up that share of a retry, ten retries at most.

    Parameters
    ----------
    share : float
        Retries a call, in the long run.
    """

    def __init__(self, share: float) -> None:
        self._saved = _RESERVE * _TOKEN
        self._gain = round(share * _TOKEN)

    def call(self) -> None:
        """A call is made for the first time."""
        self._saved = min(_RESERVE * _TOKEN, self._saved + self._gain)

    def take(self) -> bool:
        """Take a retry, if there is one."""
        if self._saved < _TOKEN:
            return False
        self._saved -= _TOKEN
        return True


class Client:
    """One consumer's way of calling one downstream; all its slots or workers share it.

    Parameters
    ----------
    timeout_us : int
        How long a try is waited for, the line included [us].
    max_tries : int
        Tries of a call at most.
    """

    def __init__(
        self,
        downstream: Downstream,
        timeout_us: int,
        max_tries: int,
        backoff: Backoff,
        breaker: Breaker | None,
        budget: RetryBudget | None,
    ) -> None:
        self.downstream = downstream
        self.timeout_us = timeout_us
        self.max_tries = max_tries
        self.backoff = backoff
        self.breaker = breaker
        self.budget = budget
