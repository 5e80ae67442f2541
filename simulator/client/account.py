"""One account: its queues and topics, its clock, and the long polls that are open in it.

The client owns the clock: whoever sets ``now`` lets everything that became due by then happen, in
order. At one instant: changes and deliveries that are due, moved messages, open long polls, then the call.
"""

import hashlib
import uuid
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from simulator.aws.sqs.receipt import NEVER
from simulator.aws.sqs.requests import Requests, Send
from simulator.client.attributes import name_of, queue_arn
from simulator.client.chance import Chance
from simulator.client.errors import ClientError
from simulator.client.messages import Answer, Handle, Message, Poll, answered
from simulator.client.moves import MoveTasks
from simulator.client.queue import Queue
from simulator.scenario.rules import Rules, dated

SECOND = 1_000_000
SENDER = "AIDACKCEVSQ6C2EXAMPLE"


def us_of(seconds: float) -> int:
    """Whole microseconds of a number of seconds."""
    return round(seconds * SECOND)


class Account:
    """Queues and topics that share a clock.

    Parameters
    ----------
    ideal : bool
        The ideal service: no latency, no chance, no call quotas, changed attributes act at once.
    seed : int
        Of latencies and of everything left to chance.
    rules : Rules, optional
        Limits, defaults and latencies; those of the newest date unless given.
    """

    def __init__(self, *, ideal: bool = True, seed: int = 42, rules: Rules | None = None) -> None:
        self.rules = (rules or dated()).overridden({}, ideal=ideal)
        self.seed = seed
        self.now = 0
        self.chance = Chance(self.rules, seed)
        self.requests = _requests(self.rules)
        self.queues: dict[str, Queue] = {}
        self.deleted_at: dict[str, int] = {}
        self.topics: dict[str, Any] = {}
        self.messages: dict[int, Message] = {}
        self.moves = MoveTasks(self)
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = 0

    # -- time --------------------------------------------------------------------------------------

    def at(self, instant: int, action: Callable[[], None]) -> None:
        """Let *action* happen at *instant* [us]: right now if that is now."""
        if instant <= self.now:
            action()
            return
        self._serial += 1
        heappush(self._agenda, (instant, self._serial, action))

    def advance(self, to: int) -> None:
        """Let time run to *to* [us]; NEVER: until nothing happens by itself any more."""
        if to < self.now:
            raise ValueError(f"time does not go back: from {self.now / SECOND:g} to {to / SECOND:g} s")
        while (at := self._next_at()) <= to and at < NEVER:
            self.now = max(self.now, at)
            while self._agenda and self._agenda[0][0] <= self.now:
                heappop(self._agenda)[2]()
            self.moves.run(self.now)
            self.look()
            self._end_polls()
        if to < NEVER:
            self.now = to

    def run_until_answered(self, poll: Poll) -> None:
        """Let time run until *poll* is answered."""
        while poll.answer is None and poll.error is None:
            self.advance(self._next_at())

    def _next_at(self) -> int:
        at = min((queue.next_at(self.now) for queue in self.queues.values() if queue.polls), default=NEVER)
        if self._agenda:
            at = min(at, self._agenda[0][0])
        return min(at, self.moves.next_at())

    # -- long polls --------------------------------------------------------------------------------

    def look(self) -> None:
        """Answer every open long poll that can be answered at this instant."""
        for queue in self.queues.values():
            while queue.polls and queue.model.next_visible_at(self.now) <= self.now:
                number = queue.waiters.pick(self.chance.next(f"{queue.name}/wake"))
                if not self.ask(queue, queue.polls[number]):
                    break
                queue.close(number)

    def ask(self, queue: Queue, poll: Poll) -> bool:
        """Receive for *poll*, once more as long as only moves come of it; whether it has messages now."""
        while (receipt := queue.receive(self.now, poll)) is not None:
            self._bury(queue, receipt.moved)
            if receipt.received:
                self._answer(queue, poll, receipt)
                return True
        return False

    def _answer(self, queue: Queue, poll: Poll, receipt: Any) -> None:
        handles = queue.attempts.get(poll.attempt_id or "", [])
        if not handles or handles[0].receipt is not receipt:
            handles = [self._handle(queue, self.messages[number], receipt) for number in receipt.received]
            if poll.attempt_id is not None:
                queue.attempts[poll.attempt_id] = handles
        messages = [answered(handle.message, handle, poll, SENDER) for handle in handles]
        self.finish(poll, {"Messages": messages})

    def _handle(self, queue: Queue, message: Message, receipt: Any) -> Handle:
        message.receive_count = receipt.again.get(message.number, 1)
        if message.first_received_at is None:
            message.first_received_at = self.now
        text = f"{queue.name}#{message.message_id}#{len(queue.handles) + 1}"
        handle = Handle(text, message, receipt, self.now)
        queue.handles[text] = message.newest = handle
        return handle

    def finish(self, poll: Poll, answer: Answer) -> None:
        """Give a poll its answer."""
        poll.answer = self.respond("lat.sqs_receive", answer)
        poll.answered_at = us_of(poll.answer["ResponseMetadata"]["AnsweredAt"])

    def _end_polls(self) -> None:
        for queue in self.queues.values():
            for number in [number for number, poll in queue.polls.items() if poll.until <= self.now]:
                self.finish(queue.close(number), {})

    def respond(self, latency: str, answer: Answer) -> Answer:
        """*answer* with what boto3 adds; ``AnsweredAt`` [s] is when it is at the caller's."""
        at = self.now + self.chance.latency_us(latency)
        metadata = {"HTTPStatusCode": 200, "RetryAttempts": 0, "AnsweredAt": at / SECOND}
        return {**answer, "ResponseMetadata": metadata}

    # -- queues and messages -----------------------------------------------------------------------

    def queue(self, url: str) -> Queue:
        """The queue of a URL, a name or an ARN."""
        found = self.queues.get(name_of(url))
        if found is None:
            raise ClientError("QueueDoesNotExist", "The specified queue does not exist.")
        return found

    def sources(self, queue: Queue) -> list[Queue]:
        """The queues whose dead letters go to *queue*."""
        return [
            other
            for other in self.queues.values()
            if other.attributes.redrive is not None and other.attributes.redrive.queue == queue.name
        ]

    def new_id(self, kind: str, number: int) -> str:
        """The id of the *number*-th thing of a kind."""
        digest = hashlib.blake2b(f"{self.seed}/{kind}/{number}".encode(), digest_size=16).digest()
        return str(uuid.UUID(bytes=digest, version=4))

    def send(self, queue: Queue, send: Send) -> Message:
        """Put a message that nothing is wrong with into *queue*; a duplicate answers with its original."""
        body = send.body or ""
        deduplication_id = send.deduplication_id
        if queue.attributes.fifo and not deduplication_id:
            deduplication_id = hashlib.sha256(body.encode()).hexdigest()  # of the body only: BOTO
        number = len(self.messages)
        message = Message(
            number,
            self.new_id("message", number),
            body,
            send.attributes,
            self.now,
            queue.name,
            send.group,
            deduplication_id,
        )
        original = queue.send(self.now, message, send.delay_us)
        if original != number:
            return self.messages[original]
        if queue.attributes.fifo:
            message.sequence_number = queue.next_sequence_number()
        self.messages[number] = message
        return message

    def _bury(self, source: Queue, numbers: list[int]) -> None:
        """Move messages to the dead-letter queue: they keep id, sent time and receive count."""
        redrive = source.attributes.redrive
        if not numbers or redrive is None:
            return
        messages = [self.messages[number] for number in numbers]
        target = self.queues[redrive.queue]
        target.take_in(self.now, messages)
        for message in messages:
            message.queue = target.name
            message.source = queue_arn(source.name)
            if target.attributes.fifo:
                message.deduplication_id = message.message_id

    def forget_expired(self, queue: Queue) -> None:
        """Note which messages retention has taken out of *queue*."""
        for number, _ in queue.model.expire(self.now):
            message = self.messages[number]
            if message.queue == queue.name:
                message.queue = None


def _requests(rules: Rules) -> Requests:
    return Requests(
        max_batch_entries=rules.value("sqs.batch_max_entries"),
        max_batch_bytes=rules.value("sqs.batch_max_bytes"),
        max_attributes=rules.value("sqs.max_attributes"),
        max_messages=rules.rule("sqs.receive_max_messages").high,
        max_wait_us=rules.rule("sqs.queue.receive_wait").high,
        max_delay_us=rules.rule("sqs.queue.delay").high,
        max_visibility_timeout_us=rules.rule("sqs.queue.visibility_timeout").high,
        max_hold_us=rules.value("sqs.max_hold"),
        max_id_length=rules.value("sqs.max_id_length"),
        purge_cooldown_us=rules.value("sqs.purge_cooldown"),
        max_moves_per_s=rules.rule("sqs.redrive.max_per_s").high,
    )
