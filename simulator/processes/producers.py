"""Producers: what is said, when, and to whom; and the intake that lets them work a window ahead."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from simpy.events import ProcessGenerator

from simulator.aws.sqs.receipt import NEVER
from simulator.processes.clock import CHANGES, Clock
from simulator.processes.ledger import Block, Ledger
from simulator.processes.senders import Outgoing, Sender
from simulator.processes.topics import Inlet, Topic, Way
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Outcome
from simulator.sampling.arrivals import Cursor
from simulator.sampling.distributions import Categorical, Constant, Distribution, draw, whole
from simulator.sampling.streams import message_keys, uniform

_LAST_WINDOWS_US: Final = 1_000_000


class Poisoning(NamedTuple):
    """Of the messages offered in a span of time [us], a share more is poisoned, by a stream of its own."""

    from_at: int
    until_at: int
    share: float
    stream_key: int


class Content:
    """What a producer's messages are like; every draw belongs to (producer, serial).

    Parameters
    ----------
    size : Distribution
        Body and attributes [bytes].
    group : Categorical, optional
        Which group; None: messages have none.
    attributes : sequence of Categorical
        Values of each attribute, then of each choice of the body; together they make the combination, the
        last one varying fastest.
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
        self.poisonings: list[Poisoning] = []

    def sizes(self, keys: np.ndarray) -> np.ndarray:
        """Sizes [bytes], at least one, shape (n,)."""
        if isinstance(self._size, Constant):  # spares a few messages at a time the draw
            return np.full(len(keys), max(1, int(whole(np.array([self._size.mean]))[0])), dtype=np.int64)
        return np.maximum(1, draw(self._size, self._size_key, keys))

    def groups(self, keys: np.ndarray) -> np.ndarray:
        """Group numbers, NONE without groups, shape (n,)."""
        if self._group is None:
            return np.full(len(keys), NONE, dtype=np.int64)
        return self._group.index(uniform(self._group_key, keys))

    def combinations(self, keys: np.ndarray) -> np.ndarray:
        """Index of each message's combination of attribute values and body, int16 of shape (n,)."""
        combination = np.zeros(len(keys), dtype=np.int64)
        for values, key in zip(self._attributes, self._attribute_keys, strict=True):
            combination = combination * values.count + values.index(uniform(key, keys))
        return combination.astype(np.int16)

    def poisoned(self, keys: np.ndarray, offered_at: np.ndarray | None = None) -> np.ndarray:
        """Which messages fail every attempt, bool of shape (n,); it may depend on *offered_at* [us]."""
        poison = np.zeros(len(keys), dtype=bool)
        if self._poison:
            poison = uniform(self._poison_key, keys) < self._poison
        if offered_at is None:
            return poison
        for bad in self.poisonings:
            meanwhile = (bad.from_at <= offered_at) & (offered_at < bad.until_at)
            poison = poison | (meanwhile & (uniform(bad.stream_key, keys) < bad.share))
        return poison


class Target(Protocol):
    """What a producer sends to."""

    max_bytes: int

    def take(
        self, block: Block, ok: np.ndarray, offered_at: np.ndarray, groups: np.ndarray, keys: np.ndarray
    ) -> np.ndarray:
        """Send the messages of *block* that are small enough (*ok*); copies each becomes, shape (n,)."""


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
    """Says messages and writes down what became of each.

    Its sender settles them one by one; without a sender, all are accepted at the instant offered.
    """

    def __init__(self, name: str, thing: int, content: Content, ledger: Ledger, recorder: Recorder) -> None:
        self.name = name
        self.thing = thing
        self.offered = self.accepted = self.deduplicated = self.refused = 0
        self.sender: Sender | None = None
        self.content = content
        self.denied: list[tuple[int, int]] = []
        """Spans of time [us] in which it may not send: what it offers then is refused at once."""
        self._ledger = ledger
        self._recorder = recorder
        self._max_bytes = NEVER
        self._open: dict[int, Outgoing] = {}

    def send_by(self, sender: Sender, max_bytes: int) -> None:
        """Send by *sender* to what refuses messages above *max_bytes*."""
        self.sender = sender
        self._max_bytes = max_bytes

    def offer(self, horizon: int) -> None:
        """Offer everything that is due before *horizon* [us]."""
        raise NotImplementedError

    def work_until(self, horizon: int) -> None:
        """Go on with what is being sent, where that is done a window ahead, until *horizon* [us]."""
        if self.sender is not None:
            self.sender.work_until(horizon)

    def under_way(self) -> int:
        """Messages that are still being sent, as far as their sender knows."""
        return 0 if self.sender is None else self.sender.under_way()

    def needs_windows(self) -> bool:
        """Whether something is under way that goes on only when it is told of the next window."""
        return self.sender is not None and self.sender.ahead and self.sender.under_way() > 0

    def ended(self, one: Outgoing, _known_at: int) -> None:
        """A message is not tried any more."""
        del self._open[one.message]
        self._close(one, Outcome.REFUSED)

    def _close(self, one: Outgoing, otherwise: Outcome) -> None:
        """Write down a message; *otherwise*: what became of it if no call was accepted."""
        outcome = otherwise
        if one.accepted_at != NONE:
            outcome = Outcome.DEDUPLICATED if one.deduplicated else Outcome.ACCEPTED
        self.accepted += outcome is Outcome.ACCEPTED
        self.deduplicated += outcome is Outcome.DEDUPLICATED
        self.refused += outcome is Outcome.REFUSED
        message, ledger = one.message, self._ledger
        self._recorder.message(
            (
                message,
                self.thing,
                ledger.block_of(message).serial_of(message),
                ledger.offered_at[message],
                one.accepted_at,
                one.size_bytes,
                ledger.group[message],
                one.combination,
                one.poison,
                one.calls,
                one.copies,
                int(outcome),
            )
        )

    def finish_run(self) -> int:
        """Write down the messages that are still being sent; how many were not accepted yet."""
        still = [self._open[message] for message in sorted(self._open)]
        for one in still:
            self._close(one, Outcome.UNFINISHED)
        self._open.clear()
        return sum(one.accepted_at == NONE for one in still)


