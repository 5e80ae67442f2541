"""All messages of a FIFO queue in the order they arrived, and how far into it a receive looks."""

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter

from simulator.aws.sqs.message_groups import GONE, SLACK, Message, MessageGroups
from simulator.aws.sqs.receipt import NEVER

_arrived_at = attrgetter("arrived_at")


class Line:
    """Messages by arrival; those that are gone stay in it for a while, and nothing is searched for.

    Attributes
    ----------
    first_arrived_at : int
        When the oldest stored message arrived, as of the last ``settle`` [us]; NEVER without messages.
    """

    __slots__ = ("_beyond_from", "_groups", "_head", "_messages", "first_arrived_at")

    def __init__(self, groups: MessageGroups) -> None:
        self._groups = groups
        self._messages: list[Message] = []  # read from _head on; some are gone
        self._head = 0
        self._beyond_from = 0  # where the horizon moves on, if there is one
        self.first_arrived_at = NEVER

    def append(self, message: Message) -> None:
        """Put a message that is new in its group at the end."""
        if self._groups.beyond <= 1:
            self._beyond_from = len(self._messages)
        self._messages.append(message)

    def settle(self) -> None:
        """Pass over what is gone."""
        messages, head = self._messages, self._head
        while head < len(messages) and messages[head].state == GONE:
            head += 1
        self._head = head
        if len(messages) > 2 * self._groups.stored + SLACK:
            self._messages = messages = [message for message in messages if message.state != GONE]
            self._head = head = 0
            self._beyond_from = len(messages) - self._groups.beyond
        self.first_arrived_at = messages[head].arrived_at if head < len(messages) else NEVER

    def advance(self, now: int) -> None:
        """Move the horizon on: ``depth`` of the groups' messages are looked through, gone ones aside."""
        groups = self._groups
        while groups.beyond and groups.stored - groups.beyond < groups.depth:
            message = self._messages[self._beyond_from]
            self._beyond_from += 1
            if message.state != GONE:
                groups.reach(message, now)

    def stored(self) -> Iterator[Message]:
        """Every message that is not gone, oldest first."""
        for index in range(self._head, len(self._messages)):
            if self._messages[index].state != GONE:
                yield self._messages[index]

    def arrived_after(self, at: int) -> list[Message]:
        """Messages that arrived after *at* [us]; some may be gone."""
        return self._messages[bisect_right(self._messages, at, self._head, key=_arrived_at) :]

    def count_after(self, at: int) -> int:
        """How many arrived after *at* [us], those that are gone counted in."""
        return len(self._messages) - bisect_right(self._messages, at, self._head, key=_arrived_at)

    def clear(self) -> None:
        """Forget all."""
        self._messages = []
        self._head = self._beyond_from = 0
        self.first_arrived_at = NEVER
