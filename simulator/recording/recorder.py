"""The recorder: five verbs, rows in columns, closed chunks to a sink.

The hot verb is ``batch``: it logs a handler's batch in a few numbers and a flat list of copies. Rows of
``deliveries``, ``copies`` and ``invocations`` are made of the log when a chunk closes, thousands at a
time; what is not ordinary about a copy (it came back, it failed) stands in ``odd``, by place in the log.
"""

from array import array
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import numpy as np

from simulator.recording.order import SuccessOrder
from simulator.recording.tables import NONE, TABLES, Arrival, Attempt, Cause, Column, Fate

CHUNK_ROWS: Final = 65_536
_BATCH_FIELDS: Final = 7
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


class Odd:
    """What is not ordinary about one delivery of a batch, and about its copy.

    An ordinary delivery is the first, succeeds and deletes its copy. ``closes`` says that the copy's stay
    in the queue ends with this row.
    """

    __slots__ = (
        "arrival",
        "arrived_at",
        "attempt",
        "cause",
        "closes",
        "deleted",
        "first_received_at",
        "first_started_at",
        "receive_count",
        "receives",
        "repeated",
        "succeeded_at",
    )

    def __init__(self, attempt: int, receive_count: int, cause: int) -> None:
        self.attempt = attempt
        self.receive_count = receive_count
        self.cause = cause
        self.deleted = False
        self.repeated = False
        self.closes = False
        self.receives = 1
        self.arrival = int(Arrival.SEND)
        self.arrived_at = NONE
        self.first_received_at = NONE
        self.first_started_at = NONE
        self.succeeded_at = NONE


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
    ) -> None:
        """One batch whose fate is known: a row of ``invocations``, one of ``deliveries`` a copy, and one
        of ``copies`` for every copy that it deleted. The handler ran from *began_at* to *over_at* [us].

        *odd* names the deliveries that are not ordinary by their index in the batch.
        """
        if odd:
            base = len(self._copies)
            for index, what in odd:
                self._odd[base + index] = what
        self._batches.extend((consumer, queue, init_us, attempt, began_at, over_at, len(copies)))
        self._copies.extend(copies)
        self._received.extend(received_at)
        self._started.extend(started_at)
        self._ended.extend(ended_at)
        self._left.extend(left_at)
        if len(self._copies) >= self._chunk_rows:
            self.flush()

    def copy(self, row: tuple[int, ...]) -> None:
        """A copy whose stay in a queue ended otherwise than by an ordinary delete: a row of ``copies``."""
        self._closed.append(row)
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
        if len(self._copies) or self._closed.length:
            self._flush_batches()
        if self._messages.length:
            self._sink.chunk("messages", self._messages.take())
        if self._changes.length:
            self._sink.chunk("changes", self._changes.take())

    def _flush_batches(self) -> None:
        batches = np.array(self._batches, dtype=np.int64).reshape(-1, _BATCH_FIELDS)
        copies = np.array(self._copies, dtype=np.int64)
        received, started, ended, left = (
            np.array(column, dtype=np.int64)
            for column in (self._received, self._started, self._ended, self._left)
        )
        odd = self._odd
        self._batches, self._copies, self._odd = array("q"), array("q"), {}
        self._received, self._started = array("q"), array("q")
        self._ended, self._left = array("q"), array("q")

        sizes = batches[:, 6]
        ends = np.cumsum(sizes)
        of_batch = np.repeat(np.arange(len(batches)), sizes)
        places = np.fromiter(odd.keys(), dtype=np.int64, count=len(odd))
        what = list(odd.values())
        queues = batches[of_batch, 1]

        def columned(ordinary: int | np.ndarray, value: Callable[[Odd], int], dtype: type) -> np.ndarray:
            column: np.ndarray = np.empty(len(copies), dtype=dtype)
            column[:] = ordinary
            if what:
                column[places] = [value(o) for o in what]
            return column

        deleted = columned(1, lambda o: o.deleted, np.int8)
        attempt = columned(int(Attempt.SUCCEEDED), lambda o: o.attempt, np.int8)
        delivery = {
            "delivery": np.arange(self._deliveries, self._deliveries + len(copies)),
            "copy": copies,
            "queue": queues,
            "consumer": batches[of_batch, 0],
            "invocation": of_batch + self._invocations,
            "receive_count": columned(1, lambda o: o.receive_count, np.int32),
            "received_at": received,
            "started_at": started,
            "ended_at": ended,
            "left_at": left,
            "attempt": attempt,
            "deleted": deleted,
            "cause": columned(int(Cause.NOTHING), lambda o: o.cause, np.int8),
            "repeated": columned(0, lambda o: o.repeated, np.int8),
        }
        kept = np.zeros(len(copies), dtype=np.int32)
        kept[places] = [not o.deleted for o in what]
        first = (ends - sizes)[sizes > 0]
        failed = np.zeros(len(batches), dtype=np.int32)
        if len(copies):
            failed[sizes > 0] = np.add.reduceat(kept, first)
        invocation = {
            "invocation": np.arange(self._invocations, self._invocations + len(batches)),
            "consumer": batches[:, 0],
            "started_at": batches[:, 4],
            "ended_at": batches[:, 5],
            "init_us": batches[:, 2],
            "messages": sizes,
            "failed": failed,
            "attempt": batches[:, 3],
        }
        closes = columned(1, lambda o: o.closes, np.int8).astype(bool)
        stay: dict[str, np.ndarray] = {
            "copy": copies,
            "queue": queues,
            "arrival": columned(int(Arrival.SEND), lambda o: o.arrival, np.int8),
            "arrived_at": columned(NONE, lambda o: o.arrived_at, np.int64),
            "first_received_at": columned(received, lambda o: o.first_received_at, np.int64),
            "first_started_at": columned(started, lambda o: o.first_started_at, np.int64),
            "succeeded_at": columned(ended, lambda o: o.succeeded_at, np.int64),
            "ended_at": left if not what else self._stay_end(left, ended, places, what),
            "receives": columned(1, lambda o: o.receives, np.int32),
            "fate": np.full(len(copies), int(Fate.DELETED), dtype=np.int8),
            "cause": np.full(len(copies), int(Cause.NOTHING), dtype=np.int8),
        }
        self._deliveries += len(copies)
        self._invocations += len(batches)
        self._hand("copies", self._stays({name: column[closes] for name, column in stay.items()}))
        self._hand("deliveries", delivery)
        self._hand("invocations", invocation)

    @staticmethod
    def _stay_end(left: np.ndarray, ended: np.ndarray, places: np.ndarray, what: list[Odd]) -> np.ndarray:
        """A copy deleted after its timeout ended had left flight before it left the queue."""
        end = left.copy()
        end[places] = np.maximum(left[places], ended[places])
        return end

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
        columns["parent"] = np.full(len(copy), NONE, dtype=np.int64)
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


def _gather(values: "array[int]", index: np.ndarray) -> np.ndarray:
    """``values[index]`` as int64, without holding on to the growing array."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    view = np.frombuffer(values, dtype=_DTYPES[values.typecode])
    gathered: np.ndarray = view[index].astype(np.int64)
    return gathered