class OpenLoop(Producer):
    """Offers messages whenever they are due, whatever became of those before."""

    def __init__(
        self, name: str, thing: int, cursor: Cursor, content: Content, ledger: Ledger, recorder: Recorder
    ) -> None:
        super().__init__(name, thing, content, ledger, recorder)
        self._cursor = cursor
        self._target: Target | None = None

    def aim(self, target: Target) -> None:
        """Send to *target* at the instants offered: no event a message."""
        self._target = target
        self._max_bytes = target.max_bytes

    def offer(self, horizon: int) -> None:
        """Offer everything that is due before *horizon* [us]."""
        offered_at = self._cursor.until(horizon)
        n = len(offered_at)
        if not n:
            return
        keys = message_keys(self.name, self.offered, n)
        content = self.content
        sizes, groups = content.sizes(keys), content.groups(keys)
        combinations, poison = content.combinations(keys), content.poisoned(keys, offered_at)
        block = self._ledger.add_messages(self.name, self.offered, offered_at, groups, combinations, poison)
        self.offered += n
        ok = sizes <= self._max_bytes
        if self.sender is not None:
            self._send(self.sender, block, ok, offered_at, keys, sizes)
            return
        assert self._target is not None
        for from_at, until_at in self.denied:
            ok &= (offered_at < from_at) | (offered_at >= until_at)
        copies = self._target.take(block, ok, offered_at, groups, keys)
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

    def _send(
        self,
        sender: Sender,
        block: Block,
        ok: np.ndarray,
        offered_at: np.ndarray,
        keys: np.ndarray,
        sizes: np.ndarray,
    ) -> None:
        """Hand the messages of *block* that are small enough to the sender; the others are refused."""
        answers = [0] * len(ok) if sender.answers is None else sender.answers.first(keys)
        facts = (keys.tolist(), sizes.tolist(), block.attributes.tolist(), block.poison.tolist(), answers)
        said = [Outgoing(*one) for one in zip(range(block.first, block.end), *facts, strict=True)]
        self._open.update(zip(range(block.first, block.end), said, strict=True))
        if ok.all():
            sender.add(said, offered_at.tolist())
            return
        chosen = np.flatnonzero(ok)
        sender.add([said[index] for index in chosen.tolist()], offered_at[chosen].tolist())
        for index in np.flatnonzero(~ok).tolist():
            said[index].calls = 1
            self.ended(said[index], int(offered_at[index]))


def intake(
    clock: Clock,
    producers: Sequence[Producer],
    inlets: Sequence[Way],
    window_us: int,
    until_at: int,
    latest_at: int,
) -> ProcessGenerator:
    """Let producers offer, and queues take, one window after the other until *until_at* [us].

    What is being sent then goes on, at most until *latest_at* [us].
    """
    at = 0
    while at < until_at or (at < latest_at and any(producer.needs_windows() for producer in producers)):
        yield clock.until(at, CHANGES)
        if at >= until_at and any(one.sender and one.needs_windows() for one in producers):
            window_us = min(window_us, _LAST_WINDOWS_US)
        horizon = min(at + window_us, until_at if at < until_at else latest_at)
        for producer in producers:
            if at < until_at:
                producer.offer(horizon)
            producer.work_until(horizon)
        over = horizon >= latest_at or (
            horizon >= until_at and not any(producer.needs_windows() for producer in producers)
        )
        for inlet in inlets:
            inlet.release(NEVER if over else horizon)
        at = horizon
