"""One replication's partial, read: counts, histograms and levels by scope and time bin."""

import math
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from simulator.analysis.histogram import Buckets, at_rank, floor_of_rank, joined
from simulator.analysis.partial import BUCKET_BITS, SUM_OF, Cells, Field, Frame, Level, Partial, cells


class Steps(NamedTuple):
    """A quantity that changes in steps, by time bin.

    ``edges`` has shape (bins + 1,): its value at each bin's start, and at the end of the last. ``integrals``
    has shape (bins,): value times time over each bin [us]; both int64 and exact.
    """

    edges: np.ndarray
    integrals: np.ndarray


class Quantile(NamedTuple):
    """A quantile of one run [us]: a lower bound where it falls among the unfinished."""

    us: float
    unfinished: bool = False
    never: bool = False


class Durations(NamedTuple):
    """Durations of all copies offered in the window, also of those that did not come to an end.

    The unfinished rank behind the finished, those that were dead-lettered or lost behind all.
    """

    known: Buckets
    open: Buckets
    never: int
    known_us: int
    open_us: int

    @property
    def copies(self) -> int:
        """How many there are."""
        return self.known.total + self.open.total + self.never

    def quantile(self, share: float) -> Quantile:
        """The smallest duration that at least *share* of all copies do not exceed.

        Among the unfinished it is at least the same rank of all durations known and the unfinished ones'
        so far.
        """
        copies, known = self.copies, self.known.total
        if not copies:
            return Quantile(math.nan)
        rank = max(1, math.ceil(share * copies - 1e-9))
        if rank <= known:
            return Quantile(at_rank(self.known, rank))
        if rank <= copies - self.never:
            return Quantile(floor_of_rank(joined(self.known, self.open), rank), unfinished=True)
        return Quantile(math.nan, never=True)

    def mean(self) -> Quantile:
        """Mean without those that will never end; a lower bound where any is unfinished."""
        counted = self.copies - self.never
        if not counted:
            return Quantile(math.nan, never=self.never > 0)
        return Quantile((self.known_us + self.open_us) / counted, unfinished=self.open.total > 0)


