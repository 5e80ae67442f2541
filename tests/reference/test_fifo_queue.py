"""Random call sequences: the FIFO queue against the plainest one, and its invariants after each call."""

import copy as copying
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulator.aws.sqs.fifo import FifoQueue, FifoReceipt
from simulator.aws.sqs.message_groups import SLACK
from simulator.aws.sqs.receipt import NEVER
from tests.reference.plain_fifo import PlainFifoQueue

GROUPS = st.integers(0, 3)


class FifoQueueMachine(RuleBasedStateMachine):
    """Drives both queues by the same calls; times are so small that instants coincide."""

    def __init__(self):
        super().__init__()
        self.patch = pytest.MonkeyPatch()

    def teardown(self):
        self.patch.undo()

    @initialize(
        timeout=st.sampled_from([5, 10, 40]),
        retention=st.sampled_from([8, 30, 10_000]),
        delay=st.sampled_from([0, 0, 3, 12]),
        cap=st.sampled_from([2, 5, 1000]),
        most=st.sampled_from([None, 1, 2]),
        slack=st.sampled_from([0, SLACK]),
        scope=st.sampled_from(["queue", "messageGroup"]),
        depth=st.sampled_from([1_000, 1_000, 1, 3]),
    )
    def start(self, timeout, retention, delay, cap, most, slack, scope, depth):
        for module in (
            "fifo_line",
            "flights",
            "message_groups",
        ):  # with none, stale entries are cleaned out all the time
            self.patch.setattr(f"simulator.aws.sqs.{module}.SLACK", slack)
        self.now = 0
        self.timeout = timeout
        self.long_kept = retention == 10_000
        self.copies = 0
        self.real = FifoQueue(
            visibility_timeout_us=timeout,
            retention_us=retention,
            delay_us=delay,
            max_in_flight=cap,
            max_receive_count=most,
            deduplication_window_us=20,
            calls_per_s=None,
            deduplication_scope=scope,
            attempt_window_us=20,
            look_through=depth,
        )
        self.plain = PlainFifoQueue(
            timeout, retention, delay, cap, most, 20, by_group=scope == "messageGroup", depth=depth
        )
        self.receipts: list[tuple[FifoReceipt, int]] = []
        self.group_of: dict[int, int] = {}
        self.inside: list[int] = []  # what must be in the queue, in order of arrival

    @rule(passed=st.integers(0, 6))
    def time_passes(self, passed):
        self.now += passed

    @rule()
    def time_passes_to_just_before_and_to_the_next_visible(self):
        at = self.real.next_visible_at(self.now)
        if at < NEVER:
            self.now = max(self.now, at - 1)
            self.next_visible_is_right()
            self.now = at

    @rule(group=GROUPS, name=st.integers(0, 30), burst=st.integers(1, 4))
    def send(self, group, name, burst):
        for k in range(burst):
            self.copies += 1
            wanted = self.plain.send(self.now, self.copies, group, name + k)
            assert self.real.send_message(self.now, self.copies, group, name + k) == wanted
            if wanted == self.copies:
                self.inside.append(wanted)
                self.group_of[wanted] = group

    @rule(group=GROUPS, count=st.integers(1, 3))
    def move_in(self, group, count):
        self.copies += 1
        self.plain.move_in(self.now, self.copies, group, count)
        self.real.move_in(self.now, [self.copies], [self.now - 5], [count], [group])
        self.inside.append(self.copies)
        self.group_of[self.copies] = group

    @rule(
        most=st.integers(1, 10),
        timeout=st.sampled_from([None, None, None, 0, 3, 25]),
        attempt=st.sampled_from([None, None, "one", "two"]),
    )
    def receive(self, most, timeout, attempt):
        if attempt is None:
            wanted = self.plain.receive(self.now, most, timeout)
        else:
            wanted = self.plain.attempt(self.now, most, timeout, attempt)
        receipt = self.real.receive_message(self.now, most, timeout, attempt)
        if receipt is None or wanted is None:
            assert receipt is None and wanted is None
            return
        copies, moved, again, holder = wanted
        assert (receipt.received, receipt.copies) == (copies, copies)
        assert (receipt.moved, receipt.again) == (moved, again)
        again_asked = any(receipt is other for other, _ in self.receipts)
        assert receipt.available_at <= receipt.received_at <= self.now
        assert again_asked == (receipt.received_at < self.now) or attempt is not None
        assert receipt.visible_at == self.now + (self.timeout if timeout is None else timeout)
        self.inside = [c for c in self.inside if c not in moved]
        if not again_asked:
            self.receipts.append((receipt, holder))
        self._check_order_of_groups(receipt)

    def _check_order_of_groups(self, receipt):
        """No copy is given out while one of its group that arrived earlier is in flight."""
        held = {m.copy for m in self.plain.line if m.held_until is not None}
        for copy in receipt.received:
            earlier = self.inside[: self.inside.index(copy)]
            before = [c for c in earlier if self.group_of[c] == self.group_of[copy]]
            assert not (set(before) & held - set(receipt.received))
        runs = [self.group_of[c] for c in receipt.received]
        assert sum(a != b for a, b in pairwise(runs)) == max(len(set(runs)) - 1, 0)

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def delete(self, data):
        receipt, holder = data.draw(st.sampled_from(self.receipts))
        some = st.lists(st.sampled_from(receipt.received or [0]))
        copies = data.draw(st.one_of(st.just(receipt.copies), some))
        refused = self.real.refusal(self.now, receipt)
        wanted = self.plain.delete(self.now, holder, list(copies))
        assert sorted(self.real.delete_messages(self.now, receipt, list(copies))) == sorted(wanted)
        assert not (refused and wanted)
        self.inside = [c for c in self.inside if c not in wanted]

    @precondition(lambda self: self.receipts)
    @rule(data=st.data(), timeout=st.sampled_from([0, 1, 7, 30]))
    def change_visibility(self, data, timeout):
        receipt, holder = data.draw(st.sampled_from(self.receipts))
        copies = data.draw(st.lists(st.sampled_from(receipt.received or [0])))
        wanted = [m.copy for m in self.plain.held(self.now, holder) if m.copy in copies]
        number = self.plain.change(self.now, holder, copies, timeout)
        changed = self.real.change_message_visibility(self.now, receipt, copies, timeout)
        assert sorted(changed.copies) == sorted(wanted)
        self.receipts.append((changed, number))

    @rule()
    def purge(self):
        assert self.real.purge(self.now) == self.plain.purge(self.now)
        gone = {c for c, _ in self.plain.expired}
        self.inside = [c for c in self.inside if c in gone]

    @rule(
        timeout=st.sampled_from([None, 0, 4, 30]),
        delay=st.sampled_from([None, 0, 4, 15]),
        retention=st.sampled_from([None, 6, 40]),
    )
    def set_attributes(self, timeout, delay, retention):
        self.real.set_attributes(
            self.now, visibility_timeout_us=timeout, delay_us=delay, retention_us=retention
        )
        self.plain.set_attributes(self.now, timeout, delay, retention)
        self.timeout = self.timeout if timeout is None else timeout
        self.long_kept = self.long_kept and retention is None

    @rule()
    def expire(self):
        self.plain.settle(self.now)
        assert self.real.expire(self.now) == self.plain.expired
        gone = {c for c, _ in self.plain.expired}
        self.inside = [c for c in self.inside if c not in gone]
        self.plain.expired = []

    @invariant()
    def counters_add_up(self):
        now, real, plain = self.now, self.real, self.plain
        counts = (real.visible(now), real.delayed(now), real.in_flight(now))
        assert counts == (plain.visible(now), plain.delayed(now), plain.in_flight(now))
        assert sum(counts) == len(plain.line)

    @invariant()
    def nothing_is_lost(self):
        gone = {c for c, _ in self.plain.expired}
        stored = [c for c in self.inside if c not in gone]
        assert [m.copy for m in self.plain.line] == [c for c, _ in self.real.contents(self.now)] == stored

    @invariant()
    def next_visible_is_right(self):
        """Before it a receive gives nothing, whenever asked; at it something.

        At the cap it may come early: what is ready now may have expired when there is room for it. So it
        may with messages behind the horizon: what expires moves it, maybe to nothing new.
        """
        at = self.real.next_visible_at(self.now)
        assert at >= self.now
        for instant in self.plain.instants():
            if self.now <= instant < at:
                assert copying.deepcopy(self.plain).receive(instant, 1, None) is None
        if self.now < at:
            assert copying.deepcopy(self.real).receive_message(at - 1) is None
        if self.real._groups.beyond:
            return
        if at < NEVER and (self.long_kept or self.real.in_flight(self.now) < self.real.max_in_flight):
            assert copying.deepcopy(self.real).receive_message(at) is not None


TestFifoQueue = FifoQueueMachine.TestCase
TestFifoQueue.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
