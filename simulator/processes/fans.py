"""What runs inside a state: branches of Parallel, iterations of a Map, children of a distributed one."""

import json
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

from simulator.aws.step_functions.distributed_map import MapRun, at_once, batches
from simulator.aws.step_functions.history import ITERATION, History
from simulator.aws.step_functions.states import Data, DataError, Machine, Map, Parallel
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.executions import HISTORY_FULL, Fan, Pace, Path
from simulator.processes.workflow_figures import WorkflowFigures
from simulator.recording.tables import Limit
from simulator.sampling.streams import mix, uniform_one

_TOLERATED = "States.ExceedToleratedFailureThreshold"


class Walker(Protocol):
    """What takes paths through their states."""

    def begin(self, path: Path, *, child: bool = False) -> None:
        """A path begins."""

    def left(self, path: Path, result: Any) -> None:
        """The state of a path is done."""

    def failed(self, path: Path, error: str) -> None:
        """The state of a path has failed."""

    def stop(self, path: Path) -> None:
        """Stop a path and what runs inside it."""


class MapLimits(NamedTuple):
    """What the service allows of a Map: iterations at once, children started a second."""

    inline: int
    distributed: int
    standard_per_s: int
    express_per_s: int


class Fans:
    """Begins, counts and stops what runs inside the states of one workflow.

    Parameters
    ----------
    keys : mapping
        Of each state, by its name.
    count_key : int
        Stream of the numbers of items.
    child_paces : mapping
        Of the children of a distributed Map, by whether they are Express.
    most_events : int
        Of the history of a Standard child.
    """

    _walk: Walker

    def __init__(
        self,
        clock: Clock,
        figures: WorkflowFigures,
        keys: Mapping[str, int],
        count_key: int,
        child_paces: Mapping[bool, Pace],
        limits: MapLimits,
        most_events: int,
    ) -> None:
        self._clock = clock
        self._figures = figures
        self._keys = keys
        self._count_key = count_key
        self._child_paces = child_paces
        self._limits = limits
        self._most_events = most_events

    def join(self, walk: Walker) -> None:
        """Say what takes the paths through their states."""
        self._walk = walk

    def _inside(
        self,
        path: Path,
        machine: Machine,
        index: int,
        data: Data | None,
        done: Callable[[Path, str], None],
        *,
        history: History | None = None,
        pace: Pace | None = None,
    ) -> Path:
        key = mix(path.entry_key(self._keys[path.state.name]), path.tries, index)
        history, pace = history or path.history, pace or path.pace
        return Path(path.execution, machine, history, key, data, done, pace, index)

    # -- Parallel --------------------------------------------------------------------------------------

    def branch(self, path: Path, state: Parallel) -> None:
        """Begin every branch of a Parallel."""
        followed = path.data is not None
        path.fan = fan = Fan(len(state.branches), [] if followed else None)
        for index, machine in enumerate(state.branches):
            data = None if path.data is None else Data(path.given, path.data.variables)
            inside = self._inside(
                path, machine, index, data, lambda one, error: self._ended(path, one, error)
            )
            fan.running[index] = inside
        for inside in fan.running.values():
            self._walk.begin(inside)

    # -- Map -------------------------------------------------------------------------------------------

    def iterate(self, path: Path, state: Map) -> None:
        """Begin the iterations of a Map, or its run. Raises `DataError`."""
        items = None
        if state.counts:
            chance = uniform_one(self._count_key, path.entry_key(self._keys[state.name]))
            count = state.count(chance)
            if path.data is not None:
                items = [path.given] * count
        else:
            assert path.data is not None
            items = state.found(path.data, path.given)
            count = len(items)
        if state.distributed:
            self._distribute(path, state, count, items)
            return
        path.fan = fan = Fan(count, items)
        if not count:
            self._over(path, fan)
            return
        self._fill(path, state, fan, at_once(state, self._limits.inline))

    def _fill(self, path: Path, state: Map, fan: Fan, most: int) -> None:
        """Begin iterations while fewer run than may at once."""
        while len(fan.running) < most and len(fan.running) < fan.left:
            if not path.history.write(ITERATION):
                self._walk.failed(path, HISTORY_FULL)
                return
            index, fan.next = fan.next, fan.next + 1
            try:
                data = self.data_of(path, state, fan.items, index)
            except DataError as problem:
                self._give_up(path, problem)
                return
            inside = fan.running[index] = self._inside(
                path, state.processor, index, data,
                lambda one, error: self._iterated(path, state, fan, most, one, error),
            )  # fmt: skip
            self._walk.begin(inside)
        self._hold(fan, Limit.MAP_CONCURRENCY if len(fan.running) < fan.left else Limit.ARRIVALS)

    def _give_up(self, path: Path, problem: DataError) -> None:
        """The data of an item do not fit: the state fails, and what runs inside it ends."""
        self.stop(path)
        self._walk.failed(path, problem.error)

    def _hold(self, fan: Fan, limit: Limit) -> None:
        """What keeps more from beginning inside a state; ARRIVALS: nothing."""
        if limit is not fan.held_by:
            now = self._clock.now
            if fan.held_by is not Limit.ARRIVALS:
                self._figures.hold(now, fan.held_by, -1)
            if limit is not Limit.ARRIVALS:
                self._figures.hold(now, limit)
            fan.held_by = limit

    @staticmethod
    def data_of(path: Path, state: Map, items: list[Any] | None, index: int) -> Data | None:
        """What iteration number *index* begins with."""
        if path.data is None or items is None:
            return None
        return state.iteration(path.data, path.given, index, items[index])

    def _iterated(self, path: Path, state: Map, fan: Fan, most: int, inside: Path, error: str) -> None:
        self._ended(path, inside, error)
        if path.fan is fan and not error:
            self._fill(path, state, fan, most)

    def _ended(self, path: Path, inside: Path, error: str) -> None:
        """What ran inside has ended; one that failed stops the others and fails the state."""
        fan = path.fan
        if fan is None or fan.running.get(inside.index) is not inside:
            return
        del fan.running[inside.index]
        if error:
            self.stop(path)
            self._walk.failed(path, error)
            return
        fan.left -= 1
        if fan.results:
            assert inside.data is not None
            fan.results[inside.index] = inside.data.document
        if not fan.left:
            self._over(path, fan)

    def _over(self, path: Path, fan: Fan) -> None:
        path.fan = None
        self._hold(fan, Limit.ARRIVALS)
        self._walk.left(path, fan.results)

    def stop(self, path: Path) -> None:
        """Stop what runs inside the state of a path."""
        fan, path.fan = path.fan, None
        if fan is not None:
            self._hold(fan, Limit.ARRIVALS)
            for inside in fan.running.values():
                self._walk.stop(inside)
            if fan.run is not None:
                self._count(-len(fan.running))
            fan.running.clear()

    # -- distributed Map -------------------------------------------------------------------------------

    def _distribute(self, path: Path, state: Map, count: int, items: list[Any] | None) -> None:
        """Begin a Map Run: its children are executions of their own."""
        if items is None or state.counts:
            sizes = [state.item_bytes] * count
        else:
            sizes = [len(json.dumps(item).encode()) for item in items]
        of_batches = batches(sizes, state.batching)
        path.fan = fan = Fan(len(of_batches), items)
        fan.firsts = [0, *accumulate(of_batches)]
        limits = self._limits
        fan.run = MapRun(
            of_batches,
            rate_per_s=limits.express_per_s if state.express else limits.standard_per_s,
            concurrency=at_once(state, limits.distributed),
            tolerated_items=state.tolerated_items,
            tolerated_share=state.tolerated_share,
        )
        if count:
            self._start((path, state, fan))
        else:
            self._over(path, fan)

    def _start(self, what: tuple[Path, Map, Fan]) -> None:
        """Start the children that may start now, and look again when the next one may."""
        path, state, fan = what
        run, now = fan.run, self._clock.now
        if path.fan is not fan or run is None:
            return
        while (at := run.next_at(now)) is not None and at <= now:
            try:
                self._child(path, state, fan, run.start(now))
            except DataError as problem:
                self._give_up(path, problem)
                return
        if at is None:
            more = run.started < len(fan.firsts) - 1
            self._hold(fan, Limit.MAP_CONCURRENCY if more else Limit.ARRIVALS)
            return
        self._hold(fan, Limit.MAP_START_RATE)
        if at > fan.starts_at:
            fan.starts_at = at
            self._clock.at(at, COMPLETIONS, self._start, what)

    def _child(self, path: Path, state: Map, fan: Fan, index: int) -> None:
        data = None
        if path.data is not None and fan.items is not None:
            first, end = fan.firsts[index : index + 2]
            given = [state.iteration(path.data, path.given, i, fan.items[i]) for i in range(first, end)]
            document = {"Items": [one.document for one in given]} if state.batching else given[0].document
            data = Data(document)  # a child has none of its parent's variables
        history = History(None if state.express else self._most_events)

        def done(one: Path, error: str) -> None:
            if state.express:
                self._figures.express_children.add(self._clock.now)
                self._figures.express_us.add(self._clock.now, self._clock.now - began_at)
            self._child_ended(path, state, fan, one, error)

        began_at = self._clock.now
        pace = self._child_paces[state.express]
        child = self._inside(path, state.processor, index, data, done, history=history, pace=pace)
        fan.running[index] = child
        self._count(1)
        self._walk.begin(child, child=True)

    def _child_ended(self, path: Path, state: Map, fan: Fan, child: Path, error: str) -> None:
        run = fan.run
        if path.fan is not fan or run is None or fan.running.pop(child.index, None) is None:
            return
        self._count(-1)
        run.ended(child.index, failed=bool(error))
        if fan.results and child.data is not None:
            fan.results[child.index] = child.data.document
        if run.failed:
            self.stop(path)
            self._walk.failed(path, _TOLERATED)
        elif run.over:
            self._over(path, fan)
        else:
            self._start((path, state, fan))

    def _count(self, more: int) -> None:
        self._figures.children.set(self._clock.now, self._figures.children.value + more)
