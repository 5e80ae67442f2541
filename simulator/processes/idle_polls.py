"""Empty receives of idle long polls, by arithmetic: they use up call quotas without an event."""

from collections import deque

from simulator.aws.sqs.fifo_throughput import CallQuota


class IdlePolls:
    """Open long polls by the instant they were opened; each is one receive call every wait.

    Of those open, the one that waited longest is taken to be the one that is answered. They never take the
    last token: a poll that is answered was let in before it waited.

    Parameters
    ----------
    calls : CallQuota
        What a receive takes from; an answered poll's call is the caller's to take.
    wait_us : int
        How long a poll waits before it comes back empty and is opened again [us].
    """

    __slots__ = ("_calls", "_open", "_total", "_wait_us")

    def __init__(self, calls: CallQuota, wait_us: int) -> None:
        self._calls = calls
        self._wait_us = wait_us
        self._open: deque[list[int]] = deque()  # [opened at, polls], ascending
        self._total = 0

    def settle(self, now: int, total: int) -> None:
        """Charge what came back empty by *now* [us]; *total* polls are open now."""
        opened = self._open
        while self._total > total:
            first = opened[0]
            fewer = min(first[1], self._total - total)
            first[1] -= fewer
            self._total -= fewer
            if not first[1]:
                opened.popleft()
        if opened and now - opened[0][0] > 2 * self._wait_us:
            self._skip(now)
        while opened and opened[0][0] + self._wait_us <= now:
            at, polls = opened.popleft()
            at += self._wait_us
            self._calls.use_up(at, polls)
            opened.append([at, polls])
        if total > self._total:
            opened.append([now, total - self._total])
            self._total = total

    def _skip(self, now: int) -> None:
        """Leave out all rounds but the last: a bucket does not remember them."""
        rounds = (now - self._open[0][0]) // self._wait_us - 1
        for entry in self._open:
            entry[0] += rounds * self._wait_us
