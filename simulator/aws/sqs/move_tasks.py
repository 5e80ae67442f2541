"""Message move tasks, which redrive what was dead-lettered (StartMessageMoveTask; SQS guide)."""

from typing import Any, Final, Literal, Protocol

from simulator.aws.sqs.receipt import NEVER, Receipt

_HELD_US: Final = 1_000_000  # from the receive to the delete at the same instant: any but 0


class Source(Protocol):
    """A queue of either kind, as far as a task needs it."""

    def receive_message(
        self, now: int, max_number_of_messages: int = 1, visibility_timeout_us: int | None = None
    ) -> Receipt | None:
        """Give out what is visible."""

    def delete_messages(self, now: int, receipt: Any, copies: list[int]) -> list[int]:
        """Delete by a receipt of its own."""


class MoveTask:
    """Takes messages out of a dead-letter queue, one by one at a rate, until it finds none that is visible.

    The first at the start, then one each 1 / *per_s*. A moved message is a new one where it arrives: new id,
    new sent time, retention anew; giving it that is the caller's part. A move is no receive: it counts for
    no maxReceiveCount. What stands behind a locked or delayed message of its group on a FIFO queue stays.

    Parameters
    ----------
    source : Source
        The dead-letter queue.
    started_at : int
        When the task starts [us].
    per_s : int
        MaxNumberOfMessagesPerSecond.
    """

    def __init__(self, source: Source, started_at: int, per_s: int) -> None:
        self.status: Literal["RUNNING", "COMPLETED", "CANCELLED"] = "RUNNING"
        self.moved = 0
        self._source = source
        self._started_at = started_at
        self._per_s = per_s

    def next_at(self) -> int:
        """When the next message moves [us]; NEVER when the task has ended."""
        if self.status != "RUNNING":
            return NEVER
        return self._started_at + self.moved * 1_000_000 // self._per_s

    def take(self, now: int) -> list[int]:
        """Take out what is to move by *now* [us]; the copies, in their order.

        What the redrive policy of the source itself would move meanwhile is taken as well, at once: the
        next ones wait the longer for it.
        """
        taken: list[int] = []
        while self.next_at() <= now:
            receipt = self._source.receive_message(now, 1, _HELD_US)
            if receipt is None:
                self.status = "COMPLETED"
                break
            moved = receipt.moved + self._source.delete_messages(now, receipt, receipt.copies)
            self.moved += len(moved)
            taken += moved
        return taken

    def cancel(self) -> None:
        """CancelMessageMoveTask: what has moved stays where it is."""
        if self.status == "RUNNING":
            self.status = "CANCELLED"
