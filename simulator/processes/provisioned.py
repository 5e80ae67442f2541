"""Event source mappings in provisioned mode."""

from typing import Any

from simulator.aws.lambda_.provisioned_pollers import ProvisionedMapping
from simulator.aws.sqs.receipt import Receipt
from simulator.processes.clock import CHANGES
from simulator.processes.gauges import Gauge
from simulator.processes.mappings import Mapping
from simulator.processes.polls import PacedPolls
from simulator.processes.sizes import Sizes


class ProvisionedPolling(Mapping):
    """A mapping whose pollers are its own: they come and go by what they have to do.

    Parameters
    ----------
    pollers_gauge : Gauge
        How many there are.
    sizes : Sizes
        What a receive brings, in bytes.
    """

    def __init__(
        self,
        *parts: Any,
        provisioned: ProvisionedMapping,
        paced: PacedPolls,
        pollers_gauge: Gauge,
        sizes: Sizes,
        **settings: Any,
    ) -> None:
        super().__init__(*parts, **settings)
        self._provisioned = provisioned
        self._paced = paced
        self._pollers_gauge = pollers_gauge
        self._sizes = sizes
        self._reviewing = False

    def begin(self, receipt: Receipt, causes: dict[int, int]) -> None:
        """Take up a receive; its bytes count against what the pollers may take in a second."""
        self._paced.pace.carry(self._clock.now, self._sizes.of(receipt.received))
        super().begin(receipt, causes)

    def _show_concurrency(self, now: int) -> None:
        super()._show_concurrency(now)
        pollers = self._provisioned.pollers
        self._pollers_gauge.set(now, pollers)
        self._paced.pace.resize(now, pollers)
        if pollers > self._provisioned.minimum and not self._reviewing:
            self._reviewing = True
            self._clock.at(now + self._provisioned.idle_after_us, CHANGES, self._review)

    def _review(self, _: object) -> None:
        """Let pollers go that were of no use since the last look."""
        self._reviewing = False
        if self._paused:
            return
        room = self._provisioned.room()
        gone = self._provisioned.review()
        self._lose(gone, room)
        if not gone:
            self._show_concurrency(self._clock.now)

    def finish_run(self) -> None:
        """Write down the batches still in hand."""
        super().finish_run()
        self._pollers_gauge.close(self._clock.now)
