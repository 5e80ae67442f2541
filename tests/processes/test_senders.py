"""Senders: what goes into a batch and when it goes, what is said again and after which pause.

Sources: SQS and SNS guides for batches (10 entries, a total payload, entries accepted one by one), botocore's
standard retries for pauses (client rules).
"""

import numpy as np
import pytest

from simulator.aws.deduplication import Deduplication
from simulator.processes.clock import Clock
from simulator.processes.ledger import Ledger
from simulator.processes.senders import Answers, Outgoing, Sender, TopicCalls
from simulator.processes.topics import Subscription, Topic
from simulator.recording.tables import NONE
from simulator.sampling.distributions import Constant

MS = 1_000
SECOND = 1_000_000


class Book:
    """A service that notes each call, and throttles the entries it is told to."""

    def __init__(self, throttled: dict[int, int] | None = None) -> None:
        self.calls: list[tuple[int, list[int]]] = []
        self.left = throttled or {}

    def take(self, now: int, batch: list[Outgoing]) -> list[Outgoing]:
        self.calls.append((now, [one.message for one in batch]))
        again = []
        for one in batch:
            if self.left.get(one.message, 0):
                self.left[one.message] -= 1
                again.append(one)
            else:
                one.accept(now, 1, stored=True)
        return again

    def hand_over(self) -> None:
        pass


class Lab:
    """A sender that lives ahead of the run, its service, and what became of its messages."""

    def __init__(self, service: Book | None = None, chance: float = 0.5, **settings: int) -> None:
        self.service = service or Book()
        self.ended: list[tuple[int, int]] = []
        self.outgoing: dict[int, Outgoing] = {}
        self.ledger = Ledger()
        answers = None
        if "timeout_us" in settings:
            latency = Constant(settings.pop("latency_us"))
            answers = Answers(latency, settings.pop("timeout_us"), 0.0, 1, 2)
        self.sender = Sender(
            Clock(),
            self.service,
            self.ledger,
            ahead=True,
            answers=answers,
            max_attempts=settings.get("max_attempts", 3),
            backoff_cap_us=20 * SECOND,
            batch_size=settings.get("batch_size", 1),
            batch_bytes=settings.get("batch_bytes", 1 << 20),
            linger_us=settings.get("linger_us", 0),
            chance=lambda: chance,
            ended=lambda one, known_at: self.ended.append((one.message, known_at)),
        )

    def send(self, offered_at: list[int], size_bytes: int = 1024) -> None:
        """Send messages 0, 1, ... at these instants [us], and let time pass."""
        answers = self.sender.answers
        keys = np.arange(len(offered_at), dtype=np.uint64)
        waits = [0] * len(keys) if answers is None else answers.first(keys)
        said = [Outgoing(number, number, size_bytes, 0, 0, wait) for number, wait in enumerate(waits)]
        self.outgoing = {one.message: one for one in said}
        self.sender.add(said, offered_at)
        self.sender.work_until(3600 * SECOND)


def test_a_batch_goes_when_its_first_message_has_waited_for_the_linger():
    lab = Lab(batch_size=10, linger_us=20 * MS)
    lab.send([0, 5 * MS, 19 * MS, 21 * MS, 100 * MS])
    assert lab.service.calls == [(20 * MS, [0, 1, 2]), (41 * MS, [3]), (120 * MS, [4])]


def test_a_full_batch_goes_at_once_and_the_next_message_starts_a_linger_of_its_own():
    lab = Lab(batch_size=2, linger_us=20 * MS)
    lab.send([0, 5 * MS, 6 * MS])
    assert lab.service.calls == [(5 * MS, [0, 1]), (26 * MS, [2])]


def test_without_linger_only_messages_of_one_instant_share_a_batch():
    lab = Lab(batch_size=10)
    lab.send([0, 0, 1, 2, 2])
    assert lab.service.calls == [(0, [0, 1]), (1, [2]), (2, [3, 4])]


