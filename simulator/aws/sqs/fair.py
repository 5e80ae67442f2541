"""Amazon SQS fair queue: a standard queue that keeps one noisy tenant from delaying all others.

Rules: SQS guide, how fair queues work. Messages of quiet tenants are given out first while there
are any; among noisy tenants the one with the fewest messages in flight comes first. Nothing is locked,
ordered, limited or dropped by it.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Any, Final

from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.sqs.standard import StandardQueue
from simulator.aws.sqs.tenants import Limits, Quiet, Tenant, Work

NOBODY: Final = -1
"""The group of a message without one."""
_READ_PART: Final = 8192
_JUDGE_EVERY_US: Final = 1_000_000


class FairReceipt(Receipt):
    """One answer with messages of several tenants; ``parts`` are what each of their queues gave."""

    __slots__ = ("parts",)

    def __init__(self, parts: list[Receipt]) -> None:
        super().__init__(
            [copy for part in parts for copy in part.received],
            max(part.received_at for part in parts),
            min(part.visible_at for part in parts),
            max(part.available_at for part in parts),
            [place for part in parts for place in part.places],
            {copy: count for part in parts for copy, count in part.again.items()},
            [copy for part in parts for copy in part.moved],
        )
        self.parts = parts


class FairQueue:
    """SQS standard queue whose messages carry groups; the caller owns the clock.

    Every tenant has a standard queue of its own, with all rules of one, and the fair queue says from which
    of them a receive is answered. Work grows with the logarithm of the tenants.

    Each message without a group is a tenant of its own and never noisy: they stand in one line.

    Parameters
    ----------
    group_of : callable
        The group of a copy; `NOBODY` without one.
    limits : Limits
        When a tenant is noisy.
    max_in_flight : int
        Copies of all tenants in flight from which on a receive finds nothing.
    retention_us, delay_us : int
        MessageRetentionPeriod and DelaySeconds [us].
    max_receive_count : int, optional
        Of the redrive policy: a receive beyond it moves the copy. None: no dead-letter queue.
    **standard
        What else a `StandardQueue` takes.
    """

    def __init__(
        self,
        *,
        group_of: Callable[[int], int],
        limits: Limits,
        retention_us: int,
        delay_us: int = 0,
        max_in_flight: int = 120_000,
        max_receive_count: int | None = None,
        **standard: Any,
    ) -> None:
        self.limits = limits
        self.max_receive_count = max_receive_count
        self.max_in_flight = max_in_flight
        self.delay_us = delay_us
        self._group_of = group_of
        self._standard = {**standard, "retention_us": retention_us, "delay_us": delay_us}
        self._tenants: dict[int, Tenant] = {}
        self._quiet: list[tuple[int, int]] = []  # heap of (place, group) of those with something to give
        self._noisy: dict[int, Tenant] = {}  # marked ones
        self._loud: list[tuple[int, int, int]] = []  # heap of (messages in flight, place, group) of them
        self._judged_at = -NEVER  # when it was last asked whose mark ends
        self._wakes: list[tuple[int, int]] = []  # heap of (instant, group)
        self._alive = 0  # tenants with a queue
        self._gave_way_at = -NEVER  # a quiet tenant's message was preferred to a noisy one's
        self._ready = 0
        self._all = Work(limits.window_us)
        self._expired: list[tuple[int, int]] = []
        self._sent_at: list[int] = []  # of all copies, ascending; those before _head are due
        self._head = 0
        self._inside = 0  # copies that are due and not gone

    # -- sending ---------------------------------------------------------------------------------

    def send_messages(self, sent_at: list[int], copies: list[int]) -> None:
        """Accept copies at *sent_at* [us], which ascends within and across calls.

        Instants may lie ahead: the copies are in transit until then.
        """
        self._sent_at.extend(sent_at)
        shares: dict[int, tuple[list[int], list[int]]] = {}
        for at, copy in zip(sent_at, copies, strict=True):
            instants, mine = shares.setdefault(self._group_of(copy), ([], []))
            instants.append(at)
            mine.append(copy)
        for group, (instants, mine) in shares.items():
            tenant = self._tenant(group)
            tenant.sent(instants)
            self._queue_of(tenant).send_messages(instants, mine)
            self._wake(group, tenant, instants[0] + self.delay_us)

    def move_in(self, now: int, copies: list[int], sent_at: list[int], receive_counts: list[int]) -> None:
        """Take copies from a source queue of which this is the dead-letter queue."""
        self._settle(now)
        self._inside += len(copies)
        for copy, at, count in zip(copies, sent_at, receive_counts, strict=True):
            group = self._group_of(copy)
            tenant = self._tenant(group)
            self._queue_of(tenant).move_in(now, [copy], [at], [count])
            self._refresh(now, group, tenant)

    def _tenant(self, group: int) -> Tenant:
        tenant = self._tenants.get(group)
        if tenant is None:
            tenant = self._tenants[group] = Tenant(self.limits.window_us)
        return tenant

    def _queue_of(self, tenant: Tenant) -> StandardQueue:
        queue = tenant.queue
        if queue is None:
            queue = tenant.queue = StandardQueue(max_in_flight=NEVER, **self._standard)
            self._alive += 1
        return queue

    # -- receiving -------------------------------------------------------------------------------

    def receive_message(
        self, now: int, max_number_of_messages: int = 1, visibility_timeout_us: int | None = None
    ) -> Receipt | None:
        """Give out up to *max_number_of_messages* visible copies and start their timeout.

        None when there is nothing to give. A receipt without copies has only moved some to the
        dead-letter queue: call again.
        """
        self._settle(now)
        n = min(max_number_of_messages, self.max_in_flight - self._all.level)
        parts: list[Receipt] = []
        while n > 0:
            group = self._next(now)
            if group is None:
                break
            tenant = self._tenants[group]
            most = n if self._ready == 1 else 1
            queue = self._queue_of(tenant)
            queue.max_receive_count = self.max_receive_count
            part = queue.receive_message(now, most, visibility_timeout_us)
            assert part is not None  # it was ready
            self._inside -= len(part.moved)
            self._refresh(now, group, tenant)
            parts.append(part)
            n -= len(part.received)
        return None if not parts else parts[0] if len(parts) == 1 else FairReceipt(parts)

    def _next(self, now: int) -> int | None:
        """The group whose message comes next."""
        if self._noisy and now - self._judged_at >= _JUDGE_EVERY_US:
            self._judged_at = now
            for group, tenant in list(self._noisy.items()):
                self._judge(now, group, tenant)
        while (first := self._first_quiet()) is not None:
            group = first[1]
            self._judge(now, group, self._tenants[group])
            if not self._tenants[group].noisy:
                if self._noisy:
                    self._gave_way_at = now
                return group
        loud = self._loud
        while loud:
            level, place, group = loud[0]
            tenant = self._tenants[group]
            if tenant.noisy and tenant.ready and (tenant.work.level, tenant.place) == (level, place):
                return group
            heappop(loud)
        return None

    def _first_quiet(self) -> tuple[int, int] | None:
        """Place [us] and group of the first message of a tenant that is not marked."""
        quiet = self._quiet
        while quiet:
            place, group = quiet[0]
            tenant = self._tenants[group]
            if tenant.ready and not tenant.noisy and tenant.place == place:
                return quiet[0]
            heappop(quiet)
        return None

    def _judge(self, now: int, group: int, tenant: Tenant) -> None:
        was = tenant.noisy
        if group != NOBODY:
            tenant.judge(now, self._all, self.limits, self._gave_way_at)
        if tenant.noisy and not was:
            self._noisy[group] = tenant
            heappush(self._loud, (tenant.work.level, tenant.place, group))
        elif was and not tenant.noisy:
            del self._noisy[group]
            if tenant.ready:
                heappush(self._quiet, (tenant.place, group))

    # -- deleting, changing ------------------------------------------------------------------------

    def delete_messages(
        self, now: int, receipt: Receipt, copies: list[int], chance: float = 0.0
    ) -> list[int]:
        """Delete *copies* by *receipt* and return those that are gone by it, as a standard queue does."""
        self._settle(now)
        if not isinstance(receipt, FairReceipt):
            return self._delete(now, receipt, copies, chance)
        wanted, gone = set(copies), []
        for part in receipt.parts:
            mine = [copy for copy in part.received if copy in wanted]
            if mine:
                gone += self._delete(now, part, mine, chance)
        left = set(gone)
        receipt.copies = [copy for copy in receipt.copies if copy not in left]
        return gone

    def _delete(self, now: int, part: Receipt, copies: list[int], chance: float) -> list[int]:
        group = self._group_of(part.received[0])
        tenant = self._tenants[group]
        gone = self._queue_of(tenant).delete_messages(now, part, copies, chance)
        self._inside -= len(gone)
        self._expire(now, tenant)
        self._refresh(now, group, tenant)
        return gone

    def change_message_visibility(
        self, now: int, receipt: Receipt, copies: list[int], timeout_us: int
    ) -> Receipt:
        """Let the timeout of *copies* end *timeout_us* from now; the receipt that holds them from then on."""
        self._settle(now)
        if not isinstance(receipt, FairReceipt):
            return self._change(now, receipt, copies, timeout_us)
        wanted = set(copies)
        named = [[copy for copy in part.received if copy in wanted] for part in receipt.parts]
        changed = [
            self._change(now, part, mine, timeout_us)
            for part, mine in zip(receipt.parts, named, strict=True)
            if mine
        ]
        return FairReceipt(changed or [self._change(now, receipt.parts[0], [], timeout_us)])

    def _change(self, now: int, part: Receipt, copies: list[int], timeout_us: int) -> Receipt:
        group = self._group_of(part.received[0])
        tenant = self._tenants[group]
        changed = self._queue_of(tenant).change_message_visibility(now, part, copies, timeout_us)
        self._refresh(now, group, tenant)
        return changed

    # -- time --------------------------------------------------------------------------------------

    def _settle(self, now: int) -> None:
        """Let time act on those tenants for whom it does."""
        while self._wakes and self._wakes[0][0] <= now:
            at, group = heappop(self._wakes)
            tenant = self._tenants[group]
            if at == tenant.wake_at:
                tenant.wake_at = NEVER
                self._expire(now, tenant)
                self._refresh(now, group, tenant)
        due = bisect_right(self._sent_at, now - self.delay_us, self._head)
        self._inside += due - self._head
        self._head = due
        if due > _READ_PART and due * 2 > len(self._sent_at):
            del self._sent_at[:due]
            self._head = 0

    def _refresh(self, now: int, group: int, tenant: Tenant) -> None:
        """Bring what is known of a tenant up to date with its queue."""
        queue = self._queue_of(tenant)
        change = queue.in_flight_count - tenant.work.level
        if change:
            tenant.work.change(now, change)
            self._all.change(now, change)
        place = queue.first_place(now)
        self._ready += (place < NEVER) - tenant.ready
        moved = place != tenant.place or (place < NEVER) != tenant.ready
        tenant.ready, tenant.place = place < NEVER, place
        if tenant.ready:
            if tenant.noisy:
                self._stand_loud(group, tenant)
            elif moved:
                heappush(self._quiet, (place, group))
            self._wake(group, tenant, queue.changes_at())
            return
        self._judge(now, group, tenant)
        changes_at = queue.changes_at()  # now, where the timeout is 0: what was received is still to be told
        next_at = queue.next_visible_at(now) if changes_at > now else changes_at
        if next_at == NEVER and not queue.in_flight_count:
            tenant.queue, tenant.wake_at = None, NEVER  # nothing is left of it here
            self._alive -= 1
        else:
            self._wake(group, tenant, min(next_at, changes_at))

    def _stand_loud(self, group: int, tenant: Tenant) -> None:
        heappush(self._loud, (tenant.work.level, tenant.place, group))
        if len(self._loud) > 2 * len(self._noisy) + _READ_PART:
            self._loud = [(one.work.level, one.place, name) for name, one in self._noisy.items()]
            heapify(self._loud)

    def _expire(self, now: int, tenant: Tenant) -> None:
        expired = self._queue_of(tenant).expire(now)
        if expired:
            self._expired += expired
            self._inside -= len(expired)

    def _wake(self, group: int, tenant: Tenant, at: int) -> None:
        if at < tenant.wake_at:
            tenant.wake_at = at
            heappush(self._wakes, (at, group))
            if len(self._wakes) > 2 * self._alive + _READ_PART:
                self._wakes = [wake for wake in self._wakes if self._tenants[wake[1]].wake_at == wake[0]]
                heapify(self._wakes)

    def expire(self, now: int) -> list[tuple[int, int]]:
        """Copies that retention removed since the last call, each with the instant [us] it did."""
        self._settle(now)
        expired, self._expired = self._expired, []
        return expired

    def next_visible_at(self, now: int) -> int:
        """The first instant [us], from *now*, at which a receive may find something; NEVER if none will."""
        self._settle(now)
        if self._ready and self._all.level < self.max_in_flight:
            return now
        wakes = self._wakes
        while wakes and self._tenants[wakes[0][1]].wake_at != wakes[0][0]:
            heappop(wakes)
        return wakes[0][0] if wakes else NEVER

    # -- counting ----------------------------------------------------------------------------------

    @property
    def in_flight_count(self) -> int:
        """Messages in flight, as of the last call."""
        return self._all.level

    @property
    def noisy(self) -> int:
        """Tenants that are marked as noisy; whose mark ends is asked once a second, at a receive."""
        return len(self._noisy)

    def _queues(self) -> list[StandardQueue]:
        """Of all tenants that have one; for what is asked once a minute at most."""
        return [tenant.queue for tenant in self._tenants.values() if tenant.queue is not None]

    def oldest_at(self, now: int) -> int:
        """When its oldest message came, as of `StandardQueue`."""
        return min([queue.oldest_at(now) for queue in self._queues()], default=NEVER)

    def younger(self, now: int, than_us: int) -> int:
        """Visible messages that nobody has received, sent less than *than_us* before *now* [us]."""
        return sum(queue.younger(now, than_us) for queue in self._queues())

    def visible(self, now: int) -> int:
        """Messages a receive could give out at *now*."""
        self._settle(now)
        return self._inside - self._all.level

    def delayed(self, now: int) -> int:
        """Messages sent whose delay has not ended at *now*."""
        self._settle(now)
        return bisect_right(self._sent_at, now, self._head) - self._head

    def in_flight(self, now: int) -> int:
        """Messages received, not deleted, whose timeout has not ended at *now*."""
        self._settle(now)
        return self._all.level

    def quiet(self, now: int) -> Quiet:
        """What tenants that are not marked as noisy have in the queue."""
        visible, delayed, in_flight = self.visible(now), self.delayed(now), self._all.level
        for tenant in self._noisy.values():
            queue = self._queue_of(tenant)
            visible -= queue.visible(now)
            delayed -= queue.delayed(now)
            in_flight -= tenant.work.level
        first = self._first_quiet()
        return Quiet(visible, delayed, in_flight, NEVER if first is None else first[0])

    def contents(self, now: int) -> Iterator[tuple[int, str]]:
        """Every copy in the queue with its state: ``in_transit delayed visible in_flight``."""
        self._settle(now)
        for queue in self._queues():
            yield from queue.contents(now)
