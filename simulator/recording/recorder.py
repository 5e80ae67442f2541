"""The recorder: five verbs, rows in columns, closed chunks to a sink.

The hot verb is ``batch``: it logs a handler's batch in a few numbers and a flat list of copies. Rows of
``deliveries``, ``copies`` and ``invocations`` are made of the log when a chunk closes, thousands at a
time; what is not ordinary about a copy (it came back, it failed) stands in ``odd``, by place in the log.
"""

from array import array
from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np

from simulator.recording.batch_log import BatchLog, Odd
from simulator.recording.order import SuccessOrder
from simulator.recording.tables import NONE, TABLES, Arrival, Attempt, Column

CHUNK_ROWS: Final = 65_536
_BATCH_FIELDS: Final = 9
_DTYPES: Final[dict[str, type[np.signedinteger[Any]]]] = {
    "q": np.int64,
    "i": np.int32,
    "h": np.int16,
    "b": np.int8,
}


class Sink(Protocol):
    """Where closed chunks go."""

    def chunk(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Take the next rows of *table*: every column of it, all of one length."""


class Facts(Protocol):
    """The columns of messages and copies that rows are completed from."""

    offered_at: "array[int]"
    group: "array[int]"
    message_of: "array[int]"
    sent_at: "array[int]"
    standing: int
    parent_of: "dict[int, int]"
    child_messages: "array[int]"
    parent_copies: "array[int]"


class Rows:
    """Open rows of one table, a column an array."""

    __slots__ = ("columns", "length", "table")

    def __init__(self, table: str) -> None:
        self.table: tuple[Column, ...] = TABLES[table]
        self.columns = [array(column.code) for column in self.table]
        self.length = 0

    def append(self, row: tuple[int, ...]) -> None:
        """Add one row: a value for every column, in the table's order."""
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)
        self.length += 1

    def extend(self, n: int, values: Mapping[str, int | list[int]]) -> None:
        """Add *n* rows: for each column a list of values, one value for all, or NONE where it is left out."""
        for column, values_ in zip(self.table, self.columns, strict=True):
            value = values.get(column.name, NONE)
            values_.extend([value] * n if isinstance(value, int) else value)
        self.length += n

    def take(self) -> dict[str, np.ndarray]:
        """All rows so far, and start anew."""
        taken = {
            column.name: np.array(values, dtype=_DTYPES[column.code])
            for column, values in zip(self.table, self.columns, strict=True)
        }
        self.columns = [array(column.code) for column in self.table]
        self.length = 0
        return taken


