"""What is known of every message and copy: dense numbers, one column a fact."""

from array import array
from bisect import bisect_right

import numpy as np

from simulator.sampling.streams import message_keys, name_key


class Block:
    """Messages ``first .. end`` of one producer, with consecutive serials.

    ``attributes`` holds for each message the index of its combination of attribute values, ``poison``
    whether it fails every attempt; both have shape ``(end - first,)``.
    """

    __slots__ = ("attributes", "end", "first", "first_serial", "poison", "producer", "source_key")

    def __init__(
        self,
        producer: str,
        first_serial: int,
        first: int,
        attributes: np.ndarray,
        poison: np.ndarray,
    ) -> None:
        self.producer = producer
        self.source_key = name_key(producer)
        self.first_serial = first_serial
        self.first = first
        self.end = first + len(poison)
        self.attributes = attributes
        self.poison = poison

    def keys(self) -> np.ndarray:
        """Keys of the draws of its messages: they belong to (producer, serial), never to a number here."""
        return message_keys(self.producer, self.first_serial, self.end - self.first)


class Ledger:
    """Columns of messages and copies, indexed by their dense numbers.

    A message costs 12 bytes and its block, a copy 12 bytes: nothing else of a run grows with what is
    already over.
    """

    def __init__(self) -> None:
        self.offered_at = array("q")
        self.group = array("i")
        self.message_of = array("i")
        self.sent_at = array("q")
        self.blocks: list[Block] = []
        self._firsts: list[int] = []
        self.standing = 0
        """Messages below this number are standing backlog: sent before the run began."""

    @property
    def messages(self) -> int:
        """Messages so far."""
        return len(self.offered_at)

    @property
    def copies(self) -> int:
        """Copies so far."""
        return len(self.message_of)

    def add_messages(
        self,
        producer: str,
        first_serial: int,
        offered_at: np.ndarray,
        group: np.ndarray,
        attributes: np.ndarray,
        poison: np.ndarray,
    ) -> Block:
        """Number the next messages of *producer*; all arrays have shape (n,), instants in [us]."""
        block = Block(producer, first_serial, self.messages, attributes, poison)
        self.offered_at.frombytes(offered_at.astype(np.int64).tobytes())
        self.group.frombytes(group.astype(np.int32).tobytes())
        self.blocks.append(block)
        self._firsts.append(block.first)
        return block

    def add_copies(self, messages: np.ndarray, sent_at: np.ndarray) -> int:
        """Number copies of *messages* sent at *sent_at* [us]; both shape (n,). Returns the first number."""
        first = self.copies
        self.message_of.frombytes(messages.astype(np.int32).tobytes())
        self.sent_at.frombytes(sent_at.astype(np.int64).tobytes())
        return first

    def add_copy(self, message: int, sent_at: int) -> int:
        """Number one copy of *message*, sent at *sent_at* [us]."""
        self.message_of.append(message)
        self.sent_at.append(sent_at)
        return len(self.message_of) - 1

    def block_of(self, message: int) -> Block:
        """The block *message* is in."""
        return self.blocks[bisect_right(self._firsts, message) - 1]
