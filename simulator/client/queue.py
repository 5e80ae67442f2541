"""A queue of the client: its state machine, what is known of its messages, and who waits at it."""

from functools import partial
from typing import Any, Literal

from simulator.aws.cloudwatch.counters import approximate
from simulator.aws.sqs.fifo import FifoQueue
from simulator.aws.sqs.fifo_throughput import Partitioning
from simulator.aws.sqs.receipt import NEVER
from simulator.aws.sqs.standard import StandardQueue
from simulator.aws.sqs.waiters import Waiters
from simulator.client.attributes import REGION, Attributes
from simulator.client.chance import Chance
from simulator.client.messages import Handle, Message, Poll
from simulator.client.servers import QueueOnServers
from simulator.scenario.rules import Rules

_AGAIN_US = 1_000
"""Until a poll is tried again at a queue that has something for it and may not give it yet."""
_FIRST_NUMBER = 18_800_000_000_000_000_000
_STEP = 256


class Queue:
    """A queue by its name.

    Attributes
    ----------
    model : StandardQueue or FifoQueue
        What AWS does with its messages.
    polls : dict
        Its open long polls by number; each is one of the ``waiters``.
    handles : dict
        Every receipt handle it ever gave out.
    """

    def __init__(
        self, name: str, attributes: Attributes, rules: Rules, chance: Chance, created_at: int
    ) -> None:
        self.name = name
        self.attributes = attributes
        self.created_at = created_at
        self.modified_at = created_at
        self.purged_at: int | None = None
        self._rules = rules
        self._chance = partial(chance.next, f"{name}/servers")
        self.model: Any = _fifo(rules, attributes) if attributes.fifo else self._standard()
        self.waiters = Waiters()
        self.polls: dict[int, Poll] = {}
        self.handles: dict[str, Handle] = {}
        self.attempts: dict[str, list[Handle]] = {}
        self._opened = 0
        self._sequence = 0

    def _standard(self) -> StandardQueue | QueueOnServers:
        value = self._rules.value
        settings = {
            **_common(self.attributes),
            "back_after": value("sqs.requeue_back_after"),
            "p_stale_delete_works": value("sqs.model.p_stale_delete_works"),
            "max_hold_us": value("sqs.max_hold"),
        }
        max_in_flight, servers = value("sqs.max_inflight"), value("sqs.model.hosts")
        if servers == 1:
            return StandardQueue(max_in_flight=max_in_flight, **settings)
        return QueueOnServers(
            servers=servers,
            short_poll_share=value("sqs.model.short_poll_host_fraction"),
            max_in_flight=max_in_flight,
            chance=self._chance,
            settings=settings,
        )

    # -- long polls ------------------------------------------------------------------------------

    def open(self, poll: Poll) -> None:
        """Let *poll* wait for messages."""
        if not self.polls:
            self.waiters = Waiters()
        self._opened += 1
        self.polls[self._opened] = poll
        self.waiters.wait(self._opened)

    def close(self, number: int) -> Poll:
        """End the poll with that number."""
        self.waiters.withdraw(number)
        return self.polls.pop(number)

    def next_at(self, now: int) -> int:
        """When one of its polls may be answered or ends [us]; those that could be at *now* have been."""
        if not self.polls:
            return NEVER
        ends_at = min(poll.until for poll in self.polls.values())
        visible_at = int(self.model.next_visible_at(now))
        return min(ends_at, visible_at if visible_at > now else now + _AGAIN_US)

    # -- messages --------------------------------------------------------------------------------

    def next_sequence_number(self) -> str:
        """SequenceNumber of the next message: 20 digits that rise, with gaps."""
        self._sequence += 1
        return str(_FIRST_NUMBER + _STEP * self._sequence)

    def send(self, now: int, message: Message, delay_us: int | None) -> int:
        """Send a message; answer with the number of it, or of the one it is a duplicate of."""
        if self.attributes.fifo:
            return int(self.model.send_message(now, message.number, message.group, message.deduplication_id))
        if delay_us is None or delay_us == self.model.delay_us:
            self.model.send_messages([now], [message.number])
        else:
            self.model.send_delayed(now, message.number, delay_us)
        return message.number

    def receive(self, now: int, poll: Poll) -> Any:
        """Receive for *poll*: a receipt, or None when there is nothing."""
        call: dict[str, Any] = {}
        if poll.attempt_id is not None:
            call["receive_request_attempt_id"] = poll.attempt_id
        if poll.short and isinstance(self.model, QueueOnServers):
            call["short"] = True
        most, timeout_us = poll.max_number_of_messages, poll.visibility_timeout_us
        return self.model.receive_message(now, most, timeout_us, **call)

    def visible(self, now: int) -> int:
        """ApproximateNumberOfMessages: of a standard queue it is unsure after a burst."""
        count = int(self.model.visible(now))
        if self.attributes.fifo:
            return count
        recent = self.model.younger(now, self._rules.value("sqs.model.counter_settle"))
        return approximate(count, recent, self._chance(), self._rules.value("sqs.model.counter_burst"))

    def throttle(self, action: str, now: int, groups: list[str]) -> str | None:
        """Take the tokens of a call, or answer why it is refused; standard queues have no call quota."""
        calls = getattr(self.model, f"{action}_calls") if self.attributes.fifo else None
        if calls is None or (calls.take_for(now, groups) if groups else calls.take(now)):
            return None
        return "RequestThrottled: the rate of calls is exceeded"

    def short_poll_refusal(self, now: int) -> str | None:
        """Why a short poll is refused: too many messages in flight, on a standard queue."""
        refused = None if self.attributes.fifo else self.model.short_poll_refusal(now)
        return None if refused is None else f"{refused}: too many messages are in flight"

    def take_in(self, now: int, messages: list[Message]) -> None:
        """Take dead letters of another queue."""
        numbers = [message.number for message in messages]
        sent_at = [message.sent_at for message in messages]
        counts = [message.receive_count for message in messages]
        if self.attributes.fifo:
            self.model.move_in(now, numbers, sent_at, counts, [message.group for message in messages])
        else:
            self.model.move_in(now, numbers, sent_at, counts)

    def change(self, now: int, values: dict[str, Any]) -> None:
        """Let changed attributes act on the state machine.

        A changed deduplication scope does not, as far as was observed on AWS (conformance FIFO-DUP-07).
        """
        names = ("visibility_timeout_us", "retention_us", "delay_us")
        if changed := {name: values[name] for name in names if name in values}:
            self.model.set_attributes(now, **changed)
        if "redrive" in values:
            redrive = values["redrive"]
            self.model.max_receive_count = None if redrive is None else redrive.max_receive_count


