"""A closed log of batches, and the rows it stands for."""

from collections.abc import Callable

import numpy as np

from simulator.recording.tables import NONE, Arrival, Attempt, Cause, Fate

Columns = dict[str, np.ndarray]


class Odd:
    """What is not ordinary about one delivery of a batch, and about its copy.

    An ordinary delivery is the first, succeeds and deletes its copy. ``closes`` says that the copy's stay
    in the queue ends with this row.
    """

    __slots__ = (
        "arrival",
        "arrived_at",
        "attempt",
        "cause",
        "closes",
        "deleted",
        "fate",
        "first_received_at",
        "first_started_at",
        "receive_count",
        "receives",
        "repeated",
        "succeeded_at",
    )

    def __init__(self, attempt: int, receive_count: int, cause: int) -> None:
        self.attempt = attempt
        self.receive_count = receive_count
        self.cause = cause
        self.deleted = False
        self.repeated = False
        self.closes = False
        self.fate = int(Fate.DELETED)
        self.receives = 1
        self.arrival = int(Arrival.SEND)
        self.arrived_at = NONE
        self.first_received_at = NONE
        self.first_started_at = NONE
        self.succeeded_at = NONE


class BatchLog:
    """Batches whose fates are known, in the order they became known.

    Parameters
    ----------
    batches : array, shape (batches, 9)
        Consumer, queue, init_us, attempt, began_at, over_at, number of copies, downstream_us, waiting_us.
    copies, received, started, ended, left : array, shape (copies,)
        Batch after batch.
    odd : dict
        What is not ordinary, by place among the copies.
    """

    def __init__(
        self,
        batches: np.ndarray,
        copies: np.ndarray,
        received: np.ndarray,
        started: np.ndarray,
        ended: np.ndarray,
        left: np.ndarray,
        odd: dict[int, Odd],
    ) -> None:
        self.batches = batches
        self.copies = copies
        self._received = received
        self._started = started
        self._ended = ended
        self._left = left
        self._sizes = batches[:, 6]
        self._of_batch = np.repeat(np.arange(len(batches)), self._sizes)
        self._places = np.fromiter(odd.keys(), dtype=np.int64, count=len(odd))
        self._odd = list(odd.values())

    def _column(self, ordinary: int | np.ndarray, value: Callable[[Odd], int]) -> np.ndarray:
        column = np.empty(len(self.copies), dtype=np.int64)
        column[:] = ordinary
        if self._odd:
            column[self._places] = [value(odd) for odd in self._odd]
        return column

    def deliveries(self, first: int, first_invocation: int) -> Columns:
        """Rows of ``deliveries``, numbered from *first*."""
        return {
            "delivery": np.arange(first, first + len(self.copies)),
            "copy": self.copies,
            "queue": self.batches[self._of_batch, 1],
            "consumer": self.batches[self._of_batch, 0],
            "invocation": self._of_batch + first_invocation,
            "receive_count": self._column(1, lambda odd: odd.receive_count),
            "received_at": self._received,
            "started_at": self._started,
            "ended_at": self._ended,
            "left_at": self._left,
            "attempt": self._column(int(Attempt.SUCCEEDED), lambda odd: odd.attempt),
            "deleted": self._column(1, lambda odd: odd.deleted),
            "cause": self._column(int(Cause.NOTHING), lambda odd: odd.cause),
            "repeated": self._column(0, lambda odd: odd.repeated),
        }

    def invocations(self, first: int) -> Columns:
        """Rows of ``invocations``, numbered from *first*."""
        batches = self.batches
        kept = np.array([not odd.deleted for odd in self._odd], dtype=bool)
        return {
            "invocation": np.arange(first, first + len(batches)),
            "consumer": batches[:, 0],
            "started_at": batches[:, 4],
            "ended_at": batches[:, 5],
            "init_us": batches[:, 2],
            "messages": self._sizes,
            "failed": np.bincount(self._of_batch[self._places[kept]], minlength=len(batches)),
            "attempt": batches[:, 3],
            "downstream_us": batches[:, 7],
            "waiting_us": batches[:, 8],
        }

    def stays(self) -> Columns:
        """Rows of ``copies`` that these batches close, as far as they know them."""
        closes = self._column(1, lambda odd: odd.closes).astype(bool)
        # A copy deleted after its timeout ended had left flight before it left the queue.
        ended = np.maximum(self._left, self._ended)
        stay: Columns = {
            "copy": self.copies,
            "queue": self.batches[self._of_batch, 1],
            "arrival": self._column(int(Arrival.SEND), lambda odd: odd.arrival),
            "arrived_at": self._column(NONE, lambda odd: odd.arrived_at),
            "first_received_at": self._column(self._received, lambda odd: odd.first_received_at),
            "first_started_at": self._column(self._started, lambda odd: odd.first_started_at),
            "succeeded_at": self._column(self._ended, lambda odd: odd.succeeded_at),
            "ended_at": ended,
            "receives": self._column(1, lambda odd: odd.receives),
            "fate": self._column(int(Fate.DELETED), lambda odd: odd.fate),
            "cause": np.full(len(self.copies), int(Cause.NOTHING)),
        }
        return {name: column[closes] for name, column in stay.items()}
