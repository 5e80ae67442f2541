"""Copies that a server which was away has missed: as many as said, wherever they are."""

import pytest

from simulator.processes.at_least_once import Misses
from simulator.sampling.streams import Calls, stream_key


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("batch", [1, 10])
def test_a_share_of_all_copies_is_missed_however_they_are_batched(share: float, batch: int):
    misses = Misses(share, Calls(stream_key(1, 0, "misses")).next)
    missed: list[int] = []
    for first in range(0, 100_000, batch):
        copies = list(range(first, first + batch))
        misses.left -= batch
        if misses.left < 0:
            missed += misses.among(copies)
    again = Misses(share, Calls(stream_key(1, 0, "misses")).next)
    again.left -= 100_000
    assert missed == again.among(list(range(100_000)))
    assert len(missed) / 100_000 == pytest.approx(share, abs=4 * (share * (1 - share) / 100_000) ** 0.5)
