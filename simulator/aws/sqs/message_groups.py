"""The message groups of a FIFO queue: order, and what a receive can have of them.

A group is a chain of messages in the order they arrived, and each message has the instant from which
it is visible. To receive is to walk a chain from its first message while that instant has come: a
message that is in flight or not yet due stops the walk, whatever stands before it can be had
(observed on AWS, conformance FIFO-GRP).
"""

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Final

from simulator.aws.sqs.receipt import NEVER

WAITING: Final = 0
HELD: Final = 1
GONE: Final = 2
_NOWHERE: Final = -1
SLACK: Final = 1024
"""Stale entries that a container may hold before it is cleaned."""


class MessageGroup:
    """The messages of one group, first to last, and where the queue looks for them.

    Attributes
    ----------
    place : int
        Of its entry among the ready groups; an entry that says otherwise is stale.
    opens_at : int
        Instant [us] of its entry among the closed groups; an entry that says otherwise is stale.
    since : int
        Since when its first message can be had, as far as the group goes [us].
    """

    __slots__ = ("first", "last", "opens_at", "place", "since")

    def __init__(self) -> None:
        self.first: Message | None = None
        self.last: Message | None = None
        self.place = _NOWHERE
        self.opens_at = NEVER
        self.since = -NEVER


class Message:
    """A copy in its group's chain.

    Attributes
    ----------
    place : int
        Its number among all messages of the queue, in order of arrival.
    arrived_at, visible_at : int
        When the queue got it, and from when on it is visible: due, or its timeout over [us].
    state : int
        WAITING, HELD by a receipt, or GONE.
    """

    __slots__ = (
        "after",
        "arrived_at",
        "before",
        "copy",
        "group",
        "place",
        "receive_count",
        "state",
        "visible_at",
    )

    def __init__(
        self, copy: int, group: MessageGroup, place: int, arrived_at: int, visible_at: int, receive_count: int
    ) -> None:
        self.copy = copy
        self.group = group
        self.place = place
        self.arrived_at = arrived_at
        self.visible_at = visible_at
        self.receive_count = receive_count
        self.state = WAITING
        self.before: Message | None = None
        self.after: Message | None = None


