"""How long a downstream serves a call, and whether it answers with an error: numbers of the message."""

from typing import Final

import numpy as np

from simulator.processes.ledger import Block, Ledger
from simulator.sampling.distributions import Distribution, draw
from simulator.sampling.streams import mix, mix_array, uniform, uniform_one

_PART: Final = 128
_PARTS: Final = 512

Drawn = tuple[list[int], list[float]]


class CallDraws:
    """Draws of one call that the messages of one queue need.

    They belong to the message, its receive count, the call's number and the try, whoever makes it and
    whenever. They are drawn for some messages at a time.

    Parameters
    ----------
    latency : Distribution
        Of the downstream, at full speed [us].
    number : int
        Of the call among those of a message.
    latency_key, error_key, pause_key : int
        Streams.
    """

    def __init__(
        self,
        ledger: Ledger,
        latency: Distribution,
        number: int,
        latency_key: int,
        error_key: int,
        pause_key: int,
    ) -> None:
        self._ledger = ledger
        self._latency = latency
        self._number = number
        self._latency_key = latency_key
        self._error_key = error_key
        self._pause_key = pause_key
        self._drawn: dict[tuple[int, int, int, int], Drawn] = {}
        self._keyed = (0, 0)
        self._keys = np.zeros(0, dtype=np.uint64)

    def of(self, copy: int, count: int, tries: int) -> tuple[int, float]:
        """Service [us] of a try, and the number in [0, 1) that decides whether it fails."""
        if copy in self._ledger.redrives:
            key = self.key(copy, count, tries)
            service_us = draw(self._latency, self._latency_key, np.array([key], dtype=np.uint64))
            return int(service_us[0]), uniform_one(self._error_key, key)
        message = self._ledger.message_of[copy]
        block = self._ledger.block_of(message)
        part, place = divmod(message - block.first, _PART)
        address = (block.first, part, count, tries)
        drawn = self._drawn.get(address)
        if drawn is None or len(drawn[0]) <= place:
            drawn = self._draw(block, address)
        return drawn[0][place], drawn[1][place]

    def pause(self, copy: int, count: int, tries: int) -> float:
        """The number in [0, 1) that decides on the pause after a try."""
        return uniform_one(self._pause_key, self.key(copy, count, tries))

    def key(self, copy: int, count: int, tries: int) -> int:
        """Key of all that is drawn for a try."""
        message = self._ledger.message_of[copy]
        redriven = self._ledger.redrives.get(copy, 0)
        return mix(self._ledger.block_of(message).key_of(message), count, redriven, self._number, tries)

    def _draw(self, block: Block, address: tuple[int, int, int, int]) -> Drawn:
        """The same try of neighbours: where one is tried again, others mostly are."""
        _, part, count, tries = address
        keys = self._keys_of(block)[part * _PART : (part + 1) * _PART]
        for number in (count, 0, self._number, tries):
            keys = mix_array(keys, number)
        drawn = (
            draw(self._latency, self._latency_key, keys).tolist(),
            uniform(self._error_key, keys).tolist(),
        )
        if len(self._drawn) >= _PARTS:
            del self._drawn[next(iter(self._drawn))]
        self._drawn[address] = drawn
        return drawn

    def _keys_of(self, block: Block) -> np.ndarray:
        if self._keyed != (block.first, block.end):
            self._keyed = (block.first, block.end)
            self._keys = block.keys()
        return self._keys
