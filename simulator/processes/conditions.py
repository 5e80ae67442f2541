"""The conditions under which a consumer or a downstream works, as faults change them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Trouble:
    """What one fault does to the conditions of what it meets.

    Attributes
    ----------
    slow : float
        Work that begins meanwhile lasts that many times as long.
    errors : float
        Share of attempts that fail by it, besides all other causes.
    down, hang : bool
        Nothing is answered: calls are refused at once, or with ``hang`` never answered.
    """

    slow: float = 1.0
    errors: float = 0.0
    down: bool = False
    hang: bool = False


class Conditions:
    """How things are now; ``slow`` 1, ``errors`` 0 and not ``down`` is a good day.

    Troubles that overlap: their slowings multiply, their errors are independent causes (an attempt
    succeeds if it passes each), and one that is down is enough.
    """

    __slots__ = ("_troubles", "down", "errors", "hang", "slow")

    slow: float
    errors: float
    down: bool
    hang: bool

    def __init__(self) -> None:
        self._troubles: list[Trouble] = []
        self._combine()

    def begin(self, trouble: Trouble) -> None:
        """A fault begins."""
        self._troubles.append(trouble)
        self._combine()

    def end(self, trouble: Trouble) -> None:
        """A fault that began ends."""
        self._troubles.remove(trouble)
        self._combine()

    def _combine(self) -> None:
        slow, passed = 1.0, 1.0
        for trouble in self._troubles:
            slow *= trouble.slow
            passed *= 1.0 - trouble.errors
        self.slow, self.errors = slow, 1.0 - passed if passed < 1.0 else 0.0
        self.down = any(trouble.down for trouble in self._troubles)
        self.hang = any(trouble.hang for trouble in self._troubles)