class MessageGroups:
    """All groups of a queue, those ready to be received from in the order of their first message.

    Whoever changes a chain, or the instant from which one of its messages is visible, says so by
    ``look``.

    Parameters
    ----------
    retention_us : int
        How long a message stays from its arrival [us]; taking it out then is the caller's part.
    depth : int
        Messages from the oldest on that a receive looks through.

    Attributes
    ----------
    stored, beyond : int
        Messages in all groups, and those of them behind the first *depth*: no receive finds them yet.
    horizon : int
        Place of the last message that a receive looks at; NEVER when it looks at all.
    """

    __slots__ = (
        "_closed",
        "_empty",
        "_groups",
        "_places",
        "_ready",
        "beyond",
        "depth",
        "horizon",
        "retention_us",
        "stored",
    )

    def __init__(self, retention_us: int, depth: int = NEVER) -> None:
        self.retention_us = retention_us
        self.depth = depth
        self.stored = 0
        self.beyond = 0
        self.horizon = NEVER
        self._groups: dict[Hashable, MessageGroup] = {}
        self._empty = 0  # groups without messages, kept until they outnumber the others
        self._places = 0
        self._ready: list[tuple[int, MessageGroup]] = []  # heap of (place of the first message, group)
        self._closed: list[tuple[int, int, MessageGroup]] = []  # heap of (opens_at, place, group)

    def append(self, now: int, name: Hashable, copy: int, visible_at: int, receive_count: int) -> Message:
        """Put a copy that arrives at *now* at the end of the group *name*."""
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = MessageGroup()
            self._empty += 1
        if self.beyond or self.stored >= self.depth:
            if not self.beyond:
                self.horizon = self._places
            self.beyond += 1
        self._places = place = self._places + 1
        message = Message(copy, group, place, now, visible_at, receive_count)
        self.stored += 1
        last = group.last
        group.last = message
        if last is None:
            group.first = message
            self._empty -= 1
            self.look(group, now, now)
        else:
            last.after = message
            message.before = last
            if group.opens_at == NEVER and group.place == _NOWHERE:
                self.look(group, now, now)
        return message

    def remove(self, message: Message) -> None:
        """Take a message out of its chain; it and its neighbours no longer refer to each other."""
        before, after = message.before, message.after
        if before is None:
            message.group.first = after
        else:
            before.after = after
            message.before = None
        if after is None:
            message.group.last = before
        else:
            after.before = before
            message.after = None
        message.state = GONE
        self.stored -= 1
        if message.place > self.horizon:
            self._come_within(self.horizon)

    def reach(self, message: Message, now: int) -> None:
        """Look at *message* from *now* [us] on: it is the first behind the horizon, and now within it."""
        self._come_within(message.place)
        if message.group.first is message:
            self.look(message.group, now, now)

    def _come_within(self, horizon: int) -> None:
        """One message less is behind the *horizon*."""
        self.beyond -= 1
        self.horizon = horizon if self.beyond else NEVER

    def look_again(self, now: int) -> None:
        """Look at every group: instants from which messages are visible have changed."""
        for group in self._groups.values():
            if group.first is not None:
                self.look(group, now, now)

    def look(self, group: MessageGroup, now: int, since: int) -> None:
        """Note by its first message that *group* is ready, *since* that instant, or when it opens.

        Of a group behind the horizon nothing is noted: ``reach`` comes to it.
        """
        message = group.first
        if message is None:
            self._emptied(group)
        elif message.place > self.horizon:
            group.place = _NOWHERE
            group.opens_at = NEVER
        elif message.visible_at <= now:
            group.since = since
            group.opens_at = NEVER
            if group.place != message.place:
                group.place = message.place
                heappush(self._ready, (message.place, group))
        else:
            group.place = _NOWHERE
            opens_at = message.visible_at
            if opens_at >= message.arrived_at + self.retention_us:
                opens_at = self._opens_at(message)
            if opens_at != group.opens_at:
                group.opens_at = opens_at
                if opens_at < NEVER:
                    self._close(opens_at, message.place, group)

    def _emptied(self, group: MessageGroup) -> None:
        group.place = _NOWHERE
        group.opens_at = NEVER
        self._empty += 1
        if self._empty > SLACK and 2 * self._empty > len(self._groups):
            filled = [(name, other) for name, other in self._groups.items() if other.first is not None]
            self._groups = dict(filled)
            self._empty = 0

    def _opens_at(self, first: Message) -> int:
        """When a group opens whose *first* message is gone by retention before it is visible."""
        message: Message | None = first
        gone_at = -NEVER
        while message is not None:
            expiry = message.arrived_at + self.retention_us
            opens_at = max(gone_at, message.visible_at)
            if opens_at < expiry:
                return opens_at
            if message.visible_at >= expiry and message.state != HELD:
                break  # a delay longer than retention: the same holds for all behind it
            gone_at = expiry
            message = message.after
        return NEVER

    def _close(self, opens_at: int, place: int, group: MessageGroup) -> None:
        closed = self._closed
        heappush(closed, (opens_at, place, group))
        if len(closed) > 2 * self.stored + SLACK:
            self._closed = [entry for entry in closed if entry[2].opens_at == entry[0]]
            heapify(self._closed)

    def open(self, now: int) -> None:
        """Make ready the groups that open by *now*; messages past their retention are out already."""
        closed = self._closed
        while closed and closed[0][0] <= now:
            opens_at, _, group = heappop(closed)
            if group.opens_at == opens_at:
                self.look(group, now, opens_at)

    def take(self) -> MessageGroup | None:
        """Take out the ready group with the oldest first message: ``look`` brings it back."""
        ready = self._ready
        while ready:
            place, group = heappop(ready)
            if group.place == place:
                group.place = _NOWHERE
                return group
        return None

    def next_ready_at(self, now: int) -> int:
        """The first instant [us], from *now*, at which a group is ready by itself, or NEVER."""
        ready = self._ready
        while ready:
            if ready[0][1].place == ready[0][0]:
                return now
            heappop(ready)
        closed = self._closed
        while closed:
            if closed[0][2].opens_at == closed[0][0]:
                return closed[0][0]
            heappop(closed)
        return NEVER
