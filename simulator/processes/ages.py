"""The age of a queue's oldest message, read off as CloudWatch does."""

from simulator.processes.clock import SAMPLES
from simulator.processes.gauges import Gauge
from simulator.processes.queues import Dispatcher
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Quantity

_SECOND_US = 1_000_000


class AgeGauge:
    """ApproximateAgeOfOldestMessage of one queue, once a period.

    Parameters
    ----------
    period_us : int
        Time between readings [us].
    """

    def __init__(self, dispatcher: Dispatcher, recorder: Recorder, period_us: int) -> None:
        self._clock = dispatcher.clock
        self._queue = dispatcher.queue
        self._period_us = period_us
        self._gauge = Gauge(recorder, dispatcher.thing, Quantity.OLDEST_S, 0)
        self._clock.at(period_us, SAMPLES, self._sample, None)

    def _sample(self, _: object) -> None:
        now = self._clock.now
        self._gauge.set(now, max(0, now - self._queue.oldest_at(now)) // _SECOND_US)
        self._clock.at(now + self._period_us, SAMPLES, self._sample, None)

    def finish_run(self) -> None:
        """Write down the age of the last reading."""
        self._gauge.close(self._clock.now)
