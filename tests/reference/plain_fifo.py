"""A FIFO queue as plainly as the rules can be said: one list that every call looks through."""

from dataclasses import dataclass, field


@dataclass
class PlainMessage:
    """A stored message; ``held_until`` is when its timeout ends [us], ``holder`` the receive that has it."""

    copy: int
    group: int
    arrived_at: int
    receive_count: int
    held_until: int | None = None
    holder: int = -1


@dataclass
class PlainFifoQueue:
    """Messages in order of arrival; every answer is found by looking at all of them."""

    visibility_timeout_us: int
    retention_us: int
    delay_us: int
    max_in_flight: int
    max_receive_count: int | None
    window_us: int
    line: list[PlainMessage] = field(default_factory=list)
    accepted: list[tuple[int, int, int]] = field(default_factory=list)
    expired: list[tuple[int, int]] = field(default_factory=list)
    receives: int = 0

    def settle(self, now: int) -> None:
        """Drop what is past its retention, end the timeouts that are over."""
        for message in self.line:
            if message.arrived_at + self.retention_us <= now:
                self.expired.append((message.copy, message.arrived_at + self.retention_us))
            if message.held_until is not None and message.held_until <= now:
                message.held_until = None
        self.line = [m for m in self.line if m.arrived_at + self.retention_us > now]

    def send(self, now: int, copy: int, group: int, name: int) -> int:
        """The copy, or the original of a duplicate."""
        for at, other, original in self.accepted:
            if other == name and now - at < self.window_us:
                return original
        self.accepted.append((now, name, copy))
        self.line.append(PlainMessage(copy, group, now, 0))
        return copy

    def run_of(self, group: int, now: int) -> list[PlainMessage]:
        """The group's messages in order up to the first that is in flight or not yet due."""
        run = []
        for message in self.line:
            if message.group == group:
                if message.held_until is not None or message.arrived_at + self.delay_us > now:
                    break
                run.append(message)
        return run

    def receive(
        self, now: int, most: int, timeout_us: int | None
    ) -> tuple[list[int], list[int], dict[int, int], int] | None:
        """Copies, moved copies, receive counts of those received before, and the receive's number."""
        self.settle(now)
        timeout_us = self.visibility_timeout_us if timeout_us is None else timeout_us
        room = min(most, self.max_in_flight - self.in_flight(now))
        if room <= 0:
            return None
        copies: list[int] = []
        moved: list[int] = []
        again: dict[int, int] = {}
        self.receives += 1
        heads = {m.group: n for n, m in reversed(list(enumerate(self.line))) if self.run_of(m.group, now)}
        for group in sorted(heads, key=heads.__getitem__):
            for message in self.run_of(group, now):
                if len(copies) == room:
                    break
                if self.max_receive_count is not None and message.receive_count >= self.max_receive_count:
                    moved.append(message.copy)
                    self.line.remove(message)
                    continue
                message.receive_count += 1
                if message.receive_count > 1:
                    again[message.copy] = message.receive_count
                copies.append(message.copy)
                if timeout_us:
                    message.held_until = now + timeout_us
                    message.holder = self.receives
        if not copies and not moved:
            return None
        return copies, moved, again, self.receives

    def delete(self, now: int, holder: int, copies: list[int]) -> list[int]:
        """Those of *copies* that the receive still holds; they are gone."""
        gone = [m.copy for m in self.held(now, holder) if m.copy in copies]
        self.line = [m for m in self.line if m.copy not in gone]
        return gone

    def change(self, now: int, holder: int, copies: list[int], timeout_us: int) -> int:
        """Number of the receipt that holds them now."""
        self.receives += 1
        for message in self.held(now, holder):
            if message.copy in copies:
                message.held_until = now + timeout_us if timeout_us else None
                message.holder = self.receives
        return self.receives

    def held(self, now: int, holder: int) -> list[PlainMessage]:
        """What the receive still holds."""
        self.settle(now)
        return [m for m in self.line if m.holder == holder and m.held_until is not None]

    def move_in(self, now: int, copy: int, group: int, receive_count: int) -> None:
        """Take a copy from a source queue."""
        self.line.append(PlainMessage(copy, group, now, receive_count))

    def in_flight(self, now: int) -> int:
        """Messages in flight."""
        self.settle(now)
        return sum(m.held_until is not None for m in self.line)

    def delayed(self, now: int) -> int:
        """Messages not yet due."""
        self.settle(now)
        return sum(m.arrived_at + self.delay_us > now for m in self.line)

    def visible(self, now: int) -> int:
        """All others, those locked by their group among them."""
        self.settle(now)
        return len(self.line) - self.in_flight(now) - self.delayed(now)

    def instants(self) -> list[int]:
        """Every instant at which anything changes by itself."""
        found = set()
        for message in self.line:
            found |= {message.arrived_at + self.delay_us, message.arrived_at + self.retention_us}
            if message.held_until is not None:
                found.add(message.held_until)
        return sorted(found)
