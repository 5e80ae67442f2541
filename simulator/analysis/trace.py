"""Sinks that follow one message through a run: what they keep grows with that message, never with the run.

A run is deterministic, so what one pass finds out is what the next one looks for: first which message, then
its copies, then their deliveries, and at last what held their consumers back meanwhile.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from simulator.recording.recorder import Sink
from simulator.recording.tables import NONE, Arrival, Cause, Fate, Quantity

Columns = Mapping[str, np.ndarray]
Row = dict[str, int]
"""One row of a table: every column by name."""

Wanted = Literal["end_to_end", "wait", "duplicate", "dead_lettered", "lost"]
"""By what a message can be looked for."""

UNFINISHED: Final = (Fate.IN_TRANSIT, Fate.DELAYED, Fate.VISIBLE, Fate.IN_FLIGHT)
"""Fates of copies that were still in their queue when the run ended."""
_NOT_LOST: Final = (*UNFINISHED, Fate.DELETED, Fate.DEAD_LETTERED, Fate.REDRIVEN, Fate.FILTERED_OUT)


def rows_of(columns: Columns, chosen: np.ndarray) -> list[Row]:
    """Rows of a chunk at the places *chosen*."""
    return [{name: int(column[place]) for name, column in columns.items()} for place in chosen.tolist()]


class Fan:
    """Hands every chunk to several sinks."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def chunk(self, table: str, columns: Columns) -> None:
        """Take the next rows of *table*."""
        for sink in self._sinks:
            sink.chunk(table, columns)


class Finder:
    """Looks for the message that a person asked for by what became of it.

    ``wait`` and ``end_to_end`` want the longest among copies that producers sent and that were neither
    dead-lettered nor lost; one unfinished counts until the end of the run. The others want the first
    message of their kind; of duplicates one *processed* twice comes before one that was only delivered twice.

    Parameters
    ----------
    wanted : str
        What to look for.
    queue : int, optional
        Only in this queue.

    Attributes
    ----------
    message, found_in : int
        The message and the queue it was found in; NONE while there is none.
    repeated, again : int
        Lowest copy processed twice, and lowest one delivered with a cause (once more, after a sender's
        retry, by a redrive), or NONE: `CopyOf` tells whose it is.
    """

    def __init__(self, wanted: Wanted, queue: int | None = None) -> None:
        self.message = NONE
        self.found_in = NONE
        self.repeated = NONE
        self.again = NONE
        self._wanted = wanted
        self._queue = queue
        self._longest_us = NONE

    def chunk(self, table: str, columns: Columns) -> None:
        """Take the next rows of *table*."""
        if table == "copies":
            here = self._here(columns)
            if self._wanted in ("end_to_end", "wait"):
                self._longest(columns, here & (columns["arrival"] == Arrival.SEND))
            elif self._wanted != "duplicate":
                self._first(columns, here & self._is_wanted(columns))
        elif table == "deliveries" and self._wanted == "duplicate":
            here = self._here(columns)
            self.repeated = _lower(self.repeated, columns["copy"][here & (columns["repeated"] == 1)])
            self.again = _lower(self.again, columns["copy"][here & (columns["cause"] != Cause.NOTHING)])

    def _here(self, columns: Columns) -> np.ndarray:
        queue = columns["queue"]
        return np.ones(len(queue), dtype=bool) if self._queue is None else queue == self._queue

    def _is_wanted(self, columns: Columns) -> np.ndarray:
        if self._wanted == "dead_lettered":
            dead: np.ndarray = columns["fate"] == Fate.DEAD_LETTERED
            return dead
        gone = ~np.isin(columns["fate"], [int(fate) for fate in _NOT_LOST])
        lost: np.ndarray = gone & (columns["succeeded_at"] == NONE)
        return lost

    def _longest(self, columns: Columns, chosen: np.ndarray) -> None:
        until = columns["succeeded_at" if self._wanted == "end_to_end" else "first_started_at"]
        unfinished = (until == NONE) & np.isin(columns["fate"], [int(fate) for fate in UNFINISHED])
        places = np.flatnonzero(chosen & ((until != NONE) | unfinished))
        if not len(places):
            return
        since = columns["offered_at" if self._wanted == "end_to_end" else "sent_at"]
        lasted = np.where(unfinished, columns["ended_at"], until) - since
        longest = int(lasted[places].max())
        place = min(places[lasted[places] == longest].tolist(), key=columns["message"].item)
        message = int(columns["message"][place])
        if longest > self._longest_us or (longest == self._longest_us and message < self.message):
            self._longest_us = longest
            self.message, self.found_in = message, int(columns["queue"][place])

    def _first(self, columns: Columns, chosen: np.ndarray) -> None:
        places = np.flatnonzero(chosen)
        if len(places):
            place = int(places[columns["message"][places].argmin()])
            if self.message == NONE or columns["message"][place] < self.message:
                self.message = int(columns["message"][place])
                self.found_in = int(columns["queue"][place])


def _lower(lowest: int, copies: np.ndarray) -> int:
    """The lowest of *copies* and what was lowest so far (NONE: nothing)."""
    if not len(copies):
        return lowest
    return int(copies.min()) if lowest == NONE else min(lowest, int(copies.min()))


class CopyOf:
    """Finds whose a copy is: ``message`` and the queue it was first in."""

    def __init__(self, copy: int) -> None:
        self.message = NONE
        self.found_in = NONE
        self._copy = copy

    def chunk(self, table: str, columns: Columns) -> None:
        """Take the next rows of *table*."""
        if table == "copies" and self.message == NONE:
            for place in np.flatnonzero(columns["copy"] == self._copy).tolist():
                self.message, self.found_in = int(columns["message"][place]), int(columns["queue"][place])