class Replication:
    """What one run's partial says.

    Parameters
    ----------
    frame : Frame
        As it was reduced with.
    partial : Partial
        All rows of one run.
    """

    def __init__(self, frame: Frame, partial: Partial) -> None:
        self.frame = frame
        self._partial = partial
        self._cells: dict[Field, Cells] = {}

    @cached_property
    def end_at(self) -> int:
        """When the run ended: the last instant of any row, and never before arrivals do [us]."""
        last: list[int] = cells(self._partial.maxima, Field.END).value.tolist()
        return max([self.frame.duration_us, *last])

    @cached_property
    def bins(self) -> int:
        """Number of bins until the end of the run."""
        return -(-self.end_at // self.frame.bin_us)

    def cells(self, what: Field) -> Cells:
        """The numbers of one field."""
        if what not in self._cells:
            self._cells[what] = cells(self._partial.sums, what)
        return self._cells[what]

    def _of(self, found: Cells, things: Iterable[int] | None, buckets: Iterable[int] | None) -> np.ndarray:
        rows = np.ones(len(found.value), dtype=bool)
        if things is not None:
            rows &= self._mask(things, len(self.frame.things))[found.thing]
        if buckets is not None:
            rows &= self._mask(buckets, 1 << BUCKET_BITS)[found.bucket]
        return rows

    @staticmethod
    def _mask(wanted: Iterable[int], size: int) -> np.ndarray:
        mask = np.zeros(size, dtype=bool)
        mask[list(wanted)] = True
        return mask

    def by_bin(
        self, what: Field, things: Iterable[int] | None, buckets: Iterable[int] | None = None
    ) -> np.ndarray:
        """Sums by time bin; int64 of shape (bins,)."""
        found = self.cells(what)
        rows = self._of(found, things, buckets)
        sums = np.zeros(self.bins, dtype=np.int64)
        np.add.at(sums, np.minimum(found.bin[rows], self.bins - 1), found.value[rows])
        return sums

    def total(
        self,
        what: Field,
        things: Iterable[int] | None,
        first_bin: int = 0,
        buckets: Iterable[int] | None = None,
        last_bin: int | None = None,
    ) -> int:
        """Sum over bins from *first_bin* until *last_bin* (not with it; None: all)."""
        found = self.cells(what)
        rows = self._of(found, things, buckets) & (found.bin >= first_bin)
        if last_bin is not None:
            rows &= found.bin < last_bin
        total: int = found.value[rows].sum().item()
        return total

    def by_bucket(
        self,
        what: Field,
        things: Iterable[int] | None,
        first_bin: int = 0,
        only: np.ndarray | None = None,
    ) -> Buckets:
        """Sums by bucket over all bins from *first_bin*, or of those that *only* names (a mask)."""
        found = self.cells(what)
        rows = self._of(found, things, None) & (found.bin >= first_bin)
        if only is not None:
            rows &= only[np.minimum(found.bin, self.bins - 1)]
        return joined(Buckets(found.bucket[rows], found.value[rows]))

    def durations(
        self,
        what: Field,
        things: Iterable[int] | None,
        first_bin: int = 0,
        only: np.ndarray | None = None,
    ) -> Durations:
        """Durations of copies offered from *first_bin* on: *what* is one of `SUM_OF`.

        With *only*, of those offered in the bins it names (a mask); its means are then of all bins.
        """
        things = None if things is None else list(things)
        known = self.by_bucket(what, things, first_bin, only)
        if what is Field.SEND_DELAY:
            none = Buckets(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
            return Durations(known, none, 0, self.total(Field.SEND_DELAY_SUM, things, first_bin), 0)
        total = SUM_OF[what]
        return Durations(
            known,
            self.by_bucket(Field(what + 1), things, first_bin, only),
            self.by_bucket(Field(what + 2), things, first_bin, only).total,
            self.total(total, things, first_bin),
            self.total(Field(total + 1), things, first_bin),
        )

    def has_level(self, level: int, things: Iterable[int]) -> bool:
        """Whether anything is known of a level of any of *things*."""
        found = (self._of(self.cells(what), things, [level]).any() for what in (Field.START, Field.STEP))
        return any(found)

    def steps(self, level: int, things: Iterable[int]) -> Steps:
        """A level summed over *things*."""
        things = list(things)
        change = self._before_end(Field.STEP, things, level)
        offset = self._before_end(Field.STEP_OFFSET, things, level)
        start = self.total(Field.START, things, buckets=[level])
        edges = start + np.concatenate([[0], np.cumsum(change)])
        return Steps(edges, edges[1:] * self.widths - offset)

    def first_rise_us(self, level: int, thing: int, since_us: float) -> float:
        """When a level first grew from *since_us* on [us]; nan if it never did.

        Exact where it changed once in that bin, else the middle of its changes there.
        """
        if math.isnan(since_us):
            return math.nan
        change = self._before_end(Field.STEP, [thing], level)
        first = int(since_us) // self.frame.bin_us
        for at in np.flatnonzero(change[first:] > 0).tolist():
            offset = self._before_end(Field.STEP_OFFSET, [thing], level)[first + at] / change[first + at]
            rise = (first + at) * self.frame.bin_us + min(max(0.0, offset), float(self.frame.bin_us))
            if rise >= since_us:
                return float(rise)
        return math.nan

    def in_flight(self, queues: Iterable[int]) -> Steps:
        """Copies received and not yet deleted or visible again."""
        return self.steps(Level.IN_FLIGHT, queues)

    def backlog(self, queues: Iterable[int]) -> Steps:
        """Copies visible or delayed."""
        queues = list(queues)
        stored, in_flight = self.steps(Level.STORED, queues), self.in_flight(queues)
        return Steps(stored.edges - in_flight.edges, stored.integrals - in_flight.integrals)

    def _before_end(self, what: Field, things: list[int], level: int) -> np.ndarray:
        """Sums by bin; what changes in the very instant that the run ends is left out."""
        found = self.cells(what)
        rows = self._of(found, things, [level]) & (found.bin < self.bins)
        sums = np.zeros(self.bins, dtype=np.int64)
        np.add.at(sums, found.bin[rows], found.value[rows])
        return sums

    @cached_property
    def widths(self) -> np.ndarray:
        """Width of each bin [us]; the last ends with the run. int64 of shape (bins,)."""
        widths = np.full(self.bins, self.frame.bin_us, dtype=np.int64)
        widths[-1] = self.end_at - (self.bins - 1) * self.frame.bin_us
        return widths

    def starved_us(self, things: Iterable[int]) -> int:
        """Longest time in which a class of *things* had messages waiting and none was received [us]."""
        longest = cells(self._partial.maxima, Field.STARVED)
        found: list[int] = longest.value[np.isin(longest.thing, list(things))].tolist()
        return max([0, *found])

    def drained_us(self, things: Iterable[int]) -> Quantile:
        """How long it took until no copy sent before the drain counts was left; nan without any."""
        since, things = self.frame.drain_from_us, list(things)
        if since is None:
            return Quantile(math.nan)
        if self.total(Field.DRAIN_OPEN, things):
            return Quantile(float(max(0, self.end_at - since)), unfinished=True)
        last = cells(self._partial.maxima, Field.LAST_GONE)
        gone = last.value[np.isin(last.thing, things)]
        return Quantile(float(max(0, int(gone.max()) - since)) if len(gone) else math.nan)
