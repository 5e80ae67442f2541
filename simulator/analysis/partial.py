"""What is kept of a run: whole numbers under field, thing, time bin and bucket, merged exactly in any order.

What changes in steps (backlog, in flight, busy, capacity, limits) is kept as its changes by time bin and
the sum of their offsets in the bin, so that values at bin edges and integrals over bins are exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from simulator.analysis.tally import Tally, merged

_S: Final = 1_000_000
_MONTHS_US: Final = 60 * 86_400 * _S  # longer runs wait for people, and are looked at by the hour
THING_BITS: Final = 15
BIN_BITS: Final = 22
BUCKET_BITS: Final = 14


class Field(IntEnum):
    """What a number in a partial counts; the bin it is under, and what its bucket says."""

    MESSAGES = 0
    """messages of a producer, by bin offered; bucket: Outcome"""
    SENT = 1
    """copies sent to a queue, by bin sent"""
    COPIES = 2
    """copies that stayed in a queue, by bin offered (a standing backlog: 0); bucket: receives there"""
    PROCESSED = 3
    """first successes, by bin they ended"""
    DELETED = 4
    """copies deleted, by bin"""
    OUT_OF_ORDER = 5
    """first successes after a later-sent copy's, by bin they ended"""
    DEAD_LETTERED = 6
    """copies moved to the DLQ, by bin; bucket: Cause"""
    LOST = 7
    """copies gone unprocessed, by bin; bucket: Cause"""
    WAIT = 8
    """sent to start of first processing, by bin offered; bucket: duration"""
    WAIT_OPEN = 9
    """the same of copies that had not started at the end: it is longer than that"""
    WAIT_NEVER = 10
    """copies that never started and never will"""
    END_TO_END = 11
    """offered to end of first success, by bin offered; bucket: duration"""
    END_TO_END_OPEN = 12
    """the same of copies unfinished at the end"""
    END_TO_END_NEVER = 13
    """copies dead-lettered or lost without a success"""
    SEND_DELAY = 14
    """offered to sent, by bin offered; bucket: duration"""
    WAIT_SUM = 15
    """durations above summed [us], by bin offered"""
    WAIT_OPEN_SUM = 16
    END_TO_END_SUM = 17
    END_TO_END_OPEN_SUM = 18
    SEND_DELAY_SUM = 19
    DUPLICATE = 20
    """deliveries after a copy's first, by bin received; bucket: Cause"""
    REPEATED = 21
    """repeated successes, by bin they ended"""
    RECEIVED = 22
    """deliveries, by bin received"""
    ATTEMPT = 23
    """deliveries, by bin they ended (received, if they did not); bucket: Attempt"""
    INVOCATION = 24
    """invocations of a consumer, by bin they started; bucket: Attempt"""
    COLD = 25
    """invocations after a cold start, by bin they started"""
    BATCHED = 26
    """messages in invocations, by bin they started"""
    STEP = 27
    """net change of a level, by bin; bucket: Level, QUANTITY + Quantity or LIMIT + Limit"""
    STEP_OFFSET = 28
    """the same times the offset in the bin [us]"""
    START = 29
    """value of a level at 0, from what happened until then; bucket as for STEP"""
    DRAIN_OPEN = 30
    """copies sent before the drain counts that never left (bin 0)"""
    LAST_GONE = 31
    """a maximum: when the last copy sent before the drain counts was processed, dead-lettered or lost [us]"""
    END = 32
    """a maximum: last instant in any row [us]"""
    INVERTED = 33
    """messages received while one of a higher class was visible, by bin received"""
    STARVED = 34
    """a maximum: longest time in which messages waited and none was received [us]"""
    QUIET_WAIT = 40
    """as WAIT and the two after it, of messages of quiet tenants"""
    QUIET_WAIT_OPEN = 41
    QUIET_WAIT_NEVER = 42
    NOISY_WAIT = 43
    """the same of noisy tenants"""
    NOISY_WAIT_OPEN = 44
    NOISY_WAIT_NEVER = 45
    QUIET_WAIT_SUM = 46
    """durations above summed [us], by bin offered"""
    QUIET_WAIT_OPEN_SUM = 47
    NOISY_WAIT_SUM = 48
    NOISY_WAIT_OPEN_SUM = 49
    FILTERED_OUT = 190
    """copies deleted by event filters without an invocation, by bin"""
    HANDLED = 160
    """messages in invocations of consumers that call downstreams, by bin they started, as all that follow"""
    HANDLED_US = 161
    """how long these invocations lasted, summed [us]"""
    DOWNSTREAM_US = 162
    """of that, calls in service at downstreams [us]"""
    WAITING_US = 163
    """of that, in downstreams' lines and in pauses between tries [us]"""
    BILLED_MS = 164
    """what Lambda bills of a function's invocations, in started milliseconds, by bin they started"""
    DELETE_REQUESTS = 200
    """calls by which a consumer deleted what it had worked, by bin the batch started"""
    CHUNKS = 201
    """of a producer whose messages may be large: the requests they are one by one, by bin offered"""
    BYTES = 202
    """their payload, summed [bytes]"""
    IN_ALARM_FROM = 120
    """when an alarm went into ALARM [us], plus one, by that bin; bucket: the second in it"""
    IN_ALARM_US = 121
    """how long it stayed there [us], under the same"""
    SEEN = 122
    """newest published point of an alarm's metric, in thousandths plus one, by bin; bucket: the second"""