def _common(attributes: Attributes) -> dict[str, Any]:
    redrive = attributes.redrive
    return {
        "visibility_timeout_us": attributes.visibility_timeout_us,
        "retention_us": attributes.retention_us,
        "delay_us": attributes.delay_us,
        "max_receive_count": None if redrive is None else redrive.max_receive_count,
    }


def _fifo(rules: Rules, attributes: Attributes) -> FifoQueue:
    scope: Literal["queue", "messageGroup"] = (
        "messageGroup" if attributes.deduplication_scope == "messageGroup" else "queue"
    )
    partitioned = scope == "messageGroup" and attributes.throughput_limit == "perMessageGroupId"
    calls_per_s = rules.value("sqs.fifo.ht.partition_tps" if partitioned else "sqs.fifo.tps")
    partitioning = None
    if partitioned and calls_per_s is not None:
        most = rules.value(f"sqs.fifo.ht.region_tps.{REGION}") // calls_per_s
        initial, growth = (rules.value(f"sqs.fifo.ht.{name}") for name in ("initial_partitions", "scale_up"))
        partitioning = Partitioning(initial, most, growth)
    return FifoQueue(
        **_common(attributes),
        deduplication_window_us=rules.value("sqs.fifo.dedup_window"),
        calls_per_s=calls_per_s,
        burst_us=rules.value("sqs.fifo.burst"),
        max_in_flight=rules.value("sqs.fifo.max_inflight"),
        deduplication_scope=scope,
        partitioning=partitioning,
        look_through=rules.value("sqs.fifo.scan_depth"),
    )
