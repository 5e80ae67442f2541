"""CloudWatch's metrics: read once a period, published later, and then the same for everyone who asks."""

from collections.abc import Callable
from typing import Final, NamedTuple

from simulator.aws.cloudwatch.metrics import PublishedSeries
from simulator.processes.clock import POLICIES, SAMPLES, Clock

_MISSING: Final = float("nan")


class Timing(NamedTuple):
    """When points are taken, the first one at ``first_at``, and how much later others see them [us]."""

    period_us: int
    publish_delay_us: int
    first_at: int


class Metrics:
    """All CloudWatch metrics of a run, as others see them.

    Only metrics that somebody asks for are read, and a run that asks for none has no event of this.

    Parameters
    ----------
    timing : callable
        When points are taken; asked once, when the first metric is asked for.

    Attributes
    ----------
    blackout : bool
        While it lasts no point is published, and those of its periods never are.
    """

    def __init__(self, clock: Clock, timing: Callable[[], Timing]) -> None:
        self.blackout = False
        self._clock = clock
        self._asked_timing = timing
        self._timing: Timing | None = None
        self._reads: dict[str, Callable[[int], float]] = {}
        self._newest: dict[str, tuple[int, float]] = {}
        self._published: dict[str, PublishedSeries] = {}
        self._deciders: list[Callable[[int], None]] = []

    def declare(self, path: str, read: Callable[[int], float]) -> None:
        """There is a metric *path*.

        ``read(at)`` is its value in the period that ends at *at* [us], nan where it has none. It is called at
        most once a period; a counting metric gives the sum since the last call.
        """
        self._reads[path] = read

    def knows(self, path: str) -> bool:
        """Whether there is such a metric."""
        return path in self._reads

    def paths(self) -> tuple[str, ...]:
        """Every metric there is."""
        return tuple(self._reads)

    def read(self, path: str, at: int) -> float:
        """Value of metric *path* in the period that ends at *at* [us]: some metrics are made of others."""
        newest = self._newest.get(path)
        if newest is None or newest[0] != at:
            newest = self._newest[path] = (at, self._reads[path](at))
        return newest[1]

    def series(self, path: str) -> PublishedSeries:
        """What is published of metric *path*, read once a period from now on.

        Raises
        ------
        ValueError
            There is no such metric.
        """
        if path not in self._reads:
            raise ValueError(f"there is no metric {path!r}")
        if path not in self._published:
            timing = self._start()
            self._published[path] = PublishedSeries(timing.period_us, timing.publish_delay_us)
        return self._published[path]

    def every_period(self, decide: Callable[[int], None]) -> None:
        """Call ``decide(at)`` once a period, after all metrics are read, in the order of these calls."""
        self._start()
        self._deciders.append(decide)

    def _start(self) -> Timing:
        if self._timing is None:
            self._timing = self._asked_timing()
            self._clock.at(self._timing.first_at, SAMPLES, self._sample)
        return self._timing

    def _sample(self, _: object) -> None:
        assert self._timing is not None
        at = self._clock.now
        for path, published in self._published.items():
            value = self.read(path, at)
            published.add(at, _MISSING if self.blackout else value)
        self._clock.at(at, POLICIES, self._decide)
        self._clock.at(at + self._timing.period_us, SAMPLES, self._sample)

    def _decide(self, _: object) -> None:
        at = self._clock.now
        for decide in self._deciders:
            decide(at)
