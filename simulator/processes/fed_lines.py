"""Lines that producers and topics feed: what is on its way to them, ahead of time and during the run."""

from collections import deque

import numpy as np

from simulator.processes.clock import SENDS, Clock
from simulator.processes.inlets import Merge
from simulator.processes.ledger import Ledger
from simulator.processes.lines import Line
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Arrival, Cause


class FedLine(Line):
    """A line whose messages come at instants that are known ahead, or are brought forth by the run."""

    def __init__(self, clock: Clock, ledger: Ledger, recorder: Recorder, thing: int) -> None:
        super().__init__(clock, ledger, recorder, thing)
        self._merge = Merge()
        self._released_until = 0
        self._alone = 0  # messages under way that nobody knew of ahead
        self._due: deque[tuple[int, int]] = deque()
        self._armed = False
        self._originals: dict[int, int] = {}  # first copies of messages that their sender says again

    def _begin(self, copy: int, now: int) -> None:
        """A copy has come, at *now* [us]."""
        raise NotImplementedError

    def add(self, messages: np.ndarray, arrive_at: np.ndarray) -> None:
        """*messages* will arrive at *arrive_at* [us]; what the run itself brings forth comes at any time."""
        late = arrive_at < self._released_until
        for message, at in zip(messages[late].tolist(), arrive_at[late].tolist(), strict=True):
            self._alone += 1
            self._clock.at(at, SENDS, self._arrive_alone, message)
        self._merge.add(messages[~late], arrive_at[~late])

    def _arrive_alone(self, message: int) -> None:
        self._alone -= 1
        self._accept(self._clock.now, message)

    def release(self, horizon: int) -> None:
        """Line up what arrives before *horizon* [us]."""
        self._released_until = horizon
        messages, arrive_at = self._merge.release(horizon)
        self._due.extend(zip(arrive_at.tolist(), messages.tolist(), strict=True))
        self._arm()

    def under_way(self) -> int:
        """Messages that are not done with."""
        return self._merge.under_way() + len(self._due) + self._alone + len(self._open)

    def _arm(self) -> None:
        if self._due and not self._armed:
            self._armed = True
            self._clock.at(max(self._clock.now, self._due[0][0]), SENDS, self._arrive)

    def _arrive(self, _: object) -> None:
        self._armed = False
        now, due = self._clock.now, self._due
        while due and due[0][0] <= now:
            self._accept(now, due.popleft()[1])
        self._arm()

    def _accept(self, now: int, message: int) -> None:
        copy = self._ledger.add_copy(message, now)
        if message in self._ledger.said_again:
            original = self._originals.setdefault(message, copy)
            if original != copy:
                self._ledger.parent_of[copy] = original
                self._stories.follow(copy, Cause.SENDER_RETRY)
        self.arrived += 1
        self._begin(copy, now)

    def send_anew(self, parent: int) -> None:
        """A topic brings a record of the event whose copy is *parent*: a message of its own."""
        now = self._clock.now
        copy = self._ledger.add_copy(self._ledger.message_of[parent], now)
        self._ledger.parent_of[copy] = parent
        self._stories.follow(copy, Cause.NOTHING, Arrival.DESTINATION)
        self.arrived += 1
        self._begin(copy, now)
