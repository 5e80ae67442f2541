"""What is written down about a workflow: transitions, executions, and how many are in each of its states."""

from collections.abc import Mapping

from simulator.processes.downstream_figures import SecondCount, SecondLevel
from simulator.processes.gauges import Gauge
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Limit, Quantity


class StateFigures:
    """Of one state: entries that ended, retries, how long entries lasted, how many are in it."""

    def __init__(self, recorder: Recorder, thing: int) -> None:
        self.entries = SecondCount(recorder, thing, Quantity.STATE_ENTRIES)
        self.retries = SecondCount(recorder, thing, Quantity.STATE_RETRIES)
        self.failures = SecondCount(recorder, thing, Quantity.STATE_FAILURES)
        self.lasted_us = SecondCount(recorder, thing, Quantity.STATE_US, durations=True)
        self.inside = SecondLevel(recorder, thing, Quantity.IN_STATE)

    def enter(self, now: int) -> None:
        """Something enters it, from the instant on at which the state before was left."""
        self.inside.set(now, self.inside.value + 1)

    def leave(self, now: int, entered_at: int) -> None:
        """What entered it at *entered_at* [us] is out of it."""
        self.inside.set(now, self.inside.value - 1)
        self.entries.add(now)
        self.lasted_us.add(now, now - entered_at)

    def close(self, now: int) -> None:
        """The run ends at *now* [us]."""
        for one in (self.entries, self.retries, self.failures, self.lasted_us, self.inside):
            one.close(now)


class WorkflowFigures:
    """Of one workflow.

    Parameters
    ----------
    states : mapping
        The thing of each state, by its name.
    gauge : Gauge
        What kept it from going on.
    """

    def __init__(self, recorder: Recorder, thing: int, states: Mapping[str, int], gauge: Gauge) -> None:
        self.transitions = SecondCount(recorder, thing, Quantity.TRANSITIONS)
        self.throttled = SecondCount(recorder, thing, Quantity.THROTTLED_TRANSITIONS)
        self.waiting = SecondLevel(recorder, thing, Quantity.WAITING_TRANSITIONS)
        self.executions = SecondLevel(recorder, thing, Quantity.EXECUTIONS)
        self.children = SecondLevel(recorder, thing, Quantity.MAP_CHILDREN)
        self.express_transitions = SecondCount(recorder, thing, Quantity.EXPRESS_TRANSITIONS)
        self.express_children = SecondCount(recorder, thing, Quantity.EXPRESS_CHILDREN)
        self.express_us = SecondCount(recorder, thing, Quantity.EXPRESS_US, durations=True)
        self.refused = SecondCount(recorder, thing, Quantity.REFUSED_STARTS)
        self.states = {name: StateFigures(recorder, number) for name, number in states.items()}
        self._gauge = gauge
        self._held = {
            Limit.TRANSITIONS: 0,
            Limit.STARTS: 0,
            Limit.MAP_START_RATE: 0,
            Limit.MAP_CONCURRENCY: 0,
        }

    def hold(self, now: int, limit: Limit, more: int = 1) -> None:
        """So many *more* are held up by *limit* from *now* [us] on; less where it is negative."""
        self._held[limit] += more
        if limit is Limit.TRANSITIONS:
            self.waiting.set(now, self._held[limit])
        self._gauge.set(now, next((one for one, held in self._held.items() if held), Limit.ARRIVALS))

    def close(self, now: int) -> None:
        """The run ends at *now* [us]."""
        for one in (
            self.transitions,
            self.throttled,
            self.refused,
            self.waiting,
            self.executions,
            self.children,
            self.express_transitions,
            self.express_children,
            self.express_us,
        ):
            one.close(now)
        for state in self.states.values():
            state.close(now)
