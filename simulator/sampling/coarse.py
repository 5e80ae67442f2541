"""Chance for coarse models, whose draws belong to no message: thousands of counts at once, not one by key."""

import numpy as np

Chance = np.random.Generator


def chance(stream: int) -> Chance:
    """Give the generator of a stream's 64-bit key: the same key gives the same numbers in the same order."""
    return np.random.Generator(np.random.Philox(key=stream))
