"""Lambda's event source mapping for SQS: how many batches at once, and what a batch's answer means.

Rules: AWS Lambda developer guide, "Using Lambda with Amazon SQS" (scaling since November 2023: 5 concurrent
batches at first, up to 300 more a minute; maximum concurrency; batching window; partial batch responses).
How fast an idle mapping shrinks, and the pauses after a throttle, are not published: they come in as numbers.
"""

import json
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60_000_000
_VISIBILITY_MARGIN_US: Final = 30_000_000  # developer guide: window + function timeout + 30 s


class MappingLimit(Enum):
    """What keeps a mapping from running more batches at once."""

    RAMP = "still growing"
    MAXIMUM_CONCURRENCY = "its MaximumConcurrency"
    MAPPING_CAP = "the most that AWS gives a mapping"


class EventSourceMapping:
    """Concurrency of a mapping in standard mode, one batch a slot.

    It starts at *start_concurrency*, and while every allowed slot is busy and messages wait, the caller
    lets it ``grow`` by one every ``growth_interval_us``. Without any batch for *idle_after_us* it falls to
    the start again, after as long once more to *idle_concurrency* (not where a maximum is set).

    Parameters
    ----------
    batch_size, window_us : int
        BatchSize and MaximumBatchingWindowInSeconds [us].
    maximum_concurrency : int or None
        MaximumConcurrency of the scaling config.
    report_batch_item_failures : bool
        Whether the function answers which messages failed.
    start_concurrency, growth_per_minute, cap : int
        Concurrent batches at first, gained a minute, at most.
    idle_after_us : int
        Time without a batch [us] after which it shrinks.
    idle_concurrency : int
        What it shrinks to in the end.
    """

    __slots__ = (
        "_idle_from",
        "_idle_to",
        "_may_grow_at",
        "_start",
        "batch_size",
        "busy",
        "ceiling",
        "concurrency",
        "growth_interval_us",
        "idle_after_us",
        "maximum_concurrency",
        "report_batch_item_failures",
        "window_us",
    )

    def __init__(
        self,
        *,
        batch_size: int = 10,
        window_us: int = 0,
        maximum_concurrency: int | None = None,
        report_batch_item_failures: bool = False,
        start_concurrency: int = 5,
        growth_per_minute: int = 300,
        cap: int = 1250,
        idle_after_us: int = _MINUTE_US,
        idle_concurrency: int = 2,
    ) -> None:
        self.batch_size = batch_size
        self.window_us = window_us
        self.maximum_concurrency = maximum_concurrency
        self.report_batch_item_failures = report_batch_item_failures
        self.ceiling = cap if maximum_concurrency is None else min(cap, maximum_concurrency)
        self.growth_interval_us = max(1, round(_MINUTE_US / growth_per_minute))
        self.idle_after_us = idle_after_us
        self._start = min(start_concurrency, self.ceiling)
        self._idle_to = min(idle_concurrency, self._start) if maximum_concurrency is None else self._start
        self._idle_from = 0
        self._may_grow_at = 0
        self.concurrency = self._start
        self.busy = 0

    @property
    def limit(self) -> MappingLimit:
        """What binds when every allowed slot is busy."""
        if self.concurrency < self.ceiling:
            return MappingLimit.RAMP
        if self.ceiling == self.maximum_concurrency:
            return MappingLimit.MAXIMUM_CONCURRENCY
        return MappingLimit.MAPPING_CAP

    def room(self) -> int:
        """How many more batches may begin now; of an idle mapping after ``settle``."""
        return self.concurrency - self.busy

    def begin(self, now: int) -> None:
        """A batch takes up a slot at *now* [us]."""
        if not self.busy:
            self.settle(now)
        self.busy += 1

    def end(self, now: int) -> None:
        """A batch leaves its slot at *now* [us]."""
        self.busy -= 1
        if not self.busy:
            self._idle_from = now

    def grow(self, now: int) -> bool:
        """An interval of pressure is over at *now* [us]: allow one batch more.

        False, and nothing changed, at the ceiling and when the last growth is less than an interval ago.
        """
        if self.concurrency >= self.ceiling or now < self._may_grow_at:
            return False
        self.concurrency += 1
        self._may_grow_at = now + self.growth_interval_us
        return True

    def settle(self, now: int) -> list[tuple[int, int]]:
        """Shrink an idle mapping up to *now* [us]: (instant [us], concurrency) of each fall, mostly none."""
        falls: list[tuple[int, int]] = []
        if self.busy:
            return falls
        for nth, level in ((1, self._start), (2, self._idle_to)):
            at = self._idle_from + nth * self.idle_after_us
            if at > now:
                break
            if self.concurrency > level:
                self.concurrency = level
                falls.append((at, level))
        return falls


