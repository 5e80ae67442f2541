"""ReceiveRequestAttemptId: a receive whose answer was lost can be asked for again."""

from collections import deque

from simulator.aws.sqs.flights import FifoReceipt


class ReceiveAttempts:
    """Answers of receives that named an attempt, for a window from the receive (BOTO).

    Parameters
    ----------
    window_us : int
        How long an attempt is remembered [us].
    """

    __slots__ = ("_answers", "_order", "window_us")

    def __init__(self, window_us: int) -> None:
        self.window_us = window_us
        self._answers: dict[str, tuple[int, FifoReceipt]] = {}
        self._order: deque[tuple[int, str]] = deque()

    def answer(self, now: int, attempt_id: str) -> FifoReceipt | None:
        """The answer of that attempt, if at *now* [us] none of its messages was changed since.

        Deleted, changed in its visibility, or visible again: then the attempt is a receive like any other.
        """
        order = self._order
        while order and order[0][0] <= now - self.window_us:
            at, old = order.popleft()
            if old in self._answers and self._answers[old][0] == at:
                del self._answers[old]
        known = self._answers.get(attempt_id)
        return known[1] if known is not None and known[1].holds_all(now) else None

    def remember(self, now: int, attempt_id: str, receipt: FifoReceipt) -> None:
        """*receipt* is what the attempt got at *now* [us]."""
        self._answers[attempt_id] = now, receipt
        self._order.append((now, attempt_id))

    def clear(self) -> None:
        """Forget all."""
        self._answers.clear()
        self._order.clear()
