"""Closed loops: clients that send, wait for the answer, think, and send again."""

from typing import Final, NamedTuple

import numpy as np

from simulator.processes.clock import SENDS
from simulator.processes.ledger import Ledger
from simulator.processes.producers import Content, Producer
from simulator.processes.senders import Outgoing, Sender
from simulator.recording.recorder import Recorder
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import message_keys, mix_array, uniform

_CLIENT_BITS: Final = 32  # of a serial: client number above, the client's own message number below
_MOST_AHEAD: Final = 64


class _Next(NamedTuple):
    """A client's next message, drawn but not said."""

    serial: int
    key: int
    group: int
    size_bytes: int
    combination: int
    poison: int
    answer_us: int
    think_us: int


class _Client:
    """One client: how many of its messages have been drawn, and those not said yet, the next one last."""

    __slots__ = ("drawn", "next")

    def __init__(self) -> None:
        self.drawn = 0
        self.next: list[_Next] = []


class ClosedLoop(Producer):
    """Clients that each have one message on the way at a time.

    When a client sends depends on the answers before, so there are no arrival numbers to share between
    variants; what it sends and how long it thinks belong to (producer, client, its own serial). Clients
    start at random instants within a first think time.

    Parameters
    ----------
    clients : int
        How many.
    think : Distribution
        From an answer to the client's next message [us].
    think_key, start_key : int
        Streams of the think times, and of the starts.
    until_at : int
        From this instant on nobody sends another message [us].
    """

    def __init__(
        self,
        name: str,
        thing: int,
        clients: int,
        think: Distribution,
        think_key: int,
        start_key: int,
        until_at: int,
        content: Content,
        ledger: Ledger,
        recorder: Recorder,
    ) -> None:
        super().__init__(name, thing, content, ledger, recorder)
        self._clients = [_Client() for _ in range(clients)]
        self._think = think
        self._think_key = think_key
        self._start_key = start_key
        self._until_at = until_at
        self._started = False

    def offer(self, horizon: int) -> None:
        """Let the clients start; then each goes on by itself."""
        if not self._started:
            self._started = True
            self._start(self._by())

    def _by(self) -> Sender:
        assert self.sender is not None
        return self.sender

    def _start(self, sender: Sender) -> None:
        numbers = np.arange(len(self._clients), dtype=np.uint64)
        first = draw(self._think, self._start_key, numbers) * uniform(self._start_key, mix_array(numbers, 1))
        for client, at in enumerate(first.astype(np.int64).tolist()):
            sender.clock.at(at, SENDS, self._say, client)

    def _say(self, number: int) -> None:
        """A client sends its next message."""
        sender = self._by()
        now = sender.clock.now
        if now >= self._until_at:
            return
        client = self._clients[number]
        if not client.next:
            self._draw(sender, number, client)
        said = client.next.pop()
        if self.content.poisonings and not said.poison:
            key, at = np.array([said.key], dtype=np.uint64), np.array([now], dtype=np.int64)
            said = said._replace(poison=int(self.content.poisoned(key, at)[0]))
        message = self._ledger.add_message(
            self.name, said.serial, now, said.group, said.combination, said.poison
        )
        one = Outgoing(
            message, said.key, said.size_bytes, said.combination, said.poison,
            said.answer_us, said.think_us, number,
        )  # fmt: skip
        self.offered += 1
        self._open[message] = one
        if one.size_bytes <= self._max_bytes:
            sender.send_now(one)
            return
        one.calls = 1
        self.ended(one, now + max(one.answer_us, 0))

    def ended(self, one: Outgoing, known_at: int) -> None:
        """A client knows what became of its message, and thinks about the next one."""
        super().ended(one, known_at)
        self._by().clock.at(known_at + one.think_us, SENDS, self._say, one.client)

    def _draw(self, sender: Sender, number: int, client: _Client) -> None:
        """Draw a client's next messages: as many as it has said, within limits."""
        n = min(max(client.drawn, 1), _MOST_AHEAD)
        first_serial = (number << _CLIENT_BITS) + client.drawn
        client.drawn += n
        keys = message_keys(self.name, first_serial, n)
        content = self.content
        assert sender.answers is not None
        columns = (
            range(first_serial, first_serial + n),
            keys.tolist(),
            content.groups(keys).tolist(),
            content.sizes(keys).tolist(),
            content.combinations(keys).tolist(),
            content.poisoned(keys).tolist(),
            sender.answers.first(keys),
            draw(self._think, self._think_key, keys).tolist(),
        )
        client.next = [_Next(*facts) for facts in zip(*columns, strict=True)][::-1]
