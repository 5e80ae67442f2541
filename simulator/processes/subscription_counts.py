"""What became of the messages that a topic published to one subscription, counted."""

from simulator.recording.recorder import Recorder
from simulator.recording.tables import Cause, Quantity


class SubscriptionCounts:
    """Counts of one subscription: published = filtered out + delivered + dead-lettered + lost + under way.

    Attributes
    ----------
    retried, failed_attempts : int
        Attempts after the first, and attempts that failed; not messages.
    dead_letter_failed : int
        Of the lost: those whose dead-letter queue refused them.
    """

    __slots__ = (
        "dead_letter_failed", "dead_lettered", "delivered", "failed_attempts", "filtered_out", "lost",
        "published", "retried",
    )  # fmt: skip

    def __init__(self) -> None:
        self.published = self.filtered_out = self.delivered = 0
        self.retried = self.failed_attempts = 0
        self.dead_lettered = self.dead_letter_failed = 0
        self.lost: dict[Cause, int] = {}

    def finish_run(self, recorder: Recorder, thing: int, now: int) -> None:
        """Write down the counts of *thing* at the end of the run, *now* [us]."""
        for quantity, value in (
            (Quantity.PUBLISHED, self.published),
            (Quantity.KEPT_OUT, self.filtered_out),
            (Quantity.DELIVERED, self.delivered),
            (Quantity.RETRIED, self.retried),
            (Quantity.FAILED_TO_DELIVER, self.failed_attempts),
            (Quantity.DEAD_LETTERED, self.dead_lettered),
            (Quantity.DEAD_LETTER_FAILED, self.dead_letter_failed),
            (Quantity.LOST, sum(self.lost.values())),
        ):
            if value:
                recorder.change(thing, int(quantity), value, 0, now)
