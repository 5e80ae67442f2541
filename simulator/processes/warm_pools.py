"""A warm pool: instances of a group that are prepared and stopped, so that they start faster."""

from collections.abc import Callable

from simulator.processes.clock import CHANGES, Clock
from simulator.processes.draws import CallDurations


class WarmPool:
    """Stopped instances beside a group: as many as its prepared capacity is above the desired one.

    Full at the start; what is taken or missing is prepared anew, which takes a boot and a bootstrap.

    Parameters
    ----------
    prepared : int
        ``MaxGroupPreparedCapacity``: instances in the group and in the pool together.
    minimum : int
        ``MinSize`` of the pool.
    start : CallDurations
        From the decision until an instance of the pool is in service [us].
    prepare_us : callable
        How long the next one takes to get into the pool [us].
    """

    def __init__(
        self,
        clock: Clock,
        *,
        prepared: int,
        minimum: int,
        start: CallDurations,
        prepare_us: Callable[[], int],
    ) -> None:
        self._clock = clock
        self._prepared = prepared
        self._minimum = minimum
        self._start = start
        self._prepare_us = prepare_us
        self._preparing = 0
        self._stopped: int | None = None  # full when it is first asked for its size

    def take(self) -> int | None:
        """Take an instance: how long it takes to start [us]; None when the pool is empty."""
        if not self._stopped:
            return None
        self._stopped -= 1
        return self._start.next()

    def refill(self, desired: int) -> None:
        """Prepare what is missing beside a group of *desired*; what is too much is terminated."""
        size = max(self._minimum, self._prepared - desired)
        if self._stopped is None:
            self._stopped = size
        self._stopped = min(self._stopped, size)
        for _ in range(size - self._stopped - self._preparing):
            self._preparing += 1
            self._clock.at(self._clock.now + max(1, self._prepare_us()), CHANGES, self._add, None)

    def _add(self, _: object) -> None:
        assert self._stopped is not None
        self._preparing -= 1
        self._stopped += 1
