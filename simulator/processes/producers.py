"""Producers: what is said, when, and to whom; and the intake that lets them work a window ahead."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from simpy.events import ProcessGenerator

from simulator.aws.sqs.receipt import NEVER
from simulator.processes.clock import CHANGES, Clock
from simulator.processes.inlets import FifoClient
from simulator.processes.ledger import Block, Ledger
from simulator.processes.topics import Inlet, Topic
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Outcome
from simulator.sampling.arrivals import Cursor
from simulator.sampling.distributions import Categorical, Distribution, draw
from simulator.sampling.streams import message_keys, uniform


class Content:
    """What a producer's messages are like; every draw belongs to (producer, serial).

    Parameters
    ----------
    size : Distribution
        Body and attributes [bytes].
    group : Categorical, optional
        Which group; None: messages have none.
    attributes : sequence of Categorical
        Values of each attribute; together they make the combination, the last one varying fastest.
    poison : float
        Share of messages that fail every attempt.
    size_key, group_key, poison_key, attribute_keys : int
        Their streams.
    """

    def __init__(
        self,
        size: Distribution,
        group: Categorical | None,
        attributes: Sequence[Categorical],
        poison: float,
        size_key: int,
        group_key: int,
        poison_key: int,
        attribute_keys: Sequence[int],
    ) -> None:
        self._size = size
        self._group = group
        self._attributes = attributes
        self._poison = poison
        self._size_key = size_key
        self._group_key = group_key
        self._poison_key = poison_key
        self._attribute_keys = attribute_keys

    def sizes(self, keys: np.ndarray) -> np.ndarray:
        """Sizes [bytes], at least one, shape (n,)."""
        return np.maximum(1, draw(self._size, self._size_key, keys))

    def groups(self, keys: np.ndarray) -> np.ndarray:
        """Group numbers, NONE without groups, shape (n,)."""
        if self._group is None:
            return np.full(len(keys), NONE, dtype=np.int64)
        return self._group.index(uniform(self._group_key, keys))

    def combinations(self, keys: np.ndarray) -> np.ndarray:
        """Index of each message's combination of attribute values, int16 of shape (n,)."""
        combination = np.zeros(len(keys), dtype=np.int64)
        for values, key in zip(self._attributes, self._attribute_keys, strict=True):
            combination = combination * values.count + values.index(uniform(key, keys))
        return combination.astype(np.int16)

    def poisoned(self, keys: np.ndarray) -> np.ndarray:
        """Which messages fail every attempt, bool of shape (n,)."""
        if not self._poison:
            return np.zeros(len(keys), dtype=bool)
        return uniform(self._poison_key, keys) < self._poison


class Target(Protocol):
    """What a producer sends to."""

    max_bytes: int

    def take(
        self, block: Block, ok: np.ndarray, offered_at: np.ndarray, groups: np.ndarray, keys: np.ndarray
    ) -> np.ndarray | None:
        """Send the messages of *block* that are small enough (*ok*).

        Copies each becomes, shape (n,); None when their fates are told later.
        """


