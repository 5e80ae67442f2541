"""Redrive tasks: what a dead-letter queue holds is sent anew to where it came from, or elsewhere."""

from simulator.aws.sqs.move_tasks import MoveTask
from simulator.aws.sqs.receipt import NEVER
from simulator.processes.clock import SENDS, Clock
from simulator.processes.queues import Dispatcher


class RedriveTask:
    """One task: an event for each message it moves.

    Parameters
    ----------
    source : Dispatcher
        The dead-letter queue.
    destination : Dispatcher, optional
        Where all goes; None: each where it came from.
    start_at : int
        When it starts [us].
    per_s : int
        Messages a second.
    """

    def __init__(
        self, clock: Clock, source: Dispatcher, destination: Dispatcher | None, start_at: int, per_s: int
    ) -> None:
        self._clock = clock
        self._source = source
        self._destination = destination
        self._task = MoveTask(source.queue, start_at, per_s)
        self._origins: dict[int, Dispatcher] = {}
        if destination is None:
            source.origins = self._origins
        clock.at(start_at, SENDS, self._move)

    def _move(self, _: object) -> None:
        copies = self._task.take(self._clock.now)
        for copy in copies:
            destination = self._destination or self._origins.pop(copy)
            destination.redrive_in(copy)
        self._source.redriven_out(copies)
        next_at = self._task.next_at()
        if next_at < NEVER:
            self._clock.at(next_at, SENDS, self._move)

    def under_way(self) -> bool:
        """Whether it has messages to move, or has not started yet."""
        return self._task.next_at() < NEVER
