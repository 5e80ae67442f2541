"""Amazon SQS standard queue.

Rules: visibility timeout, receive count, redrive, delay and retention as in the SQS developer guide
(aws-facts 1.1 to 1.3). In flight is capped at about 120,000; a message received three times or more
goes to the back when its timeout ends.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush

from simulator.aws.sqs.receipt import NEVER, Receipt

_READ_PART = 8192


class _Returned:
    """A copy that was received and came back, or was moved in: the rare state of a message."""

    __slots__ = ("due_at", "held_by", "place", "receive_count", "returns", "since")

    def __init__(self, due_at: int, place: int, receive_count: int) -> None:
        self.due_at = due_at
        self.since = due_at  # visible again since
        self.returns = 0  # how often it came back: an entry among the visible that says otherwise is stale
        self.place = place
        self.receive_count = receive_count
        self.held_by: Receipt | None = None


class StandardQueue:
    """SQS standard queue as a state machine; the caller owns the clock.

    A copy is in transit until it is sent, delayed until it is due, then *visible*; a receive puts it
    *in flight* until it is deleted or its visibility timeout ends. Fresh copies stand in one line in
    the order they are due, and time alone tells the three first states apart.

    Parameters
    ----------
    visibility_timeout_us, retention_us, delay_us : int
        VisibilityTimeout, MessageRetentionPeriod and DelaySeconds [us].
    max_in_flight : int
        Copies in flight above which a receive finds nothing.
    max_receive_count : int, optional
        Of the redrive policy: a receive beyond it moves the copy. None: no dead-letter queue.
    back_after : int, optional
        Receives after which a returning copy goes to the back of the queue.
    p_stale_delete_works : float
        Chance that a delete by an older handle removes the message that another holds.
    """

    def __init__(
        self,
        *,
        visibility_timeout_us: int,
        retention_us: int,
        delay_us: int = 0,
        max_in_flight: int = 120_000,
        max_receive_count: int | None = None,
        back_after: int | None = 3,
        p_stale_delete_works: float = 0.0,
    ) -> None:
        self.visibility_timeout_us = visibility_timeout_us
        self.retention_us = retention_us
        self.delay_us = delay_us
        self.max_in_flight = max_in_flight
        self.max_receive_count = max_receive_count
        self.back_after = back_after
        self.p_stale_delete_works = p_stale_delete_works
        self._copies: list[int] = []  # fresh ones, read from _head on
        self._due_at: list[int] = []  # ascending
        self._head = 0
        self._again: dict[int, _Returned] = {}
        self._back: list[tuple[int, int, int]] = []  # heap of (place, copy, returns) of those visible again
        self._visible_again = 0
        self._in_flight: deque[Receipt] = deque()  # one timeout for all: ascending
        self._changed: list[tuple[int, int, Receipt]] = []  # heap of receipts with a timeout of their own
        self._serial = 0
        self.in_flight_count = 0
        self._kept_us = retention_us - delay_us  # from due to expiry
        self._expires: list[tuple[int, int]] = []  # heap of (expiry, copy) of copies that came back
        self._expired: list[tuple[int, int]] = []
        self._settle_at = NEVER  # nothing happens by itself before

    # -- sending ---------------------------------------------------------------------------------

    def send_messages(self, sent_at: list[int], copies: list[int]) -> None:
        """Accept copies at *sent_at* [us], which ascends within and across calls.

        Instants may lie ahead: the copies are in transit until then.
        """
        delay_us = self.delay_us
        if copies and self._head == len(self._copies):
            self._settle_at = min(self._settle_at, sent_at[0] + self.retention_us)
        self._due_at.extend([at + delay_us for at in sent_at] if delay_us else sent_at)
        self._copies.extend(copies)

    def move_in(self, now: int, copies: list[int], sent_at: list[int], receive_counts: list[int]) -> None:
        """Take copies from a source queue of which this is the dead-letter queue.

        They keep their sent time, so retention counts from the first send, and their receive count
        (SQS guide, dead-letter queues).
        """
        for copy, at, count in zip(copies, sent_at, receive_counts, strict=True):
            state = self._again[copy] = _Returned(at + self.delay_us, now, count)
            state.since = now
            self._come_back(copy, state)

    # -- receiving -------------------------------------------------------------------------------

    def receive_message(
        self, now: int, max_number_of_messages: int = 1, visibility_timeout_us: int | None = None
    ) -> Receipt | None:
        """Give out up to *max_number_of_messages* visible copies and start their timeout.

        None when there is nothing to give. A receipt without copies has only moved some to the
        dead-letter queue: call again.
        """
        if now >= self._settle_at:
            self._settle(now)
        n = self.max_in_flight - self.in_flight_count
        if n > max_number_of_messages:
            n = max_number_of_messages
        elif n <= 0:
            return None
        if self._visible_again:
            return self._receive_mixed(now, n, visibility_timeout_us)
        head = self._head
        due_at = self._due_at[head : head + n]
        if not due_at:
            return None
        if due_at[-1] > now:
            due_at = due_at[: bisect_right(due_at, now)]
            if not due_at:
                return None
        n = len(due_at)
        copies = self._copies[head : head + n]
        self._head = head + n
        if head > _READ_PART:
            self._advance(0)
        return self._hold(copies, due_at, due_at[-1], now, visibility_timeout_us, {}, [])

    def _receive_mixed(self, now: int, n: int, visibility_timeout_us: int | None) -> Receipt | None:
        """Merge copies that came back with fresh ones by their place in the queue."""
        copies: list[int] = []
        due: list[int] = []
        again: dict[int, int] = {}
        moved: list[int] = []
        available_at = -NEVER
        while len(copies) < n:
            place = self._first_back()
            head = self._head
            fresh_at = self._due_at[head] if head < len(self._due_at) else NEVER
            if place is None and fresh_at > now:
                break
            if place is None or fresh_at < place:
                copies.append(self._copies[head])
                due.append(fresh_at)
                available_at = max(available_at, fresh_at)
                self._advance(1)
                continue
            copy = heappop(self._back)[1]
            self._visible_again -= 1
            state = self._again[copy]
            if self.max_receive_count is not None and state.receive_count >= self.max_receive_count:
                moved.append(copy)
                continue
            state.receive_count += 1
            again[copy] = state.receive_count
            copies.append(copy)
            due.append(state.due_at)
            available_at = max(available_at, state.since)
        if not copies and not moved:
            return None
        for copy in moved:
            del self._again[copy]
        receipt = self._hold(copies, due, available_at, now, visibility_timeout_us, again, moved)
        for copy in again:
            self._again[copy].held_by = receipt
        return receipt

    def _hold(
        self,
        copies: list[int],
        due_at: list[int],
        available_at: int,
        now: int,
        visibility_timeout_us: int | None,
        again: dict[int, int],
        moved: list[int],
    ) -> Receipt:
        timeout_us = self.visibility_timeout_us if visibility_timeout_us is None else visibility_timeout_us
        receipt = Receipt(copies, now, now + timeout_us, available_at, due_at, again, moved)
        if copies:
            self.in_flight_count += len(copies)
            if receipt.visible_at < self._settle_at:
                self._settle_at = receipt.visible_at
            if visibility_timeout_us is None or visibility_timeout_us == self.visibility_timeout_us:
                self._in_flight.append(receipt)
            else:
                self._time(receipt)
        return receipt

    def _time(self, receipt: Receipt) -> None:
        self._serial += 1
        self._settle_at = min(self._settle_at, receipt.visible_at)
        heappush(self._changed, (receipt.visible_at, self._serial, receipt))

    def _advance(self, n: int) -> None:
        self._head += n
        if self._head > _READ_PART and self._head * 2 > len(self._copies):
            del self._copies[: self._head]
            del self._due_at[: self._head]
            self._head = 0

    def _first_back(self) -> int | None:
        """Place of the first returned copy that is still there and visible."""
        while self._back:
            place, copy, returns = self._back[0]
            state = self._again.get(copy)
            if state is not None and state.held_by is None and state.returns == returns:
                return place
            heappop(self._back)
        return None

    # -- deleting, changing ------------------------------------------------------------------------

    def delete_messages(
        self, now: int, receipt: Receipt, copies: list[int], chance: float = 0.0
    ) -> list[int]:
        """Delete *copies* by *receipt* and return those that are gone by it.

        An ended timeout does not matter while nobody has received the copy since. An older handle
        answers success but might not delete (BOTO): it does where *chance*, a number in [0, 1), says so.
        """
        if now >= self._settle_at:
            self._settle(now)
        due_at = receipt.due_at
        held = receipt.copies
        if receipt.again or receipt.visible_at <= now or not due_at or due_at[0] + self._kept_us <= now:
            return [copy for copy in copies if self._delete(now, receipt, copy, chance)]
        # First receives whose timeout runs: what the receipt still holds, nobody else has had.
        if copies == held:
            receipt.copies = []
            in_flight = self._in_flight
            while in_flight and not in_flight[0].copies:
                in_flight.popleft()
        else:
            gone = set(copies)
            if not gone.issubset(held):
                return [copy for copy in copies if self._delete(now, receipt, copy, chance)]
            receipt.copies = [copy for copy in held if copy not in gone]
        self.in_flight_count -= len(copies)
        return copies

    def _delete(self, now: int, receipt: Receipt, copy: int, chance: float) -> bool:
        state = self._again.get(copy)
        if state is not None and state.held_by is None:
            self._visible_again -= 1
        else:
            stale = copy not in receipt.copies
            if stale and (state is None or chance >= self.p_stale_delete_works):
                return False
            holder = state.held_by if stale and state is not None and state.held_by is not None else receipt
            holder.copies = [other for other in holder.copies if other != copy]
            self.in_flight_count -= 1
        due_at = state.due_at if state is not None else receipt.due_at[receipt.received.index(copy)]
        self._again.pop(copy, None)
        if due_at + self._kept_us <= now:
            self._expired.append((copy, due_at + self._kept_us))
            return False
        return True

    def change_message_visibility(
        self, now: int, receipt: Receipt, copies: list[int], timeout_us: int
    ) -> Receipt:
        """Let the timeout of *copies*, once given out by *receipt*, end *timeout_us* from now.

        Returns the receipt that holds them from now on; copies that are gone are not in it. On a standard
        queue an ended timeout does not matter, nor that another has received the copy since (observed on
        AWS; conformance STD-VIS-11, STD-VIS-12): it is taken from whoever holds it.
        """
        self._settle(now)
        due = dict(zip(receipt.received, receipt.due_at, strict=True))
        changed = Receipt(
            [], receipt.received_at, now + timeout_us, receipt.available_at, [], dict(receipt.again), []
        )
        for copy in copies:
            state = self._again.get(copy)
            if state is None and copy not in receipt.copies:
                continue
            if state is not None and state.held_by is None:
                self._visible_again -= 1
                self.in_flight_count += 1
            else:
                holder = receipt if state is None or state.held_by is None else state.held_by
                holder.copies = [other for other in holder.copies if other != copy]
            if state is not None:
                state.held_by = changed
                changed.again[copy] = state.receive_count
            changed.received.append(copy)
            changed.due_at.append(due[copy])
        changed.copies = list(changed.received)
        if changed.copies:
            self._time(changed)
        return changed

    # -- time --------------------------------------------------------------------------------------

    def _settle(self, now: int) -> None:
        """Let time act: timeouts that ended by *now*, and messages past their retention."""
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
        expires = self._expires
        while expires and expires[0][0] <= now:
            self._expire_returned(*heappop(expires))
        head = self._head
        if head < len(self._due_at) and self._due_at[head] + self._kept_us <= now:
            self._expire_fresh(now)
        head = self._head
        oldest = self._due_at[head] + self._kept_us if head < len(self._due_at) else NEVER
        self._settle_at = min(oldest, self._next_timeout(), expires[0][0] if expires else NEVER)

    def _return(self, receipt: Receipt) -> None:
        """Make what *receipt* still holds visible again, or gone where retention ended meanwhile."""
        due = dict(zip(receipt.received, receipt.due_at, strict=True))
        self.in_flight_count -= len(receipt.copies)
        for copy in receipt.copies:
            state = self._again.get(copy)
            if state is None:
                state = self._again[copy] = _Returned(due[copy], due[copy], 1)
            state.held_by = None
            if self.back_after is not None and state.receive_count >= self.back_after:
                state.place = receipt.visible_at
            state.since = receipt.visible_at
            self._come_back(copy, state)
        receipt.copies = []

    def _come_back(self, copy: int, state: _Returned) -> None:
        state.returns += 1
        heappush(self._back, (state.place, copy, state.returns))
        expiry = state.due_at + self._kept_us
        heappush(self._expires, (expiry, copy))
        self._settle_at = min(self._settle_at, expiry)
        self._visible_again += 1

    def _expire_returned(self, expiry: int, copy: int) -> None:
        state = self._again.get(copy)
        if state is not None and state.held_by is None:
            del self._again[copy]
            self._visible_again -= 1
            self._expired.append((copy, expiry))

    def _expire_fresh(self, now: int) -> None:
        end = bisect_right(self._due_at, now - self._kept_us, self._head)
        self._expired.extend(
            (copy, at + self._kept_us)
            for copy, at in zip(self._copies[self._head : end], self._due_at[self._head : end], strict=True)
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
            return self._next_timeout()
        if self._visible_again:
            return now
        head = self._head
        at = self._next_timeout()
        if head < len(self._due_at) and self._due_at[head] < at:
            at = self._due_at[head]
        return at if at > now else now

    def _next_timeout(self) -> int:
        while self._changed and not self._changed[0][2].copies:
            heappop(self._changed)
        timeout_at = self._in_flight[0].visible_at if self._in_flight else NEVER
        return min(timeout_at, self._changed[0][0]) if self._changed else timeout_at

    # -- counting ----------------------------------------------------------------------------------

    def visible(self, now: int) -> int:
        """Messages a receive could give out at *now*."""
        self._settle(now)
        return bisect_right(self._due_at, now, self._head) - self._head + self._visible_again

    def delayed(self, now: int) -> int:
        """Messages sent whose delay has not ended at *now*."""
        self._settle(now)
        due = bisect_right(self._due_at, now, self._head)
        return bisect_right(self._due_at, now + self.delay_us, due) - due

    def in_flight(self, now: int) -> int:
        """Messages received, not deleted, whose timeout has not ended at *now*."""
        self._settle(now)
        return self.in_flight_count

    def contents(self, now: int) -> Iterator[tuple[int, str]]:
        """Every copy in the queue with its state: ``in_transit delayed visible in_flight``."""
        self._settle(now)
        for copy, at in zip(self._copies[self._head :], self._due_at[self._head :], strict=True):
            yield copy, "visible" if at <= now else "delayed" if at <= now + self.delay_us else "in_transit"
        for copy, state in self._again.items():
            if state.held_by is None:
                yield copy, "visible"
        for receipt in [*self._in_flight, *(receipt for _, _, receipt in self._changed)]:
            for copy in receipt.copies:
                yield copy, "in_flight"
