"""What is known of every message and copy: dense numbers, one column a fact."""

from array import array
from bisect import bisect_right
from typing import Final

import numpy as np

from simulator.sampling.streams import message_keys, mix, name_key, serial_keys

_LOOSE_MESSAGES: Final = 256


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

    def serial_of(self, message: int) -> int:
        """Its number among the producer's messages."""
        return self.first_serial + message - self.first

    def key_of(self, message: int) -> int:
        """Key of the draws of one message."""
        return mix(self.source_key, self.serial_of(message))


class LooseBlock(Block):
    """Messages of one producer that are numbered one by one, when they are said, with any serials."""

    __slots__ = ("serials",)

    def __init__(self, producer: str, first: int) -> None:
        super().__init__(producer, 0, first, np.zeros(0, dtype=np.int16), np.zeros(0, dtype=bool))
        self.serials: list[int] = []

    def append(self, serial: int, combination: int, poison: int) -> None:
        """Number one more message."""
        self.serials.append(serial)
        self.attributes = np.append(self.attributes, np.int16(combination))
        self.poison = np.append(self.poison, bool(poison))
        self.end += 1

    def keys(self) -> np.ndarray:
        """Keys of the draws of its messages."""
        return serial_keys(self.producer, np.array(self.serials, dtype=np.uint64))

    def serial_of(self, message: int) -> int:
        """Its number among the producer's messages."""
        return self.serials[message - self.first]


class SerialBlock(Block):
    """Messages of one producer that are numbered together, with any serials: an array of shape (n,)."""

    __slots__ = ("serials",)

    def __init__(
        self, producer: str, serials: np.ndarray, first: int, attributes: np.ndarray, poison: np.ndarray
    ) -> None:
        super().__init__(producer, 0, first, attributes, poison)
        self.serials = serials

    def keys(self) -> np.ndarray:
        """Keys of the draws of its messages."""
        return serial_keys(self.producer, self.serials.astype(np.uint64))

    def serial_of(self, message: int) -> int:
        """Its number among the producer's messages."""
        return int(self.serials[message - self.first])


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
        self.said_again: set[int] = set()
        """Messages that were accepted without their sender hearing of it, and are said once more."""
        self.parent_of: dict[int, int] = {}
        """Of the copies made from another copy: which."""
        self.redrives: dict[int, int] = {}
        """Of the copies that redrive tasks made: how often that has happened to the message by then."""
        self.child_messages = array("q")
        """Messages that consumers sent, ascending; ``parent_copies``: for which copy each."""
        self.parent_copies = array("q")

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
        self._add_block(block, offered_at, group)
        return block

    def add_serials(
        self,
        producer: str,
        serials: np.ndarray,
        offered_at: np.ndarray,
        group: np.ndarray,
        attributes: np.ndarray,
        poison: np.ndarray,
    ) -> SerialBlock:
        """Number messages of *producer* with these *serials*; arrays of shape (n,), instants in [us]."""
        block = SerialBlock(producer, serials, self.messages, attributes, poison)
        self._add_block(block, offered_at, group)
        return block

    def _add_block(self, block: Block, offered_at: np.ndarray, group: np.ndarray) -> None:
        self.offered_at.frombytes(offered_at.astype(np.int64).tobytes())
        self.group.frombytes(group.astype(np.int32).tobytes())
        self.blocks.append(block)
        self._firsts.append(block.first)

    def add_message(
        self, producer: str, serial: int, offered_at: int, group: int, combination: int, poison: int
    ) -> int:
        """Number one message of *producer*, offered at *offered_at* [us], that is said alone."""
        message = self.messages
        block = self.blocks[-1] if self.blocks else None
        if (
            not isinstance(block, LooseBlock)
            or block.producer != producer
            or len(block.serials) == _LOOSE_MESSAGES
        ):
            block = LooseBlock(producer, message)
            self.blocks.append(block)
            self._firsts.append(message)
        self.offered_at.append(offered_at)
        self.group.append(group)
        block.append(serial, combination, poison)
        return message

    def open_block(self, block: Block) -> None:
        """Take a block whose messages are numbered from now on, a few at a time."""
        self.blocks.append(block)
        self._firsts.append(block.first)

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

    def take_back(self, copy: int) -> None:
        """*copy*, the last one numbered, was not made after all."""
        assert copy == self.copies - 1
        self.message_of.pop()
        self.sent_at.pop()

    def block_of(self, message: int) -> Block:
        """The block *message* is in."""
        return self.blocks[bisect_right(self._firsts, message) - 1]
