"""Children: the messages that consumers send when they have worked a message, and where these go.

A child goes out at the end of the handler, before its parent is deleted: a consumer that is killed in
between, or deletes too late, works the parent again and sends once more, other children. What a batch sends
goes out together; the time of the calls is part of the work. Nobody waits for a call that is throttled: it is
made again as soon as there is a token.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final, Protocol

import numpy as np

from simulator.processes.ledger import Block, Ledger
from simulator.processes.producers import Content
from simulator.processes.stories import Stories
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Outcome
from simulator.sampling.streams import mix, uniform_one

SOURCE: Final = "sends"
"""The producer that the ledger knows children by, whoever sends them."""
_CAPACITY: Final = 256


class ChildBlock(Block):
    """Children with consecutive numbers, each with a key of its own; it grows until it is full."""

    __slots__ = ("_all_attributes", "_child_keys", "_sizes")

    def __init__(self, first: int) -> None:
        super().__init__(SOURCE, 0, first, np.zeros(0, dtype=np.int16), np.zeros(0, dtype=bool))
        self._all_attributes = np.zeros(_CAPACITY, dtype=np.int16)
        self._child_keys = np.zeros(_CAPACITY, dtype=np.uint64)
        self._sizes = np.zeros(_CAPACITY, dtype=np.int32)

    @property
    def room(self) -> int:
        """How many more it takes."""
        return _CAPACITY - len(self.poison)

    def extend(self, keys: np.ndarray, combinations: np.ndarray, sizes: np.ndarray) -> None:
        """Number so many more children."""
        n = len(self.poison)
        end = n + len(keys)
        self._all_attributes[n:end] = combinations
        self._child_keys[n:end] = keys
        self._sizes[n:end] = sizes
        self.attributes = self._all_attributes[:end]
        self.poison = np.zeros(end, dtype=bool)
        self.end = self.first + end

    def keys(self) -> np.ndarray:
        """Keys of the draws of its messages."""
        return self._child_keys[: len(self.poison)]

    def key_of(self, message: int) -> int:
        """Key of the draws of one message."""
        return int(self._child_keys[message - self.first])

    def sizes(self) -> np.ndarray:
        """Sizes of its messages [bytes]."""
        return self._sizes[: len(self.poison)]


class Way(Protocol):
    """Where a send goes."""

    def send(self, children: "list[Child]") -> None:
        """Send *children*, now; each is told when it is accepted."""


class Child:
    """A message that a consumer sends: its number, key, size [bytes], group, combination and send."""

    __slots__ = ("combination", "group", "key", "message", "send", "serial", "size_bytes")

    def __init__(
        self, message: int, key: int, size_bytes: int, group: int, combination: int, send: "Send", serial: int
    ) -> None:
        self.message = message
        self.key = key
        self.size_bytes = size_bytes
        self.group = group
        self.combination = combination
        self.send = send
        self.serial = serial


class Children:
    """All children of a run: their numbers, parents and turns."""

    def __init__(self, ledger: Ledger, recorder: Recorder) -> None:
        self.ledger = ledger
        self.recorder = recorder
        self.turns: dict[int, dict[str, int]] = {}
        """Of children in cycles of functions: how often their chain has invoked each of these."""
        self._block: ChildBlock | None = None

    def number(
        self,
        now: int,
        parents: Sequence[int],
        keys: np.ndarray,
        groups: Sequence[int],
        combinations: np.ndarray,
        sizes: np.ndarray,
    ) -> int:
        """Number so many children of the copies *parents*, said at *now* [us]; the first of them."""
        ledger = self.ledger
        first = ledger.messages
        done, n = 0, len(parents)
        while done < n:
            block = self._block
            if block is None or not block.room or ledger.blocks[-1] is not block:
                block = self._block = ChildBlock(ledger.messages)
                ledger.open_block(block)
            part = slice(done, min(n, done + block.room))
            block.extend(keys[part], combinations[part], sizes[part])
            ledger.offered_at.extend([now] * (part.stop - done))
            ledger.group.extend(groups[part])
            done = part.stop
        ledger.child_messages.extend(range(first, first + n))
        ledger.parent_copies.extend(parents)
        return first


class Send:
    """One thing that a consumer sends for each message of a queue that it has worked.

    Parameters
    ----------
    thing : int
        The consumer's number among the things of the run: it is the producer in the rows.
    stage : int
        Number of the queue and the send by their names: part of the children's keys, whoever consumes.
    counts : sequence of (int, float)
        How many children with which share.
    count_key : int
        Stream of these numbers.
    content : Content
        Sizes, and groups and choices of its own.
    inherits_group : bool
        A child is of its parent's group.
    bases : mapping
        By source, what a child may have of each combination of a parent of it.
    rows : sequence
        Combinations of children, by what they have of their parent and their own choice.
    turning : str
        The function that sends, where Lambda counts its turns; "" elsewhere.
    """

    def __init__(
        self,
        children: Children,
        thing: int,
        stage: int,
        counts: Sequence[tuple[int, float]],
        count_key: int,
        content: Content,
        way: Way,
        *,
        inherits_group: bool,
        bases: Mapping[str, Sequence[int]],
        rows: Sequence[Sequence[int]],
        turning: str = "",
    ) -> None:
        self.offered = self.accepted = 0
        self._children = children
        self._thing = thing
        self._stage = stage
        self._numbers = [number for number, _ in counts]
        self._upto = list(accumulate(share for _, share in counts))
        self._count_key = count_key
        self._content = content
        self._way = way
        self._inherits_group = inherits_group
        self._bases = bases
        self._rows = rows
        self._turning = turning
        self._open: dict[int, Child] = {}

    def after(self, now: int, copies: Iterable[int], times: Mapping[int, int]) -> None:
        """Send what goes out for *copies*, worked now; *times*: how often some were worked before."""
        ledger = self._children.ledger
        parents: list[int] = []
        keys: list[int] = []
        bases: list[int] = []
        for copy in copies:
            message = ledger.message_of[copy]
            block = ledger.block_of(message)
            again = (*((times[copy],) if copy in times else ()), *_versions(ledger, copy))
            stem = mix(block.key_of(message), self._stage, *again)
            known = self._bases.get(block.producer)
            base = 0 if known is None else known[block.attributes[message - block.first]]
            for place in range(self._count(stem)):
                parents.append(copy)
                keys.append(mix(stem, place))
                bases.append(base)
        if parents:
            self._say(now, parents, np.array(keys, dtype=np.uint64), bases)

    def _count(self, stem: int) -> int:
        if len(self._numbers) == 1:
            return self._numbers[0]
        place = bisect_right(self._upto, uniform_one(self._count_key, stem))
        return self._numbers[min(place, len(self._numbers) - 1)]

    def _say(self, now: int, parents: list[int], keys: np.ndarray, bases: list[int]) -> None:
        children, content, ledger = self._children, self._content, self._children.ledger
        sizes = content.sizes(keys)
        if self._inherits_group:
            groups = [ledger.group[ledger.message_of[copy]] for copy in parents]
        else:
            groups = content.groups(keys).tolist()
        choices = content.combinations(keys).tolist()
        combinations = [self._rows[base][choice] for base, choice in zip(bases, choices, strict=True)]
        first = children.number(now, parents, keys, groups, np.array(combinations, dtype=np.int16), sizes)
        said = [
            Child(first + place, *facts, self, self.offered + place)
            for place, facts in enumerate(
                zip(keys.tolist(), sizes.tolist(), groups, combinations, strict=True)
            )
        ]
        self.offered += len(said)
        if self._turning:
            for child, copy in zip(said, parents, strict=True):
                turns = children.turns.get(ledger.message_of[copy], {})
                children.turns[child.message] = {**turns, self._turning: turns.get(self._turning, 0) + 1}
        self._open.update((child.message, child) for child in said)
        self._way.send(said)

    def told(self, child: Child, now: int, copies: int) -> None:
        """A child was accepted at *now* [us] and becomes *copies*."""
        del self._open[child.message]
        self.accepted += 1
        self._write(child, now, 1, copies, Outcome.ACCEPTED)

    def _write(self, child: Child, at: int, tries: int, copies: int, outcome: Outcome) -> None:
        offered_at = self._children.ledger.offered_at[child.message]
        self._children.recorder.message(
            (child.message, self._thing, child.serial, offered_at, at, child.size_bytes, child.group,
             child.combination, 0, tries, copies, int(outcome))
        )  # fmt: skip

    def finish_run(self) -> int:
        """Write down the children that no target has accepted yet; how many."""
        for child in self._open.values():
            self._write(child, NONE, 1, 0, Outcome.UNFINISHED)
        return len(self._open)


def _versions(ledger: Ledger, copy: int) -> list[int]:
    """What tells a copy from others of its message that were made before it; nothing for a first one."""
    versions: list[int] = []
    message = ledger.message_of[copy]
    while (parent := ledger.parent_of.get(copy)) is not None and ledger.message_of[parent] == message:
        versions.append(ledger.redrives.get(copy, 0))
        copy = parent
    return [len(versions), *versions] if versions else versions


class Sends:
    """All that one consumer sends for the messages of one queue."""

    def __init__(self, sends: Sequence[Send]) -> None:
        self.sends = sends
        self._times: dict[int, int] = {}  # of copies that may be worked again: how often they were

    def after(self, now: int, copies: list[int]) -> None:
        """*copies* have been worked, now: send what goes out for them."""
        times = self._times
        known = {copy: times[copy] for copy in copies if copy in times} if times else times
        for send in self.sends:
            send.after(now, copies, known)
        for copy in copies:
            times[copy] = times.get(copy, 0) + 1

    def forget(self, copies: Iterable[int], stories: Stories) -> None:
        """*copies* are gone: forget those that nobody has in hand any more."""
        for copy in copies:
            if not stories.may_be_worked(copy):
                self._times.pop(copy, None)


class Turns:
    """Lambda's guard at one function: which messages would invoke it once too often.

    Parameters
    ----------
    stops : callable
        Whether so many earlier invocations of the function in one chain are too many.
    """

    def __init__(self, children: Children, function: str, stops: Callable[[int], bool]) -> None:
        self._children = children
        self._function = function
        self._stops = stops

    def stopped(self, copies: Iterable[int]) -> list[int]:
        """Those of *copies* whose messages do not invoke the function."""
        message_of, turns, function = self._children.ledger.message_of, self._children.turns, self._function
        return [
            copy
            for copy in copies
            if message_of[copy] in turns and self._stops(turns[message_of[copy]].get(function, 0))
        ]
