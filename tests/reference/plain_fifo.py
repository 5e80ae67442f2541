"""A FIFO queue as plainly as the rules can be said: one list that every call looks through."""

from dataclasses import dataclass, field


@dataclass
class PlainMessage:
    """A stored message; ``held_until`` is when its timeout ends [us], ``holder`` the receive that has it,
    ``due_at`` when its delay ends."""

    copy: int
    group: int
    arrived_at: int
    receive_count: int
    due_at: int
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
    by_group: bool = False
    depth: int = 1_000
    kept_until: int = 0
    attempts: dict[str, tuple[int, tuple[list[int], list[int], dict[int, int], int]]] = field(
        default_factory=dict
    )
    line: list[PlainMessage] = field(default_factory=list)
    accepted: list[tuple[int, object, int]] = field(default_factory=list)
    expired: list[tuple[int, int]] = field(default_factory=list)
    receives: int = 0

    def settle(self, now: int) -> None:
        """Drop what is past its retention, end the timeouts that are over."""
        for message in self.line:
            if message.arrived_at + self.retention_us <= now:
                gone_at = max(message.arrived_at + self.retention_us, self.kept_until)
                self.expired.append((message.copy, gone_at))
            if message.held_until is not None and message.held_until <= now:
                message.held_until = None
        self.line = [m for m in self.line if m.arrived_at + self.retention_us > now]

    def send(self, now: int, copy: int, group: int, name: int) -> int:
        """The copy, or the original of a duplicate."""
        key = (group, name) if self.by_group else name
        for at, other, original in self.accepted:
            if other == key and now - at < self.window_us:
                return original
        self.accepted.append((now, key, copy))
        self.line.append(PlainMessage(copy, group, now, 0, now + self.delay_us))
        return copy

    def run_of(self, group: int, now: int) -> list[PlainMessage]:
        """The group's messages in order up to the first that is in flight or not yet due."""
        run = []
        for message in self.line[: self.depth]:
            if message.group == group:
                if message.held_until is not None or message.due_at > now:
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
        places = list(enumerate(self.line))
        heads = {m.group: n for n, m in reversed(places) if self.run_of(m.group, now)}
        runs = {group: self.run_of(group, now) for group in heads}
        for group in sorted(heads, key=heads.__getitem__):
            for message in runs[group]:
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

    def attempt(
        self, now: int, most: int, timeout_us: int | None, name: str
    ) -> tuple[list[int], list[int], dict[int, int], int] | None:
        """The same again if the attempt is known and nothing of it was changed since."""
        self.settle(now)
        at, known = self.attempts.get(name, (-1_000, None))
        if known is not None and now - at < self.window_us:
            held = self.held(now, known[3])
            if held and len(held) == len(known[0]):
                timeout_us = self.visibility_timeout_us if timeout_us is None else timeout_us
                for message in held:
                    message.held_until = now + timeout_us if timeout_us else None
                return known
        answer = self.receive(now, most, timeout_us)
        if answer is not None and answer[0]:
            self.attempts[name] = now, answer
        return answer

    def purge(self, now: int) -> list[int]:
        """Everything goes, and everything is forgotten."""
        self.settle(now)
        gone = [m.copy for m in self.line]
        self.line, self.accepted, self.attempts = [], [], {}
        return gone

    def set_attributes(
        self, now: int, timeout_us: int | None, delay_us: int | None, retention_us: int | None
    ) -> None:
        """Change what is given."""
        self.settle(now)
        self.visibility_timeout_us = self.visibility_timeout_us if timeout_us is None else timeout_us
        if delay_us is not None:
            self.delay_us = delay_us
            for message in self.line:
                if message.held_until is None:
                    message.due_at = message.arrived_at + delay_us
        if retention_us is not None:
            self.retention_us, self.kept_until = retention_us, now
        self.settle(now)

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
        self.line.append(PlainMessage(copy, group, now, receive_count, now + self.delay_us))

    def in_flight(self, now: int) -> int:
        """Messages in flight."""
        self.settle(now)
        return sum(m.held_until is not None for m in self.line)

    def delayed(self, now: int) -> int:
        """Messages not yet due."""
        self.settle(now)
        return sum(m.held_until is None and m.due_at > now for m in self.line)

    def visible(self, now: int) -> int:
        """All others, those locked by their group among them."""
        self.settle(now)
        return len(self.line) - self.in_flight(now) - self.delayed(now)

    def instants(self) -> list[int]:
        """Every instant at which anything changes by itself."""
        found = set()
        for message in self.line:
            found |= {message.due_at, message.arrived_at + self.retention_us}
            if message.held_until is not None:
                found.add(message.held_until)
        return sorted(found)
