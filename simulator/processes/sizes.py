"""Payload sizes of copies, for what is full by bytes; only a consumer that asks draws them."""

from collections.abc import Mapping

import numpy as np

from simulator.processes.children import ChildBlock
from simulator.processes.ledger import Block, Ledger
from simulator.sampling.distributions import Distribution, draw

_BLOCKS = 64


class Sizes:
    """Payload of copies in an invocation: their bodies and attributes, and what Lambda adds to each.

    A size belongs to the message, so it is what its producer said it was.

    Parameters
    ----------
    sources : mapping
        Distribution of sizes [bytes] and its stream, by producer.
    record_bytes : int
        Metadata of each record.
    """

    def __init__(
        self, ledger: Ledger, sources: Mapping[str, tuple[Distribution, int]], record_bytes: int
    ) -> None:
        self._ledger = ledger
        self._sources = sources
        self._record_bytes = record_bytes
        self._blocks: dict[int, list[int]] = {}

    def of(self, copies: list[int]) -> int:
        """Payload [bytes] of an invocation with *copies*."""
        total = len(copies) * self._record_bytes
        for copy in copies:
            message = self._ledger.message_of[copy]
            block = self._ledger.block_of(message)
            total += self._sizes(block)[message - block.first]
        return total

    def _sizes(self, block: Block) -> list[int]:
        sizes = self._blocks.get(block.first)
        if sizes is None or block.first + len(sizes) < block.end:
            if isinstance(block, ChildBlock):
                sizes = block.sizes().tolist()
            else:
                distribution, key = self._sources[block.producer]
                sizes = np.maximum(1, draw(distribution, key, block.keys())).tolist()
            if len(self._blocks) >= _BLOCKS:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[block.first] = sizes
        return sizes
