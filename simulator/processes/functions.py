"""Lambda functions: concurrency, cold starts, time-outs, and one run of the handler."""

from collections.abc import Callable
from typing import Final

from simulator.aws.lambda_.concurrency import Admission, FunctionConcurrency
from simulator.aws.sqs.receipt import Receipt
from simulator.processes.called_work import CalledWork, Walk
from simulator.processes.clock import COMPLETIONS, SENDS, Clock
from simulator.processes.draws import CallDurations, Work
from simulator.processes.stories import Batch
from simulator.recording.tables import NONE, Attempt, Limit

THROTTLE_LIMITS: Final = {
    Admission.THROTTLED_RESERVED: Limit.RESERVED_CONCURRENCY,
    Admission.THROTTLED_ACCOUNT: Limit.ACCOUNT_CONCURRENCY,
    Admission.THROTTLED_SCALING: Limit.SCALING_RATE,
    Admission.THROTTLED_RATE: Limit.RATE_CAP,
}
"""The binding limit that a throttled invocation met."""


class Function:
    """A function: its concurrency, time-out and cold starts; shared by its mappings.

    Parameters
    ----------
    timeout_us : int
        An invocation that lasts longer is killed [us].
    creation_us : int
        Creating an environment, before init [us].
    init : CallDurations
        Init phases [us], by the function's own counter of cold starts.
    """

    def __init__(
        self,
        clock: Clock,
        concurrency: FunctionConcurrency,
        timeout_us: int,
        creation_us: int,
        init: CallDurations,
    ) -> None:
        self._clock = clock
        self.concurrency = concurrency
        self.timeout_us = timeout_us
        self._creation_us = creation_us
        self._init = init
        self.ended = self.errors = self.throttles = self.worked_us = 0  # for its metrics

    def invoke(
        self, batch: "Invocation", work: Work, earliest_at: int, done: "Callable[[Invocation], None]"
    ) -> Admission:
        """Run the handler over a batch, if concurrency admits it; call ``done(batch)`` at its end.

        At the end the batch knows when the handler began and ended, how long its cold start took, which of
        its messages failed, and whether it was killed by the time-out.

        Parameters
        ----------
        earliest_at : int
            When the handler may begin [us]; a cold start comes on top.

        Returns
        -------
        Admission
            Whether it runs; a throttled invocation left no trace, and ``done`` is not called.
        """
        now = self._clock.now
        admission = self.concurrency.invoke(now)
        if admission is not Admission.WARM and admission is not Admission.COLD:
            self.throttles += 1
            return admission
        began_at = max(earliest_at, now)
        batch.environment = self.concurrency.environment
        if admission is Admission.COLD:
            batch.init_us = self._creation_us + self._init.next()
            began_at += batch.init_us
        batch.done = done
        if work.called is not None:
            self._walk(batch, work, work.called, began_at)
            return admission
        again = batch.again()
        durations, batch.failed = work.of(batch.copies, again)
        duration_us = work.per_invocation_us(batch.copies, again) + sum(durations)
        if duration_us > self.timeout_us:
            duration_us = self.timeout_us
            batch.attempt = Attempt.CRASHED
        batch.began_at = began_at
        batch.over_at = began_at + duration_us
        self._clock.at(batch.over_at, COMPLETIONS, self._end, batch)
        return admission

    def _walk(self, batch: "Invocation", work: Work, called: CalledWork, began_at: int) -> None:
        """Run a handler that calls downstreams: how long that takes will be known at its end."""
        again = batch.again()
        durations, failed = work.of(batch.copies, again)
        batch.began_at = began_at
        walk = Walk(batch, again, durations, failed, called.go_on, self._walked)
        called.go(walk, began_at + work.per_invocation_us(batch.copies, again))
        # after all completions: what ends at that very instant is in time
        self._clock.at(began_at + self.timeout_us, SENDS, self._time_out, (walk, called))

    def _walked(self, walk: Walk) -> None:
        batch = walk.batch
        assert isinstance(batch, Invocation)
        walk.alive = False
        batch.failed = walk.failed
        batch.over_at = self._clock.now
        self._end(batch)

    def _time_out(self, ends: tuple[Walk, CalledWork]) -> None:
        walk, called = ends
        batch = walk.batch
        if walk.alive:
            assert isinstance(batch, Invocation)
            called.stop(walk)
            batch.attempt = Attempt.CRASHED
            batch.over_at = self._clock.now
            self._end(batch)

    def _end(self, batch: "Invocation") -> None:
        self.concurrency.end(self._clock.now, batch.environment)
        batch.done(batch)
        self.ended += 1
        self.errors += batch.attempt is not Attempt.SUCCEEDED
        self.worked_us += batch.over_at - batch.began_at


class Invocation(Batch):
    """A batch on its way through a function."""

    __slots__ = ("done", "environment", "failed", "throttles")

    done: "Callable[[Invocation], None]"

    def __init__(self, receipt: Receipt, causes: dict[int, int]) -> None:
        super().__init__(receipt, causes)
        self.failed: list[int] = []
        self.throttles = 0
        self.environment = NONE

    def add(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Gather the copies of one more receive."""
        self.receipts.append(receipt)
        self.copies = self.copies + receipt.received
        self.causes = {**self.causes, **causes}

    def again(self) -> dict[int, int]:
        """Receive counts of its copies that were received before."""
        if len(self.receipts) == 1:
            return self.receipts[0].again
        return {copy: count for receipt in self.receipts for copy, count in receipt.again.items()}