class Level(IntEnum):
    """Levels that are counted from rows; the values of ``changes`` follow from QUANTITY and LIMIT on."""

    STORED = 0
    IN_FLIGHT = 1
    BUSY = 2


SUM_OF: Final = {
    Field.WAIT: Field.WAIT_SUM,
    Field.WAIT_OPEN: Field.WAIT_OPEN_SUM,
    Field.END_TO_END: Field.END_TO_END_SUM,
    Field.END_TO_END_OPEN: Field.END_TO_END_OPEN_SUM,
    Field.SEND_DELAY: Field.SEND_DELAY_SUM,
    Field.QUIET_WAIT: Field.QUIET_WAIT_SUM,
    Field.QUIET_WAIT_OPEN: Field.QUIET_WAIT_OPEN_SUM,
    Field.NOISY_WAIT: Field.NOISY_WAIT_SUM,
    Field.NOISY_WAIT_OPEN: Field.NOISY_WAIT_OPEN_SUM,
}
"""Where the durations of a histogram are summed."""

QUANTITY: Final = 16
LIMIT: Final = 1_024
"""Far above any quantity's number, as both are buckets of one field."""


class Ending(NamedTuple):
    """Where the times of a subscription's deliveries are found.

    ``timed`` is the path of what has its copies ("": they are only counted), ``web`` says that it is a web
    server, ``shared`` that others send there too; each message goes to so many ``subscribers``.
    """

    timed: str
    web: bool = False
    shared: bool = False
    subscribers: int = 1


