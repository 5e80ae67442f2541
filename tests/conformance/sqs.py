"""Timed calls on queues and topics: the product's queues under a virtual clock, in ideal mode.

Nothing is decided here that a queue or a topic of ``simulator.aws`` decides: the steps' names, bodies,
handles and seconds become copies, receipts and microseconds, and back.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from simulator.aws.sns.topics import FifoTopic, StandardTopic, Subscription
from simulator.aws.sqs.fifo import FifoQueue, FifoReceipt
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.sqs.standard import StandardQueue
from simulator.aws.sqs.waiters import Waiters
from tests.conformance.running import Case, NotBuilt
from tests.conformance.sqs_expectations import Given, Outcome, differences

SECOND = 1_000_000
WINDOW_S = 300
DEFAULTS = {
    "visibility_timeout": 30,
    "delay": 0,
    "retention": 345_600,
    "receive_wait": 0,
    "max_message_size": 1_048_576,
    "content_dedup": False,
    "dedup_scope": "queue",
    "throughput_limit": "perQueue",
    "dlq": None,
}
Step = dict[str, Any]


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``step or key: wanted ..., got ...``."""
    world = World(case)
    outcomes = []
    for step in case["steps"]:
        world.advance(_us(step["t"]))
        outcomes.append(world.do(step))
        world.look()
    world.advance(NEVER)
    failures = []
    for number, (step, outcome) in enumerate(zip(case["steps"], outcomes, strict=True)):
        for difference in differences(step.get("expect", {}), outcome, world.saved):
            failures.append(f"step {number} ({step['op']} at {step['t']}): {difference}")
    return failures


def _us(seconds: float) -> int:
    return round(seconds * SECOND)


class Poll:
    """A receive whose answer may come later."""

    def __init__(self, step: Step, outcome: Outcome, until: int, names: list[str]) -> None:
        timeout = step.get("visibility")
        self.most: int = step.get("max", 1)
        self.timeout_us = None if timeout is None else _us(timeout)
        self.outcome = outcome
        self.until = until
        self.names = names  # under which non-empty answers of its group are saved, in order


class Queue:
    """A queue of the case: the product's own, and who waits at it."""

    def __init__(self, name: str, attributes: dict[str, Any]) -> None:
        given = DEFAULTS | attributes
        if given["dedup_scope"] != "queue" or given["throughput_limit"] != "perQueue":
            raise NotBuilt("deduplication by message group and high throughput")
        self.name = name
        self.content_dedup: bool = given["content_dedup"]
        self.wait: float = given["receive_wait"]
        self.dead_letters: str | None = given["dlq"] and given["dlq"]["queue"]
        self.waiters = Waiters()
        self.polls: dict[int, Poll] = {}
        settings = {
            "visibility_timeout_us": _us(given["visibility_timeout"]),
            "retention_us": _us(given["retention"]),
            "delay_us": _us(given["delay"]),
            "max_receive_count": given["dlq"] and given["dlq"]["max_receive_count"],
        }
        self.model: StandardQueue | FifoQueue
        if given["type"] == "fifo":
            window_us = _us(WINDOW_S)
            self.model = FifoQueue(**settings, deduplication_window_us=window_us, calls_per_s=None)
        else:
            self.model = StandardQueue(**settings)


