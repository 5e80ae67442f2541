"""Services that publish on their own: what happens there is told later, never or several times."""

from typing import Final, NamedTuple, Protocol

import numpy as np

from simulator.processes.ledger import Ledger
from simulator.processes.producers import Content, Producer, Target
from simulator.processes.topics import Inlet, Topic
from simulator.recording.recorder import Recorder
from simulator.recording.tables import NONE, Outcome
from simulator.sampling.arrivals import Cursor
from simulator.sampling.streams import UInts, message_keys, mix_array, serial_keys

_AGAIN: Final = 2
"""The second saying of a message has draws of its own."""


class Notices(NamedTuple):
    """What is said of happenings; all of shape (n,).

    ``origin`` is the happening's place among those given, ``kind`` tells apart what is said of one,
    ``said_at`` when [us], ``combination`` the index of its traits, ``again_us`` how much later the same is
    said once more [us] or NONE.
    """

    origin: np.ndarray
    kind: np.ndarray
    said_at: np.ndarray
    combination: np.ndarray
    again_us: np.ndarray


class Happenings(Protocol):
    """A service: what it says of what happens there.

    ``kinds`` is how many different things it may say of one happening.
    """

    kinds: int

    def told(self, happened_at: np.ndarray, keys: UInts) -> Notices:
        """Say what comes of the next happenings, at *happened_at* [us], ascending, with these keys."""


class Again(Protocol):
    """Says messages once more."""

    def say(
        self,
        messages: np.ndarray,
        combinations: np.ndarray,
        said_at: np.ndarray,
        groups: np.ndarray,
        keys: np.ndarray,
    ) -> None:
        """Say *messages* again at *said_at* [us], ascending; all of shape (n,)."""


class TopicAgain:
    """To a topic: it publishes them anew."""

    def __init__(self, topic: Topic, producer: str) -> None:
        self._topic = topic
        self._producer = producer

    def say(
        self,
        messages: np.ndarray,
        combinations: np.ndarray,
        said_at: np.ndarray,
        groups: np.ndarray,
        keys: np.ndarray,
    ) -> None:
        """Publish *messages* again."""
        self._topic.publish_messages(self._producer, messages, combinations, said_at, groups, keys)


