"""Rows of one run to a partial: whole numbers only, the same however the rows are cut into chunks."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from simulator.analysis.histogram import bucket_of
from simulator.analysis.partial import (
    BIN_BITS,
    BUCKET_BITS,
    LIMIT,
    QUANTITY,
    SUM_OF,
    Field,
    Frame,
    Level,
    Partial,
    key,
    merge,
)
from simulator.analysis.tally import Tally, empty, merged
from simulator.recording.tables import NONE, Arrival, Attempt, Cause, Fate, Outcome, Quantity

__all__ = ["Frame", "Partial", "Reducer", "merge"]

_MOST: Final = (1 << BUCKET_BITS) - 1
_EXACT: Final = 1 << 53
_NARROW: Final = 1 << 31
_MERGE_FROM: Final = 1 << 19
_IN_ALARM: Final = 1  # AlarmState.ALARM; as a level all its other states are 0


class _Places:
    """Rows by thing and bin, as small dense numbers: several sums are taken over the same places."""

    def __init__(self, thing: np.ndarray, at_bin: np.ndarray) -> None:
        self._thing, self._bin = int(thing.min()), int(at_bin.min())
        self._bins = int(at_bin.max()) - self._bin + 1
        self._place = (thing - self._thing) * self._bins + (at_bin - self._bin)
        self._size = (int(thing.max()) - self._thing + 1) * self._bins

    def sums(self, what: Field, bucket: np.ndarray | int = 0, weights: np.ndarray | None = None) -> Tally:
        """Count rows, or add up their whole *weights*, by place and bucket."""
        place, size, lowest, span = self._place, self._size, 0, 1
        if isinstance(bucket, np.ndarray):
            lowest = int(bucket.min())
            span = int(bucket.max()) - lowest + 1
            place, size = place * span + (bucket - lowest), size * span
        else:
            lowest = bucket
        if weights is not None or size <= 8 * len(place) + (1 << 16):
            values = _dense(place, size, weights)
            place = np.flatnonzero(values)
            values = values[place]
        else:
            narrow = place.astype(np.int32) if size < _NARROW else place  # sorts in half the time
            place, values = np.unique(narrow, return_counts=True)
            place = place.astype(np.int64)
        row, bucket_over = np.divmod(place, span)
        thing_over, bin_over = np.divmod(row, self._bins)
        base = key(what, self._thing, self._bin, lowest)
        keys = base + (thing_over << BIN_BITS + BUCKET_BITS) + (bin_over << BUCKET_BITS) + bucket_over
        return Tally(keys, values)


def _dense(place: np.ndarray, size: int, weights: np.ndarray | None) -> np.ndarray:
    """Exact sums by place: floats only where every partial sum is a whole number they hold."""
    if weights is None:
        return np.bincount(place, minlength=size)
    if int(np.abs(weights).max()) * len(weights) < _EXACT:
        return np.bincount(place, weights=weights, minlength=size).astype(np.int64)
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, place, weights)
    return sums


class Reducer:
    """A sink that reduces every chunk at once and keeps the sums."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._sums: list[Tally] = []
        self._pending = 0
        self._merged = 0
        self._maxima: list[Tally] = []
        self._deletes_at_once = np.array([frame.deletes_at_once.get(thing, 0) for thing in frame.things])

    def chunk(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Take the next rows of *table*."""
        if not len(next(iter(columns.values()))):
            return
        reduce = {
            "messages": self._messages,
            "copies": self._copies,
            "deliveries": self._deliveries,
            "invocations": self._invocations,
            "changes": self._changes,
        }[table]
        reduce(columns)
        if self._pending > max(_MERGE_FROM, self._merged):
            self._sums = [merged(self._sums)]
            self._merged, self._pending = len(self._sums[0].keys), 0
        if len(self._maxima) > 1_000:
            self._maxima = [merged(self._maxima, np.maximum)]

    def partial(self) -> Partial:
        """Everything taken so far."""
        return Partial(
            merged(self._sums) if self._sums else empty(),
            merged(self._maxima, np.maximum) if self._maxima else empty(),
        )

    def _add(self, tally: Tally) -> None:
        self._sums.append(tally)
        self._pending += len(tally.keys)

    def _count(
        self,
        what: Field,
        thing: np.ndarray,
        at: np.ndarray,
        rows: np.ndarray | None = None,
        bucket: np.ndarray | int = 0,
        weights: np.ndarray | None = None,
    ) -> None:
        """Count *rows* (a mask; None: all) by thing, the bin of *at* [us] and bucket."""
        if rows is not None and not rows.all():
            index = np.flatnonzero(rows)
            if not len(index):
                return
            thing, at = thing[index], at[index]
            bucket = bucket[index] if isinstance(bucket, np.ndarray) else bucket
            weights = None if weights is None else weights[index]
        self._add(_Places(thing, at // self.frame.bin_us).sums(what, bucket, weights))

    def _step(
        self,
        level: np.ndarray | int,
        thing: np.ndarray,
        at: np.ndarray,
        change: np.ndarray | int,
        rows: np.ndarray,
    ) -> None:
        """A level changes by *change* at *at* [us]; what changed until 0 is its value at the start."""
        early = rows & (at <= 0)
        if early.any():
            self._steps(level, thing, at, change, early, start=True)
            rows = rows & ~early
        self._steps(level, thing, at, change, rows, start=False)

    def _steps(
        self,
        level: np.ndarray | int,
        thing: np.ndarray,
        at: np.ndarray,
        change: np.ndarray | int,
        rows: np.ndarray,
        start: bool,
    ) -> None:
        if not rows.all():
            index = np.flatnonzero(rows)
            if not len(index):
                return
            thing, at = thing[index], at[index]
            level = level[index] if isinstance(level, np.ndarray) else level
            change = change[index] if isinstance(change, np.ndarray) else change
        if start:
            self._changed(Field.START, _Places(thing, np.zeros_like(thing)), level, change, None)
            return
        at_bin = at // self.frame.bin_us
        places = _Places(thing, at_bin)
        self._changed(Field.STEP, places, level, change, None)
        self._changed(Field.STEP_OFFSET, places, level, change, at - at_bin * self.frame.bin_us)

    def _changed(
        self,
        what: Field,
        places: _Places,
        level: np.ndarray | int,
        change: np.ndarray | int,
        offset: np.ndarray | None,
    ) -> None:
        """Sums of changes, or of changes times *offset*."""
        if isinstance(change, np.ndarray):
            self._add(places.sums(what, level, change if offset is None else change * offset))
        else:
            tally = places.sums(what, level, offset)
            self._add(Tally(tally.keys, change * tally.values))

    def _end(self, *instants: np.ndarray) -> None:
        latest = max(int(at.max()) for at in instants)
        if latest > 0:
            self._maxima.append(_one(Field.END, 0, latest))

    # -- the tables ------------------------------------------------------------------------------

    def _messages(self, c: Mapping[str, np.ndarray]) -> None:
        self._count(
            Field.MESSAGES, _wide(c["producer"]), np.maximum(c["offered_at"], 0), bucket=_wide(c["outcome"])
        )
        if chunk := self.frame.chunk_bytes:
            producer, offered, size = _wide(c["producer"]), np.maximum(c["offered_at"], 0), c["size_bytes"]
            told = (c["outcome"] == Outcome.ACCEPTED) | (c["outcome"] == Outcome.DEDUPLICATED)
            self._count(Field.CHUNKS, producer, offered, told, 0, _wide(-(-size // chunk)))
            self._count(Field.BYTES, producer, offered, told, 0, _wide(size))

    def _copies(self, c: Mapping[str, np.ndarray]) -> None:
        queue, fate, ended = _wide(c["queue"]), c["fate"], c["ended_at"]
        succeeded, sent, offered = c["succeeded_at"], c["sent_at"], c["offered_at"]
        dropped, done = fate == Fate.DROPPED, succeeded != NONE
        gone = (fate <= Fate.EXPIRED) | (fate == Fate.REDRIVEN) | dropped
        filtered = fate == Fate.FILTERED_OUT
        gone |= filtered
        self._count(Field.FILTERED_OUT, queue, ended, filtered)
        self._step(Level.STORED, queue, c["arrived_at"], 1, fate != Fate.IN_TRANSIT)
        self._step(Level.STORED, queue, ended, -1, gone)
        new = (c["arrival"] == Arrival.SEND) | (c["arrival"] == Arrival.DESTINATION)
        self._count(Field.SENT, queue, sent, new)
        self._count(
            Field.COPIES, queue, np.maximum(offered, 0), bucket=np.minimum(_wide(c["receives"]), _MOST)
        )
        self._count(Field.PROCESSED, queue, succeeded, done)
        self._count(Field.DELETED, queue, ended, fate == Fate.DELETED)
        self._count(Field.OUT_OF_ORDER, queue, succeeded, done & (c["out_of_order"] != 0))
        cause = _wide(c["cause"])
        self._count(Field.DEAD_LETTERED, queue, ended, fate == Fate.DEAD_LETTERED, cause)
        self._count(Field.LOST, queue, ended, ((fate == Fate.EXPIRED) | dropped) & ~done, cause)
        self._end(ended)
        source = self.frame.is_source[queue]
        self._drain(queue, sent, np.where(done, succeeded, np.where(gone, ended, NONE)), source)
        timed = source & (c["arrival"] != Arrival.BACKLOG) & (offered >= 0) & ~filtered
        if timed.any():
            self._durations(c, queue, timed, gone)

    def _drain(self, queue: np.ndarray, sent: np.ndarray, gone_at: np.ndarray, source: np.ndarray) -> None:
        if self.frame.drain_from_us is None:
            return
        rows = np.flatnonzero(source & (sent < self.frame.drain_from_us))
        if not len(rows):
            return
        queue, gone_at = queue[rows], gone_at[rows]
        self._count(Field.DRAIN_OPEN, queue, np.zeros_like(gone_at), gone_at == NONE)
        latest = np.zeros(len(self.frame.things), dtype=np.int64)
        np.maximum.at(latest, queue, gone_at)
        for thing in np.flatnonzero(latest).tolist():
            self._maxima.append(_one(Field.LAST_GONE, thing, int(latest[thing])))

    def _durations(
        self, c: Mapping[str, np.ndarray], queue: np.ndarray, timed: np.ndarray, gone: np.ndarray
    ) -> None:
        """Histograms of copies offered while the run lasted; what never came and what is still open apart."""
        offered, sent, ended = c["offered_at"], c["sent_at"], c["ended_at"]
        asked = [
            (Field.WAIT, sent, "first_started_at", timed),
            (Field.END_TO_END, offered, "succeeded_at", timed),
        ]
        if self.frame.noisy_groups is not None:
            noisy = np.isin(c["group"], list(self.frame.noisy_groups))
            asked.append((Field.QUIET_WAIT, sent, "first_started_at", timed & ~noisy))
            asked.append((Field.NOISY_WAIT, sent, "first_started_at", timed & noisy))
        for field_, since, end, rows in asked:
            until = c[end]
            known = until != NONE
            self._histogram(field_, queue, offered, until - since, rows & known)
            if not known.all():
                open_ = Field(field_ + 1)
                self._histogram(open_, queue, offered, ended - since, rows & ~known & ~gone)
                self._count(Field(field_ + 2), queue, offered, rows & ~known & gone)
        self._histogram(Field.SEND_DELAY, queue, offered, sent - offered, timed)

    def _histogram(
        self, what: Field, queue: np.ndarray, offered: np.ndarray, duration: np.ndarray, rows: np.ndarray
    ) -> None:
        if not rows.all():
            index = np.flatnonzero(rows)
            if not len(index):
                return
            queue, offered, duration = queue[index], offered[index], duration[index]
        duration = np.maximum(duration, 0)
        places = _Places(queue, offered // self.frame.bin_us)
        self._add(places.sums(what, bucket_of(duration)))
        self._add(places.sums(SUM_OF[what], 0, duration))

    def _deliveries(self, c: Mapping[str, np.ndarray]) -> None:
        queue, received, left = _wide(c["queue"]), c["received_at"], c["left_at"]
        ended = np.where(c["ended_at"] != NONE, c["ended_at"], received)
        self._step(Level.IN_FLIGHT, queue, received, 1, received != NONE)
        self._step(Level.IN_FLIGHT, queue, left, -1, left != NONE)
        self._count(Field.RECEIVED, queue, received)
        self._count(Field.DUPLICATE, queue, received, c["cause"] != Cause.NOTHING, _wide(c["cause"]))
        self._count(Field.ATTEMPT, queue, ended, bucket=_wide(c["attempt"]))
        self._count(Field.REPEATED, queue, ended, c["repeated"] != 0)

    def _invocations(self, c: Mapping[str, np.ndarray]) -> None:
        consumer, started, ended, init = _wide(c["consumer"]), c["started_at"], c["ended_at"], c["init_us"]
        began = np.maximum(np.where(started != NONE, started, ended), 0)
        ran = (c["attempt"] != Attempt.THROTTLED) & (started != NONE)
        ran &= (ended != NONE) | (c["attempt"] == Attempt.UNFINISHED)
        self._step(Level.BUSY, consumer, began - init, 1, ran)
        self._step(Level.BUSY, consumer, ended, -1, ran & (ended != NONE))
        self._count(Field.INVOCATION, consumer, began, bucket=_wide(c["attempt"]))
        self._count(Field.COLD, consumer, began, ran & (init > 0))
        self._count(Field.BATCHED, consumer, began, ran, 0, _wide(c["messages"]))
        if self.frame.deletes_at_once:
            at_once = self._deletes_at_once[consumer]
            deleted = c["messages"] - c["failed"]
            self._count(
                Field.DELETE_REQUESTS, consumer, began, (at_once > 0) & (deleted > 0), 0,
                -(-deleted // np.maximum(at_once, 1)),
            )  # fmt: skip
        if self.frame.memory_gb:
            self._billed(consumer, began, ended - began + np.maximum(init - self.frame.creation_us, 0), ran)
        if self.frame.callers:
            self._calls(c, consumer, began, ran & (ended != NONE))
        self._end(ended)

    def _billed(
        self, consumer: np.ndarray, began: np.ndarray, lasted_us: np.ndarray, ran: np.ndarray
    ) -> None:
        """What Lambda bills: init and run, each invocation by the started millisecond (since August 2025)."""
        function = np.array([thing in self.frame.memory_gb for thing in self.frame.things], dtype=bool)
        over = ran & function[consumer] & (lasted_us >= 0)
        self._count(Field.BILLED_MS, consumer, began, over, 0, -(-lasted_us // 1_000))

    def _calls(
        self, c: Mapping[str, np.ndarray], consumer: np.ndarray, began: np.ndarray, ran: np.ndarray
    ) -> None:
        """What those who call downstreams spent their time on."""
        calling = np.array([thing in self.frame.callers for thing in self.frame.things], dtype=bool)
        ran = ran & calling[consumer]
        for what, amount in (
            (Field.HANDLED, c["messages"]),
            (Field.HANDLED_US, c["ended_at"] - began),
            (Field.DOWNSTREAM_US, c["downstream_us"]),
            (Field.WAITING_US, c["waiting_us"]),
        ):
            self._count(what, consumer, began, ran, 0, _wide(amount))

    def _changes(self, c: Mapping[str, np.ndarray]) -> None:
        thing, quantity, value, until = _wide(c["thing"]), _wide(c["quantity"]), c["value"], c["until_at"]
        is_limit = quantity == Quantity.LIMIT
        level = np.where(is_limit, LIMIT + value, QUANTITY + quantity)
        change = np.where(is_limit, 1, value)
        change[quantity == Quantity.ALARM] = value[quantity == Quantity.ALARM] == _IN_ALARM
        self._step(level, thing, c["from_at"], change, np.ones(len(thing), dtype=bool))
        self._step(level, thing, until, -change, until != NONE)
        self._end(until)
        self._classes(thing, quantity, value, c["from_at"], until)
        if self.frame.alarms:
            self._alarms(thing, quantity, value, c["from_at"], until)

    def _alarms(
        self, thing: np.ndarray, quantity: np.ndarray, value: np.ndarray, since: np.ndarray, until: np.ndarray
    ) -> None:
        """Spells of alarms in ALARM, and the points they saw, each under an instant of its own."""
        mine = self.frame.is_alarm[thing]
        second = since % self.frame.bin_us // 1_000_000
        spells = mine & (quantity == Quantity.ALARM) & (value == _IN_ALARM)
        self._count(Field.IN_ALARM_FROM, thing, since, spells, second, since + 1)
        self._count(Field.IN_ALARM_US, thing, since, spells, second, until - since)
        self._count(Field.SEEN, thing, since, mine & (quantity == Quantity.AS_SEEN), second, _wide(value) + 1)

    def _classes(
        self, thing: np.ndarray, quantity: np.ndarray, value: np.ndarray, since: np.ndarray, until: np.ndarray
    ) -> None:
        """What an order of queues does to its classes."""
        self._count(Field.INVERTED, thing, since, quantity == Quantity.INVERTED, 0, _wide(value))
        for row in np.flatnonzero(quantity == Quantity.STARVED).tolist():
            self._maxima.append(_one(Field.STARVED, int(thing[row]), int(until[row] - since[row])))


def _one(what: Field, thing: int, value: int) -> Tally:
    return Tally(np.array([key(what, thing, 0, 0)]), np.array([value]))


def _wide(column: np.ndarray) -> np.ndarray:
    return column.astype(np.int64)