def test_the_payload_limit_splits_a_batch():
    lab = Lab(batch_size=10, linger_us=20 * MS, batch_bytes=1 << 20)
    lab.send([0, MS, 2 * MS, 3 * MS], size_bytes=400 << 10)  # two are 800 KiB, three would be 1.2 MiB
    assert lab.service.calls == [(2 * MS, [0, 1]), (22 * MS, [2, 3])]


def test_a_batch_of_exactly_the_payload_limit_goes_whole_and_at_once():
    lab = Lab(batch_size=10, linger_us=20 * MS, batch_bytes=1 << 20)
    lab.send([0, MS, 2 * MS], size_bytes=512 << 10)
    assert lab.service.calls == [(MS, [0, 1]), (22 * MS, [2])]


def test_entries_of_a_batch_succeed_one_by_one_and_only_the_throttled_are_tried_again():
    lab = Lab(Book({1: 1, 3: 2}), batch_size=5, linger_us=20 * MS)
    lab.send([0] * 5)
    first, second, third = (0, 500 * MS, 1500 * MS)  # pauses: half of 1 s, then half of 2 s
    assert lab.service.calls == [(first, [0, 1, 2, 3, 4]), (second, [1, 3]), (third, [3])]
    assert {one.message: one.accepted_at for one in lab.outgoing.values()} == {
        0: first, 1: second, 2: first, 3: third, 4: first
    }  # fmt: skip
    assert [lab.outgoing[number].calls for number in range(5)] == [1, 2, 1, 3, 1]


def test_a_message_throttled_at_every_attempt_is_given_up():
    lab = Lab(Book({0: 99}), max_attempts=3)
    lab.send([0])
    assert [at for at, _ in lab.service.calls] == [0, 500 * MS, 1500 * MS]
    assert lab.outgoing[0].accepted_at == NONE
    assert lab.ended == [(0, 1500 * MS)]
    assert lab.sender.under_way() == 0


def test_pauses_double_up_to_the_cap_of_twenty_seconds():
    lab = Lab(Book({0: 99}), chance=1.0, max_attempts=8)
    lab.send([0])
    pauses = np.diff([at for at, _ in lab.service.calls]) / SECOND
    assert pauses.tolist() == [1, 2, 4, 8, 16, 20, 20]


@pytest.mark.parametrize(
    ("latency_us", "calls"), [(SECOND, [0]), (SECOND + 1, [0, 1500 * MS, 3500 * MS])], ids=["in time", "late"]
)
def test_an_answer_later_than_the_timeout_is_not_waited_for(latency_us: int, calls: list[int]):
    lab = Lab(timeout_us=SECOND, latency_us=latency_us)
    lab.send([0])
    assert [at for at, _ in lab.service.calls] == calls
    assert lab.outgoing[0].copies == len(calls)
    assert lab.outgoing[0].accepted_at == 0


def test_a_fifo_topic_publishes_a_message_said_again_once_within_five_minutes():
    window = 300 * SECOND
    ledger = Ledger()
    arrivals: list[tuple[int, int]] = []

    class Way:
        def add(self, messages: np.ndarray, arrive_at: np.ndarray) -> None:
            arrivals.extend(zip(messages.tolist(), arrive_at.tolist(), strict=True))

        def release(self, horizon: int) -> None:
            pass

        def under_way(self) -> int:
            return 0

    everything = {"p": np.ones(1, dtype=bool)}
    topic = Topic(0, [Subscription(1, Way(), Constant(0), 0, everything)], fifo=True)
    ledger.add_message("p", 0, 0, 0, 0, 0)
    calls = TopicCalls(topic, "p", topic.copies_of("p"), ledger, Deduplication(window))
    one = Outgoing(0, 0, 1024, 0, 0)
    for at in (0, 1, window - 1, window):
        assert calls.take(at, [one]) == []
    calls.hand_over()
    assert arrivals == [(0, 0), (0, window)]
    assert one.copies == topic.published == 2
    assert not one.deduplicated
