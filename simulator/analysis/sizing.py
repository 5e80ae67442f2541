"""The smallest value of a setting that keeps its promises: what was looked at, and what was found."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.analysis.answer import Verdict
from simulator.analysis.sweeps import Point


@dataclass(frozen=True)
class Sizing:
    """What a search found.

    Parameters
    ----------
    path : str
        The setting.
    values : sequence of str
        The range it was searched in, from where promises are hardest to keep to where they are easiest.
    looked : sequence of Point
        The points that were simulated, in the order of *values*; each with all its runs.
    metric : str
        Key of the number that a picture is of.
    found : Point, optional
        The first that holds, and holds again in runs of its own; None where none does.
    monotone : bool
        No point that holds comes before one that is crossed; else all points were simulated.
    runs, bisection_runs : int
        Runs carried out, and those of a bisection that knows the response to be monotone.
    guess : str
        Where it began, from Little's law and Erlang C; "" where they say nothing.
    """

    path: str
    values: Sequence[str]
    looked: Sequence[Point]
    metric: str
    found: Point | None
    monotone: bool
    runs: int
    bisection_runs: int
    guess: str

    @property
    def before(self) -> Point | None:
        """The nearest point looked at on the harder side of what was found."""
        return self._beside(-1)

    @property
    def after(self) -> Point | None:
        """The nearest point looked at on the easier side of what was found."""
        return self._beside(1)

    @property
    def undecided(self) -> tuple[Point, ...]:
        """Points that may hold or not, for all their runs."""
        return tuple(point for point in self.looked if point.verdict is Verdict.UNDECIDED)

    def _beside(self, step: int) -> Point | None:
        if self.found is None:
            return None
        place = self.looked.index(self.found) + step
        return self.looked[place] if 0 <= place < len(self.looked) else None


def is_monotone(looked: Sequence[Point]) -> bool:
    """Whether no point that holds comes before one that is crossed: both are said with 95% confidence."""
    verdicts = [point.verdict for point in looked]
    first = next((place for place, one in enumerate(verdicts) if one is Verdict.HOLDS), len(verdicts))
    return Verdict.CROSSED not in verdicts[first:]
