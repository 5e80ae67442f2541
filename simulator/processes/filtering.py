"""Event filters of a mapping at work: what fits no pattern is deleted before the function hears of it."""

from collections.abc import Mapping, Sequence

from simulator.aws.sqs.receipt import Receipt
from simulator.processes.clock import COMPLETIONS, Clock
from simulator.processes.draws import CallDurations
from simulator.processes.ledger import Ledger
from simulator.processes.queues import Dispatcher
from simulator.processes.stories import Batch
from simulator.recording.tables import NONE, Attempt


class Filtering:
    """Sorts the messages of a mapping's receives; the patterns themselves were judged beforehand.

    Parameters
    ----------
    thing : int
        The mapping's number among the things of the run.
    fits : mapping of str to sequence of bool
        By who said a message: whether each combination of what it may say fits a pattern. Of others nothing
        fits.
    deletes : CallDurations
        How long the calls last that delete what fits none [us].
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        dispatcher: Dispatcher,
        thing: int,
        fits: Mapping[str, Sequence[bool]],
        deletes: CallDurations,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._thing = thing
        self._fits = fits
        self._deletes = deletes

    def busy_us(self) -> int:
        """How long a slot is busy with a receive of which nothing is left [us]."""
        return self._deletes.next()

    def sift(self, receipt: Receipt, causes: dict[int, int]) -> Receipt | None:
        """Delete what fits no pattern; a receipt for the rest, or None if nothing is left."""
        received = receipt.received
        kept = [copy for copy in received if self._is_wanted(copy)]
        if len(kept) == len(received):
            return receipt
        wanted = set(kept)
        self._drop(_Dropped(Sifted(receipt, [copy for copy in received if copy not in wanted]), causes))
        return Sifted(receipt, kept) if kept else None

    def _is_wanted(self, copy: int) -> bool:
        message = self._ledger.message_of[copy]
        block = self._ledger.block_of(message)
        fits = self._fits.get(block.producer)
        return fits is not None and fits[block.attributes[message - block.first]]

    def _drop(self, dropped: "_Dropped") -> None:
        """Delete as soon as there is a token for the call, and write down what was sorted out."""
        now, dispatcher = self._clock.now, self._dispatcher
        tokens = dispatcher.delete_tokens
        if tokens is not None and not tokens.take_for(now, dispatcher.groups_of(dropped.copies)):
            next_at = tokens.next_for(now, dispatcher.groups_of(dropped.copies))
            self._clock.at(next_at, COMPLETIONS, self._drop, dropped)
            return
        n = len(dropped.copies)
        dropped.gone = dispatcher.delete(whole(dropped.receipts[0]), dropped.copies)
        dropped.started_at = dropped.ended_at = [NONE] * n
        dropped.deleted_at = [now] * n
        dispatcher.stories.settle(now, self._thing, dropped)


class Sifted(Receipt):
    """Some messages of a receive; the queue knows only the ``whole`` of it."""

    __slots__ = ("whole",)

    def __init__(self, whole: Receipt, copies: list[int]) -> None:
        again = {copy: whole.again[copy] for copy in copies if copy in whole.again}
        times = whole.received_at, whole.visible_at, whole.available_at
        super().__init__(copies, *times, [], again, [])
        self.whole = whole


def whole(receipt: Receipt) -> Receipt:
    """The receipt by which the queue knows what *receipt* holds."""
    return receipt.whole if isinstance(receipt, Sifted) else receipt


def part_of(receipt: Receipt, copies: list[int]) -> tuple[Receipt, Receipt | None]:
    """What a receive holds of *copies*, and of the others, if there are some; the queue knows the whole."""
    chosen, held = set(copies), whole(receipt)
    rest = [copy for copy in receipt.received if copy not in chosen]
    mine = [copy for copy in receipt.received if copy in chosen]
    return Sifted(held, mine), Sifted(held, rest) if rest else None


class Stopped(Batch):
    """Messages with which Lambda refuses to invoke a function once more: their chain is a loop."""

    __slots__ = ()

    def __init__(self, receipt: Receipt, causes: dict[int, int], now: int) -> None:
        super().__init__(receipt, causes)
        n = len(self.copies)
        self.attempt = Attempt.STOPPED
        self.attempts = [int(Attempt.STOPPED)] * n
        self.began_at = self.over_at = now
        self.started_at = self.ended_at = [NONE] * n
        self.deleted_at = [now] * n


class _Dropped(Batch):
    """Messages of one receive that no handler is to see."""

    __slots__ = ()

    def __init__(self, receipt: Receipt, causes: dict[int, int]) -> None:
        super().__init__(receipt, causes)
        self.attempt = Attempt.FILTERED_OUT
        self.attempts = [int(Attempt.FILTERED_OUT)] * len(receipt.received)
