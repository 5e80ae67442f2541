"""Step Functions: a state machine as plain values, whatever language it was written in.

Rules (Amazon States Language; Step Functions guide): a machine begins at its first state; each state names
the one after it, or ends its branch. Names of states are unique in the whole machine, the branches of
Parallel and the processors of Map included, so that what is said about a state elsewhere needs its name only.

Two things are not decided here: how long a task's work takes, and what it answers. Whoever runs the machine
knows them by the name of the state.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from simulator.aws.step_functions.retries import Retrier, matches

NEVER_US: Final = 99_999_999_000_000
"""TimeoutSeconds of a task that states none [us]: three years, longer than any execution."""

Pattern = Literal["request_response", "sync", "callback"]
"""How a task waits: for the answer of the call, until the job is over, until its token comes back."""

Called = Literal["function", "queue", "topic", "workflow", "activity", "service"]


@dataclass(frozen=True, slots=True)
class Data:
    """What an execution carries from state to state: the JSON document, and its variables (Assign)."""

    document: Any
    variables: Mapping[str, Any] = field(default_factory=dict)


class Flow(Protocol):
    """What a state makes of the data that passes through it (InputPath to OutputPath; Output, Assign)."""

    def enter(self, data: Data) -> Any:
        """Give what the state itself is given. Raises `DataError`."""

    def leave(self, data: Data, given: Any, result: Any) -> Data:
        """Give what goes on to the next state: *given* is what `enter` gave, *result* what came of it."""


class Condition(Protocol):
    """One rule of a Choice."""

    def holds(self, data: Data, given: Any) -> bool:
        """Whether it is true of the input. Raises `DataError` where AWS fails the execution."""


class Value(Protocol):
    """A value that is looked up in the data: seconds to wait, items of a Map."""

    def of(self, data: Data, given: Any) -> Any:
        """Give it. Raises `DataError`."""


class DataError(Exception):
    """The data is not what the state needs; ``error`` is the name that Retry and Catch see."""

    def __init__(self, error: str, cause: str) -> None:
        self.error = error
        self.cause = cause
        super().__init__(f"{error}: {cause}")


@dataclass(frozen=True, slots=True)
class Call:
    """What a task calls.

    Parameters
    ----------
    kind : str
        `function`, `queue`, `topic` and `workflow` are things of the scenario; `activity` is worked by
        pollers outside; `service` is anything else, which takes its stated time and has no limit of its own.
    name : str
        The thing's name; for `activity` and `service` what the definition names it by.
    pattern : str
        How the task waits.
    lambda_arn : bool
        The function's own ARN is the resource: the history has the events of LambdaFunction instead of Task.
    """

    kind: Called
    name: str
    pattern: Pattern = "request_response"
    lambda_arn: bool = False


@dataclass(frozen=True, slots=True)
class Catcher:
    """One entry of a state's Catch field: errors, the state that takes over, and what it is given."""

    errors: frozenset[str]
    next: str
    flow: Flow | None = None

    def catches(self, error: str) -> bool:
        """Whether *error* is one of its."""
        return matches(self.errors, error)


@dataclass(frozen=True, slots=True)
class Pass:
    """Does nothing; may change the data."""

    name: str
    next: str | None
    flow: Flow | None = None


@dataclass(frozen=True, slots=True)
class Succeed:
    """Ends its branch, or the execution, in success."""

    name: str
    flow: Flow | None = None
    next: None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Fails its branch, or the execution."""

    name: str
    error: str = ""
    flow: Flow | None = None
    next: None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Waits for ``duration_us`` [us], or for the seconds that ``seconds`` finds in the data."""

    name: str
    next: str | None
    duration_us: int | None = None
    seconds: Value | None = None
    flow: Flow | None = None

    def waits_us(self, data: Data | None, given: Any = None) -> int:
        """Give how long it waits [us]. Raises `DataError`."""
        if self.duration_us is not None:
            return self.duration_us
        assert self.seconds is not None and data is not None
        found = self.seconds.of(data, given)
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 99_999_999:
            raise DataError("States.Runtime", f"{self.name} finds {found!r} where seconds are due")
        return round(found * 1_000_000)


