"""The long polls of an event source mapping, paced where its pollers have a quota of calls."""

from simulator.aws.lambda_.provisioned_pollers import Pace
from simulator.processes.clock import RECEIVES, Clock
from simulator.processes.queues import Dispatcher


class Polls:
    """Long polls of one consumer at one queue."""

    def __init__(self, dispatcher: Dispatcher, index: int) -> None:
        self._dispatcher = dispatcher
        self._index = index

    def waiting(self) -> int:
        """Polls that are open, or wait to be."""
        return self._dispatcher.waiters.waiting(self._index)

    def open(self, polls: int) -> None:
        """Open *polls* more."""
        self._dispatcher.open(self._index, polls)

    def again(self) -> None:
        """Poll on with the poll whose answer is being taken up."""
        self._dispatcher.waiters.wait(self._index)
        self._dispatcher.polls[self._index].opened.append(self._dispatcher.clock.now)

    def close(self, polls: int) -> None:
        """Give up *polls* of them."""
        if polls:
            self._dispatcher.close(self._index, polls)

    def held_back(self) -> bool:
        """Whether polls wait for calls that are allowed."""
        return False


class PacedPolls(Polls):
    """Long polls of pollers: each takes a call, and waits until there is one."""

    def __init__(self, clock: Clock, dispatcher: Dispatcher, index: int, pace: Pace) -> None:
        super().__init__(dispatcher, index)
        self._clock = clock
        self.pace = pace
        self._held = 0
        self._waking = False

    def waiting(self) -> int:
        """Polls that are open, or wait to be."""
        return super().waiting() + self._held

    def open(self, polls: int) -> None:
        """Open *polls* more, each as soon as there is a call for it."""
        self._held += polls
        self._open_held()

    def again(self) -> None:
        """Poll on, as soon as there is a call for it."""
        now = self._clock.now
        if not self._held and self.pace.next_at(now) <= now:
            self.pace.call(now)
            super().again()
            return
        self._held += 1
        self._wake_later()

    def close(self, polls: int) -> None:
        """Give up *polls* of them, first those that are not open yet."""
        held = min(polls, self._held)
        self._held -= held
        super().close(polls - held)

    def held_back(self) -> bool:
        """Whether polls wait for calls that are allowed."""
        return self._held > 0

    def _open_held(self, _: object = None) -> None:
        now, opened = self._clock.now, 0
        while self._held > opened and self.pace.next_at(now) <= now:
            self.pace.call(now)
            opened += 1
        self._held -= opened
        if opened:
            super().open(opened)
        self._wake_later()

    def _wake_later(self) -> None:
        if self._held and not self._waking:
            self._waking = True
            self._clock.at(self.pace.next_at(self._clock.now), RECEIVES, self._wake)

    def _wake(self, _: object) -> None:
        self._waking = False
        self._open_held()
