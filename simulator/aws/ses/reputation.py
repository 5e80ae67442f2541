"""What SES thinks of a sender: shares of hard bounces and complaints, and what follows from them.

Source: SES's developer guide, "Reputation": bounces from 5% put the account under review, from 10% sending
may be paused; complaints from 0.1% and 0.5%. The shares are over a "representative volume" that is not
published: here it is the last so many recipients, and nobody is judged before there have been as many.
"""

from enum import IntEnum


class Standing(IntEnum):
    """How the account stands."""

    GOOD = 0
    UNDER_REVIEW = 1
    PAUSED = 2


class Reputation:
    """Bounces and complaints among the last recipients.

    Parameters
    ----------
    volume : int
        Recipients that shares are taken over.
    bounce_review, bounce_pause, complaint_review, complaint_pause : float
        Shares from which the account is under review, or paused. A pause lasts until AWS lifts it.
    """

    def __init__(
        self,
        volume: int,
        *,
        bounce_review: float,
        bounce_pause: float,
        complaint_review: float,
        complaint_pause: float,
    ) -> None:
        self.standing = Standing.GOOD
        self.sent = 0
        """Recipients so far."""
        self._volume = volume
        self._bounces = Marked(volume)
        self._complaints = Marked(volume)
        self._limits = ((bounce_review, complaint_review), (bounce_pause, complaint_pause))

    @property
    def bounce_share(self) -> float:
        """Share of the last recipients that bounced for good, as far as it is known."""
        return self._bounces.count / self._volume

    @property
    def complaint_share(self) -> float:
        """Share of the last recipients that complained, as far as it is known."""
        return self._complaints.count / self._volume

    def send(self) -> int:
        """One more recipient; its number, for what becomes known of it later."""
        number = self.sent
        self.sent += 1
        self._bounces.forget(number)
        self._complaints.forget(number)
        self._judge()
        return number

    def bounce(self, number: int) -> None:
        """A recipient bounced for good."""
        self._bounces.mark(number, self.sent)
        self._judge()

    def complain(self, number: int) -> None:
        """A recipient complained."""
        self._complaints.mark(number, self.sent)
        self._judge()

    def _judge(self) -> None:
        if self.standing is Standing.PAUSED:
            return
        self.standing = Standing.GOOD
        if self.sent < self._volume:
            return
        for standing, (bounces, complaints) in zip(
            (Standing.UNDER_REVIEW, Standing.PAUSED), self._limits, strict=True
        ):
            if self.bounce_share >= bounces or self.complaint_share >= complaints:
                self.standing = standing


class Marked:
    """Which of the last *size* numbers are marked; ``count`` of them are."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self._marks = bytearray(size)

    def forget(self, number: int) -> None:
        """*number* is the newest: its place was that of the one that is too old now."""
        place = number % len(self._marks)
        self.count -= self._marks[place]
        self._marks[place] = 0

    def mark(self, number: int, newest: int) -> None:
        """Mark *number*, if it is among the last; *newest* is the number after the newest."""
        place = number % len(self._marks)
        if newest - number <= len(self._marks) and not self._marks[place]:
            self._marks[place] = 1
            self.count += 1
