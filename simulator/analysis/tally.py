"""Whole numbers under whole-number keys, merged exactly in any order."""

from collections.abc import Sequence
from typing import Final

import numpy as np

_WIDE: Final = 65_535


class Tally:
    """Sorted keys with their values, both int64 of shape (n,); zeros are left out.

    Pickles small: keys as their differences, both mostly in two bytes.
    """

    __slots__ = ("keys", "values")

    def __init__(self, keys: np.ndarray, values: np.ndarray) -> None:
        self.keys = keys
        self.values = values

    def __getstate__(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        return _packed(np.diff(self.keys, prepend=np.int64(0))), _packed(self.values)

    def __setstate__(
        self, state: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    ) -> None:
        steps, values = state
        self.keys = np.cumsum(_unpacked(steps))
        self.values = _unpacked(values)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Tally)
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.values, other.values)
        )

    def __hash__(self) -> int:
        return hash((self.keys.tobytes(), self.values.tobytes()))


def empty() -> Tally:
    """Nothing counted."""
    return Tally(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def merged(parts: Sequence[Tally], how: np.ufunc = np.add) -> Tally:
    """One tally of several, whose keys may stand in any order; *how* joins the values of one key."""
    keys = np.concatenate([part.keys for part in parts])
    if not len(keys):
        return empty()
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    values = how.reduceat(np.concatenate([part.values for part in parts])[order], first)
    kept = values != 0
    return Tally(keys[first][kept], values[kept])


def _packed(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """*values* in two bytes each, and beside them those that do not fit."""
    wide = (values < 0) | (values >= _WIDE)
    return np.where(wide, _WIDE, values).astype(np.uint16), values[wide]


def _unpacked(packed: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    narrow, wide = packed
    values = narrow.astype(np.int64)
    values[narrow == _WIDE] = wide
    return values
