"""What is written down about a downstream: counts and levels, one row a second in which anything happened."""

from typing import Final

from simulator.recording.recorder import Recorder
from simulator.recording.tables import Quantity

_SECOND_US: Final = 1_000_000
_THOUSAND: Final = 1_000


class SecondCount:
    """How often something happened, or a sum of durations [us], second by second.

    A row holds the count of its second times a million, so that its value times its length [us] is the
    count times 10**12; of durations it holds their sum [us] as it is.
    """

    __slots__ = ("_count", "_factor", "_quantity", "_recorder", "_second", "_thing")

    def __init__(
        self, recorder: Recorder, thing: int, quantity: Quantity, *, durations: bool = False
    ) -> None:
        self._recorder = recorder
        self._thing = thing
        self._quantity = int(quantity)
        self._factor = 1 if durations else _SECOND_US
        self._second = 0
        self._count = 0

    def add(self, now: int, count: int = 1) -> None:
        """It happened at *now* [us]."""
        second = now // _SECOND_US
        if second != self._second:
            self.close(now)
            self._second = second
        self._count += count

    def close(self, now: int) -> None:
        """Write down the second that is open; *now* [us] is not before it."""
        if self._count:
            from_at = self._second * _SECOND_US
            value = self._count * self._factor
            self._recorder.change(self._thing, self._quantity, value, from_at, from_at + _SECOND_US)
        self._count = 0


class SecondLevel:
    """A level that moves often: its mean over each second, in thousandths; exact to one of them."""

    __slots__ = ("_area", "_at", "_from_at", "_quantity", "_recorder", "_thing", "value")

    def __init__(self, recorder: Recorder, thing: int, quantity: Quantity) -> None:
        self._recorder = recorder
        self._thing = thing
        self._quantity = int(quantity)
        self._from_at = 0  # start of the second that is open
        self._at = 0
        self._area = 0
        self.value = 0

    def set(self, now: int, value: int) -> None:
        """The value from *now* [us] on."""
        end = self._from_at + _SECOND_US
        if now >= end:
            self._area += self.value * (end - self._at)
            self._write(self._area, self._from_at, end)
            whole = (now - end) // _SECOND_US * _SECOND_US
            self._write(self.value * _SECOND_US, end, end + whole)
            self._from_at = self._at = end + whole
            self._area = 0
        self._area += self.value * (now - self._at)
        self._at = now
        self.value = value

    def _write(self, area_us: int, from_at: int, until_at: int) -> None:
        value = (area_us * _THOUSAND + _SECOND_US // 2) // _SECOND_US
        if value:
            self._recorder.change(self._thing, self._quantity, value, from_at, until_at)

    def close(self, now: int) -> None:
        """The run ends at *now* [us]."""
        self.set(now, self.value)
        if now > self._from_at:
            value = (self._area * _THOUSAND + (now - self._from_at) // 2) // (now - self._from_at)
            if value:
                self._recorder.change(self._thing, self._quantity, value, self._from_at, now)
        self._from_at = self._at = now
        self._area = 0


class Figures:
    """All that is written down about one downstream.

    Attributes
    ----------
    calls, failed_calls : SecondCount
        Calls that messages needed, and those that failed for good.
    tries, answered, refused, timed_out, errors : SecondCount
        Tries of calls, and how they ended: answered well, refused by the rate, given up by their caller,
        answered with an error.
    seen_us : SecondCount
        How long callers waited for the ends of their tries, summed [us].
    in_use, in_line : SecondLevel
        Tries being served, and those that wait for a connection or for the rate.
    """

    def __init__(self, recorder: Recorder, thing: int) -> None:
        def count(quantity: Quantity) -> SecondCount:
            return SecondCount(recorder, thing, quantity)

        self.calls = count(Quantity.CALLS)
        self.failed_calls = count(Quantity.FAILED_CALLS)
        self.tries = count(Quantity.TRIES)
        self.answered = count(Quantity.ANSWERED_TRIES)
        self.refused = count(Quantity.REFUSED_TRIES)
        self.timed_out = count(Quantity.TIMED_OUT_TRIES)
        self.errors = count(Quantity.FAILED_TRIES)
        self.seen_us = SecondCount(recorder, thing, Quantity.TRY_US, durations=True)
        self.in_use = SecondLevel(recorder, thing, Quantity.SERVED_TRIES)
        self.in_line = SecondLevel(recorder, thing, Quantity.WAITING_TRIES)

    def close(self, now: int) -> None:
        """The run ends at *now* [us]."""
        counts = (self.calls, self.failed_calls, self.tries, self.answered, self.refused, self.timed_out)
        for count in (*counts, self.errors, self.seen_us):
            count.close(now)
        self.in_use.close(now)
        self.in_line.close(now)