class TopicTarget:
    """A producer publishes to a topic."""

    def __init__(self, topic: Topic, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.take = topic.publish


class QueueTarget:
    """A producer sends to a standard queue."""

    def __init__(self, inlet: Inlet, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._inlet = inlet

    def take(
        self, block: Block, ok: np.ndarray, offered_at: np.ndarray, groups: np.ndarray, keys: np.ndarray
    ) -> np.ndarray:
        """Send at the instant offered: a standard queue refuses nothing."""
        chosen = np.flatnonzero(ok)
        self._inlet.add(chosen + block.first, offered_at[chosen])
        return ok.astype(np.int16)


class Producer:
    """Offers messages, window by window, and writes down what became of each."""

    def __init__(
        self, name: str, thing: int, cursor: Cursor, content: Content, ledger: Ledger, recorder: Recorder
    ) -> None:
        self.name = name
        self.thing = thing
        self.offered = self.accepted = self.deduplicated = self.refused = 0
        self._cursor = cursor
        self._content = content
        self._ledger = ledger
        self._recorder = recorder
        self._target: Target | FifoClient | None = None
        self._max_bytes = NEVER
        self._waiting: dict[int, tuple[int, int, int]] = {}

    def aim(self, target: Target | FifoClient, max_bytes: int) -> None:
        """Send to *target*, which refuses messages above *max_bytes*."""
        self._target = target
        self._max_bytes = max_bytes

    def offer(self, horizon: int) -> None:
        """Offer everything that is due before *horizon* [us]."""
        offered_at = self._cursor.until(horizon)
        n = len(offered_at)
        if not n:
            return
        keys = message_keys(self.name, self.offered, n)
        sizes, groups = self._content.sizes(keys), self._content.groups(keys)
        combinations, poison = self._content.combinations(keys), self._content.poisoned(keys)
        block = self._ledger.add_messages(self.name, self.offered, offered_at, groups, combinations, poison)
        self.offered += n
        ok = sizes <= self._max_bytes
        if isinstance(self._target, FifoClient):
            facts = zip(sizes.tolist(), combinations.tolist(), poison.tolist(), strict=True)
            self._waiting.update(zip(range(block.first, block.end), facts, strict=True))
            chosen = np.flatnonzero(ok)
            self._target.add(chosen + block.first, offered_at[chosen])
            for index in np.flatnonzero(~ok).tolist():
                self.fate(block.first + index, None, 1, False)
            return
        assert self._target is not None
        copies = self._target.take(block, ok, offered_at, groups, keys)
        assert copies is not None
        self.accepted += int(ok.sum())
        self.refused += n - int(ok.sum())
        self._recorder.messages(
            {
                "message": np.arange(block.first, block.end),
                "producer": np.full(n, self.thing),
                "serial": np.arange(block.first_serial, block.first_serial + n),
                "offered_at": offered_at,
                "accepted_at": np.where(ok, offered_at, NONE),
                "size_bytes": sizes,
                "group": groups,
                "attributes": combinations,
                "poison": poison,
                "tries": np.ones(n),
                "copies": copies,
                "outcome": np.where(ok, int(Outcome.ACCEPTED), int(Outcome.REFUSED)),
            }
        )

    def fate(self, message: int, accepted_at: int | None, calls: int, deduplicated: bool) -> None:
        """What became of one message sent to a FIFO queue."""
        if accepted_at is None:
            outcome = Outcome.REFUSED
            self.refused += 1
        elif deduplicated:
            outcome = Outcome.DEDUPLICATED
            self.deduplicated += 1
        else:
            outcome = Outcome.ACCEPTED
            self.accepted += 1
        self._write(message, accepted_at, calls, outcome)

    def _write(self, message: int, accepted_at: int | None, calls: int, outcome: Outcome) -> None:
        size, combination, poison = self._waiting.pop(message)
        block = self._ledger.block_of(message)
        self._recorder.message(
            (
                message,
                self.thing,
                block.first_serial + message - block.first,
                self._ledger.offered_at[message],
                NONE if accepted_at is None else accepted_at,
                size,
                self._ledger.group[message],
                combination,
                poison,
                calls,
                int(outcome is Outcome.ACCEPTED),
                int(outcome),
            )
        )

    def finish_run(self) -> int:
        """Write down the messages that are still being sent; how many."""
        unfinished = sorted(self._waiting)
        for message in unfinished:
            self._write(message, None, 1, Outcome.UNFINISHED)
        return len(unfinished)


def intake(
    clock: Clock, producers: Sequence[Producer], inlets: Sequence[Inlet], window_us: int, until_at: int
) -> ProcessGenerator:
    """Let producers offer, and queues take, one window after the other until *until_at* [us]."""
    at = 0
    while at < until_at:
        yield clock.until(at, CHANGES)
        horizon = min(at + window_us, until_at)
        for producer in producers:
            producer.offer(horizon)
        for inlet in inlets:
            inlet.release(horizon if horizon < until_at else NEVER)
        at = horizon
