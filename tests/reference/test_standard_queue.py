"""The standard queue against one that is said plainly: the same calls, the same answers."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.sqs.standard import StandardQueue
from tests.reference.plain_standard import PlainStandardQueue


class SameCalls(RuleBasedStateMachine):
    """Random calls on both queues; the books are kept beside them."""

    @initialize(
        delay=st.sampled_from([0, 3]), limit=st.sampled_from([None, 2]), cap=st.sampled_from([5, 1000])
    )
    def start(self, delay: int, limit: int | None, cap: int) -> None:
        self.queue = StandardQueue(
            visibility_timeout_us=7,
            retention_us=60,
            delay_us=delay,
            max_in_flight=cap,
            max_receive_count=limit,
            max_hold_us=20,
        )
        self.plain = PlainStandardQueue(7, 60, delay, cap, limit, 20)
        self.now = self.sent = self.last_sent = 0
        self.handles: list[tuple[int, Receipt]] = []
        self.inside: set[int] = set()

    @rule(n=st.integers(1, 4), ahead=st.integers(0, 2))
    def send(self, n: int, ahead: int) -> None:
        at = self.last_sent = max(self.now + ahead, self.last_sent)
        copies = list(range(self.sent, self.sent + n))
        self.queue.send_messages([at] * n, copies)
        for copy in copies:
            self.plain.send(at, copy)
        self.inside.update(copies)
        self.sent += n

    @rule(delay=st.integers(0, 9))
    def send_delayed(self, delay: int) -> None:
        self.queue.send_delayed(self.now, self.sent, delay)
        self.plain.send_delayed(self.now, self.sent, delay)
        self.inside.add(self.sent)
        self.sent += 1

    @rule(n=st.integers(1, 10), timeout=st.sampled_from([None, 0, 3]))
    def receive(self, n: int, timeout: int | None) -> None:
        promised = self.queue.next_visible_at(self.now)
        receipt = self.queue.receive_message(self.now, n, timeout)
        given, moved = self.plain.receive(self.now, n, timeout)
        assert (receipt is not None) == (promised <= self.now)
        if receipt is None:
            assert (given, moved) == ([], [])
            return
        assert (receipt.received, receipt.moved) == (given, moved)
        counts = {message.copy: message.receive_count for message in self.plain.messages}
        assert {copy: receipt.again.get(copy, 1) for copy in given} == {copy: counts[copy] for copy in given}
        self.inside.difference_update(moved)
        self.handles.append((len(self.plain.received_at) - 1, receipt))

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        handle, receipt = data.draw(st.sampled_from(self.handles))
        some = [copy for copy in receipt.received if data.draw(st.booleans())]
        gone = self.queue.delete_messages(self.now, receipt, some)
        assert sorted(gone) == sorted(self.plain.delete(self.now, handle, some))
        self.inside.difference_update(gone)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), timeout=st.integers(0, 15))
    def change(self, data: st.DataObject, timeout: int) -> None:
        handle, receipt = data.draw(st.sampled_from(self.handles))
        some = [copy for copy in receipt.received if data.draw(st.booleans())]
        refused = self.queue.refusal(self.now, receipt, timeout)
        changed = self.queue.change_message_visibility(self.now, receipt, some, timeout)
        held = self.plain.change(self.now, handle, some, timeout)
        assert sorted(changed.received) == sorted(held)
        assert not (refused and held)
        if held:
            self.handles.append((len(self.plain.received_at) - 1, changed))

    @rule(timeout=st.sampled_from([3, 7, 12]))
    def set_visibility_timeout(self, timeout: int) -> None:
        self.queue.set_attributes(self.now, visibility_timeout_us=timeout)
        self.plain.timeout = timeout

    @rule(delay=st.sampled_from([0, 2, 6]))
    def set_delay(self, delay: int) -> None:
        if delay != self.queue.delay_us:
            self.queue.set_attributes(self.now, delay_us=delay)
            self.plain.set_delay(self.now, delay)

    @rule(retention=st.sampled_from([20, 60, 90]))
    def set_retention(self, retention: int) -> None:
        self.queue.set_attributes(self.now, retention_us=retention)
        self.plain.settle(self.now)
        self.plain.retention = retention

    @rule()
    def purge(self) -> None:
        gone = self.queue.purge(self.now)
        assert len(set(gone)) == len(gone)
        self.plain.purge(self.now)
        self.inside.difference_update(gone)

    @rule(by=st.integers(1, 12))
    def wait(self, by: int) -> None:
        promised = self.queue.next_visible_at(self.now)
        full = self.queue.in_flight(self.now) >= self.queue.max_in_flight
        if self.now < promised < self.now + by and not full:
            assert self.queue.visible(promised - 1) == 0  # nothing was there to wake anybody
        self.now += by

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "queue"):
            return
        queue, now = self.queue, self.now
        states = dict(queue.contents(now))
        assert states == self.plain.states(now)
        for copy, at in queue.expire(now):
            assert copy in self.inside and at <= now
            self.inside.discard(copy)
        assert set(states) == self.inside
        named = list(states.values())
        counts = (queue.visible(now), queue.delayed(now), queue.in_flight(now))
        assert counts == (named.count("visible"), named.count("delayed"), named.count("in_flight"))
        over = queue.short_poll_refusal(now)
        assert (over == "OverLimit") == (named.count("in_flight") >= queue.max_in_flight)
        assert queue.next_visible_at(now) <= NEVER


TestSameCalls = SameCalls.TestCase
TestSameCalls.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
