"""Lambda's event source mapping for SQS: how many batches at once, and what a batch's answer means.

Rules: AWS Lambda developer guide, "Using Lambda with Amazon SQS" (scaling since November 2023: 5 concurrent
batches at first, up to 300 more a minute; maximum concurrency; lower concurrency after function errors;
partial batch responses; provisioned mode). How fast an idle mapping shrinks, by how much errors lower it, and
the pauses after a throttle, are not published: they come in as numbers.
"""

import json
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60_000_000
_NEVER: Final = -1
_VISIBILITY_MARGIN_US: Final = 30_000_000  # developer guide: window + function timeout + 30 s


class MappingLimit(Enum):
    """What keeps a mapping from running more batches at once."""

    RAMP = "still growing"
    MAXIMUM_CONCURRENCY = "its MaximumConcurrency"
    MAPPING_CAP = "the most that AWS gives a mapping"
    ACCOUNT_CONCURRENCY = "the account's concurrency"
    PROVISIONED_POLLERS = "its pollers"
    ERROR_BACKOFF = "function errors or throttles not long ago"


class ErrorBackoff(NamedTuple):
    """How failed and throttled invocations lower a mapping's concurrency.

    A second in which more than ``share`` of the invocations were bad takes ``shrink`` of the concurrency,
    down to what the mapping starts with, and for ``hold_us`` nothing grows. Pollers that know nothing of
    reserved concurrency so go on taking more than it admits, as users see it. Item failures of a partial
    batch response are not bad (guide).
    """

    share: float = 0.05
    shrink: float = 0.1
    hold_us: int = 5 * _SECOND_US


class EventSourceMapping:
    """Concurrency of a mapping, one batch a slot.

    It starts at *start_concurrency*, and while every allowed slot is busy and messages wait, the caller
    lets it ``grow`` every ``growth_interval_us``. Without any batch for *idle_after_us* it falls to
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
    account : int, optional
        Concurrency quota of the account, which the pollers know (of reserved concurrency they do not).
    idle_after_us : int
        Time without a batch [us] after which it shrinks.
    idle_concurrency : int
        What it shrinks to in the end.
    backoff : ErrorBackoff, optional
        What errors and throttles do; None: nothing.
    step : int
        Slots gained at a time.
    """

    __slots__ = (
        "_account",
        "_backoff",
        "_bad",
        "_ended",
        "_held_until",
        "_idle_from",
        "_idle_to",
        "_may_grow_at",
        "_second_ends_at",
        "_start",
        "_step",
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
        account: int | None = None,
        idle_after_us: int = _MINUTE_US,
        idle_concurrency: int = 2,
        backoff: ErrorBackoff | None = None,
        step: int = 1,
    ) -> None:
        self.batch_size = batch_size
        self.window_us = window_us
        self.maximum_concurrency = maximum_concurrency
        self.report_batch_item_failures = report_batch_item_failures
        ceilings = [one for one in (cap, maximum_concurrency, account) if one is not None]
        self.ceiling = min(ceilings)
        self._account = account
        self._step = step
        self.growth_interval_us = max(1, round(_MINUTE_US * step / growth_per_minute))
        self.idle_after_us = idle_after_us
        self._start = min(start_concurrency, self.ceiling)
        self._idle_to = min(idle_concurrency, self._start) if maximum_concurrency is None else self._start
        self._idle_from = 0
        self._may_grow_at = 0
        self._backoff = backoff
        self._second_ends_at = 0
        self._ended = self._bad = 0
        self._held_until = _NEVER
        self.concurrency = self._start
        self.busy = 0

    @property
    def limit(self) -> MappingLimit:
        """What binds when every allowed slot is busy."""
        if self.concurrency < self.ceiling:
            return MappingLimit.RAMP
        if self.ceiling == self.maximum_concurrency:
            return MappingLimit.MAXIMUM_CONCURRENCY
        if self.ceiling == self._account:
            return MappingLimit.ACCOUNT_CONCURRENCY
        return MappingLimit.MAPPING_CAP

    def limit_at(self, now: int) -> MappingLimit:
        """What binds at *now* [us] when every allowed slot is busy; errors of late before all else."""
        limit = self.limit
        return MappingLimit.ERROR_BACKOFF if limit is MappingLimit.RAMP and now < self._held_until else limit

    def room(self) -> int:
        """How many more batches may begin now; of an idle mapping after ``settle``, never below 0."""
        return max(0, self.concurrency - self.busy)

    def begin(self, now: int) -> None:
        """A batch takes up a slot at *now* [us]."""
        if not self.busy:
            self.settle(now)
        self.busy += 1

    def end(self, now: int) -> None:
        """A batch leaves its slot at *now* [us]."""
        if now >= self._second_ends_at:
            self._turn(now)
        self._ended += 1
        self.busy -= 1
        if not self.busy:
            self._idle_from = now

    def restart(self, now: int) -> None:
        """A mapping that was disabled is enabled at *now* [us]: it starts anew."""
        self.concurrency = self._start
        self._idle_from = now
        self._held_until = _NEVER

    # -- growth ------------------------------------------------------------------------------------

    def grow(self, now: int) -> int:
        """An interval of pressure is over at *now* [us]: allow more; how many slots that is.

        0, and nothing changed, at the ceiling, soon after errors, and when the last growth is less than
        an interval ago.
        """
        if self.concurrency >= self.ceiling or now < self._may_grow_at or now < self._held_until:
            return 0
        gained = min(self._step, self.ceiling - self.concurrency)
        self.concurrency += gained
        self._may_grow_at = now + self.growth_interval_us
        return gained

    def next_growth_at(self, now: int) -> int:
        """When an interval of pressure that begins at *now* [us] is over, and nothing holds growth."""
        return max(now + self.growth_interval_us, self._held_until)

    # -- errors ------------------------------------------------------------------------------------

    def bad(self, now: int, *, ended: bool) -> int | None:
        """An invocation failed or was throttled at *now* [us]; when its second is to be judged, if untold.

        *ended* tells that its slot is left with it, so ``end`` counts it.
        """
        if self._backoff is None:
            return None
        if now >= self._second_ends_at:
            self._turn(now)
        self._bad += 1
        if not ended:
            self._ended += 1
        return self._second_ends_at - 1 if self._bad == 1 else None

    def judge(self, now: int) -> int:
        """The second at whose end *now* [us] is had bad invocations: how many slots are lost by that."""
        backoff = self._backoff
        if backoff is None or self._bad <= backoff.share * self._ended:
            return 0
        self._held_until = now + backoff.hold_us
        lower = max(min(self._start, self.concurrency), int(self.concurrency * (1 - backoff.shrink)))
        lost, self.concurrency = self.concurrency - lower, lower
        return lost

    def _turn(self, now: int) -> None:
        """Begin to count another second."""
        self._second_ends_at = now - now % _SECOND_US + _SECOND_US
        self._ended = self._bad = 0

    # -- idleness ----------------------------------------------------------------------------------

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
