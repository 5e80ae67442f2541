"""Timed calls on queues and topics: the product's own, driven by hand under a virtual clock.

Nothing is decided here that a queue, a topic or its waiters decide: names, bodies, handles and seconds
become copies, receipts and microseconds, and back.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from simulator.aws.sns.topics import FifoTopic, StandardTopic, Subscription
from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.receipt import NEVER, Receipt
from simulator.aws.sqs.standard import StandardQueue
from simulator.aws.sqs.waiters import Waiters
from tests.conformance.running import Case, NotBuilt
from tests.conformance.sqs_expectations import Message, Outcome, differences

SECOND = 1_000_000
WINDOW_US = 300 * SECOND
DEFAULTS: dict[str, Any] = {
    "visibility_timeout": 30,
    "delay": 0,
    "retention": 345_600,
    "receive_wait": 0,
    "content_dedup": False,
    "dedup_scope": "queue",
    "throughput_limit": "perQueue",
    "dlq": None,
}
Step = dict[str, Any]


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``step: key: wanted ..., got ...``."""
    world = World(case)
    outcomes = []
    for step in case["steps"]:
        world.advance(_us(step["t"]))
        outcomes.append(world.do(step))
        world.look()
    world.advance(NEVER)
    return [
        f"step {number} {step['op']} at {step['t']}: {difference}"
        for number, (step, outcome) in enumerate(zip(case["steps"], outcomes, strict=True))
        for difference in differences(step.get("expect", {}), outcome, world.saved)
    ]


def _us(seconds: float) -> int:
    return round(seconds * SECOND)


def _text(body: str | dict[str, Any]) -> str:
    return body if isinstance(body, str) else body["repeat"] * body["times"]


