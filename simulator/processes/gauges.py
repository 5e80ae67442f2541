"""A quantity that changes in steps."""

from simulator.recording.recorder import Recorder
from simulator.recording.tables import Quantity


class Gauge:
    """Writes a row of ``changes`` whenever its value has changed."""

    __slots__ = ("_from_at", "_quantity", "_recorder", "_thing", "value")

    def __init__(self, recorder: Recorder, thing: int, quantity: Quantity, value: int) -> None:
        self._recorder = recorder
        self._thing = thing
        self._quantity = int(quantity)
        self._from_at = 0
        self.value = value

    def set(self, now: int, value: int) -> None:
        """The value from *now* [us] on."""
        if value != self.value:
            self.close(now)
            self.value = value

    def close(self, now: int) -> None:
        """Write down the value held until *now* [us]."""
        self._recorder.change(self._thing, self._quantity, self.value, self._from_at, now)
        self._from_at = now