class Stays:
    """Keeps the row of one message, and of every stay of its copies in a queue."""

    def __init__(self, message: int) -> None:
        self.message: Row | None = None
        self.copies: list[Row] = []
        self._message = message

    def chunk(self, table: str, columns: Columns) -> None:
        """Take the next rows of *table*."""
        if table in ("messages", "copies"):
            rows = rows_of(columns, np.flatnonzero(columns["message"] == self._message))
            if table == "copies":
                self.copies += rows
            elif rows:
                self.message = rows[0]


@dataclass(frozen=True)
class Mates:
    """The batch around one delivery: messages handled before and after it, and when the last was received."""

    before: int
    after: int
    gathered_at: int


class Deliveries:
    """Keeps the deliveries of some copies and the invocations they were part of."""

    def __init__(self, copies: Iterable[int]) -> None:
        self.deliveries: list[Row] = []
        self.invocations: dict[int, Row] = {}
        self.mates: dict[int, Mates] = {}
        self._copies = np.array(sorted(set(copies)), dtype=np.int64)

    def chunk(self, table: str, columns: Columns) -> None:
        """Take the next rows of *table*; a batch's rows are in one chunk, its invocation comes after them."""
        if table == "deliveries":
            mine = np.flatnonzero(np.isin(columns["copy"], self._copies))
            for place, row in zip(mine.tolist(), rows_of(columns, mine), strict=True):
                batch = np.flatnonzero(columns["invocation"] == row["invocation"])
                before = int((batch < place).sum())
                gathered_at = int(columns["received_at"][batch].max())
                self.mates[row["delivery"]] = Mates(before, len(batch) - before - 1, gathered_at)
                self.deliveries.append(row)
        elif table == "invocations":
            wanted = {row["invocation"] for row in self.deliveries} - set(self.invocations)
            if wanted:
                found = np.flatnonzero(np.isin(columns["invocation"], list(wanted)))
                self.invocations.update({row["invocation"]: row for row in rows_of(columns, found)})


@dataclass
class Queued:
    """What was before a copy in its queue when it arrived there.

    ``ahead`` counts copies that arrived earlier and had not been received yet; ``in_group``, on a FIFO
    queue, those of its own group that were not gone. The last of these that ended before the copy was
    received was ``holder`` (a message), received ``holder_receives`` times, at ``free_at`` [us].
    """

    ahead: int = 0
    in_group: int = 0
    holder: int = NONE
    holder_receives: int = 0
    free_at: int = NONE


class Ahead:
    """Counts what was before each stay of a message's copies; *fifo* are the FIFO queues."""

    def __init__(self, stays: Sequence[Row], fifo: Collection[int]) -> None:
        self.queued = [Queued() for _ in stays]
        self._stays = stays
        self._fifo = fifo

    def chunk(self, table: str, columns: Columns) -> None:
        """Take the next rows of *table*."""
        if table != "copies":
            return
        arrived_at, first_at, ended_at = (
            columns[name] for name in ("arrived_at", "first_received_at", "ended_at")
        )
        gone_at = np.where(first_at == NONE, ended_at, first_at)
        for stay, queued in zip(self._stays, self.queued, strict=True):
            at = stay["arrived_at"]
            earlier = (arrived_at < at) | ((arrived_at == at) & (columns["copy"] < stay["copy"]))
            here = (columns["queue"] == stay["queue"]) & earlier & (ended_at > at)
            queued.ahead += int((here & (gone_at > at)).sum())
            if stay["queue"] in self._fifo:
                mates = here & (columns["group"] == stay["group"])
                queued.in_group += int(mates.sum())
                _note_holder(queued, stay, columns, np.flatnonzero(mates & (ended_at <= _received_at(stay))))


def _received_at(stay: Row) -> int:
    return stay["ended_at"] if stay["first_received_at"] == NONE else stay["first_received_at"]


def _note_holder(queued: Queued, stay: Row, columns: Columns, places: np.ndarray) -> None:
    if len(places):
        place = int(places[columns["ended_at"][places].argmax()])
        if columns["ended_at"][place] > queued.free_at:
            queued.free_at = int(columns["ended_at"][place])
            queued.holder = int(columns["message"][place])
            queued.holder_receives = int(columns["receives"][place])


@dataclass(frozen=True)
class Window:
    """A stretch [us] in which a copy waited for one of *consumers* (things)."""

    from_at: int
    until_at: int
    consumers: tuple[int, ...]


class Held:
    """Adds up what bound consumers within each of some windows: ``held[i][consumer, limit]`` [us]."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self.held: list[dict[tuple[int, int], int]] = [{} for _ in windows]
        self._windows = windows

    def chunk(self, table: str, columns: Columns) -> None:
        """Take the next rows of *table*."""
        if table != "changes":
            return
        limits = columns["quantity"] == Quantity.LIMIT
        for window, held in zip(self._windows, self.held, strict=True):
            from_at = np.maximum(columns["from_at"], window.from_at)
            until_at = np.minimum(columns["until_at"], window.until_at)
            inside = limits & (until_at > from_at) & np.isin(columns["thing"], window.consumers)
            for place in np.flatnonzero(inside).tolist():
                key = int(columns["thing"][place]), int(columns["value"][place])
                held[key] = held.get(key, 0) + int(until_at[place] - from_at[place])