def _content_id(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()  # of the body only: aws-facts 2


class Copy:
    """A message in a queue, and what its answers say of it."""

    def __init__(self, body: str, group: str | None, sent_at: int) -> None:
        self.body = body
        self.group = group
        self.sent_at = sent_at
        self.receive_count = 0
        self.first_received_at: int | None = None
        self.source: str | None = None


class Handle:
    """A receipt handle: the copy it is of, and the receipt that holds it by now."""

    def __init__(self, copy: int, receipt: Any) -> None:
        self.copy = copy
        self.receipt = receipt
        self.used_up = False


class Poll:
    """A receive; its answer may come later, and is then saved under the next of *names*."""

    def __init__(self, call: Step, wait: float, now: int, names: list[str]) -> None:
        timeout = call.get("visibility")
        self.most: int = call.get("max", 1)
        self.timeout_us = None if timeout is None else _us(timeout)
        self.until = now + _us(wait)
        self.names = names
        self.outcome = Outcome(returned_at=now / SECOND)


class Queue:
    """A queue of the case: the product's own, and the long polls open at it."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        given = DEFAULTS | attributes
        if given["dedup_scope"] != "queue" or given["throughput_limit"] != "perQueue":
            raise NotBuilt("deduplication by message group, high throughput")
        redrive = given["dlq"]
        settings: dict[str, Any] = {
            "visibility_timeout_us": _us(given["visibility_timeout"]),
            "retention_us": _us(given["retention"]),
            "delay_us": _us(given["delay"]),
            "max_receive_count": redrive["max_receive_count"] if redrive else None,
        }
        self.fifo = given["type"] == "fifo"
        self.model: Any = (
            FifoQueue(**settings, deduplication_window_us=WINDOW_US, calls_per_s=None)
            if self.fifo
            else StandardQueue(**settings)
        )
        self.content_dedup: bool = given["content_dedup"]
        self.wait: float = given["receive_wait"]
        self.dead_letters: str | None = redrive["queue"] if redrive else None
        self.waiters = Waiters()
        self.polls: dict[int, Poll] = {}

    def next_at(self, now: int) -> int:
        """When one of its long polls may be answered or ends."""
        if not self.polls:
            return NEVER
        first_end = min(poll.until for poll in self.polls.values())
        return int(min(first_end, self.model.next_visible_at(now)))


class Topic:
    """A topic of the case: the product's own, and the queue of each subscription."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.fifo = attributes["type"] == "fifo"
        self.content_dedup: bool = attributes.get("content_dedup", False)
        self.model = FifoTopic(WINDOW_US) if self.fifo else StandardTopic()
        self.queues: list[str] = []
        self.published = 0


class World:
    """The queues and topics of a case, its clock, and its copies by number."""

    def __init__(self, case: Case) -> None:
        self.now = 0
        self.saved: dict[str, Outcome] = {}
        self.copies: list[Copy] = []
        self.handles: list[Handle] = []
        self.queues = {name: Queue(attributes) for name, attributes in case["queues"].items()}
        self.topics = {name: Topic(attributes) for name, attributes in case.get("topics", {}).items()}
        self._opened = 0
        self._calls: dict[str, Callable[[Step], Outcome]] = {
            "send": self._send,
            "send_batch": self._send_batch,
            "receive": self._receive,
            "receive_group": self._receive_group,
            "delete": self._delete,
            "delete_batch": self._delete_batch,
            "change_visibility": self._change_visibility,
            "change_visibility_batch": self._change_visibility_batch,
            "counts": self._counts,
            "publish": self._publish,
            "subscribe": self._subscribe,
            "check": lambda step: Outcome(),
        }
        for subscription in case.get("subscriptions", []):
            refused = self._subscribe(subscription).error
            assert refused is None, refused

    # -- time --------------------------------------------------------------------------------------

    def advance(self, to: int) -> None:
        """Let time run to *to*; long polls answer when they can, and end empty when their wait does."""
        while True:
            at = min(queue.next_at(self.now) for queue in self.queues.values())
            if at > to or at == NEVER:
                break
            self.now = max(self.now, at)
            self.look()
            for queue in self.queues.values():
                for number in [n for n, poll in queue.polls.items() if poll.until <= self.now]:
                    self._close(queue, number)
        if to < NEVER:
            self.now = to

    def look(self) -> None:
        """Answer all long polls that can be answered at this instant."""
        looking = True
        while looking:
            looking = False
            for name, queue in self.queues.items():
                while queue.polls and queue.model.next_visible_at(self.now) <= self.now:
                    looking = True
                    number = queue.waiters.pick(0.0)
                    if self._ask(name, queue.polls[number]):
                        self._close(queue, number)
                    elif queue.model.next_visible_at(self.now) <= self.now:
                        raise AssertionError(f"{name} says that a receive finds something, and it does not")

    def _close(self, queue: Queue, number: int) -> None:
        queue.waiters.withdraw(number)
        queue.polls.pop(number).outcome.returned_at = self.now / SECOND

    # -- calls -------------------------------------------------------------------------------------

    def do(self, step: Step) -> Outcome:
        """Make the call of a step; a long poll's outcome is filled in when it answers."""
        wanted = step.get("expect", {}).get("error")
        if step["op"] not in self._calls or (wanted and not self._may_refuse(step)):
            raise NotBuilt(step["op"] + (f" refused with {wanted}" if wanted else ""))
        outcome = self._calls[step["op"]](step)
        if "save" in step:
            self.saved[step["save"]] = outcome
        return outcome

    def _may_refuse(self, step: Step) -> bool:
        """Whether the rule for a refusal may be built: ended handles of FIFO queues, and subscriptions."""
        if step["op"] == "subscribe":
            return True
        if step["op"] not in ("delete", "change_visibility") or "#" not in step["receipt"]:
            return False
        handle = self._handle(step["receipt"])
        asks_for_too_long = step.get("timeout", 0) > 43_200 - (self.now - handle.receipt.received_at) / SECOND
        return self.queues[step["queue"]].fifo and not handle.used_up and not asks_for_too_long

    def _send(self, step: Step) -> Outcome:
        return Outcome(message_id=self._put(step["queue"], step))

    def _send_batch(self, step: Step) -> Outcome:
        if step.get("expect", {}).get("failed_ids"):
            raise NotBuilt("entries of a batch that fail alone")
        for entry in step["entries"]:
            self._put(step["queue"], entry)
        return Outcome(ok_ids=[entry["id"] for entry in step["entries"]])

    def _put(self, name: str, message: Step) -> int:
        """Send a copy; the message id it is answered with."""
        queue = self.queues[name]
        body, group = _text(message["body"]), message.get("group")
        number = len(self.copies)
        self.copies.append(Copy(body, group, self.now))
        if queue.fifo:
            content = _content_id(body) if queue.content_dedup else None
            return int(queue.model.send_message(self.now, number, group, message.get("dedup", content)))
        if message.get("delay", queue.model.delay_us / SECOND) * SECOND != queue.model.delay_us:
            raise NotBuilt("message timers")
        queue.model.send_messages([self.now], [number])
        return number

    def _receive(self, step: Step) -> Outcome:
        return self._poll(step["queue"], step, [])

    def _receive_group(self, step: Step) -> Outcome:
        names = list(step.get("save_in_order", []))
        return Outcome(polls=[self._poll(step["queue"], poll, names) for poll in step["polls"]])

    def _poll(self, name: str, call: Step, names: list[str]) -> Outcome:
        if "attempt_id" in call:
            raise NotBuilt("receive request attempt ids")
        queue = self.queues[name]
        poll = Poll(call, call.get("wait", queue.wait), self.now, names)
        if not self._ask(name, poll) and poll.until > self.now:
            self._opened += 1
            queue.polls[self._opened] = poll
            queue.waiters.wait(self._opened)
        return poll.outcome

    def _ask(self, name: str, poll: Poll) -> bool:
        """Receive for a poll, once more as long as only moves come of it; whether there are messages."""
        queue = self.queues[name]
        while (receipt := queue.model.receive_message(self.now, poll.most, poll.timeout_us)) is not None:
            self._move(name, receipt.moved)
            if receipt.copies:
                poll.outcome.messages = [self._message(number, receipt) for number in receipt.received]
                if poll.names:
                    self.saved[poll.names.pop(0)] = poll.outcome
                return True
        return False

    def _message(self, number: int, receipt: Receipt) -> Message:
        copy = self.copies[number]
        copy.receive_count = receipt.again.get(number, 1)
        if copy.first_received_at is None:
            copy.first_received_at = self.now
        self.handles.append(Handle(number, receipt))
        return Message(
            message_id=number,
            body=copy.body,
            group=copy.group,
            receive_count=copy.receive_count,
            sent_at=copy.sent_at / SECOND,
            first_received_at=copy.first_received_at / SECOND,
            dlq_source=copy.source,
            handle=len(self.handles) - 1,
        )

    def _move(self, source: str, numbers: list[int]) -> None:
        dead_letters = self.queues[source].dead_letters
        if not numbers or dead_letters is None:
            return
        copies = [self.copies[number] for number in numbers]
        groups = ([copy.group for copy in copies],) if self.queues[dead_letters].fifo else ()
        self.queues[dead_letters].model.move_in(
            self.now,
            numbers,
            [copy.sent_at for copy in copies],
            [copy.receive_count for copy in copies],
            *groups,
        )
        for copy in copies:
            copy.source = source

    def _handle(self, receipt: str) -> Handle:
        name, _, index = receipt.partition("#")
        return self.handles[self.saved[name].messages[int(index)].handle]

    def _delete(self, step: Step) -> Outcome:
        queue, handle = self.queues[step["queue"]], self._handle(step["receipt"])
        refused = queue.model.refusal(self.now, handle.receipt) if queue.fifo else None
        if queue.model.delete_messages(self.now, handle.receipt, [handle.copy]):
            handle.used_up = True
        return Outcome(error=refused)

    def _change_visibility(self, step: Step) -> Outcome:
        queue, handle = self.queues[step["queue"]], self._handle(step["receipt"])
        refused = queue.model.refusal(self.now, handle.receipt) if queue.fifo else None
        if refused is None:
            handle.receipt = queue.model.change_message_visibility(
                self.now, handle.receipt, [handle.copy], _us(step["timeout"])
            )
        return Outcome(error=refused)

    def _delete_batch(self, step: Step) -> Outcome:
        return self._each_entry(step, self._delete)

    def _change_visibility_batch(self, step: Step) -> Outcome:
        return self._each_entry(step, self._change_visibility)

    def _each_entry(self, step: Step, call: Callable[[Step], Outcome]) -> Outcome:
        if any("#" not in entry["receipt"] for entry in step["entries"]):
            raise NotBuilt("handles that were never issued")
        outcome = Outcome()
        for entry in step["entries"]:
            refused = call({**entry, "queue": step["queue"]}).error
            (outcome.failed_ids if refused else outcome.ok_ids).append(entry["id"])
        return outcome

    def _counts(self, step: Step) -> Outcome:
        model = self.queues[step["queue"]].model
        now = self.now
        counts = {
            "visible": model.visible(now),
            "in_flight": model.in_flight(now),
            "delayed": model.delayed(now),
        }
        return Outcome(counts=counts)

    # -- topics ------------------------------------------------------------------------------------

    def _subscribe(self, step: Step) -> Outcome:
        if "dlq" in step or not step.get("raw"):
            raise NotBuilt("dead-letter queues of subscriptions, delivery in SNS's envelope")
        policy = step.get("filter_policy") or {}
        exact = all(isinstance(value, str) for values in policy.values() for value in values)
        if step.get("filter_scope", "MessageAttributes") != "MessageAttributes" or not exact:
            raise NotBuilt("filter policies in full")
        topic = self.topics[step["topic"]]
        refused = topic.model.subscribe(
            Subscription(
                to_fifo=self.queues[step["queue"]].fifo, filter_policy=policy, raw_message_delivery=True
            )
        )
        if refused is None:
            topic.queues.append(step["queue"])
        return Outcome(error=refused)

    def _publish(self, step: Step) -> Outcome:
        topic = self.topics[step["topic"]]
        body = _text(step["body"])
        name = step.get("dedup", _content_id(body) if topic.content_dedup else None)
        topic.published += 1
        number = topic.published
        if isinstance(topic.model, FifoTopic):
            original = topic.model.publish(self.now, number, name)
            if original != number:
                return Outcome(message_id=original)
        given = step.get("attributes", {})
        if any(subscription.filter_policy for subscription in topic.model.subscriptions) and any(
            attribute["type"] not in ("String", "Number", "Binary") for attribute in given.values()
        ):
            raise NotBuilt("filter policies in full")
        attributes = {key: value["value"] for key, value in given.items() if value["type"] == "String"}
        for index in topic.model.receivers(attributes):
            self._put(topic.queues[index], {"body": body, "group": step.get("group"), "dedup": name})
        return Outcome(message_id=number)
