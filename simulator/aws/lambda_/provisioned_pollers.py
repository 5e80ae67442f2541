"""Provisioned mode of an event source mapping: event pollers of one's own.

Rules (AWS Lambda developer guide, "Using Lambda with Amazon SQS", mode of November 2025): a poller takes up
to 1 MB a second, runs up to 10 invocations at once and makes up to 10 polling calls a second; the mapping
keeps its minimum of pollers, and grows by up to 1,000 invocations at once a minute, to its maximum. When
unused ones go is not published: they go by the busiest moment of a while (model).
"""

from typing import Final, NamedTuple

from simulator.aws.lambda_.event_source_mapping import ErrorBackoff, EventSourceMapping, MappingLimit

_SECOND_US: Final = 1_000_000


class Poller(NamedTuple):
    """What one poller can do at most."""

    concurrency: int = 10
    calls_per_s: int = 10
    bytes_per_s: int = 1024 * 1024


def poller_ceiling_per_s(poller: Poller, batch_size: int, duration_us: int, message_bytes: int) -> float:
    """Messages a second of one poller, at most: the least of calls, concurrency and bytes."""
    by_calls = poller.calls_per_s * min(10, batch_size)
    by_concurrency = poller.concurrency * batch_size * _SECOND_US / duration_us
    return min(by_calls, by_concurrency, poller.bytes_per_s / message_bytes)


class ProvisionedMapping(EventSourceMapping):
    """Concurrency of a mapping in provisioned mode: that of its pollers.

    Parameters
    ----------
    minimum, maximum : int
        MinimumPollers and MaximumPollers.
    poller : Poller
        What one of them can do.
    growth_per_minute : int
        Concurrency gained a minute.
    account : int, optional
        Concurrency quota of the account.
    idle_after_us : int
        Span [us] whose busiest moment decides how many pollers stay.
    """

    __slots__ = ("_busiest", "minimum", "poller")

    def __init__(
        self,
        minimum: int,
        maximum: int,
        poller: Poller,
        *,
        batch_size: int = 10,
        window_us: int = 0,
        report_batch_item_failures: bool = False,
        growth_per_minute: int = 1000,
        account: int | None = None,
        idle_after_us: int = 60 * _SECOND_US,
        backoff: ErrorBackoff | None = None,
    ) -> None:
        least = minimum * poller.concurrency
        super().__init__(
            batch_size=batch_size,
            window_us=window_us,
            report_batch_item_failures=report_batch_item_failures,
            start_concurrency=least,
            growth_per_minute=growth_per_minute,
            cap=maximum * poller.concurrency,
            account=account,
            idle_after_us=idle_after_us,
            idle_concurrency=least,
            backoff=backoff,
            step=poller.concurrency,
        )
        self.minimum = minimum
        self.poller = poller
        self._busiest = 0

    @property
    def pollers(self) -> int:
        """Pollers there are."""
        return -(-self.concurrency // self.poller.concurrency)

    @property
    def limit(self) -> MappingLimit:
        """What binds when every poller is busy."""
        limit = super().limit
        return MappingLimit.PROVISIONED_POLLERS if limit is MappingLimit.MAPPING_CAP else limit

    def begin(self, now: int) -> None:
        """A batch takes up a slot at *now* [us]."""
        super().begin(now)
        self._busiest = max(self._busiest, self.busy)

    def review(self) -> int:
        """A span is over: let pollers go that its busiest moment had no use for; how many slots go."""
        needed = -(-self._busiest // self.poller.concurrency) * self.poller.concurrency
        kept = min(self.concurrency, max(self._start, needed))
        gone, self.concurrency = self.concurrency - kept, kept
        self._busiest = self.busy
        return gone


class Pace:
    """What a number of pollers may still call and take; a second's worth is there at once (model).

    Bytes are known only when a call is answered: they may be overdrawn, and the next call waits for that.
    """

    __slots__ = ("_at", "_bytes", "_calls", "_poller", "_pollers")

    def __init__(self, poller: Poller, pollers: int) -> None:
        self._poller = poller
        self._pollers = pollers
        # In millionths, so that a microsecond refills a whole number of them.
        self._calls = poller.calls_per_s * pollers * _SECOND_US
        self._bytes = poller.bytes_per_s * pollers * _SECOND_US
        self._at = 0

    def resize(self, now: int, pollers: int) -> None:
        """There are so many pollers from *now* [us] on."""
        self._refill(now)
        self._pollers = pollers

    def next_at(self, now: int) -> int:
        """The first instant [us] from *now* at which one more call may be made."""
        self._refill(now)
        calls, taken = self._poller.calls_per_s * self._pollers, self._poller.bytes_per_s * self._pollers
        wait_us = max(-(-(_SECOND_US - self._calls) // calls), -(-(1 - self._bytes) // taken))
        return now + max(0, wait_us)

    def call(self, now: int) -> None:
        """A call is made at *now* [us]."""
        self._refill(now)
        self._calls -= _SECOND_US

    def carry(self, now: int, size_bytes: int) -> None:
        """A call has brought so many bytes."""
        self._refill(now)
        self._bytes -= size_bytes * _SECOND_US

    def _refill(self, now: int) -> None:
        elapsed_us, self._at = now - self._at, now
        calls, taken = self._poller.calls_per_s * self._pollers, self._poller.bytes_per_s * self._pollers
        self._calls = min(calls * _SECOND_US, self._calls + elapsed_us * calls)
        self._bytes = min(taken * _SECOND_US, self._bytes + elapsed_us * taken)
