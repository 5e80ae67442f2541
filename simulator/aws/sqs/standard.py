"""Amazon SQS standard queue: its calls.

Rules: visibility timeout, receive count, redrive, delay and retention as in the SQS developer guide.
In flight is capped at about 120,000; a message received three times or more goes to the back
when its timeout ends; a message is held for 12 hours at most, counted from its receive.
"""

from bisect import bisect_right
from heapq import heappop

from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.sqs.stored import READ_PART, Known, StoredMessages


class StandardQueue(StoredMessages):
    """SQS standard queue as a state machine; the caller owns the clock.

    A copy is in transit until it is sent, delayed until it is due, then *visible*; a receive puts it
    *in flight* until it is deleted or its visibility timeout ends. Messages come oldest first.

    Parameters
    ----------
    visibility_timeout_us, retention_us, delay_us : int
        VisibilityTimeout, MessageRetentionPeriod and DelaySeconds [us].
    max_in_flight : int
        Copies in flight from which on a receive finds nothing.
    max_receive_count : int, optional
        Of the redrive policy: a receive beyond it moves the copy. None: no dead-letter queue.
    back_after : int, optional
        Receives after which a returning copy goes to the back of the queue.
    p_stale_delete_works : float
        Chance that a delete by an older handle removes the message that another holds.
    max_hold_us : int
        How long after its receive a message may be hidden at most, extensions included [us].
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
        max_hold_us: int = 43_200_000_000,
    ) -> None:
        super().__init__(visibility_timeout_us, retention_us, delay_us, max_in_flight, back_after)
        self.max_receive_count = max_receive_count
        self.p_stale_delete_works = p_stale_delete_works
        self.max_hold_us = max_hold_us

    # -- sending ---------------------------------------------------------------------------------

    def send_messages(self, sent_at: list[int], copies: list[int]) -> None:
        """Accept copies at *sent_at* [us], which ascends within and across calls.

        Instants may lie ahead: the copies are in transit until then.
        """
        if copies and self._head == len(self._copies):
            self._settle_at = min(self._settle_at, sent_at[0] + self.retention_us)
        self._sent_at.extend(sent_at)
        self._copies.extend(copies)

    def send_delayed(self, now: int, copy: int, delay_us: int) -> None:
        """Accept a copy with a message timer: hidden for *delay_us*, whatever the delay of the queue."""
        self._wait(copy, now, now + delay_us)

    def move_in(self, now: int, copies: list[int], sent_at: list[int], receive_counts: list[int]) -> None:
        """Take copies from a source queue of which this is the dead-letter queue.

        They keep their sent time, so retention counts from the first send, and their receive count
        (SQS guide, dead-letter queues).
        """
        for copy, at, count in zip(copies, sent_at, receive_counts, strict=True):
            state = self._known[copy] = Known(at, now - self.delay_us, count)
            state.since = state.age_from = now
            state.before = count
            self._appear(copy, state)

    # -- receiving -------------------------------------------------------------------------------

    def short_poll_refusal(self, now: int) -> str | None:
        """Why a short poll is refused at *now* [us]; None: it is not.

        With too many messages in flight a short poll is an error, a long poll just finds nothing (SQSDG).
        """
        return "OverLimit" if self.in_flight(now) >= self.max_in_flight else None

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
        if self._visible_known:
            return self._receive_mixed(now, n, visibility_timeout_us)
        head = self._head
        sent_at = self._sent_at[head : head + n]
        if not sent_at:
            return None
        due = now - self.delay_us
        if sent_at[-1] > due:
            sent_at = sent_at[: bisect_right(sent_at, due)]
            if not sent_at:
                return None
        n = len(sent_at)
        copies = self._copies[head : head + n]
        self._head = head + n
        if head > READ_PART:
            self._advance(0)
        return self._hold(copies, sent_at, sent_at[-1] + self.delay_us, now, visibility_timeout_us, {}, [])

    def _receive_mixed(self, now: int, n: int, visibility_timeout_us: int | None) -> Receipt | None:
        """Merge known copies with fresh ones by their place in the queue."""
        copies: list[int] = []
        sent_at: list[int] = []
        again: dict[int, int] = {}
        moved: list[int] = []
        available_at = -NEVER
        due = now - self.delay_us
        while len(copies) < n:
            place = self._first_back()
            head = self._head
            fresh_at = self._sent_at[head] if head < len(self._sent_at) else NEVER
            if fresh_at > due:  # neither is any behind it due
                if place is None:
                    break
                fresh_at = NEVER
            if place is None or fresh_at < place:
                copies.append(self._copies[head])
                sent_at.append(fresh_at)
                available_at = max(available_at, fresh_at + self.delay_us)
                self._advance(1)
                continue
            copy = heappop(self._back)[1]
            self._visible_known -= 1
            state = self._known[copy]
            if self.max_receive_count is not None and state.receive_count >= self.max_receive_count:
                moved.append(copy)
                del self._known[copy]
                continue
            state.receive_count += 1
            if state.receive_count > 1:
                again[copy] = state.receive_count
            else:  # its timer is over: as any other first receive
                del self._known[copy]
            copies.append(copy)
            sent_at.append(state.sent_at)
            available_at = max(available_at, state.since)
        if not copies and not moved:
            return None
        receipt = self._hold(copies, sent_at, available_at, now, visibility_timeout_us, again, moved)
        for copy in again:
            self._known[copy].held_by = receipt
        return receipt

    def _hold(
        self,
        copies: list[int],
        sent_at: list[int],
        available_at: int,
        now: int,
        visibility_timeout_us: int | None,
        again: dict[int, int],
        moved: list[int],
    ) -> Receipt:
        timeout_us = self.visibility_timeout_us if visibility_timeout_us is None else visibility_timeout_us
        receipt = Receipt(copies, now, now + timeout_us, available_at, sent_at, again, moved)
        if copies:
            self.in_flight_count += len(copies)
            if receipt.visible_at < self._settle_at:
                self._settle_at = receipt.visible_at
            if visibility_timeout_us is None or visibility_timeout_us == self.visibility_timeout_us:
                self._in_flight.append(receipt)
            else:
                self._time(receipt)
        return receipt

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
        sent_at = receipt.places
        held = receipt.copies
        if receipt.again or receipt.visible_at <= now or not sent_at or sent_at[0] + self.retention_us <= now:
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
        state = self._known.get(copy)
        if state is not None and state.held_by is None:
            self._visible_known -= 1
        else:
            stale = copy not in receipt.copies
            if stale and (state is None or chance >= self.p_stale_delete_works):
                return False
            holder = state.held_by if stale and state is not None and state.held_by is not None else receipt
            holder.copies = [other for other in holder.copies if other != copy]
            self.in_flight_count -= 1
        sent_at = state.sent_at if state is not None else receipt.places[receipt.received.index(copy)]
        self._known.pop(copy, None)
        if sent_at + self.retention_us <= now:
            self._expired.append((copy, sent_at + self.retention_us))
            return False
        return True

    def refusal(self, now: int, receipt: Receipt, timeout_us: int) -> str | None:
        """Why a change of visibility by *receipt* to *timeout_us* is refused at *now* [us]; None: it is not.

        Twelve hours count from the receive, and extensions do not restart them (SQSDG).
        """
        if now + timeout_us > receipt.received_at + self.max_hold_us:
            return "InvalidParameterValue: total VisibilityTimeout for the message is beyond the limit"
        return None

    def change_message_visibility(
        self, now: int, receipt: Receipt, copies: list[int], timeout_us: int
    ) -> Receipt:
        """Let the timeout of *copies*, once given out by *receipt*, end *timeout_us* from now.

        Returns the receipt that holds them from now on; copies that are gone are not in it, and none is if
        the change is refused. On a standard queue an ended timeout does not matter, nor that another has
        received the copy since (observed on AWS; conformance STD-VIS-11, STD-VIS-12): it is taken from
        whoever holds it.
        """
        self._settle(now)
        sent = dict(zip(receipt.received, receipt.places, strict=True))
        changed = Receipt(
            [], receipt.received_at, now + timeout_us, receipt.available_at, [], dict(receipt.again), []
        )
        for copy in copies if self.refusal(now, receipt, timeout_us) is None else ():
            state = self._known.get(copy)
            if state is None and copy not in receipt.copies:
                continue
            if state is None:
                state = self._known[copy] = Known(sent[copy], sent[copy], 1)
                state.held_by = receipt
            if state.held_by is None:
                self._visible_known -= 1
                self.in_flight_count += 1
            else:
                state.held_by.copies = [other for other in state.held_by.copies if other != copy]
            state.held_by = changed
            changed.again[copy] = state.receive_count
            changed.received.append(copy)
            changed.places.append(sent[copy])
        changed.copies = list(changed.received)
        if changed.copies:
            self._time(changed)
            self._drop_empty()
        return changed

    # -- the queue itself ----------------------------------------------------------------------------

    def set_attributes(
        self,
        now: int,
        *,
        visibility_timeout_us: int | None = None,
        delay_us: int | None = None,
        retention_us: int | None = None,
    ) -> None:
        """Change attributes at *now* [us]; None leaves one as it is.

        A new visibility timeout is for later receives, a new delay for later sends; a new retention acts
        on the messages that are stored already (BOTO). AWS may take minutes to do so; here it is at once.
        """
        self._settle(now)
        if visibility_timeout_us is not None and visibility_timeout_us != self.visibility_timeout_us:
            self.visibility_timeout_us = visibility_timeout_us
            for receipt in self._in_flight:
                self._time(receipt)
            self._in_flight.clear()
        if delay_us is not None and delay_us != self.delay_us:
            self._change_delay(now, delay_us)
        if retention_us is not None:
            self.retention_us = retention_us
            self._settle_at = now
            self._settle(now)

    def _change_delay(self, now: int, delay_us: int) -> None:
        """Give each stored fresh copy a timer of its own; those in transit meet the new delay."""
        end = bisect_right(self._sent_at, now, self._head)
        stored = zip(self._copies[self._head : end], self._sent_at[self._head : end], strict=True)
        timers = [(copy, at, at + self.delay_us) for copy, at in stored]
        self._advance(end - self._head)
        self.delay_us = delay_us
        for copy, sent_at, due_at in timers:
            self._wait(copy, sent_at, due_at)
        self._settle_at = min(self._settle_at, now)
        self._settle(now)

    def purge(self, now: int) -> list[int]:
        """Remove every message in whatever state, and return which; those in transit still arrive."""
        gone = [copy for copy, state in self.contents(now) if state != "in_transit"]
        for receipt in [*self._in_flight, *(receipt for _, _, receipt in self._changed)]:
            receipt.copies = []
        self._in_flight.clear()
        for entries in (self._changed, self._back, self._timers, self._expires):
            entries.clear()
        self._known.clear()
        self.in_flight_count = self._visible_known = self._waiting = 0
        self._advance(bisect_right(self._sent_at, now, self._head) - self._head)
        self._settle_at = self._next_expiry()
        return gone