class InletAgain:
    """To a queue or a function, without a topic between."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet

    def say(
        self,
        messages: np.ndarray,
        combinations: np.ndarray,
        said_at: np.ndarray,
        groups: np.ndarray,
        keys: np.ndarray,
    ) -> None:
        """Send *messages* again."""
        self._inlet.add(messages, said_at)


class Source(Producer):
    """A service as a producer: a message is offered when what it tells of happened, and accepted when told.

    So the time from an upload, a job or a mail to its notification is part of end-to-end, and the send delay
    is that time. A message's serial is the happening's, times the kinds of notices, plus the kind: what is
    said of one happening is the same whatever happens to others. What is not told by the end of the run,
    *latest_at* [us], is unfinished, and so are its copies.
    """

    def __init__(
        self,
        name: str,
        thing: int,
        cursor: Cursor,
        content: Content,
        ledger: Ledger,
        recorder: Recorder,
        happenings: Happenings,
        latest_at: int,
    ) -> None:
        super().__init__(name, thing, content, ledger, recorder)
        self.happened = 0
        self._cursor = cursor
        self._happenings = happenings
        self._latest_at = latest_at
        self._target: Target | None = None
        self._again: Again | None = None
        self._unsaid = 0
        self._coming = _rows(0, 6)  # serial, happened at, said at, group, combination, again in
        self._repeats = _rows(0, 5)  # message, said at, group, combination, serial

    def aim(self, target: Target, again: Again) -> None:
        """Say messages to *target*, and those that are said twice by *again*."""
        self._target = target
        self._again = again
        self._max_bytes = target.max_bytes

    def offer(self, horizon: int) -> None:
        """Find out what comes of everything that happens before *horizon* [us]."""
        happened_at = self._cursor.until(horizon)
        n = len(happened_at)
        if not n:
            return
        keys = message_keys(self.name, self.happened, n)
        notices = self._happenings.told(happened_at, keys)
        serials = (self.happened + notices.origin) * self._happenings.kinds + notices.kind
        self.happened += n
        rows = np.column_stack(
            (
                serials,
                happened_at[notices.origin],
                notices.said_at,
                self.content.groups(keys[notices.origin]),
                notices.combination,
                notices.again_us,
            )
        )
        self._coming = _in_order(np.concatenate((self._coming, rows)), 2, 0)

    def work_until(self, horizon: int) -> None:
        """Say what is due before *horizon* [us]; at the end of the run, all that is known to come."""
        over = horizon >= self._latest_at
        due = len(self._coming) if over else int(np.searchsorted(self._coming[:, 2], horizon))
        if due:
            said, self._coming = self._coming[:due], self._coming[due:]
            self._say(said)
        due = len(self._repeats) if over else int(np.searchsorted(self._repeats[:, 1], horizon))
        if due:
            said, self._repeats = self._repeats[:due], self._repeats[due:]
            messages, said_at, groups, combinations, serials = said.T
            assert self._again is not None
            keys = mix_array(serial_keys(self.name, serials.astype(np.uint64)), _AGAIN)
            self._again.say(messages, combinations, said_at, groups, keys)

    def under_way(self) -> int:
        """What is still to be said."""
        return len(self._coming) + len(self._repeats)

    def needs_windows(self) -> bool:
        """Whether something is still to be said."""
        return self.under_way() > 0

    def finish_run(self) -> int:
        """Give how many messages were not said by the end of the run."""
        return self._unsaid

    def _say(self, said: np.ndarray) -> None:
        """Say the messages of these rows for the first time."""
        serials, happened_at, said_at, groups, combinations, again_us = said.T.copy()
        n, content = len(said), self.content
        keys = serial_keys(self.name, serials.astype(np.uint64))
        sizes, poison = content.sizes(keys), content.poisoned(keys, happened_at)
        block = self._ledger.add_serials(
            self.name, serials, happened_at, groups, combinations.astype(np.int16), poison
        )
        ok = sizes <= self._max_bytes
        for from_at, until_at in self.denied:
            ok &= (said_at < from_at) | (said_at >= until_at)
        twice = ok & (again_us != NONE)
        if twice.any():
            self._repeat(block.first + np.flatnonzero(twice), said[twice])
        assert self._target is not None
        copies = self._target.take(block, ok, said_at, groups, keys) * (1 + twice)
        unsaid = ok & (said_at >= self._latest_at)
        accepted = ok & ~unsaid
        self.offered += n
        self.accepted += int(accepted.sum())
        self.refused += n - int(ok.sum())
        self._unsaid += int(unsaid.sum())
        otherwise = np.where(unsaid, int(Outcome.UNFINISHED), int(Outcome.REFUSED))
        self._recorder.messages(
            {
                "message": np.arange(block.first, block.end),
                "producer": np.full(n, self.thing),
                "serial": serials,
                "offered_at": happened_at,
                "accepted_at": np.where(accepted, said_at, NONE),
                "size_bytes": sizes,
                "group": groups,
                "attributes": combinations,
                "poison": poison,
                "tries": 1 + twice,
                "copies": copies,
                "outcome": np.where(accepted, int(Outcome.ACCEPTED), otherwise),
            }
        )

    def _repeat(self, messages: np.ndarray, said: np.ndarray) -> None:
        """Note that *messages* will be said once more, each its time after the first."""
        serials, _, said_at, groups, combinations, again_us = said.T
        self._ledger.said_again.update(messages.tolist())
        rows = np.column_stack((messages, said_at + again_us, groups, combinations, serials))
        self._repeats = _in_order(np.concatenate((self._repeats, rows)), 1, 0)


def _rows(count: int, width: int) -> np.ndarray:
    return np.zeros((count, width), dtype=np.int64)


def _in_order(rows: np.ndarray, first: int, then: int) -> np.ndarray:
    """Rows in the order of one column, equals by another."""
    ordered: np.ndarray = rows[np.lexsort((rows[:, then], rows[:, first]))]
    return ordered