class Recorder:
    """Takes what happened and hands it on in chunks.

    Parameters
    ----------
    facts : Facts
        Columns of messages and copies known so far.
    sink : Sink
        Gets closed chunks.
    chunk_rows : int
        Rows after which a chunk closes.
    """

    def __init__(self, facts: Facts, sink: Sink, chunk_rows: int = CHUNK_ROWS) -> None:
        self._facts = facts
        self._sink = sink
        self._chunk_rows = chunk_rows
        self._batches = array("q")
        self._copies = array("q")
        self._received = array("q")
        self._started = array("q")
        self._ended = array("q")
        self._left = array("q")
        self._odd: dict[int, Odd] = {}
        self._closed = Rows("copies")
        self._changes = Rows("changes")
        self._order = SuccessOrder()
        self._invocations = 0
        self._deliveries = 0
        self._messages = Rows("messages")

    # -- the verbs -------------------------------------------------------------------------------

    def message(self, row: tuple[int, ...]) -> None:
        """One message whose fate is known: a row of ``messages``."""
        self._messages.append(row)
        if self._messages.length >= self._chunk_rows:
            self._sink.chunk("messages", self._messages.take())

    def messages(self, columns: Mapping[str, np.ndarray]) -> None:
        """Many rows of ``messages`` at once: every column, all of one length."""
        self._hand("messages", columns)

    def batch(
        self,
        consumer: int,
        queue: int,
        init_us: int,
        attempt: int,
        began_at: int,
        over_at: int,
        copies: list[int],
        received_at: list[int],
        started_at: list[int],
        ended_at: list[int],
        left_at: list[int],
        odd: list[tuple[int, Odd]] | None = None,
        downstream_us: int = 0,
        waiting_us: int = 0,
    ) -> None:
        """One batch whose fate is known: a row of ``invocations``, one of ``deliveries`` a copy, and one
        of ``copies`` for every copy that it deleted. The handler ran from *began_at* to *over_at* [us].

        *odd* names the deliveries that are not ordinary by their index in the batch. *downstream_us* and
        *waiting_us* are what of its time it spent at downstreams, in service and in line [us].
        """
        if odd:
            base = len(self._copies)
            for index, what in odd:
                self._odd[base + index] = what
        self._batches.extend(
            (consumer, queue, init_us, attempt, began_at, over_at, len(copies), downstream_us, waiting_us)
        )
        self._copies.extend(copies)
        self._received.extend(received_at)
        self._started.extend(started_at)
        self._ended.extend(ended_at)
        self._left.extend(left_at)
        if len(self._copies) >= self._chunk_rows:
            self.flush()

    def throttled(self, consumer: int, queue: int, now: int) -> None:
        """An invocation that was refused at *now* [us], without messages: a row of ``invocations``."""
        self.batch(consumer, queue, 0, int(Attempt.THROTTLED), now, now, [], [], [], [], [])
        if len(self._batches) >= self._chunk_rows * _BATCH_FIELDS:
            self.flush()

    def copy(self, row: tuple[int, ...]) -> None:
        """A copy whose stay in a queue ended otherwise than by an ordinary delete: a row of ``copies``."""
        self._closed.append(row)
        if self._closed.length >= self._chunk_rows:
            self.flush()

    def copies_left(self, copies: list[int], queue: int, fate: int, cause: int, ended_at: list[int]) -> None:
        """Copies whose stay in *queue* ended before anybody received them: a row of ``copies`` each."""
        self._closed.extend(
            len(copies),
            {
                "copy": copies,
                "queue": queue,
                "arrival": int(Arrival.SEND),
                "ended_at": ended_at,
                "receives": 0,
                "fate": fate,
                "cause": cause,
                "out_of_order": 0,
            },
        )
        if self._closed.length >= self._chunk_rows:
            self.flush()

    def change(self, thing: int, quantity: int, value: int, from_at: int, until_at: int) -> None:
        """*thing* had *value* of *quantity* from one instant until another [us]."""
        if until_at > from_at:
            self._changes.append((thing, quantity, value, from_at, until_at))
            if self._changes.length >= self._chunk_rows:
                self._sink.chunk("changes", self._changes.take())

    # -- closing a chunk -------------------------------------------------------------------------

    def flush(self) -> None:
        """Close the open chunk and hand it to the sink."""
        if self._batches or self._closed.length:
            self._flush_batches()
        if self._messages.length:
            self._sink.chunk("messages", self._messages.take())
        if self._changes.length:
            self._sink.chunk("changes", self._changes.take())

    def _flush_batches(self) -> None:
        log = BatchLog(
            _whole(self._batches).reshape(-1, _BATCH_FIELDS),
            _whole(self._copies),
            _whole(self._received),
            _whole(self._started),
            _whole(self._ended),
            _whole(self._left),
            self._odd,
        )
        self._batches, self._copies, self._odd = array("q"), array("q"), {}
        self._received, self._started = array("q"), array("q")
        self._ended, self._left = array("q"), array("q")
        self._hand("copies", self._stays(log.stays()))
        self._hand("deliveries", log.deliveries(self._deliveries, self._invocations))
        self._hand("invocations", log.invocations(self._invocations))
        self._deliveries += len(log.copies)
        self._invocations += len(log.batches)

    def _stays(self, stay: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Complete rows of ``copies``: those of the log, then those closed otherwise."""
        closed = self._closed.take()
        columns: dict[str, np.ndarray] = {
            name: np.concatenate([column, closed[name]]) for name, column in stay.items()
        }
        copy = columns["copy"]
        facts = self._facts
        message = _gather(facts.message_of, copy)
        columns["message"] = message
        columns["sent_at"] = _gather(facts.sent_at, copy)
        columns["offered_at"] = _gather(facts.offered_at, message)
        columns["group"] = _gather(facts.group, message)
        columns["parent"] = _parents(facts.parent_of, copy)
        if len(facts.child_messages):
            _add_parents(columns, facts)
        standing = (message < facts.standing) & (columns["arrival"] == Arrival.SEND)
        columns["arrival"] = np.where(standing, np.int8(Arrival.BACKLOG), columns["arrival"])
        arrived = columns["arrived_at"]
        columns["arrived_at"] = np.where(arrived == NONE, columns["sent_at"], arrived)
        columns["out_of_order"] = self._order.late(
            columns["queue"], columns["group"], columns["sent_at"], columns["succeeded_at"] != NONE
        )
        return columns

    def _hand(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        if len(next(iter(columns.values()))):
            self._sink.chunk(table, {c.name: columns[c.name].astype(_DTYPES[c.code]) for c in TABLES[table]})


def _parents(parent_of: dict[int, int], copy: np.ndarray) -> np.ndarray:
    """The copy that each was made from, or NONE."""
    parents = np.full(len(copy), NONE, dtype=np.int64)
    if parent_of:
        children = np.fromiter(parent_of, dtype=np.int64, count=len(parent_of))
        for index in np.flatnonzero(np.isin(copy, children)).tolist():
            parents[index] = parent_of[int(copy[index])]
    return parents


def _add_parents(columns: dict[str, np.ndarray], facts: Facts) -> None:
    """The first copies of messages that a consumer sent come from the copy that it had worked."""
    message, parent = columns["message"], columns["parent"]
    place = np.searchsorted(np.frombuffer(facts.child_messages, dtype=np.int64), message)
    place = np.minimum(place, len(facts.child_messages) - 1)
    child = (parent == NONE) & (_gather(facts.child_messages, place) == message)
    columns["parent"] = np.where(child, _gather(facts.parent_copies, place), parent)


def _whole(values: "array[int]") -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _gather(values: "array[int]", index: np.ndarray) -> np.ndarray:
    """``values[index]`` as int64, without holding on to the growing array."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    view = np.frombuffer(values, dtype=_DTYPES[values.typecode])
    gathered: np.ndarray = view[index].astype(np.int64)
    return gathered
