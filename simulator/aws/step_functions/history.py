"""Step Functions: the events of an execution's history, and the limit at which it fails.

Rules (Step Functions API, HistoryEvent; guide, "Quotas related to state machine executions"): a Standard
execution has at most 25,000 events and fails when it would pass them; an Express execution keeps none. A
state writes that it was entered and exited (Fail: entered only). Each try of a task writes that it was
scheduled, started and ended, and where it waits for work or a token, that it was submitted. Parallel and Map
write that they started and succeeded; an iteration of an inline Map writes the same of itself and shares the
history with its states; a distributed Map writes its run instead, and each of its children has a history of
its own.
"""

from typing import Final

from simulator.aws.step_functions.states import Call, Fail, Map, Parallel, State

START: Final = 1
"""ExecutionStarted."""

END: Final = 1
"""ExecutionSucceeded, ExecutionFailed, ExecutionTimedOut or ExecutionAborted."""

ITERATION: Final = 2
"""MapIterationStarted and MapIterationSucceeded, of an inline Map."""

DECISION: Final = 3
"""SWF: DecisionTaskScheduled, DecisionTaskStarted, DecisionTaskCompleted."""

ACTIVITY: Final = 3
"""SWF: ActivityTaskScheduled, ActivityTaskStarted and ActivityTaskCompleted, -Failed or -TimedOut."""


def entered(state: State) -> int:
    """Events written when *state* is entered, with those that a Parallel or Map (and its run) started."""
    if isinstance(state, Map):
        return 3 if state.distributed else 2
    return 2 if isinstance(state, Parallel) else 1


def exited(state: State) -> int:
    """Events written when *state* is left in success."""
    if isinstance(state, Map):
        return 3 if state.distributed else 2
    if isinstance(state, Parallel):
        return 2
    return 0 if isinstance(state, Fail) else 1


def of_try(call: Call) -> int:
    """Events of one try of a task, however it ended; none of them is written twice for a wait."""
    return 3 if call.pattern == "request_response" or call.kind == "activity" else 4


class History:
    """The events one execution has written.

    Parameters
    ----------
    most : int, optional
        Events at which it fails; None: no limit, as for Express.
    """

    __slots__ = ("_most", "events")

    def __init__(self, most: int | None) -> None:
        self.events = START
        self._most = most

    def write(self, events: int) -> bool:
        """Write *events* more; False where the history is full, and the execution has failed.

        The last place is kept for the event of its end.
        """
        if self._most is not None and self.events + events + END > self._most:
            return False
        self.events += events
        return True
