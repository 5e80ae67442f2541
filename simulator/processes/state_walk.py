"""How an execution goes from state to state: transitions, tries, retries, catchers, ends."""

from collections.abc import Callable, Mapping
from typing import Any

from simulator.aws.step_functions.history import DECISION, entered, exited
from simulator.aws.step_functions.retries import Retries
from simulator.aws.step_functions.states import (
    Choice,
    Data,
    DataError,
    Fail,
    Map,
    Parallel,
    State,
    Task,
    Wait,
)
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.draws import CallDurations
from simulator.processes.executions import HISTORY_FULL, Job, Path
from simulator.processes.fans import Fans
from simulator.processes.workflow_figures import WorkflowFigures
from simulator.processes.workflow_tasks import Tasks
from simulator.recording.tables import Limit
from simulator.sampling.streams import mix, uniform_one


class StateWalk:
    """Takes the paths of one workflow through their states.

    Parameters
    ----------
    keys : mapping
        Of each state, by its name.
    choice_key, jitter_key : int
        Streams of choices by share, and of retries with jitter.
    """

    def __init__(
        self,
        clock: Clock,
        figures: WorkflowFigures,
        keys: Mapping[str, int],
        tasks: Tasks,
        fans: Fans,
        *,
        choice_key: int,
        jitter_key: int,
    ) -> None:
        self._clock = clock
        self._figures = figures
        self._keys = keys
        self._tasks = tasks
        self._fans = fans
        self._choice_key = choice_key
        self._jitter_key = jitter_key
        self._do: dict[type[State], Callable[[Path, Any], None]] = {
            Task: self._task,
            Choice: self._choose,
            Wait: self._wait,
            Parallel: fans.branch,
            Map: fans.iterate,
            Fail: self._fail,
        }
        tasks.join(self.left, self.failed)
        fans.join(self)

    # -- into a state ----------------------------------------------------------------------------------

    def begin(self, path: Path, *, child: bool = False) -> None:
        """A path begins: an execution, or what runs inside a state; *child*: an execution as well."""
        whole = child or path.execution.root is path
        self._enter(path, path.machine.start, path.pace.start if whole else path.pace.between)

    def _enter(self, path: Path, name: str, latency: CallDurations) -> None:
        now = self._clock.now
        path.state = state = path.machine.states[name]
        path.visits[name] = path.visits.get(name, 0) + 1
        path.tries = 0
        path.entered_at = now
        retriers = getattr(state, "retriers", ())
        path.retries = Retries(retriers) if retriers else None
        self._figures.states[name].enter(now)
        self._transit(path, latency)

    def _transit(self, path: Path, latency: CallDurations) -> None:
        """One transition: it waits for a token, then takes its time."""
        now, bucket = self._clock.now, path.pace.bucket
        path.turn += 1
        if (decider := path.pace.decider) is not None:
            decider.crew.put(Job(path, path.turn, decider.lasts.next(), self._decided))
            return
        if bucket is None:
            self._clock.at(now + latency.next(), COMPLETIONS, self._arrive, (path, path.turn))
            return
        at = bucket.enter(now)
        if at > now:
            self._figures.throttled.add(now)
            self._figures.hold(now, Limit.TRANSITIONS)
            self._clock.at(at, COMPLETIONS, self._let_go, (path, path.turn, latency))
        else:
            self._clock.at(now + latency.next(), COMPLETIONS, self._arrive, (path, path.turn))

    def _decided(self, job: Job) -> None:
        if job.path.turn == job.turn and not job.path.history.write(DECISION):
            self.end(job.path, HISTORY_FULL)
        self._arrive((job.path, job.turn))

    def _let_go(self, waiting: tuple[Path, int, CallDurations]) -> None:
        path, turn, latency = waiting
        now = self._clock.now
        self._figures.hold(now, Limit.TRANSITIONS, -1)
        if path.turn == turn:
            self._clock.at(now + latency.next(), COMPLETIONS, self._arrive, (path, turn))

    def _arrive(self, coming: tuple[Path, int]) -> None:
        path, turn = coming
        if path.turn != turn:
            return
        self._figures.transitions.add(self._clock.now)
        if path.pace.express:
            self._figures.express_transitions.add(self._clock.now)
        state = path.state
        if not path.tries and not path.history.write(entered(state)):
            self.end(path, HISTORY_FULL)
            return
        path.tries += 1
        if path.execution.root is path and path.execution.run.began_at < 0:
            path.execution.run.began_at = self._clock.now
        try:
            flow = state.flow
            if path.data is not None and not isinstance(state, Choice):
                path.given = path.data.document if flow is None else flow.enter(path.data)
            self._do.get(type(state), self._pass)(path, state)
        except DataError as problem:
            self.failed(path, problem.error)

    # -- what states do --------------------------------------------------------------------------------

    def _pass(self, path: Path, _: State) -> None:
        self.left(path, path.given)

    def _fail(self, path: Path, state: Fail) -> None:
        self.failed(path, state.error or "States.TaskFailed")

    def _choose(self, path: Path, state: Choice) -> None:
        if state.shares:
            chance = uniform_one(self._choice_key, path.entry_key(self._keys[state.name]))
            self._leave(path, state.chosen(chance))
            return
        assert path.data is not None
        chosen, path.data = state.decided(path.data)
        self._leave(path, chosen)

    def _wait(self, path: Path, state: Wait) -> None:
        wait_us = state.waits_us(path.data, path.given)
        self._clock.at(self._clock.now + wait_us, COMPLETIONS, self._waited, (path, path.turn))

    def _waited(self, waiting: tuple[Path, int]) -> None:
        path, turn = waiting
        if path.turn == turn:
            self.left(path, path.given)

    def _task(self, path: Path, state: Task) -> None:
        self._tasks.begin(path, state, path.entry_key(self._keys[state.name]))

    # -- out of a state --------------------------------------------------------------------------------

    def left(self, path: Path, result: Any) -> None:
        """The state of a path is done, with *result*."""
        state = path.state
        if path.data is not None:
            try:
                flow = state.flow
                path.data = (
                    Data(result, path.data.variables)
                    if flow is None
                    else flow.leave(path.data, path.given, result)
                )
            except DataError as problem:
                self.failed(path, problem.error)
                return
        self._leave(path, state.next)

    def _leave(self, path: Path, following: str | None) -> None:
        if not path.history.write(exited(path.state)):
            self.end(path, HISTORY_FULL)
            return
        now = self._clock.now
        self._figures.states[path.state.name].leave(now, path.entered_at)
        if following is None:
            path.turn += 1
            path.done(path, "")
        else:
            self._enter(path, following, path.pace.between)

    def failed(self, path: Path, error: str) -> None:
        """The state of a path has failed: it is tried again, caught, or fails the path."""
        path.turn += 1
        now, state = self._clock.now, path.state
        figures = self._figures.states[state.name]
        if error == HISTORY_FULL:
            self.end(path, error)
            return
        if path.retries is not None:
            key = mix(path.entry_key(self._keys[state.name]), path.tries)
            wait_us = path.retries.wait_us(error, uniform_one(self._jitter_key, key))
            if wait_us is not None:
                figures.retries.add(now)
                self._clock.at(now + wait_us, COMPLETIONS, self._again, (path, path.turn))
                return
        figures.failures.add(now)
        for catcher in getattr(state, "catchers", ()):
            if catcher.catches(error):
                self._caught(path, catcher.flow, catcher.next, error)
                return
        self.end(path, error)

    def _again(self, waiting: tuple[Path, int]) -> None:
        path, turn = waiting
        if path.turn == turn:
            self._transit(path, path.pace.between)

    def _caught(self, path: Path, flow: Any, following: str, error: str) -> None:
        self._tasks.give_up(path)
        if path.data is not None:
            told = {"Error": error, "Cause": ""}
            try:
                path.data = (
                    Data(told, path.data.variables)
                    if flow is None
                    else flow.leave(path.data, path.data.document, told)
                )
            except DataError as problem:
                self.end(path, problem.error)
                return
        self._leave(path, following)

    def end(self, path: Path, error: str) -> None:
        """A path ends in the middle of its state, with *error*."""
        self.stop(path)
        path.done(path, error)

    def finish_run(self, path: Path) -> None:
        """The run ends while a path is under way."""
        self._tasks.finish_run(path)

    def stop(self, path: Path) -> None:
        """Stop a path and all that runs inside it; nobody is told."""
        path.turn += 1
        self._figures.states[path.state.name].leave(self._clock.now, path.entered_at)
        self._tasks.give_up(path)
        if path.fan is not None:
            self._fans.stop(path)
