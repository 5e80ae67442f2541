"""What an Amazon SQS standard queue holds, and what time does to it: delays, timeouts and retention.

Rules: SQS developer guide and API reference: a message goes at sent + retention in whatever
state it is; a message timer beats the delay of the queue; one received three times or more goes to the
back when its timeout ends.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush

from simulator.aws.sqs.receipt import NEVER, Receipt

READ_PART = 8192


class Known:
    """What is remembered of a copy that is not fresh: it came back, was moved in, or has its own timer."""

    __slots__ = (
        "age_from",
        "before",
        "held_by",
        "place",
        "receive_count",
        "returns",
        "sent_at",
        "since",
        "waits",
    )

    def __init__(self, sent_at: int, place: int, receive_count: int) -> None:
        self.sent_at = sent_at
        self.age_from = sent_at  # of a moved one: when it came
        self.before = 0  # of a moved one: receives elsewhere
        self.since = sent_at  # visible (again) since
        self.returns = 0  # how often it became visible: entries that say otherwise are stale
        self.place = place
        self.receive_count = receive_count
        self.waits = False  # its message timer runs
        self.held_by: Receipt | None = None


class StoredMessages:
    """The copies of a standard queue in their states; the caller owns the clock.

    Fresh copies stand in one line in the order they were sent, and time alone tells whether they are in
    transit, delayed or visible. All others are few and *known* one by one.
    """

    def __init__(
        self,
        visibility_timeout_us: int,
        retention_us: int,
        delay_us: int,
        max_in_flight: int,
        back_after: int | None,
    ) -> None:
        self.visibility_timeout_us = visibility_timeout_us
        self.retention_us = retention_us
        self.delay_us = delay_us
        self.max_in_flight = max_in_flight
        self.back_after = back_after
        self._copies: list[int] = []  # fresh ones, read from _head on
        self._sent_at: list[int] = []  # ascending
        self._head = 0
        self._known: dict[int, Known] = {}
        self._back: list[tuple[int, int, int]] = []  # heap of (place, copy, returns) of the known and visible
        self._visible_known = 0
        self._timers: list[tuple[int, int, int]] = []  # heap of (due, copy, sent)
        self._waiting = 0
        self._in_flight: deque[Receipt] = deque()  # one timeout for all: ascending
        self._changed: list[tuple[int, int, Receipt]] = []  # heap of receipts with a timeout of their own
        self._serial = 0
        self.in_flight_count = 0
        self._expires: list[tuple[int, int]] = []  # heap of (sent, copy) of the known
        self._expired: list[tuple[int, int]] = []
        self._settle_at = NEVER  # nothing happens by itself before

    def _time(self, receipt: Receipt) -> None:
        self._serial += 1
        self._settle_at = min(self._settle_at, receipt.visible_at)
        heappush(self._changed, (receipt.visible_at, self._serial, receipt))

    def _drop_empty(self) -> None:
        """Forget receipts that hold nothing any more, as far as they are the next to end."""
        in_flight = self._in_flight
        while in_flight and not in_flight[0].copies:
            in_flight.popleft()

    def _advance(self, n: int) -> None:
        self._head += n
        if self._head > READ_PART and self._head * 2 > len(self._copies):
            del self._copies[: self._head]
            del self._sent_at[: self._head]
            self._head = 0

    def _first_back(self) -> int | None:
        """Place of the first known copy that is still there and visible."""
        while self._back:
            place, copy, returns = self._back[0]
            state = self._known.get(copy)
            if state is not None and state.held_by is None and state.returns == returns:
                return place
            heappop(self._back)
        return None

    # -- time --------------------------------------------------------------------------------------

    def _settle(self, now: int) -> None:
        """Let time act: timeouts and timers that ended by *now*, and messages past their retention."""
        if now < self._settle_at:
            return
        in_flight = self._in_flight
        while in_flight and (in_flight[0].visible_at <= now or not in_flight[0].copies):
            receipt = in_flight.popleft()
            if receipt.copies:
                self._return(receipt)
        changed = self._changed
        while changed and changed[0][0] <= now:
            receipt = heappop(changed)[2]
            if receipt.copies:
                self._return(receipt)
        if self._timers:
            self._end_timers(now)
        expires, sent_by = self._expires, now - self.retention_us
        while expires and expires[0][0] <= sent_by:
            self._expire_known(*heappop(expires))
        head = self._head
        if head < len(self._sent_at) and self._sent_at[head] <= sent_by:
            self._expire_fresh(sent_by)
        self._settle_at = min(self._next_expiry(), self.next_timeout())

    def _next_expiry(self) -> int:
        head = self._head
        oldest = self._sent_at[head] + self.retention_us if head < len(self._sent_at) else NEVER
        return min(oldest, self._expires[0][0] + self.retention_us) if self._expires else oldest

    def next_timeout(self) -> int:
        """When the next visibility timeout or message timer ends [us]; NEVER if none runs."""
        while self._changed and not self._changed[0][2].copies:
            heappop(self._changed)
        at = self._in_flight[0].visible_at if self._in_flight else NEVER
        if self._changed and self._changed[0][0] < at:
            at = self._changed[0][0]
        return min(at, self._timers[0][0]) if self._timers else at

    def _return(self, receipt: Receipt) -> None:
        """Make what *receipt* still holds visible again."""
        sent = dict(zip(receipt.received, receipt.places, strict=True))
        self.in_flight_count -= len(receipt.copies)
        for copy in receipt.copies:
            state = self._known.get(copy)
            if state is None:
                state = self._known[copy] = Known(sent[copy], sent[copy], 1)
            state.held_by = None
            if self.back_after is not None and state.receive_count >= self.back_after:
                state.place = receipt.visible_at - self.delay_us
            state.since = receipt.visible_at
            self._appear(copy, state)
        receipt.copies = []

    def _appear(self, copy: int, state: Known) -> None:
        """A known copy is visible from now on."""
        state.returns += 1
        heappush(self._back, (state.place, copy, state.returns))
        self._keep(copy, state.sent_at)
        self._visible_known += 1

    def _keep(self, copy: int, sent_at: int) -> None:
        """Keep a known copy until sent + retention, and no longer."""
        heappush(self._expires, (sent_at, copy))
        self._settle_at = min(self._settle_at, sent_at + self.retention_us)

    def _wait(self, copy: int, sent_at: int, due_at: int) -> None:
        """Hide a sent copy until *due_at* by a timer of its own."""
        state = self._known[copy] = Known(sent_at, sent_at, 0)
        state.since, state.waits = due_at, True
        self._waiting += 1
        heappush(self._timers, (due_at, copy, sent_at))
        self._keep(copy, sent_at)
        self._settle_at = min(self._settle_at, due_at)

    def _end_timers(self, now: int) -> None:
        while self._timers and self._timers[0][0] <= now:
            copy = heappop(self._timers)[1]
            state = self._known.get(copy)
            if state is not None and state.waits:
                state.waits = False
                self._waiting -= 1
                self._appear(copy, state)

    def _expire_known(self, sent_at: int, copy: int) -> None:
        state = self._known.get(copy)
        if state is None or state.held_by is not None:
            return
        del self._known[copy]
        if state.waits:
            self._waiting -= 1
        else:
            self._visible_known -= 1
        self._expired.append((copy, sent_at + self.retention_us))

    def _expire_fresh(self, sent_by: int) -> None:
        end = bisect_right(self._sent_at, sent_by, self._head)
        self._expired.extend(
            (copy, at + self.retention_us)
            for copy, at in zip(self._copies[self._head : end], self._sent_at[self._head : end], strict=True)
        )
        self._advance(end - self._head)

    def expire(self, now: int) -> list[tuple[int, int]]:
        """Copies that retention removed since the last call, each with the instant [us] it did.

        A message goes at sent + retention in whatever state it is; a later delete still succeeds.
        """
        self._settle(now)
        expired = self._expired
        if expired:
            self._expired = []
        return expired

    def next_visible_at(self, now: int) -> int:
        """The first instant [us], from *now*, at which a receive finds something; NEVER if none will."""
        if now >= self._settle_at:
            self._settle(now)
        if self.in_flight_count >= self.max_in_flight:
            return self.next_timeout()
        if self._visible_known:
            return now
        head = self._head
        at = self.next_timeout()
        if head < len(self._sent_at) and self._sent_at[head] + self.delay_us < at:
            at = self._sent_at[head] + self.delay_us
        return at if at > now else now

    def first_place(self, now: int) -> int:
        """Place [us] of what a receive would give out next, as of the last call; NEVER if nothing."""
        back = self._first_back() if self._visible_known else None
        head = self._head
        is_due = head < len(self._sent_at) and self._sent_at[head] <= now - self.delay_us
        fresh = self._sent_at[head] if is_due else NEVER
        return fresh if back is None or fresh < back else back

    def changes_at(self) -> int:
        """No sooner than this instant [us] does time alone end a timeout, a timer or a message's life."""
        return self._settle_at

    # -- counting ----------------------------------------------------------------------------------

    def visible(self, now: int) -> int:
        """Messages a receive could give out at *now*."""
        self._settle(now)
        return bisect_right(self._sent_at, now - self.delay_us, self._head) - self._head + self._visible_known

    def delayed(self, now: int) -> int:
        """Messages sent whose delay has not ended at *now*."""
        self._settle(now)
        due = bisect_right(self._sent_at, now - self.delay_us, self._head)
        return bisect_right(self._sent_at, now, due) - due + self._waiting

    def younger(self, now: int, than_us: int) -> int:
        """Visible messages that nobody has received, sent less than *than_us* before *now* [us]."""
        self._settle(now)
        first = bisect_right(self._sent_at, now - than_us, self._head)
        return max(0, bisect_right(self._sent_at, now - self.delay_us, self._head) - first)

    def oldest_at(self, now: int) -> int:
        """When the message came that ApproximateAgeOfOldestMessage tells the age of [us]; NEVER without any.

        In flight or not; one received three times or more does not count, one that was moved here counts
        from its move (SQSDG).
        """
        self._settle(now)
        known, skip = self._known, self.back_after or NEVER
        head = self._head
        oldest = [self._sent_at[head]] if head < len(self._sent_at) and self._sent_at[head] <= now else []
        oldest += [state.age_from for state in known.values() if state.receive_count - state.before < skip]
        for receipt in [*self._in_flight, *(receipt for _, _, receipt in self._changed)]:
            if receipt.copies:
                held = set(receipt.copies).difference(known)
                sent = zip(receipt.received, receipt.places, strict=True)
                oldest += [at for copy, at in sent if copy in held]
        return min(oldest, default=NEVER)

    def in_flight(self, now: int) -> int:
        """Messages received, not deleted, whose timeout has not ended at *now*."""
        self._settle(now)
        return self.in_flight_count

    def contents(self, now: int) -> Iterator[tuple[int, str]]:
        """Every copy in the queue with its state: ``in_transit delayed visible in_flight``."""
        self._settle(now)
        due = now - self.delay_us
        for copy, at in zip(self._copies[self._head :], self._sent_at[self._head :], strict=True):
            yield copy, "visible" if at <= due else "delayed" if at <= now else "in_transit"
        for copy, state in self._known.items():
            if state.held_by is None:
                yield copy, "delayed" if state.waits else "visible"
        for receipt in [*self._in_flight, *(receipt for _, _, receipt in self._changed)]:
            for copy in receipt.copies:
                yield copy, "in_flight"
