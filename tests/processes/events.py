"""A function that gets events without a queue, on a clock: what it does with them is a script."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from simulator.aws.lambda_.asynchronous import AsynchronousInvocation
from simulator.aws.lambda_.concurrency import Account, Environments, FunctionConcurrency
from simulator.processes.async_invocations import AsyncInvocations
from simulator.processes.at_least_once import Misses
from simulator.processes.clock import Clock
from simulator.processes.draws import CallDurations, Work
from simulator.processes.functions import Function
from simulator.processes.ledger import Ledger
from simulator.recording.recorder import Recorder
from simulator.sampling.distributions import Constant
from tests.engine.running import Kept, Rows

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


class Script:
    """Work that lasts *duration_us*, and fails as *fails* says of the number of the run (from 1)."""

    called = None

    def __init__(self, duration_us: int, fails: Callable[[int], bool]) -> None:
        self._duration_us = duration_us
        self._fails = fails

    def of(self, copies: list[int], again: dict[int, int]) -> tuple[list[int], list[int]]:
        return [self._duration_us], [0] if self._fails(again.get(copies[0], 1)) else []

    def per_invocation_us(self, copies: list[int], again: dict[int, int]) -> int:
        return 0


class Remembering:
    """A destination that remembers when records came."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.came_at: list[int] = []

    def send(self, parent: int) -> None:
        self.came_at.append(self._clock.now)

    def under_way(self) -> int:
        return 0


class Events:
    """One function with its line of asynchronous events, and where records of them go."""

    def __init__(
        self,
        *,
        fails: Callable[[int], bool] = lambda run: False,
        retries: int = 2,
        maximum_event_age_us: int = 6 * HOUR,
        reserved: int | None = None,
        account: int = 1000,
        duration_us: int = 0,
        timeout_us: int = 900 * SECOND,
        repeated: Misses | None = None,
        dead_letters: bool = True,
    ) -> None:
        self.clock = Clock()
        self.ledger = Ledger()
        self._sink = Kept()
        self._recorder = Recorder(self.ledger, self._sink)
        rule = AsynchronousInvocation(
            retries=retries,
            maximum_event_age_us=maximum_event_age_us,
            error_delays_us=(MINUTE, 2 * MINUTE),
            backoff_first_us=SECOND,
            backoff_cap_us=5 * MINUTE,
        )
        self.line = AsyncInvocations(self.clock, self.ledger, self._recorder, 0, rule, repeated)
        pool = Account(account, {}, rps_per_concurrency=None)
        concurrency = FunctionConcurrency(pool, reserved, Environments(HOUR), None)
        init = CallDurations(Constant(0), 1)
        self.function = Function(self.clock, concurrency, timeout_us, 0, init)
        self.line.serve(self.function, cast(Work, Script(duration_us, fails)), None)
        self.failures, self.successes = Remembering(self.clock), Remembering(self.clock)
        self.line.report_to([self.failures] if dead_letters else [], [self.successes])

    def send(self, at: Sequence[int]) -> None:
        """Events come at *at* [us]."""
        sent_at = np.array(at, dtype=np.int64)
        zeros = np.zeros(len(at), dtype=np.int64)
        block = self.ledger.add_messages("web", 0, sent_at, zeros - 1, zeros, zeros.astype(bool))
        self.line.add(np.arange(block.first, block.end), sent_at)
        self.line.release(2**62)

    def rows(self, until_at: int = 12 * HOUR) -> Rows:
        """Rows of a run of that length [us]; the books of the line are checked."""
        self.clock.run_until(until_at)
        left = self.line.finish_run()
        line = self.line
        assert line.arrived == line.deleted + line.moved_out + line.dropped + sum(left.values())
        self._recorder.flush()
        return self._sink.rows()


def seconds(instants: Any) -> list[float]:
    """Instants [us] in seconds, ascending."""
    return sorted(float(at) / SECOND for at in instants)
