"""Random calls: nothing lost, nothing twice without a cause, order in a group, no poll forgotten."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulator.client import SQS, ClientError
from simulator.client.attributes import queue_arn
from simulator.client.messages import Poll

TIMEOUT_US = 5_000_000
RECEIVES = 3


class Calls(RuleBasedStateMachine):
    """One queue with its dead-letter queue, and what a person would write down of the calls."""

    @initialize(fifo=st.booleans())
    def create(self, fifo: bool) -> None:
        self.sqs = SQS()
        self.fifo = fifo
        end, kind = (
            (".fifo", {"FifoQueue": "true", "ContentBasedDeduplication": "true"}) if fifo else ("", {})
        )
        self.dead, self.queue = f"dead{end}", f"q{end}"
        policy = {"deadLetterTargetArn": queue_arn(self.dead), "maxReceiveCount": RECEIVES}
        self.sqs.create_queue(QueueName=self.dead, Attributes=kind)
        own = {"VisibilityTimeout": "5", "RedrivePolicy": policy}
        self.sqs.create_queue(QueueName=self.queue, Attributes=kind | own)
        self.group_of: dict[str, str] = {}
        self.hidden_until: dict[str, int] = {}
        self.receives: dict[str, int] = {}
        self.handles: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.polls: list[Poll] = []

    @rule(group=st.sampled_from("gh"), delay=st.sampled_from([0, 0, 2]))
    def send(self, group: str, delay: int) -> None:
        body = f"m{len(self.group_of):04}"
        more: dict[str, Any] = {"MessageGroupId": group} if self.fifo else {"DelaySeconds": delay}
        self.group_of[body] = group
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=body, **more)
        self.look()

    @rule(most=st.integers(1, 10), wait=st.sampled_from([0, 0, 3]))
    def receive(self, most: int, wait: int) -> None:
        poll = self.sqs.open_receive(
            QueueUrl=self.queue, MaxNumberOfMessages=most, WaitTimeSeconds=wait, AttributeNames=["All"]
        )
        self.polls.append(poll)
        self.look()

    @rule(seconds=st.sampled_from([0, 0.000001, 1, 2, 4.999999, 5]))
    def let_time_pass(self, seconds: float) -> None:
        """Step by step, so that answers are written down when they come."""
        end = self.sqs.account.now + round(seconds * 1_000_000)
        for at in sorted({end, *(poll.until for poll in self.polls if poll.until < end)}):
            self.sqs.account.advance(max(at, self.sqs.account.now))
            self.look()

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.handles:
            body = data.draw(st.sampled_from(sorted(self.handles)))
            ended = self.hidden_until[body] <= self.sqs.account.now
            try:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=self.handles.pop(body))
                assert not (self.fifo and ended)
                if self.fifo or not ended or self.still_there(body):
                    self.deleted.add(body)
                    self.hidden_until[body] = -1
            except ClientError as error:
                assert self.fifo and ended and error.code == "InvalidParameterValue"
            self.look()

    def still_there(self, body: str) -> bool:
        message = next(one for one in self.sqs.account.messages.values() if one.body == body)
        return message.queue is None

    def look(self) -> None:
        """Write down the answers that have come since."""
        for poll in [poll for poll in self.polls if poll.answer is not None]:
            self.polls.remove(poll)
            assert poll.answer is not None and poll.answered_at is not None
            at = poll.answered_at
            seen: dict[str, str] = {}
            for message in poll.answer.get("Messages", []):
                body = message["Body"]
                assert body not in self.deleted, "a deleted message came back"
                assert self.hidden_until.get(body, -1) <= at, "received while somebody held it"
                self.receives[body] = self.receives.get(body, 0) + 1
                assert (
                    int(message["Attributes"]["ApproximateReceiveCount"]) == self.receives[body] <= RECEIVES
                )
                if self.fifo:
                    group = self.group_of[body]
                    assert seen.get(group, "") < body, "out of order in its group"
                    seen[group] = body
                self.hidden_until[body] = at + TIMEOUT_US
                self.handles[body] = message["ReceiptHandle"]

    @invariant()
    def nothing_is_lost(self) -> None:
        if hasattr(self, "sqs"):
            total = 0
            for name in (self.queue, self.dead):
                model = self.sqs.account.queues[name].model
                now = self.sqs.account.now
                total += model.visible(now) + model.in_flight(now) + model.delayed(now)
                assert len(list(model.contents(now))) == model.visible(now) + model.in_flight(
                    now
                ) + model.delayed(now)
            assert total + len(self.deleted) == len(self.group_of)

    @invariant()
    def no_poll_is_open_that_could_be_answered(self) -> None:
        if hasattr(self, "sqs") and self.polls:
            queue = self.sqs.account.queues[self.queue]
            assert queue.model.next_visible_at(self.sqs.account.now) > self.sqs.account.now


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
