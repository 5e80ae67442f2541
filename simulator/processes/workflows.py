"""Workflows of Step Functions: executions that are started, run and end.

In the rows a workflow is a line: an execution is a copy, its run from the first state on a delivery of it.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.aws.quotas import TokenBucket
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.step_functions.history import History
from simulator.aws.step_functions.states import Data, Machine
from simulator.processes.children import Child
from simulator.processes.clock import SENDS, Clock
from simulator.processes.executions import HISTORY_FULL, TOO_LONG, Execution, Pace, Path
from simulator.processes.fed_lines import FedLine
from simulator.processes.gauges import Gauge
from simulator.processes.ledger import Block, Ledger
from simulator.processes.lines import Event, Run
from simulator.processes.senders import Outgoing
from simulator.processes.state_walk import StateWalk
from simulator.processes.workflow_figures import WorkflowFigures
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Cause, Fate, Limit


class Workflow(FedLine):
    """Executions of one state machine.

    Parameters
    ----------
    machine : Machine
        What is run.
    pace : Pace
        How fast transitions are.
    starts : TokenBucket, optional
        The account's quota of StartExecution; who is no caller waits for a token in line.
    most_events : int, optional
        Of an execution's history; None: any number.
    lasts_us : int
        An execution that runs longer fails with States.Timeout [us].
    document : callable
        What an execution begins with, by producer, combination and key of its message, where data is
        followed.
    latest_at : int
        When the run ends at the latest [us].
    """

    figures: WorkflowFigures

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        recorder: Recorder,
        thing: int,
        machine: Machine,
        pace: Pace,
        starts: TokenBucket | None,
        *,
        most_events: int | None,
        lasts_us: int,
        document: Callable[[str, int, int], Any],
        latest_at: int,
    ) -> None:
        super().__init__(clock, ledger, recorder, thing)
        self.machine = machine
        self._pace = pace
        self._starts = starts
        self._most_events = most_events
        self._lasts_us = lasts_us
        self._document = document
        self._latest_at = latest_at
        self._held: deque[Execution] = deque()  # they wait for tokens
        self._told: dict[int, Callable[[str], None]] = {}  # who waits for the end, by message

    @property
    def limit_gauge(self) -> Gauge:
        """What keeps it from going on."""
        return self._limit_gauge

    def go_by(self, walk: StateWalk, figures: WorkflowFigures) -> None:
        """Say what takes executions through their states, once, before the run."""
        self._walk = walk
        self.figures = figures

    # -- starts ----------------------------------------------------------------------------------------

    def call(self, now: int, message: int) -> bool:
        """StartExecution by somebody who waits for its answer; False: throttled."""
        if self._starts is not None and (self._held or not self._starts.take(now)):
            self.figures.refused.add(now)
            return False
        copy = self._ledger.add_copy(message, now)
        self.arrived += 1
        execution = self._open[copy] = Execution(copy, now)
        self._start(execution)
        return True

    def tell(self, message: int, told: Callable[[str], None]) -> None:
        """Tell how the execution that *message* starts ends: its error, "" of success."""
        self._told[message] = told

    def start(self, message: int) -> None:
        """Start an execution for *message*, now, or as soon as there is a token."""
        self._accept(self._clock.now, message)

    def _begin(self, copy: int, now: int) -> None:
        execution = Execution(copy, now)
        self._open[copy] = execution
        self._held.append(execution)
        if len(self._held) == 1:
            self._let_in(None)

    def _let_in(self, _: object) -> None:
        """Start what waits, as far as there are tokens."""
        now, starts, held = self._clock.now, self._starts, self._held
        while held and (starts is None or starts.take(now)):
            self._start(held.popleft())
        if held and starts is not None:
            self._clock.at(starts.next_at(now), SENDS, self._let_in)
        self._hold_starts(now)

    def _hold_starts(self, now: int) -> None:
        held = bool(self._held)
        if held is not self._holds:
            self._holds = held
            self.figures.hold(now, Limit.STARTS, 1 if held else -1)

    _holds = False

    # -- executions ------------------------------------------------------------------------------------

    def _start(self, execution: Execution) -> None:
        now, copy = self._clock.now, execution.copy
        message = self._ledger.message_of[copy]
        block = self._ledger.block_of(message)
        key = block.key_of(message)
        receipt = Receipt([copy], now, NEVER, now, [execution.accepted_at], {}, [])
        run = execution.run = Run(receipt, execution)
        if self._stories.following:
            run.causes = self._stories.given_again(receipt)
        self._running[copy] = run
        self.figures.executions.set(now, len(self._running))
        data = None
        if self.machine.follows_data:
            data = Data(self._document(block.producer, int(block.attributes[message - block.first]), key))
        history = History(self._most_events)
        path = execution.root = Path(execution, self.machine, history, key, data, self._over, self._pace)
        if now + self._lasts_us < self._latest_at:
            self._clock.at(now + self._lasts_us, SENDS, self._time_out, path)
        self._walk.begin(path)

    def _time_out(self, path: Path) -> None:
        if path.execution.copy in self._running:
            self._walk.end(path, TOO_LONG)

    def _over(self, path: Path, error: str) -> None:
        """An execution has ended, with *error* or in success."""
        execution = path.execution
        execution.error = error
        run, now = execution.run, self._clock.now
        run.over_at = now
        if run.began_at < 0:
            run.began_at = now  # timed out before its first state
        if error:
            run.failed = run.copies
        told = self._told.pop(self._ledger.message_of[execution.copy], None)
        self._end(run)
        self.figures.executions.set(now, len(self._running))
        if told is not None:
            told(error)

    def _succeeded(self, batch: Run) -> None:
        self._delete(batch)

    def _failed(self, event: Event, cause: Cause) -> None:
        assert isinstance(event, Execution)
        causes = {TOO_LONG: Cause.EXECUTION_TIMED_OUT, HISTORY_FULL: Cause.HISTORY_FULL}
        self._close(event, Fate.DROPPED, causes.get(event.error, Cause.EXECUTION_FAILED))

    def finish_run(self) -> dict[Fate, int]:
        """Write down every execution that has not ended; how many in which state."""
        self.figures.close(self._clock.now)
        for run in self._running.values():
            assert isinstance(run.event, Execution)
            self._walk.finish_run(run.event.root)
        return super().finish_run()


class StartCalls:
    """StartExecution calls of a producer, which are refused beyond the account's quota."""

    quota = True  # it lives on the run's clock

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        """Start an execution for each; those that were throttled."""
        refused = []
        for one in batch:
            if self._workflow.call(now, one.message):
                one.accept(now, 1, stored=True)
            else:
                refused.append(one)
        return refused

    def hand_over(self) -> None:
        """Executions have begun already."""


class StartTarget:
    """The way of a service that starts executions: what is throttled is started as soon as it can be."""

    def __init__(self, workflow: Workflow, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.release = workflow.release
        self.under_way = workflow.under_way
        self.add = workflow.add

    def take(
        self, block: Block, ok: np.ndarray, offered_at: np.ndarray, groups: np.ndarray, keys: np.ndarray
    ) -> np.ndarray:
        """Start an execution for each message that is small enough (*ok*), at the instant offered."""
        chosen = np.flatnonzero(ok)
        self.add(chosen + block.first, offered_at[chosen])
        return ok.astype(np.int16)


class StartWay:
    """Where messages of consumers and tasks go that start executions."""

    def __init__(self, clock: Clock, workflow: Workflow) -> None:
        self._clock = clock
        self._workflow = workflow

    def send(self, children: list[Child]) -> None:
        """Start an execution for each, now."""
        for child in children:
            self._workflow.start(child.message)
            child.send.told(child, self._clock.now, 1)


class CallWay:
    """A task's calls of a function: the task makes them, and says in the end how many copies they were."""

    def send(self, children: list[Child]) -> None:
        """The task calls when it has the number of its message."""
