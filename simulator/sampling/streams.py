"""Random numbers that belong to things: addressed by stream and key, never by the order of calls.

A number is a hash of its address, so the same message meets the same fate in every variant, on
every machine and in any order. A sequential generator cannot be addressed so.
"""

from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

UInts = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

GAMMA: Final = 0x9E3779B97F4A7C15
"""Odd, 2**64 over the golden ratio: the step of splitmix64 (Steele, Lea, Flood 2014)."""

_MASK: Final = 0xFFFFFFFFFFFFFFFF
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB
_UNIT: Final = 2.0**-53


def stream_key(seed: int, replication: int, name: str) -> int:
    """64-bit key of the stream *name* in one replication; any whole numbers are good seeds."""
    return _digest(f"{seed}/{replication}/{name}")


def name_key(name: str) -> int:
    """64-bit key of a name, the same whatever the seed."""
    return _digest(name)


def uniform(stream_key: int, keys: UInts) -> Floats:
    """Numbers in [0, 1) that belong to (stream, key), with 53 bits.

    Two rounds of the splitmix64 finaliser on ``stream_key + GAMMA * key``, modulo 2**64. The same
    pair gives the same number on every machine, in any order, in any block size.

    Parameters
    ----------
    stream_key : int
        64-bit key of the stream.
    keys : ndarray of uint64
        Keys of any shape.

    Returns
    -------
    ndarray of float64
        Shape as *keys*.
    """
    mixed = keys * np.uint64(GAMMA)
    mixed += np.uint64(stream_key)
    _finalise_array(mixed)
    _finalise_array(mixed)
    mixed >>= np.uint64(11)
    numbers = mixed.astype(np.float64)
    numbers *= _UNIT
    return numbers


def uniform_one(stream_key: int, key: int) -> float:
    """The number of ``uniform`` for one key, to the bit."""
    return (_finalise(_finalise((stream_key + GAMMA * key) & _MASK)) >> 11) * _UNIT


def mix(key: int, *parts: int) -> int:
    """64-bit key of a child of *key*; for one key, different parts give different children."""
    for part in parts:
        key = _finalise((_finalise(key) + GAMMA * part) & _MASK)
    return key


def mix_array(keys: UInts, part: int) -> UInts:
    """``mix(key, part)`` of each key; shape as *keys* (uint64)."""
    mixed = keys.copy()
    _finalise_array(mixed)
    mixed += np.uint64((GAMMA * part) & _MASK)
    _finalise_array(mixed)
    return mixed


def message_keys(producer: str, first_serial: int, count: int) -> UInts:
    """Keys of *count* messages of a producer from *first_serial* on: ``mix(name_key(producer), serial)``."""
    return serial_keys(producer, np.arange(first_serial, first_serial + count, dtype=np.uint64))


def serial_keys(producer: str, serials: UInts) -> UInts:
    """Keys of the messages of a producer with these *serials* (uint64), shape as they."""
    mixed = serials * np.uint64(GAMMA)
    mixed += np.uint64(_finalise(name_key(producer)))
    _finalise_array(mixed)
    return mixed


class Calls:
    """Numbers for a thing's own calls, addressed by its call counter and drawn in blocks."""

    def __init__(self, stream_key: int, block: int = 1024) -> None:
        self._stream_key = stream_key
        self._block = block
        self._first_of_next_block = 0
        self._numbers: list[float] = []
        self._read = 0

    def next(self) -> float:
        """The number in [0, 1) of this call."""
        if self._read == len(self._numbers):
            first = self._first_of_next_block
            keys = np.arange(first, first + self._block, dtype=np.uint64)
            self._numbers = uniform(self._stream_key, keys).tolist()
            self._first_of_next_block = first + self._block
            self._read = 0
        number = self._numbers[self._read]
        self._read += 1
        return number


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _finalise(z: int) -> int:
    z = ((z ^ (z >> 30)) * _FIRST) & _MASK
    z = ((z ^ (z >> 27)) * _SECOND) & _MASK
    return z ^ (z >> 31)


def _finalise_array(z: UInts) -> None:
    """``_finalise`` in place; unsigned arrays wrap modulo 2**64."""
    z ^= z >> np.uint64(30)
    z *= np.uint64(_FIRST)
    z ^= z >> np.uint64(27)
    z *= np.uint64(_SECOND)
    z ^= z >> np.uint64(31)