class Topic:
    """A topic of the case: the product's own, and the names of the queues subscribed."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.content_dedup: bool = attributes.get("content_dedup", False)
        self.queues: list[str] = []
        fifo = attributes["type"] == "fifo"
        self.model = FifoTopic(_us(WINDOW_S)) if fifo else StandardTopic()


class World:
    """The queues and topics of a case, its clock, and every copy by number."""

    def __init__(self, case: Case) -> None:
        self.now = 0
        self.saved: dict[str, Outcome] = {}
        self.copies: list[Given] = []
        self.queues = {name: Queue(name, attributes) for name, attributes in case["queues"].items()}
        self.topics = {name: Topic(attributes) for name, attributes in case.get("topics", {}).items()}
        self._polls = 0
        for subscription in case.get("subscriptions", []):
            error = self._subscribe(subscription).error
            assert error is None, error

    # -- time --------------------------------------------------------------------------------------

    def advance(self, to: int) -> None:
        """Let the time run to *to*, answering long polls when they would be."""
        while (at := min(map(self._next_at, self.queues.values()), default=NEVER)) <= to and at < NEVER:
            self.now = max(self.now, at)
            self.look()
            for queue in self.queues.values():
                for number in [n for n, poll in queue.polls.items() if poll.until <= self.now]:
                    self._close(queue, number)
        if to < NEVER:
            self.now = to

    def _next_at(self, queue: Queue) -> int:
        if not queue.polls:
            return NEVER
        return min(queue.model.next_visible_at(self.now), *(poll.until for poll in queue.polls.values()))

    def look(self) -> None:
        """Answer every long poll that can be answered at this instant."""
        while any([self._answer_one(queue) for queue in self.queues.values()]):
            pass

    def _answer_one(self, queue: Queue) -> bool:
        if not queue.waiters.total or queue.model.next_visible_at(self.now) > self.now:
            return False
        number = queue.waiters.pick(0.0)
        if self._receive(queue, queue.polls[number]):
            self._close(queue, number)
        return True

    def _close(self, queue: Queue, number: int) -> None:
        queue.waiters.withdraw(number)
        queue.polls.pop(number).outcome.returned_at = self.now

    # -- calls -------------------------------------------------------------------------------------

    def do(self, step: Step) -> Outcome:
        """Make one call; the outcome of a long poll is filled in when it answers."""
        call = getattr(self, f"_{step['op']}", None)
        if call is None or step["op"] not in BUILT:
            raise NotBuilt(step["op"])
        wanted = step.get("expect", {}).get("error")
        if wanted and (step["op"] not in REFUSING or self._checks_nothing_but_time(step)):
            raise NotBuilt(f"{step['op']} refused with {wanted}")
        outcome: Outcome = call(step)
        if "save" in step:
            self.saved[step["save"]] = outcome
        return outcome

    def _checks_nothing_but_time(self, step: Step) -> bool:
        """Whether a refusal is beyond what is built: a FIFO queue refuses an ended handle, no more."""
        if "receipt" not in step:
            return False
        if step["receipt"].startswith("literal:"):
            return True
        handle = self._handle(step["receipt"])
        fifo = isinstance(self.queues[step["queue"]].model, FifoQueue)
        return not fifo or handle.deleted or handle.receipt.visible_at > _us(step["t"])

    def _send(self, step: Step) -> Outcome:
        queue = self.queues[step["queue"]]
        return Outcome(message_id=self._put(queue, step))

    def _send_batch(self, step: Step) -> Outcome:
        if step.get("expect", {}).get("failed_ids"):
            raise NotBuilt("entries of a batch that fail alone")
        ids = {entry["id"]: self._put(self.queues[step["queue"]], entry) for entry in step["entries"]}
        return Outcome(ok_ids=list(ids), failed_ids=[])

    def _put(self, queue: Queue, message: Step) -> int:
        """A copy for the queue; the number it is known by, which is its original's if it is a duplicate."""
        body = _text(message["body"])
        copy = len(self.copies)
        self.copies.append(Given(copy, body, message.get("group"), self.now))
        if isinstance(queue.model, FifoQueue):
            name = message.get("dedup") or (queue.content_dedup and _digest(body))
            if not name or message.get("group") is None or message.get("delay"):
                raise NotBuilt("checks of a FIFO send")
            return queue.model.send_message(self.now, copy, message["group"], name)
        if "delay" in message and _us(message["delay"]) != queue.model.delay_us:
            raise NotBuilt("message timers")
        queue.model.send_messages([self.now], [copy])
        return copy

    def _receive_step(self, step: Step, names: list[str], outcome: Outcome) -> None:
        if "attempt_id" in step:
            raise NotBuilt("receive request attempt ids")
        queue = self.queues[step["queue"]]
        wait = step.get("wait", queue.wait)
        poll = Poll(step, outcome, self.now + _us(wait), names)
        outcome.returned_at = self.now
        if not self._receive(queue, poll) and wait:
            self._polls += 1
            queue.polls[self._polls] = poll
            queue.waiters.wait(self._polls)

    def _receive(self, queue: Queue, poll: Poll) -> bool:
        """Receive for a poll until it has messages or there is nothing; whether it has some."""
        while (receipt := queue.model.receive_message(self.now, poll.most, poll.timeout_us)) is not None:
            if receipt.moved:
                self._move(queue, receipt.moved)
            if receipt.copies:
                poll.outcome.messages = self._messages(receipt)
                if poll.names:
                    self.saved[poll.names.pop(0)] = poll.outcome
                return True
        return False

    def _messages(self, receipt: Receipt) -> list["Given"]:
        messages = []
        for number in receipt.received:
            copy = self.copies[number]
            copy.receive_count = receipt.again.get(number, 1)
            if copy.first_received_at is None:
                copy.first_received_at = self.now
            messages.append(copy.given(receipt))
        return messages

    def _move(self, queue: Queue, copies: list[int]) -> None:
        assert queue.dead_letters is not None
        target = self.queues[queue.dead_letters].model
        moved = [self.copies[number] for number in copies]
        sent_at = [copy.sent_at for copy in moved]
        counts = [copy.receive_count for copy in moved]
        if isinstance(target, FifoQueue):
            target.move_in(self.now, copies, sent_at, counts, [str(copy.group) for copy in moved])
        else:
            target.move_in(self.now, copies, sent_at, counts)
        for copy in moved:
            copy.source = queue.name

    def _receive_group(self, step: Step) -> Outcome:
        outcome = Outcome(polls=[Outcome() for _ in step["polls"]])
        names = list(step.get("save_in_order", []))
        for poll, of_poll in zip(step["polls"], outcome.polls, strict=True):
            self._receive_step({**poll, "queue": step["queue"]}, names, of_poll)
        return outcome

    def _handle(self, receipt: str) -> "Given":
        name, _, index = receipt.partition("#")
        return self.saved[name].messages[int(index)]

    def _delete(self, step: Step) -> Outcome:
        return Outcome(error=self._delete_one(self.queues[step["queue"]], self._handle(step["receipt"])))

    def _delete_one(self, queue: Queue, handle: Given) -> str | None:
        error = None
        if isinstance(queue.model, FifoQueue):
            assert isinstance(handle.receipt, FifoReceipt)
            error = queue.model.refusal(self.now, handle.receipt)
            gone = queue.model.delete_messages(self.now, handle.receipt, [handle.number])
        else:
            gone = queue.model.delete_messages(self.now, handle.receipt, [handle.number])
        handle.deleted = handle.deleted or bool(gone)
        return error

    def _delete_batch(self, step: Step) -> Outcome:
        queue = self.queues[step["queue"]]
        errors = {e["id"]: self._delete_one(queue, self._handle(e["receipt"])) for e in step["entries"]}
        return _by_entry(errors)

    def _change_visibility(self, step: Step) -> Outcome:
        handle = self._handle(step["receipt"])
        return Outcome(error=self._change_one(self.queues[step["queue"]], handle, step["timeout"]))

    def _change_one(self, queue: Queue, handle: Given, timeout: float) -> str | None:
        if isinstance(queue.model, FifoQueue):
            assert isinstance(handle.receipt, FifoReceipt)
            error = queue.model.refusal(self.now, handle.receipt)
            if error is not None:
                return error
            copies = [handle.number]
            handle.receipt = queue.model.change_message_visibility(
                self.now, handle.receipt, copies, _us(timeout)
            )
        else:
            handle.receipt = queue.model.change_message_visibility(
                self.now, handle.receipt, [handle.number], _us(timeout)
            )
        return None

    def _change_visibility_batch(self, step: Step) -> Outcome:
        queue = self.queues[step["queue"]]
        errors = {
            e["id"]: self._change_one(queue, self._handle(e["receipt"]), e["timeout"])
            for e in step["entries"]
        }
        return _by_entry(errors)

    def _counts(self, step: Step) -> Outcome:
        model = self.queues[step["queue"]].model
        now = self.now
        return Outcome(counts=(model.visible(now), model.in_flight(now), model.delayed(now)))
