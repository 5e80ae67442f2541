"""What tasks of workflows do: call functions, send, start workflows, wait for workers and task tokens."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from simulator.aws.step_functions.history import of_try
from simulator.aws.step_functions.states import NEVER_US, Task
from simulator.processes.clock import COMPLETIONS, SENDS, Clock
from simulator.processes.executions import HISTORY_FULL, TIMED_OUT, Job, Path
from simulator.processes.task_calls import TaskCall, TaskCalls
from simulator.processes.task_sends import TaskSend
from simulator.processes.task_workers import Crew
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import mix, uniform_one

_HEARTBEAT = "States.HeartbeatTimeout"


class Starts(Protocol):
    """A workflow whose executions others wait for."""

    def tell(self, message: int, told: Callable[[str], None]) -> None:
        """Tell how the execution that *message* starts ends: its error, "" of success."""


class Met(NamedTuple):
    """What one task meets.

    Attributes
    ----------
    call : TaskCalls, optional
        The function that it calls.
    send : TaskSend, optional
        What it sends: for a function, the message that the function is called with.
    starts : Starts, optional
        The workflow that it starts.
    crew : Crew, optional
        Workers of an activity.
    work, work_key : Distribution, int
        How long a service or a worker takes [us], and its stream.
    answer, answer_key : Distribution, int
        From the call until the token comes back [us]; None: never.
    unanswered : float
        Share of tokens that never come back.
    heartbeats_us : int, optional
        How often whoever holds the token sends one; None: never [us].
    failures, failure_key : mapping of str to float, int
        Errors with their shares.
    result : callable
        What it answers, by the key of the entry; asked where data is followed.
    """

    call: TaskCalls | None
    send: TaskSend | None
    starts: "Starts | None"
    crew: Crew | None
    work: Distribution | None
    work_key: int
    answer: Distribution | None
    answer_key: int
    unanswered: float
    heartbeats_us: int | None
    failures: Mapping[str, float]
    failure_key: int
    result: Callable[[int], Any]

    def error_of(self, key: int) -> str:
        """The error that the try of *key* fails with; "" if it does not."""
        if not self.failures:
            return ""
        chance = uniform_one(self.failure_key, key)
        for error, share in self.failures.items():
            if chance < share:
                return error
            chance -= share
        return ""


class Tasks:
    """The tasks of one workflow, by the names of their states."""

    def __init__(self, clock: Clock, met: Mapping[str, Met]) -> None:
        self._clock = clock
        self._met = met

    def join(self, left: Callable[[Path, Any], None], failed: Callable[[Path, str], None]) -> None:
        """Say who is told that a task is done, or has failed."""
        self._left = left
        self._failed = failed

    def begin(self, path: Path, state: Task, key: int) -> None:
        """Begin a try of a task; *key* is that of its entry."""
        if not path.history.write(of_try(state.call)):
            self._failed(path, HISTORY_FULL)
            return
        met, turn, now = self._met[state.name], path.turn, self._clock.now
        if state.timeout_us < NEVER_US:
            # after all completions: what ends at that very instant is in time
            self._clock.at(now + state.timeout_us, SENDS, self._time_out, (path, turn, TIMED_OUT))
        again = mix(key, path.tries)
        if state.call.kind == "function":
            self._call(path, state, met, key)
        elif met.crew is not None:
            self._listen(path, state, met)
            met.crew.put(Job(path, turn, self._drawn(met.work, met.work_key, again), self._worked, again))
        elif error := ("" if met.send is None else met.error_of(again)):
            self._failed(path, error)
        elif state.call.pattern == "callback":
            self._hand_out(path, state, met, again)
            if met.send is not None:
                met.send.say(self._clock.now, path.execution.copy, again)
        elif met.send is not None:
            self._send(path, state, met, again)
        else:
            took_us = self._drawn(met.work, met.work_key, again)
            self._clock.at(now + took_us, COMPLETIONS, self._worked, Job(path, turn, 0, self._worked, again))

    @staticmethod
    def _drawn(distribution: Distribution | None, stream_key: int, key: int) -> int:
        assert distribution is not None, "a scenario without it has a finding"
        return int(draw(distribution, stream_key, np.array([key], dtype=np.uint64))[0])

    def _worked(self, job: Job) -> None:
        path = job.path
        if path.turn == job.turn:
            self._done(path, self._met[path.state.name].error_of(job.key))

    def _time_out(self, late: tuple[Path, int, str]) -> None:
        path, turn, error = late
        if path.turn == turn:
            self._failed(path, error)

    def _done(self, path: Path, error: str) -> None:
        """The try that a path waits for has ended."""
        if error:
            self._failed(path, error)
        else:
            self._over(path)
            result = (
                None if path.data is None else self._met[path.state.name].result(path.entry_key(path.tries))
            )
            self._left(path, result)

    # -- sends, task tokens ----------------------------------------------------------------------------

    def _send(self, path: Path, state: Task, met: Met, again: int) -> None:
        """Send, and go on when that is accepted; `sync`: when the execution that it starts has ended."""
        turn, send = path.turn, met.send
        assert send is not None

        def told(error: str) -> None:
            if path.turn == turn:
                self._done(path, "States.TaskFailed" if error else "")

        waits = met.starts is not None and state.call.pattern == "sync"
        message = send.say(self._clock.now, path.execution.copy, again, None if waits else told)
        if waits:
            assert met.starts is not None
            met.starts.tell(message, told)

    def _hand_out(self, path: Path, state: Task, met: Met, again: int) -> None:
        """Somebody has the task's token: it comes back some time, or never."""
        never = met.answer is None or uniform_one(met.failure_key, mix(again, 1)) < met.unanswered
        if not never:
            after_us = self._drawn(met.answer, met.answer_key, again)
            job = Job(path, path.turn, 0, self._worked, again)
            self._clock.at(self._clock.now + after_us, COMPLETIONS, self._worked, job)
        self._listen(path, state, met, silent=never)

    def _listen(self, path: Path, state: Task, met: Met, *, silent: bool = False) -> None:
        """Without heartbeats in time, a task that asks for them fails."""
        if state.heartbeat_us is None:
            return
        if silent or met.heartbeats_us is None or met.heartbeats_us > state.heartbeat_us:
            at = self._clock.now + state.heartbeat_us
            self._clock.at(at, SENDS, self._time_out, (path, path.turn, _HEARTBEAT))

    # -- functions -------------------------------------------------------------------------------------

    def _call(self, path: Path, state: Task, met: Met, key: int) -> None:
        calls, turn = met.call, path.turn
        assert calls is not None and met.send is not None

        def answered(error: str) -> None:
            if path.turn == turn:
                if not error and state.call.pattern == "callback":
                    return  # its token comes back when it does
                self._done(path, error)

        if state.call.pattern == "callback":
            self._hand_out(path, state, met, mix(key, path.tries))
        call = path.call
        if call is None:
            message = met.send.say(self._clock.now, path.execution.copy, key)
            path.call = call = TaskCall(
                message, self._clock.now, answered, lambda run: met.error_of(mix(key, run))
            )
            calls.call(call)
        elif calls.works_on(call):
            calls.leave(call)
            path.call = calls.call_beside(call, answered)
        else:
            call.answer = answered
            calls.call(call)

    def give_up(self, path: Path) -> None:
        """A path leaves its state, or is stopped: nobody waits for its call, or wants its worker."""
        call = path.call
        if call is not None:
            calls = self._met[path.state.name].call
            assert calls is not None
            calls.leave(call)
            self._over(path)

    def _over(self, path: Path) -> None:
        """The task of a path calls no more."""
        call, path.call = path.call, None
        if call is not None:
            send = self._met[path.state.name].send
            assert send is not None
            send.over(call.message, len(call.copies))

    def finish_run(self, path: Path) -> None:
        """The run ends while a path, and what runs inside it, is in its state."""
        self._over(path)
        for inside in () if path.fan is None else path.fan.running.values():
            self.finish_run(inside)
