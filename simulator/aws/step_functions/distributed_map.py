"""Step Functions: how a distributed Map makes batches of its items and starts its children.

Rules (Step Functions guide, "Map state in Distributed mode"): ItemBatcher closes a batch at its number of
items or its bytes, whichever comes first. Children are started evenly at a rate by their kind, while fewer
run than MaxConcurrency, at most 10,000. When more items have failed than tolerated the Map Run fails: it
starts no more children and stops those that run. A child that fails counts with all items of its batch.
"""

from collections.abc import Iterable, Sequence

from simulator.aws.quotas import TokenBucket
from simulator.aws.step_functions.states import Batching, Map


def batches(sizes: Iterable[int], batching: Batching | None) -> list[int]:
    """Give the number of items of each batch, in order; *sizes* of the items [bytes].

    Without batching each item is a batch. An item larger than a whole batch is one of its own.
    """
    if batching is None:
        return [1 for _ in sizes]
    found: list[int] = []
    items = held = 0
    for size in sizes:
        over = batching.input_bytes is not None and held + size > batching.input_bytes
        if items and (over or items == batching.items):
            found.append(items)
            items = held = 0
        items += 1
        held += size
    if items:
        found.append(items)
    return found


class MapRun:
    """The children of one distributed Map: which may start when, and whether the run has failed.

    Parameters
    ----------
    batch_items : sequence of int
        Items of each child.
    rate_per_s : int
        Children started a second at most.
    concurrency : int
        Children that run at once at most, the limit of the service included.
    tolerated_items, tolerated_share : int, float, optional
        Items that may fail; see `Map`.
    """

    def __init__(
        self,
        batch_items: Sequence[int],
        *,
        rate_per_s: int,
        concurrency: int,
        tolerated_items: int | None = None,
        tolerated_share: float | None = None,
    ) -> None:
        self._batch_items = batch_items
        self._bucket = TokenBucket(rate_per_s, 1)
        self._concurrency = concurrency
        self._items = sum(batch_items)
        self._tolerated_items = 0 if tolerated_items is None and tolerated_share is None else tolerated_items
        self._tolerated_share = tolerated_share
        self.started = self.running = self.failed_items = 0
        self.failed = False

    @property
    def over(self) -> bool:
        """Whether every child has ended in a run that goes well, or the run has failed."""
        return self.failed or (self.started == len(self._batch_items) and not self.running)

    def next_at(self, now: int) -> int | None:
        """When the next child may start, from *now* on [us]; None: none is left, or one must end before."""
        if self.failed or self.started == len(self._batch_items) or self.running >= self._concurrency:
            return None
        return self._bucket.next_at(now)

    def start(self, now: int) -> int:
        """Start the next child at *now* [us], an instant that `next_at` gave; give its number, from 0."""
        taken = self._bucket.take(now)
        assert taken, "a child starts when the rate allows it"
        self.running += 1
        self.started += 1
        return self.started - 1

    def ended(self, child: int, *, failed: bool) -> None:
        """Take in that a child has ended."""
        self.running -= 1
        if failed:
            self.failed_items += self._batch_items[child]
            self.failed = self._passed()

    def _passed(self) -> bool:
        if self._tolerated_items is not None and self.failed_items > self._tolerated_items:
            return True
        share = self._tolerated_share
        return share is not None and self.failed_items > share * self._items


def at_once(state: Map, most: int) -> int:
    """Give the iterations of *state* that run at once; *most* is the service's limit for its mode."""
    return min(state.max_concurrency or most, most)
