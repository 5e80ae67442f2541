"""What a fair queue says of its tenants, read off every few seconds."""

from typing import Final

from simulator.aws.sqs.fair import FairQueue
from simulator.processes.clock import SAMPLES, Clock
from simulator.processes.gauges import Gauge
from simulator.recording.recorder import Recorder
from simulator.recording.tables import Quantity

_EVERY_US: Final = 10_000_000
_SECOND_US: Final = 1_000_000


class TenantGauges:
    """Keeps the number of noisy tenants, and what quiet ones have in the queue.

    Parameters
    ----------
    thing : int
        The queue's number among the things of the run.
    """

    def __init__(self, clock: Clock, queue: FairQueue, thing: int, recorder: Recorder) -> None:
        self._clock = clock
        self._queue = queue
        self._gauges = [
            Gauge(recorder, thing, quantity, 0)
            for quantity in (
                Quantity.NOISY_TENANTS,
                Quantity.QUIET_VISIBLE,
                Quantity.QUIET_DELAYED,
                Quantity.QUIET_IN_FLIGHT,
                Quantity.QUIET_OLDEST_S,
            )
        ]
        clock.at(_EVERY_US, SAMPLES, self._sample, None)

    def _sample(self, _: object) -> None:
        now, queue = self._clock.now, self._queue
        quiet = queue.quiet(now)
        oldest_s = (now - quiet.oldest_at) // _SECOND_US if quiet.visible else 0
        values = (queue.noisy, quiet.visible, quiet.delayed, quiet.in_flight, oldest_s)
        for gauge, value in zip(self._gauges, values, strict=True):
            gauge.set(now, value)
        self._clock.at(now + _EVERY_US, SAMPLES, self._sample, None)

    def finish_run(self) -> None:
        """Write down the values of the last seconds."""
        for gauge in self._gauges:
            gauge.close(self._clock.now)
