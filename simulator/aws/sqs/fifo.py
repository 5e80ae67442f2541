"""Amazon SQS FIFO queue.

Rules: order and locks by message group, exactly-once sends within the deduplication window, ended
receipt handles refused, redrive within the receive, retention in any state (SQS guide).
"""

from collections.abc import Hashable, Iterator
from typing import Literal

from simulator.aws.deduplication import Deduplication
from simulator.aws.sqs.fifo_line import Line
from simulator.aws.sqs.fifo_throughput import Partitioning, fifo_calls
from simulator.aws.sqs.flights import FifoReceipt, Flights
from simulator.aws.sqs.message_groups import HELD, WAITING, Message, MessageGroup, MessageGroups
from simulator.aws.sqs.receipt import NEVER
from simulator.aws.sqs.receive_attempts import ReceiveAttempts

__all__ = ["FifoQueue", "FifoReceipt"]


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
    deduplication_scope : {"queue", "messageGroup"}
        What a deduplication id is good for. It is that of the queue's creation: switching it later
        changed nothing for the minutes it was observed (conformance FIFO-DUP-07).
    partitioning : Partitioning, optional
        High-throughput mode: *calls_per_s* are those of a partition. None: those of the queue.
    attempt_window_us : int
        How long a ReceiveRequestAttemptId is remembered [us].
    look_through : int
        Messages from the oldest on, in flight or not, among which a receive looks for a free group.

    Attributes
    ----------
    send_calls, receive_calls, delete_calls : CallQuota or None
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
        deduplication_scope: Literal["queue", "messageGroup"] = "queue",
        partitioning: Partitioning | None = None,
        attempt_window_us: int = 300_000_000,
        look_through: int = 120_000,
    ) -> None:
        self.visibility_timeout_us = visibility_timeout_us
        self.retention_us = retention_us
        self.delay_us = delay_us
        self.max_in_flight = max_in_flight
        self.max_receive_count = max_receive_count
        self.send_calls = fifo_calls(calls_per_s, burst_us, partitioning)
        self.receive_calls = fifo_calls(calls_per_s, burst_us, partitioning)
        self.delete_calls = fifo_calls(calls_per_s, burst_us, partitioning)
        self._by_group = deduplication_scope == "messageGroup"
        self._deduplication = Deduplication(deduplication_window_us)
        self._attempts = ReceiveAttempts(attempt_window_us)
        self._groups = MessageGroups(retention_us, look_through)
        self._line = Line(self._groups)
        self._flights = Flights(retention_us)
        self._uneven_until = -NEVER  # until then not all that arrived within the delay are delayed
        self._kept_until = -NEVER  # retention was changed then: nothing expired before by the new one
        self._expired: list[tuple[int, int]] = []

    @property
    def in_flight_count(self) -> int:
        """Messages in flight at the last call."""
        return self._flights.count

    # -- sending ---------------------------------------------------------------------------------

    def send_message(self, now: int, copy: int, group: int | str, deduplication_id: Hashable) -> int:
        """Accept *copy* and answer with it; a duplicate is not stored and answers with its original."""
        if self._by_group:
            deduplication_id = (group, deduplication_id)
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
        self,
        now: int,
        max_number_of_messages: int = 1,
        visibility_timeout_us: int | None = None,
        receive_request_attempt_id: str | None = None,
    ) -> FifoReceipt | None:
        """Give out up to *max_number_of_messages* and start their timeout.

        As many as can be had from the group with the oldest message that can be had, then from the
        next. None when there is nothing to give. A receipt without copies has only moved some to
        the dead-letter queue: call again. The same attempt id within its window gets the same receipt
        again, and its timeouts start anew, if none of its messages was changed since.
        """
        self._settle(now)
        timeout_us = self.visibility_timeout_us if visibility_timeout_us is None else visibility_timeout_us
        if receive_request_attempt_id is None:
            return self._receive(now, max_number_of_messages, timeout_us)
        receipt = self._attempts.answer(now, receive_request_attempt_id)
        if receipt is not None:
            self._flights.restart(receipt, now + timeout_us)
            for message in receipt.messages:
                self._groups.look(message.group, now, now)
            return receipt
        receipt = self._receive(now, max_number_of_messages, timeout_us)
        if receipt is not None and receipt.copies:
            self._attempts.remember(now, receive_request_attempt_id, receipt)
        return receipt

    def _receive(self, now: int, most: int, timeout_us: int) -> FifoReceipt | None:
        left = min(most, self.max_in_flight - self._flights.count)
        groups = self._groups
        horizon = groups.horizon
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
            while message is not None and message.visible_at <= now and left and message.place <= horizon:
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
        places = [message.arrived_at + self.delay_us for message in messages]
        receipt = FifoReceipt(messages, now, now + timeout_us, available_at, places, again, moved)
        if messages and timeout_us:
            self._hold(receipt, timeout_us == self.visibility_timeout_us)
        for group in visited:
            groups.look(group, now, now)
        return receipt

    def _hold(self, receipt: FifoReceipt, usual: bool) -> None:
        """Put what *receipt* holds in flight; *usual*: by the queue's timeout."""
        first_gone_at = self._line.first_arrived_at + self.retention_us
        self._flights.hold(receipt, usual=usual and first_gone_at >= receipt.visible_at)

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
        places = [message.arrived_at + self.delay_us for message in chosen]
        visible_at = now + timeout_us
        changed = FifoReceipt(
            chosen, receipt.received_at, visible_at, receipt.available_at, places, receipt.again, []
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
        chosen = receipt.let_go(copies)
        for message in chosen:
            message.state = WAITING
        self._flights.count -= len(chosen)
        return chosen

    # -- time --------------------------------------------------------------------------------------

    def _settle(self, now: int) -> None:
        """Let time act: retention first, then timeouts and delays that ended by *now*."""
        line, groups = self._line, self._groups
        line.settle()
        if line.first_arrived_at + self.retention_us <= now:
            self._expire(now)
            line.settle()
        self._flights.end(now)
        groups.open(now)
        if groups.beyond:
            line.advance(now)

    def _expire(self, now: int) -> None:
        """Take out the messages whose retention ended by *now*, in whatever state they are."""
        for message in self._line.stored():
            if message.arrived_at + self.retention_us > now:
                break
            if message.state == HELD:
                self._flights.count -= 1
            expired_at = max(message.arrived_at + self.retention_us, self._kept_until)
            self._expired.append((message.copy, expired_at))
            self._groups.remove(message)
            self._groups.look(message.group, now, expired_at)

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

        With all of ``max_in_flight`` in flight or messages behind the horizon it may come early, never
        late: what is ready now may be past its retention when there is room for it, and what expires
        moves the horizon, maybe to nothing new.
        """
        self._settle(now)
        groups = self._groups
        ready_at = groups.next_ready_at(now)
        if groups.beyond:
            ready_at = min(ready_at, self._line.first_arrived_at + self.retention_us)
        if self._flights.count < self.max_in_flight:
            return ready_at
        return max(ready_at, self._flights.next_end())

    # -- changing the queue ------------------------------------------------------------------------

    def purge(self, now: int) -> list[int]:
        """Take out every message, also those delayed and in flight, and return their copies.

        No group is locked any more and no deduplication id or receive attempt is remembered.
        """
        self._settle(now)
        purged = list(self._line.stored())
        self._flights.clear()
        for message in purged:
            self._groups.remove(message)
        for group in {message.group for message in purged}:
            self._groups.look(group, now, now)
        self._line.clear()
        self._deduplication.clear()
        self._attempts.clear()
        return [message.copy for message in purged]

    def set_attributes(
        self,
        now: int,
        *,
        visibility_timeout_us: int | None = None,
        delay_us: int | None = None,
        retention_us: int | None = None,
    ) -> None:
        """Change attributes [us]; None: as it was.

        VisibilityTimeout goes for receives from now on, MessageRetentionPeriod for all that is stored,
        and so, unlike on a standard queue, does DelaySeconds (conformance FIFO-DLY-05): for
        all that is not in flight (model: AWS does not say what becomes of a message received before).
        """
        self._settle(now)
        if visibility_timeout_us is not None:
            self.visibility_timeout_us = visibility_timeout_us
        if retention_us is not None:
            self.retention_us = self._groups.retention_us = retention_us
            self._kept_until = now
        if delay_us is not None:
            self._uneven_until = now + max(delay_us, self.delay_us)
            self.delay_us = delay_us
            for message in self._line.stored():
                if message.state == WAITING:
                    message.visible_at = message.arrived_at + delay_us
        self._flights.resort(self.retention_us)
        self._groups.look_again(now)
        self._settle(now)

    # -- counting ----------------------------------------------------------------------------------

    def oldest_at(self, now: int) -> int:
        """When the oldest message arrived [us], of those in any state; NEVER without any."""
        self._settle(now)
        self._line.settle()
        return self._line.first_arrived_at

    def visible(self, now: int) -> int:
        """Messages neither in flight nor delayed; those locked only by their group are among them."""
        self._settle(now)
        return self._groups.stored - self._flights.count - self._delayed(now)

    def delayed(self, now: int) -> int:
        """Messages whose delay has not ended at *now*."""
        self._settle(now)
        return self._delayed(now)

    def _delayed(self, now: int) -> int:
        if not self.delay_us:
            return 0
        due_from = now - self.delay_us
        if now < self._uneven_until:
            late = self._line.arrived_after(due_from)
            return sum(message.state == WAITING and message.visible_at > now for message in late)
        return self._line.count_after(due_from)

    def in_flight(self, now: int) -> int:
        """Messages received, not deleted, whose timeout has not ended at *now*."""
        self._settle(now)
        return self._flights.count

    def contents(self, now: int) -> Iterator[tuple[int, str]]:
        """Every copy in the queue with its state: ``delayed visible in_flight``."""
        self._settle(now)
        for message in self._line.stored():
            if message.state == HELD:
                yield message.copy, "in_flight"
            else:
                yield message.copy, "delayed" if message.visible_at > now else "visible"