@dataclass(frozen=True, slots=True)
class Task:
    """Calls something and waits as its pattern says.

    ``timeout_us`` is TimeoutSeconds, counted for each try anew; ``heartbeat_us`` is HeartbeatSeconds: a token
    or an activity that is silent for longer has failed with States.HeartbeatTimeout (None: never).
    """

    name: str
    next: str | None
    call: Call
    timeout_us: int = NEVER_US
    heartbeat_us: int | None = None
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()
    flow: Flow | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Goes on with the state of the first rule that holds, or of a stated share.

    ``rules`` are pairs of a condition and the next state, ``default`` the state if none holds (None: the
    execution fails with States.NoChoiceMatched). ``shares`` are given instead of all that: the next states
    with their shares, which add up to 1. ``flows`` are what the data becomes by each rule (Assign, Output of
    JSONata), beside ``rules``.
    """

    name: str
    rules: tuple[tuple[Condition, str], ...] = ()
    default: str | None = None
    shares: tuple[tuple[str, float], ...] = ()
    flow: Flow | None = None
    flows: tuple[Flow | None, ...] = ()
    next: None = None

    def targets(self) -> Iterator[str]:
        """Give every state it may go on with."""
        yield from (state for _, state in self.rules)
        yield from (state for state, _ in self.shares)
        if self.default is not None:
            yield self.default

    def chosen(self, chance: float) -> str:
        """Give the next state by the stated shares; *chance* in [0, 1)."""
        total = 0.0
        for state, share in self.shares:
            total += share
            if chance < total:
                return state
        return next(state for state, share in reversed(self.shares) if share > 0)

    def decided(self, data: Data) -> tuple[str, Data]:
        """Give the next state by the rules, and the data that goes there. Raises `DataError`."""
        given = data.document if self.flow is None else self.flow.enter(data)
        flow, state = self.flow, self.default
        for index, (condition, target) in enumerate(self.rules):
            if condition.holds(data, given):
                flow, state = (self.flows[index] if self.flows else None) or flow, target
                break
        if state is None:
            raise DataError("States.NoChoiceMatched", f"{self.name} has no rule that holds, and no Default")
        return state, (data if flow is None else flow.leave(data, given, given))


@dataclass(frozen=True, slots=True)
class Parallel:
    """Runs its branches at once; its result is the list of theirs. One that fails stops the others."""

    name: str
    next: str | None
    branches: tuple["Machine", ...]
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()
    flow: Flow | None = None


@dataclass(frozen=True, slots=True)
class Batching:
    """ItemBatcher: a batch is closed by what is reached first (None: no such end)."""

    items: int | None = None
    input_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """Runs its processor for each item.

    Parameters
    ----------
    processor : Machine
        What is run for an item, or in distributed mode for a batch of items.
    distributed : bool
        Each batch is an execution of its own, with its own history.
    express : bool
        Children of distributed mode are Express.
    max_concurrency : int
        Iterations at once; 0: as many as the mode allows.
    items : Value, optional
        Where the items are found in the data; None where only ``counts`` are known.
    counts : tuple
        The stated numbers of items with their shares, which add up to 1; empty: they are found in the data.
    item_bytes : int
        Size of an item, for batches by bytes [bytes].
    tolerated_items, tolerated_share : int, float, optional
        Items that may fail, distributed mode only; both stated: the first that is passed fails the Map;
        neither: the first failed item does.
    item_flow : Value, optional
        What an iteration is given of its item (ItemSelector), asked with `Item` as what is given.
    """

    name: str
    next: str | None
    processor: "Machine"
    distributed: bool = False
    express: bool = False
    max_concurrency: int = 0
    items: Value | None = None
    counts: tuple[tuple[int, float], ...] = ()
    item_bytes: int = 1024
    batching: Batching | None = None
    tolerated_items: int | None = None
    tolerated_share: float | None = None
    item_flow: Value | None = None
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()
    flow: Flow | None = None

    def count(self, chance: float) -> int:
        """Give the number of items by the stated counts; *chance* in [0, 1)."""
        total = 0.0
        for items, share in self.counts:
            total += share
            if chance < total:
                return items
        return self.counts[-1][0]

    def found(self, data: Data, given: Any) -> list[Any]:
        """Give the items in the data. Raises `DataError`."""
        value = given if self.items is None else self.items.of(data, given)
        if not isinstance(value, list):
            raise DataError("States.Runtime", f"{self.name} finds no list where its items are due")
        return value

    def iteration(self, data: Data, given: Any, index: int, item: Any = None) -> Data:
        """Give the data that iteration number *index* (from 0) begins with. Raises `DataError`.

        Where items are only counted there is no item, and it begins with what the Map was given.
        """
        if self.counts:
            return Data(given, data.variables)
        document = item if self.item_flow is None else self.item_flow.of(data, Item(given, index, item))
        return Data(document, data.variables)


@dataclass(frozen=True, slots=True)
class Item:
    """What ItemSelector sees: what the Map was given, the number of the item (from 0) and the item."""

    given: Any
    index: int
    value: Any


State = Task | Choice | Wait | Parallel | Map | Pass | Succeed | Fail


@dataclass(frozen=True, slots=True)
class Machine:
    """A state machine, a branch of Parallel or a processor of Map.

    Parameters
    ----------
    start : str
        The first state.
    states : mapping
        States by their names; those of branches and processors stand in their own machines.
    timeout_us : int, optional
        TimeoutSeconds of the whole: then it fails with States.Timeout [us].
    follows_data : bool
        Something depends on the data (a rule of a Choice, the items of a Map, seconds of a Wait): it is
        carried from state to state. Else data is None everywhere, and no `flow` is asked.
    """

    start: str
    states: Mapping[str, State]
    timeout_us: int | None = None
    follows_data: bool = False

    def whole(self) -> Iterator[State]:
        """Give every state, those of branches and processors after the one they are in."""
        for state in self.states.values():
            yield state
            for machine in inner(state):
                yield from machine.whole()


def inner(state: State) -> tuple[Machine, ...]:
    """Give the machines inside a state: branches of Parallel, the processor of Map."""
    if isinstance(state, Parallel):
        return state.branches
    return (state.processor,) if isinstance(state, Map) else ()
