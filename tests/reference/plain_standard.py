"""A standard queue as plainly as it can be said: a list that every call goes through from end to end."""

from dataclasses import dataclass


@dataclass
class Plain:
    """One message."""

    copy: int
    sent_at: int
    due_at: int
    place: int
    known: bool = False  # came back, or has a timer: among equal places it comes first
    receive_count: int = 0
    holder: int = -1
    visible_at: int = -1
    timed: bool = False


class PlainStandardQueue:
    """Rules as in `simulator.aws.sqs.standard`; handles are numbers."""

    def __init__(
        self, timeout: int, retention: int, delay: int, cap: int, limit: int | None, max_hold: int
    ) -> None:
        self.timeout, self.retention, self.delay = timeout, retention, delay
        self.cap, self.limit, self.max_hold = cap, limit, max_hold
        self.messages: list[Plain] = []
        self.received_at: list[int] = []  # by handle

    def settle(self, now: int) -> None:
        for message in self.messages:
            if message.holder >= 0 and message.visible_at <= now:
                message.holder = -1
                message.known = True
                if message.receive_count >= 3:
                    message.place = message.visible_at - self.delay
            if message.timed and message.due_at <= now:
                message.timed = False
        self.messages = [
            message
            for message in self.messages
            if message.holder >= 0 or message.sent_at + self.retention > now
        ]

    def send(self, sent_at: int, copy: int) -> None:
        self.messages.append(Plain(copy, sent_at, sent_at + self.delay, sent_at))

    def send_delayed(self, now: int, copy: int, delay: int) -> None:
        self.messages.append(Plain(copy, now, now + delay, now, known=True, timed=True))

    def receive(self, now: int, most: int, timeout: int | None) -> tuple[list[int], list[int]]:
        """Copies given out and moved."""
        self.settle(now)
        room = self.cap - sum(message.holder >= 0 for message in self.messages)
        given: list[int] = []
        moved: list[int] = []
        handle = len(self.received_at)
        ready = [message for message in self.messages if message.holder < 0 and message.due_at <= now]
        for message in sorted(ready, key=lambda one: (one.place, not one.known, one.copy)):
            if len(given) >= min(most, room):
                break
            if self.limit is not None and message.receive_count >= self.limit:
                moved.append(message.copy)
                self.messages.remove(message)
                continue
            message.receive_count += 1
            message.holder = handle
            message.visible_at = now + (self.timeout if timeout is None else timeout)
            given.append(message.copy)
        self.received_at.append(now)
        return given, moved

    def delete(self, now: int, handle: int, copies: list[int]) -> list[int]:
        self.settle(now)
        gone: list[int] = []
        for message in [message for message in self.messages if message.copy in copies]:
            if message.holder in (-1, handle):
                self.messages.remove(message)
                if message.sent_at + self.retention > now:
                    gone.append(message.copy)
        return gone

    def change(self, now: int, handle: int, copies: list[int], timeout: int) -> list[int]:
        """Copies held by the new handle from now on."""
        self.settle(now)
        self.received_at.append(self.received_at[handle])
        if now + timeout > self.received_at[handle] + self.max_hold:
            return []
        hidden = [message for message in self.messages if message.copy in copies]
        for message in hidden:
            message.holder = len(self.received_at) - 1
            message.visible_at = now + timeout
        return [message.copy for message in hidden]

    def set_delay(self, now: int, delay: int) -> None:
        self.settle(now)
        for message in self.messages:
            if message.sent_at > now:
                message.due_at = message.sent_at + delay
            elif message.receive_count == 0 and not message.known:
                message.known = True
        self.delay = delay

    def purge(self, now: int) -> None:
        self.messages = [message for message in self.messages if message.sent_at > now]

    def states(self, now: int) -> dict[int, str]:
        self.settle(now)
        return {
            message.copy: "in_flight"
            if message.holder >= 0
            else "visible"
            if message.due_at <= now
            else "delayed"
            if message.sent_at <= now
            else "in_transit"
            for message in self.messages
        }
