"""Executions of workflows as values: the execution, and the paths of states that run in it."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from simulator.aws.step_functions.distributed_map import MapRun
from simulator.aws.step_functions.history import History
from simulator.aws.step_functions.rates import TransitionBucket
from simulator.aws.step_functions.retries import Retries
from simulator.aws.step_functions.states import Data, Machine, State
from simulator.processes.draws import CallDurations
from simulator.processes.lines import Event, Run
from simulator.processes.task_calls import TaskCall
from simulator.recording.tables import Limit
from simulator.sampling.streams import mix, name_key

TIMED_OUT: Final = "States.Timeout"
TOO_LONG: Final = "the execution ran too long"
HISTORY_FULL: Final = "the history is full"
"""As the one before it no error of the language: nothing catches it, the execution has failed."""


class Execution(Event):
    """One execution: its copy, its root path, and who is told of its end.

    Attributes
    ----------
    error : str
        What it failed with; "" while it has not.
    told : callable, optional
        Told the error, "" of success, of an execution that another one waits for.
    """

    __slots__ = ("error", "root", "run", "told")

    root: "Path"
    run: Run

    def __init__(self, copy: int, accepted_at: int) -> None:
        super().__init__(copy, accepted_at)
        self.error = ""
        self.told: Callable[[str], None] | None = None


class Job(NamedTuple):
    """What a path wants of workers until its ``turn`` is over; ``done`` is told of its end."""

    path: "Path"
    turn: int
    lasts_us: int
    done: "Callable[[Job], None]"
    key: int = 0


class Workers(Protocol):
    """Who polls a task list."""

    def put(self, job: Job) -> None:
        """A job for the list, now."""


class Decider(NamedTuple):
    """Workers who decide, and how long decisions take [us]."""

    crew: Workers
    lasts: CallDurations


class Pace(NamedTuple):
    """How fast an execution goes.

    Attributes
    ----------
    bucket : TransitionBucket, optional
        Tokens of the account for transitions; None: there is no such quota.
    start : CallDurations
        From the start of an execution until its first state begins [us].
    between : CallDurations
        From the end of a state until the next one begins, the call of a function included [us].
    decider : Decider, optional
        Of SWF: who decides on every state.
    express : bool
        Its transitions are not charged for, its time is.
    """

    bucket: TransitionBucket | None
    start: CallDurations
    between: CallDurations
    decider: "Decider | None" = None
    express: bool = False


class Path:
    """States that run one after another: the whole, a branch of Parallel, or an iteration of a Map.

    What is put down for later carries ``turn``, which counts its steps: so what comes too late is known.

    Attributes
    ----------
    execution : Execution
        The one in whose row it is.
    history : History
        Shared with the path it is inside of, unless it is a child execution of a distributed Map.
    pace : Pace
        How fast it goes.
    key : int
        Of its draws.
    done : callable
        Told the path and its error, "" of success, when it has ended.
    data : Data, optional
        What goes from state to state, where the machine follows it; ``given`` is what its state was given.
    fan : Fan, optional
        What runs inside its state.
    call : TaskCall, optional
        The call of a function that its task waits for.
    """

    __slots__ = (
        "call", "data", "done", "entered_at", "execution", "fan", "given", "history", "index", "key",
        "machine", "pace", "retries", "state", "tries", "turn", "visits",
    )  # fmt: skip

    state: State

    def __init__(
        self,
        execution: Execution,
        machine: Machine,
        history: History,
        key: int,
        data: Data | None,
        done: "Callable[[Path, str], None]",
        pace: Pace,
        index: int = 0,
    ) -> None:
        self.execution = execution
        self.machine = machine
        self.history = history
        self.key = key
        self.data = data
        self.done = done
        self.pace = pace
        self.index = index
        self.given: Any = None
        self.visits: dict[str, int] = {}
        self.turn = self.tries = self.entered_at = 0
        self.retries: Retries | None = None
        self.fan: Fan | None = None
        self.call: TaskCall | None = None

    def entry_key(self, state_key: int) -> int:
        """Key of the draws of this entry of its state, whose name has *state_key*."""
        return mix(self.key, state_key, self.visits[self.state.name])


class Fan:
    """Paths that run inside a state.

    Attributes
    ----------
    running : dict
        By index; ``left`` have not ended in success yet, ``next`` is the index of the next to begin.
    results : list
        Their outputs, where data is followed.
    items : list, optional
        What iterations are given, where data is followed.
    run : MapRun, optional
        Of a distributed Map: its batches begin at the items ``firsts``, its next child at ``starts_at``.
    held_by : Limit
        What keeps more from beginning.
    """

    __slots__ = ("firsts", "held_by", "items", "left", "next", "results", "run", "running", "starts_at")

    def __init__(self, count: int, items: list[Any] | None = None) -> None:
        self.left = count
        self.next = 0
        self.items = items
        self.results: list[Any] = [None] * (count if items is not None else 0)
        self.running: dict[int, Path] = {}
        self.run: MapRun | None = None
        self.firsts: list[int] = []
        self.starts_at = -1
        self.held_by = Limit.ARRIVALS


def state_keys(machine: Machine) -> dict[str, int]:
    """Give the part of keys that tells each state from the others."""
    return {state.name: name_key(f"state/{state.name}") for state in machine.whole()}
