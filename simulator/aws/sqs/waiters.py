"""Who waits in a long poll, and which of them a message wakes."""


class Waiters:
    """Idle consumers in a long poll of one queue, as counts.

    A message wakes one waiter. Which one AWS does not say; the model is any of them with equal
    chance, so a consumer with twice the polls open gets twice the messages (model).
    """

    __slots__ = ("_counts", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.total = 0

    def wait(self, consumer: int, polls: int = 1) -> None:
        """*polls* more long polls of *consumer* are open."""
        self._counts[consumer] = self._counts.get(consumer, 0) + polls
        self.total += polls

    def withdraw(self, consumer: int, polls: int = 1) -> None:
        """*polls* open long polls of *consumer* have ended: answered, run out or closed."""
        self._counts[consumer] -= polls
        self.total -= polls

    def waiting(self, consumer: int) -> int:
        """Open long polls of *consumer*."""
        return self._counts.get(consumer, 0)

    def pick(self, chance: float) -> int:
        """The consumer woken, by a number *chance* in [0, 1); there must be one waiting."""
        if len(self._counts) == 1:
            return next(iter(self._counts))
        left = int(chance * self.total)
        for consumer, polls in self._counts.items():
            left -= polls
            if left < 0:
                return consumer
        raise LookupError("nobody waits")
