"""One message followed through a run: the run is carried out again until all about it is known.

A run is deterministic, so each pass looks for what the one before it has found; what is kept grows with the
message's own life and not with the run.
"""

from dataclasses import replace

from simulator.analysis.assembly import Assembly, windows
from simulator.analysis.life import Life
from simulator.analysis.trace import Ahead, CopyOf, Deliveries, Fan, Finder, Held, Stays, Wanted
from simulator.engine import Run, simulate, things_of
from simulator.experiments.executors import Standing, Watch
from simulator.recording.recorder import Sink
from simulator.recording.tables import NONE
from simulator.scenario.schema import Scenario


class NoSuchMessage(LookupError):
    """The run has no message as it was asked for; says what there is instead."""


class Tracer:
    """Follows messages through one run.

    Parameters
    ----------
    seed, replication : int
        Which run: the same as in a report on the scenario.
    progress : callable, optional
        Told how far the passes are; a finished pass is a finished run.

    Attributes
    ----------
    passes : int
        How often the run was carried out.
    """

    def __init__(
        self, scenario: Scenario, *, seed: int, replication: int, progress: Watch | None = None
    ) -> None:
        self.passes = 0
        self._scenario = scenario
        self._seed = seed
        self._replication = replication
        self._progress = progress
        self._things = things_of(scenario)
        self._messages = 0

    def follow(self, message: int, queue: str | None = None) -> Life:
        """Return the life of a message by its number; shown is its copy in *queue*."""
        found_in = NONE if queue is None else self._number(queue)
        return self._follow(message, found_in)

    def _follow(self, message: int, found_in: int, copy: int = NONE) -> Life:
        stays = Stays(message)
        run = self._pass(stays)
        if stays.message is None:
            last = f", numbered 0 to {run.messages - 1}" if run.messages else ""
            raise NoSuchMessage(f"this run has {run.messages:,} messages{last}; there is no {message}")
        rows = sorted(stays.copies, key=lambda row: (row["copy"], row["arrived_at"]))
        fifo = {self._number(name) for name, queue in self._scenario.queues.items() if queue.type == "fifo"}
        deliveries, ahead = Deliveries(row["copy"] for row in rows), Ahead(rows, fifo)
        if rows:
            self._pass(Fan(deliveries, ahead))
        held = Held(windows(rows, deliveries.deliveries, self._scenario, self._things))
        if held.held:
            self._pass(held)
        made = Assembly(self._scenario, self._things, rows, deliveries, ahead.queued, held.held)
        life = made.life(stays.message, run.messages, found_in, copy)
        if life.parent_copy == NONE:
            return life
        owner = CopyOf(life.parent_copy)
        self._pass(owner)
        return replace(life, parent=owner.message)

    def find(self, wanted: Wanted, queue: str | None = None) -> Life:
        """Return the life of the message that *wanted* describes, if need be only in one *queue*."""
        number = None if queue is None else self._number(queue)
        finder = Finder(wanted, number)
        self._pass(finder)
        message, found_in = finder.message, finder.found_in
        copy = finder.again if finder.repeated == NONE else finder.repeated
        if copy != NONE:
            owner = CopyOf(copy)
            self._pass(owner)
            message, found_in = owner.message, owner.found_in
        if message == NONE:
            where = "" if queue is None else f" in queue {queue}"
            raise NoSuchMessage(
                f"{_NONE[wanted]}{where} in this run (seed {self._seed}, replication {self._replication})"
            )
        return self._follow(message, found_in, copy)

    def _number(self, queue: str) -> int:
        return self._things.index(f"queues.{queue}")

    def _pass(self, sink: Sink) -> Run:
        def report(at: int, messages: int) -> None:
            if self._progress is not None:
                before = (self._scenario.duration,) * self.passes
                self._progress(Standing((*before, at), self._messages + messages, self.passes))

        run = simulate(
            self._scenario, seed=self._seed, replication=self._replication, sink=sink, progress=report
        )
        self.passes += 1
        self._messages += run.messages
        return run


_NONE: dict[Wanted, str] = {
    "end_to_end": "no message was sent to be processed",
    "wait": "no message was sent to be processed",
    "duplicate": "no message was delivered twice",
    "dead_lettered": "no message was dead-lettered",
    "lost": "no message was lost",
}
