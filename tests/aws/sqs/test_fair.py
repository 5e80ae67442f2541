"""Fair queues, rule by rule (SQS guide, how fair queues work)."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulator.aws.sqs.fair import NOBODY, FairQueue
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.sqs.standard import StandardQueue
from simulator.aws.sqs.tenants import Limits, Tenant, Work

S = 1_000_000
DAY = 86_400 * S
BIG, SMALL, OTHER = 0, 1, 2


class Fair:
    """A queue and the groups of its copies, numbered as they are sent."""

    def __init__(self, *, limits: dict[str, Any] | None = None, **settings_: Any) -> None:
        self.groups: list[int] = []
        self.queue = FairQueue(
            group_of=self.groups.__getitem__,
            limits=Limits(**{"reaction_us": 0, **(limits or {})}),
            **{"visibility_timeout_us": 300 * S, "retention_us": 4 * DAY, **settings_},
        )

    def send(self, at: int, *groups: int) -> None:
        first = len(self.groups)
        self.groups += groups
        self.queue.send_messages([at] * len(groups), list(range(first, len(self.groups))))

    def take(self, now: int, n: int = 1) -> list[int]:
        """Groups of the next *n* messages, received one by one."""
        return [self.groups[receipt.copies[0]] for receipt in self.receipts(now, n)]

    def receipts(self, now: int, n: int) -> list[Receipt]:
        found = [self.queue.receive_message(now) for _ in range(n)]
        assert all(receipt is not None for receipt in found)
        return [receipt for receipt in found if receipt is not None]


def with_a_noisy_tenant(in_flight: int = 30, **more: Any) -> Fair:
    """BIG has 1,000 messages, *in_flight* of them in flight."""
    fair = Fair(**more)
    fair.send(0, *[BIG] * 1_000)
    assert fair.take(0, in_flight) == [BIG] * in_flight
    return fair


def test_messages_of_quiet_tenants_come_first_though_sent_last() -> None:
    fair = with_a_noisy_tenant()
    fair.send(S, SMALL, BIG, OTHER)
    assert fair.take(S, 3) == [SMALL, OTHER, BIG]


def test_a_noisy_tenants_messages_are_given_out_as_ever_when_no_quiet_tenant_has_any() -> None:
    fair = with_a_noisy_tenant()
    assert fair.take(S, 500) == [BIG] * 500


def test_with_fewer_than_30_in_flight_nobody_is_noisy_whatever_the_share() -> None:
    fair = with_a_noisy_tenant(in_flight=29)
    fair.send(S, SMALL)
    assert fair.take(S, 1) == [BIG]
    assert fair.take(S, 1) == [SMALL]  # now there are 30


def test_with_a_tenth_of_what_is_in_flight_or_less_nobody_is_noisy() -> None:
    fair = Fair()
    for group in range(10):
        fair.send(0, *[group] * 40)
    fair.take(0, 400)
    fair.send(S, *range(10))
    fair.send(2 * S, 10)
    assert fair.take(2 * S, 11) == list(range(11))
    assert fair.queue.noisy == 0


def test_among_noisy_tenants_the_one_with_the_fewest_in_flight_comes_first() -> None:
    fair = Fair()
    fair.send(0, *[BIG] * 50, *[SMALL] * 50)
    held = fair.receipts(0, 80)
    for receipt in [one for one in held if fair.groups[one.copies[0]] == BIG][:5]:
        fair.queue.delete_messages(S, receipt, receipt.received)
    assert fair.take(S, 5) == [BIG] * 5
    assert sorted(fair.take(S, 2)) == [BIG, SMALL]


def test_each_message_without_a_group_is_a_tenant_of_its_own_and_never_noisy() -> None:
    fair = with_a_noisy_tenant()
    fair.send(S, *[NOBODY] * 200)
    fair.send(2 * S, SMALL)
    assert fair.take(2 * S, 201) == [NOBODY] * 200 + [SMALL]


def test_a_group_locks_nothing() -> None:
    fair = Fair()
    fair.send(0, SMALL, SMALL)
    assert fair.take(0, 2) == [SMALL, SMALL]


def test_a_tenant_whose_backlog_is_gone_is_quiet_again() -> None:
    fair = with_a_noisy_tenant(limits={"reaction_us": 10 * S})
    fair.take(S, 1)
    fair.send(12 * S, SMALL)
    assert fair.take(12 * S, 970) == [SMALL, *[BIG] * 969]
    fair.send(13 * S, BIG, SMALL)
    assert fair.take(13 * S, 2) == [BIG, SMALL]


def test_a_tenant_whose_shares_fell_is_quiet_again() -> None:
    fair = Fair()
    fair.send(0, *[BIG] * 100)
    held = fair.receipts(0, 40)
    fair.send(S, SMALL)
    assert fair.take(S) == [SMALL]
    for receipt in held:
        fair.queue.delete_messages(2 * S, receipt, receipt.received)
    fair.send(130 * S, SMALL)
    assert fair.take(130 * S) == [BIG]  # nothing of it was worked on for two minutes


def test_a_mark_outlives_fewer_messages_in_flight_while_recent_work_is_above_its_share() -> None:
    fair = Fair()
    fair.send(0, *[BIG] * 100)
    held = fair.receipts(0, 40)
    fair.send(30 * S, SMALL)
    assert fair.take(30 * S) == [SMALL]
    for receipt in held[:20]:
        fair.queue.delete_messages(31 * S, receipt, receipt.received)
    fair.send(32 * S, SMALL)
    assert fair.take(32 * S) == [SMALL]


def test_a_mark_does_not_end_by_the_small_shares_that_giving_way_leaves() -> None:
    fair = Fair()
    fair.send(0, *[BIG] * 100)
    held = fair.receipts(0, 40)
    fair.send(S, SMALL)
    (first,) = fair.receipts(S, 1)
    assert fair.groups[first.copies[0]] == SMALL
    for receipt in [*held, first]:
        fair.queue.delete_messages(2 * S, receipt, receipt.received)
    for second in range(2, 200, 5):
        fair.send(second * S, SMALL)
        (receipt,) = fair.receipts(second * S, 1)
        assert fair.groups[receipt.copies[0]] == SMALL
        fair.queue.delete_messages(second * S + S, receipt, receipt.received)


@pytest.mark.parametrize(("kept", "first"), [(40, SMALL), (20, BIG)])
def test_five_minutes_without_sends_end_a_mark_unless_too_many_are_still_in_flight(
    kept: int, first: int
) -> None:
    fair = Fair(visibility_timeout_us=3_600 * S)
    fair.send(0, *[BIG] * 100)
    held = fair.receipts(0, 40)
    fair.send(S, SMALL)
    assert fair.take(S) == [SMALL]
    for receipt in held[kept:]:
        fair.queue.delete_messages(2 * S, receipt, receipt.received)
    fair.send(301 * S, SMALL)
    assert fair.take(301 * S) == [first]


def test_a_mark_comes_only_when_the_signs_have_lasted_the_reaction_time() -> None:
    fair = with_a_noisy_tenant(limits={"reaction_us": 200 * S})
    fair.send(S, *[SMALL] * 3)
    assert fair.take(S) == [BIG]  # the first sign: 30 in flight
    assert fair.take(200 * S) == [BIG]
    assert fair.take(201 * S) == [SMALL]


def test_a_slow_tenant_is_noisy_by_its_share_of_processing_time_with_few_in_flight() -> None:
    fair = Fair()
    fair.send(0, *[BIG] * 5)
    fair.take(0, 5)  # they last
    for second in range(50):
        fair.send(second * S, SMALL)
        for receipt in fair.receipts(second * S, 1):
            fair.queue.delete_messages(second * S + S // 10, receipt, receipt.received)
    fair.send(51 * S, BIG, OTHER)
    assert fair.take(51 * S, 2) == [OTHER, BIG]


@pytest.mark.parametrize(("slower", "first"), [(2.0, BIG), (0.0, OTHER)])
def test_a_share_of_processing_time_counts_only_where_messages_take_longer_than_the_others(
    slower: float, first: int
) -> None:
    fair = Fair(limits={"slower": slower})
    for second in range(50):
        fair.send(second * S, *[BIG] * 9, SMALL)
        for receipt in fair.receipts(second * S, 10):
            fair.queue.delete_messages(second * S + S // 2, receipt, receipt.received)
    fair.send(51 * S, BIG, OTHER)
    assert fair.take(51 * S) == [first]


def test_a_receive_fills_with_quiet_tenants_messages_then_with_noisy_ones() -> None:
    fair = with_a_noisy_tenant()
    fair.send(S, SMALL, OTHER)
    receipt = fair.queue.receive_message(S, 4)
    assert receipt is not None
    assert [fair.groups[copy] for copy in receipt.copies] == [SMALL, OTHER, BIG, BIG]
    assert fair.queue.delete_messages(2 * S, receipt, receipt.received[1:3]) == receipt.received[1:3]
    assert receipt.copies == [receipt.received[0], receipt.received[3]]
    assert fair.queue.in_flight(2 * S) == 32


def test_the_in_flight_cap_is_one_for_all_tenants() -> None:
    fair = Fair(max_in_flight=3)
    fair.send(0, BIG, SMALL, OTHER, OTHER)
    receipt = fair.queue.receive_message(0, 10)
    assert receipt is not None and len(receipt.copies) == 3
    assert fair.queue.receive_message(0) is None
    assert fair.queue.next_visible_at(0) == 300 * S


def test_quiet_messages_are_those_of_tenants_without_a_mark() -> None:
    fair = with_a_noisy_tenant(in_flight=40)
    fair.send(S, *[SMALL] * 5)
    fair.take(S, 2)
    assert (fair.queue.quiet(2 * S), fair.queue.noisy) == ((3, 0, 2, S), 1)
    assert (fair.queue.visible(S), fair.queue.in_flight(S)) == (963, 42)


def test_recent_work_is_a_sliding_window_of_whole_numbers() -> None:
    work = Work(60)
    work.change(0, 2)
    assert work.recent(30) == (60 * 60, 0)
    work.change(60, -1)
    assert work.recent(90) == (120 * 30 + 30 * 60, 60)
    assert work.recent(300) == (60 * 60, 0)


def test_with_a_hundred_thousand_tenants_a_call_looks_at_those_it_is_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = 0
    refresh = FairQueue._refresh

    def counted(queue: FairQueue, now: int, group: int, tenant: Tenant) -> None:
        nonlocal looks
        looks += 1
        refresh(queue, now, group, tenant)

    fair = Fair()
    fair.send(0, *range(100_000))
    assert fair.queue.visible(0) == 100_000
    monkeypatch.setattr(FairQueue, "_refresh", counted)
    for _ in range(2_000):
        receipt = fair.queue.receive_message(0)
        assert receipt is not None
        fair.queue.delete_messages(S, receipt, receipt.received)
    assert looks == 4_000


class Beside(RuleBasedStateMachine):
    """A fair queue with one tenant and a standard queue get the same random calls."""

    group = SMALL

    @initialize(
        delay=st.sampled_from([0, 3]),
        limit=st.sampled_from([None, 2, 4]),
        cap=st.sampled_from([5, 1000]),
        works=st.sampled_from([0.0, 1.0]),
    )
    def start(self, delay: int, limit: int | None, cap: int, works: float) -> None:
        common: dict[str, Any] = {
            "visibility_timeout_us": 7,
            "retention_us": 60,
            "delay_us": delay,
            "max_in_flight": cap,
            "max_receive_count": limit,
            "p_stale_delete_works": works,
        }
        self.fair = FairQueue(group_of=lambda _: self.group, limits=Limits(window_us=20), **common)
        self.standard = StandardQueue(**common)
        self.now = self.sent = self.last = 0
        self.held: list[tuple[Receipt, Receipt]] = []

    @rule(n=st.integers(1, 4), ahead=st.integers(0, 2))
    def send(self, n: int, ahead: int) -> None:
        self.last = max(self.now + ahead, self.last)
        copies = list(range(self.sent, self.sent + n))
        self.sent += n
        for queue in (self.fair, self.standard):
            queue.send_messages([self.last] * n, copies)

    @rule(count=st.integers(0, 3))
    def move_in(self, count: int) -> None:
        for queue in (self.fair, self.standard):
            queue.move_in(self.now, [self.sent], [self.now - 2], [count + 1])
        self.sent += 1

    @rule(n=st.integers(1, 10), timeout=st.sampled_from([None, 0, 3]))
    def receive(self, n: int, timeout: int | None) -> None:
        one = self.fair.receive_message(self.now, n, timeout)
        two = self.standard.receive_message(self.now, n, timeout)
        if one is None or two is None:
            assert one is two
            return
        for name in ("received", "copies", "visible_at", "available_at", "places", "again", "moved"):
            assert getattr(one, name) == getattr(two, name), name
        self.held.append((one, two))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), timeout=st.sampled_from([None, 0, 4]))
    def delete_or_change(self, data: st.DataObject, timeout: int | None) -> None:
        one, two = data.draw(st.sampled_from(self.held))
        some = [copy for copy in one.received if data.draw(st.booleans())]
        if not some:
            return
        if timeout is None:
            gone = self.standard.delete_messages(self.now, two, some)
            assert self.fair.delete_messages(self.now, one, some) == gone
            return
        changed = [
            queue.change_message_visibility(self.now, receipt, some, timeout)
            for queue, receipt in ((self.fair, one), (self.standard, two))
        ]
        if changed[1].received:
            self.held.append((changed[0], changed[1]))

    @rule(by=st.integers(1, 12))
    def wait(self, by: int) -> None:
        self.now += by

    @invariant()
    def both_hold_the_same(self) -> None:
        if not hasattr(self, "fair"):
            return
        now = self.now
        assert sorted(self.fair.contents(now)) == sorted(self.standard.contents(now))
        assert sorted(self.fair.expire(now)) == sorted(self.standard.expire(now))
        assert self.fair.oldest_at(now) == self.standard.oldest_at(now)
        assert self.fair.younger(now, 5) == self.standard.younger(now, 5)
        for count in ("visible", "delayed", "in_flight"):
            assert getattr(self.fair, count)(now) == getattr(self.standard, count)(now), count
        promised, due = self.fair.next_visible_at(now), self.standard.next_visible_at(now)
        assert (promised <= now) == (due <= now)
        assert promised <= due


class BesideWithoutGroups(Beside):
    """The same with messages that carry no group."""

    group = NOBODY


class Tenants(RuleBasedStateMachine):
    """Random calls on a fair queue of several tenants, its books kept beside it."""

    @initialize(limit=st.sampled_from([None, 2]), reaction=st.sampled_from([0, 5]))
    def start(self, limit: int | None, reaction: int) -> None:
        self.groups: list[int] = []
        self.queue = FairQueue(
            group_of=self.groups.__getitem__,
            limits=Limits(min_in_flight=3, share=0.3, window_us=20, quiet_after_us=30, reaction_us=reaction),
            visibility_timeout_us=7,
            retention_us=60,
            max_receive_count=limit,
        )
        self.now = 0
        self.inside: set[int] = set()
        self.held: list[Receipt] = []
        self.counts: dict[int, int] = {}

    @rule(groups=st.lists(st.integers(NOBODY, 4), min_size=1, max_size=6))
    def send(self, groups: list[int]) -> None:
        copies = list(range(len(self.groups), len(self.groups) + len(groups)))
        self.groups += groups
        self.queue.send_messages([self.now] * len(copies), copies)
        self.inside.update(copies)

    @rule(n=st.integers(1, 10))
    def receive(self, n: int) -> None:
        visible = self.queue.visible(self.now)
        receipt = self.queue.receive_message(self.now, n)
        self._expire()
        assert (receipt is not None) == (visible > 0)
        if receipt is None:
            return
        assert len(receipt.received) == len(set(receipt.received)) <= n
        assert len(receipt.received) + len(receipt.moved) >= min(n, visible)
        for copy in receipt.received:
            assert copy in self.inside
            self.counts[copy] = self.counts.get(copy, 0) + 1
            assert receipt.again.get(copy, 1) == self.counts[copy]
        self.inside.difference_update(receipt.moved)
        self.held.append(receipt)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), timeout=st.sampled_from([None, 0, 4]))
    def delete_or_change(self, data: st.DataObject, timeout: int | None) -> None:
        receipt = data.draw(st.sampled_from(self.held))
        some = [copy for copy in receipt.received if data.draw(st.booleans())]
        if timeout is None:
            gone = self.queue.delete_messages(self.now, receipt, some)
            assert self.inside.issuperset(gone)
            self.inside.difference_update(gone)
        elif some:
            changed = self.queue.change_message_visibility(self.now, receipt, some, timeout)
            assert set(changed.received) <= set(some)
            if changed.received:
                self.held.append(changed)
        self._expire()

    @rule(by=st.integers(1, 25))
    def wait(self, by: int) -> None:
        self.now += by

    def _expire(self) -> None:
        for copy, at in self.queue.expire(self.now):
            assert copy in self.inside and at <= self.now
            self.inside.discard(copy)

    @invariant()
    def books_balance(self) -> None:
        if not hasattr(self, "queue"):
            return
        states = dict(self.queue.contents(self.now))
        self._expire()
        assert set(states) == self.inside
        named = list(states.values())
        assert self.queue.visible(self.now) == named.count("visible")
        assert self.queue.in_flight(self.now) == named.count("in_flight")
        assert (self.queue.next_visible_at(self.now) <= self.now) == ("visible" in named)
        assert self.queue.next_visible_at(self.now) < NEVER or not self.inside
        assert all(count >= 0 for count in self.queue.quiet(self.now))


TestBeside = Beside.TestCase
TestBesideWithoutGroups = BesideWithoutGroups.TestCase
TestTenants = Tenants.TestCase
for case in (TestBeside, TestBesideWithoutGroups, TestTenants):
    case.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