def item_failures(response: str | None, message_ids: Sequence[str]) -> set[str]:
    """Ids of the messages that come back, by a function's answer with ReportBatchItemFailures.

    No answer, an empty one, and a null or empty ``batchItemFailures`` mean that all messages succeeded.
    What cannot be understood returns the whole batch: no JSON, another shape, an item without
    ``itemIdentifier``, an identifier that is null, empty or not of this batch. (An exception returns the
    whole batch too, but then there is no answer to read.) On a FIFO queue only the named messages come back
    as well: that a handler stops at the first failure and names the rest is its own duty, not the mapping's.

    Parameters
    ----------
    response : str or None
        The raw answer, JSON; None: nothing at all.
    message_ids : sequence of str
        Message ids of the batch.
    """
    everything = set(message_ids)
    if not response:
        return set()
    try:
        answer = json.loads(response)
    except ValueError:
        return everything
    if not answer:
        return set()
    if not isinstance(answer, dict):
        return everything
    items = answer.get("batchItemFailures")
    if items is None:
        return set()
    if not isinstance(items, list):
        return everything
    failed: set[str] = set()
    for item in items:
        identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
        if not isinstance(identifier, str) or identifier not in everything:
            return everything
        failed.add(identifier)
    return failed


class SettingRanges(NamedTuple):
    """What AWS allows for the settings of a mapping (CreateEventSourceMapping), both ends included."""

    default_batch_size: int = 10
    largest_batch: int = 10_000
    largest_fifo_batch: int = 10
    largest_batch_without_window: int = 10
    smallest_window_us: int = _SECOND_US
    largest_window_us: int = 300 * _SECOND_US
    maximum_concurrency: tuple[int, int] = (2, 1000)


RANGES: Final = SettingRanges()


def check_settings(
    queue_type: str,
    batch_size: int | None = None,
    window_us: int = 0,
    maximum_concurrency: int | None = None,
    visibility_timeout_us: int | None = None,
    function_timeout_us: int | None = None,
    ranges: SettingRanges = RANGES,
) -> tuple[list[str], int]:
    """What AWS would refuse in creating this mapping, and its batch size.

    Parameters
    ----------
    queue_type : str
        ``standard`` or ``fifo``.
    batch_size, window_us, maximum_concurrency : int
        Settings of the mapping; window [us]. None: not given.
    visibility_timeout_us, function_timeout_us : int
        Of the queue and of the function [us], to be held against each other.
    ranges : SettingRanges
        AWS's limits.
    """
    problems: list[str] = []
    size = ranges.default_batch_size if batch_size is None else batch_size
    fifo = queue_type == "fifo"
    largest = ranges.largest_fifo_batch if fifo else ranges.largest_batch
    if not 1 <= size <= largest:
        problems.append(f"BatchSize is {size}; a {queue_type} queue allows 1 to {largest}")
    if fifo and window_us:
        problems.append("a batching window is not for FIFO queues")
    elif not 0 <= window_us <= ranges.largest_window_us or window_us % _SECOND_US:
        problems.append(
            f"MaximumBatchingWindowInSeconds is {_seconds(window_us)}; "
            f"whole seconds from 0s to {_seconds(ranges.largest_window_us)} are allowed"
        )
    if not fifo and size > ranges.largest_batch_without_window and window_us < ranges.smallest_window_us:
        problems.append(
            f"BatchSize {size} is above {ranges.largest_batch_without_window} and "
            f"needs a batching window of at least {_seconds(ranges.smallest_window_us)}"
        )
    low, high = ranges.maximum_concurrency
    if maximum_concurrency is not None and not low <= maximum_concurrency <= high:
        problems.append(f"MaximumConcurrency is {maximum_concurrency}; {low} to {high} are allowed")
    if (
        visibility_timeout_us is not None
        and function_timeout_us is not None
        and function_timeout_us > visibility_timeout_us
    ):
        problems.append(
            f"the function's timeout ({_seconds(function_timeout_us)}) is above "
            f"the queue's visibility timeout ({_seconds(visibility_timeout_us)})"
        )
    return problems, size


def _seconds(duration_us: int) -> str:
    return f"{duration_us / _SECOND_US:g}s"


def effective_visibility_us(visibility_timeout_us: int, window_us: int, function_timeout_us: int) -> int:
    """Visibility timeout [us] of the mapping's receives.

    With a batching window, a visibility timeout below window + function timeout would end while the batch
    is still gathered or worked on: the mapping then receives with window + function timeout + 30 s.
    """
    needed_us = window_us + function_timeout_us
    if window_us and needed_us > visibility_timeout_us:
        return needed_us + _VISIBILITY_MARGIN_US
    return visibility_timeout_us


def throttle_pause_us(attempt: int, first_us: int = _SECOND_US, cap_us: int = 30 * _SECOND_US) -> int:
    """Pause [us] of a slot after its batch's *attempt*-th throttled invocation, counted from 1.

    It doubles each time up to *cap_us*; AWS publishes no curve.
    """
    return min(cap_us, first_us << min(attempt - 1, 40))