@dataclass(frozen=True)
class Frame:
    """What a reduction must know of the scenario.

    Parameters
    ----------
    things : sequence of str
        Paths; rows carry their index.
    duration_us : int
        How long arrivals last [us].
    dead_letter_queues : frozenset of str
        Paths of queues that others move copies to; they are counted apart.
    queue_of : mapping of str to str
        The queue path of each consumer path; a function's own events have one path for both.
    discard_us : int or None
        Start of the run that is left out [us], cut at the next bin edge; None: found by MSER-5.
    drain_from_us : int or None
        Instant from which the drain counts [us]; None: there is no drain to speak of.
    classes : frozenset of str
        Paths of queues that a group polls by priority: its invocations are not those of any one of them.
    noisy_groups : frozenset of int or None
        Groups that are noisy tenants, whose waits are kept apart; None: nobody asks.
    fair_queues : frozenset of str
        Paths of the fair queues.
    alarms : frozenset of str
        Paths of the alarms, whose spells are kept one by one.
    callers : frozenset of str
        Paths of the consumers that call downstreams.
    downstreams : mapping of str to float
        Paths of the downstreams, with how many calls each serves at once; nan: any number.
    brokers : tuple of str
        Paths of the brokers of Amazon MQ.
    workflows : mapping of str to tuple of str
        Paths of the workflows, and those of their states.
    email : tuple of str
        Paths of the SES accounts, which are among these as well.
    memory_gb : mapping of str to float
        By path of each consumer that is a function: its memory [GiB, which Lambda calls GB].
    creation_us : int
        Of a cold start: creating the environment, before the init that is billed [us].
    subscriptions : mapping of str to Ending
        Paths of the subscriptions, and where the times of their deliveries are found.
    deletes_at_once : mapping of str to int
        By path of each consumer of a queue: how many messages a call of it deletes at most.
    chunk_bytes : int
        Payload of a call that is one request on the bill, and each that is started; 0: nobody asks.
    """

    things: Sequence[str]
    duration_us: int
    dead_letter_queues: frozenset[str] = frozenset()
    queue_of: Mapping[str, str] = field(default_factory=dict)
    discard_us: int | None = 0
    drain_from_us: int | None = None
    classes: frozenset[str] = frozenset()
    noisy_groups: frozenset[int] | None = None
    fair_queues: frozenset[str] = frozenset()
    callers: frozenset[str] = frozenset()
    downstreams: Mapping[str, float] = field(default_factory=dict)
    email: tuple[str, ...] = ()
    workflows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    brokers: tuple[str, ...] = ()
    alarms: frozenset[str] = frozenset()
    memory_gb: Mapping[str, float] = field(default_factory=dict)
    creation_us: int = 0
    subscriptions: Mapping[str, Ending] = field(default_factory=dict)
    deletes_at_once: Mapping[str, int] = field(default_factory=dict)
    chunk_bytes: int = 0

    @cached_property
    def bin_us(self) -> int:
        """Width of a bin [us]."""
        if self.duration_us <= 600 * _S:
            return _S
        if self.duration_us <= 7_200 * _S:
            return 10 * _S
        return 60 * _S if self.duration_us <= _MONTHS_US else 3_600 * _S

    @cached_property
    def queues(self) -> tuple[str, ...]:
        """Paths of the queues that are no DLQ; also of events that functions get without a queue."""
        found = [t for t in self.things if t.startswith("queues.") and t not in self.dead_letter_queues]
        return (*found, *(t for t in self.things if self.queue_of.get(t) == t))

    @cached_property
    def is_alarm(self) -> np.ndarray:
        """Whether each thing is an alarm; bool of shape (things,)."""
        return np.array([thing in self.alarms for thing in self.things], dtype=bool)

    @cached_property
    def is_source(self) -> np.ndarray:
        """Whether each thing is a queue that is no DLQ; bool of shape (things,)."""
        queues = set(self.queues)
        return np.array([thing in queues for thing in self.things], dtype=bool)


class Partial(NamedTuple):
    """All that is kept of some rows of one run."""

    sums: Tally
    maxima: Tally


class Cells(NamedTuple):
    """Numbers of one field with what they stand under; all int64 of shape (n,), ascending."""

    thing: np.ndarray
    bin: np.ndarray
    bucket: np.ndarray
    value: np.ndarray


def merge(*partials: Partial) -> Partial:
    """One partial of several of the same run; exact, in any order."""
    return Partial(
        merged([partial.sums for partial in partials]),
        merged([partial.maxima for partial in partials], np.maximum),
    )


def cells(tally: Tally, what: Field) -> Cells:
    """The numbers of one field of a partial's tally."""
    first, last = np.searchsorted(tally.keys, [key(what, 0, 0, 0), key(what + 1, 0, 0, 0)])
    keys = tally.keys[first:last]
    return Cells(
        (keys >> (BIN_BITS + BUCKET_BITS)) & ((1 << THING_BITS) - 1),
        (keys >> BUCKET_BITS) & ((1 << BIN_BITS) - 1),
        keys & ((1 << BUCKET_BITS) - 1),
        tally.values[first:last],
    )


def key(what: int, thing: int, at_bin: int, bucket: int) -> int:
    """Key of a number in a tally."""
    return (((what << THING_BITS) + thing << BIN_BITS) + at_bin << BUCKET_BITS) + bucket
