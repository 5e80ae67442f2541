"""Amazon SQS FIFO queue.

Rules: order and locks by message group, exactly-once sends within the deduplication window, ended
receipt handles refused, redrive within the receive, retention in any state (aws-facts 1.1, 1.3, 2).
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush, heapreplace
from operator import attrgetter

from simulator.aws.deduplication import Deduplication
from simulator.aws.quotas import TokenBucket
from simulator.aws.sqs.message_groups import GONE, HELD, SLACK, WAITING, Message, MessageGroup, MessageGroups
from simulator.aws.sqs.receipt import NEVER, Receipt

_arrived_at = attrgetter("arrived_at")


class FifoReceipt(Receipt):
    """A receipt that knows its messages, parallel to ``copies``; those of a group stand together."""

    __slots__ = ("messages",)

    def __init__(
        self,
        messages: list[Message],
        received_at: int,
        visible_at: int,
        available_at: int,
        due_at: list[int],
        again: dict[int, int],
        moved: list[int],
    ) -> None:
        copies = [message.copy for message in messages]
        super().__init__(copies, received_at, visible_at, available_at, due_at, again, moved)
        self.messages = messages


class FifoQueue:
    """SQS FIFO queue as a state machine; the caller owns the clock, which never goes back.

    Parameters
    ----------
    visibility_timeout_us, retention_us, delay_us : int
        VisibilityTimeout, MessageRetentionPeriod and DelaySeconds [us].
    deduplication_window_us : int
        How long a deduplication id is remembered from its first accepted send [us].
    calls_per_s : int, optional
        Calls a second of each API action; None: no quota.
    burst_us : int
        Calls that may come at once, as the time [us] in which the quota allows them.
    max_in_flight : int
        Copies in flight above which a receive finds nothing (a FIFO queue gives no error).
    max_receive_count : int, optional
        Of the redrive policy: a receive beyond it moves the copy. None: no dead-letter queue.

    Attributes
    ----------
    send_calls, receive_calls, delete_calls : TokenBucket or None
        The quota of each action. The caller takes a token for each call, an empty receive included.
    """

    def __init__(
        self,
        *,
        visibility_timeout_us: int,
        retention_us: int,
        deduplication_window_us: int,
        calls_per_s: int | None,
        burst_us: int = 1_000_000,
        delay_us: int = 0,
        max_in_flight: int = 120_000,
        max_receive_count: int | None = None,
    ) -> None:
        self.visibility_timeout_us = visibility_timeout_us
        self.retention_us = retention_us
        self.delay_us = delay_us
        self.max_in_flight = max_in_flight
        self.max_receive_count = max_receive_count
        self.send_calls = _calls(calls_per_s, burst_us)
        self.receive_calls = _calls(calls_per_s, burst_us)
        self.delete_calls = _calls(calls_per_s, burst_us)
        self._deduplication = Deduplication(deduplication_window_us)
        self._groups = MessageGroups(retention_us)
        self._line: list[Message] = []  # all in order of arrival, read from _line_head on; some are gone
        self._line_head = 0
        self._in_flight: deque[FifoReceipt] = deque()  # one timeout for all: ascending
        self._changed: list[tuple[int, int, FifoReceipt]] = []  # heap of the others by _ends_at
        self._serial = 0
        self.in_flight_count = 0
        self._expired: list[tuple[int, int]] = []

    # -- sending ---------------------------------------------------------------------------------

    def send_message(self, now: int, copy: int, group: int | str, deduplication_id: Hashable) -> int:
        """Accept *copy* and answer with it; a duplicate is not stored and answers with its original."""
        original = self._deduplication.original(now, deduplication_id, copy)
        if original is not None:
            return original
        self._line.append(self._groups.append(now, group, copy, now + self.delay_us, 0))
        return copy

    def move_in(
        self,
        now: int,
        copies: list[int],
        sent_at: list[int],
        receive_counts: list[int],
        groups: list[int | str],
    ) -> None:
        """Take copies from a source queue of which this is the dead-letter queue.

        They keep their receive count and their sent time, but retention counts from the move, unlike
        on a standard queue (SQS guide, dead-letter queues): *sent_at* decides nothing here. A delay
        of this queue runs from the move (model: AWS does not say).
        """
        for copy, receive_count, group in zip(copies, receive_counts, groups, strict=True):
            self._line.append(self._groups.append(now, group, copy, now + self.delay_us, receive_count))

    # -- receiving -------------------------------------------------------------------------------

    def receive_message(
        self, now: int, max_number_of_messages: int = 1, visibility_timeout_us: int | None = None
    ) -> FifoReceipt | None:
        """Give out up to *max_number_of_messages* and start their timeout.

        As many as can be had from the group with the oldest message that can be had, then from the
        next. None when there is nothing to give. A receipt without copies has only moved some to
        the dead-letter queue: call again.
        """
        self._settle(now)
        left = min(max_number_of_messages, self.max_in_flight - self.in_flight_count)
        timeout_us = self.visibility_timeout_us if visibility_timeout_us is None else visibility_timeout_us
        groups = self._groups
        messages: list[Message] = []
        again: dict[int, int] = {}
        moved: list[int] = []
        limit = NEVER if self.max_receive_count is None else self.max_receive_count
        visited: list[MessageGroup] = []
        available_at = -NEVER
        while left > 0 and (group := groups.take()) is not None:
            visited.append(group)
            if group.since > available_at:
                available_at = group.since
            message = group.first
            while message is not None and message.visible_at <= now and left:
                following = message.after
                if message.receive_count >= limit:
                    moved.append(message.copy)
                    groups.remove(message)
                else:
                    if message.visible_at > available_at:
                        available_at = message.visible_at
                    message.visible_at = now + timeout_us
                    message.receive_count += 1
                    if message.receive_count > 1:
                        again[message.copy] = message.receive_count
                    messages.append(message)
                    left -= 1
                message = following
        if not visited:
            return None
        due_at = [message.arrived_at + self.delay_us for message in messages]
        receipt = FifoReceipt(messages, now, now + timeout_us, available_at, due_at, again, moved)
        if messages and timeout_us:
            self._hold(receipt, timeout_us == self.visibility_timeout_us)
        for group in visited:
            groups.look(group, now, now)
        return receipt

    def _hold(self, receipt: FifoReceipt, usual: bool) -> None:
        """Put what *receipt* holds in flight; *usual*: by the queue's timeout."""
        self.in_flight_count += len(receipt.messages)
        for message in receipt.messages:
            message.state = HELD
        if not usual or self._line[self._line_head].arrived_at + self.retention_us < receipt.visible_at:
            self._time(receipt)
            return
        self._in_flight.append(receipt)
        if len(self._in_flight) > 2 * self.in_flight_count + SLACK:
            self._in_flight = deque(other for other in self._in_flight if other.copies)

    def _time(self, receipt: FifoReceipt) -> None:
        self._serial += 1
        heappush(self._changed, (self._ends_at(receipt), self._serial, receipt))
        if len(self._changed) > 2 * self.in_flight_count + SLACK:
            self._changed = [entry for entry in self._changed if entry[2].copies]
            heapify(self._changed)

    def _ends_at(self, receipt: FifoReceipt) -> int:
        """When the first of what *receipt* holds stops being in flight, by its timeout or by retention."""
        held = [message.arrived_at for message in receipt.messages if message.state == HELD]
        return min(receipt.visible_at, min(held, default=NEVER) + self.retention_us)

    # -- deleting, changing ------------------------------------------------------------------------

    def refusal(self, now: int, receipt: FifoReceipt) -> str | None:
        """Why a delete or a change of visibility by *receipt* is refused at *now* [us]; None: it is not.

        A FIFO queue refuses a handle whose timeout ended (conformance FIFO-DEL-01).
        """
        if receipt.visible_at <= now:
            return "InvalidParameterValue: the receipt handle has expired"
        return None

    def delete_messages(self, now: int, receipt: FifoReceipt, copies: list[int]) -> list[int]:
        """Delete *copies* by *receipt* and return those that are gone by it: none if it is refused."""
        self._settle(now)
        chosen = self._let_go(now, receipt, copies)
        groups = self._groups
        group: MessageGroup | None = None
        for message in chosen:
            if message.group is not group:
                if group is not None:
                    groups.look(group, now, now)
                group = message.group
            groups.remove(message)
        if group is not None:
            groups.look(group, now, now)
        return [message.copy for message in chosen]

    def change_message_visibility(
        self, now: int, receipt: FifoReceipt, copies: list[int], timeout_us: int
    ) -> FifoReceipt:
        """Let the timeout of *copies*, held by *receipt*, end *timeout_us* from now.

        Returns the receipt that holds them from now on: without copies if the change is refused.
        """
        self._settle(now)
        chosen = self._let_go(now, receipt, copies)
        due_at = [message.arrived_at + self.delay_us for message in chosen]
        visible_at = now + timeout_us
        changed = FifoReceipt(
            chosen, receipt.received_at, visible_at, receipt.available_at, due_at, receipt.again, []
        )
        for message in chosen:
            message.visible_at = visible_at
        if chosen and timeout_us:
            self._hold(changed, usual=False)
        for message in chosen:
            self._groups.look(message.group, now, now)
        return changed

    def _let_go(self, now: int, receipt: FifoReceipt, copies: list[int]) -> list[Message]:
        """End the flight of *copies*, as far as *receipt* still holds them."""
        if receipt.visible_at <= now:
            return []
        if copies == receipt.copies:
            chosen = receipt.messages
            receipt.messages = []
            receipt.copies = []
        else:
            wanted = set(copies)
            chosen = [message for message in receipt.messages if message.copy in wanted]
            receipt.messages = [message for message in receipt.messages if message.copy not in wanted]
            receipt.copies = [message.copy for message in receipt.messages]
        chosen = [message for message in chosen if message.state == HELD]  # the others: gone by retention
        for message in chosen:
            message.state = WAITING
        self.in_flight_count -= len(chosen)
        return chosen

    # -- time --------------------------------------------------------------------------------------

    def _settle(self, now: int) -> None:
        """Let time act: retention first, then timeouts and delays that ended by *now*."""
        line = self._line
        head = self._line_head
        while head < len(line) and line[head].state == GONE:
            head += 1
        self._line_head = head
        if head < len(line) and line[head].arrived_at + self.retention_us <= now:
            self._expire(now)
        if len(line) > 2 * self._groups.stored + SLACK:
            self._line = [message for message in line if message.state != GONE]
            self._line_head = 0
        in_flight = self._in_flight
        while in_flight and (in_flight[0].visible_at <= now or not in_flight[0].copies):
            self._release(in_flight.popleft())
        changed = self._changed
        while changed and changed[0][0] <= now:
            receipt = heappop(changed)[2]
            if receipt.visible_at <= now:
                self._release(receipt)
            elif receipt.copies:
                self._time(receipt)
                changed = self._changed
        self._groups.open(now)

    def _expire(self, now: int) -> None:
        """Take out the messages whose retention ended by *now*, in whatever state they are."""
        line = self._line
        head = self._line_head
        while head < len(line) and line[head].arrived_at + self.retention_us <= now:
            message = line[head]
            head += 1
            if message.state == GONE:
                continue
            if message.state == HELD:
                self.in_flight_count -= 1
            expired_at = message.arrived_at + self.retention_us
            self._expired.append((message.copy, expired_at))
            self._groups.remove(message)
            self._groups.look(message.group, now, expired_at)
        self._line_head = head

    def _release(self, receipt: FifoReceipt) -> None:
        """End the flight of all that *receipt* still holds: each stands in its place in its group."""
        for message in receipt.messages:
            if message.state == HELD:
                message.state = WAITING
                self.in_flight_count -= 1
        receipt.copies = []
        receipt.messages = []

    def expire(self, now: int) -> list[tuple[int, int]]:
        """Copies that retention removed since the last call, each with the instant [us] it did.

        A message goes at arrival + retention in whatever state it is; a later delete still succeeds.
        """
        self._settle(now)
        expired = self._expired
        if expired:
            self._expired = []
        return expired

    def next_visible_at(self, now: int) -> int:
        """The first instant [us], from *now*, at which a receive finds something; NEVER if none will.

        With all of ``max_in_flight`` in flight it may come early, never late: what is ready now may be
        past its retention when there is room for it.
        """
        self._settle(now)
        ready_at = self._groups.next_ready_at(now)
        if self.in_flight_count < self.max_in_flight:
            return ready_at
        return max(ready_at, self._next_end())

    def _next_end(self) -> int:
        """When the next copy stops being in flight by itself."""
        while self._in_flight and not self._in_flight[0].copies:
            self._in_flight.popleft()
        end_at = self._in_flight[0].visible_at if self._in_flight else NEVER
        changed = self._changed
        while changed:
            noted_at, serial, receipt = changed[0]
            if not receipt.copies:
                heappop(changed)
                continue
            at = self._ends_at(receipt)
            if at == noted_at:
                return min(end_at, at)
            heapreplace(changed, (at, serial, receipt))
        return end_at

    # -- counting ----------------------------------------------------------------------------------

    def visible(self, now: int) -> int:
        """Messages neither in flight nor delayed; those locked only by their group are among them."""
        self._settle(now)
        return self._groups.stored - self.in_flight_count - self._delayed(now)

    def delayed(self, now: int) -> int:
        """Messages whose delay has not ended at *now*."""
        self._settle(now)
        return self._delayed(now)

    def _delayed(self, now: int) -> int:
        if not self.delay_us:
            return 0
        due = bisect_right(self._line, now - self.delay_us, self._line_head, key=_arrived_at)
        return len(self._line) - due

    def in_flight(self, now: int) -> int:
        """Messages received, not deleted, whose timeout has not ended at *now*."""
        self._settle(now)
        return self.in_flight_count

    def contents(self, now: int) -> Iterator[tuple[int, str]]:
        """Every copy in the queue with its state: ``delayed visible in_flight``."""
        self._settle(now)
        for message in self._line[self._line_head :]:
            if message.state == HELD:
                yield message.copy, "in_flight"
            elif message.state == WAITING:
                yield message.copy, "delayed" if message.arrived_at + self.delay_us > now else "visible"


def _calls(calls_per_s: int | None, burst_us: int) -> TokenBucket | None:
    if calls_per_s is None:
        return None
    return TokenBucket(calls_per_s, calls_per_s * burst_us // 1_000_000)
